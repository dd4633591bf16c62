"""The data: which examples are trained on and which are measured, in the order of the file and never both."""

import itertools
import os
from pathlib import Path

import pytest
import torch

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.isometry import examples, load_data, settings

REAL = Path(os.environ.get("LATENTBOOK_DATA", ".")) / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
real = pytest.mark.skipif(not REAL.is_file(), reason="needs LATENTBOOK_DATA=<folder> with MNIST/raw in it")


def chosen(**options):
    return settings(scale="smoke", device="cpu", **options)


@pytest.fixture
def numbered(monkeypatch):
    """70 images with labels 0 to 9 in turn, in the place of a published set; an image's one pixel is its number."""
    x, y = torch.arange(70, dtype=torch.uint8).reshape(70, 1, 1, 1), torch.arange(70) % 10
    asked = []

    def stored(name, split, *, device):
        asked.append((name, split, device))
        return Dataset(x, y, name=name)

    monkeypatch.setattr(examples, "load", stored)
    return asked


def numbers(data):
    return data.x.flatten().tolist()


@real
@pytest.mark.parametrize(("digits", "trained", "measured"), [("01367", 25_778, 5_155), ("01", 10_557, 2_111)])
def test_mnist_is_parted_as_the_original_s(digits, trained, measured):
    """Reference case 19: the original's training of 0 and 1 ends each epoch with a batch of 57."""
    training, validation = load_data(chosen(dataset="mnist", digits=digits))
    assert (len(training), len(validation)) == (trained, measured)
    assert digits != "01" or trained % 100 == 57
    both = load("mnist", "all", device="cpu")
    own = both.x[torch.isin(both.y, torch.tensor([int(digit) for digit in digits]))]
    assert training.x.equal(own[:trained])
    assert validation.x.equal(own[trained : trained + measured])
    assert training.event_shape == (1, 28, 28)


def test_the_small_set_is_used_whole():
    """The 903 of 1,797 that show one of five digits: the first 645, and all the others."""
    training, validation = load_data(chosen())
    assert (len(training), len(validation)) == (645, 258)
    everything = load("digits", "all", device="cpu")
    own = torch.isin(everything.y, torch.tensor([0, 1, 3, 6, 7]))
    assert torch.cat([training.x, validation.x]).equal(everything.x[own])
    assert torch.cat([training.y, validation.y]).equal(everything.y[own])
    assert (training.name, training.classes) == ("digits", everything.classes)


@pytest.mark.parametrize("dataset", ["mnist", "fashion"])
def test_of_a_large_set_the_last_seventh_is_left(numbered, dataset):
    training, validation = load_data(chosen(dataset=dataset, digits="38"))
    assert numbers(training) == [3, 8, 13, 18, 23, 28, 33, 38, 43, 48]
    assert numbers(validation) == [53, 58]
    assert training.y.tolist() == [3, 8] * 5
    # Both parts of the published set, on the device of the settings.
    assert numbered == [(dataset, "all", "cpu")]


def test_sevenths_are_rounded_down(numbered):
    """Of 21 examples 15 and 3; of 14 examples 10 and 2."""
    training, validation = load_data(chosen(dataset="mnist", digits="012", validation_digits="45"))
    assert (len(training), len(validation)) == (15, 2)
    assert numbers(validation) == [54, 55]


def test_other_digits_are_measured_from_where_their_own_training_would_end(numbered):
    _, there = load_data(chosen(dataset="mnist", digits="45"))
    _, here = load_data(chosen(dataset="mnist", digits="01", validation_digits="45"))
    assert numbers(here) == numbers(there) == [54, 55]


def test_what_is_trained_on_is_never_measured():
    """Also where some digits are in both, so that their shares of the file end at different places."""
    fewer = 0
    for digits, measured in itertools.product(["01", "17", "01367", "0123456789"], ["09", "17", "2345", "0123456789"]):
        training, validation = load_data(chosen(digits=digits, validation_digits=measured))
        assert not set(map(bytes, training.x.numpy())) & set(map(bytes, validation.x.numpy()))
        assert set(validation.y.tolist()) == {int(digit) for digit in measured}
        fewer += len(validation) < len(load_data(chosen(digits=measured))[1])
    # In some of the pairs something had to go.
    assert fewer > 0


def test_a_class_that_has_no_example_is_named(monkeypatch):
    x = torch.zeros(6, 1, 1, 1, dtype=torch.uint8)
    monkeypatch.setattr(examples, "load", lambda *_, **__: Dataset(x, torch.arange(6) % 3, name="mnist"))
    with pytest.raises(ValueError, match="`digits` is '019', but 'mnist' has no 9: choose from '012'"):
        load_data(chosen(dataset="mnist", digits="019"))
    with pytest.raises(ValueError, match="`validation_digits` is '34', but 'mnist' has no 3"):
        load_data(chosen(dataset="mnist", digits="01", validation_digits="34"))
