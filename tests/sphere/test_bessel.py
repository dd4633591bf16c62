"""Logarithms and ratios of Bessel functions: sixty digits, closed forms, derivatives by every transform."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, vmap

from latentbook import core
from latentbook.learning.recipes.hyperspherical.references import FUNCTIONS
from latentbook.sphere import (
    bessel,
    bessel_ratio,
    kappa_from_mean_length,
    log_bessel_i,
    log_normaliser,
    vmf_divergence,
)
from tests.sphere.reference import DIMENSIONS, exact, grid

# What is asked for: relative errors of A and of the divergence, and of ln I relative to the larger of 1 and itself.
ASKED = {torch.float64: 1e-12, torch.float32: 3e-5}


@pytest.fixture(scope="module", autouse=True)
def _forward_mode():
    """Have torch's rules of forward mode loaded by the one who keeps their loading quiet."""
    core.jvp(torch.sin, torch.zeros(()), torch.ones(()))


@pytest.mark.parametrize("case", FUNCTIONS)
def test_the_published_cases(case, device):
    m, kappa = case[0], torch.tensor(case[1], device=device, requires_grad=True)
    divergence = vmf_divergence(m, kappa)
    (slope,) = torch.autograd.grad(divergence, kappa)
    found = (log_bessel_i(m / 2 - 1, kappa), bessel_ratio(m, kappa), divergence, slope)
    log, _, length, _, rate, rate_slope = FUNCTIONS[case]
    # The last digit of the table.
    assert [value.item() for value in found] == pytest.approx((log, length, rate, rate_slope), rel=5e-12)


@pytest.mark.parametrize("dtype", ASKED, ids=str)
def test_over_the_whole_grid(dtype, device):
    for m, truth in grid(str(dtype).removeprefix("torch.")).items():
        kappa = torch.tensor(truth["kappa"], dtype=dtype, device=device, requires_grad=True)
        divergence = vmf_divergence(m, kappa)
        (slope,) = torch.autograd.grad(divergence.sum(), kappa)
        log = log_bessel_i(m / 2 - 1, kappa)
        found = (log, log_normaliser(m, kappa), bessel_ratio(m, kappa), divergence, slope)
        wanted = [torch.tensor(truth[name]) for name in ("log_bessel", "log_normaliser", "length", "divergence")]
        wanted.append(torch.tensor(truth["kappa"]) * torch.tensor(truth["slope"]))
        scale = [wanted[0].abs().clamp_min(1), *wanted[1:]]
        for got, right, size in zip(found, wanted, scale, strict=True):
            assert got.isfinite().all()
            assert ((got.detach().double().cpu() - right) / size).abs().max() < ASKED[dtype], f"m = {m}"


def test_three_dimensions_are_elementary(device):
    kappa = torch.logspace(-1, 2, 31, device=device)
    coth = 1 / torch.tanh(kappa)
    torch.testing.assert_close(bessel_ratio(3, kappa), coth - 1 / kappa, rtol=1e-12, atol=0)
    divergence = kappa * coth - 1 - torch.log(torch.sinh(kappa) / kappa)
    # At 0.1 the closed form itself keeps 13 digits of 1, that is 10 of itself.
    torch.testing.assert_close(vmf_divergence(3, kappa), divergence, rtol=1e-12, atol=1e-14)


def test_small_and_large_concentrations_follow_their_laws(device):
    small, large = torch.tensor(1e-3, device=device), torch.tensor(1e6, device=device)
    assert (vmf_divergence(41, small) / (small**2 / 82)).item() == pytest.approx(0.99999999915, abs=1e-11)
    log_area = math.log(2) + 5 * math.log(math.pi) - math.lgamma(5)
    limit = 4.5 * (math.log(1e6 / 2 / math.pi) - 1) + log_area
    assert vmf_divergence(10, large).item() - limit == pytest.approx(1.575e-5, rel=1e-3)


