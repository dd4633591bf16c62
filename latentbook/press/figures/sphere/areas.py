"""How large the unit sphere is, by its dimension: it grows, and then vanishes."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import NEUTRAL, rule
from latentbook.sphere import log_sphere_area

__all__ = ["areas_figure"]


def areas_figure(most: int = 30) -> go.Figure:
    """Return the areas of spheres against their own dimension; the largest, and the first below 1, are named.

    Args:
        most: The largest dimension, at least 18.

    Raises:
        ValueError: If the first area below 1 would not be seen.

    Chapter 5.
    """
    dims = [*range(1, most + 1)]
    areas = [math.exp(log_sphere_area(dim + 1)) for dim in dims]
    largest = areas.index(max(areas))
    below = next((place for place, area in enumerate(areas) if area < 1), None)
    if below is None:
        raise ValueError(f"`most` is {most}, but the first sphere of an area below 1 is S^18: show as many")
    figure = go.Figure(layout=layout(height=330, margin={"l": 44, "r": 12, "t": 16, "b": 44}))
    colours = [WARM if place in (largest, below) else ACCENT for place in range(len(dims))]
    figure.add_scatter(
        x=dims,
        y=[round(area, 5) for area in areas],
        mode="lines+markers",
        line={"color": NEUTRAL, "width": 1},
        marker={"color": colours, "size": 8},
        hovertemplate="S<sup>%{x}</sup> in R<sup>%{customdata}</sup>: %{y:.4g}<extra></extra>",
        customdata=[dim + 1 for dim in dims],
    )
    # The second where a phone has room for it: it begins left of its point, and above the falling line.
    for place, words, shift, before in ((largest, "the largest", 14, 0), (below, "first below 1", 28, 2)):
        figure.add_annotation(
            x=dims[place] - before,
            y=areas[place],
            text=f"S<sup>{dims[place]}</sup>, {areas[place]:.3g}: {words}",
            showarrow=False,
            yshift=shift,
            xanchor="left",
        )
    figure.add_shape(rule(y=1.0))
    figure.update_layout(
        xaxis={"title": "dimension of the sphere, m − 1", "range": [0, most + 1]},
        yaxis={"title": "area", "range": [0, 1.15 * areas[largest]]},
    )
    return figure
