"""Known answers in pictures: free factors of drawn images against the dimensions that were found."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape

__all__ = ["factors_figure"]


def factors_figure(true: Tensor, found: Tensor, names: Sequence[str]) -> go.Figure:
    """Return the dimensions that were found against the factors that were free, beside the line where they agree.

    Args:
        true: Known number of free factors, ``(S,)``.
        found: Dimensions found, ``(S,)``.
        names: What was free in each set, as in ``"position, size"``.

    Raises:
        ValueError: If shapes do not fit.

    Chapter 1.
    """
    expect_shape("true", true, (None,), "one number for each set")
    expect_shape("found", found, (len(true),), "one number for each of `true`")
    if len(names) != len(true):
        raise ValueError(f"`names` has {len(names)} names for {len(true)} sets: one for each of `true`")
    most = max(float(true.max()), float(found.max())) + 0.8
    diagonal = go.Scatter(
        x=[0, most], y=[0, most], mode="lines", line={"color": NEUTRAL, "width": 1, "dash": "dash"}, hoverinfo="skip"
    )
    dots = go.Scatter(
        x=true.numpy(),
        y=found.numpy(),
        mode="markers",
        marker={"color": ACCENT, "size": 11},
        customdata=list(names),
        hovertemplate="%{customdata}: %{x} free, %{y} found<extra></extra>",
    )
    # Words on the right of a dot far to the right need room.
    wide = 1.2 * most if bool(((found < true) & (true > most / 2)).any()) else most
    ticks = {"dtick": 1 if most < 12 else None}
    shape = layout(
        height=300,
        margin={"l": 48, "r": 16, "t": 16, "b": 44},
        xaxis={"title": "free factors", "range": [0, wide], **ticks},
        yaxis={"title": "dimensions found", "range": [0, most], **ticks},
        annotations=_factor_labels(true, found, names, most),
    )
    return go.Figure([diagonal, dots], shape)


def _factor_labels(true: Tensor, found: Tensor, names: Sequence[str], most: float) -> list[dict]:
    """Return what was free beside the first dot of that name, clear of the line where both numbers agree."""
    named = zip(_increments(names), true, found, strict=True)
    first = {(name, float(x)): float(y) for name, x, y in reversed(list(named))}
    return [_factor_label(name, x, y, most) for (name, x), y in first.items()]


def _increments(names: Sequence[str]) -> list[str]:
    """Return of each name only what it adds to the one before, as in "x", "+ y", "+ size"."""
    return [
        f"+ {name.removeprefix(before + ', ')}" if name.startswith(before + ", ") else name
        for before, name in zip(["", *names], names, strict=False)
    ]


def _factor_label(name: str, x: float, y: float, most: float) -> dict:
    """Return a label above its dot and to the left, or beside it on the right."""
    left = (y > x and x > most / 3) or (y == x and x > most / 2)
    side, height, across, up = ("right", "bottom", 6, 6) if left else ("left", "top", 10, 9)
    lines = textwrap.wrap(name, 20 if left or x < most / 2 else 11)
    where = {"x": x, "y": y, "xanchor": side, "yanchor": height, "align": side, "xshift": across, "yshift": up}
    return {"text": "<br>".join(lines), "showarrow": False, "font": {"size": 12}, **where}
