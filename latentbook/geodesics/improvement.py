r"""By how much geodesics are shorter than straight lines, with the control that tells what of it is real."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.geodesics.curves import CubicBSpline, straight_line
from latentbook.geodesics.lengths import Decoded, space_of
from latentbook.geodesics.solver import Geodesic, geodesic
from latentbook.metric import Decoder, Metric

__all__ = ["Improvement", "relative_improvement"]

# How far the control starts beside the straight line, of its length.
BEND = 0.25


@dataclass(frozen=True)
class Improvement:
    r"""Relative improvements of pairs ``(*batch)``, and what the same measurement says where there is none.

    Attributes:
        improvement: By what part geodesics are shorter than straight lines, :math:`1 - L / L_0`.
        control: The same on a flat decoder, started from bent curves; in truth 0. What is not much larger than this
            is no improvement.
        geodesic: The geodesics.

    Chapter 3.
    """

    improvement: Float[Tensor, "*batch"]
    control: Float[Tensor, "*batch"]
    geodesic: Geodesic


def relative_improvement(
    f: Decoder | None,
    a: Float[Tensor, "*batch m"],
    b: Float[Tensor, "*batch m"],
    *,
    metric: Metric | None = None,
    n_control: int = 8,
    **settings: Any,
) -> Improvement:
    r"""Return by what part geodesics are shorter than straight lines, :math:`1 - L / L_0`, and a control beside it.

    A rule of length that can be gamed, or a solver that goes astray, reports an improvement also where there is none.
    The control is what the same solver, with the same settings and pairs, reports on an isometric linear decoder of the
    same dimensions, on which straight lines are shortest. It starts from curves that are bent to one side and slow at
    both ends: 0 means that the solver has found the straight line again, and that a change of speed gains nothing. It
    does not tell how far the geodesics of `f` are from converged, since on a flat decoder one step is enough: for that
    see ``geodesic.converged``.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        a: Where the curves start.
        b: Where they end, of the same shape.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one. Its
            control is the identity.
        n_control: Control points of the first splines, ends included, at least 4.
        settings: Of `geodesic`: ``tol``, ``max_steps``, ``init``. The control has an `init` of its own.

    Returns:
        Both, and the geodesics; a warning tells how many have not converged, of either.

    Raises:
        TypeError: What `geodesic` raises.
        ValueError: What `geodesic` raises.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshop 2021.

    Example:
        A quarter of a turn along the parallel at 45 degrees, where the great circle is :math:`2 \sqrt 2 / 3` as long:

        >>> def sphere(z):
        ...     u, v = z.unbind(-1)
        ...     return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)
        >>> a, b = torch.tensor([torch.pi / 4, 0.0]), torch.tensor([torch.pi / 4, torch.pi / 2])
        >>> found = relative_improvement(sphere, a, b)
        >>> found.improvement, found.control.abs() < 5e-4
        (tensor(0.0572), tensor(True))

    Chapter 3.
    """
    found = geodesic(f, a, b, metric=metric, n_control=n_control, **settings)
    flat, constant = _flat(f, a, metric)
    start = _bent(a.detach(), b.detach(), n_control)
    control = geodesic(flat, a, b, metric=constant, n_control=n_control, **{**settings, "init": start})
    return Improvement(found.improvement, control.improvement, found)


def _flat(f: Decoder | None, a: Tensor, metric: Metric | None) -> tuple[Decoder | None, Metric | None]:
    """Return an isometric decoder with the dimensions of another, or the constant metric."""
    m, space = a.shape[-1], space_of(f, metric)
    if not isinstance(space, Decoded):
        unit = torch.eye(m, dtype=a.dtype, device=a.device)
        return None, lambda z: unit
    with torch.no_grad():
        size = max(m, space(a.detach().reshape(-1, m)[:1]).shape[-1])
    # Cosines of different frequencies are orthogonal (the second cosine transform).
    i, k = (torch.arange(count, dtype=a.dtype, device=a.device) for count in (size, m))
    A = torch.cos(math.pi / size * (i[:, None] + 0.5) * k) * math.sqrt(2 / size)
    A[:, 0] /= math.sqrt(2)
    return lambda z: z @ A.T, None


def _bent(a: Tensor, b: Tensor, n_control: int) -> CubicBSpline:
    """Return curves from a to b that go around one side of the straight line, slowly at both ends."""
    line = straight_line(a, b, n_control)
    way = b - a
    # To the side: the axis along which the way goes least, and at right angles to it.
    side = torch.nn.functional.one_hot(way.abs().argmin(-1), a.shape[-1]).to(a)
    unit = torch.nn.functional.normalize(way, dim=-1)
    side = torch.nn.functional.normalize(side - (side * unit).sum(-1, keepdim=True) * unit, dim=-1)
    t = line.knots.unfold(0, 3, 1)[1:-1].mean(-1)[:, None]
    bump = BEND * torch.sin(math.pi * t) * (side * way.norm(dim=-1, keepdim=True))[..., None, :]
    points = torch.lerp(a[..., None, :], b[..., None, :], t**2 * (3 - 2 * t)) + bump
    return CubicBSpline(torch.cat([a[..., None, :], points[..., 1:-1, :], b[..., None, :]], -2), line.knots)
