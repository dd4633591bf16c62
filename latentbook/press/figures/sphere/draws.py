"""Means of draws, or of their slopes, against what they should be, as the concentration grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape, trace_axes
from latentbook.press.figures.sphere.panels import KEY_ON_TOP, panels_phone, place_panel

__all__ = ["DRAWS_PHONE", "DrawsPanel", "draws_figure"]

COLOURS = (WARM, ACCENT)
SYMBOLS = ("x", "circle-open")
GAP, ABOVE, BELOW = 0.08, 62, 44

DRAWS_PHONE: dict[str, object] = panels_phone(3, 230, 72, ABOVE + BELOW)


@dataclass(frozen=True)
class DrawsPanel:
    """What one panel shows.

    Attributes:
        title: What is drawn, and of which sphere.
        kappa: K concentrations, above 0.
        theory: What means should be, ``(K)``.
        means: By name, at most two: means of draws, ``(K)``; the names are those of every panel.
    """

    title: str
    kappa: Tensor
    theory: Tensor
    means: Mapping[str, Tensor]


def draws_figure(panels: Sequence[DrawsPanel]) -> go.Figure:
    """Return panels of means of draws around the line on which they should lie.

    Args:
        panels: Two or three.

    Raises:
        ValueError: If there are fewer or more, more than two kinds of draws, or shapes do not fit.

    Chapter 5.
    """
    if not 2 <= len(panels) <= 3:
        raise ValueError(f"`panels` has {len(panels)} of them: give two or three")
    figure = go.Figure(layout=layout(height=350, margin={"l": 44, "r": 8, "t": ABOVE, "b": BELOW}, **KEY_ON_TOP))
    width = (1 - GAP * (len(panels) - 1)) / len(panels)
    for index, panel in enumerate(panels):
        _add_panel(figure, index, panel)
        left = index * (width + GAP)
        place_panel(figure, index, (left, left + width), panel.title, {"type": "log", "title": "κ"}, {})
    return figure


def _add_panel(figure: go.Figure, index: int, panel: DrawsPanel) -> None:
    if len(panel.means) > len(COLOURS):
        raise ValueError(f"`means` has {len(panel.means)} kinds of draws, but there are {len(COLOURS)} colours")
    expect_shape("theory", panel.theory, tuple(panel.kappa.shape), "one for each concentration")
    axes, x = trace_axes(index), panel.kappa.tolist()
    first = {"showlegend": index == 0}
    words = "%{y:.4g} at κ = %{x:.3g}"
    line = {"color": NEUTRAL, "width": 2, "simplify": False}
    told = {"name": "exact", "legendgroup": "exact", "hovertemplate": f"exact: {words}<extra></extra>"}
    figure.add_scatter(x=x, y=panel.theory.tolist(), mode="lines", line=line, **told, **first, **axes)
    for (name, values), colour, symbol in zip(panel.means.items(), COLOURS, SYMBOLS, strict=False):
        expect_shape(name, values, tuple(panel.kappa.shape), "one for each concentration")
        marker = {"color": colour, "size": 7, "symbol": symbol}
        told = {"name": name, "legendgroup": name, "hovertemplate": f"{name}: {words}<extra></extra>"}
        figure.add_scatter(x=x, y=values.tolist(), mode="markers", marker=marker, **told, **first, **axes)
