"""Maps whose metric is known: what an ellipse is on a surface, and planes that are bent in three different ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.isometry import ellipses
from latentbook.metric import pullback_metric
from latentbook.press.figures import ACCENT, MUTED, layout
from latentbook.press.figures.parts import layout_axes, trace_axes

__all__ = ["SURFACE_PHONE", "maps_figure", "maps_phone", "surface_figure"]

FINE = {"color": MUTED, "width": 1}
BOLD = {"color": ACCENT, "width": 2}
# Lines of a grid, and points on each.
LINES, POINTS = 9, 60
# From where a surface is looked at, in degrees: from the side, and from above.
AZIMUTH, ELEVATION = 35.0, 60.0
SURFACE_PHONE: dict[str, object] = {
    "height": 640,
    "xaxis.domain": [0.06, 0.94],
    "yaxis.domain": [0.54, 1.0],
    "xaxis2.domain": [0.0, 1.0],
    "yaxis2.domain": [0.0, 0.42],
}


def surface_figure(f: Callable[[Tensor], Tensor], reach: float, centres: Tensor, radius: float) -> go.Figure:
    """Return ellipses on a plane, and on the surface that it is mapped to what becomes of them.

    Args:
        f: From ``(N, 2)`` to ``(N, 3)``.
        reach: The plane is shown from minus to plus this.
        centres: Of the ellipses, ``(K, 2)``.
        radius: Length of their steps on the surface, small beside its bends.

    Chapter 2.
    """
    rings = ellipses(pullback_metric(f, centres), centres, radius).outline
    grid = _grid(reach)
    shape = layout(
        height=320,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        xaxis={**_bare("y"), "domain": [0, 0.44], "range": [-1.1 * reach, 1.1 * reach]},
        yaxis={**_bare("x"), "scaleanchor": "x", "range": [-1.1 * reach, 1.1 * reach]},
        xaxis2={**_bare("y2"), "domain": [0.52, 1]},
        yaxis2={**_bare("x2"), "scaleanchor": "x2"},
    )
    figure = go.Figure(layout=shape)
    figure.add_traces([_line(grid, FINE, 0), _line(rings, BOLD, 0)])
    figure.add_traces([_line(_seen(f, grid), FINE, 1), _line(_seen(f, rings), BOLD, 1)])
    for index, words in enumerate(("plane of codes", "surface of data")):
        figure.add_annotation(_title(words, index))
    return figure


def maps_figure(maps: Sequence[tuple[str, Callable[[Tensor], Tensor]]], reach: float, radius: float) -> go.Figure:
    """Return maps of the plane to itself: above ellipses in latent space, below what becomes of grid and ellipses.

    Args:
        maps: Title and function, ``(N, 2)`` to ``(N, 2)``.
        reach: The plane is shown from minus to plus this.
        radius: Length of the ellipses' steps, in data units.

    Chapter 2.
    """
    count = len(maps)
    figure = go.Figure(layout=layout(height=90 + round(1300 / count), margin={"l": 8, "r": 8, "t": 44, "b": 8}))
    side = torch.linspace(-0.75, 0.75, 4) * reach
    centres = torch.cartesian_prod(side, side)
    grid, mapped = _grid(reach), []
    for column, (title, f) in enumerate(maps):
        rings = ellipses(pullback_metric(f, centres), centres, radius).outline
        figure.add_traces([_line(grid, FINE, column), _line(rings, BOLD, column)])
        figure.add_traces(
            [_line(_mapped(f, grid), FINE, count + column), _line(_mapped(f, rings), BOLD, count + column)]
        )
        figure.add_annotation(_title(title, column))
        figure.update_layout(_cells(column, count, 1.1 * reach))
        mapped.append(_mapped(f, grid).reshape(-1, 2))
    figure.update_layout(_one_scale(mapped))
    return figure


def maps_phone(count: int) -> dict[str, object]:
    """Return the layout of `maps_figure` on a narrow screen: each map in a row, plane and data side by side.

    Args:
        count: Number of maps.

    Chapter 2.
    """
    phone: dict[str, object] = {"height": 210 * count}
    for column in range(count):
        high = 1 - column / count
        for index, across in ((column, [0.0, 0.46]), (count + column, [0.54, 1.0])):
            x, y = layout_axes(index)
            phone |= {f"{x}.domain": across, f"{y}.domain": [high - 0.82 / count, high]}
    return phone


def _one_scale(mapped: Sequence[Tensor]) -> dict[str, Any]:
    """Return ranges of one length for the data of all maps, so that equal lengths look equal."""
    half = 0.55 * max(float((points.amax(0) - points.amin(0)).max()) for points in mapped)
    found = {}
    for column, points in enumerate(mapped):
        middle = ((points.amin(0) + points.amax(0)) / 2).tolist()
        for axis, centre in zip(layout_axes(len(mapped) + column), middle, strict=True):
            found[axis] = {"range": [centre - half, centre + half]}
    return found


def _grid(reach: float) -> Tensor:
    """Return the lines of a grid, ``(2 LINES, POINTS, 2)``."""
    places, along = torch.linspace(-reach, reach, LINES), torch.linspace(-reach, reach, POINTS)
    upright = torch.stack(torch.meshgrid(places, along, indexing="ij"), -1)
    return torch.cat([upright, upright.flip(-1)])


def _mapped(f: Callable[[Tensor], Tensor], lines: Tensor) -> Tensor:
    return f(lines.reshape(-1, 2)).reshape(*lines.shape[:-1], -1)


def _seen(f: Callable[[Tensor], Tensor], lines: Tensor) -> Tensor:
    """Return lines on a surface as they look from far away."""
    azimuth, elevation = np.deg2rad(AZIMUTH), np.deg2rad(ELEVATION)
    across = [np.cos(azimuth), np.sin(azimuth), 0.0]
    up = [-np.sin(azimuth) * np.sin(elevation), np.cos(azimuth) * np.sin(elevation), np.cos(elevation)]
    return _mapped(f, lines) @ torch.tensor([across, up], dtype=lines.dtype).T


def _line(lines: Tensor, look: dict[str, Any], index: int) -> go.Scatter:
    """Return lines as one trace: a point that is no number lifts the pen."""
    lifted = torch.cat([lines, torch.full_like(lines[:, :1], torch.nan)], 1).reshape(-1, 2).numpy().round(3)
    x, y = lifted.T
    return go.Scatter(x=x, y=y, mode="lines", line=look, hoverinfo="skip", **trace_axes(index))


def _bare(anchor: str) -> dict[str, Any]:
    return {"visible": False, "constrain": "domain", "anchor": anchor}


def _title(words: str, index: int) -> dict[str, Any]:
    axes = trace_axes(index)
    place = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0.5, "y": 1}
    return {"text": words, "showarrow": False, **place, "yanchor": "bottom", "yshift": 4}


def _cells(column: int, count: int, reach: float) -> dict[str, Any]:
    """Return the axes of a column: the plane above, the data below."""
    gap = 0.04
    width = (1 - gap * (count - 1)) / count
    across = [column * (width + gap), column * (width + gap) + width]
    found = {}
    for index, upright in ((column, [0.54, 1.0]), (count + column, [0.0, 0.46])):
        (x, y), axes = layout_axes(index), trace_axes(index)
        found[x] = {**_bare(axes["yaxis"]), "domain": across}
        found[y] = {**_bare(axes["xaxis"]), "domain": upright, "scaleanchor": axes["xaxis"]}
    for axis in layout_axes(column):
        found[axis]["range"] = [-reach, reach]
    return found
