"""Clocks: their settings, and what is read from codes and from the distortion of models that are known."""

import dataclasses

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes import hyperspherical
from latentbook.learning.recipes.hyperspherical import (
    draw_clocks,
    for_clocks,
    read_by_least_squares,
    read_circles,
    read_plane,
    settings,
    squared_error,
    train,
)


@pytest.fixture(scope="module")
def clocks():
    return draw_clocks(hands=2, size=8)


def knowing(clocks, turn):
    """A run whose codes are the angles of the clocks, whatever is done to these."""
    run = train(for_clocks(settings(scale="smoke", device="cpu", manifold="1,1", steps=2)), data=clocks)
    angles = {part[:].sum().item(): part.factors for part in clocks}

    def encode(x):
        found = turn(angles[x.sum().item()])
        return torch.stack([found.cos(), found.sin()], -1).flatten(1)

    run.model.encode = encode
    return run


def test_only_what_clocks_need_is_changed():
    chosen = settings(scale="smoke", device="cpu", manifold="1,1", h_dims="7", beta=3.0, kl_warmup=9, seed=4)
    found = for_clocks(chosen)
    changed = {"dataset": "clock", "likelihood": "gaussian", "beta": 0.02, "kl_warmup": 0}
    assert {name: getattr(found, name) for name in changed} == changed
    kept = {name: value for name, value in vars(chosen).items() if name not in {*changed, "steps"}}
    assert {name: getattr(found, name) for name in kept} == kept


@pytest.mark.parametrize(("steps", "expected"), [(30, 20), (1, 1), (None, None)])
def test_clocks_take_two_thirds_of_the_updates(steps, expected):
    chosen = dataclasses.replace(settings(scale="smoke", device="cpu"), steps=steps)
    assert for_clocks(chosen).steps == expected


def test_the_loss_of_a_clock_is_gaussian_noise_of_a_tenth():
    """Squared errors over twice the variance, and the rate: both times twice the variance."""
    assert hyperspherical.for_clocks(settings(device="cpu")).beta == pytest.approx(2 * 0.1**2)


def test_data_have_the_hands_that_were_asked_for():
    for hands in (1, 2):
        training, test = draw_clocks(hands=hands, size=16)
        assert training.event_shape == test.event_shape == (1, 16, 16)
        assert training.factors.shape == (len(training), hands)
        assert not torch.equal(training.factors[: len(test)], test.factors)


def test_codes_that_know_both_hands_are_read(clocks):
    run = knowing(clocks, lambda angles: 1 - angles.flip(-1))
    assert read_circles(run, clocks[1]) == pytest.approx([1, 1], abs=1e-5)
    assert read_plane(run, clocks) == pytest.approx([1, 1], abs=1e-5)


def test_a_hand_that_codes_do_not_have_is_not_read(clocks):
    run = knowing(clocks, lambda angles: angles[:, :1].expand(-1, 2))
    told, lost = read_plane(run, clocks)
    assert told == pytest.approx(1, abs=1e-5)
    # Of independent angles the correlation times their number is above 10 with a chance of 5e-5.
    assert lost < 10 / len(clocks[1])


def test_the_map_is_fitted_to_training_clocks_and_read_on_new_ones(clocks):
    run = knowing(clocks, lambda angles: angles + torch.linspace(-2, 2, len(angles))[:, None])
    training, test = ((run.model.encode(part[:]), part.factors.float()) for part in clocks)
    found = read_plane(run, clocks)
    assert found == pytest.approx(read_by_least_squares(*training, *test).tolist(), rel=1e-5)
    assert found != pytest.approx(read_by_least_squares(*test, *training).tolist(), rel=1e-5)


def test_circles_are_counted(clocks):
    run = knowing(clocks, lambda angles: angles[:, :1])
    with pytest.raises(ValueError, match="2 coordinates for 2 angles"):
        read_circles(run, clocks[1])


def test_clocks_without_angles_are_refused(clocks):
    run = knowing(clocks, lambda angles: angles)
    nameless = Dataset(clocks[1].x, name="clock")
    with pytest.raises(ValueError, match="do not say which angles made them"):
        read_circles(run, nameless)


def test_squared_errors_are_those_of_drawn_codes():
    """The distortion is a mean over drawn codes, and so is this sum over pixels."""
    clocks = draw_clocks(hands=1, size=8)
    run = train(for_clocks(settings(scale="smoke", device="cpu", manifold="1", steps=15)), data=clocks)
    x = clocks[1][:]
    with torch.no_grad():
        codes = run.model.codes.draw(run.model.encoder(x))[0]
        errors = (run.model.decode(codes) - x).square().flatten(1).sum(-1)
    # Draws differ: four standard errors, of errors and of what drawing adds.
    assert squared_error(run, clocks[1]) == pytest.approx(
        errors.mean().item(), abs=8 * errors.std().item() / len(x) ** 0.5
    )
