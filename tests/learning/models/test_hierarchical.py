"""The hierarchy: rates and bounds in closed form, the contract, what is drawn from the prior, and its family."""

import copy
import functools
import itertools
import math

import pytest
import torch
from torch import nn
from torch.distributions import kl_divergence

from latentbook.learning.data import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.likelihoods import Gaussian
from latentbook.learning.models.hierarchies import hierarchical_mlp
from latentbook.learning.rates import free_bits, rate_weights
from latentbook.learning.train import fit
from tests.learning.models.chains import chain
from tests.learning.models.test_vae import Terms

WAYS = ["top-down", "ladder", "bottom-up"]
EVENT = (1, 4, 4)


def make(way="top-down", dims=(5, 3), event=EVENT, **options):
    return hierarchical_mlp(event, dims, [8], inference=way, **options)


def mean_and_error(values):
    return values.mean(0), values.std(0) / math.sqrt(len(values))


# ---- closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["top-down", "ladder"])
@pytest.mark.parametrize("layers", [2, 3, 5])
def test_rates_of_the_exact_chain(layers, way):
    """Reference cases 1 and 2: R(z_l | z_>l) = log((l + 1) / l) / 2; 200,000 examples, 4.5 standard errors of 11 cells.

    For 2 layers: .346574, .202733, and a distortion of 1.418939; for 3: .346574, .202733, .143841.
    """
    model, x = chain(layers, way), torch.randn(200_000, 1) * math.sqrt(layers + 1)
    distortion, rates = model.elbo_terms(x)
    mean, error = mean_and_error(rates.detach())
    expected = torch.tensor([0.5 * math.log((layer + 1) / layer) for layer in range(1, layers + 1)])
    assert ((mean - expected).abs() < 4.5 * error).all(), (mean, expected, error)
    mean, error = mean_and_error(distortion.detach())
    assert abs(mean - 0.5 * math.log(2 * math.pi * math.e)) < 4.5 * error


@pytest.mark.parametrize(("layers", "elbo"), [(2, -1.968245), (3, -2.112086)])
@pytest.mark.parametrize("way", WAYS)
def test_the_elbo_of_the_exact_chain_is_minus_the_entropy_of_the_data(way, layers, elbo):
    """The same cases, whichever way the posterior goes; 200,000 examples, 4.5 standard errors of 6 cells."""
    model, x = chain(layers, way), torch.randn(200_000, 1) * math.sqrt(layers + 1)
    distortion, rates = model.elbo_terms(x)
    mean, error = mean_and_error(-(distortion + rates.sum(-1)).detach())
    assert abs(mean - elbo) < 4.5 * error
    # Half a unit of the sheet's last digit.
    assert abs(-0.5 * math.log(2 * math.pi * math.e * (layers + 1)) - elbo) < 5e-7


def test_bottom_up_the_total_is_right_and_the_split_is_another():
    """The top's .202733 and the .346574 below it, of the same model and the same posterior, change places.

    What z_2 knows of z_1, E KL(N(z_1 / 2, 1/2) || N(0, 1)) = log(2) / 2, is no rate of the data. 200,000 examples.
    """
    model, x = chain(2, "bottom-up"), torch.randn(200_000, 1) * math.sqrt(3)
    _, rates = model.elbo_terms(x)
    mean, error = mean_and_error(rates.detach())
    expected = torch.tensor([0.5 * math.log(1.5), 0.5 * math.log(2)])
    assert ((mean - expected).abs() < 4.5 * error).all()
    total, error = mean_and_error(rates.detach().sum(-1))
    assert abs(total - 0.5 * math.log(3)) < 4.5 * error


def test_bottom_up_a_summand_can_be_below_zero_on_average():
    """With z_1 drawn wide and z_2 equal to it but for little: -log(std) of z_1 is all that is left, about -1.2."""
    model, x = chain(2, "bottom-up"), torch.zeros(10_000, 1)
    with torch.no_grad():
        model.posteriors[0].bias.copy_(torch.tensor([0.0, 2.0]))
        model.posteriors[1].weight.copy_(torch.tensor([[1.0], [0.0]]))
        model.posteriors[1].bias.copy_(torch.tensor([0.0, -5.0]))
    _, rates = model.elbo_terms(x)
    assert rates[:, 0].mean() < -1
    assert rates.sum(-1).mean() > 0
    for way in ("top-down", "ladder"):
        assert (make(way).elbo_terms(torch.rand(100, *EVENT))[1] >= 0).all()


