"""What looks at images: the classifier that was asked for, trained on the same data, with gradients through it."""

import sys

import pytest
import torch

from latentbook.learning.recipes.geodesics import FEATURE_MAPS, FEATURE_WORDS, features, load_data, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.fixture(scope="module")
def data():
    torch.set_default_dtype(torch.float32)
    return load_data(settings(**SMOKE, digits="017"))


def test_a_logistic_regression_says_log_probabilities_of_the_classes(data):
    look = features(settings(**SMOKE, digits="017", feature_map="logistic"), data)
    x, y = data[1][:], data[1].y
    found = look(x)
    assert found.shape == (len(x), 3)
    torch.testing.assert_close(found.logsumexp(-1), torch.zeros(len(x)), atol=1e-5, rtol=0)
    labels = torch.searchsorted(torch.tensor([0, 1, 7]), y)
    # Three classes, of which chance knows a third.
    assert (found.argmax(-1) == labels).double().mean() > 0.9


def test_a_convolutional_classifier_says_its_last_hidden_layer_with_gradients(data):
    look = features(settings(**SMOKE, digits="017", feature_map="convolutional"), data)
    x = data[1][:4].requires_grad_()
    found = look(x)
    assert found.ndim == 2
    assert found.shape[1] > 10
    (slope,) = torch.autograd.grad(found.sum(), x)
    assert (slope.flatten(1).norm(dim=1) > 0).all()


def test_the_seed_decides(data):
    chosen = settings(**SMOKE, digits="017", feature_map="logistic")
    x = data[1][:9]
    torch.testing.assert_close(features(chosen, data)(x), features(chosen, data)(x), atol=0, rtol=0)
    other = features(settings(**SMOKE, digits="017", feature_map="logistic", seed=1), data)
    assert not torch.equal(features(chosen, data)(x), other(x))


def test_vgg19_is_asked_for_by_its_name(data, monkeypatch):
    # The package's name stands for the function.
    module = sys.modules["latentbook.learning.recipes.geodesics.features"]
    monkeypatch.setattr(module, "vgg19_features", torch.nn.Flatten)
    assert features(settings(**SMOKE, feature_map="vgg19"), data)(data[1][:2]).shape == (2, 64)


def test_every_feature_map_has_words():
    assert set(FEATURE_WORDS) == set(FEATURE_MAPS)
