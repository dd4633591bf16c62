r"""How the cosine of a draw moves with the concentration, at a fixed level of its distribution function.

With the density p and the distribution function F of the cosine w, and A its mean,

.. math:: \frac{dw}{d\kappa} = - \frac{\partial_\kappa F(w)}{p(w)} = \frac{1}{p(w)} \int_w^1 (t - A)\, p(t)\, dt
    = \frac{1}{p(w)} \int_{-1}^w (A - t)\, p(t)\, dt .

This is the gradient of a draw by inversion. Gradients through the proposals that a rejection sampler has taken, as the
published ones have, leave out how the taking itself changes, by up to half of the gradient. The side of w that is away
from the mean is integrated, where nothing changes sign: in the angle, by Gauss's rule, as far as p is not negligible
beside p(w).

Reference: Figurnov, Mohamed & Mnih, *Implicit reparameterization gradients*, NeurIPS 2018.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentbook.sphere.rules import gauss_rule

__all__ = ["cosine_slope"]

# Nodes, and down to which power of 1/e the density is followed.
RULES = {torch.float32: (16, 15.0), torch.float64: (40, 36.0)}
# How many draws at a time: what is computed at all nodes stays in the cache.
BLOCK = 2048


@torch.no_grad()
def cosine_slope(m: int, kappa: Tensor, one_minus_w: Tensor, shortfall: Tensor) -> Tensor:
    """Return dw/dkappa.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentrations, from 0 on.
        one_minus_w: What was drawn, between 0 and 2.
        shortfall: 1 - A of the concentrations; it may broadcast.

    Returns:
        Numbers from 0 on, of the same shape, with a relative error below 1e-12 in double precision and below 1.3e-5 in
        single precision.

    Example:
        Without concentration it is (1 - w²) / (m - 1):

        >>> zero, w = torch.zeros(3), torch.tensor([-0.5, 0.0, 0.5])
        >>> cosine_slope(4, zero, 1 - w, 1 - zero)
        tensor([0.2500, 0.3333, 0.2500])

    Chapter 5.
    """
    columns = torch.broadcast_tensors(kappa, one_minus_w, shortfall)
    if kappa.is_cuda or one_minus_w.numel() <= BLOCK:
        return _slope(m, *columns)
    blocks = zip(*(column.flatten().split(BLOCK) for column in columns), strict=True)
    return torch.cat([_slope(m, *block) for block in blocks]).view(one_minus_w.shape)


def _slope(m: int, kappa: Tensor, one_minus_w: Tensor, shortfall: Tensor) -> Tensor:
    nodes, weights = gauss_rule(RULES[kappa.dtype][0], one_minus_w)
    w, other = 1 - one_minus_w, 2 - one_minus_w
    sine = (one_minus_w * other).clamp_min(torch.finfo(kappa.dtype).tiny).sqrt()
    inner = one_minus_w <= shortfall
    # Up to the pole, on its side.
    legs = one_minus_w.sqrt(), other.sqrt()
    pole = 2 * torch.atan2(torch.where(inner, *legs), torch.where(inner, *reversed(legs)))
    reach = torch.minimum(_reach(m, kappa, w, sine, inner), pole)
    turn = torch.where(inner, -reach, reach) * nodes
    # Of the angle that is turned further; what the cosine and the logarithm of the sine become by it.
    fall, rise = -2 * (turn / 2).sin().square(), turn.sin()
    change = torch.addcmul(w * fall, sine, rise, value=-1)
    log = torch.log1p(torch.addcmul(fall, w / sine, rise).clamp_min(torch.finfo(kappa.dtype).eps - 1))
    density = torch.add(kappa * change, log, alpha=m - 2).exp()
    excess = (change + (shortfall - one_minus_w)).abs()
    return sine * reach * (weights * excess * density).sum(0)


def _reach(m: int, kappa: Tensor, w: Tensor, sine: Tensor, inner: Tensor) -> Tensor:
    """Return how far from the angle of a draw the density is followed."""
    depth = RULES[kappa.dtype][1]
    # How fast its logarithm falls, and a bound from below for how much faster and faster.
    fall = kappa * sine - (m - 2) * w / sine
    fall = torch.where(inner, -fall, fall).clamp_min(0)
    bend = torch.where(inner, kappa * w + (m - 2) / sine.square(), 0.4 * kappa * w.clamp_min(0) + (m - 2))
    reach = 1.2 * 2 * depth / (fall + torch.addcmul(2 * depth * bend, fall, fall).sqrt())
    return reach.nan_to_num(math.inf, math.inf)
