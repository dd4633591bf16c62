"""Weights of rates: a warm-up that never starts at 0, free bits that take slopes away, and what is refused."""

import functools
import math

import pytest
import torch
from torch import nn

from latentbook.learning.data import Dataset
from latentbook.learning.rates import free_bits, rate_weights, temperature, towards, warm_up
from latentbook.learning.train import fit


def test_weights_are_named_as_the_terms_are():
    assert rate_weights([0.5, 2, 0]) == {"distortion": 1.0, "rate_1": 0.5, "rate_2": 2, "rate_3": 0}


def test_a_warm_up_scales_every_rate_and_leaves_the_distortion():
    weights = rate_weights([0.5, 2.0], steps=10)
    assert weights["distortion"] == 1.0
    assert [weights["rate_1"](step) for step in (0, 4, 9, 10)] == [0.05, 0.25, 0.5, 0.5]
    assert [weights["rate_2"](step) for step in (0, 4, 9, 10)] == [0.2, 1.0, 2.0, 2.0]


def test_a_warm_up_of_a_family():
    weight = warm_up(4, torch.tensor([1.0, 10.0]))
    assert weight(1).tolist() == [0.5, 5.0]


@pytest.mark.parametrize("steps", [1, 2, 1000])
def test_the_first_step_has_a_rate(steps):
    """The original's first epoch has weight 0, and trains an autoencoder."""
    assert warm_up(steps)(0) == 1 / steps
    assert warm_up(steps)(steps - 1) == 1
    assert warm_up(steps)(10 * steps) == 1


def test_a_frozen_warm_up_begins_later():
    weight = warm_up(4, 2.0, frozen=3)
    assert [weight(step) for step in range(9)] == [0, 0, 0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.0]


def test_a_target_draws_the_rate_from_both_sides():
    rate = torch.tensor([2.0, 7.0], requires_grad=True)
    terms = {"distortion": rate.sum(), "rate": rate}
    found = towards(terms, 5.0)
    assert found["rate"].tolist() == [3.0, 2.0]
    assert torch.autograd.grad(found["rate"].sum(), rate)[0].tolist() == [-1.0, 1.0]
    assert found["distortion"] is terms["distortion"]
    assert towards(terms, 0)["rate"].equal(rate)


def test_fit_takes_the_weights():
    """One parameter under the weight of its own term: each step of descent moves it by rate, weight and slope 1."""
    model, places = nn.Linear(1, 1, bias=False), []

    def loss(model, x, step):
        places.append(model.weight.item())
        return {"distortion": 0 * model.weight.sum(), "rate_1": model.weight.sum(), "rate_2": 0 * model.weight.sum()}

    optimizer = functools.partial(torch.optim.SGD, lr=1.0)
    weights = rate_weights([2.0, 1.0], steps=4)
    fit(model, Dataset(torch.rand(8, 1)), loss, weights=weights, steps=5, batch_size=2, seed=0, optimizer=optimizer)
    moves = [before - after for before, after in zip(places, [*places[1:], model.weight.item()], strict=True)]
    # In float64 but for the last bits of a difference of numbers below 10.
    assert moves == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0], abs=1e-13)


def test_free_bits_leave_what_is_above_them_and_take_slopes_below():
    rates = torch.tensor([0.2, 3.0], requires_grad=True)
    terms = {"distortion": rates.sum(), "rate_1": rates[0], "rate_2": rates[1]}
    found = free_bits(terms, [0.5, 0.1])
    assert (found["rate_1"].item(), found["rate_2"].item()) == (0.5, 3.0)
    assert found["distortion"] is terms["distortion"]
    (found["rate_1"] + found["rate_2"]).backward()
    assert rates.grad.tolist() == [0.0, 1.0]


def test_one_number_of_free_bits_is_for_every_layer():
    terms = {"distortion": torch.tensor(9.0), "rate_1": torch.tensor(0.2), "rate_2": torch.tensor(0.4)}
    assert [*free_bits(terms, 0.3).values()] == [9.0, 0.3, 0.4]
    assert [*free_bits(terms, 0).values()] == [9.0, 0.2, 0.4]


def test_free_bits_in_a_family():
    def own(rate):
        return free_bits({"distortion": rate, "rate_1": rate}, 0.5)

    assert torch.func.vmap(own)(torch.tensor([0.1, 0.7]))["rate_1"].tolist() == [0.5, 0.7]


def test_a_temperature_falls_and_stays():
    assert temperature(0) == 1
    assert math.isclose(temperature(100), math.exp(-0.7))
    # exp(-.007 t) = .4 at t = 130.9.
    assert temperature(131) == 0.4
    assert temperature(130) > 0.4
    assert temperature(3, rate=1.0, least=0.01) == math.exp(-3)


@pytest.mark.parametrize("beta", [-1.0, math.inf, math.nan, torch.tensor([1.0, -1.0]), torch.tensor([math.nan])])
def test_weights_out_of_range(beta):
    with pytest.raises(ValueError, match=r"`betas\[1\]` is .*, but must be finite and at least 0"):
        rate_weights([1.0, beta])
    with pytest.raises(ValueError, match=r"`weight` is .*, but must be finite and at least 0"):
        warm_up(3, beta)


def test_numbers_out_of_range():
    with pytest.raises(ValueError, match=r"`betas` is \[1.0\], but a hierarchy has at least two layers"):
        rate_weights([1.0])
    with pytest.raises(ValueError, match=r"`steps` is -1: pass a whole number of at least 0"):
        rate_weights([1.0, 1.0], steps=-1)
    with pytest.raises(ValueError, match=r"`steps` is 0: pass a whole number of at least 1"):
        warm_up(0)
    terms = {"distortion": torch.ones(()), "rate_1": torch.ones(()), "rate_2": torch.ones(())}
    with pytest.raises(ValueError, match=r"`nats` has 3 numbers for 2 rates: give each its own, or one for all"):
        free_bits(terms, [1, 2, 3])
    for nats in (-0.1, [0.1, math.nan]):
        with pytest.raises(ValueError, match=r"`nats` is .*, but must be finite and at least 0"):
            free_bits(terms, nats)
    for options, name in (({"epoch": -1}, "epoch"), ({"epoch": 1, "rate": math.inf}, "rate")):
        with pytest.raises(ValueError, match=rf"`{name}` is .*, but must be finite and at least 0"):
            temperature(**options)
    for least in (0.0, math.nan):
        with pytest.raises(ValueError, match=r"`least` is .*, but must be a finite number above 0"):
            temperature(1, least=least)
