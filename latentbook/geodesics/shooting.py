r"""Geodesics by their initial velocities: the exponential map, and its inverse, the logarithm."""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.core import all_finite
from latentbook.geodesics.checks import require_defined, require_pair, require_tol
from latentbook.geodesics.connection import christoffel, inner, warn_of_drift
from latentbook.geodesics.flows import flow, warn_of_the_lost
from latentbook.geodesics.lengths import Space, space_of
from latentbook.geodesics.roots import find_roots
from latentbook.geodesics.solver import geodesic
from latentbook.geodesics.starts import Start
from latentbook.metric import Decoder, Metric

__all__ = ["exp_map", "log_map"]

# By what part the length of a geodesic may differ from that of the spline that it stands for.
OTHER = 1e-2

# How much further than its aim a shot may go before it is given up.
REACH = 30


def exp_map(
    f: Decoder | None,
    z: Float[Tensor, "*batch m"],
    v: Float[Tensor, "*batch m"],
    t: Float[Tensor, "T"] | None = None,
    *,
    metric: Metric | None = None,
    tol: float = 1e-5,
) -> Tensor:
    r"""Return where geodesics are that leave points with given velocities: :math:`\gamma(1)` or :math:`\gamma(t)`.

    .. math:: \gamma'' = -\Gamma(\gamma)(\gamma', \gamma'), \qquad \gamma(0) = z, \quad \gamma'(0) = v

    They have constant speed in data space, so that :math:`\gamma(1)` is :math:`\sqrt{v^\top G v}` away along the curve.
    That they do is checked, and a warning tells where they do not: a decoder of rectifiers has corners, at which its
    geodesics turn, and which no derivative shows.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``, twice differentiable; None where a metric is given instead.
        z: Where they start. No gradient flows back.
        v: Their velocities, in latent units per unit of time, of the same shape.
        t: Times, finite and not negative, in any order; None for time 1 alone. Backwards is along `-v`.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one,
            differentiable, for metrics that are no decoder's.
        tol: Error of each step, relative to the velocity's latent length, at least ten times the rounding error of the
            type of `z`. The end is usually about as accurate, and less where near geodesics part quickly.

    Returns:
        Points ``(*batch, m)``, or ``(*batch, T, m)`` with times. A geodesic that leaves the region where the decoder
        or the metric is defined is nan, with a warning; so is one that gets to infinity before the last time, as it
        does where data hardly move any more (a decoder of hyperbolic tangents, far out).

    Raises:
        ImportError: If torchdiffeq is not installed; names the extra.
        TypeError: If `z` or `v` is not floating point, or `f` or the metric cannot be differentiated.
        ValueError: If shapes, types or devices of `z` and `v` differ, one is not finite, `f` is not finite or the
            metric not positive definite at a start, or `t` or `tol` is out of range.

    Reference:
        do Carmo, *Riemannian geometry*, chapter 3; for decoders Shao, Kumar & Fletcher, *The Riemannian geometry of
        deep generative models*, CVPR workshops 2018.

    Example:
        On the unit sphere, from the equator an eighth of a turn to the north:

        >>> def sphere(z):
        ...     u, v = z.unbind(-1)
        ...     return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)
        >>> exp_map(sphere, torch.tensor([0.0, 1.0]), torch.tensor([torch.pi / 4, 0.0])) / torch.pi
        tensor([0.2500, 0.3183])

    Chapter 3.
    """
    space = space_of(f, metric)
    require_pair("z", z, "v", v)
    require_tol(tol, z, "geodesics")
    times = torch.ones(1, dtype=z.dtype, device=z.device) if t is None else _require_times(t, z)
    require_defined(space, z, "where a geodesic starts: leave it out")
    if not z.numel():
        return z.new_zeros(*z.shape[:-1], len(times), z.shape[-1]) if t is not None else z.clone()
    points, velocities = (part.detach().reshape(-1, z.shape[-1]) for part in (z, v))
    # Time 0 is where the flow starts; what is asked for is in any order.
    asked, place = torch.cat([times.new_zeros(1), times]).unique(return_inverse=True)
    at, moving, alive = _shot(space, points, velocities, asked, tol)
    warn_of_the_lost(alive, "geodesics")
    warn_of_drift(space, (points, at[-1]), (velocities, moving[-1]), alive, tol)
    found = at[place[1:]].movedim(0, 1).reshape(*z.shape[:-1], len(times), -1)
    return found.squeeze(-2) if t is None else found


