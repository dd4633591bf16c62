r"""Lengths of splines as good as they are wanted, and how good they are.

Sums of chords :math:`L_n` fall short of the length by an error that shrinks with n: with :math:`n^{-2}` where the
decoder is smooth, with :math:`n^{-1}` where it has many corners, as with ReLU. How fast, the last two differences say:
with :math:`q = (L_n - L_{n/2}) / (L_{n/2} - L_{n/4})`, from 1/4 to 1/2, the length is about (Aitken)

.. math:: L_n + \frac{q}{1 - q}\, (L_n - L_{n/2}).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.geodesics.curves import CubicBSpline
from latentbook.geodesics.lengths import Space, at_once, time_grid

__all__ = ["measured"]

# Chords of the first sum.
LEAST = 40


def measured(
    space: Space, curve: CubicBSpline, tol: float, most: int
) -> tuple[Float[Tensor, "curves"], Float[Tensor, "curves"]]:
    """Return the lengths of splines, each with as many chords as it takes.

    Args:
        space: What measures.
        curve: Splines ``(curves, n, m)``.
        tol: Relative error that is small enough.
        most: Chords at which none is measured once more, with twice as many.

    Returns:
        Lengths, and estimates of their relative errors, both not finite where something on the way is not.

    Reference:
        Aitken, *On Bernoulli's numerical solution of algebraic equations*, Proc. R. Soc. Edinburgh 46, 1926.

    Example:
        Half of a circle:

        >>> from latentbook.geodesics import straight_line
        >>> from latentbook.geodesics.lengths import space_of
        >>> space = space_of(lambda z: torch.cat([z.cos(), z.sin()], -1))
        >>> value, error = measured(space, straight_line(torch.zeros(1, 1), torch.full((1, 1), torch.pi)), 1e-4, 1000)
        >>> value, error < 1e-4
        (tensor([3.1416]), tensor([True]))

    Chapter 3.
    """
    rows = torch.arange(len(curve.points), device=curve.points.device)
    value, error = torch.zeros_like(curve.points[:, 0, 0]), torch.zeros_like(curve.points[:, 0, 0])
    each = -(-LEAST // (4 * (len(curve.breaks) - 1)))
    while len(rows):
        part = CubicBSpline(curve.points[rows], curve.knots)
        value[rows], error[rows] = _extrapolated(space, part, each)
        chords, each = 4 * each * (len(curve.breaks) - 1), 2 * each
        rows = rows[~(error[rows] <= tol)] if chords < most else rows[:0]
    return value, error


def _extrapolated(space: Space, curve: CubicBSpline, each: int) -> tuple[Tensor, Tensor]:
    """Return lengths from four times `each` chords on every span, and their relative errors."""
    t = time_grid(curve.breaks, 4 * each * (len(curve.breaks) - 1))
    basis, sums = curve.basis(t), []
    for points in curve.points.split(max(1, at_once(t.device) // len(t))):
        chords = space.squares(basis @ points, 1, 2, 4)
        sums.append(torch.stack([some.sqrt().sum(-1) for some in chords], -1))
    fine, half, quarter = torch.cat(sums).unbind(-1)
    last, before = fine - half, half - quarter
    rate = torch.where(before == 0, 0.25, last / before.where(before != 0, 1)).clamp(0.25, 0.5)
    more = last * rate / (1 - rate)
    # How far this is from what a smooth decoder would have, and that from the same with half the chords.
    error = (more - last / 3).abs() + ((4 * last - before) / 3).abs() / 5
    value = fine + more
    return value, torch.where(value == 0, 0, error / value.where(value != 0, 1))
