"""Layers of codes: the ladder's merge, the three ways a posterior goes, noise, and what does not fit."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from latentbook.learning.models.gumbel import GumbelSoftmax
from latentbook.learning.models.hierarchies import hierarchical_mlp
from latentbook.learning.models.layers import LayeredCodes, merge, require_layers
from latentbook.learning.models.vae import DiagonalGaussian

WAYS = ["top-down", "ladder", "bottom-up"]


def make(way="top-down", dims=(5, 4, 3), **options):
    return hierarchical_mlp((6,), dims, [8], inference=way, **options)


def gaussian(mean, variance):
    return DiagonalGaussian(torch.tensor([mean]), torch.tensor([0.5 * math.log(variance)]))


# ---- the ladder ------------------------------------------------------------------------------------------------------


def test_the_merge_of_the_sheet():
    """Reference case 7, with six decimals of the divergence."""
    prior = gaussian(0.0, 4.0)
    both = merge(gaussian(1.0, 1.0), prior)
    torch.testing.assert_close((both.mean.item(), both.variance.item()), (0.8, 0.8))
    torch.testing.assert_close(kl_divergence(both, prior).item(), 0.484719, rtol=0, atol=5e-7)


def test_a_merge_is_the_product_of_densities():
    p, q = (DiagonalGaussian(torch.randn(5, 3), torch.randn(5, 3)) for _ in range(2))
    both, z = merge(p, q), torch.randn(100, 5, 3)
    left = p.log_prob(z) + q.log_prob(z) - both.log_prob(z)
    # What is left is the constant that makes it a density.
    torch.testing.assert_close(left, left[0].expand(100, 5), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(1 / both.variance, 1 / p.variance + 1 / q.variance)
    torch.testing.assert_close(merge(q, p).mean, both.mean)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("widths", [(-80.0, 80.0), (80.0, -80.0), (-80.0, -80.0), (80.0, 80.0)])
def test_a_merge_of_extremes_is_finite_and_the_narrower_one(widths, dtype):
    """Variances of e^-160 and e^160 are no numbers of float32."""
    own = [torch.full((1,), width, dtype=dtype, requires_grad=True) for width in widths]
    means = [torch.full((1,), mean, dtype=dtype) for mean in (1.0, 3.0)]
    both = merge(*(DiagonalGaussian(mean, width) for mean, width in zip(means, own, strict=True)))
    expected = 2.0 if widths[0] == widths[1] else means[widths[0] > widths[1]].item()
    assert both.mean.item() == expected
    (both.mean + both.log_std).sum().backward()
    assert all(width.grad.isfinite().all() for width in own)


def test_a_ladder_without_data_says_what_its_prior_says():
    """Where the networks are as wide as can be, posterior and prior below the top are the same, and rates 0."""
    model = make("ladder")
    with torch.no_grad():
        for head, size in zip(model.posteriors[:2], (5, 4), strict=True):
            head.bias[size:] = 1e7
    rates = model.rates(model.infer(torch.rand(9, 6)))
    # The rates are of the order of the ratio of variances, 1e-14.
    assert max(rates[0].max(), rates[1].max()) < 1e-12
    assert rates[2].min() > 1e-3


# ---- the three ways --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_draw_comes_from_its_beliefs(way):
    model, x = make(way), torch.rand(9, 6)
    noise = model.draw_noise((9,))
    found = model.infer(x, noise)
    for code, belief, own in zip(found.codes, found.posteriors, noise, strict=True):
        assert code.equal(belief.at(own))
    assert [code.shape for code in found.codes] == [(9, 5), (9, 4), (9, 3)]
    for index in (0, 1):
        mean, free = model.priors[index](found.codes[index + 1]).chunk(2, -1)
        assert found.priors[index].mean.equal(mean)
        torch.testing.assert_close(found.priors[index].stddev, nn.functional.softplus(free) + 1e-4)
    assert found.priors[2].mean.abs().max() == 0
    assert found.priors[2].stddev.eq(1).all()


@pytest.mark.parametrize("way", WAYS)
def test_what_a_posterior_depends_on(way):
    """Top-down and as a ladder on the data and the layer above; bottom-up on the layer below alone."""
    model, x = make(way), torch.rand(9, 6)
    noise = model.draw_noise((9,))
    first = model.infer(x, noise)
    for moved in range(3):
        other = [own + (index == moved) for index, own in enumerate(noise)]
        found = model.infer(x, other)
        changed = [not a.mean.equal(b.mean) for a, b in zip(first.posteriors, found.posteriors, strict=True)]
        up = way == "bottom-up"
        assert changed == [index > moved if up else index < moved for index in range(3)]
    changed = model.infer(x + 1, noise).posteriors
    assert not any(a.mean.equal(b.mean) for a, b in zip(first.posteriors, changed, strict=True))
    # With the codes held, bottom-up only the first looks at the data.
    if way == "bottom-up":
        assert model.posteriors[1](first.codes[0]).chunk(2, -1)[0].equal(first.posteriors[1].mean)


@pytest.mark.parametrize("way", ["top-down", "ladder"])
def test_rates_are_divergences_given_the_layer_above(way):
    model = make(way)
    found = model.infer(torch.rand(9, 6))
    for rate, q, p in zip(model.rates(found), found.posteriors, found.priors, strict=True):
        expected = kl_divergence(Normal(q.mean, q.stddev), Normal(p.mean, p.stddev)).sum(-1)
        torch.testing.assert_close(rate, expected)


def test_bottom_up_only_the_last_is_a_divergence():
    model = make("bottom-up")
    found = model.infer(torch.rand(9, 6))
    first, second, last = model.rates(found)
    for rate, z, q, p in zip((first, second), *(part[:2] for part in found), strict=True):
        torch.testing.assert_close(rate, q.log_prob(z) - p.log_prob(z))
    torch.testing.assert_close(last, kl_divergence(found.posteriors[2], found.priors[2]))


@pytest.mark.parametrize("way", WAYS)
def test_the_most_probable_codes_are_those_without_noise(way):
    model, x = make(way), torch.rand(9, 6)
    found = model.infer(x, [torch.zeros(9, size) for size in (5, 4, 3)])
    for layer in (1, 2, 3):
        torch.testing.assert_close(model.encode(x, layer), found.codes[layer - 1])
        torch.testing.assert_close(model.posterior(x, layer).stddev, found.posteriors[layer - 1].stddev)


@pytest.mark.parametrize("way", WAYS)
def test_a_category_at_the_top(way):
    model, x = make(way, top="categorical", temperature=0.5), torch.rand(9, 6)
    noise = model.draw_noise((9,))
    found = model.infer(x, noise)
    logits = found.posteriors[2].logits
    torch.testing.assert_close(found.codes[2], ((logits + noise[2]) / 0.5).softmax(-1))
    other = model.infer(x, noise, temperature=2.0)
    logits = other.posteriors[2].logits
    torch.testing.assert_close(other.codes[2], ((logits + noise[2]) / 2).softmax(-1))
    hard = model.infer(x, noise, hard=True).codes[2]
    assert hard.sum(-1).eq(1).all()
    assert hard.max(-1).values.eq(1).all()
    torch.testing.assert_close(
        model.rates(found)[2], kl_divergence(found.posteriors[2], GumbelSoftmax(torch.zeros(9, 3)))
    )
    assert model.encode(x).max(-1).values.eq(1).all()


def test_a_model_of_hard_categories():
    z = make(top="categorical", hard=True).infer(torch.rand(9, 6)).codes[2]
    assert ((z == 0) | (z == 1)).all()


# ---- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["gaussian", "categorical"])
def test_noise_of_all_layers(top, device):
    model = make(top=top).to(device)

    def draw(seed):
        return model.draw_noise((7, 9), generator=torch.Generator(device).manual_seed(seed))

    assert [own.shape for own in draw(1)] == [(7, 9, 5), (7, 9, 4), (7, 9, 3)]
    assert all(a.equal(b) for a, b in zip(draw(1), draw(1), strict=True))
    assert not any(a.equal(b) for a, b in zip(draw(1), draw(2), strict=True))
    assert {own.device.type for own in draw(1)} == {device.type}
    like = torch.zeros(1, dtype=torch.float32)
    assert {own.dtype for own in model.draw_noise((2,), like)} == {torch.float32}
    # Gumbel numbers have a mean of .58, normal ones of 0: 4 standard errors of 100,000.
    mean = model.draw_noise((100_000,))[2][:, 0].mean()
    assert abs(mean - (0.577216 if top == "categorical" else 0)) < 4 * math.sqrt(math.pi**2 / 6 / 100_000)


# ---- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [(), (3,)])
def test_a_hierarchy_has_two_layers(dims):
    with pytest.raises(ValueError, match=r"`latent_dims` is .*, but a hierarchy has at least two layers: .* a VAE"):
        require_layers(dims)
    with pytest.raises(ValueError, match="at least two layers"):
        LayeredCodes([nn.Identity()] * len(dims), [], dims)


def test_sizes_and_networks_of_layers():
    with pytest.raises(ValueError, match=r"`latent_dims` is 0: pass a whole number of at least 1"):
        require_layers((2, 0))
    with pytest.raises(ValueError, match=r"`posteriors` has 1 networks for 2 layers: give 2"):
        LayeredCodes([nn.Identity()], [nn.Identity()], (1, 1))
    with pytest.raises(ValueError, match=r"`priors` has 2 networks for 2 layers: give 1"):
        LayeredCodes([nn.Identity()] * 2, [nn.Identity()] * 2, (1, 1))


@pytest.mark.parametrize("word", ["inference", "top"])
def test_unknown_words(word):
    with pytest.raises(ValueError, match=rf"`{word}` is 'sideways', which is unknown: pass one of"):
        LayeredCodes([nn.Identity()] * 2, [nn.Identity()], (1, 1), **{word: "sideways"})


@pytest.mark.parametrize("name", ["temperature", "floor"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_numbers_are_positive(name, value):
    with pytest.raises(ValueError, match=rf"`{name}` is .*, but must be a finite number above 0"):
        LayeredCodes([nn.Identity()] * 2, [nn.Identity()], (1, 1), **{name: value})


def test_networks_that_return_too_much():
    for index, top, message in ((0, "gaussian", "latent_dims` is 2: return 4"), (1, "categorical", "is 3: return 3")):
        networks = [nn.Linear(6, 7), nn.Linear(6, 7)]
        networks[1 - index] = nn.Linear(6, 4 if index else 6)
        model = LayeredCodes(networks, [nn.Linear(3, 4)], (2, 3), inference="ladder", top=top)
        with pytest.raises(ValueError, match=rf"a network of layer {index + 1} returned \(9, 7\), but its .*{message}"):
            model.infer(torch.rand(9, 6))


def test_features_for_each_layer():
    model = make("ladder")
    model.trunk.parts = model.trunk.parts[:2]
    with pytest.raises(ValueError, match=r"`trunk` returned 2 features for 3 layers: return one for each"):
        model.infer(torch.rand(9, 6))


def test_noise_that_does_not_fit():
    model = make()
    with pytest.raises(ValueError, match=r"`noise` has 2 tensors for 3 layers: give one for each"):
        model.infer(torch.rand(9, 6), model.draw_noise((9,))[:2])
    with pytest.raises(ValueError, match=r"`noise` has shape \(1, 3\) for codes of shape \(9, 3\)"):
        model.infer(torch.rand(9, 6), model.draw_noise((1,)))


@pytest.mark.parametrize("layer", [0, 4, -1])
def test_layers_that_are_not_there(layer):
    model = make()
    for function in (model.encode, model.posterior):
        with pytest.raises(ValueError, match=rf"`layer` is {layer}, but layers are 1, next to the data, to 3, the top"):
            function(torch.rand(9, 6), layer)
    with pytest.raises(ValueError, match=rf"`layer` is {layer}, but layers are"):
        model.decode(torch.rand(9, 3), layer)
