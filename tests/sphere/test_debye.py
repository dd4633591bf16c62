"""The expansion and its steps against sixty digits, over all dimensions and concentrations at once."""

import math
from fractions import Fraction

import pytest
import torch

from latentbook.sphere import debye
from tests.sphere.reference import DIMENSIONS, grid

# The largest relative errors. What is asked for, 1e-12 and 3e-5, holds of all but the second derivative of A, for
# which nothing is asked: in single precision four terms give three digits of it.
BOUNDS = {
    torch.float64: {"length": 1e-13, "shortfall": 3e-13, "slope": 5e-13, "divergence": 3e-13, "bend": 3e-11},
    torch.float32: {"length": 1e-5, "shortfall": 2e-5, "slope": 3e-5, "divergence": 1e-5, "bend": 5e-4},
}


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("name", BOUNDS[torch.float64])
def test_over_the_whole_grid(dtype, name, device):
    for m, truth in grid(str(dtype).removeprefix("torch.")).items():
        found = getattr(debye.ratios(m / 2 - 1, torch.tensor(truth["kappa"], dtype=dtype, device=device)), name)
        assert found.dtype == dtype
        assert found.isfinite().all()
        error = (found.double().cpu() / torch.tensor(truth[name]) - 1).abs()
        assert error.max() < BOUNDS[dtype][name], f"m = {m}, kappa = {truth['kappa'][error.argmax()]}"


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("m", DIMENSIONS)
def test_at_zero(m, dtype, device):
    found = debye.ratios(m / 2 - 1, torch.zeros(1, dtype=dtype, device=device))
    # A sum over the terms is left at 0 by rounding alone: 1/m to a few units in the last place.
    assert [value.item() for value in found] == [0, 1, 0, pytest.approx(1 / m, rel=2e-5), 0]
    if dtype == torch.float64:
        assert found.slope.item() == pytest.approx(1 / m, rel=2e-13)


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("m", [2, 3, 10, 500, 2002])
def test_far_out(m, dtype, device):
    # 1 - A = (m - 1) / 2k, its slope that over k, and the divergence (m - 1) ln(k / 2 pi e) / 2 + ln S.
    for kappa in (1e12, 1e20):
        found = debye.ratios(m / 2 - 1, torch.tensor(kappa, dtype=dtype, device=device))
        rel = 1e-10 if dtype == torch.float64 else 3e-5
        assert found.length.item() == pytest.approx(
            1 - (m - 1) / 2 / kappa, rel=1e-7 if dtype == torch.float32 else 1e-15
        )
        assert found.shortfall.item() == pytest.approx((m - 1) / 2 / kappa, rel=max(rel, m**2 / kappa))
        log_area = math.log(2) + m / 2 * math.log(math.pi) - math.lgamma(m / 2)
        divergence = (m - 1) / 2 * (math.log(kappa / 2 / math.pi) - 1) + log_area
        assert found.divergence.item() == pytest.approx(divergence, rel=max(rel, m**2 / kappa))
        assert all(value.isfinite() for value in found)


def test_the_polynomials_are_debyes():
    # L_1 = (3 - 5 x) / 24, and theta of it 1/8 - 5 x / 8; L_2 = (1 - 6 x + 5 x²) / 16.
    W = debye._polynomials(2)
    assert W[1] == [Fraction(1, 8), Fraction(-5, 8)]
    assert [w / (2 + 2 * i) for i, w in enumerate(W[2])] == [Fraction(1, 16), Fraction(-6, 16), Fraction(5, 16)]


@pytest.mark.parametrize("order", [1.5, 30.0], ids=["with steps", "without"])
def test_derivatives_of_A_are_left_out_where_nobody_asks(order, device):
    kappa = torch.tensor([0.5, 50.0], device=device)
    none, one, both = (debye.ratios(order, kappa, derivatives) for derivatives in range(3))
    assert both.bend.all()
    assert not any(value.any() for value in (none.slope, none.bend, one.bend))
    for left, right in [*zip(none[:3], both[:3], strict=True), *zip(one[:4], both[:4], strict=True)]:
        torch.testing.assert_close(left, right, rtol=1e-14, atol=0)
