"""Laws that every distribution about a direction obeys, for the test files of this room."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch.utils._python_dispatch import TorchDispatchMode

DIMENSIONS = [2, 3, 5, 10, 41, 100, 500]
# 56 cells: a sampler that is right passes all of them with a chance of 99.9 %.
DRAWS = 20_000
CRITICAL = 2.41 / math.sqrt(DRAWS)


def direction(m, dtype=torch.float64, device="cpu"):
    """Return a fixed direction that is no axis."""
    return F.normalize(torch.linspace(-1, 2, m, dtype=dtype, device=device), dim=0)


def at_angles(loc, angles):
    """Return points at angles from a direction, all on one great circle."""
    across = torch.zeros_like(loc)
    across[0], across[1] = -loc[1], loc[0]
    across = F.normalize(across, dim=0)
    return angles.cos()[:, None] * loc + angles.sin()[:, None] * across


def total_mass(law):
    """Integrate the density over the sphere: over the angle from the direction, between bounds that halve to 1e-7."""
    m = law.m
    nodes, weights = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(40))
    halved = [math.pi * 2.0**-i for i in range(25, 0, -1)]
    bounds = [0.0, *halved, *(math.pi - low for low in reversed(halved[:-1])), math.pi]
    total = 0.0
    for low, high in itertools.pairwise(bounds):
        # Around the equator the sphere itself is as narrow as 1/√m.
        for start in torch.linspace(low, high, 5)[:-1]:
            angles = start + (high - low) / 4 * (nodes + 1) / 2
            log = law.log_prob(at_angles(law.loc, angles)) + (m - 2) * angles.sin().log() + _log_area_across(m)
            total += (weights @ log.exp()).item() * (high - low) / 8
    return total


def _log_area_across(m):
    """Return the logarithm of the area of S^{m-2}; two points where m is 2."""
    return math.log(2) + (m - 1) / 2 * math.log(math.pi) - math.lgamma((m - 1) / 2)


class NeverWaits(TorchDispatchMode):
    """Refuse operations whose results the host has to look at: on a GPU it would wait for them."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        waiting = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "is_nonzero")
        assert func.overloadpacket.__name__ not in waiting, func
        return func(*args, **(kwargs or {}))


def require_directions_to_turn(make, m, device):
    """The gradient of the mean with respect to the direction is the mean resultant length, across."""
    n = 100_000
    loc = direction(m, device=device).expand(n, m).clone().requires_grad_()
    law = make(loc)
    weights, tangent = torch.randn(2, m, device=device)
    tangent = tangent - (tangent @ loc[0]) * loc[0]
    slopes = torch.autograd.grad((law.rsample() @ weights).sum(), loc)[0] @ tangent
    expected = law.mean_resultant_length[0] * (tangent @ weights)
    assert abs(slopes.mean() - expected) < 4 * slopes.std() / math.sqrt(n)


def drawn(make, concentration, count=DRAWS):
    """Return, for samples, 1 minus the cosine with the direction, and its derivative by the concentration."""
    distances, slopes = [], []
    # A part at a time: what is large is slow.
    for _ in range(10):
        many = concentration.expand(count // 10).clone().requires_grad_()
        law = make(many)
        distance = (law.rsample() - law.loc).square().sum(-1) / 2
        slopes.append(torch.autograd.grad(distance.sum(), many)[0].cpu())
        distances.append(distance.detach().cpu())
    return torch.cat(distances), torch.cat(slopes)


def distance_between(samples, cdf):
    """Return the Kolmogorov distance of samples from a cumulative distribution."""
    return stats.kstest(samples.double().numpy(), cdf).statistic