def test_rates_of_one_example_are_the_divergence_of_both_codes():
    """Reference case 5: at x = 1, .327084; exact by Gauss-Hermite quadrature over z_2, since the rate is quadratic."""
    model, x = chain(), torch.ones(2, 1)
    noise = torch.zeros(2, 1), torch.tensor([[1.0], [-1.0]])
    rates = model.elbo_terms(x, noise)[1]
    assert abs(rates.sum(-1).mean() - 0.327084) < 5e-7
    # Of the joint posterior and prior of (z_2, z_1), as Gaussians in the plane.
    prior = torch.tensor([[1.0, 1.0], [1.0, 2.0]])
    slope = torch.tensor([1.0, 2.0])
    mean, posterior = slope / 3, prior - torch.outer(slope, slope) / 3
    normal = torch.distributions.MultivariateNormal
    joint = kl_divergence(normal(mean, posterior), normal(torch.zeros(2), prior))
    torch.testing.assert_close(rates.sum(-1).mean(), joint)


@pytest.mark.parametrize("k", [1, 5, 50])
@pytest.mark.parametrize("way", WAYS)
def test_the_bound_at_the_true_posterior_is_the_evidence(way, k):
    """Reference case 12: -1.634911 at x = 1 for every k, with a spread of rounding, below 1e-7."""
    bound = chain(2, way).importance_weighted_bound(torch.ones(500, 1), k)
    assert bound.shape == (500,)
    assert bound.std() < 1e-7
    assert abs(bound.mean() + 1.634911) < 5e-7


@pytest.mark.parametrize(("k", "expected", "errors"), [(1, -2.418939, 1), (5, -1.694, 2**0.5), (50, -1.640, 2**0.5)])
def test_the_bound_from_the_prior(k, expected, errors):
    """Reference case 12: the first is exact, the others means of 20,000, as here, so that both have one error."""
    model, chains = chain(), chain()
    top, below, prior = model.posteriors[1], model.posteriors[0].of_both, chains.priors[0]
    with torch.no_grad():
        for network, slopes in ((top, [0.0]), (below, [0.0, 1.0])):
            network.weight[0] = torch.tensor(slopes)
            network.bias.copy_(prior.bias)
    mean, error = mean_and_error(model.importance_weighted_bound(torch.ones(20_000, 1), k).detach())
    # 4 standard errors, and half a unit of the sheet's last digit.
    assert abs(mean - expected) < 4 * errors * error + 5e-4


@pytest.mark.parametrize("way", WAYS)
def test_one_draw_of_the_bound_has_the_mean_of_the_elbo(way):
    """100,000 draws of one example, 4.5 standard errors of their difference, of 3 cells."""
    torch.manual_seed(5)
    model, x = make(way), torch.rand(1, *EVENT).expand(100_000, *EVENT)
    distortion, rates = model.elbo_terms(x)
    bound = model.importance_weighted_bound(x, 1)
    mean, error = mean_and_error((bound + distortion + rates.sum(-1)).detach())
    assert abs(mean) < 4.5 * error


def test_more_draws_bound_better():
    """20,000 draws of one example; the means rise by more than 4 standard errors."""
    model, x = make(), torch.rand(1, *EVENT).expand(5000, *EVENT)
    found = [mean_and_error(model.importance_weighted_bound(x, k).detach()) for k in (1, 4, 16)]
    for (low, low_error), (high, high_error) in itertools.pairwise(found):
        assert high - low > 4 * (low_error**2 + high_error**2) ** 0.5


def test_the_bound_draws_categories_one_hot():
    """Of relaxed codes the weights would have no densities that fit."""
    model, seen = make(top="categorical"), []
    model.priors[0].register_forward_hook(lambda module, given, result: seen.append(given[0]))
    model.importance_weighted_bound(torch.rand(5, *EVENT), 20)
    assert ((seen[0] == 0) | (seen[0] == 1)).all()
    assert seen[0].shape == (20, 5, 3)


