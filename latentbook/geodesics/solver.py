r"""Geodesics between all pairs of points at once: splines of least energy, bent as far as it pays."""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.geodesics.bending import Bending
from latentbook.geodesics.checks import require_defined, require_pair
from latentbook.geodesics.curves import CubicBSpline, straight_line
from latentbook.geodesics.descent import minimise
from latentbook.geodesics.lengths import Space, space_of, time_grid
from latentbook.geodesics.measuring import measured
from latentbook.geodesics.starts import Start, starting_splines
from latentbook.metric import Decoder, Metric

__all__ = ["Geodesic", "geodesic"]

# How often the spans of a spline are halved at most, and how often a search leaves a saddle.
REFINEMENTS, SADDLES = 5, 3

# Relative gradients that are small, in roots of the tolerance: of the first splines, and of the others.
FIRST, SMALL = 0.7, 0.15

# The square of a relative gradient is twice what a length can lose where curvatures are those of a constant metric:
# this times the square is safe down to a twentieth of them.
SAFETY = 10

# How much longer than its start a curve may be, in tolerances: where a straight line is shortest, it is followed at a
# constant speed instead.
NOTHING = 0.1

# Chords with which a length is measured at most: of starts, of what is about as long as its start, and for each chord
# of an energy.
MOST, CLOSE, FINER = 2048, 320, 8


@dataclass(frozen=True)
class Geodesic:
    r"""Geodesics of pairs ``(*batch)``, and how far to trust them.

    Attributes:
        curve: The splines, from times in [0, 1] to points ``(*batch, T, m)``, at nearly constant speed in data space.
        length: Their lengths in data space.
        straight_length: The lengths of the straight lines in latent space between the same ends.
        improvement: By what part geodesics are shorter, :math:`1 - L / L_0`; zero between equal ends.
        gradient_norm: What is left of the energy's gradient, relative to the energy; about the square of it is what
            the same spline could still gain of its energy.
        error: Relative error of the length, by estimate: of measuring, of what the spline could still gain, and of what
            further refinements would change. Infinite where nothing is known of it. Over the corners of rectifiers it
            is right to a factor of two.
        converged: Whether that is at most what was asked for.

    Chapter 3.
    """

    curve: CubicBSpline
    length: Float[Tensor, "*batch"]
    straight_length: Float[Tensor, "*batch"]
    improvement: Float[Tensor, "*batch"]
    gradient_norm: Float[Tensor, "*batch"]
    error: Float[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]


@dataclass
class _Found:
    """Splines of some pairs, their lengths, what is left of their gradients, and errors of the lengths."""

    curve: CubicBSpline
    length: Tensor
    gradient_norm: Tensor
    error: Tensor


