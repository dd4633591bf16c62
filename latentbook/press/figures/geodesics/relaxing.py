"""A slider over a solver's steps: a straight line becomes a geodesic, and its length falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.colors import sequential
from torch import Tensor

from latentbook.geodesics import CubicBSpline
from latentbook.metric import Decoder, log_volume, pullback_metric
from latentbook.press.figures import ACCENT, MUTED, WARM, with_frames
from latentbook.press.figures.parts import expect_shape, rule

__all__ = ["RELAXING_PHONE", "Moment", "relaxing_slider"]

# Cells of the background along each side, and points of a curve.
CELLS, ALONG = 48, 60
PLANE, LENGTHS = {"xaxis": "x", "yaxis": "y"}, {"xaxis": "x2", "yaxis": "y2"}
RELAXING_PHONE: dict[str, object] = {
    "height": 560,
    "xaxis.domain": [0.0, 1.0],
    "yaxis.domain": [0.43, 1.0],
    "xaxis2.domain": [0.0, 1.0],
    "yaxis2.domain": [0.0, 0.29],
}


class Moment(NamedTuple):
    """A curve on its way.

    Attributes:
        steps: Steps that were made.
        curve: Of the plane.
        length: Its length in data space.
    """

    steps: int
    curve: CubicBSpline
    length: float


def relaxing_slider(f: Decoder, moments: Sequence[Moment], reach: float, active: int) -> go.Figure:
    """Return a plane, shaded by how much the decoder enlarges areas, on which a curve relaxes; beside it, its length.

    Args:
        f: Decoder of two latents, on the device of the curves.
        moments: In the order of their steps; the first is the straight line.
        reach: The plane is shown from minus to plus this.
        active: Index of the moment that is shown first.

    Raises:
        ValueError: If a curve is not one of a plane.

    Chapter 3.
    """
    for moment in moments:
        expect_shape("curve.points", moment.curve.points, (None, 2), "one curve of a plane")
    square = {"range": [-reach, reach], "constrain": "domain", "constraintoward": "top"}
    lengths = [moment.length for moment in moments]
    air = 0.08 * (max(lengths) - min(lengths))
    return with_frames(
        [_frame(place, moments) for place in range(len(moments))],
        active,
        "steps: ",
        fixed=[_shades(f, reach, moments[0].curve.points), _line(moments[0], WARM, dash="dot"), _path(moments)],
        height=370,
        margin={"l": 50, "r": 12, "t": 34, "b": 44},
        xaxis={
            **square,
            "constraintoward": "left",
            "domain": [0, 0.52],
            "title": {"text": "first latent", "standoff": 4},
        },
        yaxis={**square, "title": {"text": "second latent", "standoff": 4}, "scaleanchor": "x"},
        xaxis2={
            "domain": [0.68, 1],
            "anchor": "y2",
            "title": {"text": "steps", "standoff": 4},
            "tickvals": list(range(len(moments))),
            "ticktext": [str(moment.steps) for moment in moments],
            "tickangle": 0,
            "tickfont": {"size": 10},
        },
        yaxis2={
            "domain": [0.3, 1],
            "anchor": "x2",
            "title": {"text": "length of the curve", "standoff": 4},
            "range": [min(lengths) - air, max(lengths) + air],
        },
        shapes=[{**rule(y=lengths[-1]), "xref": "x2 domain", "yref": "y2"}],
    )


def _frame(place: int, moments: Sequence[Moment]) -> go.Frame:
    moment = moments[place]
    dot = go.Scatter(
        x=[place], y=[moment.length], mode="markers", marker={"color": ACCENT, "size": 12}, hoverinfo="skip", **LENGTHS
    )
    shorter = f"{100 * (1 - moment.length / moments[0].length):.1f} % shorter than the straight line"
    words = f"<b>length {moment.length:.2f}</b>, {shorter if place else 'the straight line'}"
    where = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 8}
    note = {"name": "words", "text": words, **where, "showarrow": False, "font": {"size": 15}}
    return go.Frame(data=[_line(moment, ACCENT), dot], name=str(moment.steps), layout={"annotations": [note]})


def _shades(f: Decoder, reach: float, like: Tensor) -> go.Heatmap:
    side = (torch.arange(CELLS) + 0.5) / CELLS * 2 * reach - reach
    y, x = torch.meshgrid(side, side, indexing="ij")
    shade = log_volume(pullback_metric(f, torch.stack([x, y], -1).to(like))).cpu().double().numpy()
    look: dict[str, Any] = {"colorscale": sequential.Cividis, "opacity": 0.55, "showscale": False, "hoverinfo": "skip"}
    places = side.double().numpy().round(4)
    return go.Heatmap(x=places, y=places, z=shade.round(2), zsmooth="best", **look, **PLANE)


def _line(moment: Moment, colour: str, dash: str = "solid") -> go.Scatter:
    curve = moment.curve
    x, y = curve(torch.linspace(0, 1, ALONG).to(curve.points)).detach().cpu().double().numpy().round(3).T
    marker = {"color": colour, "size": [10, *[0] * (ALONG - 2), 10]}
    line = {"color": colour, "width": 3, "dash": dash}
    return go.Scatter(x=x, y=y, mode="lines+markers", line=line, marker=marker, hoverinfo="skip", **PLANE)


def _path(moments: Sequence[Moment]) -> go.Scatter:
    lengths = np.round([moment.length for moment in moments], 4)
    line = {"color": MUTED, "width": 1.5}
    words = "%{y:.3f}<extra></extra>"
    return go.Scatter(
        x=[*range(len(moments))], y=lengths, mode="lines+markers", line=line, hovertemplate=words, **LENGTHS
    )
