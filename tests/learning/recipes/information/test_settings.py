"""Parameters are checked before anything is loaded; what is not given follows from the scale and the data."""

import dataclasses

import pytest
import torch

from latentbook.learning.recipes.information import SCALES, settings, training

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mocap", ValueError, r"'digits', 'mnist', 'fashion', 'svhn', 'cifar10'"),
        ("dataset", 28, TypeError, r"`-r dataset 28`"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("seed", -1, ValueError, r"`seed` is -1"),
        ("inference", "flow", ValueError, r"'top-down', 'ladder', 'bottom-up'"),
        ("layers", 1, ValueError, r"`layers` is 1, but must be from 2"),
        ("layers", 2.0, TypeError, r"`layers`"),
        ("likelihood", "poisson", ValueError, r"'gaussian', 'learned-gaussian', 'bernoulli', 'logistics'"),
        ("sigma", 0, ValueError, r"`sigma` is 0, but noise has a standard deviation above 0"),
        ("sigma", -0.1, ValueError, r"`sigma` is -0.1"),
        ("sigma", float("nan"), ValueError, r"`sigma` is nan"),
        ("posterior", "uniform", ValueError, r"'gaussian', 'categorical'"),
        ("beta_1", -1.0, ValueError, r"`beta_1` is -1.0"),
        ("beta_1", float("inf"), ValueError, r"`beta_1` is inf"),
        ("beta_2", float("nan"), ValueError, r"`beta_2` is nan"),
        ("beta_2", "1", TypeError, r"`beta_2`"),
        ("conv_channels", 0, ValueError, r"`conv_channels` is 0, but must be from 1"),
        ("latent_dim", 0, ValueError, r"`latent_dim` is 0, but must be from 1"),
        ("batch_size", 0, ValueError, r"`batch_size` is 0, but must be from 1"),
        ("steps", 0, ValueError, r"`steps` is 0, but must be from 1"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(monkeypatch, name, value, error, message):
    monkeypatch.setattr(training, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(error, match=message):
        settings(**{**SMOKE, name: value})


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match=r"`sigma` is 0.2, but a likelihood 'bernoulli' has none"):
        settings(**SMOKE, likelihood="bernoulli", sigma=0.2)
    with pytest.raises(ValueError, match=r"`conv_channels` is 16 and `layers` is 3"):
        settings(**SMOKE, conv_channels=16, layers=3)


def test_what_is_given_is_kept():
    """Every parameter by another value than its default, in its own place."""
    given = {
        "scale": "smoke",
        "dataset": "fashion",
        "seed": 7,
        "device": "cpu",
        "inference": "ladder",
        "layers": 2,
        "likelihood": "learned-gaussian",
        "sigma": 0.3,
        "posterior": "categorical",
        "beta_1": 0.5,
        "beta_2": 2.5,
        "conv_channels": 4,
        "latent_dim": 3,
        "batch_size": 33,
        "steps": 44,
    }
    kept = dataclasses.asdict(settings(**given))
    assert kept == given | {"device": torch.device("cpu")}
    usual = dataclasses.asdict(settings(device="cpu"))
    assert all(kept[name] != usual[name] for name in given if name not in ("device", "layers"))


def test_the_original_s_settings():
    """21 x 21 weights over two decades, 500 epochs of 256, a rate of 3e-4, no schedule; its channels and tops."""
    paper = SCALES["paper"]
    assert (paper.side, paper.epochs, paper.batch_size, paper.learning_rate) == (21, 500, 256, 3e-4)
    assert (paper.steps, paper.warm_up, paper.cooling) == (None, 0.0, 0.0)
    colour = settings(scale="paper", dataset="cifar10", device="cpu")
    assert (colour.conv_channels, colour.latent_dim, colour.sigma) == (32, 32, 0.71)
    grey = settings(scale="paper", dataset="mnist", device="cpu")
    assert (grey.conv_channels, grey.latent_dim) == (16, 20)
    # The original's weights are powers of ten in steps of a tenth.
    assert colour.weights == pytest.approx([10 ** (k / 10 - 1) for k in range(21)], rel=1e-5)


@pytest.mark.parametrize(("scale", "side"), [("smoke", 3), ("book", 7), ("paper", 21)])
def test_the_grid_has_every_pair_once(scale, side):
    chosen = settings(scale=scale, device="cpu")
    assert len(chosen.grid) == len(set(chosen.grid)) == side**2
    # Rows have one weight of z_1, and both weights are 1 in the middle, exactly.
    assert {low for low, _ in chosen.grid[:side]} == {0.1}
    assert (chosen.weights[0], chosen.weights[-1]) == (0.1, 10.0)
    assert chosen.grid[side**2 // 2] == (1.0, 1.0)


def test_every_layer_above_has_the_same_weight():
    chosen = settings(**SMOKE, layers=4, beta_1=0.5, beta_2=2.0)
    assert chosen.betas == (0.5, 2.0, 2.0, 2.0)
    assert all(len(betas) == 4 and len(set(betas[1:])) == 1 for betas in chosen.grid)


@pytest.mark.parametrize(
    ("dataset", "layers", "top"), [("digits", 2, 8), ("digits", 3, 4), ("digits", 9, 1), ("mnist", 2, 16)]
)
def test_the_top_is_small_where_there_are_many_layers(dataset, layers, top):
    assert settings(**SMOKE, dataset=dataset, layers=layers).latent_dim == top


def test_noise_follows_the_likelihood_and_the_data():
    assert settings(**SMOKE).sigma == 0.2
    assert settings(**SMOKE, dataset="mnist").sigma == 0.71
    assert settings(**SMOKE, likelihood="bernoulli").sigma is None
