"""Where chapters 2 and 3 meet: what geodesics gain as a decoder becomes an isometry, and distances with and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape, layout_axes, stacked, trace_axes

__all__ = ["best_factor", "distances_figure", "distances_phone", "over_lambda_figure"]

GAP, ABOVE, BELOW = 0.12, 30, 44


def over_lambda_figure(lambdas: Sequence[float], improvements: Tensor) -> go.Figure:
    """Return the improvement in percent for each weight: mean, and a bar from the 10th to the 90th percentile.

    Args:
        lambdas: Weights, the first of them 0.
        improvements: ``(L, P)``, as fractions.

    Raises:
        ValueError: If there is not one row for each weight.

    Chapter 3.
    """
    expect_shape("improvements", improvements, (len(lambdas), None), "one row for each weight")
    values = 100 * improvements.detach().cpu().double().numpy()
    mean = values.mean(1)
    # Not as plotly's error bars: a mean of few large values may lie above nine tenths of them.
    low, high = np.percentile(values, [10, 90], axis=1)
    place = np.arange(len(lambdas))
    bars = go.Scatter(
        x=np.stack([place, place, place], 1).ravel(),
        y=np.stack([low, high, np.full_like(low, np.nan)], 1).ravel().round(3),
        mode="lines",
        line={"color": ACCENT, "width": 6},
        opacity=0.45,
        hoverinfo="skip",
    )
    means = go.Scatter(
        x=place,
        y=mean.round(3),
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 8},
        hovertemplate="mean %{y:.2f} %<extra></extra>",
    )
    shape = layout(
        height=320,
        margin={"l": 56, "r": 16, "t": 12, "b": 44},
        xaxis={"title": "weight λ", "tickvals": [*range(len(lambdas))], "ticktext": [f"{lam:g}" for lam in lambdas]},
        yaxis={"title": "shorter than the straight line (%)", "rangemode": "tozero"},
    )
    return go.Figure([bars, means], shape)


def distances_figure(planes: Mapping[str, tuple[Tensor, Tensor]]) -> go.Figure:
    """Return geodesic distances against straight ones of the plane, one dot a pair, and the best single factor.

    Args:
        planes: By title, straight distances in latent space and geodesic distances in data space, ``(P,)`` each.

    Raises:
        ValueError: If there is no plane, or distances do not belong together.

    Chapter 3.
    """
    count = len(planes)
    if not count:
        raise ValueError("`planes` is empty: pass one or more")
    figure = go.Figure(layout=layout(height=340, margin={"l": 56, "r": 12, "t": ABOVE, "b": BELOW}))
    width = (1 - GAP * (count - 1)) / count
    top = 1.05 * max(float(geodesic.max()) for _, geodesic in planes.values())
    for index, (title, (straight, geodesic)) in enumerate(planes.items()):
        expect_shape("distances", geodesic, (len(straight),), "one geodesic for each straight line")
        figure.add_traces(_cloud(straight, geodesic, index))
        (x, y), axes, left = layout_axes(index), trace_axes(index), index * (width + GAP)
        across = {"title": "distance in the plane", "rangemode": "tozero", "anchor": axes["yaxis"]}
        upright: dict[str, Any] = {"range": [0, top], "anchor": axes["xaxis"]}
        if index == 0:
            upright["title"] = "geodesic distance"
        figure.update_layout({x: {**across, "domain": [left, left + width]}, y: upright})
        where = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0, "y": 1}
        figure.add_annotation(
            text=title, showarrow=False, **where, xanchor="left", align="left", yanchor="bottom", yshift=4
        )
    return figure


def distances_phone(count: int) -> dict[str, object]:
    """Return the layout of `distances_figure` on a narrow screen: one below the other.

    Args:
        count: Number of panels.

    Chapter 3.
    """
    height, places = stacked(count, 200, 84)
    phone: dict[str, object] = {"height": height + ABOVE + BELOW}
    for index, place in enumerate(places):
        x, y = layout_axes(index)
        phone |= {f"{x}.domain": [0, 1], f"{y}.domain": place, f"{y}.title.text": "geodesic distance"}
    return phone


def best_factor(straight: Tensor, geodesic: Tensor) -> Tensor:
    """Return the factor that makes straight distances fit geodesic ones best, by least squares.

    Args:
        straight: ``(P,)``.
        geodesic: ``(P,)``.

    Chapter 3.
    """
    return (straight * geodesic).sum() / straight.square().sum()


def _cloud(straight: Tensor, geodesic: Tensor, index: int) -> list[go.Scatter]:
    axes = trace_axes(index)
    x, y = (values.detach().cpu().double().numpy().round(3) for values in (straight, geodesic))
    words = "%{x:.2f} in the plane, %{y:.2f} along the surface<extra></extra>"
    marker = {"color": ACCENT, "size": 4, "opacity": 0.5}
    ends = np.array([0, x.max()])
    # Over the dots: under a narrow cloud it would not be seen.
    line = go.Scatter(
        x=ends,
        y=(ends * float(best_factor(straight, geodesic))).round(3),
        mode="lines",
        line={"color": NEUTRAL, "width": 2, "dash": "dash"},
        hoverinfo="skip",
        **axes,
    )
    return [go.Scatter(x=x, y=y, mode="markers", marker=marker, hovertemplate=words, **axes), line]
