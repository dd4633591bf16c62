"""Parameters of classifiers: a data set takes its own kind, a kind its own length, and a wrong one stops at once."""

import pytest

from latentbook.learning.recipes.classifiers import settings


@pytest.mark.parametrize(
    ("dataset", "kind"),
    [
        ("digits", "convolutional"),
        ("mnist", "convolutional"),
        ("fashion", "convolutional"),
        ("svhn", "resnet18"),
        ("cifar10", "densenet121"),
    ],
)
def test_a_data_set_takes_its_kind_unless_another_is_asked_for(dataset, kind):
    assert settings(dataset=dataset, device="cpu").kind == kind
    assert settings(dataset=dataset, kind="logistic", device="cpu").kind == "logistic"


@pytest.mark.parametrize(
    ("kind", "scale", "steps", "batch_size"),
    [
        ("convolutional", "smoke", 150, 100),
        ("convolutional", "book", 600, 100),
        ("convolutional", "paper", None, 32),
        ("resnet18", "smoke", 3, 16),
        ("resnet18", "book", 200, 64),
        ("resnet18", "paper", None, 128),
    ],
)
def test_a_kind_has_its_own_length(kind, scale, steps, batch_size):
    chosen = settings(kind=kind, scale=scale, device="cpu")
    assert (chosen.steps, chosen.batch_size) == (steps, batch_size)
    other = settings(kind=kind, scale=scale, device="cpu", steps=7, batch_size=9)
    assert (other.steps, other.batch_size) == (7, 9)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("kind", "forest", ValueError, r"one of \['logistic', 'convolutional', 'resnet18', 'densenet121'\]"),
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mocap", ValueError, r"one of \['digits', 'mnist', 'fashion', 'svhn', 'cifar10'\]"),
        ("digits", 15, TypeError, "`-r digits 015`"),
        ("seed", -1, ValueError, "`seed` is -1"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("steps", 0, ValueError, "`steps` is 0, but must be from 1"),
        ("batch_size", 0, ValueError, "`batch_size` is 0, but must be from 1"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(name, value, error, message):
    with pytest.raises(error, match=message):
        settings(**{name: value})
