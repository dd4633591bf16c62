"""Dimensions and concentrations over which draws are tried, and the law of their cosines by quadrature."""

import functools
import math

import numpy as np

from tests.sphere.laws import DIMENSIONS

CELLS = [(m, k) for m in DIMENSIONS for k in (0.1, 2.0, 9.9, 11.0, 50.0, 200.0, 1e4, 1e6)]
# Of Kolmogorov and Smirnov's distance times the root of the number of draws: exceeded once in 20 times, by the largest
# of 56, 2 exp(-2 · 2.41²) each being 1 in 55,000.
DISTANCE = 2.41
# Of what is 0 but for its standard error, in one of 56 cells, two types of number and two such quantities: 0.05 / 224.
ERRORS = 3.7


def distance(m, kappa, one_minus_w):
    """Return how far the distribution of draws is from the law of the cosine, times the root of their number."""
    angles, levels = law(m, kappa)
    found = np.sort(2 * np.arcsin(np.sqrt(np.asarray(one_minus_w, dtype=float) / 2)))
    expected = np.interp(found, angles, levels)
    above = np.arange(1, len(found) + 1) / len(found)
    return max(np.abs(above - expected).max(), np.abs(above - 1 / len(found) - expected).max()) * math.sqrt(len(found))


@functools.cache
def law(m, kappa):
    """Return angles from the direction, and the distribution function there, by the trapezoidal rule."""
    # The mode, and what is surely wider than the law is around it.
    mode = math.acos((math.hypot(m - 2, 2 * kappa) - (m - 2)) / (2 * kappa))
    width = 1 / math.sqrt(kappa * math.cos(mode) + (m - 2) / math.sin(mode) ** 2 if m > 2 else kappa)
    angles = np.linspace(max(0, mode - 12 * width), min(math.pi, mode + 12 * width), 40_001)
    with np.errstate(divide="ignore"):
        log = (m - 2) * np.log(np.sin(angles)) if m > 2 else np.zeros_like(angles)
    # kappa cos, without its large part.
    log = log - 2 * kappa * np.sin(angles / 2) ** 2
    density = np.exp(log - log.max())
    levels = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return angles, levels / levels[-1]
