"""Small tables under a cell: a name and some values in every row."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from latentbook.press.figures import caption_output

__all__ = ["table"]

# A number that is below zero, as Python writes it.
NEGATIVE = re.compile(r"-(?=[\d.])")


def table(columns: Sequence[str], rows: Mapping[str, Sequence[object]], caption: str = "") -> None:
    """Display a table; on a narrow screen it scrolls by itself.

    Args:
        columns: Titles of the values.
        rows: By the name of the row, one value for each column, as text or written as `str` writes it; numbers below
            zero get a real minus.
        caption: A sentence or two below it; inline HTML is allowed.

    Raises:
        ValueError: If a row has another number of values.

    All chapters.
    """
    from IPython.display import display

    cells = {name: [_written(value) for value in values] for name, values in rows.items()}
    for name, values in cells.items():
        if len(values) != len(columns):
            raise ValueError(f"`rows[{name!r}]` has {len(values)} values for {len(columns)} `columns`")
    display({"text/html": _as_html(columns, cells), "text/plain": _as_text(columns, cells)}, raw=True)
    if caption:
        display(caption_output(caption), raw=True)


def _written(value: object) -> str:
    """Return a value as text, with a minus where a number begins with a hyphen."""
    text = str(value)
    return "−" + text[1:] if NEGATIVE.match(text) else text


def _as_html(columns: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in columns)
    body = "".join(_row(name, values) for name, values in cells.items())
    whole = f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    # What scrolls can be reached by key.
    return f'<div class="lb-table" tabindex="0"><table>{whole}</table></div>'


def _row(name: str, values: Sequence[str]) -> str:
    inside = "".join(f"<td>{html.escape(value)}</td>" for value in values)
    return f'<tr><th scope="row">{html.escape(name)}</th>{inside}</tr>'


def _as_text(columns: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    lines = [["", *columns], *([name, *values] for name, values in cells.items())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns) + 1)]
    padded = (
        [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    )
    return "\n".join("  ".join(line).rstrip() for line in padded)
