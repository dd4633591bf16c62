r"""Ratios of Bessel functions by Debye's expansion at a raised order, and steps down from there.

With :math:`s = \sqrt{k^2 + v^2}`, :math:`p = v / s` and :math:`t = 1 / s` the expansion says

.. math:: \ln I_v(k) = s + v \ln \frac{k}{v + s} - \tfrac{1}{2} \ln 2 \pi s + \ln S,
    \qquad \ln S = \sum_{j \ge 1} t^j L_j(p^2) ,

for every k, once the order v is large. The ratio :math:`r_v = I_{v+1} / I_v` is then :math:`k / (s + v) - k W t^2`,
with :math:`W = \tfrac{1}{2} + \theta \ln S` and :math:`\theta = p \, \mathrm{d}/\mathrm{d}p`. Since :math:`r' = 1 - r^2
- (2 v + 1)\, r / k`,

.. math:: W = \tfrac{1}{2} + \tfrac{t}{2} \left[ (1 - p^2) (W^2 + \theta W) - 2 p^2 W \right] ,

which gives one polynomial after the other. With :math:`t = p / v` all are polynomials in p alone, one set an order.

A small order is reached from a large one by :math:`r_{v-1} = k / (2 v + k r_v)`, which forgets errors. Differences that
cancel, :math:`1 - r`, :math:`r'` and the divergence, have steps of their own, made of terms that do not.

From the raised order v on all is in units of s + v, in which nothing overflows, with :math:`u = k / (s + v)` and
:math:`w = 2 v / (s + v) = 1 - u^2`. The growth G is the product of all :math:`(1 + k r / a) w` on the way down, a being
twice the order of each step. Then r is the G before over this one, times u and a number, and each G follows from the
two before it: no step takes a division.

Reference: NIST Digital Library of Mathematical Functions, sections 10.33 and 10.41.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["Ratios", "ratios"]

# From which order on the expansion is used, and with how many terms, by what the numbers can hold.
EXPANSION = {torch.float32: (6, 6), torch.float64: (16, 12)}


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


def _coefficients(terms: int) -> np.ndarray:
    """Return those of four functions in p: an axis for the function, one for powers of 1/v, one for powers of p."""
    log_S = np.zeros((terms + 1, 3 * terms + 1))
    for j, row in enumerate(_polynomials(terms)[1:], 1):
        # Theta multiplies a power of p by its exponent.
        for n, w in enumerate(row):
            log_S[j, j + 2 * n] = w / (j + 2 * n)
    W, theta_2, theta_3 = (log_S * np.arange(3 * terms + 1) ** n for n in (1, 2, 3))
    W[0, 0] = 0.5
    # (ln S(1) - ln S) / (1 - p): of each power of p, all lower ones.
    drop = np.zeros_like(log_S)
    drop[:, :-1] = log_S[:, :0:-1].cumsum(1)[:, ::-1]
    return np.stack([drop, W, 2 * W + theta_2, 4 * W + 3 * theta_2 + theta_3 / 2])


COEFFICIENTS = _coefficients(max(terms for _, terms in EXPANSION.values()))


class Ratios(NamedTuple):
    """What the Bessel functions of the orders v = m/2 - 1 and v + 1 say about the cosine t, of density e^{kt} in R^m.

    Attributes:
        length: A, the ratio of the two, and the mean of t.
        shortfall: 1 - A, which keeps its digits where A is close to 1.
        divergence: Of the law from the uniform one, in nats.
        slope: The derivative of A, and the variance of t; zeros where it was not asked for.
        bend: The second derivative of A; zeros where it was not asked for.
    """

    length: Tensor
    shortfall: Tensor
    divergence: Tensor
    slope: Tensor
    bend: Tensor


class _Scales(NamedTuple):
    """In what units things are: 1 / (s + v), u = k / (s + v), w = 1 - u² and u²."""

    t: Tensor
    u: Tensor
    w: Tensor
    c: Tensor


class _Known(NamedTuple):
    """What is known at an order."""

    # A / u, 1 - A, A' / t² and A'' / -2 u t³.
    share: Tensor
    shortfall: Tensor
    slope: Tensor
    bend: Tensor


def ratios(order: float, k: Tensor, derivatives: int = 2) -> Ratios:
    """Return what the Bessel functions of two orders say.

    Args:
        order: v = m/2 - 1, from 0 on.
        k: Concentrations, from 0 on.
        derivatives: Of A, how many are computed too, up to 2. Each takes its time.

    Returns:
        All of the same shape.

    Example:
        >>> ratios(0.5, torch.tensor(10.0)).length
        tensor(0.9000)

    Chapter 5.
    """
    top, terms = _plan(order, k.dtype)
    steps = _steps(order, top)
    scales, first, divergence = _expanded(k, top, terms, order, derivatives)
    found, (t, u, *_) = first, scales
    if steps:
        found, growth = _stepped_down(first, steps, top, scales, derivatives)
        # k (A - A at the top), of which nothing cancels at either end.
        change = torch.addcmul(found.share * first.shortfall, first.share, found.shortfall, value=-1)
        divergence = torch.addcmul(divergence, k * u, change) - torch.log1p(growth)
    slope, bend = found.slope, found.bend
    if derivatives > 0:
        slope = slope * t * t
    if derivatives > 1:
        bend = -2 * u * t * t * t * bend
    # Close to 1 rather by what is lacking, so that rounding never puts it beyond.
    length = u * found.share
    length = torch.lerp(length, 1 - found.shortfall, length)
    return Ratios(length, found.shortfall, divergence, slope, bend)


def _expanded(k: Tensor, top: float, terms: int, order: float, derivatives: int) -> tuple[_Scales, _Known, Tensor]:
    """Return what is known at the raised order; of the divergence, also what all steps have in common."""
    v = k.new_full((), top)
    s = torch.hypot(k, v)
    t = (s + v).reciprocal()
    u, w = k * t, (v + v) / (s + v)
    c, p = u * u, v / s
    d = 1 + p
    drop, W, *more = _polynomials_of(p, top, terms, 2 + derivatives)
    inner = d * W
    shift = inner / s
    shortfall = torch.addcmul(w / (1 + u), u, shift)
    slope = bend = k.new_zeros(()).expand_as(k)
    if derivatives > 0:
        square = d * d
        swell = square * more[0]
        slope = torch.addcmul(d * (top - inner), c * square, swell)
    if derivatives > 1:
        bend = square * torch.addcmul(top / 2 * (1 + d) - 1.5 * swell, c * square, square * more[1])
    # 1 / w - 1. Each step takes its logarithm once from the v times that it counts at the raised order.
    excess = c / w
    logs = torch.add(order * torch.log1p(excess), torch.log1p(2 * excess), alpha=0.5)
    divergence = torch.addcmul(logs, c * d, drop - inner)
    return _Scales(t, u, w, c), _Known(1 - shift, shortfall, slope, bend), divergence


def _stepped_down(
    at: _Known, steps: list[float], top: float, scales: _Scales, derivatives: int
) -> tuple[_Known, Tensor]:
    """Return what is known at the order, from what is at the raised one, and the growth on the way, less 1."""
    t, u, w, c = scales
    share, slope, bend = at.share, at.slope, at.bend
    older, growth, gain = share - 1, torch.zeros_like(c), 1.0
    # 1 - A times the growth: neither of the two takes a division.
    missing = at.shortfall
    for a in steps:
        before, gain = gain, 2 * top / a
        both = before * gain
        missing = torch.addcmul(torch.addcmul(w, w, growth), u, missing, value=-gain)
        grown = torch.addcmul(torch.addcmul((both - 1) * c, w, growth), c, older, value=both)
        older, growth = growth, grown
        if derivatives > 0:
            last, share = share, gain * (1 + older) / (1 + growth)
            wane, square = a - c * slope, share * share
            if derivatives > 1:
                turn = torch.addcmul(slope, wane * share, torch.addcmul(last, slope, t))
                bend = torch.addcmul(turn, c, bend, value=-1) * square
            slope = wane * square
    whole = 1 + growth
    return _Known(gain * (1 + older) / whole, missing / whole, slope, bend), growth


def _plan(order: float, dtype: torch.dtype) -> tuple[float, int]:
    """Return the raised order, as many whole steps above the order as it takes, and the terms there."""
    start, terms = EXPANSION[dtype]
    top = order + max(0, math.ceil(start - order))
    # What is left out is of the size of top^-(terms + 1): a large order takes fewer.
    return top, math.ceil((terms + 1) * math.log(start) / math.log(top)) - 1


def _steps(order: float, top: float) -> list[float]:
    """Return twice the orders from the raised one to the one above the order."""
    return [2 * (top - step) for step in range(round(top - order))]


def _polynomials_of(p: Tensor, top: float, terms: int, count: int) -> tuple[Tensor, ...]:
    """Return the first of the functions, by Horner's rule for all at once."""
    rows = (1 / top) ** np.arange(terms + 1) @ COEFFICIENTS[:count, : terms + 1, : 3 * terms + 1]
    last, *others = torch.from_numpy(rows.T[::-1].copy()).to(p, non_blocking=True).view(-1, count, *[1] * p.ndim)
    total = last
    for row in others:
        total = torch.addcmul(row, total, p)
    return total.unbind()
