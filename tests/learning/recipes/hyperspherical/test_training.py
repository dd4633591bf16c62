"""Training on digits: models that learn, bits that are drawn anew, schedules, early stopping, runs that are kept."""

import pytest
import torch

from latentbook.learning import runs
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.hyperspherical import (
    build,
    each,
    load_data,
    read_by_circles,
    scores,
    settings,
    together,
    train,
    training,
)

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.fixture(autouse=True)
def _own_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def digits():
    return load_data(settings(device="cpu"))


def test_bits_are_drawn_anew_and_those_of_the_test_data_stay(digits):
    known, test = digits
    assert not known[:50].equal(known[:50])
    assert test[:50].equal(test[:50])
    assert {*known[:50].unique().tolist()} == {0.0, 1.0}
    grey, _ = load_data(settings(device="cpu", likelihood="gaussian"))
    assert len(grey[:50].unique()) > 2


@pytest.mark.parametrize("dataset", training.BITS)
def test_what_is_bits_already_is_left_alone(dataset, monkeypatch):
    data = Dataset((torch.rand(30, 1, 28, 28) > 0.5).to(torch.uint8))
    monkeypatch.setattr(training, "load", lambda *_, **__: data)
    assert load_data(settings(dataset=dataset, device="cpu")) == (data, data)


@pytest.mark.parametrize("distribution", ["vmf", "power", "cauchy", "normal"])
def test_every_law_learns(digits, distribution):
    """More than what independent pixels of the training data's means say of the test data."""
    run = train(settings(distribution=distribution, manifold="4,4", steps=300, **SMOKE), data=digits)
    known, test = digits
    means = known.x.double().div(known.full_scale).mean(0).clamp(1e-3, 1 - 1e-3)
    bits = test[:].double()
    pixels = (bits * means.log() + (1 - bits) * (1 - means).log()).flatten(1).sum(1).mean().item()
    assert run.measures.elbo > pixels
    assert run.measures.log_likelihood > run.measures.elbo
    assert [*run.history.terms] == ["distortion", "rate"]
    assert all(values.isfinite().all() for values in run.history.terms.values())


def test_a_training_can_be_repeated(digits):
    chosen = settings(steps=20, **SMOKE)
    first, second = (train(chosen, data=digits) for _ in range(2))
    assert first.measures == second.measures
    assert first.history.terms["rate"].equal(second.history.terms["rate"])


def test_a_target_is_met(digits):
    run = train(settings(kl_target=4.0, beta=20.0, kl_warmup=1, **SMOKE), data=digits)
    assert run.measures.rate == pytest.approx(4.0, abs=0.5)


def test_the_weight_grows_after_it_was_frozen():
    spec = training._spec(settings(kl_warmup=10, kl_freeze=5, beta=2.0, **SMOKE), Dataset(torch.rand(64, 4)))
    weight = training._weight(settings(kl_warmup=10, kl_freeze=5, beta=2.0, **SMOKE), spec)
    assert [weight(step) for step in (0, 4, 5, 9, 14, 100)] == [0, 0, 0.2, 1.0, 2.0, 2.0]
    plain = settings(kl_warmup=0, beta=2.0, **SMOKE)
    assert training._weight(plain, training._spec(plain, Dataset(torch.rand(64, 4)))) == 2.0


def test_the_usual_warm_up_is_a_part_of_the_steps_or_a_hundred_epochs():
    small = Dataset(torch.rand(640, 4))
    assert training._spec(settings(scale="book", device="cpu"), small)["kl_warmup"] == 562
    # Ten updates an epoch.
    paper = training._spec(settings(scale="paper", device="cpu"), small)
    assert (paper["kl_warmup"], paper["steps"]) == (1000, 10_000)


def test_a_training_stops_when_held_out_data_gain_no_more(digits, monkeypatch):
    """The best model is taken, of those after the warm-up; a sixth of the training data are held out."""
    held, values = [], iter([5.0, 3.0, 4.0, 4.5, 6.0, 7.0, 8.0])
    weights = []

    def told(model, data):
        held.append(len(data))
        weights.append(model.decoder[0][0].weight.detach().clone())
        return next(values)

    monkeypatch.setattr(training, "bound_of", told)
    # An epoch of 1,167 examples is 19 updates.
    run = train(settings(look_ahead=2, kl_warmup=30, **SMOKE), data=digits)
    assert held == [233] * 4
    assert len(run.history.terms["rate"]) == (2 + 3) * 19
    assert run.model.decoder[0][0].weight.equal(weights[1])


