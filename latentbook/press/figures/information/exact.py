"""The exact hierarchy: its rates and its distortion as a weight goes over two decades."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from latentbook.information import linear_gaussian
from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, layout_axes, rule, trace_axes
from latentbook.press.numbers import in_figures

__all__ = ["EXACT_PHONE", "exact_figure"]

POINTS = 61
# Name, label, colour; as in the trader.
LINES = (("R_2", "R(z₂)", WARM), ("R_1", "R(z₁ | z₂)", ACCENT), ("D", "D", NEUTRAL))
GAP = 0.06

EXACT_PHONE: dict[str, object] = {
    "height": 820,
    **{f"{layout_axes(index)[0]}.domain": [0, 1] for index in range(3)},
    **{f"{layout_axes(index)[1]}.domain": [0.71 - 0.355 * index, 0.98 - 0.355 * index] for index in range(3)},
}


def exact_figure(above: Sequence[float], data_variance: float = 3.0) -> go.Figure:
    """Return the rates and the distortion against the weight of z_1, a panel for each weight of z_2.

    Args:
        above: Three weights of z_2.
        data_variance: As `latentbook.information.linear_gaussian` takes it.

    Raises:
        ValueError: If there are not three weights.

    Chapter 4.
    """
    if len(above) != 3:
        raise ValueError(f"`above` has {len(above)} weights, but there are three panels")
    below = torch.logspace(-1, 1, POINTS, dtype=torch.float64)
    figure = go.Figure(layout=layout(height=350, margin={"l": 40, "r": 8, "t": 62, "b": 44}, **KEY_ABOVE))
    width = (1 - 2 * GAP) / 3
    for index, weight in enumerate(above):
        found, axes = linear_gaussian(below, weight, data_variance), trace_axes(index)
        for name, label, colour in LINES:
            words = f"{label} = %{{y:.3f}} nats at β₁ = %{{x:.2f}}<extra></extra>"
            y = found[name].numpy().round(4)
            # Plotly thins a line at its first size; when the page then makes it wider, corners would show.
            line = {"color": colour, "width": 2, "simplify": False}
            key = {"name": label, "legendgroup": name, "showlegend": index == 0}
            x = below.numpy().round(4)
            figure.add_scatter(x=x, y=y, mode="lines", line=line, hovertemplate=words, **key, **axes)
        figure.add_annotation(
            text=f"β₂ = {in_figures(weight)}",
            showarrow=False,
            **{"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0, "y": 1},
            xanchor="left",
            yanchor="bottom",
            yshift=6,
        )
        x, y = layout_axes(index)
        left = index * (width + GAP)
        figure.update_layout(
            {
                x: {
                    "type": "log",
                    "domain": [left, left + width],
                    "anchor": axes["yaxis"],
                    "tickvals": [0.1, 1, 10],
                    "title": "β₁, on z₁",
                },
                y: {"range": [0, 3.2], "anchor": axes["xaxis"], "title": "nats" if index == 0 else ""},
            }
        )
        # Where the weight of z_1 is the plain ELBO's.
        figure.add_shape({**rule(x=1.0), "xref": axes["xaxis"], "yref": f"{axes['yaxis']} domain"})
    figure.update_layout(legend={"y": 1.1})
    return figure
