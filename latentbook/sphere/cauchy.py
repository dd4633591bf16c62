r"""The spherical Cauchy law: what a Möbius map of the ball makes of the uniform law.

For :math:`0 \le \rho < 1` the map that takes 0 to :math:`\rho \mu` takes a point u of S^{m-1} in R^m to

.. math:: x = \rho \mu + \frac{1 - \rho^2}{|u + \rho \mu|^2}\, (u + \rho \mu) .

It leaves great circles through :math:`\mu` where they are and moves points along them: with :math:`s = \mu^\top u` and
:math:`t = \mu^\top x`

.. math:: 1 - t = \frac{(1 - \rho)^2 (1 - s)}{1 + \rho^2 + 2 \rho s} .

It stretches every tangent vector by the same factor, so the density of x is that factor's inverse to the power m - 1.
Means over x are means over u, and with u also -u is uniform: adding both leaves functions of :math:`a = 1 - s^2` and
:math:`q = (2 \rho / (1 - \rho^2))^2` in which nothing cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import register_kl

from latentbook.sphere.checks import require_same_space
from latentbook.sphere.symmetric import SymmetricLaw
from latentbook.sphere.tangent import one_minus_cosine
from latentbook.sphere.uniform import UniformSphere, for_both, log_sphere_area

__all__ = ["SphericalCauchy"]


class SphericalCauchy(SymmetricLaw):
    r"""The spherical Cauchy law on S^{m-1} in R^m.

    Its density is

    .. math:: \frac{1}{S_{m-1}} \Big(\frac{1 - \rho^2}{1 + \rho^2 - 2 \rho\, \mu^\top x}\Big)^{m-1} .

    Its tails are heavy: opposite to the direction it is still :math:`((1 - \rho) / (1 + \rho))^{m-1} / S_{m-1}`.

    Args:
        loc: Directions :math:`\mu`, ``(..., m)``, of norm 1.
        concentration: :math:`\rho`, ``(...)`` or one number, at least 0 and below 1; 0 is the uniform law.
        validate_args: Whether values are looked at, which makes the host wait for a GPU.

    Raises:
        TypeError: If an argument is not floating point.
        ValueError: If m is below 2, a norm is not 1, a concentration is out of range, or shapes do not fit.

    Reference:
        Kato & McCullagh, *Some properties of a Cauchy family on the sphere derived from the Möbius transformations*,
        Bernoulli 26, 2020. As a posterior: arXiv 2506.21278.

    Example:
        On the circle the mean is the image of the centre:

        >>> law = SphericalCauchy(torch.tensor([1.0, 0.0]), 0.5)
        >>> law.mean
        tensor([0.5000, 0.0000])
        >>> torch.distributions.kl_divergence(law, UniformSphere(2))  # -ln(1 - 0.5²)
        tensor(0.2877)

    Chapter 5.
    """

    upper = 1.0

    @property
    def mean_resultant_length(self) -> Tensor:
        r"""The expected cosine with the direction; :math:`\rho` on the circle, more in higher dimensions."""
        if self.m == 2:
            return self.concentration
        return _mean(self.m, self.concentration, _cosine)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        rho = self.concentration
        below = (1 - rho).square() + 2 * rho * one_minus_cosine(value, self.loc)
        return (self.m - 1) * torch.log((1 - rho) * (1 + rho) / below) - log_sphere_area(self.m)

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        return log_sphere_area(self.m) - _divergence(self.m, self.concentration)

    def _draw_one_minus_cosine(self, length: Tensor) -> Tensor:
        rho, along = self.concentration, torch.randn_like(length)
        # 1 - s of a uniform point that has this length across: its square over twice the area, where s is positive.
        radius = torch.hypot(along, length)
        one_minus_s = torch.where(along > 0, length.square() / (radius * (radius + along)), 1 - along / radius)
        below = ((1 + rho).square() * (2 - one_minus_s) + (1 - rho).square() * one_minus_s) / 2
        return (1 - rho).square() * one_minus_s / below

    def _variances(self) -> tuple[Tensor, Tensor]:
        # Of narrow laws these are small themselves, and what is rare decides them.
        short = _mean(self.m, self.concentration, _one_minus_cosine, tail=50)
        both = _mean(self.m, self.concentration, _one_minus_square_of_cosine, tail=50)
        return (short * (2 - short) - both).clamp_min(0), both / (self.m - 1)


def _divergence(m: int, rho: Tensor) -> Tensor:
    r"""Return the divergence from the uniform law, the mean of :math:`\tfrac{m - 1}{2} \ln(1 + q a)`."""
    if m == 2:
        return torch.log1p(rho * rho / ((1 - rho) * (1 + rho)))
    return _mean(m, rho, lambda rho, a: (m - 1) / 2 * torch.log1p(_q(rho) * a))


def _mean(m: int, rho: Tensor, function: Callable[[Tensor, Tensor], Tensor], tail: int = 0) -> Tensor:
    r"""Return the mean of a function of :math:`\rho` and :math:`a = 1 - s^2`, over uniform points of S^{m-1} in R^m.

    With :math:`s = \tanh(y / 2)` the density of y is proportional to :math:`a^{(m - 1) / 2}`. All functions here are
    even in y and analytic for :math:`|\mathrm{Im}\, y| < \pi`, whatever :math:`\rho` is: so equal steps suffice.
    """
    digits = 17 if tail or rho.dtype == torch.float64 else 9
    step, count = _steps(m, digits, tail or digits)
    a = torch.cosh(step / 2 * torch.arange(count, dtype=torch.float64, device=rho.device)) ** -2
    weights = a ** ((m - 1) / 2)
    weights = torch.cat([weights[:1] / 2, weights[1:]])
    return (function(rho.double().unsqueeze(-1), a) @ (weights / weights.sum())).to(rho.dtype)


def _steps(m: int, digits: int, tail: int) -> tuple[float, int]:
    r"""Return how far apart and how many the points of a mean are; they end where the density is 10 to the -`tail`.

    At the frequency :math:`\omega = 2 \pi / h` the density's transform has fallen to
    :math:`\prod_k (1 + \omega^2 / (b + k)^2)^{-1}`, with :math:`b = (m - 1) / 2`: that is the error of steps of
    length h. In its logarithm the sum is taken for an integral, which is convex: Newton's method finds it.
    """
    b, c = (m - 1) / 2, max(m / 2 - 1, 1e-9)
    omega = fallen = digits * math.log(10)
    for _ in range(12):
        exponent = math.pi * omega - c * math.log1p((omega / c) ** 2) - 2 * omega * math.atan2(c, omega)
        omega += (fallen - exponent) / (2 * math.atan2(omega, c))
    step = 2 * math.pi / omega
    return step, math.ceil(2 * math.acosh(10 ** (tail / 2 / b)) / step)


def _q(rho: Tensor) -> Tensor:
    return (2 * rho / ((1 - rho) * (1 + rho))).square()


def _cosine(rho: Tensor, a: Tensor) -> Tensor:
    return 2 * rho * (1 + rho * rho) / ((1 - rho) * (1 + rho)).square() * a / (1 + _q(rho) * a)


def _one_minus_cosine(rho: Tensor, a: Tensor) -> Tensor:
    return (1 - 2 * rho * a / (1 + rho).square()) / (1 + _q(rho) * a)


def _one_minus_square_of_cosine(rho: Tensor, a: Tensor) -> Tensor:
    above = a * ((1 + rho * rho).square() + 4 * rho * rho * (1 - a))
    return above / (((1 - rho) * (1 + rho)) * (1 + _q(rho) * a)).square()


@register_kl(SphericalCauchy, UniformSphere)
def _kl_to_uniform(p: SphericalCauchy, q: UniformSphere) -> Tensor:
    require_same_space(p.m, q.m)
    return for_both(_divergence(p.m, p.concentration), q)
