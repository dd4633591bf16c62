"""The parameters of chapter 5: what is taken, and what is refused with the right ones listed."""

import re

import pytest

from latentbook.learning.recipes.hyperspherical import SCALES, settings


def test_the_defaults_are_those_of_the_scale():
    for scale, usual in SCALES.items():
        chosen = settings(scale=scale, device="cpu")
        assert (chosen.hidden, chosen.batch_size, chosen.steps) == (usual.hidden, usual.batch_size, usual.steps)
        assert chosen.look_ahead == usual.look_ahead


def test_paper_scale_is_the_published_setting():
    """784-256-128, Adam at 1e-3, batches of 64, a warm-up of 100 epochs, a look-ahead of 50, 500 draws."""
    scale = SCALES["paper"]
    assert (scale.hidden, scale.learning_rate, scale.batch_size) == ((256, 128), 1e-3, 64)
    assert (scale.warm_up, scale.look_ahead, scale.draws) == (100, 50, 500)
    assert settings(device="cpu").floor == 1.0


def test_text_from_papermill_is_read():
    chosen = settings(manifold="10, 10,10 ,10", h_dims="256, 128", device="cpu")
    assert (chosen.manifold, chosen.hidden) == ("10,10,10,10", (256, 128))
    assert settings(manifold=9, h_dims=64, device="cpu").hidden == (64,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": "large"}, "`scale` is 'large'"),
        ({"dataset": "cats"}, "`dataset` is 'cats'"),
        ({"distribution": "gauss"}, "`distribution` is 'gauss'"),
        ({"manifold": "S9"}, "`manifold` is 'S9': write dimensions of at least 1, as in '9' or '4,4'"),
        ({"covariance": "tied"}, "`covariance` is 'tied'"),
        ({"floor": -1}, "`floor` is -1"),
        ({"initial": 1.0}, "`initial` is 1.0, but must be a finite number from 1.001 to inf"),
        ({"labelled": -1}, "`labelled` is -1"),
        ({"sampler": "wood"}, "`sampler` is 'wood'"),
        ({"body": "resnet"}, "`body` is 'resnet'"),
        ({"h_dims": "256;128"}, "`h_dims` is '256;128': write sizes of at least 1, as in '256,128'"),
        ({"h_dims": "0"}, "`h_dims` is '0'"),
        ({"h_dims": True}, "`h_dims` is True"),
        ({"likelihood": "mse"}, "`likelihood` is 'mse'"),
        ({"beta": -1}, "`beta` is -1"),
        ({"kl_warmup": -1}, "`kl_warmup` is -1"),
        ({"kl_freeze": -1}, "`kl_freeze` is -1"),
        ({"kl_target": float("inf")}, "`kl_target` is inf"),
        ({"look_ahead": 0}, "`look_ahead` is 0"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"steps": 0}, "`steps` is 0"),
        ({"device": "tpu"}, "`device` is 'tpu'"),
    ],
)
def test_what_is_out_of_range_is_said(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        settings(**{"device": "cpu"} | wrong)
