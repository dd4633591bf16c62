"""Parameters are checked before anything is loaded."""

import dataclasses

import pytest
import torch

from latentbook.learning.recipes.geodesics import SCALES, settings, training

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mocap", ValueError, r"one of \['digits', 'mnist', 'fashion'\]"),
        ("dataset", 28, TypeError, r"`-r dataset 28`"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("seed", -1, ValueError, r"`seed` is -1"),
        ("model", "gan", ValueError, r"`model` is 'gan', but must be one of \['vae', 'bigan'\]"),
        ("latent_dim", 0, ValueError, r"`latent_dim` is 0, but must be from 1"),
        ("latent_dim", 8.0, TypeError, r"`-p latent_dim"),
        ("n_pairs", 1, ValueError, r"`n_pairs` is 1, but must be from 2"),
        ("n_pairs", "64", TypeError, r"`n_pairs`"),
        ("step_size", 0, ValueError, r"`step_size` is 0, so that each pair is one point"),
        ("step_size", -1.0, ValueError, r"`step_size` is -1.0"),
        ("step_size", float("nan"), ValueError, r"`step_size` is nan"),
        ("feature_map", "vgg", ValueError, r"\['logistic', 'convolutional', 'vgg19'\]"),
        ("batch_size", 1, ValueError, r"`batch_size` is 1, but must be from 2"),
        ("steps", 0, ValueError, r"`steps` is 0, but must be from 1"),
        ("digits", 15, TypeError, r"`-r digits 015`"),
        ("digits", "7", ValueError, r"at least two"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(monkeypatch, name, value, error, message):
    monkeypatch.setattr(training, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(error, match=message):
        settings(**{**SMOKE, name: value})


def test_what_is_given_is_kept():
    """Every parameter by another value than its default, in its own place."""
    given = {
        "scale": "paper",
        "dataset": "fashion",
        "digits": "015",
        "seed": 7,
        "device": "cpu",
        "model": "bigan",
        "latent_dim": 3,
        "n_pairs": 5,
        "step_size": 0.5,
        "feature_map": "logistic",
        "batch_size": 33,
        "steps": 44,
    }
    kept = dataclasses.asdict(settings(**given))
    assert kept == given | {"device": torch.device("cpu")}
    usual = dataclasses.asdict(settings(device="cpu"))
    assert all(kept[name] != usual[name] for name in given if name != "device")


def test_what_is_not_given_is_the_scale_s():
    for name, scale in SCALES.items():
        found = settings(scale=name, device="cpu")
        assert (found.n_pairs, found.batch_size, found.steps) == (scale.pairs, scale.batch_size, scale.steps)


def test_the_original_s_settings_are_those_of_its_weights():
    """Batches of 16, 50 and 100 epochs, rates of 0.005 and 0.003, 5 % less an epoch: what its counters tell."""
    paper = SCALES["paper"]
    assert (paper.batch_size, paper.epochs, paper.decay, paper.weight_decay) == (16, (50, 100), 0.95, 1e-4)
    assert (paper.learning_rate, paper.adversarial_rates) == (5e-3, (5e-3, 3e-3))
