"""How narrow posteriors fool an estimate: of labels that were drawn by lot, it finds everything."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, expect_shape, rule

__all__ = ["memory_figure"]

COLOURS = (WARM, ACCENT)


def memory_figure(widths: Tensor, curves: Mapping[str, Tensor], entropy: float) -> go.Figure:
    """Return estimates against the width of posteriors.

    Args:
        widths: Standard deviations, ``(S,)``.
        curves: By name, at most two, estimates in nats, ``(S,)``.
        entropy: Of the labels, in nats.

    Raises:
        ValueError: If there are more than two curves, or shapes do not fit.

    Chapter 4.
    """
    if len(curves) > len(COLOURS):
        raise ValueError(f"`curves` has {len(curves)} of them, but there are {len(COLOURS)} colours")
    figure = go.Figure(layout=layout(height=350, margin={"l": 46, "r": 44, "t": 34, "b": 44}, **KEY_ABOVE))
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        expect_shape(name, values, tuple(widths.shape), "one for each width")
        words = f"{name}: %{{y:.3f}} nats at a width of %{{x:.3g}}<extra></extra>"
        line = {"color": colour, "width": 2}
        y = values.double().numpy().round(4)
        figure.add_scatter(x=widths.numpy(), y=y, mode="lines", line=line, name=name, hovertemplate=words)
    figure.add_shape(rule(y=entropy))
    where = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "y": entropy}
    figure.add_annotation(text="H(l)", showarrow=False, **where)
    ends = [float(widths.min().log10()), float(widths.max().log10())]
    x = {"type": "log", "range": ends, "tickvals": [0.1, 1, 10], "title": "standard deviation of the posteriors"}
    figure.update_layout(xaxis=x, yaxis={"title": "nats"})
    return figure
