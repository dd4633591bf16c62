"""Convolutions of hierarchies: the original's sizes, shapes of codes, and what does not fit."""

import pytest
import torch

from latentbook.learning.models.convolutional_hierarchies import hierarchical_conv

WAYS = ["top-down", "ladder", "bottom-up"]


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_sizes_of_the_original():
    assert size(hierarchical_conv((3, 32, 32), 32, 32)) == 475_811
    assert size(hierarchical_conv((3, 32, 32), 32, 32, inference="ladder")) == 408_131
    assert size(hierarchical_conv((1, 28, 28), 16, 20)) == 122_713


def test_the_mixtures_head_of_the_original():
    """Instead of 32 channels to 3, 32 to 128 by 4 x 4, and 128 to 100 by 3 x 3."""
    more = 32 * 128 * 16 + 128 + 128 * 100 * 9 + 100 - (32 * 3 * 16 + 3)
    assert size(hierarchical_conv(likelihood="logistics")) == 475_811 + more
    assert size(hierarchical_conv(likelihood="bernoulli")) == 475_811
    # One number more, sigma.
    assert size(hierarchical_conv(likelihood="learned-gaussian")) == 475_812


@pytest.mark.parametrize(
    ("event", "code", "near", "far"),
    [
        ((3, 32, 32), "vector", 512, 10),
        ((1, 28, 28), "vector", 512, 10),
        ((1, 8, 8), "vector", 32, 10),
        ((3, 16, 32), "vector", 256, 10),
        ((3, 32, 32), "maps", 32 * 64, 512),
        ((1, 8, 16), "maps", 32 * 8, 64),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_shapes_of_codes_and_data(event, code, near, far, way):
    """The original's z_1 is 32 maps of 4 x 4, and 8 x 8 below maps of 4 x 4."""
    model, x = hierarchical_conv(event, 32, 10, code=code, inference=way), torch.rand(2, 1, *event)
    assert model.latent_dims == (near, far)
    distortion, rates = model.elbo_terms(x, model.draw_noise((3, 2, 1)))
    assert (distortion.shape, rates.shape) == ((3, 2, 1), (3, 2, 1, 2))
    assert model.encode(x, 1).shape == (2, 1, near)
    assert model.decode(model.encode(x)).shape == x.shape
    assert model.sample(2).shape == (2, *event)


@pytest.mark.parametrize("code", ["vector", "maps"])
@pytest.mark.parametrize("way", WAYS)
def test_means_come_before_deviations(way, code):
    """Codes are flat maps: the first half of what a network returns are all means."""
    model, x = hierarchical_conv((1, 8, 8), 4, 6, code=code, inference=way), torch.rand(5, 1, 8, 8)
    last = [*model.posteriors[0].modules()]
    convolution = next(part for part in reversed(last) if isinstance(part, torch.nn.Conv2d))
    with torch.no_grad():
        convolution.bias[4:] += 100.0
    if way == "ladder":
        # So wide that the merge leaves the prior.
        found = model.infer(x)
        torch.testing.assert_close(found.posteriors[0].mean, found.priors[0].mean, rtol=0.01, atol=0.01)
    else:
        assert model.posterior(x, 1).stddev.min() > 90
        assert model.posterior(x, 1).mean.abs().max() < 90


@pytest.mark.parametrize("options", [{"likelihood": "logistics"}, {"top": "categorical"}, {"code": "maps"}])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_reach_everything(way, options, dtype):
    model = hierarchical_conv((1, 16, 16), 16, 6, inference=way, **options).to(dtype)
    model.loss(torch.rand(5, 1, 16, 16, dtype=dtype), [1.0, 1.0]).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("code", ["vector", "maps"])
def test_several_draws_of_an_example_are_those_of_each(code):
    model, x = hierarchical_conv((1, 8, 8), 4, 6, code=code), torch.rand(5, 1, 8, 8)
    noise = model.draw_noise((3, 5))
    distortion, rates = model.elbo_terms(x, noise)
    for k in range(3):
        torch.testing.assert_close((distortion[k], rates[k]), model.elbo_terms(x, [own[k] for own in noise]))


@pytest.mark.parametrize("event", [(1, 30, 30), (1, 28, 32), (1, 12, 12), (1, 16, 16, 16), (64,)])
def test_images_that_do_not_fit(event):
    with pytest.raises(ValueError, match=r"`event_shape` is .*, but .*hierarchical_mlp"):
        hierarchical_conv(event, 4, 6)


def test_what_does_not_fit():
    for options in ({"event_shape": (1, 28, 28)}, {"channels": 5}):
        with pytest.raises(ValueError, match=r"`channels` is .*, but below maps channels are even and sides multiples"):
            hierarchical_conv(code="maps", **options)
    with pytest.raises(ValueError, match=r"`top` is 'categorical', but `code` is 'maps': a category is one vector"):
        hierarchical_conv(code="maps", top="categorical")
    for name in ("channels", "top_dim"):
        with pytest.raises(ValueError, match=rf"`{name}` is 0: pass a whole number of at least 1"):
            hierarchical_conv(**{name: 0})
    for name in ("inference", "likelihood", "top", "code"):
        with pytest.raises(ValueError, match=rf"`{name}` is 'sideways', which is unknown: pass one of"):
            hierarchical_conv(**{name: "sideways"})
