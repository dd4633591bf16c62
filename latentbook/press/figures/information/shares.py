"""Rates of hierarchies as bars: how their layers share what is told of an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from latentbook.press.figures import ACCENT, CLASSES, WARM, layout
from latentbook.press.figures.information.names import rate_name
from latentbook.press.figures.parts import KEY_ABOVE

__all__ = ["shares_figure"]

# Of the layer next to the data first, as in the trader; then those above.
COLOURS = (ACCENT, WARM, CLASSES[5], CLASSES[9])
ROW = 30


def shares_figure(rows: Mapping[str, Sequence[float]]) -> go.Figure:
    """Return a bar for each hierarchy, made of its layers' rates, of the top on the left.

    Args:
        rows: By name, the rates of a hierarchy in nats, of the layer next to the data first; from two to four layers.

    Raises:
        ValueError: If there is no hierarchy, or one has more than four layers.

    Chapter 4.
    """
    if not rows or max(map(len, rows.values())) > len(COLOURS):
        raise ValueError(f"`rows` has {[len(rates) for rates in rows.values()]} layers: give hierarchies of up to four")
    most = max(map(len, rows.values()))
    names = [*rows]
    shape = layout(
        height=96 + ROW * len(rows), margin={"l": 8, "r": 16, "t": 34, "b": 44}, barmode="stack", **KEY_ABOVE
    )
    figure = go.Figure(layout=shape)
    for layer in range(most, 0, -1):
        label = rate_name(layer, most)
        values = [rates[layer - 1] if layer <= len(rates) else 0.0 for rates in rows.values()]
        figure.add_bar(
            y=names,
            x=[round(value, 4) for value in values],
            orientation="h",
            name=label,
            marker={"color": COLOURS[layer - 1], "line": {"width": 0}},
            hovertemplate=f"{label} = %{{x:.2f}} nats<extra>%{{y}}</extra>",
        )
    figure.update_layout(
        xaxis={"title": "nats for each image"},
        yaxis={"autorange": "reversed", "showline": False, "ticks": "", "ticksuffix": "  "},
        bargap=0.35,
        legend={"traceorder": "normal"},
    )
    return figure
