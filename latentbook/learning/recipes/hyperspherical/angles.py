"""Whether angles that made the data, such as those of a clock's hands, can be read from codes.

Both measures are circular correlations (`latentbook.sphere.circular_correlation`) without their sign: where an angle
counts from, and which way, nobody has told the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.sphere import circular_correlation

__all__ = ["read_by_circles", "read_by_least_squares"]


def read_by_circles(codes: Float[Tensor, "N M"], angles: Float[Tensor, "N A"]) -> Float[Tensor, "A"]:
    """Return how well each angle is that of a circle's code, with one circle for each angle.

    Args:
        codes: On A circles, two coordinates each, one circle after another.
        angles: In radians.

    Returns:
        From 0 to 1, for the assignment of circles to angles with the largest sum.

    Raises:
        ValueError: If there is not one circle for each angle.

    Example:
        >>> angles = torch.rand(50, 2)
        >>> codes = torch.stack([angles[:, 1].cos(), angles[:, 1].sin(), angles[:, 0].sin(), angles[:, 0].cos()], -1)
        >>> read_by_circles(codes, angles)
        tensor([1., 1.])

    Chapter 5.
    """
    count = angles.shape[-1]
    if codes.shape[-1] != 2 * count:
        found = f"`codes` have {codes.shape[-1]} coordinates for {count} angles"
        raise ValueError(f"{found}: give one circle for each, {2 * count} coordinates")
    own = torch.atan2(codes[:, 1::2], codes[:, ::2])
    # Each circle with each angle.
    fits = circular_correlation(own.mT[:, None], angles.mT[None]).abs()
    orders = itertools.permutations(range(count))
    best = max(orders, key=lambda order: _matched(fits, order).sum().item())
    return _matched(fits, best)


def read_by_least_squares(
    codes: Float[Tensor, "N m"],
    angles: Float[Tensor, "N A"],
    new_codes: Float[Tensor, "L m"],
    new_angles: Float[Tensor, "L A"],
) -> Float[Tensor, "A"]:
    """Return how well the best plane of the codes tells each angle of new examples, whatever the codes lie on.

    Cosine and sine of each angle are fitted by an affine map of the codes; what it says of new ones is an angle again.

    Args:
        codes: Of examples that the map is fitted to.
        angles: In radians.
        new_codes: Of others.
        new_angles: Theirs.

    Returns:
        From 0 to 1, for each angle.

    Example:
        >>> angles = 6 * torch.rand(200, 1)
        >>> circle = torch.cat([angles.cos(), angles.sin()], -1)
        >>> torch.round(read_by_least_squares(circle[:100], angles[:100], circle[100:], angles[100:]), decimals=3)
        tensor([1.])

    Chapter 5.
    """
    targets = torch.cat([angles.cos(), angles.sin()], -1)
    # In double precision, where a coordinate that never changes does no harm.
    found = torch.linalg.lstsq(_with_one(codes), targets.double(), driver="gelsd" if not codes.is_cuda else None)
    cosines, sines = (_with_one(new_codes) @ found.solution).chunk(2, -1)
    return circular_correlation(torch.atan2(sines, cosines).mT, new_angles.double().mT).abs().to(codes.dtype)


def _matched(fits: Tensor, order: Sequence[int]) -> Tensor:
    """Return the fit of each angle with its circle."""
    return fits[list(order), range(len(order))]


def _with_one(codes: Tensor) -> Tensor:
    return torch.cat([codes, torch.ones_like(codes[:, :1])], -1).double()