def log_map(
    f: Decoder | None,
    a: Float[Tensor, "*batch m"],
    b: Float[Tensor, "*batch m"],
    *,
    metric: Metric | None = None,
    tol: float = 1e-5,
    init: Start = "line",
) -> Float[Tensor, "*batch m"]:
    r"""Return the velocities with which geodesics leave points to be at others at time 1.

    .. math:: \exp_a(\log_a b) = b, \qquad \sqrt{v^\top G(a)\, v} = d(a, b), \quad v = \log_a b

    The splines of `geodesic` tell the directions and the distances. From these shots are aimed at `b`, by `exp_map` and
    its differences, until they hit. A warning tells which pairs it has missed, or hit by another geodesic
    than the spline; of these the closest shot is returned.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``, twice differentiable; None where a metric is given instead.
        a: Where the geodesics start. No gradient flows back.
        b: Where they shall end, of the same shape.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one,
            differentiable, for metrics that are no decoder's.
        tol: How far from `b` the geodesics may end, relative to the velocity's latent length; at least ten times
            the rounding error of the type of `a`.
        init: Where `geodesic` starts: ``"line"``, ``"graph"``, a `LatentGraph` or a `CubicBSpline`.

    Returns:
        Velocities, in latent units per unit of time; zero between equal ends.

    Raises:
        ImportError: If torchdiffeq is not installed; names the extra.
        TypeError: If `a` or `b` is not floating point, or `f` or the metric cannot be differentiated.
        ValueError: If shapes, types or devices of `a` and `b` differ, one is not finite, `f` is not finite or the
            metric not positive definite on the way, or `tol` or `init` does not fit.

    Reference:
        Shao, Kumar & Fletcher, *The Riemannian geometry of deep generative models*, CVPR workshops 2018.

    Example:
        On the half-plane, from (-1, 1) to (1, 1) on the circle of radius :math:`\sqrt 2` around the origin: up at 45
        degrees, :math:`\operatorname{acosh} 3 = 1.7627` far.

        >>> G = lambda z: torch.eye(2) / z[:, 1, None, None] ** 2
        >>> v = log_map(None, torch.tensor([-1.0, 1.0]), torch.tensor([1.0, 1.0]), metric=G)
        >>> v / v.norm(), v.norm()
        (tensor([0.7071, 0.7071]), tensor(1.7627))

    Chapter 3.
    """
    space = space_of(f, metric)
    require_pair("a", a, "b", b)
    require_tol(tol, a, "geodesics")
    # What a trajectory magnifies its errors by is unknown; a miss must be more than these.
    fine = max(tol / 10, 10 * torch.finfo(a.dtype).eps)
    with warnings.catch_warnings():
        # Whether what comes of it is right is found out here.
        warnings.filterwarnings("ignore", message=".*geodesics have not converged")
        found = geodesic(f, a, b, metric=metric, init=init)
    start, end = (part.detach().reshape(-1, a.shape[-1]) for part in (a, b))
    way = found.curve.derivative(torch.zeros((), dtype=a.dtype, device=a.device)).reshape(start.shape)
    distance = found.length.flatten()
    with torch.no_grad():
        speed = inner(space, start, way, way).sqrt()
        v = torch.where(speed > 0, distance / speed.where(speed > 0, 1), 1)[:, None] * way
        size = v.norm(dim=-1)
        reach = REACH * torch.maximum(size, (end - start).norm(dim=-1))
        size = torch.where(size > 0, size, 1)[:, None]

        def gap(v: Tensor, rows: Tensor) -> Tensor:
            at, _, alive = _shot(space, start[rows], v, times, fine, reach=reach[rows])
            return torch.where(alive[:, None], (at[-1] - end[rows]) / size[rows], torch.nan)

        times = torch.tensor([0.0, 1.0], dtype=a.dtype, device=a.device)
        v, miss = find_roots(gap, v, tol=tol)
        other = (inner(space, start, v, v).sqrt() - distance).abs() > OTHER * distance
    _warn_of_misses(miss, other & (miss <= tol), tol)
    return v.reshape(a.shape)


def _shot(
    space: Space, z: Tensor, v: Tensor, times: Tensor, tol: float, *, reach: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return places and velocities (T, N, m) of geodesics at ascending times, and which of them get to the last.

    Who goes further than a reach is given up, soon.
    """
    m = z.shape[-1]
    # In units of each one's own velocity an error is relative to the way.
    size = v.norm(dim=-1, keepdim=True)
    size = torch.where(size > 0, size, 1)

    def field(t: Tensor, y: Tensor) -> Tensor:
        way, w = size * y[:, :m], size * y[:, m:]
        turned = -christoffel(space, z + way, w, w) / size
        if reach is not None:
            turned = torch.where((way.norm(dim=-1) > reach)[:, None], torch.nan, turned)
        return torch.cat([y[:, m:], turned], 1)

    start, shortest = torch.cat([torch.zeros_like(z), v / size], 1), 1e-5 if reach is None else 1e-4
    states, alive = flow(field, start, times, tol=tol, shortest=shortest)
    return z + size * states[..., :m], size * states[..., m:], alive


def _warn_of_misses(miss: Tensor, other: Tensor, tol: float) -> None:
    missed = miss > tol
    if bool((missed | other).any()):
        where = (missed | other).nonzero().flatten().tolist()
        warnings.warn(
            f"{len(where)} of {len(miss)} logarithms are not to be trusted, pairs {where[:10]}: {int(missed.sum())} "
            f"miss `b`, by up to {miss.max().item():.1e} of the way, and {int(other.sum())} are other geodesics than "
            "the splines: choose nearer ends, pass `init`, or take the `derivative` of `geodesic(f, a, b).curve`",
            stacklevel=3,
        )


def _require_times(t: Tensor, z: Tensor) -> Tensor:
    if t.ndim != 1 or not len(t):
        raise ValueError(f"`t` has shape {tuple(t.shape)}, but times are (T,), for all geodesics: pass one or more")
    if not all_finite(t) or bool((t < 0).any()):
        raise ValueError(f"`t` is {t.tolist()}, but times are finite and not negative: for backwards pass `-v`")
    return t.to(z)
