"""What a model is worth: means over examples, whatever the chunks; bounds in order; coordinates that are used."""

import math

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.models.spherical import spherical_mlp
from latentbook.learning.recipes.hyperspherical import measured, measures
from latentbook.learning.recipes.hyperspherical.measures import bound_of


@pytest.fixture
def model():
    torch.manual_seed(0)
    return spherical_mlp((6,), "2,3", hidden=(16,))


@pytest.fixture
def data():
    return Dataset((torch.rand(103, 6, generator=torch.Generator().manual_seed(0)) > 0.5).float())


def test_rates_are_exact_and_the_bounds_in_order(model, data):
    found = measured(model, data, draws=200)
    _, rates = model.codes.draw(model.encoder(data[:]))
    assert found.rates == pytest.approx(rates.mean(0).tolist(), rel=1e-5)
    assert found.rate == pytest.approx(sum(found.rates))
    assert found.elbo == -found.distortion - found.rate
    assert found.log_likelihood > found.elbo
    assert found.count == 103


def test_every_example_counts_alike(model, data, monkeypatch):
    """The original takes the mean of batches' means, and gives those of a smaller last batch more weight."""
    whole = measured(model, data, draws=2)
    monkeypatch.setattr(measures, "CODES", 20)
    parts = measured(model, data, draws=2)
    assert parts.rates == pytest.approx(whole.rates, rel=1e-5)
    # Drawn otherwise: each example's distortion has a deviation of some tenths of a nat, the mean a tenth of that.
    assert parts.distortion == pytest.approx(whole.distortion, abs=0.3)


def test_coordinates_are_active_where_codes_differ(model, data):
    with torch.no_grad():
        last = model.encoder[-1][-1]
        # Of the second sphere nothing depends on the data, and its first coordinate is that of the fixed direction.
        last.weight[4:].zero_()
        last.weight[:3] *= 10
        last.bias[3] = 20.0
    spread = model.posterior(data[:]).mean.var(0)
    assert measured(model, data, draws=1).active == int((spread > 0.01).sum()) <= 3


def test_measuring_changes_nothing(model, data):
    model.train()
    before = torch.random.get_rng_state()
    first, second = (measured(model, data, draws=5, seed=3) for _ in range(2))
    assert first == second
    assert model.training
    assert torch.random.get_rng_state().equal(before)
    assert measured(model, data, draws=5, seed=4) != first


def test_the_held_out_loss_is_minus_the_bound(model, data):
    value = bound_of(model, data).item()
    assert math.isfinite(value)
    assert value == pytest.approx(-measured(model, data, draws=1).elbo, rel=1e-5)
