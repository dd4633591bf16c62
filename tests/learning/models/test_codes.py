"""From a network's numbers to laws of codes: manifolds, floors, covariances, priors."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence
from torch.nn.functional import softplus

from latentbook.learning.models.codes import SAMPLERS, Codes, parse_manifold

# Of the sheet: what the published floor of 1 costs, in nats.
FLOORS = {"2": 0.152, "5": 0.081, "40": 0.0122}


@pytest.mark.parametrize(
    ("text", "dims"), [("9", (9,)), ("4,4", (4, 4)), (" 2, 3 ,1", (2, 3, 1)), (40, (40,)), ("10,10,10,10", (10,) * 4)]
)
def test_manifolds_are_read(text, dims):
    assert parse_manifold(text) == dims


@pytest.mark.parametrize("text", ["", "4,,4", "0", "-1", "4;4", "S4", "4.0", "4,4,", 0, -3])
def test_what_is_no_manifold_is_refused(text):
    with pytest.raises(ValueError, match=r"`manifold` is .*: write dimensions of at least 1, as in '9' or '4,4'"):
        parse_manifold(text)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("text", [None, 4.0, (4, 4), True])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match="`manifold` is "):
        parse_manifold(text)


@pytest.mark.parametrize(
    ("distribution", "covariance", "sizes", "numbers"),
    [
        ("vmf", "diagonal", (3, 5), 10),
        ("power", "diagonal", (3, 5), 10),
        ("cauchy", "diagonal", (3, 5), 10),
        ("normal", "single", (2, 4), 8),
        ("normal", "diagonal", (2, 4), 12),
        ("normal", "full", (2, 4), 2 + 3 + 4 + 10),
    ],
)
def test_a_code_is_its_factors_one_after_another(distribution, covariance, sizes, numbers):
    """The order of factors is the order written, whatever their dimensions."""
    codes = Codes("2,4", distribution, covariance)
    assert (codes.sizes, codes.latent_dim, codes.numbers) == (sizes, sum(sizes), numbers)
    q = codes.posterior(torch.randn(7, numbers))
    assert (q.batch_shape, q.event_shape) == ((7,), (sum(sizes),))
    z = q.rsample()
    first, second = z.split(sizes, -1)
    if codes.is_spherical:
        for part in (first, second):
            torch.testing.assert_close(part.norm(dim=-1), torch.ones(7))
    p = codes.prior(z)
    assert p.log_prob(z).shape == q.log_prob(z).shape == (7,)
    assert bool((kl_divergence(q, p) >= 0).all())


def test_the_numbers_of_a_sphere_are_a_vector_and_a_concentration():
    numbers = torch.tensor([[3.0, 4.0, 0.0, 0.7, 0.0, -2.0, 0.0, -5.0]])
    first, second = Codes("2,2", floor=0.5).factors(numbers)
    torch.testing.assert_close(first.loc, torch.tensor([[0.6, 0.8, 0.0]]))
    torch.testing.assert_close(second.loc, torch.tensor([[0.0, -1.0, 0.0]]))
    torch.testing.assert_close(first.concentration, 0.5 + softplus(torch.tensor([0.7])))
    torch.testing.assert_close(second.concentration, 0.5 + softplus(torch.tensor([-5.0])))


@pytest.mark.parametrize(("manifold", "nats"), FLOORS.items())
def test_what_the_published_floor_costs(manifold, nats):
    codes = Codes(manifold)
    least = torch.cat([torch.randn(codes.latent_dim), torch.tensor([-1e4])])
    rate = kl_divergence(codes.posterior(least), codes.prior(least)).item()
    # The sheet has three digits.
    assert rate == pytest.approx(nats, rel=5e-3)
    free = Codes(manifold, floor=0.0)
    assert kl_divergence(free.posterior(least), free.prior(least)).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("distribution", ["vmf", "power", "cauchy"])
def test_small_concentrations_mean_the_same_in_each_law(distribution):
    """The logarithm of each density is linear in the cosine there, with the slope of the same number."""
    codes = Codes("4", distribution, floor=1e-4)
    q = codes.posterior(torch.tensor([1.0, 0, 0, 0, 0, -1e4]))
    ends = torch.tensor([[1.0, 0, 0, 0, 0], [-1.0, 0, 0, 0, 0]])
    # At the antipode the power spherical density is 0: half-way there instead.
    ends[1] = torch.tensor([0.0, 1, 0, 0, 0])
    high, low = q.log_prob(ends)
    # Of the second order in the number: below 1e-3 of it, but for the logarithm of the power spherical law.
    slope = math.log(2) if distribution == "power" else 1.0
    assert (high - low).item() == pytest.approx(1e-4 * slope, rel=1e-3)


def test_cauchy_stays_below_one():
    for dtype in (torch.float32, torch.float64):
        numbers = torch.tensor([1.0, 0, 0, 1e20], dtype=dtype)
        assert Codes("2", "cauchy").posterior(numbers).concentration.item() < 1


def test_a_single_deviation_is_that_of_all_of_a_factor():
    numbers = torch.randn(6, Codes("2,3", "normal", "single").numbers)
    first, second = Codes("2,3", "normal", "single").factors(numbers)
    torch.testing.assert_close(first.stddev, softplus(numbers[:, 2:3]).expand(6, 2))
    torch.testing.assert_close(second.stddev, softplus(numbers[:, 6:7]).expand(6, 3))


def test_a_diagonal_of_deviations():
    numbers = torch.randn(6, 8)
    q = Codes("4", "normal").posterior(numbers)
    torch.testing.assert_close(q.mean, numbers[:, :4])
    torch.testing.assert_close(q.stddev, softplus(numbers[:, 4:]))


def test_deviations_do_not_underflow():
    numbers = torch.cat([torch.zeros(3), torch.full((3,), -200.0)]).float()
    codes = Codes("3", "normal")
    q = codes.posterior(numbers)
    # The logarithm of 1 + e^t is t there: three times 200 - 1/2, and nothing for the means.
    assert kl_divergence(q, codes.prior(numbers)).item() == pytest.approx(3 * (200 - 0.5), rel=1e-6)


@pytest.mark.parametrize("batch", [1, 10, 100])
def test_a_full_covariance_is_one_for_each_example(batch):
    """The original adds the divergences of a batch up, and its covariances are never negative."""
    codes = Codes("3", "normal", "full")
    numbers = torch.randn(batch, codes.numbers)
    q = codes.posterior(numbers)
    rates = kl_divergence(q, codes.prior(numbers))
    assert rates.shape == (batch,)
    for mean, scale, rate in zip(q.loc, q.scale_tril, rates, strict=True):
        covariance = scale @ scale.T
        closed = 0.5 * (covariance.trace() + mean @ mean - 3 - covariance.logdet())
        torch.testing.assert_close(rate, closed)
        assert bool((scale.diagonal() > 0).all())
        torch.testing.assert_close(scale, scale.tril())
    if batch == 100:
        assert bool((q.covariance_matrix < 0).any())


def test_a_full_covariance_of_several_factors_is_that_of_each():
    codes = Codes("2,3", "normal", "full")
    numbers = torch.randn(5, codes.numbers)
    q, z = codes.posterior(numbers), torch.randn(5, 5)
    parts = [law.log_prob(part) for law, part in zip(codes.factors(numbers), z.split((2, 3), -1), strict=True)]
    assert all(isinstance(law, MultivariateNormal) for law in codes.factors(numbers))
    torch.testing.assert_close(q.log_prob(z), sum(parts))


@pytest.mark.parametrize(("sampler", "kind"), SAMPLERS.items())
def test_samplers_for_experiments(sampler, kind):
    codes = Codes("4,4", sampler=sampler)
    assert all(type(law) is kind for law in codes.factors(torch.randn(3, codes.numbers)))
    assert all(type(law) is kind for law in codes.posterior(torch.randn(3, codes.numbers)).components)


def test_what_is_asked_wrongly_is_said():
    with pytest.raises(ValueError, match="`distribution` is 'von-mises'"):
        Codes("2", "von-mises")
    with pytest.raises(ValueError, match="`covariance` is 'tied'"):
        Codes("2", "normal", "tied")
    with pytest.raises(ValueError, match="`floor` is -1"):
        Codes("2", floor=-1.0)
    with pytest.raises(ValueError, match="`sampler` is 'wood'"):
        Codes("2", sampler="wood")
    with pytest.raises(ValueError, match=r"`encoder` returned \(5, 3\) for codes of the manifold '2'.* 4 numbers"):
        Codes("2").posterior(torch.zeros(5, 3))


@pytest.mark.parametrize("distribution", ["vmf", "power", "cauchy", "normal"])
# Factors of one size are drawn as one law, without cutting and joining.
@pytest.mark.parametrize("manifold", ["2,3,2", "2,2,2", "3"])
def test_what_is_drawn_is_the_posterior_and_rates_are_in_the_factors_order(distribution, manifold):
    """Means of 20,000 draws of each of some coordinates, within five standard errors."""
    codes = Codes(manifold, distribution)
    numbers = 2 * torch.randn(codes.numbers)
    points, rates = codes.draw(numbers.expand(20_000, -1))
    error = points.std(0) / 20_000**0.5
    assert ((points.mean(0) - codes.posterior(numbers).mean).abs() < 5 * error).all()
    laws = zip(codes.factors(numbers), codes.sizes, strict=True)
    own = torch.stack([kl_divergence(law, codes._prior(m, numbers)) for law, m in laws])
    torch.testing.assert_close(rates, own.expand(20_000, -1))
