"""Freezing within a budget: what is noted is what happened, and the reader's question is checked first."""

import dataclasses

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.least_volume import freeze, root_mean_square, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.fixture(scope="module")
def chosen():
    return settings(**SMOKE, budget=1.2, eta=0.0, lam=0.01)


@pytest.fixture(scope="module")
def frozen(chosen):
    torch.set_default_dtype(torch.float32)
    return freeze(chosen)


def test_dimensions_go_one_by_one_and_never_come_back(frozen, chosen):
    assert frozen.active[0] <= chosen.latent_dim
    assert (frozen.active.diff() <= 0).all()
    assert frozen.active[-1] < chosen.latent_dim
    assert frozen.active[-1] == frozen.run.model.pruning.active.sum()


def test_the_looks_span_the_training(frozen, chosen):
    assert len(frozen.steps) == len(frozen.active) == len(frozen.error)
    assert frozen.steps[-1] == chosen.steps
    assert (frozen.steps.diff() > 0).all()


def test_what_is_frozen_counts_in_no_dimension(frozen):
    """A frozen dimension has no width, so that the rule of 1 % prunes it at no cost."""
    assert (frozen.run.std == 0).sum() == (~frozen.run.model.pruning.active).sum()
    assert frozen.run.dimensions <= frozen.active[-1]


def test_nothing_is_frozen_beyond_the_budget(frozen, chosen):
    """Between two looks with other counts, the error was within the budget when a dimension went."""
    dropped = frozen.active.diff() < 0
    assert dropped.any()
    assert (frozen.error[:-1][dropped] < 1.5 * chosen.budget).all()
    assert (torch.minimum(frozen.error[:-1], frozen.error[1:])[dropped] < chosen.budget).all()


def test_a_budget_is_asked_for():
    with pytest.raises(ValueError, match="`chosen` has no budget"):
        freeze(settings(**SMOKE))


def test_the_root_mean_square_is_of_whole_examples(frozen):
    """Images of ones and a model that draws zeros: every one of D values is wrong by 1."""

    class Blank(type(frozen.run.model)):
        def encode(self, x):
            return x.flatten(1)[:, :2]

        def decode(self, z):
            return torch.zeros(len(z), 1, 4, 4)

    model = frozen.run.model
    blank = Blank(model.encoder, model.decoder, model.pruning)
    run = dataclasses.replace(frozen.run, model=blank)
    assert root_mean_square(run, Dataset(torch.ones(5, 1, 4, 4))) == pytest.approx(4.0)
