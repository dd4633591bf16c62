"""Likelihoods: closed forms of the sheet, densities of torch, and a sigma that a saved model keeps."""

import math

import pytest
import torch
from torch.distributions import Bernoulli as Bits
from torch.distributions import Independent, Normal

from latentbook.learning.likelihoods import Bernoulli, Gaussian, LearnedGaussian, LogisticMixture, likelihood
from latentbook.learning.logistics import mixture_log_prob

EVENT = (3, 4, 5)
ALL = [Gaussian(EVENT), LearnedGaussian(EVENT), Bernoulli(EVENT), LogisticMixture(EVENT, 2)]
by_name = {"ids": lambda noise: type(noise).__name__}


def parameters(noise, *batch, dtype=torch.float64):
    return torch.randn(*batch, *noise.parameter_shape, dtype=dtype)


# ---- every likelihood ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ALL, **by_name)
def test_nats_are_sums_over_an_example(noise):
    x, given = torch.rand(7, *EVENT), parameters(noise, 6, 7)
    found = noise.log_prob(given, x)
    assert found.shape == (6, 7)
    torch.testing.assert_close(found[2, 3], noise.log_prob(given[2, 3], x[3]))
    assert noise.mean(given).shape == (6, 7, *EVENT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("noise", ALL, **by_name)
def test_gradients_are_finite_at_the_ends_of_the_levels(noise, dtype):
    noise = likelihood(*NAMES[type(noise)], EVENT).to(dtype)
    x = torch.stack([torch.zeros(EVENT, dtype=dtype), torch.ones(EVENT, dtype=dtype)])
    given = (200 * parameters(noise, 2, dtype=dtype)).requires_grad_()
    found = noise.log_prob(given, x)
    found.sum().backward()
    assert found.dtype == dtype
    assert found.isfinite().all()
    assert given.grad.isfinite().all()


NAMES = {
    Gaussian: ["gaussian"],
    LearnedGaussian: ["learned-gaussian"],
    Bernoulli: ["bernoulli"],
    LogisticMixture: ["logistics"],
}


@pytest.mark.parametrize(("kind", "name"), NAMES.items())
def test_each_has_a_name(kind, name):
    assert type(likelihood(*name, EVENT)) is kind
    assert likelihood(*name, EVENT).event_shape == EVENT


def test_options_and_likelihoods_go_through():
    torch.testing.assert_close(likelihood("gaussian", EVENT, sigma=0.3).sigma, torch.tensor(0.3))
    assert likelihood("logistics", EVENT, components=4).parameter_shape == (40, 4, 5)
    assert likelihood(ALL[2], EVENT) is ALL[2]


# ---- Gaussians -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma", "nats"), [(0.71, -1923.1997), (0.03, -77384.17)])
def test_the_likelihood_of_the_sheet(sigma, nats):
    """Reference case 8: a mean squared error of .05 over 3,072 values. Half a unit of its last digit."""
    x = torch.zeros(1, 3072)
    found = Gaussian((3072,), sigma).log_prob(x + math.sqrt(0.05), x)
    torch.testing.assert_close(found.item(), nats, rtol=0, atol=5e-5 if sigma == 0.71 else 5e-3)


def test_by_default_the_distortion_is_the_sum_of_squares_but_for_a_constant():
    x, mean = torch.rand(5, 3072), torch.rand(5, 3072)
    found = Gaussian((3072,)).log_prob(mean, x)
    torch.testing.assert_close(found, -(x - mean).square().sum(-1) - 1536 * math.log(math.pi))


@pytest.mark.parametrize("kind", [Gaussian, LearnedGaussian])
def test_a_gaussian_is_torchs_normal(kind):
    noise, x, mean = kind(EVENT, sigma=0.3), torch.rand(5, *EVENT), torch.randn(5, *EVENT)
    torch.testing.assert_close(noise.log_prob(mean, x), Independent(Normal(mean, 0.3), 3).log_prob(x))
    assert noise.mean(mean).equal(mean)


@pytest.mark.parametrize("kind", [Gaussian, LearnedGaussian])
def test_a_loaded_model_has_the_sigma_that_was_saved(kind):
    """The original's has its default: every likelihood that it evaluates is another's."""
    saved, x, mean = kind(EVENT, sigma=0.71), torch.rand(5, *EVENT), torch.rand(5, *EVENT)
    loaded = kind(EVENT, sigma=0.03)
    loaded.load_state_dict(saved.state_dict())
    assert loaded.log_prob(mean, x).equal(saved.log_prob(mean, x))
    torch.testing.assert_close(loaded.sigma, torch.tensor(0.71), check_dtype=False)


def test_only_a_learned_sigma_is_a_parameter():
    assert [*Gaussian(EVENT).parameters()] == []
    assert [parameter.shape for parameter in LearnedGaussian(EVENT).parameters()] == [()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("theta", [-1000.0, -6.0, 0.0, 50.0])
def test_a_learned_sigma_has_a_soft_floor(theta, dtype):
    noise = LearnedGaussian(EVENT).to(dtype)
    noise.theta.data.fill_(theta)
    expected = -6 + math.log1p(math.exp(theta + 6)) if theta < 50 else theta
    torch.testing.assert_close(noise.log_sigma, torch.tensor(expected, dtype=dtype))
    noise.log_prob(torch.zeros(1, *EVENT, dtype=dtype), torch.ones(1, *EVENT, dtype=dtype)).sum().backward()
    assert noise.theta.grad.isfinite()


@pytest.mark.parametrize("sigma", [3e-3, 0.1, 1.0, 1e3])
def test_a_learned_sigma_starts_where_it_is_told(sigma):
    torch.testing.assert_close(LearnedGaussian(EVENT, sigma).sigma.item(), sigma, rtol=1e-9, atol=0)


def test_the_best_sigma_is_the_root_of_the_mean_square():
    """Where the slope is 0; the soft floor does not move it, only what of theta stands for it."""
    x, mean = torch.rand(5, *EVENT), torch.rand(5, *EVENT)
    noise = LearnedGaussian(EVENT, sigma=(x - mean).square().mean().sqrt().item())
    noise.log_prob(mean, x).sum().backward()
    assert abs(noise.theta.grad) < 1e-9 * 5 * math.prod(EVENT)


# ---- bits ------------------------------------------------------------------------------------------------------------


def test_bits_are_torchs():
    noise, x, logits = Bernoulli(EVENT), torch.rand(5, *EVENT).round(), torch.randn(5, *EVENT)
    expected = Independent(Bits(logits=logits), 3)
    torch.testing.assert_close(noise.log_prob(logits, x), expected.log_prob(x))
    torch.testing.assert_close(noise.mean(logits), expected.mean)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sure_and_wrong_bit_costs_its_logit(dtype):
    """The original's log(p + 1e-8) would say 18.4 nats, without a slope."""
    logits = torch.tensor([500.0], dtype=dtype, requires_grad=True)
    found = Bernoulli((1,)).log_prob(logits, torch.zeros(1, dtype=dtype))
    found.backward()
    assert found.item() == -500
    assert logits.grad.item() == -1


def test_grey_levels_are_a_cross_entropy():
    logits, x = torch.randn(5, *EVENT), torch.rand(5, *EVENT)
    p = logits.sigmoid()
    expected = (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
    torch.testing.assert_close(Bernoulli(EVENT).log_prob(logits, x), expected)


# ---- the mixture -----------------------------------------------------------------------------------------------------


def test_the_mixture_of_the_original_has_a_hundred_channels():
    assert LogisticMixture((3, 32, 32)).parameter_shape == (100, 32, 32)
    assert LogisticMixture((1, 8, 8)).parameter_shape == (30, 8, 8)


def test_nats_of_a_mixture_are_a_sum_over_places():
    noise, x = LogisticMixture(EVENT, 2), torch.rand(5, *EVENT)
    given = parameters(noise, 5)
    each = [mixture_log_prob(given[..., i, j], x[..., i, j], 2, 1) for i in range(4) for j in range(5)]
    torch.testing.assert_close(noise.log_prob(given, x), torch.stack(each).sum(0))


def test_every_place_has_its_own_mixture():
    """Moving places with their parameters moves nothing else."""
    noise, x = ALL[3], torch.rand(5, *EVENT)
    given = parameters(noise, 5)
    torch.testing.assert_close(noise.log_prob(given.flip(-1), x.flip(-1)), noise.log_prob(given, x))
    assert not torch.allclose(noise.log_prob(given, x.flip(-1)), noise.log_prob(given, x))


# ---- what does not fit -----------------------------------------------------------------------------------------------

BOUNDED = ALL[2:]


@pytest.mark.parametrize("value", [-0.1, 1.1, 255.0, math.nan])
@pytest.mark.parametrize("noise", BOUNDED, **by_name)
def test_levels_outside_of_their_range(noise, value):
    x = torch.rand(2, *EVENT)
    x[1, 2, 3, 4] = value
    with pytest.raises(ValueError, match=r"`x` has values from .*, but .* is about levels in \[0, 1\]: divide bytes"):
        noise.log_prob(parameters(noise, 2), x)


@pytest.mark.parametrize("noise", BOUNDED, **by_name)
def test_where_nothing_can_be_looked_at_such_levels_have_no_probability(noise):
    """In a family with batches of each member's own; `fit` stops at nan, and names the term."""
    x = torch.rand(3, 2, *EVENT)
    x[1, 0, 0, 0, 0] = 1.5
    found = torch.func.vmap(noise.log_prob)(parameters(noise, 3, 2), x)
    assert found.isnan().tolist() == [[False, False], [True, False], [False, False]]


@pytest.mark.parametrize("noise", ALL, **by_name)
def test_a_transform_gives_what_each_gives_alone(noise):
    x, given = torch.rand(3, 2, *EVENT), parameters(noise, 3, 2)
    found = torch.func.vmap(noise.log_prob)(given, x)
    torch.testing.assert_close(found, torch.stack([*map(noise.log_prob, given, x)]))


def test_a_gaussian_takes_any_finite_number():
    ALL[0].check(100 * torch.randn(5, *EVENT))
    with pytest.raises(ValueError, match=r"`x` has values from .* to inf: give finite numbers"):
        ALL[0].check(torch.full(EVENT, math.inf))


@pytest.mark.parametrize("noise", ALL, **by_name)
def test_shapes_that_do_not_fit(noise):
    given = parameters(noise, 5)
    with pytest.raises(ValueError, match=r"`parameters` has shape .*, but must end in"):
        noise.mean(given[..., :4])
    with pytest.raises(ValueError, match=r"`parameters` has shape .*, but must end in"):
        noise.log_prob(given[..., :4], torch.rand(5, *EVENT))
    with pytest.raises(ValueError, match=r"`x` has shape .*, but must end in \(3, 4, 5\)"):
        noise.log_prob(given, torch.rand(5, 1, 4, 5))
    for batch in [(4,), (1,), (2, 5)]:
        with pytest.raises(ValueError, match=r"`parameters` are for a batch of \(5,\), but `x` is one of"):
            noise.log_prob(given, torch.rand(*batch, *EVENT))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("kind", [Gaussian, LearnedGaussian])
def test_sigma_is_positive(kind, sigma):
    with pytest.raises(ValueError, match=r"`sigma` is .*, but must be a finite number above"):
        kind(EVENT, sigma)


def test_a_learned_sigma_cannot_start_below_its_floor():
    with pytest.raises(ValueError, match=r"`sigma` is 0.001, but must be a finite number above 0.00247875"):
        LearnedGaussian(EVENT, 1e-3)


def test_words_and_sizes_that_are_unknown():
    with pytest.raises(ValueError, match=r"`likelihood` is 'laplace', which is unknown: pass one of"):
        likelihood("laplace", EVENT)
    with pytest.raises(ValueError, match=r"`likelihood` is of examples of shape \(3, 4, 5\), but `event_shape` is"):
        likelihood(ALL[0], (1, 4, 5))
    with pytest.raises(ValueError, match=r"`components` is 0"):
        LogisticMixture(EVENT, 0)
    with pytest.raises(ValueError, match=r"`event_shape` is \(8,\): give the colours first"):
        LogisticMixture((8,))
    for shape in [(), (0, 3)]:
        with pytest.raises(ValueError, match=r"`event_shape` is .*: give the sizes of one example"):
            Gaussian(shape)
