"""Angles: how closely two of them go together, wherever either of them begins to count."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["circular_correlation"]


def circular_correlation(a: Float[Tensor, "*#batch N"], b: Float[Tensor, "*#batch N"]) -> Tensor:
    r"""Return the correlation of N pairs of angles.

    .. math:: \frac{\sum_{i<j} \sin(a_i - a_j) \sin(b_i - b_j)}
        {\sqrt{\sum_{i<j} \sin^2(a_i - a_j) \sum_{i<j} \sin^2(b_i - b_j)}}

    It is 1 where one angle is the other plus a constant, -1 where it is a constant minus the other, and near 0 where
    they are independent. A constant added to either changes nothing: so no direction need be chosen as a mean, which
    uniform angles do not have. It does not see an angle that turns twice as fast.

    Args:
        a: Angles, in radians.
        b: Others, of the same examples; batches of both broadcast.

    Returns:
        Numbers in [-1, 1]; nan where all of one lie on a line through the centre.

    Raises:
        ValueError: If there are fewer than two pairs.

    Reference:
        Fisher & Lee, *A correlation coefficient for circular data*, Biometrika 70, 1983.

    Example:
        >>> a = torch.linspace(0, 6, 100)
        >>> circular_correlation(a, a + 2), circular_correlation(a, 1 - a)
        (tensor(1.), tensor(-1.))

    Chapter 5.
    """
    if a.shape[-1] < 2:
        raise ValueError(f"`a` has {a.shape[-1]} angles: a correlation needs two pairs or more")
    # Sums over pairs are products of sums over examples: these are the parts of E[e^{i(a - b)}] and E[e^{i(a + b)}].
    together = _square_of_mean(a - b) - _square_of_mean(a + b)
    alone = (1 - _square_of_mean(2 * a)) * (1 - _square_of_mean(2 * b))
    varies = alone > 64 * torch.finfo(alone.dtype).eps
    return torch.where(varies, together / alone.where(varies, 1).sqrt(), torch.nan)


def _square_of_mean(angle: Tensor) -> Tensor:
    """Return the squared length of the mean of points of the circle."""
    return angle.cos().mean(-1).square() + angle.sin().mean(-1).square()