@pytest.mark.parametrize("dtype", ASKED, ids=str)
@pytest.mark.parametrize("m", [2, 3, 10, 41, 500, 2002])
def test_where_concentrations_vanish_all_derivatives_are_there(m, dtype, device):
    kappa = torch.zeros((), dtype=dtype, device=device)
    rel = 1e-12 if dtype == torch.float64 else 2e-5
    functions = (log_normaliser, bessel_ratio, vmf_divergence)
    values = [function(m, kappa).item() for function in functions]
    firsts = [grad(lambda k, f=function: f(m, k))(kappa).item() for function in functions]
    seconds = [grad(grad(lambda k, f=function: f(m, k)))(kappa).item() for function in functions]
    assert values == [0, 0, 0]
    assert firsts == [0, pytest.approx(1 / m, rel=rel), 0]
    assert seconds == [pytest.approx(1 / m, rel=rel), 0, pytest.approx(1 / m, rel=rel)]


@pytest.mark.parametrize("dtype", ASKED, ids=str)
def test_nothing_overflows(dtype, device):
    kappa = torch.tensor([1e20], dtype=dtype, device=device, requires_grad=True)
    for m in (2, 3, 50, 2002):
        for value in (log_bessel_i(m / 2 - 1, kappa), log_normaliser(m, kappa)):
            assert value.item() == pytest.approx(1e20, rel=1e-6)
            assert torch.autograd.grad(value, kappa)[0].item() == 1
        divergence = vmf_divergence(m, kappa)
        assert divergence.isfinite()
        # k A' = (m - 1) / 2k.
        rel = 1e-9 if dtype == torch.float64 else 1e-3
        assert torch.autograd.grad(divergence, kappa)[0].item() == pytest.approx((m - 1) / 2e20, rel=rel)


def test_orders_need_not_be_halves_of_integers(device):
    for order, x in ((0.0, 0.3), (1 / 3, 2.5), (7.9, 30.0), (19.99, 4.0), (123.4, 77.0)):
        truth = exact(2 * order + 2, x)[1]
        assert log_bessel_i(order, torch.tensor(x, device=device)).item() == pytest.approx(truth, rel=1e-12)
    at_zero = [log_bessel_i(order, torch.zeros((), device=device)).item() for order in (0, 0.5, 40)]
    assert at_zero == [0, -math.inf, -math.inf]


@pytest.mark.parametrize("m", [2, 3, 7, 45])
def test_derivatives_are_those_of_differences(m, device):
    kappa = torch.tensor([0.01, 0.3, 3.0, 40.0], device=device, requires_grad=True)
    for function in (log_normaliser, bessel_ratio, vmf_divergence):
        assert gradcheck(lambda k, f=function: f(m, k), kappa, check_forward_ad=True)
        assert gradgradcheck(lambda k, f=function: f(m, k), kappa)
    assert gradgradcheck(lambda k: log_bessel_i(m / 2 - 1, k), kappa)
    # The first alone.
    assert gradcheck(lambda k: bessel.of_order(m / 2 - 1, k).slope, kappa, check_forward_ad=True)


