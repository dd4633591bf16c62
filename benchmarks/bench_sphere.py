"""Spheres: Bessel functions against scipy's, two laws against the power spherical law's own package."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from power_spherical import HypersphericalUniform
from power_spherical import PowerSpherical as Theirs
from scipy.special import ive
from timing import Row, compare
from torch import Tensor
from torch.distributions import Distribution, kl_divergence
from torch.nn.functional import normalize

from latentbook.sphere import PowerSpherical, UniformSphere, VonMisesFisher
from latentbook.sphere.bessel import of_order
from latentbook.sphere.symmetric import SymmetricLaw

BATCH, NUMBERS = 4096, 1_000_000
# How many times the peer's time the von Mises-Fisher law may take, by the dimension.
ASKED = {3: 2, 10: 2, 50: 2, 500: 1}


def measure() -> list[Row]:
    """Return the time of a million Bessel functions, and of a step of training with two laws, by the dimension."""
    return [
        *(row for m in ASKED for row in _functions(m)),
        *(_step(VonMisesFisher, m, f"at most {times} x the time") for m, times in ASKED.items()),
        *(_step(PowerSpherical, m, "faster") for m in ASKED),
    ]


def _functions(m: int) -> list[Row]:
    kappa = torch.logspace(-3, 6, NUMBERS)[torch.randperm(NUMBERS)]
    order = m / 2 - 1

    @torch.no_grad()
    def ours() -> tuple[Tensor, ...]:
        known = of_order(order, kappa, derivatives=0)
        # ln I but for a constant.
        return kappa * known.length - known.divergence + order * kappa.log(), known.length, known.divergence

    def theirs() -> tuple:
        return ive(order, kappa.numpy()), ive(order + 1, kappa.numpy())

    words, against = f"ln I, ratio and divergence of {NUMBERS:,} numbers, m = {m}", "two calls of scipy's ive"
    compiled = compare(f"{words}, compiled", torch.compile(ours, fullgraph=True), theirs, against)
    return [compare(words, ours, theirs, against), dataclasses.replace(compiled, asked="at least 5 x")]


def _step(law: type[SymmetricLaw], m: int, asked: str) -> Row:
    draw = torch.Generator().manual_seed(0)
    loc = normalize(torch.randn(BATCH, m, generator=draw), dim=-1).requires_grad_()
    kappa = (2 * m * (0.8 + 0.4 * torch.rand(BATCH, generator=draw))).requires_grad_()

    def ours() -> None:
        _train(lambda: law(loc, kappa, validate_args=False), UniformSphere(m), loc, kappa)

    def theirs() -> None:
        _train(lambda: Theirs(loc, kappa, validate_args=False), HypersphericalUniform(m), loc, kappa)

    words = f"a step of {law.__name__} on S^{m - 1} in R^{m}, {BATCH:,} of them"
    row = compare(words, ours, theirs, "the power spherical law's package", repeats=25)
    return dataclasses.replace(row, asked=asked)


def _train(law: Callable[[], Distribution], prior: Distribution, *parameters: Tensor) -> None:
    """Draw, and go back through the draws, their densities and the divergence."""
    posterior = law()
    z = posterior.rsample()
    total = z.sum() + posterior.log_prob(z).sum() + kl_divergence(posterior, prior).sum()
    torch.autograd.grad(total, parameters)
