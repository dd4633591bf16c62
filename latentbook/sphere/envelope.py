r"""Draws of the cosine of a von Mises-Fisher law, by an envelope that fits at every concentration.

The cosine w has the density :math:`\propto (1 - w^2)^{(m-3)/2}\, e^{\kappa w}`. The envelope is a Möbius map of a
symmetric beta variable e, by a number b,

.. math:: 1 - w = \frac{2 b e}{q} , \qquad q = 1 - (1 - b)\, e , \qquad
    b = \frac{m - 1}{2 \kappa + \sqrt{4 \kappa^2 + (m - 1)^2}} ,

and a proposal is taken with the probability :math:`\left[ (1 + \delta)\, e^{-\delta} \right]^{m-1}`, with
:math:`\delta = (1 - b) (2 e - 1) / 2 q`. In this form of b nothing cancels, so that no other is needed for large
concentrations. The published samplers switch to :math:`b = (m - 1) / 4 \kappa` above :math:`\kappa = 10`, where the
probability exceeds 1 as long as :math:`\kappa` is not far above m: they draw from another law.

The beta variable is the height of a uniform point: with :math:`1 - \rho^2 = U^{2 / (m - 2)}` it is :math:`\rho` times
the cosine of a uniform angle.

Reference: Wood, *Simulation of the von Mises Fisher distribution*, Communications in Statistics 23, 1994.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["draw_one_minus_cosine"]

# At least 65.8 % of the proposals are taken: that none of these is, happens with a probability below 2e-15.
PROPOSALS = 32
# An operation on fewer numbers takes no less time: where few are drawn, several proposals are made for each at once.
AT_ONCE = 1024
# Where the host cannot look all are made in any case: as many at once as memory is sure to hold.
AT_ONCE_UNSEEN = 1_048_576


@torch.no_grad()
def draw_one_minus_cosine(m: int, kappa: Tensor) -> Tensor:
    """Draw 1 - w, which keeps the digits that w has lost where it is close to 1.

    What ends is sure: after 32 proposals, none of which was taken with a probability below 2e-15, one of them is
    returned. A concentration that is not a number takes all of them, and gives nan.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentrations, from 0 on.

    Returns:
        Numbers in [0, 2], of the same shape, without gradients.

    Example:
        >>> draw_one_minus_cosine(10, torch.full((3,), 1e20)) < 1e-18
        tensor([True, True, True])

    Chapter 5.
    """
    twice = 2 * kappa.flatten()
    b = (m - 1) / (twice + torch.hypot(twice, twice.new_full((), m - 1)))
    count = _how_many(b, PROPOSALS)
    drawn, taken = _first_taken(m, b, count)
    left = PROPOSALS - count
    while left:
        rest = taken.logical_not().nonzero().squeeze(-1) if _may_look(b) else slice(None)
        if isinstance(rest, Tensor) and not len(rest):
            break
        count = _how_many(b[rest], left)
        again, fits = _first_taken(m, b[rest], count)
        drawn[rest] = torch.where(taken[rest], drawn[rest], again)
        taken[rest] |= fits
        left -= count
    return drawn.view(kappa.shape)


def _may_look(tensor: Tensor) -> bool:
    """Tell whether the host can see values without waiting for a device, and so which are left."""
    return not tensor.is_cuda


def _how_many(b: Tensor, left: int) -> int:
    """Return how many proposals to make at once for each entry of b, of those that are left."""
    at_once = AT_ONCE if _may_look(b) else AT_ONCE_UNSEEN
    return max(1, min(left, at_once // max(1, len(b))))


def _first_taken(m: int, b: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Make so many proposals for each entry of b; return the first one that is taken, or any, and whether one is."""
    proposed, fits = _proposed(m, b.expand(count, -1))
    if count == 1:
        return proposed[0], fits[0]
    first = fits.byte().argmax(0, keepdim=True)
    return proposed.gather(0, first)[0], fits.any(0)


def _proposed(m: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """Make a proposal for each entry of b; tell which of them are taken."""
    # On the circle the point has no height to lose.
    power = 2 / (m - 2) if m > 2 else math.inf
    log = power * torch.rand_like(b).log()
    radius = torch.expm1(log).neg().sqrt()
    # 2 e = 1 - radius * cosine, without cancellation.
    twice = torch.addcmul(log.exp() / (1 + radius), radius + radius, (math.pi * torch.rand_like(b)).sin().square())
    half = (1 - b) / 2
    q = 1 - half * twice
    delta = half * (twice - 1) / q
    # Opposite to the direction rounding may reach beyond the sphere, where a draw would have no slope.
    return (b * twice / q).clamp_max(2), torch.rand_like(b).log() <= (m - 1) * (torch.log1p(delta) - delta)
