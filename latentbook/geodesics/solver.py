r"""Geodesics between all pairs of points at once: splines of least energy, bent as far as it pays."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.geodesics.bending import Bending
from latentbook.geodesics.checks import require_defined, require_pair
from latentbook.geodesics.curves import CubicBSpline, Curve, straight_line
from latentbook.geodesics.descent import minimise
from latentbook.geodesics.lengths import Space, length, space_of
from latentbook.geodesics.starts import Start, starting_splines
from latentbook.metric import Decoder, Metric

__all__ = ["Geodesic", "geodesic"]

# How often the spans of a spline are halved at most.
REFINEMENTS = 5


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
        converged: Whether that is small enough, and the last refinement has changed the length by less than was asked.

    Chapter 3.
    """

    curve: CubicBSpline
    length: Float[Tensor, "*batch"]
    straight_length: Float[Tensor, "*batch"]
    improvement: Float[Tensor, "*batch"]
    gradient_norm: Float[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]


@dataclass
class _Found:
    """Splines of some pairs, their lengths, what is left of their gradients, and whether to trust them."""

    curve: CubicBSpline
    length: Tensor
    gradient_norm: Tensor
    converged: Tensor


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
    minimised over the control points by L-BFGS, each pair with its own steps. Where a curve beside the one that is
    found has less energy, as in a symmetric position, the search goes on from there. Then knots are inserted in the
    middle of all spans, and the search goes on, until the length changes no more.

    A geodesic is shortest among the curves near it. Where a straight line leads to one, another may be shorter: a path
    through a graph has looked at all ways around. Only the given start is searched from, and what is returned is never
    longer than it by more than `tol`: where a search ends higher, its start is given back, as not converged.

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
            starts, the metric is not positive definite there, `n_control`, `tol` or `max_steps` is out of range, or
            `init` does not fit.

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
    with torch.no_grad():
        measure = functools.partial(length, f, n=128 if tol >= 1e-5 else 512, metric=metric)
        straight = torch.where(moving, measure(straight_line(a, b)), 0).flatten()
        begun = straight if init == "line" else torch.where(moving, measure(start), 0).flatten()
        start = CubicBSpline(start.points.reshape(-1, *start.points.shape[-2:]), start.knots)
        lines, rows = CubicBSpline(start.points.clone(), start.knots), moving.flatten().nonzero().squeeze(-1)
        found = _refined(space, measure, lines, straight, rows, tol, max_steps)
        _put_back(found, start, begun, tol)
    if not bool(found.converged.all()):
        _warn(found)
    improvement = torch.where(straight == 0, 0, 1 - found.length / straight.where(straight != 0, 1))
    batch = a.shape[:-1]
    curve = CubicBSpline(found.curve.points.reshape(*batch, *found.curve.points.shape[-2:]), found.curve.knots)
    fields = (found.length, straight, improvement, found.gradient_norm, found.converged)
    return Geodesic(curve, *(field.reshape(batch) for field in fields))


def _refined(
    space: Space,
    measure: Callable[[Curve], Tensor],
    lines: CubicBSpline,
    straight: Tensor,
    rows: Tensor,
    tol: float,
    max_steps: int,
) -> _Found:
    """Minimise the energies of some of the lines, and insert knots until their lengths change no more."""
    found = _Found(lines, straight.clone(), torch.zeros_like(straight), torch.ones_like(straight, dtype=torch.bool))
    found.converged[rows] = False
    found.length[rows] = torch.inf
    small = 0.1 * math.sqrt(tol)
    for level in range(REFINEMENTS + 1):
        if not len(rows):
            break
        if level:
            found.curve = found.curve.refine()
        part = CubicBSpline(found.curve.points[rows], found.curve.knots)
        part, norm = _relaxed(space, part, small, max_steps, look_aside=level == 0)
        new = measure(part)
        steady = (new - found.length[rows]).abs() <= tol * new
        found.curve.points[rows], found.length[rows], found.gradient_norm[rows] = part.points, new, norm
        found.converged[rows] = steady & (norm <= small)
        rows = rows[~found.converged[rows]]
    return found


def _relaxed(
    space: Space, curve: CubicBSpline, small: float, max_steps: int, *, look_aside: bool
) -> tuple[CubicBSpline, Tensor]:
    """Minimise the energies of curves over their inner control points; return these and relative gradients."""
    bending = Bending(space, curve)
    found = minimise(bending.energy, bending.start, scale=bending.scale, tol=small, max_steps=max_steps)
    if look_aside and curve.points.shape[-1] > 1:
        beside, lower = bending.beside(found.point, found.value)
        rows = lower.nonzero().squeeze(-1)
        if len(rows):
            part = minimise(
                lambda y, some: bending.energy(y, rows[some]),
                beside[rows],
                scale=bending.scale[rows],
                tol=small,
                max_steps=max_steps,
            )
            found.point[rows], found.gradient_norm[rows] = part.point, part.gradient_norm
    return CubicBSpline(bending.points(found.point), curve.knots), found.gradient_norm


def _put_back(found: _Found, start: CubicBSpline, begun: Tensor, tol: float) -> None:
    """Put starts back that are shorter than where the search from them has ended."""
    rows = (~(found.length <= begun * (1 + tol)) & begun.isfinite()).nonzero().squeeze(-1)
    if len(rows):
        while len(start.knots) < len(found.curve.knots):
            start = start.refine()
        found.curve.points[rows], found.length[rows], found.converged[rows] = start.points[rows], begun[rows], False
        # Nothing is known of their gradients.
        found.gradient_norm[rows] = torch.inf


def _warn(found: _Found) -> None:
    bad = ~found.converged
    warnings.warn(
        f"{int(bad.sum())} of {len(bad)} geodesics have not converged (largest gradient norm "
        f"{found.gradient_norm[bad].max().item():.1e}): see `converged`, and raise `max_steps`, `n_control` or `tol`",
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