def test_runs_are_kept_and_found_again(digits):
    chosen = settings(manifold="2,3", steps=20, **SMOKE)
    kept = train(chosen, data=digits, label="mine")
    found = train(chosen, data=digits, trained="mine")
    assert found.id == kept.id
    assert found.measures == kept.measures
    [entry] = runs.list("mine")
    assert (entry.spec["manifold"], entry.spec["hidden"], entry.spec["kl_warmup"]) == ("2,3", [64], 8)
    [alone] = together([chosen], data=digits)
    assert alone.id == kept.id
    assert scores(chosen, kept)["elbo"] == kept.measures.elbo


def test_bodies(digits):
    chosen = settings(body="conv", manifold="2", steps=2, **SMOKE)
    assert train(chosen, data=digits).model.decode(torch.randn(3, 3)).shape == (3, 1, 8, 8)
    assert build(settings(h_dims="32,16", **SMOKE), (1, 8, 8)).encoder[-1][0].out_features == 32


@pytest.mark.parametrize("body", ["mlp", "conv"])
def test_concentrations_begin_where_they_are_told(body):
    model = build(settings(manifold="2,4", initial=30.0, body=body, **SMOKE), (1, 8, 8))
    kappas = [law.concentration for law in model.codes.factors(model.encoder(torch.rand(200, 1, 8, 8)))]
    # What random weights add to the bias is below 1.
    assert all((kappa - 30).abs().max() < 1 for kappa in kappas)
    usual = build(settings(manifold="2,4", body=body, **SMOKE), (1, 8, 8))
    assert usual.posterior(torch.rand(1, 8, 8)).components[0].concentration < 3


def test_a_few_angles_that_are_told_order_the_rest():
    """The hand that a circle has, and its sense, are those of the examples that were told."""
    data = tuple(load("clock", part, hands=1, size=8) for part in ("train", "test"))
    run = train(settings(manifold="1", labelled=50, likelihood="gaussian", beta=0.02, **SMOKE), data=data)
    angles = data[1].factors.float()
    assert [*run.history.terms] == ["distortion", "rate", "told"]
    codes = run.model.encode(data[1][:]).detach()
    # Half of all angles are told to 0.2 radians, where none is by chance to less than a quarter turn.
    cosines = codes[:, 0] * angles[:, 0].cos() + codes[:, 1] * angles[:, 0].sin()
    assert cosines.median() > torch.tensor(0.2).cos()
    assert read_by_circles(codes, angles) > 0.9


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"manifold": "1,1"}, "`labelled` is 5, but codes lie on '1,1' \\(vmf\\)"),
        ({"manifold": "1", "distribution": "normal"}, "`labelled` is 5, but codes lie on '1' \\(normal\\)"),
        ({"manifold": "1", "labelled": 2000}, "`labelled` is 2000, but there are 1000 examples: give fewer"),
    ],
)
def test_angles_need_circles_of_their_own(wrong, message):
    data = tuple(load("clock", part, hands=1, size=8, count=1000) for part in ("train", "test"))
    with pytest.raises(ValueError, match=message):
        train(settings(**{"labelled": 5} | wrong, **SMOKE), data=data)


def test_angles_cannot_be_told_where_there_are_none(digits):
    with pytest.raises(ValueError, match="give data with angles as their factors"):
        train(settings(labelled=5, manifold="1", **SMOKE), data=digits)


def test_several_runs_are_those_of_each(digits):
    chosen = [settings(manifold=manifold, steps=5, **SMOKE) for manifold in ("2", "1,1")]
    both = each(chosen, "two", data=digits)
    assert [run.measures for run in both] == [train(own, data=digits).measures for own in chosen]
    for own in chosen:
        train(own, data=digits, label="kept")
    again = each(chosen, "two", data=digits, trained="kept")
    assert [run.measures for run in again] == [run.measures for run in both]
    # Of runs that are trained here nothing is kept.
    assert all(run.file for run in again)
    assert not any(run.file for run in both)
