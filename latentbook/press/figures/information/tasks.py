"""Three tasks at once: every hierarchy of a grid as a point of their three metrics, a surface to be turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import HAIR, INK, MUTED, WARM, layout
from latentbook.press.figures.parts import MAGNITUDE, expect_shape
from latentbook.press.numbers import in_figures

__all__ = ["Axis", "tasks_figure"]

Axis = tuple[str, Tensor]
# Of the names of the best ones, beside their dots and not on each other.
PLACES = ("middle right", "middle left", "top center")


def tasks_figure(axes: Sequence[Axis], share: Tensor, betas: Sequence[float]) -> go.Figure:
    """Return the surface that a grid of hierarchies is in the space of three metrics, and the best cell of each.

    Args:
        axes: Three metrics, of which larger is better: title, and values ``(A, B)``.
        share: What is shown as brightness: the part of the total rate that the top layer has, ``(A, B)``.
        betas: The weights of rows and columns, for what is said of a point.

    Raises:
        ValueError: If there are not three metrics, or shapes differ.

    Chapter 4.
    """
    if len(axes) != 3:
        raise ValueError(f"`axes` has {len(axes)} metrics, but space has three")
    for title, values in axes:
        expect_shape(f"values of {title}", values, tuple(share.shape), "one for each cell")
    values = [value.numpy() for _, value in axes]
    figure = go.Figure(layout=layout(height=520, margin={"l": 0, "r": 0, "t": 8, "b": 8}))
    x, y, z = (value.round(4) for value in values)
    bar = {"title": {"text": "share of the top"}, "thickness": 10, "len": 0.6, "outlinewidth": 0, "nticks": 4, "x": 1.0}
    figure.add_trace(
        go.Surface(
            x=x, y=y, z=z, surfacecolor=share.numpy().round(3), colorscale=MAGNITUDE, opacity=0.85,
            colorbar=bar, hoverinfo="skip", lighting={"ambient": 0.8, "diffuse": 0.3, "specular": 0.02},
        )
    )  # fmt: skip
    figure.add_trace(_cells([title for title, _ in axes], values, betas))
    figure.add_traces([_best(title, index, values, betas) for index, (title, _) in enumerate(axes)])
    line = {"showbackground": False, "gridcolor": HAIR, "linecolor": HAIR, "zeroline": False, "showspikes": False}
    sides = {
        f"{name}axis": {**line, "title": {"text": title, "font": {"size": 12}}, "tickfont": {"size": 11, "color": INK}}
        for name, (title, _) in zip("xyz", axes, strict=True)
    }
    # The first metric across, so that its best is far from the third's.
    camera = {"eye": {"x": 0.7, "y": -2.25, "z": 0.6}}
    figure.update_layout(scene={**sides, "aspectmode": "cube", "dragmode": "turntable", "camera": camera})
    return figure


def _words(titles: Sequence[str], weights: str) -> str:
    metrics = "<br>".join(f"{title}: %{{{name}:.3f}}" for title, name in zip(titles, "xyz", strict=True))
    return f"{weights}<br>{metrics}<extra></extra>"


def _cells(titles: Sequence[str], values: Sequence[np.ndarray], betas: Sequence[float]) -> go.Scatter3d:
    weights = [[in_figures(low), in_figures(high)] for low in betas for high in betas]
    x, y, z = (value.flatten().round(4) for value in values)
    words = _words(titles, "β₁ = %{customdata[0]}, β₂ = %{customdata[1]}")
    look: dict[str, Any] = {"size": 2.5, "color": MUTED}
    return go.Scatter3d(x=x, y=y, z=z, mode="markers", marker=look, customdata=weights, hovertemplate=words)


def _best(title: str, index: int, values: Sequence[np.ndarray], betas: Sequence[float]) -> go.Scatter3d:
    best = int(np.nanargmax(values[index]))
    row, column = divmod(best, len(betas))
    x, y, z = ([value.flatten()[best].round(4)] for value in values)
    words = f"best {title}<br>β₁ = {in_figures(betas[row])}, β₂ = {in_figures(betas[column])}"
    return go.Scatter3d(
        x=x, y=y, z=z, mode="markers+text", text=[f"best {title}"], textposition=PLACES[index],
        textfont={"size": 12, "color": INK}, marker={"size": 6, "color": WARM}, hovertemplate=words + "<extra></extra>",
    )  # fmt: skip
