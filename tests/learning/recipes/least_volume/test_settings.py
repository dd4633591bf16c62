"""Parameters are checked before anything is loaded."""

import pytest

from latentbook.learning.recipes import least_volume
from latentbook.learning.recipes.least_volume import SCALES, Scale, images, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mnits", ValueError, r"one of \['digits', 'mnist', 'fashion'"),
        ("dataset", 28, TypeError, r"`-r dataset 28`"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("seed", -1, ValueError, r"`seed` is -1"),
        ("seed", 0.5, TypeError, r"`-p seed 0`"),
        ("lam", -1, ValueError, r"`lam` is -1"),
        ("lam", "0.1", TypeError, r"`-p lam"),
        ("eta", float("nan"), ValueError, r"`eta` is nan"),
        ("penalty", "l1", ValueError, r"`penalty` is 'l1', but must be one of \['volume', 'std_l1'"),
        ("lipschitz", "False", TypeError, r"`-p lipschitz False`"),
        ("budget", 0, ValueError, r"`budget` is 0.*above 0, or None"),
        ("budget", -1.8, ValueError, r"`budget` is -1.8"),
        ("budget", "1.8", TypeError, r"`-p budget"),
        ("reconstruction", "l2", ValueError, r"\['mse', 'bce'\]"),
        ("batch_size", 1, ValueError, r"`batch_size` is 1, but must be from 2"),
        ("steps", 0, ValueError, r"`steps` is 0, but must be from 1"),
        ("latent_dim", 1, ValueError, r"`latent_dim` is 1, but must be from 2"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(monkeypatch, name, value, error, message):
    monkeypatch.setattr(images, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(error, match=message):
        settings(**{**SMOKE, name: value})


def test_the_lift_is_one_of_the_widths_that_a_network_has():
    assert settings(**SMOKE).eta == 0.1
    assert settings(scale="paper", device="cpu").eta == 1.0
    assert settings(**SMOKE, eta=0.0).eta == 0.0


def test_torch_s_own_norm_knows_no_convolution():
    with pytest.raises(ValueError, match="`norm` is 'power' at scale 'paper'"):
        settings(scale="paper", device="cpu", norm="power")


@pytest.mark.parametrize("other", [{"penalty": "lasso"}, {"lipschitz": False}, {"norm": "power"}])
def test_a_budget_needs_the_volume_and_a_bounded_decoder(other):
    with pytest.raises(ValueError, match=r"budget.*penalty='volume', lipschitz=True and norm='exact'"):
        settings(**SMOKE, budget=1.8, **other)


def test_the_grid_has_eight_weights_and_takes_in_the_readers():
    assert len(settings(**SMOKE).lambdas) >= 8
    assert settings(**SMOKE, lam=0.07).lambdas == tuple(sorted({*least_volume.LAMBDAS, 0.07}))


def test_28_pixels_have_weights_of_their_own():
    chosen = settings(**SMOKE, dataset="mnist")
    assert chosen.lam == 0.003
    assert chosen.lam in chosen.lambdas
    assert settings(**SMOKE).lam == 0.03


def test_paper_scale_is_the_original_s_length():
    assert SCALES["paper"] == Scale(400 * 60_000 // 100, batch_size=100, learning_rate=1e-4, betas=(0.9, 0.99))
