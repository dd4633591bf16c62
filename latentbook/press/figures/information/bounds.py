"""Accuracies of probes against rates, and the bound that no classifier of drawn codes is above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.information import accuracy_bound
from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, expect_shape, layout_axes, trace_axes

__all__ = ["BOUND_PHONE", "Codes", "bound_figure"]

# Nats below which a rate is drawn as if it were these: its axis is logarithmic.
LEAST, MOST, POINTS = 1e-3, 60.0, 160
TICKS = {1e-3: "≤ 0.001", 0.01: "0.01", 0.1: "0.1", 1.0: "1", 10.0: "10"}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")

BOUND_PHONE: dict[str, object] = {
    "height": 760,
    "xaxis.domain": [0, 1],
    "xaxis2.domain": [0, 1],
    "yaxis.domain": [0.57, 1],
    "yaxis2.domain": [0, 0.43],
    "yaxis2.title.text": "accuracy",
}


class Codes(NamedTuple):
    """What probes of one layer reach.

    Attributes:
        title: Which layer's, and which rate bounds them.
        rates: Of all cells, ``(N,)``, in nats.
        drawn: By the kind of probe, accuracies on drawn codes, ``(N,)``.
        most_probable: Likewise, on most probable codes.
    """

    title: str
    rates: Tensor
    drawn: Mapping[str, Tensor]
    most_probable: Mapping[str, Tensor]


def bound_figure(layers: Sequence[Codes], class_probs: Tensor) -> go.Figure:
    """Return a panel for each layer: accuracies against the rate, and the best that it allows.

    Args:
        layers: Two of them.
        class_probs: Probability of each class, ``(M,)``.

    Raises:
        ValueError: If there are not two layers, or shapes do not fit.

    Chapter 4.
    """
    if len(layers) != 2:
        raise ValueError(f"`layers` has {len(layers)} of them, but there are two panels")
    figure = go.Figure(layout=layout(height=430, margin={"l": 46, "r": 10, "t": 64, "b": 44}, **KEY_ABOVE))
    figure.update_layout(legend={"y": 1.1})
    rates = torch.logspace(np.log10(LEAST), np.log10(MOST), POINTS, dtype=torch.float64)
    best = accuracy_bound(rates, class_probs)
    for index, codes in enumerate(layers):
        axes, (x, y) = trace_axes(index), layout_axes(index)
        line = {"color": NEUTRAL, "width": 2}
        above = {"name": "the bound f⁻¹(R)", "hoverinfo": "skip", "showlegend": index == 0}
        figure.add_scatter(x=rates.numpy(), y=best.numpy().round(4), mode="lines", line=line, **above, **axes)
        for kinds, colour, words in (
            (codes.most_probable, WARM, "most probable codes"),
            (codes.drawn, ACCENT, "drawn codes"),
        ):
            figure.add_traces(_dots(codes, kinds, colour, words, index == 0, axes))
        left = 0.54 * index
        figure.update_layout(
            {
                x: {
                    "type": "log",
                    "range": [np.log10(0.8 * _decade(codes.rates)), np.log10(MOST)],
                    "tickvals": [*TICKS],
                    "ticktext": [*TICKS.values()],
                    "domain": [left, left + 0.46],
                    "anchor": axes["yaxis"],
                    "title": codes.title,
                },
                y: {"range": [0, 1.02], "anchor": axes["xaxis"], "title": "accuracy" if index == 0 else ""},
            }
        )
    return figure


def _decade(rates: Tensor) -> float:
    """Return the power of ten where an axis begins: the last one below all rates."""
    return 10.0 ** np.floor(np.log10(rates.clamp_min(LEAST).min().item()))


def _dots(
    codes: Codes, kinds: Mapping[str, Tensor], colour: str, words: str, named: bool, axes: dict[str, str]
) -> list[go.Scatter]:
    found = []
    for number, (kind, accuracies) in enumerate(kinds.items()):
        expect_shape(f"accuracies of {kind}", accuracies, tuple(codes.rates.shape), "one for each rate")
        look = {"symbol": SYMBOLS[number], "size": 6, "color": colour, "opacity": 0.75}
        found.append(
            go.Scatter(
                x=codes.rates.clamp_min(LEAST).numpy().round(5),
                y=accuracies.numpy().round(4),
                mode="markers",
                marker=look,
                name=words,
                legendgroup=words,
                showlegend=named and number == 0,
                hovertemplate=f"{kind}, {words}: %{{y:.3f}} at %{{x:.3g}} nats<extra></extra>",
                **axes,
            )
        )
    return found
