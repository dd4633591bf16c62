"""Bessel functions to sixty digits, where the room's functions are compared with them."""

import functools

import mpmath
import numpy as np

DIMENSIONS = [
    *(2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 18, 20, 22, 30, 38, 39, 40, 41, 42, 50, 75, 100, 150, 200),
    *(333, 500, 1000, 1500, 2002),
]
NAMES = ("kappa", "log_bessel", "log_normaliser", "length", "shortfall", "slope", "bend", "divergence")


@functools.cache
def grid(dtype):
    """Return the truth at each dimension, for 37 concentrations from 1e-3 to 1e6 as the type rounds them."""
    kappas = np.logspace(-3, 6, 37).astype(dtype).astype(float)
    return {m: dict(zip(NAMES, zip(*(exact(m, k) for k in kappas), strict=True), strict=True)) for m in DIMENSIONS}


def exact(m, kappa):
    """Return the concentration and what is named after it."""
    with mpmath.workdps(60):
        v, k = mpmath.mpf(m) / 2 - 1, mpmath.mpf(kappa)
        below, above = mpmath.besseli(v, k), mpmath.besseli(v + 1, k)
        log, A = mpmath.log(below), above / below
        phi = log - v * mpmath.log(k / 2) + mpmath.loggamma(v + 1)
        slope = 1 - A**2 - (m - 1) * A / k
        bend = -2 * A * slope - (m - 1) * (slope / k - A / k**2)
        return tuple(float(value) for value in (k, log, phi, A, 1 - A, slope, bend, k * A - phi))
