"""The tables of references, computed again with forty digits, and errors that are seen."""

import math

import mpmath
import pytest
import torch

from latentbook.learning.recipes.hyperspherical import references
from latentbook.learning.recipes.hyperspherical.references import (
    AREAS,
    FUNCTIONS,
    POWER_RATES,
    angle_distribution,
    distance_of_cosines,
    error_of_areas,
    error_of_power_rates,
    error_of_slopes,
    errors_of_functions,
)
from latentbook.sphere import VonMisesFisher


def area(m):
    return 2 * mpmath.pi ** (mpmath.mpf(m) / 2) / mpmath.gamma(mpmath.mpf(m) / 2)


@pytest.mark.parametrize("case", FUNCTIONS)
def test_functions_by_forty_digits(case):
    with mpmath.workdps(40):
        m, k = mpmath.mpf(case[0]), mpmath.mpf(case[1])
        order = m / 2 - 1
        bessel, above = mpmath.besseli(order, k), mpmath.besseli(order + 1, k)
        log_constant = order * mpmath.log(k) - m / 2 * mpmath.log(2 * mpmath.pi) - mpmath.log(bessel)
        length = above / bessel
        entropy = -log_constant - k * length
        slope = k * (1 - length**2 - (m - 1) / k * length)
        found = (mpmath.log(bessel), log_constant, length, entropy, mpmath.log(area(m)) - entropy, slope)
        # Half of the twelfth digit.
        assert [float(value) for value in found] == pytest.approx(FUNCTIONS[case], rel=3e-12)


def test_areas_by_forty_digits():
    with mpmath.workdps(40):
        assert [float(area(m)) for m in AREAS] == pytest.approx(list(AREAS.values()), rel=1e-11)


@pytest.mark.parametrize("case", POWER_RATES)
def test_power_rates_by_forty_digits(case):
    with mpmath.workdps(40):
        m, k = (mpmath.mpf(value) for value in case)
        a, b = (m - 1) / 2 + k, (m - 1) / 2
        log_normaliser = (a + b) * mpmath.log(2) + b * mpmath.log(mpmath.pi) + mpmath.loggamma(a)
        log_normaliser -= mpmath.loggamma(a + b)
        mean_log = mpmath.log(2) + mpmath.digamma(a) - mpmath.digamma(a + b)
        rate = k * mean_log - log_normaliser + mpmath.log(area(m))
        assert float(rate) == pytest.approx(POWER_RATES[case], rel=3e-12)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("bessel_ratio", lambda: errors_of_functions()["length"]),
        ("vmf_divergence", lambda: errors_of_functions()["rate"]),
        ("cosine_slope", error_of_slopes),
    ],
)
def test_an_error_is_seen(name, measure, monkeypatch):
    """One part in a million more, in one case."""
    right = getattr(references, name)
    monkeypatch.setattr(references, name, lambda m, *values: right(m, *values) * (1 + 1e-6 * (m == 41)))
    assert measure() == pytest.approx(1e-6, rel=1e-2)


def test_an_error_of_an_area_is_seen(monkeypatch):
    right = references.log_sphere_area
    monkeypatch.setattr(references, "log_sphere_area", lambda m: right(m) + 1e-6 * (m == 8))
    assert error_of_areas() == pytest.approx(1e-6, rel=1e-2)


def test_an_error_of_a_power_rate_is_seen(monkeypatch):
    right = references.kl_divergence
    monkeypatch.setattr(references, "kl_divergence", lambda *laws: right(*laws) * (1 + 1e-6 * (laws[0].m == 41)))
    assert error_of_power_rates() == pytest.approx(1e-6, rel=1e-2)


@pytest.mark.parametrize(("m", "kappa"), [(2, 0.5), (3, 1e6), (10, 11.0), (500, 100.0)])
def test_angles_have_the_mean_cosine(m, kappa):
    angles, levels = angle_distribution(m, kappa)
    middle = (angles[1:] + angles[:-1]) / 2
    shortfall = (2 * torch.tensor(middle / 2).sin() ** 2 * torch.tensor(levels).diff()).sum().item()
    with mpmath.workdps(40):
        right = 1 - mpmath.besseli(mpmath.mpf(m) / 2, kappa) / mpmath.besseli(mpmath.mpf(m) / 2 - 1, kappa)
    assert shortfall == pytest.approx(float(right), rel=1e-6)


def test_draws_of_another_concentration_are_far():
    axis = torch.eye(10)[0].expand(20_000, 10)
    cosines = VonMisesFisher(axis, 11.0).sample()
    below = (cosines - axis).square().sum(-1) / 2
    # Above 2 with a chance of 1 in 1,500.
    assert distance_of_cosines(10, 11.0, below) < 2
    # The mean cosine moves by 0.0105, or seven standard errors.
    assert distance_of_cosines(10, 11.5, below) > 2
    assert distance_of_cosines(10, 11.0, below[:1].expand(100)) > math.sqrt(100) / 2
