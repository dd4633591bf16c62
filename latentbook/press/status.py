"""The status page: what was computed, where, for how long, and which claims held."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latentbook.press.claims import Finding
from latentbook.press.execute import Report

if TYPE_CHECKING:
    from latentbook.press.plan import Built

__all__ = ["failure_notice", "not_yet_notice", "page", "summary"]


def page(built: Sequence[Built], findings: Mapping[str, list[Finding]]) -> str:
    """Return the status page as Markdown: a table of the runs, the failures, the versions."""
    runs = [_run_row(item, findings[item.chapter.name]) for item in built]
    failed = [_failure_row(item) for item in built if item.report.error]
    facts = [item.notebook.metadata.get("latentbook", {}) for item in built if item.notebook]
    versions = facts[0].get("versions", {}) if facts else {}
    return "\n".join(
        [
            "# Status",
            "",
            "What this copy of the book was computed with. Every number on its pages comes from these runs.",
            "",
            "| chapter | claims | scale | data | device | time | processor time | peak memory | package |",
            "|:--|:--|:--|:--|:--|--:|--:|--:|:--|",
            *runs,
            "",
            *(["## Failed", "", "<ul>", *failed, "</ul>", ""] if failed else []),
            "## Versions",
            "",
            ", ".join(f"{name} {version}" for name, version in versions.items()) or "Nothing ran.",
            "",
        ]
    )


def summary(findings: Sequence[Finding]) -> str:
    """Return how many claims hold, in words."""
    words = ("inside", "outside", "missing", "unlisted", "no band")
    counts = {word: sum(seen.verdict == word for seen in findings) for word in words}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"


def failure_notice(report: Report) -> str:
    """Return what stands on the page of a chapter that failed."""
    where = f" in code cell {report.cell + 1}" if report.cell is not None else ""
    trace = _literal("\n".join(report.trace))
    return (
        f'<div class="lb-failed"><p><strong>This chapter failed{where}.</strong> {_literal(report.error)}</p>'
        f"<pre>{trace}</pre></div>"
    )


def not_yet_notice(name: str) -> str:
    """Return what stands on the page of a chapter that has not run."""
    return f"Not executed yet: `make book CHAPTER={name}`."


def _literal(text: str) -> str:
    """Return text as HTML that Markdown leaves alone: an empty line would end the block."""
    return html.escape(text).replace("\n", "&#10;")


def _failure_row(item: Built) -> str:
    # As HTML, so that nothing in the message is read as Markdown.
    first_line = item.report.error.partition("\n")[0]
    return f"<li><strong>{item.chapter.name}</strong>: {_literal(first_line)}</li>"


def _run_row(item: Built, findings: Sequence[Finding]) -> str:
    facts = item.notebook.metadata.get("latentbook", {}) if item.notebook else {}
    cells = [
        f"{{doc}}`{item.chapter.name}`",
        "failed" if item.report.error else summary(findings) if item.notebook else "not executed yet",
        item.run["scale"],
        item.run["dataset"],
        facts.get("device", ""),
        # With their units: on a phone the heads of the columns go.
        f"{item.report.seconds:,.0f} s",
        f"{item.report.cpu_seconds:,.0f} CPU-s",
        f"{item.report.peak_bytes / 2**20:,.0f} MB",
        f"`{facts.get('package', '')}`",
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
