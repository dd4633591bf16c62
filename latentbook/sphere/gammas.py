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
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["power_divergence", "power_normaliser"]

# Bernoulli's numbers B_2k / (2k (2k - 1)): lnΓ(x) = (x - 1/2) ln x - x + ln(2π)/2 + Σ STIRLING_k / x^(2k - 1).
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def power_normaliser(m: int, concentration: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return :math:`D(b + \kappa) - D(b)`: by how much the density at the mode exceeds the uniform one.

    Args:
        m: Ambient dimension, at least 2, of S^{m-1} in R^m.
        concentration: :math:`\kappa`, at least 0.

    Returns:
        Logarithms, with an error of a few roundings of :math:`b \ln (b + \kappa)`. Their derivative is
        :math:`D'(b + \kappa) = \psi(2b + \kappa) - \psi(b + \kappa)`, which is :math:`-\mathrm{E}[\ln\frac{1+t}{2}]`.

    Example:
        For the sphere in R^3 it is the logarithm of 1 + κ:

        >>> power_normaliser(3, torch.tensor([0.0, 1.0, 3.0])).exp()
        tensor([1.0000, 2.0000, 4.0000])

    Chapter 5.
    """
    return _written(m, concentration, _normaliser, _derivative_of_normaliser)


def power_divergence(m: int, concentration: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the divergence of the power spherical law from the uniform law.

    .. math:: D(b + \kappa) - D(b) - \kappa D'(b + \kappa)

    Args:
        m: Ambient dimension, at least 2, of S^{m-1} in R^m.
        concentration: :math:`\kappa`, at least 0.

    Returns:
        In nats, with a relative error of a few roundings: of the size of :math:`\kappa^2 / 2 m` where the law is
        wide, of :math:`b \ln \kappa` where it is narrow. The derivative is :math:`-\kappa D''(b + \kappa)`.

    Example:
        >>> power_divergence(2, torch.tensor([1e-10, 4.0, 1e10], dtype=torch.float64))
        tensor([1.6449e-20, 8.2770e-01, 1.1585e+01], dtype=torch.float64)

    Chapter 5.
    """
    return _written(m, concentration, _divergence, _derivative_of_divergence)


def _written(m: int, k: Tensor, function: Callable, derivative: Callable) -> Tensor:
    """Return a function of m and the concentration, with a derivative that is written out."""
    if torch.compiler.is_compiling():
        # It cannot follow a forward derivative, and fuses what makes the plain formula slow.
        return _computed(m, k, function)
    return _Written.apply(k, m, function, derivative)


def _computed(m: int, k: Tensor, function: Callable) -> Tensor:
    # One number stands for m coordinates: double precision costs nothing, and logarithms need no series then.
    return function(m, k.double(), _plan(m, k.dtype)).to(k.dtype)


class _Written(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(k, m, function, derivative):
        return _computed(m, k, function)

    @staticmethod
    def setup_context(ctx, inputs, output):
        k, ctx.m, _, ctx.derivative = inputs
        ctx.save_for_backward(k)
        ctx.save_for_forward(k)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.derivative(ctx.m, ctx.saved_tensors[0]), None, None, None

    @staticmethod
    def jvp(ctx, along, *_):
        return along * ctx.derivative(ctx.m, ctx.saved_tensors[0])


class _Plan(NamedTuple):
    """What is computed: b, steps by which arguments are raised, terms of Stirling's series, and whether in double.

    With no terms b is an integer and small, and the steps are all there is: D(x) is the sum of ln(x + j).
    """

    b: float
    raised: int
    terms: int
    exact: bool


def _plan(m: int, dtype: torch.dtype) -> _Plan:
    b, exact = (m - 1) / 2, dtype == torch.float64
    if b in (1, 2, 3, 4):
        return _Plan(b, int(b), 0, exact)
    least, terms = (9.0, 7) if exact else (4.0, 3)
    return _Plan(b, max(0, math.ceil(least - b)), terms, exact)


def _normaliser(m: int, k: Tensor, plan: _Plan) -> Tensor:
    b, raised, terms, _ = plan
    if not terms:
        return torch.log1p(k / (_steps(k, raised) + b)).sum(0)
    x1, x2 = k + (b + raised), k + (2 * b + raised)
    total = b * torch.log(x2) + (x1 - 0.5) * torch.log1p(b / x1) + _tail(x2, terms) - _tail(x1, terms)
    if raised:
        j = _steps(k, raised)
        total = total - torch.log((j + (2 * b + k)) / (j + (b + k))).sum(0)
    return total - (b + math.lgamma(2 * b) - math.lgamma(b))


def _slope(m: int, k: Tensor, plan: _Plan) -> Tensor:
    b, raised, terms, _ = plan
    if not terms:
        return (1 / (_steps(k, raised) + (b + k))).sum(0)
    x1, x2 = k + (b + raised), k + (2 * b + raised)
    total = torch.log1p(b / x1) + b / 2 / x1 / x2 - _slope_of_tail(x2, terms) + _slope_of_tail(x1, terms)
    if raised:
        j = _steps(k, raised)
        total = total + (b / (j + (b + k)) / (j + (2 * b + k))).sum(0)
    return total


def _divergence(m: int, k: Tensor, plan: _Plan) -> Tensor:
    """Return a sum of positive terms, but for the tails and the last."""
    b, raised, terms, exact = plan
    if not terms:
        return _under_log1p(k / (_steps(k, raised) + b), exact).sum(0)
    c1, c2 = b + raised, 2 * b + raised
    # What is left of (x - 1/2) ln x - x in the four places.
    q = (b / c1) * (k / (k + c2))
    total = b * _under_log1p(k / c2, exact) + (c1 - 0.5) * _over_log1p(q, exact) + q * (k / (k + c1)) / 2
    total = total + _gap_of_tail(k, c1, terms) - _gap_of_tail(k, c2, terms)
    if raised:
        j = _steps(k, raised)
        q = b / (j + b) * (k / (j + (2 * b + k)))
        total = total + (q * (k / (j + (b + k))) - _over_log1p(q, exact)).sum(0)
    return total


def _bend(m: int, k: Tensor, plan: _Plan) -> Tensor:
    """Return the derivative of the slope, ψ'(2b + k) - ψ'(b + k)."""
    b, raised, terms, _ = plan
    if not terms:
        return -((_steps(k, raised) + (b + k)) ** -2).sum(0)
    x1, x2 = k + (b + raised), k + (2 * b + raised)
    total = _bend_of_tail(x2, terms) - _bend_of_tail(x1, terms) - (b / x1 / x2) * (1 + (1 / x1 + 1 / x2) / 2)
    if raised:
        j = _steps(k, raised)
        y1, y2 = j + (b + k), j + (2 * b + k)
        total = total - ((b / y1 / y2) * (1 / y1 + 1 / y2)).sum(0)
    return total


def _derivative_of_normaliser(m: int, k: Tensor) -> Tensor:
    return _written(m, k, _slope, _derivative_of_slope)


def _derivative_of_slope(m: int, k: Tensor) -> Tensor:
    return _computed(m, k, _bend)


def _derivative_of_divergence(m: int, k: Tensor) -> Tensor:
    return _computed(m, k, lambda m, k, plan: -k * _bend(m, k, plan))


def _steps(k: Tensor, raised: int) -> Tensor:
    """Return 0 to raised - 1, as a dimension before those of k."""
    return torch.arange(raised, dtype=k.dtype, device=k.device).reshape(-1, *[1] * k.ndim)


def _tail(x: Tensor, terms: int) -> Tensor:
    """Return the tail σ of Stirling's series."""
    return _polynomial(1 / (x * x), STIRLING[:terms]) / x


def _slope_of_tail(x: Tensor, terms: int) -> Tensor:
    """Return minus its derivative."""
    square = 1 / (x * x)
    return square * _polynomial(square, [(2 * i + 1) * s for i, s in enumerate(STIRLING[:terms])])


def _bend_of_tail(x: Tensor, terms: int) -> Tensor:
    square = 1 / (x * x)
    return square / x * _polynomial(square, [(2 * i + 1) * (2 * i + 2) * s for i, s in enumerate(STIRLING[:terms])])


def _gap_of_tail(k: Tensor, c: float, terms: int) -> Tensor:
    r"""Return :math:`\sigma(c) - \sigma(c + k) + k \sigma'(c + k)`.

    For one power, :math:`x^{-p}`, it is :math:`c^{-p} (1 - r)^2 \sum_{j<p} (j + 1) r^j`, with :math:`r = c / (c + k)`.
    """
    powers = [(2 * i + 1, s / c ** (2 * i + 1)) for i, s in enumerate(STIRLING[:terms])]
    coefficients = [(j + 1) * sum(s for p, s in powers if p > j) for j in range(2 * terms - 1)]
    return (k / (k + c)).square() * _polynomial(c / (k + c), coefficients)


def _over_log1p(x: Tensor, exact: bool) -> Tensor:
    """Return x - ln(1 + x) for x between 0 and 1: how far its tangent at 0 lies above the logarithm."""
    if not exact:
        return x - torch.log1p(x)
    s = x / (2 + x)
    return s * x - _cubic(s)


def _under_log1p(x: Tensor, exact: bool) -> Tensor:
    """Return ln(1 + x) - x / (1 + x) for x at least 0: how far the tangent at x lies, at 0, above the logarithm."""
    u = x / (1 + x)
    if not exact:
        return torch.log1p(x) - u
    near = x.clamp_max(1)
    s = near / (2 + near)
    return torch.where(x < 1, s * u + _cubic(s), torch.log1p(x) - u)


def _cubic(s: Tensor) -> Tensor:
    """Return 2 artanh(s) - 2 s, for s between 0 and 1/3; with s = x / (2 + x), 2 artanh(s) is ln(1 + x)."""
    square = s * s
    return s * square * _polynomial(square, [2 / (2 * k + 3) for k in range(17)])


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    value = coefficients[-1] * x
    for coefficient in reversed(coefficients[1:-1]):
        value = (value + coefficient) * x
    return value + coefficients[0]
