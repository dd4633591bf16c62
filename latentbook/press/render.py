"""Pages: their sources put together from today's text and the kept executions, rendered by Sphinx, warnings fatal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from latentbook.core import write_atomically
from latentbook.press import claims, front, notebooks, status
from latentbook.press.plan import BuildError, Built, Order

__all__ = ["last_findings", "render"]

MANIFEST = "build.json"


def render(order: Order, built: list[Built], work: Path) -> Path | None:
    """Put the pages' sources together and run Sphinx over them; return the finished tree, None if it failed."""
    stage = work / "stage"
    _stage(order, built, stage)
    command = [_jupyter_book(), "build", stage, "--path-output", work, "--all"]
    plain = {**os.environ, "NO_COLOR": "1"}
    words = [*command, "-W", "-n", "--keep-going"]
    done = subprocess.run(words, capture_output=True, text=True, env=plain, check=False, preexec_fn=_end_with_parent())
    tree = work / "_build" / "html"
    if done.returncode:
        said = (done.stdout + done.stderr).replace(str(stage), str(order.root)).splitlines()
        complaints = [line for line in said if "WARNING" in line or "ERROR" in line]
        print("the pages were NOT rendered, the last good ones stand:", flush=True)
        print("\n".join(complaints or said[-20:]), flush=True)
        return None
    write_atomically(tree / MANIFEST, json.dumps(_manifest(built), indent=1).encode())
    return tree


def _jupyter_book() -> Path:
    beside = Path(sys.executable).with_name("jupyter-book")
    found = beside if beside.exists() else shutil.which("jupyter-book")
    if found is None:
        raise BuildError("`jupyter-book` is not installed: `pip install -e .[book]`")
    return Path(found)


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before it starts, so that it ends when this process does, even by SIGKILL."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc, set_parent_death_signal = ctypes.CDLL(None), 1
    return lambda: libc.prctl(set_parent_death_signal, signal.SIGKILL) and None


def _stage(order: Order, built: list[Built], stage: Path) -> None:
    book = stage / "book"
    book.mkdir(parents=True)
    shutil.copy(order.root / "_config.yml", stage)
    executed = {item.chapter.name: item.notebook for item in built}
    for file in (order.root / "book").glob("*.md"):
        (book / file.name).write_text(front.with_leads(file.read_text(), executed))
    for pattern in ("*.bib", "*.svg", "*.png"):
        for file in (order.root / "book").glob(pattern):
            shutil.copy(file, book)
    known = claims.load(order.root / "book" / "claims.yml")
    findings = {item.chapter.name: _findings(item, known) for item in built}
    for item in built:
        page = _page(item, known)
        nbformat.write(page, book / item.chapter.path.name)
    (book / "status.md").write_text(status.page(built, findings))
    contents = yaml.safe_load((order.root / "_toc.yml").read_text())
    for part in contents["parts"]:
        part["chapters"] = [entry for entry in part["chapters"] if _exists(stage, entry["file"])]
    contents["parts"] = [part for part in contents["parts"] if part["chapters"]]
    (stage / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False))


def _exists(stage: Path, entry: str) -> bool:
    return any((stage / f"{entry}{ending}").exists() for ending in (".md", ".ipynb"))


def _findings(item: Built, known: Mapping[str, claims.Claim]) -> list[claims.Finding]:
    notebook = None if item.report.error else item.notebook
    return claims.rows(item.chapter.name, notebook, known, item.run)


def _page(item: Built, known: Mapping[str, claims.Claim]) -> NotebookNode:
    if item.notebook is None:
        notice = status.failure_notice(item.report) if item.report.error else status.not_yet_notice(item.chapter.name)
        return notebooks.placeholder(item.chapter.name, notice)
    if not item.report.error:
        claims.refresh(item.notebook, known, item.run)
    page = notebooks.with_outputs(item.chapter.notebook, item.notebook, item.values)
    if item.report.error:
        page.cells.insert(1, nbformat.v4.new_markdown_cell(status.failure_notice(item.report)))
    return page


def _manifest(built: list[Built]) -> dict:
    return {
        item.chapter.name: {
            "error": item.report.error,
            "run": item.run,
            "notebook": item.file.name if item.file else None,
        }
        for item in built
    }


def last_findings(root: Path, output: Path) -> dict[str, list[claims.Finding]]:
    """Return the findings of the pages that stand in a folder, from the executed notebooks behind them.

    Args:
        root: The checkout.
        output: Where the pages are.

    Raises:
        BuildError: If there are none.
    """
    file = output / MANIFEST
    if not file.is_file():
        raise BuildError(f"{output} holds no finished book: run `make book` first")
    known, found = claims.load(root / "book" / "claims.yml"), {}
    for name, entry in json.loads(file.read_text()).items():
        if not entry["notebook"] and not entry["error"]:
            continue  # not executed yet: nothing is claimed
        notebook = notebooks.read(root / "_build" / "executed" / entry["notebook"]) if entry["notebook"] else None
        found[name] = claims.rows(name, notebook, known, entry["run"])
    return found
