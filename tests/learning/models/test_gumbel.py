"""Relaxed categories: their divergence, what is drawn, slopes, and extremes."""

import math

import pytest
import torch
from torch.distributions import OneHotCategorical, kl_divergence

from latentbook.learning.models.gumbel import GumbelSoftmax, gumbel_noise


def uniform(m):
    return GumbelSoftmax(torch.zeros(m))


def test_the_divergence_of_the_sheet():
    """Reference case 5: (.7, .1, .1, .1) against the uniform one, with six decimals."""
    belief = GumbelSoftmax(torch.tensor([0.7, 0.1, 0.1, 0.1]).log())
    torch.testing.assert_close(kl_divergence(belief, uniform(4)).item(), 0.445846, rtol=0, atol=5e-7)


def test_divergence_and_density_are_torchs():
    p, q = torch.randn(6, 5), torch.randn(6, 5)
    expected = kl_divergence(OneHotCategorical(logits=p), OneHotCategorical(logits=q))
    torch.testing.assert_close(kl_divergence(GumbelSoftmax(p), GumbelSoftmax(q)), expected)
    codes = torch.eye(5)[:, None].expand(5, 6, 5)
    torch.testing.assert_close(GumbelSoftmax(p).log_prob(codes), OneHotCategorical(logits=p).log_prob(codes))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sure_category_costs_the_logarithm_of_their_number(dtype):
    logits = torch.tensor([1000.0, 0.0, -1000.0], dtype=dtype, requires_grad=True)
    rate = kl_divergence(GumbelSoftmax(logits), GumbelSoftmax(torch.zeros(3, dtype=dtype)))
    rate.backward()
    torch.testing.assert_close(rate.item(), math.log(3), rtol=1e-6, atol=0)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("hard", [True, False])
def test_samples_fall_into_categories_as_often_as_they_should(hard):
    """Largest of the coordinates; 100,000 draws, 4 standard errors of a frequency, for each of 4 categories."""
    p = torch.tensor([0.5, 0.3, 0.15, 0.05])
    z = GumbelSoftmax(p.log(), 0.7, hard).rsample((100_000,))
    often = torch.nn.functional.one_hot(z.argmax(-1), 4).double().mean(0)
    assert ((often - p).abs() < 4 * (p * (1 - p) / 100_000).sqrt()).all()
    torch.testing.assert_close(z.sum(-1), torch.ones(100_000))


def test_noise_has_the_moments_of_gumbel_numbers():
    """Mean 0.577216 and variance pi^2 / 6; 1,000,000 draws, 4 standard errors, with a fourth moment of 14.6."""
    noise = gumbel_noise((1_000_000,), torch.zeros(1))
    variance = math.pi**2 / 6
    assert abs(noise.mean() - 0.5772156649) < 4 * math.sqrt(variance) / 1000
    assert abs(noise.var() - variance) < 4 * math.sqrt(14.6 - variance**2) / 1000


def test_noise_follows_its_generator_and_kind(device):
    def draw(seed, dtype=torch.float32):
        generator = torch.Generator(device).manual_seed(seed)
        return gumbel_noise((5, 3), torch.zeros(1, dtype=dtype, device=device), generator)

    assert draw(1).equal(draw(1))
    assert not draw(1).equal(draw(2))
    assert draw(1).dtype == torch.float32
    assert draw(1, torch.float64).dtype == torch.float64


def test_a_relaxed_sample_is_the_softmax_of_what_it_stands_for():
    logits, noise = torch.randn(5, 4), torch.randn(7, 5, 4)
    found = GumbelSoftmax(logits, 0.5).at(noise)
    torch.testing.assert_close(found, ((logits + noise) / 0.5).softmax(-1))
    # A low temperature makes it one-hot.
    cold = GumbelSoftmax(logits, 1e-4).at(noise)
    torch.testing.assert_close(cold, GumbelSoftmax(logits, hard=True).at(noise))


def test_a_hard_sample_has_the_slopes_of_the_relaxed_one():
    noise, direction = torch.randn(5, 4), torch.randn(5, 4)
    slopes = []
    for hard in (True, False):
        logits = torch.linspace(-1, 1, 20).reshape(5, 4).requires_grad_()
        z = GumbelSoftmax(logits, 0.8, hard).at(noise)
        (z * direction).sum().backward()
        slopes.append(logits.grad)
        assert (((z == 0) | (z == 1)).all() and (z.sum(-1) == 1).all()) == hard
    torch.testing.assert_close(*slopes)
    assert slopes[0].abs().sum() > 0


def test_the_mode_is_the_most_probable_category():
    assert GumbelSoftmax(torch.tensor([[0.1, 2.0, 1.0], [3.0, 0.0, 0.0]])).mode.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_temperatures_of_a_family():
    logits, noise, temperatures = torch.randn(5, 4), torch.randn(5, 4), torch.tensor([0.5, 1.0, 2.0])
    found = torch.func.vmap(lambda own: GumbelSoftmax(logits, own).at(noise))(temperatures)
    for own, z in zip(temperatures, found, strict=True):
        torch.testing.assert_close(z, GumbelSoftmax(logits, own.item()).at(noise))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("shape", [(4,), (1, 4), (5, 3)])
def test_noise_is_not_broadcast(shape):
    with pytest.raises(ValueError, match=r"`noise` has shape .* for categories of shape \(5, 4\): give each code"):
        GumbelSoftmax(torch.zeros(5, 4)).at(torch.zeros(shape))