def test_a_categorical_top_is_summed_out_by_many_draws():
    """Against the sum over its three categories, with the layer below drawn from its prior."""
    model, x = make(dims=(2, 3), top="categorical"), torch.rand(1, *EVENT)
    logs = []
    noise = torch.randn(200_000, 2)
    for code in torch.eye(3):
        # log p(x | z_2) by sampling z_1 from its prior.
        prior = model._prior(0, code.expand(200_000, 3))
        decoded = model.likelihood.log_prob(model.decoder(prior.at(noise)), x.expand(200_000, *EVENT))
        logs.append(decoded.logsumexp(0) - math.log(200_000) - math.log(3))
    evidence = torch.stack(logs).logsumexp(0).item()
    bound = model.importance_weighted_bound(x.expand(20, *EVENT), 5000)
    # 20 bounds of 5,000 draws each; what both sides miss of the evidence is below a hundredth of a nat here.
    mean, error = mean_and_error(bound.detach())
    assert abs(mean - evidence) < 4 * error + 0.02


# ---- the loss --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("betas", [(1.0, 1.0), (0.1, 10.0)])
@pytest.mark.parametrize("way", WAYS)
def test_the_loss_is_distortion_and_weighted_rates(way, betas):
    """Reference case 12: to rounding, where the original's residual is 1.7e-4 of 2.9e3."""
    model, x = make(way), torch.rand(7, *EVENT)
    noise = model.draw_noise((7,))
    found = model.infer(x, noise)
    log_likelihood = model.likelihood.log_prob(model.decoder(found.codes[0]), x)
    first, second = model.rates(found)
    expected = (-log_likelihood + betas[0] * first + betas[1] * second).mean()
    torch.testing.assert_close(model.loss(x, betas, noise), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("way", WAYS)
def test_terms_are_means_of_every_examples(way):
    model, x = make(way, (5, 4, 3)), torch.rand(7, *EVENT)
    noise = model.draw_noise((7,))
    distortion, rates = model.elbo_terms(x, noise)
    terms = model.terms(x, noise)
    assert list(terms) == ["distortion", "rate_1", "rate_2", "rate_3"]
    torch.testing.assert_close(terms["distortion"], distortion.mean())
    for layer in (1, 2, 3):
        torch.testing.assert_close(terms[f"rate_{layer}"], rates[:, layer - 1].mean())


def test_the_last_batch_weighs_by_its_examples():
    """The original averages means of batches, so that one of 16 weighs like one of 256."""
    model, x = make(), torch.rand(10, *EVENT)
    noise = model.draw_noise((10,))
    parts = [model.elbo_terms(x[part], [one[part] for one in noise])[1] for part in (slice(8), slice(8, 10))]
    torch.testing.assert_close(torch.cat(parts).mean(0), model.elbo_terms(x, noise)[1].mean(0))


# ---- the contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["gaussian", "categorical"])
@pytest.mark.parametrize("batch", [(5,), (1,), (2, 5)])
@pytest.mark.parametrize("way", WAYS)
def test_shapes_of_the_contract(way, batch, top, device):
    model, x = make(way, (5, 4, 3), top=top).to(device), torch.rand(*batch, *EVENT, device=device)
    z = model.encode(x)
    assert z.shape == (*batch, 3)
    assert model.posterior(x).mode.equal(z)
    assert model.posterior(x).rsample((7,)).shape == (7, *batch, 3)
    for layer, size in ((1, 5), (2, 4), (3, 3)):
        assert model.encode(x, layer).shape == (*batch, size)
        assert model.decode(model.encode(x, layer), layer).shape == x.shape
    assert model.decode(z).equal(model.decode(z, 3))
    assert model.reconstruct(x).equal(model.decode(model.encode(x, 1), 1))
    for term in model.terms(x).values():
        assert (term.shape, term.device.type, term.dtype) == ((), device.type, torch.float64)


def test_decoding_goes_through_the_most_probable_codes():
    model, z = make(dims=(5, 4, 3)), torch.randn(6, 3)
    middle = model.priors[1](z)[:, :4]
    near = model.priors[0](middle)[:, :5]
    torch.testing.assert_close(model.decode(z), model.decoder(near))
    torch.testing.assert_close(model.decode(middle, 2), model.decoder(near))
    torch.testing.assert_close(model.decode(near, 1), model.decoder(near))


def test_decoded_are_means_and_not_parameters():
    model = make(likelihood="bernoulli")
    x = model.decode(torch.randn(100, 3))
    assert ((x > 0) & (x < 1)).all()
    assert make(likelihood="logistics").decode(torch.randn(2, 3)).shape == (2, *EVENT)


@pytest.mark.parametrize("way", WAYS)
def test_more_samples_of_each_code(way):
    model, x = make(way), torch.rand(5, *EVENT)
    noise = model.draw_noise((7, 5))
    distortion, rates = model.elbo_terms(x, noise)
    assert (distortion.shape, rates.shape) == ((7, 5), (7, 5, 2))
    for k in range(7):
        alone = model.elbo_terms(x, [one[k] for one in noise])
        torch.testing.assert_close((distortion[k], rates[k]), alone)


def test_noise_is_drawn_where_it_is_not_given():
    model, x = make(), torch.rand(5, *EVENT)
    torch.manual_seed(3)
    drawn = model.elbo_terms(x)
    torch.manual_seed(3)
    # From the top down.
    top = torch.randn(5, 3)
    given = model.elbo_terms(x, (torch.randn(5, 5), top))
    assert drawn[0].equal(given[0])
    assert not drawn[0].equal(model.elbo_terms(x)[0])


def test_sigma_is_saved_with_the_model():
    """The original evaluates with its default sigma, whatever the model was trained with."""
    saved, loaded = (make(likelihood=Gaussian(EVENT, sigma)) for sigma in (0.71, 0.03))
    loaded.load_state_dict(saved.state_dict())
    x = torch.rand(5, *EVENT)
    noise = saved.draw_noise((5,))
    assert loaded.elbo_terms(x, noise)[0].equal(saved.elbo_terms(x, noise)[0])


# ---- the prior -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [2, 3])
def test_samples_have_the_variance_of_the_chain(layers):
    """Means of the data, N(0, L): 200,000 of them, 4 standard errors of a mean and of a variance."""
    x = chain(layers).sample(200_000)
    assert x.shape == (200_000, 1)
    assert abs(x.mean()) < 4 * math.sqrt(layers / 200_000)
    assert abs(x.var() - layers) < 4 * layers * math.sqrt(2 / 200_000)


def test_samples_below_given_codes():
    """From z_2 of a chain of three layers down: N(z_2, 1), since z_1 alone is drawn."""
    model, z = chain(3), torch.tensor([[-3.0], [5.0]])
    x = model.sample(100_000, z=z, layer=2).squeeze(-1)
    assert x.shape == (100_000, 2)
    # 4 standard errors of a mean and of a variance of 1.
    assert ((x.mean(0) - z[:, 0]).abs() < 4 * math.sqrt(1 / 100_000)).all()
    assert ((x.var(0) - 1).abs() < 4 * math.sqrt(2 / 100_000)).all()
    # From the top two are drawn, and from the first layer none.
    assert ((model.sample(100_000, z=z).squeeze(-1).var(0) - 2).abs() < 8 * math.sqrt(2 / 100_000)).all()
    assert model.sample(z=z, layer=1).equal(model.decode(z, 1))


def test_samples_follow_their_generator(device):
    model = make().to(device)

    def draw(seed):
        return model.sample(3, generator=torch.Generator(device).manual_seed(seed))

    assert draw(1).equal(draw(1))
    assert not draw(1).equal(draw(2))
    assert (draw(1).device.type, draw(1).shape) == (device.type, (3, *EVENT))


def test_a_categorical_top_is_drawn_one_hot():
    model, seen = make(top="categorical"), []
    model.priors[0].register_forward_hook(lambda module, given, result: seen.append(given[0]))
    model.sample(1000)
    assert ((seen[0] == 0) | (seen[0] == 1)).all()
    # Each of three as often: 4 standard errors of a frequency of 1,000.
    assert ((seen[0].mean(0) - 1 / 3).abs() < 4 * math.sqrt(2 / 9 / 1000)).all()


# ---- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["gaussian", "categorical"])
@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_those_of_finite_differences(way, top):
    model = hierarchical_mlp(
        (4,), (3, 2), [4], inference=way, top=top, activation=nn.Tanh, likelihood="learned-gaussian"
    )
    noise = model.draw_noise((3,))
    names = [name for name, _ in model.named_parameters()]

    def terms(x, *values):
        state = {f"model.{name}": value for name, value in zip(names, values, strict=True)}
        return tuple(torch.func.functional_call(Terms(model), state, (x, noise)))

    inputs = [torch.rand(3, 4), *(value.detach().clone() for value in model.parameters())]
    assert torch.autograd.gradcheck(terms, [value.requires_grad_() for value in inputs])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("noise", ["gaussian", "learned-gaussian", "bernoulli", "logistics"])
@pytest.mark.parametrize("options", [{}, {"top": "categorical"}, {"top": "categorical", "hard": True}])
@pytest.mark.parametrize("way", WAYS)
def test_every_option_has_finite_gradients(way, options, noise, dtype):
    model, x = make(way, likelihood=noise, **options).to(dtype), torch.rand(5, *EVENT, dtype=dtype).round()
    model.loss(x, [1.0, 2.0]).backward()
    (-model.importance_weighted_bound(x, 3)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("push", [-110.0, -1000.0, 1000.0])
@pytest.mark.parametrize("way", WAYS)
def test_deviations_do_not_underflow(way, push, dtype):
    """A softplus of -110 is 0 in float32, where the original stops with an error."""
    model, x = make(way).to(dtype), torch.rand(5, *EVENT, dtype=dtype)
    with torch.no_grad():
        for network in [*model.posteriors, *model.priors]:
            [*network.modules()][-1].bias[-3:] = push
    terms = model.terms(x)
    sum(terms.values()).backward()
    assert all(term.isfinite() for term in terms.values())
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    assert all((belief.stddev >= 0.99e-4).all() for belief in model.infer(x).posteriors[1:])


# ---- training, alone and as a family ---------------------------------------------------------------------------------

BETAS = [torch.tensor([1.0, 1.0, 0.1]), torch.tensor([1.0, 100.0, 10.0])]


def toy(count=1024):
    """Sixteen numbers that four hidden ones make, with noise of .1: the sheet's toy."""
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(4, 16, generator=generator)
    x = torch.tanh(torch.randn(count, 4, generator=generator) @ mixing)
    return Dataset(x + 0.1 * torch.randn(count, 16, generator=generator))


def draw(model, data, size, generator):
    x = data.batch(size, generator)
    return x, model.draw_noise((size,), x, generator)


def train(model, data, betas, loss, like, steps, batch_size=16):
    return fit(
        model,
        data,
        loss,
        weights=rate_weights(betas),
        steps=steps,
        batch_size=batch_size,
        seed=4,
        optimizer=functools.partial(torch.optim.Adam, lr=3e-3),
        draw=functools.partial(draw, like),
    )


def terms(model, batch, step):
    return model.terms(*batch)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("top", ["gaussian", "categorical"])
def test_a_family_equals_separate_runs_with_the_same_noise(way, top):
    """Thirty steps, three pairs of weights as one batched model: histories and weights, to 1e-5."""
    data, options = toy(100), {"dims": (4, 3), "event": (16,), "top": top, "likelihood": "learned-gaussian"}
    alone = []
    for seed in range(3):
        torch.manual_seed(seed)
        alone.append(make(way, **options))
    family = Family([copy.deepcopy(model) for model in alone], batched=True)
    parted = member_histories(train(family, data, BETAS, family_loss(terms), alone[0], 30))
    for k, (model, member) in enumerate(zip(alone, family.members(), strict=True)):
        own = train(model, data, [beta[k].item() for beta in BETAS], terms, model, 30)
        for name, values in own.terms.items():
            torch.testing.assert_close(parted[k].terms[name], values, rtol=1e-5, atol=1e-5)
        for name, value in member.state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-5, atol=1e-5)


def test_noise_that_is_not_given_cannot_be_drawn_in_a_family():
    family = Family([make() for _ in range(2)])
    with pytest.raises(RuntimeError, match="random"):
        family.call(lambda model, x: model.terms(x), torch.rand(8, *EVENT))


def test_weights_of_a_family_in_its_loss():
    family, x = Family([make() for _ in range(3)]), torch.rand(8, *EVENT)
    noise = family.members()[0].draw_noise((8,))
    found = family.call(
        lambda model, x, noise, betas: model.loss(x, betas, noise), x, noise, BETAS, each=[False, False, True]
    )
    for k, member in enumerate(family.members()):
        torch.testing.assert_close(found[k], member.loss(x, [beta[k].item() for beta in BETAS], noise))


def test_free_bits_and_a_temperature_in_a_family():
    family, x = Family([make(top="categorical") for _ in range(2)]), torch.rand(8, *EVENT)
    noise = family.members()[0].draw_noise((8,))

    def loss(model, x, noise, temperature):
        return free_bits(model.terms(x, noise, temperature), 50.0)

    temperatures = torch.tensor([0.5, 2.0])
    found = family.call(loss, x, noise, temperatures, each=[False, False, True])
    assert found["rate_1"].tolist() == [50.0, 50.0]
    for k, member in enumerate(family.members()):
        member.temperature = temperatures[k].item()
        torch.testing.assert_close(found["distortion"][k], member.terms(x, noise)["distortion"])


def test_a_large_weight_at_the_top_collapses_it():
    """Reference case 4: with beta_2 = 100 a trained top tells less than a thousandth of a nat.

    That is of 600 steps at 16 values; the layer below goes on. With a weight of .1 the top tells most instead.
    """
    data, rates = toy(), {}
    for beta in (0.1, 100.0):
        torch.manual_seed(0)
        model = make(dims=(8, 4), event=(16,)).float()
        train(model, Dataset(data.x.float()), [1.0, beta], terms, model, 600, batch_size=128)
        rates[beta] = model.elbo_terms(data.x.float())[1].mean(0)
    assert rates[100.0][1] < 1e-3
    assert rates[100.0][0] > 0.5
    assert rates[0.1][1] > rates[0.1][0]
    assert rates[0.1][1] > 1.0


# ---- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("betas", [(-1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_weights_out_of_range(betas):
    with pytest.raises(ValueError, match=r"`betas` is .*, but must be finite and at least 0"):
        make().loss(torch.rand(5, *EVENT), betas)


def test_a_weight_for_each_layer():
    with pytest.raises(ValueError, match=r"`betas` has 3 weights, but the model has 2 layers: give each one"):
        make().loss(torch.rand(5, *EVENT), [1.0, 1.0, 1.0])


def test_levels_out_of_range_have_no_bernoulli_likelihood():
    model, x = make(likelihood="bernoulli"), 255 * torch.rand(5, *EVENT)
    for function in (model.terms, model.elbo_terms, lambda x: model.importance_weighted_bound(x, 2)):
        with pytest.raises(ValueError, match=r"`x` has values from .*, but Bernoulli is about levels in \[0, 1\]"):
            function(x)


@pytest.mark.parametrize("k", [0, -1])
def test_the_bound_needs_a_draw(k):
    with pytest.raises(ValueError, match=rf"`k` is {k}: pass a whole number of at least 1"):
        make().importance_weighted_bound(torch.rand(5, *EVENT), k)


def test_noise_of_the_bound_has_its_draws_in_front():
    model, x = make(), torch.rand(5, *EVENT)
    noise = model.draw_noise((3, 5))
    assert model.importance_weighted_bound(x, 3, noise).equal(model.importance_weighted_bound(x, 3, noise))
    with pytest.raises(ValueError, match=r"`noise` has shape \(3, 5, 5\), but must begin with \(4, 5\)"):
        model.importance_weighted_bound(x, 4, noise)


def test_samples_of_nothing():
    model = make()
    for options in ({}, {"layer": 1}, {"count": 3, "layer": 1}):
        with pytest.raises(ValueError, match=r"`z` is None, .*: give codes of a layer, or a count"):
            model.sample(**options)
    with pytest.raises(ValueError, match=r"`count` is 0: pass a whole number of at least 1"):
        model.sample(0)
    with pytest.raises(ValueError, match=r"`z` has shape \(5, 3\), but codes of layer 1 have 5 numbers"):
        model.sample(z=torch.zeros(5, 3), layer=1)
