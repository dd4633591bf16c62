"""Densities of laws about a direction, by the angle from it, against that of the uniform law."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape, layout_axes, trace_axes
from latentbook.press.figures.sphere.panels import KEY_ON_TOP, panels_phone, place_panel
from latentbook.press.numbers import in_figures

__all__ = ["LAWS_PHONE", "LawsPanel", "laws_figure"]

LOOKS = ((ACCENT, "solid"), (CLASSES[5], "dash"), (CLASSES[9], "dot"))
# Below the first nothing is shown. A line that falls to the second, or to nothing, leaves the panel on its way there.
FLOOR, DEPTH = 1e-6, 1e-12
ABOVE, BELOW, GAP = 66, 48, 0.08
ANGLES = (0, 45, 90, 135, 180)
UPWARDS = "times the uniform density"
POWERS = {"exponentformat": "power", "tickfont": {"size": 11}}

# Of three panels; the key takes two lines.
LAWS_PHONE: dict[str, object] = {
    **panels_phone(3, 200, 74, ABOVE + 16 + BELOW),
    "margin.t": ABOVE + 16,
    **{f"{layout_axes(index)[1]}.title.text": UPWARDS for index in range(3)},
}


@dataclass(frozen=True)
class LawsPanel:
    """What one panel shows.

    Attributes:
        title: Of which sphere, and how concentrated.
        degrees: K angles from the mean direction, from 0 to 180, ascending.
        ratios: By the name of a law, at most three: densities as multiples of the uniform law's, ``(K)``; the names
            are those of every panel.
    """

    title: str
    degrees: Tensor
    ratios: Mapping[str, Tensor]


def laws_figure(panels: Sequence[LawsPanel]) -> go.Figure:
    """Return panels of densities against the angle from the mean direction.

    The scales are logarithmic; each panel goes up to its own largest density, all begin at the same one.

    Args:
        panels: Two or three.

    Raises:
        ValueError: If there are fewer or more, more than three laws, or names or shapes do not fit.

    Chapter 5.
    """
    if not 2 <= len(panels) <= 3:
        raise ValueError(f"`panels` has {len(panels)} of them: give two or three")
    for panel in panels:
        _check(panel, [*panels[0].ratios])
    margin = {"l": 62, "r": 10, "t": ABOVE, "b": BELOW}
    figure = go.Figure(layout=layout(height=370, margin=margin, **KEY_ON_TOP))
    width = (1 - GAP * (len(panels) - 1)) / len(panels)
    for index, panel in enumerate(panels):
        _add_lines(figure, index, panel)
        left = index * (width + GAP)
        degrees = {"tickvals": ANGLES, "ticktext": [f"{angle}°" for angle in ANGLES]}
        x = {"title": "angle from the mean direction", "range": [0, 180], **degrees}
        y = {"type": "log", "range": _scale(panel), "title": "" if index else UPWARDS, **POWERS}
        place_panel(figure, index, (left, left + width), panel.title, x, y)
    return figure


def _check(panel: LawsPanel, names: list[str]) -> None:
    if not 1 <= len(panel.ratios) <= len(LOOKS) or [*panel.ratios] != names:
        found = f"`ratios` of {panel.title} has {[*panel.ratios]}"
        raise ValueError(f"{found}: give from one to {len(LOOKS)} laws, the same ones in every panel")
    for name, values in panel.ratios.items():
        expect_shape(name, values, tuple(panel.degrees.shape), "one for each angle")
        if not bool((values >= 0).all()):
            raise ValueError(f"`{name}` of {panel.title} holds {float(values.min())}: no density is below 0, or nan")


def _scale(panel: LawsPanel) -> list[float]:
    """Return from which power of ten to which a panel goes up."""
    most = max(float(values.max()) for values in panel.ratios.values())
    low = math.log10(FLOOR)
    high = math.log10(max(most, 1.0))
    return [low, high + 0.04 * (high - low)]


def _add_lines(figure: go.Figure, index: int, panel: LawsPanel) -> None:
    axes, first = trace_axes(index), {"showlegend": index == 0}
    x = panel.degrees.numpy().round(3)
    for (name, values), (colour, dash) in zip(panel.ratios.items(), LOOKS, strict=False):
        figure.add_scatter(
            x=x,
            y=[float(f"{value:.4g}") for value in values.clamp_min(DEPTH).tolist()],
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash, "simplify": False},
            name=name,
            legendgroup=name,
            customdata=[in_figures(value) for value in values.tolist()],
            hovertemplate=f"{name}: %{{customdata}} × uniform at %{{x:.3g}}°<extra></extra>",
            **first,
            **axes,
        )
    line = {"color": NEUTRAL, "width": 1}
    key = {"name": "uniform", "legendgroup": "uniform", "hoverinfo": "skip"}
    figure.add_scatter(x=[0, 180], y=[1, 1], mode="lines", line=line, **key, **first, **axes)
