"""Layers in pictures: how far the norm that a layer was divided by lies from its operator's norm."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, HAIR, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, expect_shape, rule

__all__ = ["layer_norms_figure", "layer_norms_phone"]


def layer_norms_figure(names: Sequence[str], naive: Tensor, exact: Tensor) -> go.Figure:
    """Return what is left of each layer's operator norm after dividing by the one norm and by the other.

    A dot at 1 is a layer that stretches by 1 at most and no less: what the division promises.

    Args:
        names: Of the layers, the first on top.
        naive: Operator norms after dividing by the norm of the reshaped weight matrix, ``(K,)``.
        exact: Operator norms after dividing by the norm of the operator itself, ``(K,)``.

    Raises:
        ValueError: If shapes do not fit.

    Chapter 1.
    """
    expect_shape("naive", naive, (len(names),), "one norm for each of `names`")
    expect_shape("exact", exact, (len(names),), "one norm for each of `names`")
    everything = [1.0, *naive.tolist(), *exact.tolist()]
    room = 0.08 * (max(everything) - min(everything)) + 0.02
    shape = layout(
        height=140 + 44 * len(names),
        margin={"l": 56, "r": 16, "t": 44, "b": 44},
        xaxis={"title": "operator norm after division", "range": [min(everything) - room, max(everything) + room]},
        yaxis={
            "showline": False,
            "ticks": "",
            "tickvals": list(range(len(names))),
            "ticktext": list(names),
            "range": [len(names) - 0.5, -0.5],
        },
        shapes=[rule(x=1)],
        annotations=[_name_above(row, name) for row, name in enumerate(names)],
        **KEY_ABOVE,
    )
    return go.Figure(
        [
            _span(naive, exact),
            _dots("divided by the matrix's norm", naive, WARM, names),
            _dots("divided by the operator's norm", exact, ACCENT, names),
        ],
        shape,
    )


def layer_norms_phone(count: int) -> dict[str, object]:
    """Return the layout of `layer_norms_figure` on a narrow screen: names above their lines, where they cost no width.

    Args:
        count: Number of layers.

    Chapter 1.
    """
    above = {f"annotations[{row}].visible": True for row in range(count)}
    return {"margin.l": 12, "yaxis.showticklabels": False, **above}


def _name_above(row: int, name: str) -> dict:
    """Return a layer's name above its line, right of the line at 1; only a phone shows it."""
    where = {"x": 1, "y": row, "xanchor": "left", "yanchor": "bottom", "xshift": 8, "yshift": 7}
    return {"text": name, "showarrow": False, "visible": False, "font": {"size": 12}, **where}


def _span(naive: Tensor, exact: Tensor) -> go.Scatter:
    """Return a hair from each naive dot to the exact one."""
    pairs = list(zip(naive.tolist(), exact.tolist(), strict=True))
    return go.Scatter(
        x=[x for pair in pairs for x in (*pair, None)],
        y=[y for row in range(len(pairs)) for y in (row, row, None)],
        mode="lines",
        line={"color": HAIR, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )


def _dots(words: str, norms: Tensor, colour: str, names: Sequence[str]) -> go.Scatter:
    return go.Scatter(
        x=norms.numpy(),
        y=list(range(len(names))),
        mode="markers",
        name=words,
        marker={"color": colour, "size": 11, "symbol": "circle" if colour == ACCENT else "diamond"},
        customdata=list(names),
        hovertemplate=f"%{{customdata}}, {words}: %{{x:.3g}}<extra></extra>",
    )
