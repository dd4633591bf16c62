"""The same training with different draws: a point for each seed, a line for what the draws make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, WARM, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape, trace_axes
from latentbook.press.figures.sphere.panels import joined, panels_phone, place_panel
from latentbook.press.numbers import in_figures

__all__ = ["SAMPLERS_PHONE", "SamplersPanel", "samplers_figure"]

# Of the first kind, of one in between, and of the last.
LOOKS = ((WARM, "x"), (CLASSES[5], "diamond"), (ACCENT, "circle"))
UPWARDS = "ELBO (nats)"
ABOVE, BELOW = 32, 36

SAMPLERS_PHONE: dict[str, object] = {**panels_phone(2, 230, 70, ABOVE + BELOW), "yaxis2.title.text": UPWARDS}


@dataclass(frozen=True)
class SamplersPanel:
    """What one panel shows.

    Attributes:
        title: Which manifold.
        bounds: By the kind of sampler, at most three, the one that is right last: ELBOs in nats, one
            for each of S seeds, ``(S)``; the kinds are those of every panel.
    """

    title: str
    bounds: Mapping[str, Tensor]


def samplers_figure(panels: Sequence[SamplersPanel]) -> go.Figure:
    """Return panels, at one scale, of what trainings with each kind of sampler reach; lines join the same seed.

    Args:
        panels: Two.

    Raises:
        ValueError: If there are not two, kinds are more than three or not the same, or shapes do not fit.

    Chapter 5.
    """
    if len(panels) != 2:
        raise ValueError(f"`panels` has {len(panels)} of them: give two")
    for panel in panels:
        _check(panel, [*panels[0].bounds])
    every = torch.cat([values for panel in panels for values in panel.bounds.values()])
    low, high = float(every.min()), float(every.max())
    room = 0.06 * (high - low) or 0.1
    figure = go.Figure(layout=layout(height=340, margin={"l": 62, "r": 10, "t": ABOVE, "b": BELOW}))
    for index, panel in enumerate(panels):
        _add_seeds(figure, index, panel)
        kinds = [*panel.bounds]
        x = {"tickvals": [*range(len(kinds))], "ticktext": kinds, "range": [-0.5, len(kinds) - 0.5], "tickangle": 0}
        y = {"range": [low - room, high + room], "title": "" if index else UPWARDS}
        place_panel(figure, index, (0.54 * index, 0.54 * index + 0.46), panel.title, x, y)
    return figure


def _check(panel: SamplersPanel, kinds: list[str]) -> None:
    if not 1 <= len(panel.bounds) <= len(LOOKS) or [*panel.bounds] != kinds:
        found = f"`bounds` of {panel.title} has {[*panel.bounds]}"
        raise ValueError(f"{found}: give from one to {len(LOOKS)} kinds of samplers, the same ones in every panel")
    seeds = len(panel.bounds[kinds[0]])
    for kind, values in panel.bounds.items():
        expect_shape(kind, values, (seeds,), "one for each seed, of which every kind has as many")


def _add_seeds(figure: go.Figure, index: int, panel: SamplersPanel) -> None:
    axes = trace_axes(index)
    bounds = torch.stack([*panel.bounds.values()], -1).double()
    places = torch.arange(bounds.shape[1], dtype=bounds.dtype)
    lines = torch.stack([places.expand_as(bounds), bounds], -1)
    figure.add_trace(joined(lines, {"color": NEUTRAL, "width": 1}, **axes))
    looks = [*LOOKS[: bounds.shape[1] - 1], LOOKS[-1]]
    for place, ((kind, values), (colour, symbol)) in enumerate(zip(panel.bounds.items(), looks, strict=True)):
        figure.add_scatter(
            x=[place] * len(values),
            y=values.numpy().round(4),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9},
            customdata=[f"seed {seed}: {in_figures(value, 4)}" for seed, value in enumerate(values.tolist())],
            hovertemplate=f"{kind}, %{{customdata}} nats<extra>{panel.title}</extra>",
            **axes,
        )