def geodesic(
    f: Decoder | None,
    a: Float[Tensor, "*batch m"],
    b: Float[Tensor, "*batch m"],
    *,
    metric: Metric | None = None,
    n_control: int = 8,
    tol: float = 1e-4,
    init: Start = "line",
    max_steps: int = 200,
) -> Geodesic:
    r"""Return the shortest curves in data space between pairs of latent points, all of them at once.

    The energy of N chords of a spline, :math:`N \sum_i \lVert f(\gamma(t_{i+1})) - f(\gamma(t_i)) \rVert^2`, is
    minimised over the control points by L-BFGS, each pair with its own steps. Where it curves down there, as in a
    symmetric position, the search goes on along that. Then knots are inserted in the middle of all spans, and the
    search goes on, until the length is known as well as was asked.

    A geodesic is shortest among the curves near it. Where a straight line leads to one, another may be shorter: a path
    through a graph has looked at all ways around. Only the given start is searched from, and what is returned is never
    longer than it by more than a tenth of `tol`: where a search ends higher, its start is given back, and where it
    is higher by more than `tol`, as not converged.

    Where a decoder has corners, as with ReLU, every refinement gains something: at the default `tol` about half of all
    pairs converge; with ``tol=1e-3`` nearly all do.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``, each point by itself; None where a metric is given instead.
        a: Where the curves start. No gradient flows back.
        b: Where they end, of the same shape.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one
            ``(m, m)``, for metrics that are no decoder's.
        n_control: Control points of the first splines, ends included, at least 4.
        tol: Relative error of the length that is asked for, at least ten times the rounding error of the type of `a`.
        init: Where the search starts. ``"line"``: at straight lines. ``"graph"``: at shortest paths on a grid around
            all pairs, for at most 3 latents. A `LatentGraph`, as ``LatentGraph.knn(f, codes)``: at its paths. A
            `CubicBSpline` over [0, 1] from `a` to `b`: there, with its own control points instead of `n_control`.
        max_steps: Steps at each refinement, at least 1.

    Returns:
        Curves, lengths and convergence; a warning tells how many have not converged.

    Raises:
        TypeError: If `a` or `b`, or what `f` returns, is no floating point tensor.
        ValueError: If shapes, types or devices of `a` and `b` differ, an end is not finite, `f` is not finite on the
            starts, the metric is not positive definite there or on what is found, `n_control`, `tol` or `max_steps` is
            out of range, or `init` does not fit.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshop 2021.

    Example:
        A quarter of a turn along the parallel at 45 degrees, on a unit sphere, whose great circle takes :math:`\pi/3`:

        >>> def sphere(z):
        ...     u, v = z.unbind(-1)
        ...     return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)
        >>> found = geodesic(sphere, torch.tensor([torch.pi / 4, 0.0]), torch.tensor([torch.pi / 4, torch.pi / 2]))
        >>> found.length, found.straight_length, found.converged
        (tensor(1.0472), tensor(1.1107), tensor(True))

    Chapter 3.
    """
    space = space_of(f, metric)
    _require_settings(a, n_control, tol, max_steps)
    require_pair("a", a, "b", b)
    a, b = a.detach(), b.detach()
    start, moving = starting_splines(f, a, b, n_control, init, metric=metric), (a != b).any(-1)
    _require_space(space, start, init)
    flat = CubicBSpline(start.points.reshape(-1, *start.points.shape[-2:]), start.knots)
    with torch.no_grad():
        lines = straight_line(a.reshape(-1, a.shape[-1]), b.reshape(-1, a.shape[-1]), n_control)
        straight, _ = measured(space, lines, tol / 2, MOST)
        begun = straight if init == "line" else measured(space, flat, tol / 2, MOST)[0]
        found = _refined(space, flat, begun, moving.flatten().nonzero().squeeze(-1), tol, max_steps)
        if metric is not None:
            _require_way(space, found.curve)
        _put_back(space, found, flat, begun, tol)
    straight, converged = torch.where(moving.flatten(), straight, 0), found.error <= tol
    if not bool(converged.all()):
        _warn(found, converged)
    improvement = torch.where(straight == 0, 0, 1 - found.length / straight.where(straight != 0, 1))
    batch = a.shape[:-1]
    curve = CubicBSpline(found.curve.points.reshape(*batch, *found.curve.points.shape[-2:]), found.curve.knots)
    fields = (found.length, straight, improvement, found.gradient_norm, found.error, converged)
    return Geodesic(curve, *(field.reshape(batch) for field in fields))


def _refined(space: Space, start: CubicBSpline, begun: Tensor, rows: Tensor, tol: float, max_steps: int) -> _Found:
    """Minimise the energies of some splines, and insert knots until their lengths are known."""
    zero = torch.zeros_like(begun)
    found = _Found(CubicBSpline(start.points.clone(), start.knots), zero, zero.clone(), zero.clone())
    found.length[rows], found.error[rows] = torch.inf, torch.inf
    change, frame = torch.full_like(begun, torch.inf), None
    for level in range(REFINEMENTS + 1):
        if not len(rows):
            break
        if level:
            found.curve = found.curve.refine()
        part = CubicBSpline(found.curve.points[rows], found.curve.knots)
        # What the straight lines say of the metric, and what their first geodesics say: then it hardly changes.
        bending = Bending(space, part, frame if level > 1 else None)
        part, norm = _relaxed(bending, (SMALL if level else FIRST) * math.sqrt(tol), max_steps, look_aside=level == 0)
        new, unsure = measured(space, part, tol / 2, FINER * bending.chords)
        last = torch.where(new == 0, 0, (new - found.length[rows]).abs() / new.where(new != 0, 1))
        error = unsure + _to_come(last, change[rows]) + SAFETY * norm**2
        found.curve.points[rows], found.length[rows], found.gradient_norm[rows] = part.points, new, norm
        found.error[rows], change[rows] = torch.where(error.isfinite(), error, torch.inf), last
        going = ~(error <= tol)
        rows, frame = rows[going], (bending.frame[going], bending.across[going])
    return found


