"""Autoencoders with codes on spheres: terms, bounds, and what each law and body can do."""

import itertools
import math

import pytest
import torch
from torch.distributions import kl_divergence

from latentbook.learning.likelihoods import Gaussian
from latentbook.learning.models.codes import DISTRIBUTIONS
from latentbook.learning.models.spherical import SphericalVAE, spherical_conv, spherical_mlp

EVENT = (1, 8, 8)


@pytest.fixture(params=DISTRIBUTIONS)
def model(request):
    torch.manual_seed(0)
    return spherical_mlp(EVENT, "2,3", request.param, hidden=(16,))


def test_the_contract_of_the_book_s_models(model):
    x = torch.rand(2, 6, *EVENT)
    z = model.encode(x)
    assert z.shape == (2, 6, model.codes.latent_dim)
    assert model.posterior(x).event_shape == (model.codes.latent_dim,)
    assert model.decode(z).shape == x.shape
    assert bool(((model.decode(z) >= 0) & (model.decode(z) <= 1)).all())
    assert {name: term.shape for name, term in model.terms(x).items()} == {"distortion": (), "rate": ()}
    torch.testing.assert_close(model.reconstruct(x), model.decode(z))
    assert model.sample(5).shape == (5, *EVENT)


def test_a_code_on_spheres_is_its_directions(model):
    if model.codes.is_spherical:
        parts = model.encode(torch.rand(6, *EVENT)).split(model.codes.sizes, -1)
        for part in parts:
            torch.testing.assert_close(part.norm(dim=-1), torch.ones(6))


def test_rates_are_those_of_the_factors(model):
    x = torch.rand(6, *EVENT)
    _, rates = model.elbo_terms(x)
    assert rates.shape == (6, 2)
    torch.testing.assert_close(rates.sum(-1), kl_divergence(model.posterior(x), model.codes.prior(x)))
    torch.testing.assert_close(model.terms(x)["rate"], rates.sum(-1).mean())


def test_the_distortion_is_that_of_a_drawn_code(model):
    x = (torch.rand(6, *EVENT) > 0.5).double()
    torch.manual_seed(3)
    distortion, _ = model.elbo_terms(x)
    torch.manual_seed(3)
    z, _ = model.codes.draw(model.encoder(x))
    levels = model.decode(z)
    expected = -(x * levels.log() + (1 - x) * (1 - levels).log()).flatten(1).sum(1)
    torch.testing.assert_close(distortion, expected)


def test_every_parameter_learns(model):
    terms = model.terms(torch.rand(16, *EVENT))
    sum(terms.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        assert bool((parameter.grad != 0).any()), name


def test_one_draw_bounds_as_the_elbo_does_in_the_mean(model):
    """Sheet, case 17. Both are means of 2,000 draws: they agree within five standard errors of their difference."""
    x = (torch.rand(1, *EVENT) > 0.5).double().expand(2000, *EVENT)
    with torch.no_grad():
        one = model.importance_weighted_bound(x, 1)
        distortion, rates = model.elbo_terms(x)
    elbo = -distortion - rates.sum(-1)
    error = math.sqrt((one.var() + elbo.var()).item() / 2000)
    assert abs((one.mean() - elbo.mean()).item()) < 5 * error


def test_more_draws_bound_more_tightly(model):
    """In the mean the bound does not fall with k: here over 400 independent estimates, within three standard errors."""
    x = (torch.rand(1, *EVENT) > 0.5).double().expand(400, *EVENT)
    with torch.no_grad():
        bounds = [model.importance_weighted_bound(x, k) for k in (1, 5, 50)]
    for low, high in itertools.pairwise(bounds):
        assert (high.mean() - low.mean()).item() > -3 * math.sqrt((high.var() + low.var()).item() / 400)
    assert bounds[-1].mean() > bounds[0].mean()


def test_chunks_change_nothing_but_memory(model):
    x = torch.rand(3, *EVENT)
    with torch.no_grad():
        exact = [model.importance_weighted_bound(x, 2000, chunk) for chunk in (2000, 7)]
    # Estimates of 2,000 draws differ by a hundredth of a nat, whose scale here is that of a single weight's spread.
    torch.testing.assert_close(*exact, atol=0.3, rtol=0)


def test_a_decoder_that_ignores_its_code_has_the_evidence_as_every_bound():
    """Then p(x | z) is p(x), and with a posterior that is the prior all weights are alike."""
    model = spherical_mlp(EVENT, "4", floor=0.0, hidden=(8,))
    with torch.no_grad():
        model.decoder[0][0].weight.zero_()
        last = model.encoder[-1][-1]
        last.weight[-1].zero_()
        last.bias[-1] = -1e4
        x = (torch.rand(5, *EVENT) > 0.5).double()
        evidence = model.likelihood.log_prob(model.decoder(torch.zeros(5, 5)), x)
        for k in (1, 10):
            torch.testing.assert_close(model.importance_weighted_bound(x, k), evidence)


def test_bodies_of_gated_convolutions():
    model = spherical_conv(EVENT, "2,2", "power", noise="gaussian")
    terms = model.terms(torch.rand(4, *EVENT))
    assert bool(torch.stack([*terms.values()]).isfinite().all())
    assert model.decode(model.encode(torch.rand(4, *EVENT))).shape == (4, *EVENT)


def test_the_published_sizes():
    """784-256-128 and back, and heads of one linear layer: S^9 in R^10 takes ten numbers and one."""
    model = spherical_mlp((1, 28, 28), "9")
    layers = [784 * 256 + 256, 256 * 128 + 128, 128 * 11 + 11, 10 * 128 + 128, 128 * 256 + 256, 256 * 784 + 784]
    assert sum(parameter.numel() for parameter in model.parameters()) == sum(layers)


def test_squared_errors_are_a_gaussian_of_half_a_variance():
    """The original's MSE is the sum of squares: a Gaussian's distortion, but for a constant, at σ² = 1/2."""
    noise = Gaussian(EVENT)
    model, x = spherical_mlp(EVENT, "2", hidden=(8,), noise=noise), torch.rand(4, *EVENT)
    z = model.encode(x)
    squares = (model.decode(z) - x).square().flatten(1).sum(1)
    constant = 32 * math.log(math.pi)
    torch.testing.assert_close(-noise.log_prob(model.decoder(z), x), squares + constant)


def test_float32_and_other_devices_follow_the_weights(model):
    model = model.float()
    x = torch.rand(3, *EVENT, dtype=torch.float32)
    assert model.terms(x)["rate"].dtype == torch.float32
    assert model.sample(2).dtype == torch.float32


def test_an_encoder_that_does_not_fit_is_named():
    model = spherical_mlp(EVENT, "2", hidden=(8,))
    wrong = SphericalVAE(model.encoder, model.decoder, model.likelihood, "3")
    with pytest.raises(ValueError, match=r"`encoder` returned \(4, 4\) for codes of the manifold '3'"):
        wrong.terms(torch.rand(4, *EVENT))
