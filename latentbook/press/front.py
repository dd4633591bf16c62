"""Text pages that show a chapter's lead: the front page has the explorer that chapter 2 begins with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from latentbook.press.notebooks import WIDGET, code_cells, tags

__all__ = ["with_leads"]

STATE = "application/vnd.jupyter.widget-state+json"
# What is said about a lead stands between two lines, and goes with it.
MARKED = re.compile(r"<!-- lead of (\S+) -->\n(.*?)<!-- end of lead -->\n", re.DOTALL)


def with_leads(text: str, executed: Mapping[str, NotebookNode | None]) -> str:
    """Return a text page with a chapter's leading widget wherever it asks for one.

    Args:
        text: Markdown, with ``<!-- lead of 2-isometry-ellipses -->``, what is said about it, and
            ``<!-- end of lead -->``.
        executed: Chapters by name; of one that has not run, or shows no widget, nothing is said.
    """

    def put(found: re.Match[str]) -> str:
        lead = _lead(executed.get(found[1]))
        return f"{lead}\n{found[2]}" if lead else ""

    return MARKED.sub(put, text)


def _lead(executed: NotebookNode | None) -> str:
    state = executed.metadata.get("widgets", {}).get(STATE) if executed else None
    name = _model(executed) if executed else None
    if not state or name not in state["state"]:
        return ""
    own = {**state, "state": {name: state["state"][name]}}
    return f'<div class="lb-lead">\n{_script(WIDGET, {"model_id": name})}\n{_script(STATE, own)}\n</div>'


def _model(executed: NotebookNode) -> str | None:
    """Return the name of the widget that a chapter's lead shows."""
    for cell in code_cells(executed):
        for output in cell.outputs if "lead" in tags(cell) else []:
            if WIDGET in output.get("data", {}):
                return output.data[WIDGET]["model_id"]
    return None


def _script(kind: str, content: dict[str, Any]) -> str:
    # Nothing in it may end the element that it stands in.
    safe = json.dumps(content).replace("</", r"<\/")
    return f'<script type="{kind}">{safe}</script>'