def _to_come(last: Tensor, before: Tensor) -> Tensor:
    """Return the sum of all changes to come, if they go on to shrink as the last did: by a half where that is unknown.

    A half is how they shrink where a decoder has corners; where it is smooth they shrink by a quarter or faster.
    """
    rate = torch.where(before.isfinite() & (before > 0), last / before.where(before > 0, 1), 0.5).clamp(0.25, 0.75)
    return last * rate / (1 - rate)


def _relaxed(bending: Bending, small: float, max_steps: int, *, look_aside: bool) -> tuple[CubicBSpline, Tensor]:
    """Minimise the energies of curves over their inner control points; return these and relative gradients."""
    found = minimise(bending.energy, bending.start, scale=bending.scale, tol=small, max_steps=max_steps)
    many = look_aside and bending.across.shape[-1] > 1
    for _ in range(SADDLES if many else 0):
        beside, lower = bending.beside(found)
        rows = lower.nonzero().squeeze(-1)
        if not len(rows):
            break
        energy = functools.partial(_of_some, bending, rows)
        found.put(rows, minimise(energy, beside[rows], scale=bending.scale[rows], tol=small, max_steps=max_steps))
    return CubicBSpline(bending.points(found.point), bending.curve.knots), found.gradient_norm


def _of_some(bending: Bending, rows: Tensor, y: Tensor, some: Tensor) -> tuple[Tensor, Tensor]:
    return bending.energy(y, rows[some])


def _put_back(space: Space, found: _Found, start: CubicBSpline, begun: Tensor, tol: float) -> None:
    """Put starts back that are shorter than where the search from them has ended, by more than next to nothing."""
    while len(start.knots) < len(found.curve.knots):
        start = start.refine()
    close = ((found.length > begun * (1 - tol)) & (found.length < begun * (1 + tol))).nonzero().squeeze(-1)
    begun = begun.clone()
    for curve, value in ((start, begun), (found.curve, found.length)):
        part = CubicBSpline(curve.points[close], curve.knots)
        value[close] = measured(space, part, NOTHING * tol / 4, CLOSE)[0]
    rows = (~(found.length <= begun * (1 + NOTHING * tol)) & begun.isfinite()).nonzero().squeeze(-1)
    worse = rows[~(found.length[rows] <= begun[rows] * (1 + tol))]
    found.curve.points[rows], found.length[rows] = start.points[rows], begun[rows]
    # What was found says nothing of them where it is longer by more than its error.
    found.gradient_norm[worse] = found.error[worse] = torch.inf


def _warn(found: _Found, converged: Tensor) -> None:
    bad = ~converged
    warnings.warn(
        f"{int(bad.sum())} of {len(bad)} geodesics have not converged (largest gradient norm "
        f"{found.gradient_norm[bad].max().item():.1e}, largest relative error by estimate "
        f"{found.error[bad].max().item():.1e}): see `error`, and raise `max_steps`, `n_control` or `tol`",
        stacklevel=3,
    )


def _require_settings(a: Tensor, n_control: int, tol: float, max_steps: int) -> None:
    if n_control < 4:
        raise ValueError(f"`n_control` is {n_control}, but a cubic B-spline has 4 control points or more: pass 4")
    if max_steps < 1:
        raise ValueError(f"`max_steps` is {max_steps}, but at least one step is taken: pass 1 or more")
    if a.is_floating_point() and not tol >= 10 * torch.finfo(a.dtype).eps:
        raise ValueError(
            f"`tol` is {tol}, but lengths of type {a.dtype} are known to {10 * torch.finfo(a.dtype).eps:.0e} at best: "
            "pass more, or `a.double()` and `b.double()` with a decoder of that type"
        )


def _require_space(space: Space, start: CubicBSpline, init: Start) -> None:
    lines = isinstance(init, str) and init == "line"
    repair = "choose ends with defined distances on the way" if lines else "raise `n_control`, or pass another `init`"
    z = start(torch.linspace(0, 1, 9, dtype=start.knots.dtype, device=start.knots.device))
    require_defined(space, z, f"between `a` and `b`: {repair}")


def _require_way(space: Space, curve: CubicBSpline) -> None:
    """Refuse a metric that is not positive definite where a search has gone."""
    z = curve(time_grid(curve.breaks, 64))
    where = "on a curve between `a` and `b` that is short by it: choose a metric with positive lengths everywhere"
    require_defined(space, z, where)
