"""Where the search for geodesics starts: at straight lines, at paths through a graph, or at given splines."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.geodesics.curves import CubicBSpline, straight_line
from latentbook.geodesics.graphs import LatentGraph
from latentbook.metric import Decoder, Metric

__all__ = ["Start", "starting_splines"]

Start = str | LatentGraph | CubicBSpline

# Points along a side of a grid, by the number of latents; and how far it reaches beyond the ends, of its longest side.
SIDES, MARGIN = {1: 33, 2: 33, 3: 13}, 0.5


def starting_splines(
    f: Decoder | None,
    a: Float[Tensor, "*batch m"],
    b: Float[Tensor, "*batch m"],
    n_control: int,
    init: Start,
    *,
    metric: Metric | None = None,
) -> CubicBSpline:
    """Return the splines at which the search between pairs of points starts.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        a: Where the curves start, finite.
        b: Where they end.
        n_control: Control points, ends included, at least 4; a spline that is given keeps its own.
        init: ``"line"``; ``"graph"``, shortest paths on a grid around all pairs, for at most 3 latents; a graph; or
            splines over [0, 1] from `a` to `b`, of the same batch.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one.

    Returns:
        Splines with control points ``(*batch, n_control, m)``; those between equal ends stay there.

    Raises:
        TypeError: If `init` is something else.
        ValueError: If `init` is an unknown word, a grid would have too many dimensions, a graph has no path, or a
            spline does not fit the ends.

    Example:
        >>> a, b = torch.tensor([0.0, 0.0]), torch.tensor([2.0, 1.0])
        >>> starting_splines(torch.sin, a, b, 4, "line").points[:, 0]
        tensor([0.0, 0.6667, 1.3333, 2.0])

    Chapter 3.
    """
    if isinstance(init, CubicBSpline):
        return _given(init, a, b)
    lines = straight_line(a, b, n_control)
    if init == "line":
        return lines
    moving = (a != b).any(-1)
    if init == "graph":
        init = _grid_around(f, a[moving], b[moving], metric) if bool(moving.any()) else init
    elif not isinstance(init, LatentGraph):
        _refuse(init)
    if isinstance(init, LatentGraph):
        lines.points[..., 1:-1, :][moving] = init.splines(a[moving], b[moving], n_control).points[:, 1:-1]
    return lines


def _grid_around(f: Decoder | None, a: Tensor, b: Tensor, metric: Metric | None) -> LatentGraph:
    m = a.shape[-1]
    if m not in SIDES:
        raise ValueError(
            f"`init` is 'graph' with {m} latents, where a grid has too many points: "
            "pass `init=LatentGraph.knn(f, codes)` with the codes of your data"
        )
    ends = torch.cat([a, b])
    low, high = ends.amin(0), ends.amax(0)
    margin = MARGIN * (high - low).amax()
    return LatentGraph.grid(f, low - margin, high + margin, SIDES[m], metric=metric)


def _given(spline: CubicBSpline, a: Tensor, b: Tensor) -> CubicBSpline:
    points = spline.points.detach()
    if points.shape[:-2] + points.shape[-1:] != a.shape or points.dtype != a.dtype or points.device != a.device:
        raise ValueError(
            f"`init` has control points {tuple(points.shape)} of type {points.dtype} on {points.device}, but `a` is "
            f"{tuple(a.shape)} of type {a.dtype} on {a.device}: pass (*batch, n, m), alike"
        )
    if spline.breaks[0] != 0 or spline.breaks[-1] != 1:
        raise ValueError(
            f"`init` goes from time {spline.breaks[0].item()} to {spline.breaks[-1].item()}, but must go from 0 to 1: "
            "move its knots"
        )
    # What is computed may be beside the ends by rounding.
    slack = 100 * torch.finfo(a.dtype).eps * points.abs().amax(-2)
    for name, end, place in (("a", a, 0), ("b", b, -1)):
        if not bool(((points[..., place, :] - end).abs() <= slack).all()):
            raise ValueError(
                f"`init` does not {'start' if place == 0 else 'end'} at `{name}`: "
                f"let its {'first' if place == 0 else 'last'} control points be `{name}`"
            )
    inner = torch.where((a != b).any(-1)[..., None, None], points[..., 1:-1, :], a[..., None, :])
    return CubicBSpline(torch.cat([a[..., None, :], inner, b[..., None, :]], -2), spline.knots)


def _refuse(init: object) -> None:
    if isinstance(init, str):
        raise ValueError(f"`init` is {init!r}, but must be 'line', 'graph', a LatentGraph or a CubicBSpline")
    raise TypeError(f"`init` is {type(init).__name__}, but must be 'line', 'graph', a LatentGraph or a CubicBSpline")
