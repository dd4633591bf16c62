r"""Differences of :math:`\ln\Gamma` that keep their digits, for every concentration and in every type.

With :math:`b = (m - 1) / 2` and :math:`D(x) = \ln\Gamma(x + b) - \ln\Gamma(x)`, the power spherical law of
concentration :math:`\kappa` has at the cosine t the density

.. math:: \frac{1}{S_{m-1}} \exp\Big(\kappa \ln\tfrac{1 + t}{2} + D(b + \kappa) - D(b)\Big),

and diverges from the uniform law by :math:`D(b + \kappa) - D(b) - \kappa D'(b + \kappa)`. The four values of
:math:`\ln\Gamma` are as large as :math:`\kappa \ln \kappa`, what is left of them may be as small as :math:`\kappa^2`.
So they are subtracted on paper: in Stirling's series, the arguments raised by N, and in the N logarithms which that
costs. What remains is a sum of terms that are positive, or small beside one that is.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["power_divergence", "power_slope"]

# Bernoulli's numbers B_2k / (2k (2k - 1)): lnΓ(x) = (x - 1/2) ln x - x + ln(2π)/2 + Σ STIRLING_k / x^(2k - 1).
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def power_divergence(m: int, concentration: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the divergence of the power spherical law on S^{m-1} in R^m from the uniform law.

    .. math:: D(b + \kappa) - D(b) - \kappa D'(b + \kappa)

    Args:
        m: Ambient dimension, at least 2.
        concentration: :math:`\kappa`, at least 0.

    Returns:
        In nats, with a relative error of a few roundings: of the size of :math:`\kappa^2 / 2 m` where the law is
        wide, of :math:`b \ln \kappa` where it is narrow.

    Example:
        >>> power_divergence(2, torch.tensor([1e-10, 4.0, 1e10], dtype=torch.float64))
        tensor([1.6449e-20, 8.2770e-01, 1.1585e+01], dtype=torch.float64)

    Chapter 5.
    """
    b, raised, terms = _plan(m, concentration.dtype)
    k = concentration
    c1, c2 = b + raised, 2 * b + raised
    # What is left of (x - 1/2) ln x - x in the four places.
    q = (b / c1) * (k / (c2 + k))
    total = b * _under_log1p(k / c2) + (c1 - 0.5) * _over_log1p(q) + q * (k / (c1 + k)) / 2
    total = total + _of_tails(k, c1, terms) - _of_tails(k, c2, terms)
    for j in range(raised):
        q = (b / (b + j)) * (k / (2 * b + j + k))
        total = total + q * (k / (b + j + k)) - _over_log1p(q)
    return total


def power_slope(m: int, concentration: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the slope of the normaliser's logarithm, :math:`D'(b + \kappa)`.

    .. math:: \psi(2b + \kappa) - \psi(b + \kappa)

    Args:
        m: Ambient dimension, at least 2.
        concentration: :math:`\kappa`, at least 0.

    Returns:
        :math:`-\mathrm{E}[\ln\frac{1 + t}{2}]` under the law, positive.

    Example:
        >>> power_slope(3, torch.tensor([0.0, 1.0, 3.0]))
        tensor([1.0000, 0.5000, 0.2500])

    Chapter 5.
    """
    b, raised, terms = _plan(m, concentration.dtype)
    k = concentration
    x1, x2 = b + raised + k, 2 * b + raised + k
    total = torch.log1p(b / x1) + b / 2 / x1 / x2 + _slope_of_tail(x2, terms) - _slope_of_tail(x1, terms)
    for j in range(raised):
        total = total + b / (b + j + k) / (2 * b + j + k)
    return total


def _plan(m: int, dtype: torch.dtype) -> tuple[float, int, int]:
    """Return b, by how much arguments are raised, and how many terms of Stirling's series are taken."""
    b = (m - 1) / 2
    least, terms = (9.0, 7) if dtype == torch.float64 else (4.0, 3)
    return b, max(0, math.ceil(least - b)), terms


def _of_tails(k: Tensor, c: float, terms: int) -> Tensor:
    r"""Return :math:`\sigma(c) - \sigma(c + k) + k \sigma'(c + k)`, for the tail σ of Stirling's series.

    For one power, :math:`x^{-p}`, it is :math:`c^{-p} (1 - r)^2 \sum_{j<p} (j + 1) r^j`, with :math:`r = c / (c + k)`.
    """
    powers = [(2 * i + 1, s / c ** (2 * i + 1)) for i, s in enumerate(STIRLING[:terms])]
    r = c / (c + k)
    return (k / (c + k)).square() * _polynomial(
        r, [(j + 1) * sum(s for p, s in powers if p > j) for j in range(2 * terms - 1)]
    )


def _slope_of_tail(x: Tensor, terms: int) -> Tensor:
    square = 1 / x / x
    return -square * _polynomial(square, [(2 * i + 1) * s for i, s in enumerate(STIRLING[:terms])])


def _over_log1p(x: Tensor) -> Tensor:
    """Return x - ln(1 + x) for x between 0 and 1: how far its tangent at 0 lies above the logarithm."""
    s = x / (2 + x)
    return s * x - _cubic(s)


def _under_log1p(x: Tensor) -> Tensor:
    """Return ln(1 + x) - x / (1 + x) for x at least 0: how far the logarithm, from x on a tangent, lies above 0."""
    u = x / (1 + x)
    s = x.clamp_max(1) / (2 + x.clamp_max(1))
    return torch.where(x < 1, s * u + _cubic(s), torch.log1p(x) - u)


def _cubic(s: Tensor) -> Tensor:
    """Return 2 artanh(s) - 2 s, for s between 0 and 1/3; with s = x / (2 + x), 2 artanh(s) is ln(1 + x)."""
    count = 17 if s.dtype == torch.float64 else 8
    return 2 * s * s * s * _polynomial(s * s, [1 / (2 * k + 3) for k in range(count)])


def _polynomial(x: Tensor, coefficients: list[float]) -> Tensor:
    value = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
