"""Panels of chapter 5: side by side in the page, one below the other on a phone; and many lines as one."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures.parts import KEY_ABOVE, layout_axes, stacked, trace_axes

__all__ = ["KEY_ON_TOP", "joined", "panels_phone", "place_panel"]

# Of a figure's height, not of its plot's: the same place on a phone, where the plot is higher.
KEY_ON_TOP: dict[str, Any] = {
    **KEY_ABOVE,
    "legend": {**KEY_ABOVE["legend"], "yref": "container", "y": 1.0, "yanchor": "top"},
}


def place_panel(
    figure: go.Figure, index: int, span: tuple[float, float], title: str, x: dict[str, Any], y: dict[str, Any]
) -> None:
    """Give a panel its place, its axes, and its title above it on the left.

    Args:
        figure: Whose layout changes.
        index: Of the panel, from 0.
        span: From where to where it goes across, as shares of the plot.
        title: The words.
        x: What else its horizontal axis is.
        y: Likewise, the vertical one.

    Chapter 5.
    """
    (across, up), axes = layout_axes(index), trace_axes(index)
    figure.update_layout({across: {"domain": span, "anchor": axes["yaxis"], **x}, up: {"anchor": axes["xaxis"], **y}})
    where = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0, "y": 1, "align": "left"}
    figure.add_annotation(text=title, showarrow=False, **where, xanchor="left", yanchor="bottom", yshift=6)


def panels_phone(count: int, size: int, gap: int, margins: int) -> dict[str, object]:
    """Return the layout of panels one below the other.

    Args:
        count: Number of panels.
        size: Height of each, in CSS pixels.
        gap: Between two of them, for ticks and titles, in CSS pixels.
        margins: Above and below them all, in CSS pixels.

    Chapter 5.
    """
    height, places = stacked(count, size, gap)
    phone: dict[str, object] = {"height": height + margins}
    for index, place in enumerate(places):
        x, y = layout_axes(index)
        phone |= {f"{x}.domain": [0, 1], f"{y}.domain": place}
    return phone


def joined(lines: Tensor, look: dict[str, Any], **more: Any) -> go.Scatter:
    """Return lines as one trace: a point that is no number lifts the pen.

    Args:
        lines: L lines of P points, ``(L, P, 2)``.
        look: Of the lines, as plotly takes it.
        more: What else the trace is.

    Chapter 5.
    """
    lifted = torch.cat([lines, torch.full_like(lines[:, :1], torch.nan)], 1).reshape(-1, 2).numpy().round(4)
    x, y = lifted.T
    return go.Scatter(x=x, y=y, mode="lines", line=look, **{"hoverinfo": "skip", "showlegend": False, **more})
