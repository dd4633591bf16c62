"""What the functions and draws of `latentbook.sphere` should give, and how far they are from it.

All numbers were computed with 40 digits by mpmath and are kept with ten to twelve.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import integrate, stats
from torch import Tensor
from torch.distributions import kl_divergence

from latentbook.sphere import (
    PowerSpherical,
    UniformSphere,
    bessel_ratio,
    log_bessel_i,
    log_normaliser,
    log_sphere_area,
    vmf_divergence,
)
from latentbook.sphere.bessel import of_order
from latentbook.sphere.implicit import cosine_slope

__all__ = [
    "AREAS",
    "FUNCTIONS",
    "POWER_RATES",
    "SLOPES",
    "angle_distribution",
    "distance_of_cosines",
    "error_of_areas",
    "error_of_power_rates",
    "error_of_slopes",
    "errors_of_functions",
]

# What `FUNCTIONS` has of each case. The rate is the divergence from the uniform law, in nats.
NAMES = ("bessel", "constant", "length", "entropy", "rate", "rate-slope")
# (m, kappa): ln I of the order m/2 - 1, ln C of the density C exp(kappa t), A, H, the rate, its slope by kappa.
FUNCTIONS: Mapping[tuple[int, float], tuple[float, ...]] = {
    (2, 4.0): (2.424972795515, -4.262849861925, 0.8635226110246, 0.8087594178266, 1.029117648583, 0.1537921899728),
    (3, 10.0): (7.929768918237, -9.535291971354, 0.9000000041223, 0.5352919301311, 1.995732316838, 0.09999991755385),
    (5, 2.0): (0.09483114566134, -3.649803040845, 0.3611066502067, 2.927589740431, 0.3426992842792, 0.2947773735261),
    (41, 11.0): (-6.159976199308, 15.24245415748, 0.2519675066895, -18.01409673107, 1.34270559701, 0.2229358637215),
    (100, 1 + math.log(2)): (
        *(-152.7127613976, 86.62177074997, 0.01692671577506),
        *(-86.65043017107, 0.0143276977502, 0.01691720895374),
    ),
    (500, 100.0): (-144.6194246634, 831.8375343721, 0.1926079064062, -851.0983250127, 9.450172782602, 0.1788741422833),
    (1000, 1000.0): (873.4805132761, 1654.550837731, 0.6181868129101, -2272.737650641, 240.679890385, 0.276438246852),
    (10, 1e6): (999992.1732983, -999946.1006414, 0.9999955000079, -49.39936646201, 52.63810924147, 4.499984249976e-6),
    (1000, 1e-3): (
        *(-6397.966177673, 2032.057760256, 9.99999999999e-7),
        *(-2032.057760257, 4.999999999993e-10, 9.99999999997e-7),
    ),
}
# m: the area of the unit sphere in R^m.
AREAS: Mapping[int, float] = {
    2: 6.28318530718,
    3: 12.56637061436,
    6: 31.0062766803,
    7: 33.07336179232,
    8: 32.46969701133,
    18: 1.478625959,
    19: 0.8858104195717,
}
# (m, kappa): the divergence of the power spherical law from the uniform one, in nats.
POWER_RATES: Mapping[tuple[int, float], float] = {
    (2, 4.0): 0.8276952341411,
    (3, 10.0): 1.488804363707,
    (8, 10.0): 1.650329569647,
    (41, 11.0): 0.9812542479995,
    (10, 1e6): 49.51898742866,
}
# (m, kappa, t): dt/dkappa of a draw with the cosine t, by quadrature.
SLOPES: Mapping[tuple[int, float, float], float] = {
    (5, 2.0, -0.6): 0.1809324921,
    (41, 11.0, 0.45): 0.0167849504,
    (2, 2.0, 0.5): 0.3101842178,
}


def errors_of_functions() -> dict[str, float]:
    """Return the largest relative error of six functions over the cases of `FUNCTIONS`, in double precision.

    Returns:
        Errors by name: ``bessel``, ``constant``, ``length``, ``entropy``, ``rate`` and ``rate-slope``.

    Example:
        >>> max(errors_of_functions().values()) < 2e-12
        True

    Chapter 5.
    """
    found = torch.stack([_functions(m, kappa) for m, kappa in FUNCTIONS])
    right = torch.tensor(list(FUNCTIONS.values()), dtype=torch.float64)
    return dict(zip(NAMES, (found / right - 1).abs().amax(0).tolist(), strict=True))


def error_of_areas() -> float:
    """Return the largest relative error of the areas of seven spheres.

    Returns:
        A part of the right value.

    Example:
        >>> error_of_areas() < 1e-11
        True

    Chapter 5.
    """
    return max(abs(math.exp(log_sphere_area(m)) / area - 1) for m, area in AREAS.items())


def error_of_power_rates() -> float:
    """Return the largest relative error of five rates of power spherical laws, in double precision.

    Returns:
        A part of the right value.

    Example:
        >>> error_of_power_rates() < 1e-11
        True

    Chapter 5.
    """
    return max(abs(_power_rate(m, kappa) / rate - 1) for (m, kappa), rate in POWER_RATES.items())


def error_of_slopes() -> float:
    """Return the largest relative error of dt/dkappa at three points, in double precision.

    Returns:
        A part of the right value.

    Example:
        >>> error_of_slopes() < 1e-9
        True

    Chapter 5.
    """
    return max(abs(_slope(*point) / slope - 1) for point, slope in SLOPES.items())


def distance_of_cosines(m: int, kappa: float, one_minus_t: Tensor) -> float:
    """Return Kolmogorov and Smirnov's distance of drawn cosines from the von Mises-Fisher law, times the root of N.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentration, above 0.
        one_minus_t: One minus the cosines of N draws with their direction, ``(N)``.

    Returns:
        A number that is above x with a chance of about 2 exp(-2 x²), if draws have that law.

    Example:
        >>> from latentbook.sphere import VonMisesFisher
        >>> law = VonMisesFisher(torch.eye(5)[0].expand(1000, 5), 3.0)
        >>> 0.3 < distance_of_cosines(5, 3.0, 1 - law.sample()[:, 0]) < 2.3
        True

    Chapter 5.
    """
    angles, levels = angle_distribution(m, kappa)
    drawn = 2 * np.arcsin(np.sqrt(one_minus_t.detach().double().cpu().numpy() / 2))
    result = stats.kstest(drawn, lambda angle: np.interp(angle, angles, levels))
    return float(result.statistic) * math.sqrt(len(drawn))


@functools.cache
def angle_distribution(m: int, kappa: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return angles between draws and their direction, and the distribution function there, by the trapezoidal rule.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentration, above 0.

    Returns:
        40,001 angles in radians, over all that is likely, and the chance of a smaller one.

    Example:
        On S^2 the density of the cosine t is proportional to exp(kappa t), and can be integrated by hand:

        >>> by_hand = (math.exp(2) - math.exp(2 * math.cos(1))) / (math.exp(2) - math.exp(-2))
        >>> round(float(np.interp(1.0, *angle_distribution(3, 2.0))) - by_hand, 8)
        0.0

    Chapter 5.
    """
    # The mode, and what is surely wider than the law is around it.
    mode = math.acos((math.hypot(m - 2, 2 * kappa) - (m - 2)) / (2 * kappa))
    width = 1 / math.sqrt(kappa * math.cos(mode) + (m - 2) / math.sin(mode) ** 2 if m > 2 else kappa)
    angles = np.linspace(max(0, mode - 12 * width), min(math.pi, mode + 12 * width), 40_001)
    with np.errstate(divide="ignore"):
        log = (m - 2) * np.log(np.sin(angles)) if m > 2 else np.zeros_like(angles)
    # kappa cos, without its large part.
    log = log - 2 * kappa * np.sin(angles / 2) ** 2
    levels = integrate.cumulative_trapezoid(np.exp(log - log.max()), angles, initial=0)
    return angles, levels / levels[-1]


def _functions(m: int, kappa: float) -> Tensor:
    """Return what `FUNCTIONS` has of a case, as the room computes it."""
    point = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    rate, area = vmf_divergence(m, point), log_sphere_area(m)
    [slope] = torch.autograd.grad(rate, point, retain_graph=True)
    bessel, constant = log_bessel_i(m / 2 - 1, point), -log_normaliser(m, point) - area
    return torch.stack([bessel, constant, bessel_ratio(m, point), area - rate, rate, slope]).detach()


def _power_rate(m: int, kappa: float) -> float:
    axis = torch.eye(m, dtype=torch.float64)[0]
    return kl_divergence(PowerSpherical(axis, kappa), UniformSphere(m)).item()


def _slope(m: int, kappa: float, t: float) -> float:
    point = torch.tensor([kappa], dtype=torch.float64)
    one_minus_t = torch.tensor([1 - t], dtype=torch.float64)
    return cosine_slope(m, point, one_minus_t, of_order(m / 2 - 1, point).shortfall).item()
