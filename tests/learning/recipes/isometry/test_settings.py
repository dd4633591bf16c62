"""Parameters are checked before anything is loaded."""

import dataclasses

import pytest
import torch

from latentbook.learning.recipes.isometry import LAMBDAS, SCALES, Scale, check_digits, examples, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mocap", ValueError, r"one of \['digits', 'mnist', 'fashion'\]"),
        ("dataset", 28, TypeError, r"`-r dataset 28`"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("seed", -1, ValueError, r"`seed` is -1"),
        ("seed", 0.5, TypeError, r"`-p seed 0`"),
        ("model", "vae", ValueError, r"`model` is 'vae', but must be one of \['irvae', 'fmvae', 'irae'\]"),
        ("lam", -1, ValueError, r"`lam` is -1"),
        ("lam", "100", TypeError, r"`-p lam"),
        ("lam", float("inf"), ValueError, r"`lam` is inf"),
        ("eta", -0.1, ValueError, r"`eta` is -0.1"),
        ("eta", float("nan"), ValueError, r"`eta` is nan"),
        ("eta", "0.2", TypeError, r"`-p eta"),
        ("latent_dim", 1, ValueError, r"`latent_dim` is 1, but must be from 2"),
        ("latent_dim", 2.0, TypeError, r"`-p latent_dim 2`"),
        ("probe", "auto", ValueError, r"\['exact', 'sphere', 'rademacher', 'gaussian'\]"),
        ("batch_size", 1, ValueError, r"`batch_size` is 1, but must be from 2"),
        ("steps", 0, ValueError, r"`steps` is 0, but must be from 1"),
        ("digits", 15, TypeError, r"`digits` is 15 \(int\).*`-r digits 015`"),
        ("digits", "", ValueError, r"`digits` is ''.*at least two"),
        ("digits", "7", ValueError, r"`digits` is '7'.*at least two"),
        ("digits", "011", ValueError, r"`digits` is '011'.*different"),
        ("digits", "0,1", ValueError, r"`digits` is '0,1'"),
        # Digits to Python, but not to `int` and not on any keyboard's row.
        ("digits", "²³", ValueError, r"`digits` is '²³'"),
        ("digits", "٠١", ValueError, r"`digits` is '٠١'"),
        ("validation_digits", 89, TypeError, r"`-r validation_digits 015`"),
        ("validation_digits", "8", ValueError, r"`validation_digits` is '8'"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(monkeypatch, name, value, error, message):
    monkeypatch.setattr(examples, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(error, match=message):
        settings(**{**SMOKE, name: value})


def test_what_is_given_is_kept():
    """Every parameter by another value than its default, in its own place."""
    given = {
        "scale": "paper",
        "dataset": "fashion",
        "digits": "015",
        "validation_digits": "23",
        "seed": 7,
        "device": "cpu",
        "model": "irae",
        "lam": 0.5,
        "eta": 0.1,
        "latent_dim": 5,
        "probe": "gaussian",
        "batch_size": 32,
        "steps": 11,
    }
    assert dataclasses.asdict(settings(**given)) == {**given, "device": torch.device("cpu")}


def test_digits_come_sorted():
    assert settings(**SMOKE, digits="7310", validation_digits="98").digits == "0137"
    assert settings(**SMOKE, digits="7310", validation_digits="98").validation_digits == "89"
    assert check_digits("digits", "0123456789") == "0123456789"


def test_the_digits_that_are_trained_on_are_measured_on_by_default():
    assert settings(**SMOKE, digits="10").validation_digits == "01"


@pytest.mark.parametrize(("latent_dim", "probe"), [(2, "exact"), (3, "exact"), (4, "sphere"), (10, "sphere")])
def test_traces_are_exact_up_to_three_latents(latent_dim, probe):
    assert settings(**SMOKE, latent_dim=latent_dim).probe == probe
    assert settings(**SMOKE, latent_dim=latent_dim, probe="rademacher").probe == "rademacher"


def test_no_mixing_is_a_choice_of_its_own():
    assert settings(**SMOKE, eta=None).eta is None
    assert settings(**SMOKE, eta=0).eta == 0.0
    assert settings(**SMOKE).eta == 0.2


@pytest.mark.parametrize(
    ("model", "usual", "at_length"), [("irvae", 100, 1000), ("fmvae", 3, 10), ("irae", 3e-3, 1e-2)]
)
def test_every_model_has_a_weight_and_a_grid_of_its_own(model, usual, at_length):
    for scale, lam in (("smoke", usual), ("book", usual), ("paper", at_length)):
        chosen = settings(scale=scale, device="cpu", model=model)
        assert chosen.lam == lam
        assert chosen.lambdas == LAMBDAS[model]
    assert len(LAMBDAS[model]) >= 8
    assert LAMBDAS[model] == tuple(sorted(LAMBDAS[model]))
    assert LAMBDAS[model][0] == 0


def test_the_grid_takes_in_the_reader_s_weight():
    assert settings(**SMOKE, lam=70).lambdas == tuple(sorted({*LAMBDAS["irvae"], 70.0}))
    assert settings(**SMOKE, lam=0).lambdas == LAMBDAS["irvae"]


def test_paper_scale_is_the_original_s_length():
    assert SCALES["paper"] == Scale(learning_rate=1e-4, steps=None, epochs=300)
    paper, book = settings(scale="paper", device="cpu"), settings(scale="book", device="cpu")
    assert (paper.is_original, book.is_original) == (True, False)
    assert (paper.steps, book.steps, settings(**SMOKE).steps) == (None, 4000, 300)
    assert (paper.batch_size, paper.eta, paper.latent_dim) == (100, 0.2, 2)
    assert settings(scale="paper", device="cpu", steps=5).steps == 5


def test_the_other_penalty_knows_no_probes():
    assert settings(**SMOKE, model="fmvae", latent_dim=10).probe == "exact"
    with pytest.raises(ValueError, match="`probe` is 'sphere' for model 'fmvae'"):
        settings(**SMOKE, model="fmvae", probe="sphere")
