"""Code cells in the page: first what they show, then the line that unfolds the code, and what it printed on the way.

In JupyterLab nothing of this happens: the notebook keeps the order in which it runs.
"""

from __future__ import annotations

import html
import re

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

__all__ = ["CodeLast", "close_fold", "open_fold"]

# What `latentbook.learning.progress` leaves behind.
PROGRESS = re.compile(r"(.+: )?[\d,]+ (of [\d,]+ )?steps in \d+ s")


class CodeLast(SphinxPostTransform):
    """Move folded code behind its output, so that keys and screen readers meet a figure where the eye does."""

    # After myst-nb has folded the code.
    default_priority = 200
    formats = ("html",)

    def run(self, **_: object) -> None:
        """Change every code cell of a page in place."""
        cells = [node for node in self.document.findall(nodes.container) if node.get("nb_element") == "cell_code"]
        for cell in cells:
            fold = next(iter(cell.findall(HideCodeCellNode)), None)
            if fold and cell["hide_mode"] == "all":
                fold["prompt_show"], fold["prompt_hide"] = "Show a solution", "Hide the solution"
            behind = fold if fold and cell["hide_mode"] == "input" else None
            if behind:
                cell.remove(behind)
                cell.append(behind)
            _gather_progress(cell, behind)


def open_fold(writer, node: HideCodeCellNode) -> None:
    """Write a fold as myst-nb does, but let its prompt name it: there all are labelled "Toggle hidden content"."""
    prompts = {"collapsed": node["prompt_show"], "expanded": node["prompt_hide"]}
    words = "".join(f'<p class="{state} admonition-title">{html.escape(text)}</p>' for state, text in prompts.items())
    writer.body.append(f'<details class="admonition hide {" ".join(node["classes"])}"><summary>{words}</summary>\n')


def close_fold(writer, _: HideCodeCellNode) -> None:
    """Write the end of a fold."""
    writer.body.append("</details>\n")


def _gather_progress(cell: nodes.container, behind: nodes.Element | None) -> None:
    """Put a cell's lines of progress together: at the end of a fold, or else where the first of them stood."""
    blocks = [block for block in cell.findall(nodes.literal_block) if PROGRESS.fullmatch(block.astext().strip())]
    if not blocks:
        return
    note = nodes.line_block("", *(nodes.line(text=block.astext().strip()) for block in blocks), classes=["lb-progress"])
    if behind:
        behind.append(note)
    else:
        blocks[0].parent.insert(blocks[0].parent.index(blocks[0]), note)
    for block in blocks:
        block.parent.remove(block)
