r"""Ratios of Bessel functions by Debye's expansion at a raised order, and steps down from there.

With :math:`s = \sqrt{k^2 + v^2}`, :math:`p = v / s` and :math:`t = 1 / s` the expansion says

.. math:: \ln I_v(k) = s + v \ln \frac{k}{v + s} - \tfrac{1}{2} \ln 2 \pi s + \ln S,
    \qquad \ln S = \sum_{j \ge 1} t^j L_j(p^2) ,

for every k, once the order v is large. The ratio :math:`r_v = I_{v+1} / I_v` is then :math:`k / (s + v) - k W t^2`,
with :math:`W = \tfrac{1}{2} + \theta \ln S` and :math:`\theta = p \, \mathrm{d}/\mathrm{d}p`. Since :math:`r' = 1 - r^2
- (2 v + 1)\, r / k`,

.. math:: W = \tfrac{1}{2} + \tfrac{t}{2} \left[ (1 - p^2) (W^2 + \theta W) - 2 p^2 W \right] ,

which gives one polynomial after the other. A small order is reached from a large one by :math:`r_{v-1} = k / (2 v + k
r_v)`, which forgets errors. Differences that cancel, :math:`1 - r`, :math:`r'` and the divergence, have steps of their
own, made of terms that do not.

Reference: NIST Digital Library of Mathematical Functions, sections 10.33 and 10.41.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Ratios", "ratios"]

# From which order on the expansion is used, and with how many terms, by what the numbers can hold.
EXPANSION = {torch.float32: (8, 4), torch.float64: (20, 10)}
# Up to which k² / 2m four terms of the series in it are as good, and the three that its third derivative leaves.
SERIES = {torch.float32: 3e-2, torch.float64: 1e-3}
BEND_SERIES = {torch.float32: 3e-2, torch.float64: 3e-5}


def _polynomials(terms: int) -> list[list[Fraction]]:
    """Return those of W in p², by powers of t from 0 on: exact, from its equation."""
    W = [[Fraction(1, 2)]]
    for j in range(terms):
        inner = [(j + 2 * i) * w for i, w in enumerate(W[j])]
        for a in range(j + 1):
            for i, left in enumerate(W[a]):
                for n, right in enumerate(W[j - a]):
                    inner[i + n] += left * right
        row = [*inner, Fraction(0)]
        for i in range(j + 1):
            row[i + 1] -= inner[i] + 2 * W[j][i]
        W.append([w / 2 for w in row])
    return W


def _coefficients(power: int) -> list[list[float]]:
    """Return those of theta^n ln S: a row for each power of t from 1 on, in it one for each power of p²."""
    # Theta multiplies t^j x^i by j + 2i, since both are made of p.
    rows = enumerate(POLYNOMIALS[1:], 1)
    return [[float(w * Fraction(j + 2 * i) ** (power - 1)) for i, w in enumerate(row)] for j, row in rows]


POLYNOMIALS = _polynomials(max(terms for _, terms in EXPANSION.values()))
COEFFICIENTS = [_coefficients(power) for power in range(4)]


class Ratios(NamedTuple):
    """What the Bessel functions of the orders v = m/2 - 1 and v + 1 say about the cosine t, of density e^{kt} in R^m.

    Attributes:
        length: A, the ratio of the two, and the mean of t.
        shortfall: 1 - A, which keeps its digits where A is close to 1.
        slope: The derivative of A, and the variance of t.
        divergence: Of the law from the uniform one, in nats.
        bend: The second derivative of A; zeros where it was not asked for.
    """

    length: Tensor
    shortfall: Tensor
    slope: Tensor
    divergence: Tensor
    bend: Tensor


def ratios(order: float, k: Tensor, curved: bool = True) -> Ratios:
    """Return what the Bessel functions of two orders say.

    Args:
        order: v = m/2 - 1, from 0 on.
        k: Concentrations, from 0 on.
        curved: Whether A'' is computed too, which takes its time.

    Returns:
        All of the same shape.

    Example:
        >>> ratios(0.5, torch.tensor(10.0)).length
        tensor(0.9000)

    Chapter 5.
    """
    top, terms = _plan(order, k.dtype)
    s = torch.hypot(k, k.new_full((), top))
    t, p, q, u = 1 / s, top / s, k / (s + top), k / s
    x, c, y = p * p, u * u, k * q / top
    log_S, theta, theta_2 = (_expansion(power, terms, x, t) for power in range(3))
    W = theta + 0.5
    r = q - u * t * W
    shortfall = top * (1 + top / (s + k)) / (s + top) + u * t * W
    bracket = top / (1 + p) + W * (1 - 2 * x) + c * theta_2
    slope = bracket * t * t
    logs = top * torch.log1p(y / 2) + torch.log1p(y) / 2
    divergence = logs - c * W - (log_S - _expansion_at_zero(terms, top))
    # k², k³ times A', A'' stay finite where powers of k do not.
    e, g = bracket * c, torch.zeros_like(k)
    if curved:
        change = theta_2 * (1 - 4 * x) - 4 * x * W + c * _expansion(3, terms, x, t) - top * p / (1 + p).square()
        g = -c * c * (2 * bracket + change)
    for a in _steps(order, top):
        f, wane, left = k * r, a - e, a - k * shortfall
        share = 1 / (a + f)
        divergence = torch.addcmul(divergence, e + f, share) - torch.log1p(f / a)
        r, shortfall = k * share, left * share
        square = r * r
        if curved:
            g = -square * (2 * e + g + 2 * wane * (e + f) * share)
        slope, e = wane * share * share, wane * square
    small = _small(order, SERIES[k.dtype])
    divergence = torch.where(k < small, _small_divergence(order + 1, k.clamp_max(small)), divergence)
    if curved:
        small = _small(order, BEND_SERIES[k.dtype])
        far = k.clamp_min(small)
        g = torch.where(k < small, _small_bend(order + 1, k.clamp_max(small)), g / far / far / far)
    return Ratios(r, shortfall, slope, divergence, g)


def _plan(order: float, dtype: torch.dtype) -> tuple[float, int]:
    """Return the raised order, as many whole steps above the order as it takes, and the terms there."""
    start, terms = EXPANSION[dtype]
    top = order + max(0, math.ceil(start - order))
    # What is left out is of the size of top^-(terms + 1): a large order takes fewer.
    return top, math.ceil((terms + 1) * math.log(start) / math.log(top)) - 1


def _steps(order: float, top: float) -> list[float]:
    """Return twice the orders from the raised one to the one above the order."""
    return [2 * (top - step) for step in range(round(top - order))]


def _expansion(power: int, terms: int, x: Tensor, t: Tensor) -> Tensor:
    r"""Return :math:`\theta^n \ln S`, for n from 0 on."""
    total = torch.zeros_like(x)
    for row in reversed(COEFFICIENTS[power][:terms]):
        total = (total + _polynomial(row, x)) * t
    return total


def _polynomial(row: Sequence[float], x: Tensor) -> Tensor:
    value = row[-1] * x + row[-2]
    for coefficient in reversed(row[:-2]):
        value = value * x + coefficient
    return value


def _expansion_at_zero(terms: int, top: float) -> float:
    return sum(sum(row) / top ** (j + 1) for j, row in enumerate(COEFFICIENTS[0][:terms]))


def _small(order: float, bound: float) -> float:
    """Return the k at which k² / 2m is at the bound."""
    return math.sqrt(4 * (order + 1) * bound)


def _small_divergence(b: float, k: Tensor) -> Tensor:
    # z = k² / 4, so that k d/dk - 1 multiplies the power n of z by 2n - 1.
    row = tuple((2 * n - 1) * c for n, c in enumerate(_log_series(b), 1))
    e = k * k / (4 * b)
    return e * _polynomial(row, e)


def _small_bend(b: float, k: Tensor) -> Tensor:
    # The third derivative of k^(2n), over k: the first term has none.
    row = tuple(2 * n * (2 * n - 1) * (2 * n - 2) * c for n, c in enumerate(_log_series(b)[1:], 2))
    return k / (4 * b) ** 2 * _polynomial(row, k * k / (4 * b))


def _log_series(b: float) -> tuple[float, ...]:
    """Return the first coefficients of log 0F1(; b; z), by powers of z / b from 1 on."""
    fourth = -(5 * b + 6) / (4 * (b + 1) ** 2 * (b + 2) * (b + 3))
    return 1.0, -1 / (2 * (b + 1)), 2 / (3 * (b + 1) * (b + 2)), fourth
