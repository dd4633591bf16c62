"""Carrying vectors along curves without turning them: parallel transport."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.core import all_finite
from latentbook.geodesics.checks import require_defined, require_tol
from latentbook.geodesics.connection import christoffel, warn_of_drift
from latentbook.geodesics.curves import Curve, velocity
from latentbook.geodesics.flows import flow, warn_of_the_lost
from latentbook.geodesics.lengths import space_of
from latentbook.metric import Decoder, Metric

__all__ = ["parallel_transport"]


def parallel_transport(
    f: Decoder | None,
    curve: Curve,
    v: Float[Tensor, "... m"],
    t: Float[Tensor, "T"] | None = None,
    *,
    metric: Metric | None = None,
    tol: float = 1e-5,
) -> Tensor:
    r"""Return what vectors at the starts of curves become on the way, without turning more than the surface makes them.

    .. math:: v' = -\Gamma(\gamma)(\gamma', v)

    Products :math:`v^\top G\, w` stay as they are, and so do lengths, which is checked. The velocity of a geodesic
    stays its velocity. Around a closed curve a vector may come back turned: by the curvature that is enclosed.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``, twice differentiable; None where a metric is given instead.
        curve: From times ``(T,)`` to points ``(*curves, T, m)``, over [0, 1] or, where it has ``breaks``, from the
            first to the last of them; a spline, or any callable that torch can differentiate.
        v: Vectors ``(*vectors, *curves, m)``: at each start one, or several along leading dimensions.
        t: Times, in any order; None for the end alone.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one,
            differentiable, for metrics that are no decoder's.
        tol: Relative error of each step, at least ten times the rounding error of the type of `v`.

    Returns:
        Vectors ``(*vectors, *curves, m)`` at the ends, or ``(*vectors, *curves, T, m)`` at times; nan, with a warning,
        on a curve that leaves the region where the decoder or the metric is defined.

    Raises:
        ImportError: If torchdiffeq is not installed; names the extra.
        TypeError: If `v` is not floating point, or `f`, the metric or `curve` cannot be differentiated.
        ValueError: If shape, type or device of `v` and of the points do not fit, `v` is not finite, `f` is not finite
            or the metric not positive definite at a start, or `t` or `tol` is out of range.

    Reference:
        do Carmo, *Riemannian geometry*, chapter 2; for decoders Shao, Kumar & Fletcher, *The Riemannian geometry of
        deep generative models*, CVPR workshops 2018.

    Example:
        Once around the unit sphere at 30 degrees north, a vector turns by :math:`2 \pi \sin 30^\circ`, half a turn:

        >>> from latentbook.geodesics import straight_line
        >>> def sphere(z):
        ...     u, v = z.unbind(-1)
        ...     return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)
        >>> parallel = straight_line(torch.tensor([torch.pi / 6, 0.0]), torch.tensor([torch.pi / 6, 2 * torch.pi]))
        >>> parallel_transport(sphere, parallel, torch.tensor([1.0, 0.0])).round(decimals=4)
        tensor([-1., ...])

    Chapter 3.
    """
    space = space_of(f, metric)
    if not v.is_floating_point():
        raise TypeError(f"`v` must be floating point, but it is {v.dtype}: pass `v.float()`")
    require_tol(tol, v, "vectors")
    breaks = getattr(curve, "breaks", v.new_tensor([0.0, 1.0])).to(v)
    times = breaks[-1:] if t is None else _require_times(t, breaks)
    start = _at(curve, breaks[:1])
    _require_vectors(v, start)
    require_defined(space, start, "where a curve starts: leave it out")
    m, shape = v.shape[-1], v.shape
    vectors = v.detach().reshape(-1, m)
    size = vectors.norm(dim=-1, keepdim=True)
    size = torch.where(size > 0, size, 1)

    def field(t: Tensor, y: Tensor) -> Tensor:
        # Steps may end beyond the last time by rounding.
        now = t.reshape(1).clamp(breaks[0], breaks[-1])
        z, way = (part.expand(shape).reshape(-1, m) for part in (_at(curve, now), velocity(curve, now).squeeze(-2)))
        return -christoffel(space, z, way.to(y), y)

    asked, place = torch.cat([breaks[:1], times]).unique(return_inverse=True)
    with torch.no_grad():
        carried, alive = flow(field, vectors / size, asked, tol=tol, stops=breaks)
        carried = size * carried
        warn_of_the_lost(alive, "curves")
        first, last = (part.expand(shape).reshape(-1, m) for part in (start, _at(curve, asked[-1:])))
        warn_of_drift(space, (first, last), (vectors, carried[-1]), alive, tol)
    found = carried[place[1:]].movedim(0, 1).reshape(*shape[:-1], len(times), m)
    return found.squeeze(-2) if t is None else found


def _at(curve: Curve, t: Tensor) -> Tensor:
    """Return where curves are at a single time (1,)."""
    return curve(t).detach().squeeze(-2)


def _require_times(t: Tensor, breaks: Tensor) -> Tensor:
    start, end = breaks[0].item(), breaks[-1].item()
    if t.ndim != 1 or not len(t):
        raise ValueError(f"`t` has shape {tuple(t.shape)}, but times are (T,), for all curves: pass one or more")
    if not all_finite(t) or bool(((t < start) | (t > end)).any()):
        raise ValueError(f"`t` is {t.tolist()}, but the curve goes from {start} to {end}: clamp it")
    return t.to(breaks)


def _require_vectors(v: Tensor, start: Tensor) -> None:
    if v.shape[v.ndim - start.ndim :] != start.shape or v.dtype != start.dtype or v.device != start.device:
        raise ValueError(
            f"`v` has shape {tuple(v.shape)}, type {v.dtype} and device {v.device}, but the curves start at points "
            f"{tuple(start.shape)} of type {start.dtype} on {start.device}: give each at least one vector, alike"
        )
    if not all_finite(v):
        raise ValueError("`v` has entries that are not finite: leave these vectors out")
