"""Kinds of classifiers: each has all scales, in epochs at the originals', and a rate that never rises."""

import pytest
import torch

from latentbook.learning import data as data_sets
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.classifiers import KIND_FOR, KINDS, SCALES, settings, training


def test_every_data_set_is_known_and_takes_a_kind_that_there_is():
    assert KIND_FOR.keys() <= data_sets.DATASETS.keys()
    assert {*KIND_FOR.values()} <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_every_scale_and_a_rate_that_never_rises(kind):
    assert [*KINDS[kind].scales] == [*SCALES]
    rates = [KINDS[kind].falling(step / 10) for step in range(10)]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


@pytest.mark.parametrize(
    ("kind", "steps"),
    # 120 examples are 4 batches of 32, and one of 128.
    [("logistic", 50 * 4), ("convolutional", 50 * 4), ("resnet18", 14), ("densenet121", 14)],
)
def test_the_originals_lengths_are_in_epochs(kind, steps):
    data = Dataset(torch.zeros(120, 2), torch.arange(120) % 2)
    assert training._spec(settings(kind=kind, scale="paper", device="cpu"), data)["steps"] == steps
