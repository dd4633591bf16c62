"""The published sampler has the errors that were measured of it, and no others."""

import pytest
import torch
from torch.distributions import kl_divergence

from latentbook.learning.models.published import FixedProposals, SwitchedEnvelope
from latentbook.sphere import ProductSphere, UniformSphere, VonMisesFisher, bessel_ratio

DRAWS = 20_000
# The sheet's measured mean cosines, of 20,000 draws and three digits: (m, kappa, mean).
SEEN = [
    (10, 11.0, 0.650),
    (20, 11.0, 0.380),
    (41, 11.0, 0.046),
    (41, 20.0, 0.323),
    (41, 50.0, 0.661),
    (100, 11.0, -0.381),
    (100, 50.0, 0.335),
    (500, 11.0, -0.837),
    (500, 100.0, -0.110),
    (500, 1000.0, 0.7776),
]
# The sheet's measured errors of the gradient, as parts of the true one: (m, kappa, error).
BIASED = [(2, 0.5, -0.25), (2, 2.0, -0.48), (2, 5.0, -0.23), (5, 2.0, -0.134), (5, 5.0, -0.164), (10, 5.0, -0.075)]


def cosines(kind, m, kappa, count=DRAWS):
    """Cosines, and their derivatives by the concentration."""
    many = torch.full((count,), kappa, requires_grad=True)
    loc = torch.eye(m)[0].expand(count, m)
    w = kind(loc, many).rsample()[:, 0]
    [slope] = torch.autograd.grad(w.sum(), many)
    return w.detach(), slope


@pytest.mark.parametrize(("m", "kappa", "mean"), SEEN)
def test_between_ten_and_the_dimension_it_draws_another_law(m, kappa, mean):
    """Two means of 20,000 draws agree within 5 standard errors and half of the last digit."""
    w, _ = cosines(SwitchedEnvelope, m, kappa)
    error = w.std().item() / DRAWS**0.5
    assert w.mean().item() == pytest.approx(mean, abs=5 * 2**0.5 * error + 5e-4)
    if m > 10 and kappa < 1000:
        assert abs(w.mean() - bessel_ratio(m, torch.tensor(kappa))) > 5 * error


@pytest.mark.parametrize("kind", [FixedProposals, SwitchedEnvelope])
@pytest.mark.parametrize(("m", "kappa"), [(2, 2.0), (3, 50.0), (5, 0.0), (10, 9.9), (41, 9.9), (100, 9.9)])
def test_elsewhere_it_draws_the_law(kind, m, kappa):
    w, _ = cosines(kind, m, kappa)
    error = w.std().item() / DRAWS**0.5
    assert w.mean().item() == pytest.approx(bessel_ratio(m, torch.tensor(kappa)).item(), abs=4.5 * error)


@pytest.mark.parametrize(("m", "kappa"), [(41, 11.0), (41, 50.0), (500, 100.0)])
def test_with_the_envelope_that_fits_it_draws_the_law_everywhere(m, kappa):
    w, _ = cosines(FixedProposals, m, kappa)
    assert w.mean().item() == pytest.approx(
        bessel_ratio(m, torch.tensor(kappa)).item(), abs=4.5 * w.std().item() / DRAWS**0.5
    )


@pytest.mark.parametrize(("m", "kappa", "bias"), BIASED)
def test_its_gradient_is_too_small(m, kappa, bias):
    _, slope = cosines(FixedProposals, m, kappa, 200_000)
    point = torch.tensor(kappa, requires_grad=True)
    [true] = torch.autograd.grad(bessel_ratio(m, point), point)
    error = slope.std().item() / 200_000**0.5 / true.item()
    # The sheet's are of 100,000 draws, to three digits.
    assert slope.mean().item() / true.item() - 1 == pytest.approx(bias, abs=5 * 2**0.5 * error + 5e-3)


def test_on_the_sphere_in_space_its_gradient_is_right():
    _, slope = cosines(SwitchedEnvelope, 3, 20.0)
    point = torch.tensor(20.0, requires_grad=True)
    [true] = torch.autograd.grad(bessel_ratio(3, point), point)
    assert slope.mean().item() == pytest.approx(true.item(), abs=4.5 * slope.std().item() / DRAWS**0.5)


@pytest.mark.parametrize("kind", [FixedProposals, SwitchedEnvelope])
def test_densities_and_divergences_are_exact(kind):
    loc, kappa = torch.nn.functional.normalize(torch.randn(4, 41), dim=-1), torch.tensor([1.0, 9.0, 11.0, 50.0])
    law, exact = kind(loc, kappa), VonMisesFisher(loc, kappa)
    x = UniformSphere(41).sample((4,))
    assert law.log_prob(x).equal(exact.log_prob(x))
    assert kl_divergence(law, UniformSphere(41)).equal(kl_divergence(exact, UniformSphere(41)))


@pytest.mark.parametrize("kind", [FixedProposals, SwitchedEnvelope])
def test_products_of_it_are_drawn_as_it(kind):
    torch.manual_seed(0)
    loc = torch.eye(41)[0].expand(DRAWS, 41)
    both = ProductSphere([kind(loc, torch.tensor(11.0)), kind(loc, torch.tensor(11.0))])
    first, second = both.rsample().split(41, -1)
    expected = 0.046 if kind is SwitchedEnvelope else 0.252
    for part in (first, second):
        # A standard error is 1e-3.
        assert part[:, 0].mean().item() == pytest.approx(expected, abs=6e-3)
