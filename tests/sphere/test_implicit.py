"""How cosines move with the concentration: quadrature to thirty digits, closed forms, and both precisions."""

import mpmath
import pytest
import torch

from latentbook.learning.recipes.hyperspherical.references import SLOPES, angle_distribution
from latentbook.sphere.bessel import of_order
from latentbook.sphere.implicit import cosine_slope
from tests.sphere.cells import CELLS

# (m, kappa, w): dw/dkappa, to about ten digits; the last to five.
POINTS = {**SLOPES, (10, 1e3, 0.996): 3.9930e-6}


def slope(m, kappa, one_minus_w):
    return cosine_slope(m, kappa, one_minus_w, of_order(m / 2 - 1, kappa).shortfall)


def exact(m, kappa, w):
    """Integrate the density and its derivative, to thirty digits."""
    with mpmath.workdps(40):
        m, k, w = mpmath.mpf(m), mpmath.mpf(kappa), mpmath.mpf(w)
        A = mpmath.besseli(m / 2, k) / mpmath.besseli(m / 2 - 1, k)
        angle, width = mpmath.acos(w), 3 / mpmath.sqrt(k + m)

        def integrand(x):
            power = (mpmath.sin(x) / mpmath.sin(angle)) ** (m - 2)
            return (mpmath.cos(x) - A) * mpmath.exp(k * (mpmath.cos(x) - w)) * power

        inner = [x for x in (angle - n * width for n in range(8)) if x > 0] + [0]
        outer = [x for x in (angle + n * width for n in range(8)) if x < mpmath.pi] + [mpmath.pi]
        above = w >= A
        total = -mpmath.quad(integrand, inner) if above else -mpmath.quad(integrand, outer)
        return float(mpmath.sin(angle) * abs(total))


@pytest.mark.parametrize("point", POINTS)
def test_the_published_points(point, device):
    m, kappa, w = point
    found = slope(m, torch.tensor([kappa], device=device), torch.tensor([1 - w], device=device)).item()
    assert found == pytest.approx(exact(*point), rel=1e-12)
    # Half of the last digit of the table.
    assert found == pytest.approx(POINTS[point], rel=2e-9 if kappa < 100 else 2e-5)
    kappa, one_minus_w = (torch.tensor([value], dtype=torch.float32, device=device) for value in (kappa, 1 - w))
    truth = slope(m, kappa.double(), one_minus_w.double()).item()
    assert slope(m, kappa, one_minus_w).item() == pytest.approx(truth, rel=1.3e-5)


@pytest.mark.parametrize(("m", "kappa"), [(2, 9.9), (2, 50.0), (3, 11.0), (5, 0.1), (100, 11.0), (500, 1e4), (41, 1e6)])
def test_from_tail_to_tail(m, kappa, device):
    angles, levels = angle_distribution(m, kappa)
    for level in (1e-6, 0.01, 0.4, 0.9, 1 - 1e-6):
        one_minus_w = 2 * torch.sin(torch.tensor(angles[levels.searchsorted(level)], device=device) / 2) ** 2
        truth = exact(m, kappa, 1 - mpmath.mpf(one_minus_w.item()))
        found = slope(m, torch.tensor([kappa], device=device), one_minus_w[None]).item()
        assert found == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(("m", "kappa"), CELLS)
def test_single_precision(m, kappa, device):
    angles, levels = angle_distribution(m, kappa)
    inside = torch.from_numpy(angles[(levels > 1e-5) & (levels < 1 - 1e-5)][::97])
    one_minus_w = (2 * torch.sin(inside.to(device) / 2) ** 2).float()
    k = torch.full_like(one_minus_w, kappa)
    error = slope(m, k, one_minus_w) / slope(m, k.double(), one_minus_w.double()) - 1
    # What is asked for at the published points, here at all.
    assert error.abs().max() < 1.3e-5


def test_three_dimensions_are_elementary(device):
    kappa = torch.tensor([0.5, 5.0, 50.0], device=device)[:, None]
    one_minus_w = torch.tensor([1e-3, 0.1, 0.9, 1.6], device=device)
    truth = (one_minus_w - 2 * torch.expm1(kappa * one_minus_w) / torch.expm1(2 * kappa)) / kappa
    found = slope(3, *torch.broadcast_tensors(kappa, one_minus_w))
    # Where the closed form itself cancels, at 1e-3 and 0.5, it keeps twelve digits.
    torch.testing.assert_close(found, truth, rtol=2e-12, atol=0)


@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_without_concentration(m, device):
    w = torch.linspace(-0.9, 0.9, 7, device=device)
    found = slope(m, torch.zeros_like(w), 1 - w)
    torch.testing.assert_close(found, (1 - w**2) / (m - 1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_the_poles_stand_still(m, dtype, device):
    kappa = torch.tensor([0.0, 0.1, 10.0, 1e6, 1e20], dtype=dtype, device=device)
    for pole in (0.0, 2.0):
        found = slope(m, kappa, torch.full_like(kappa, pole))
        assert found.abs().max() < 1e-12
