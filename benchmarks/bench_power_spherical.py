"""The power spherical law: samples, densities and divergences of a posterior, against the package of its authors."""

from __future__ import annotations

import dataclasses

import torch
from power_spherical import HypersphericalUniform
from power_spherical import PowerSpherical as Theirs
from timing import Row, compare
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from latentbook.sphere import PowerSpherical, UniformSphere

# A batch of posteriors in single precision, as concentrated as those of trained encoders.
BATCH = 4096
DIMENSIONS = (3, 10, 50, 500)


def measure() -> list[Row]:
    """Return one row for each dimension: rsample, log_prob and divergence from uniform, forward and backward."""
    return [_row(m) for m in DIMENSIONS]


def _row(m: int) -> Row:
    loc = torch.nn.functional.normalize(torch.randn(BATCH, m), dim=-1).requires_grad_()
    concentration = (2 * m * (0.8 + 0.4 * torch.rand(BATCH))).requires_grad_()
    # Made once, as a prior is.
    ours, theirs = UniformSphere(m), HypersphericalUniform(m)
    row = compare(
        f"power spherical law in R^{m}, {BATCH} posteriors, a step",
        lambda: _step(PowerSpherical(loc, concentration), ours, loc, concentration),
        lambda: _step(Theirs(loc, concentration), theirs, loc, concentration),
        "power-spherical 0.8",
        repeats=25,
    )
    return dataclasses.replace(row, asked="faster")


def _step(posterior: Distribution, prior: Distribution, *leaves: Tensor) -> None:
    z = posterior.rsample()
    (posterior.log_prob(z).sum() + kl_divergence(posterior, prior).sum()).backward()
    for leaf in leaves:
        leaf.grad = None
