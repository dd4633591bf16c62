"""How much geodesics gain over many pairs: one dot a pair, and their mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape, rule

__all__ = ["improvements_figure"]

# Warm is for what is wrong, and no model is.
COLOURS = (ACCENT, CLASSES[5], CLASSES[9], CLASSES[0])
# Height of a row, and how far dots of one value are moved apart within it.
ROW, JITTER = 28, 0.3
LEFT = 76


def improvements_figure(groups: Mapping[str, Mapping[str, Tensor]]) -> go.Figure:
    """Return relative improvements in percent: a row for each model within each experiment, one dot a pair.

    Args:
        groups: By experiment, by model, improvements ``(P,)`` as fractions.

    Raises:
        ValueError: If there is no experiment, one has more models than there are colours, or improvements are not one
            for each pair.

    Chapter 3.
    """
    if not groups:
        raise ValueError("`groups` is empty: pass one experiment or more")
    if max(map(len, groups.values())) > len(COLOURS):
        raise ValueError(f"`groups` has an experiment with more than {len(COLOURS)} models")
    # A group is a line for its name, one for each model, and half a line of air.
    starts = np.cumsum([0, *(len(models) + 1.3 for models in groups.values())])
    figure = go.Figure(layout=layout(height=round(52 + ROW * starts[-1]), margin={"l": LEFT, "r": 16, "t": 8, "b": 44}))
    places, names, zeros = [], [], []
    for (title, models), start in zip(groups.items(), starts, strict=False):
        # From the left edge, over the models' names.
        where = {"xref": "paper", "x": 0, "xanchor": "left", "align": "left", "xshift": 8 - LEFT, "y": -start}
        figure.add_annotation(text=f"<b>{title}</b>", showarrow=False, **where)
        # Where a geodesic gains nothing; not through the title.
        zeros.append({**rule(x=0), "yref": "y", "y0": -(start + 0.4), "y1": -(start + 0.4 + len(models))})
        for row, (name, improvement) in enumerate(models.items()):
            expect_shape(f"improvements of {name}", improvement, (None,), "one for each pair")
            places.append(-(start + 0.9 + row))
            names.append(name)
            figure.add_traces(_row(places[-1], improvement, COLOURS[row], name))
    figure.update_layout(
        xaxis={"title": "shorter than the straight line (%)", "zeroline": False},
        yaxis={
            "tickvals": places,
            "ticktext": names,
            "range": [0.8 - starts[-1], 0.5],
            "showline": False,
            "ticks": "",
        },
        shapes=zeros,
    )
    return figure


def _row(place: float, improvement: Tensor, colour: str, name: str) -> list[go.Scatter]:
    values = 100 * improvement.detach().cpu().double().numpy()
    # Neighbours in value get different heights, the same on every machine.
    height = np.empty(len(values))
    height[np.argsort(values)] = JITTER * np.sin(2.4 * np.arange(len(values)))
    dots = go.Scatter(
        x=values.round(3),
        y=(place + height).round(3),
        mode="markers",
        marker={"color": colour, "size": 5, "opacity": 0.6},
        hovertemplate=f"{name}: %{{x:.2f}} %<extra></extra>",
    )
    mark = {"symbol": "line-ns", "size": 22, "line": {"color": NEUTRAL, "width": 3}}
    words = f"{name}: mean {values.mean():.2f} %<extra></extra>"
    mean = go.Scatter(x=[values.mean().round(3)], y=[place], mode="markers", marker=mark, hovertemplate=words)
    return [dots, mean]