@pytest.mark.parametrize("m", [2, 5, 60])
def test_every_transform_finds_the_same_second_derivative(m, device):
    kappa = torch.tensor([0.0, 0.3, 3.0, 40.0, 3e3], device=device)

    def divergence(k):
        return vmf_divergence(m, k)

    def total(k):
        return divergence(k).sum()

    known = bessel.of_order(m / 2 - 1, kappa)
    truth = known.slope + kappa * known.bend
    found = [
        vmap(grad(grad(divergence)))(kappa),
        hessian(total)(kappa).diagonal(),
        jacfwd(jacfwd(total))(kappa).diagonal(),
        torch.autograd.functional.hessian(total, kappa).diagonal(),
    ]
    for one in found:
        torch.testing.assert_close(one, truth, rtol=1e-14, atol=0)
    with torch.no_grad():
        # There no derivative is prepared, and forward mode goes through every operation.
        torch.testing.assert_close(jacfwd(jacfwd(total))(kappa).diagonal(), truth, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_the_inverse_is_one(m, device):
    kappa = torch.tensor([0.0, 1e-6, 0.1, 1.0, 10.0, 100.0, 1e4, 1e6], device=device)
    r = bessel_ratio(m, kappa)
    # What r keeps of kappa: the error of r, over the derivative.
    error = 1e-15 / bessel.of_order(m / 2 - 1, kappa).slope + 1e-12 * kappa
    found = kappa_from_mean_length(m, r)
    assert ((found - kappa).abs() <= 4 * error).all()
    single = kappa_from_mean_length(m, r[:6].float())
    assert ((single - kappa[:6]).abs() <= 4e-7 / bessel.of_order(m / 2 - 1, kappa[:6]).slope + 1e-4 * kappa[:6]).all()


def test_the_inverse_has_derivatives(device):
    r = torch.tensor([0.0, 0.05, 0.5, 0.9], device=device, requires_grad=True)
    kappa = kappa_from_mean_length(6, r)
    (slope,) = torch.autograd.grad(kappa.sum(), r)
    torch.testing.assert_close(slope, 1 / bessel.of_order(2.0, kappa.detach()).slope, rtol=1e-10, atol=0)
    assert gradgradcheck(lambda r: kappa_from_mean_length(6, r), r[1:].detach().requires_grad_())


def test_lengths_that_no_law_has_are_not_numbers(device):
    assert kappa_from_mean_length(4, torch.tensor([-0.1, 1.0, 1.5, math.nan], device=device)).isnan().all()


@pytest.mark.parametrize("dtype", ASKED, ids=str)
def test_it_compiles_whole(dtype, device, unchecked):
    kappa = torch.tensor([0.0, 0.5, 20.0, 1e4], dtype=dtype, device=device)

    def function(kappa):
        return vmf_divergence(7, kappa) + log_normaliser(7, kappa)

    sides = []
    for form in (function, torch.compile(function, fullgraph=True, backend="aot_eager")):
        own = kappa.clone().requires_grad_()
        value = form(own)
        sides.append((value.detach(), *torch.autograd.grad(value.sum(), own)))
    torch.testing.assert_close(*sides)


def test_many_numbers_are_taken_in_blocks(device):
    kappa = torch.rand(3, bessel.BLOCK, device=device) * 50
    whole = bessel_ratio(11, kappa)
    assert whole.shape == kappa.shape
    torch.testing.assert_close(whole[1], bessel_ratio(11, kappa[1]), rtol=0, atol=0)
    with torch.no_grad():
        plain, sloped = bessel.of_order(4.5, kappa, derivatives=0), bessel.of_order(4.5, kappa)
        pushed = core.jvp(lambda k: bessel.of_order(4.5, k).length, kappa, torch.ones_like(kappa))
    torch.testing.assert_close(plain.length, whole, rtol=1e-14, atol=0)
    torch.testing.assert_close(plain.divergence, vmf_divergence(11, kappa), rtol=1e-14, atol=0)
    assert not plain.slope.any()
    torch.testing.assert_close(pushed[1], sloped.slope, rtol=1e-10, atol=0)
    torch.testing.assert_close(vmap(lambda k: bessel.of_order(4.5, k).slope)(kappa), sloped.slope, rtol=1e-12, atol=0)


def test_dimensions_that_are_none_are_refused(unchecked):
    kappa = torch.ones(2)
    for function in (log_normaliser, bessel_ratio, vmf_divergence, kappa_from_mean_length):
        with pytest.raises(ValueError, match="`m` is 1, but"):
            function(1, kappa)
        with pytest.raises(TypeError, match=r"`m` is 2\.5, but"):
            function(2.5, kappa)
        with pytest.raises(TypeError, match=r"has type torch.int64, but must be float32 or float64: pass"):
            function(3, torch.ones(2, dtype=torch.int64))
    for order in (-0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"`order` is {order}, but"):
            log_bessel_i(order, kappa)


def test_the_grid_is_what_was_asked_for():
    assert (min(DIMENSIONS), max(DIMENSIONS), len(DIMENSIONS)) == (2, 2002, 31)
