"""A sweep as a timeline: a row for each process that worked, a bar for each part of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import rule

__all__ = ["Bar", "timeline_figure"]

ROW, AROUND = 44, 90


class Bar(NamedTuple):
    """What a process did.

    Attributes:
        who: The process.
        began: In seconds from the sweep's start.
        ended: Likewise.
        what: In words, for who points at it.
    """

    who: str
    began: float
    ended: float
    what: str


def timeline_figure(bars: Sequence[Bar], killed: tuple[str, float] | None = None) -> go.Figure:
    """Return bars in rows, one for each process, in the order in which they began.

    Args:
        bars: What was done.
        killed: A process that was killed, and when, in seconds from the sweep's start.

    Raises:
        ValueError: If there are no bars.

    All chapters.
    """
    if not bars:
        raise ValueError("`bars` is empty: nobody has done anything yet")
    in_order = sorted(bars, key=lambda bar: bar.began)
    names = list(dict.fromkeys([bar.who for bar in in_order]))
    look = {"color": ACCENT, "line": {"width": 2, "color": "rgba(0,0,0,0)"}}
    figure = go.Figure(
        go.Bar(
            y=[bar.who for bar in in_order],
            base=[round(bar.began, 2) for bar in in_order],
            x=[round(bar.ended - bar.began, 2) for bar in in_order],
            orientation="h",
            marker=look,
            customdata=[[bar.what, bar.ended] for bar in in_order],
            hovertemplate="%{customdata[0]}<br>%{base:.1f} to %{customdata[1]:.1f} s<extra>%{y}</extra>",
            showlegend=False,
        )
    )
    figure.update_layout(layout(height=AROUND + ROW * len(names), margin={"l": 8, "r": 16, "t": 26, "b": 44}))
    figure.update_layout(
        xaxis={"title": "seconds since the start", "rangemode": "tozero"},
        yaxis={
            "categoryorder": "array",
            "categoryarray": names[::-1],
            "showline": False,
            "ticks": "",
            "ticksuffix": "  ",
        },
        bargap=0.45,
        barmode="overlay",
    )
    if killed:
        _mark(figure, *killed)
    return figure


def _mark(figure: go.Figure, who: str, when: float) -> None:
    """Draw where a process was killed."""
    cross = {"symbol": "x", "size": 12, "color": WARM}
    words = f"killed at {when:.1f} s<extra>{who}</extra>"
    figure.add_scatter(x=[when], y=[who], mode="markers", marker=cross, hovertemplate=words, showlegend=False)
    figure.add_shape(rule(x=when))
    figure.add_annotation(text="SIGKILL", x=when, y=1, yref="paper", yanchor="bottom", showarrow=False)
