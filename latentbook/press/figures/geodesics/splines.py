"""A spline, its control points, and a knot that is inserted."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.geodesics import CubicBSpline
from latentbook.press.figures import ACCENT, MUTED, layout
from latentbook.press.figures.parts import expect_shape, layout_axes, stacked, trace_axes

__all__ = ["splines_figure", "splines_phone"]

ALONG = 120
GAP, ABOVE, BELOW = 0.04, 30, 8


def splines_figure(curves: Mapping[str, CubicBSpline]) -> go.Figure:
    """Return curves of the plane at one scale, with their control points, and where their spans meet.

    Args:
        curves: By title; one curve each.

    Raises:
        ValueError: If there is none, or one is not a curve of a plane.

    Chapter 3.
    """
    count = len(curves)
    if not count:
        raise ValueError("`curves` is empty: pass one or more")
    for title, curve in curves.items():
        expect_shape(f"points of {title}", curve.points, (None, 2), "one curve of a plane")
    points = torch.cat([curve.points.detach().cpu().double() for curve in curves.values()])
    across, upright = (_range(side) for side in points.unbind(-1))
    figure = go.Figure(layout=layout(height=210, margin={"l": 8, "r": 8, "t": ABOVE, "b": BELOW}))
    width = (1 - GAP * (count - 1)) / count
    for index, (title, curve) in enumerate(curves.items()):
        figure.add_traces(_drawn(curve, index))
        (x, y), axes, left = layout_axes(index), trace_axes(index), index * (width + GAP)
        bare = {"visible": False, "constrain": "domain"}
        figure.update_layout({x: {**bare, "range": across, "domain": [left, left + width], "anchor": axes["yaxis"]}})
        figure.update_layout({y: {**bare, "range": upright, "scaleanchor": axes["xaxis"], "anchor": axes["xaxis"]}})
        where = {"xref": f"{axes['xaxis']} domain", "yref": "paper", "x": 0.5, "y": 1}
        figure.add_annotation(text=title, showarrow=False, **where, yanchor="bottom", yshift=4)
    return figure


def splines_phone(count: int) -> dict[str, object]:
    """Return the layout of `splines_figure` on a narrow screen: one below the other.

    Args:
        count: Number of curves.

    Chapter 3.
    """
    height, places = stacked(count, 170, 34)
    phone: dict[str, object] = {"height": height + ABOVE + BELOW}
    for index, place in enumerate(places):
        x, y = layout_axes(index)
        phone |= {f"{x}.domain": [0, 1], f"{y}.domain": place, f"annotations[{index}].y": place[1]}
    return phone


def _drawn(curve: CubicBSpline, index: int) -> list[go.Scatter]:
    axes = trace_axes(index)
    t = torch.linspace(0, 1, ALONG).to(curve.knots)
    polygon, knots, line = (
        points.detach().cpu().double().numpy().round(4).T for points in (curve.points, curve(curve.breaks), curve(t))
    )
    hidden = {"hoverinfo": "skip", **axes}
    control = {"symbol": "circle-open", "size": 9, "color": MUTED, "line": {"width": 1.5}}
    dotted = {"color": MUTED, "width": 1, "dash": "dot"}
    return [
        go.Scatter(x=polygon[0], y=polygon[1], mode="lines+markers", line=dotted, marker=control, **hidden),
        go.Scatter(x=line[0], y=line[1], mode="lines", line={"color": ACCENT, "width": 3}, **hidden),
        go.Scatter(x=knots[0], y=knots[1], mode="markers", marker={"color": ACCENT, "size": 8}, **hidden),
    ]


def _range(values: Tensor) -> list[float]:
    """Return ends that hold values, and markers around them."""
    low, high = float(values.min()), float(values.max())
    air = 0.06 * (high - low)
    return [low - air, high + air]
