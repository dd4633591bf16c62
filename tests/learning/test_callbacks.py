"""Callbacks look without disturbing, stop when nothing improves, keep the best, and write what TensorBoard reads."""

import builtins

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from latentbook.learning.callbacks import BestModel, EarlyStopping, TensorBoard, Validation
from latentbook.learning.data import Dataset
from latentbook.learning.train import fit


def train(callbacks, steps=200):
    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1)), Dataset(torch.rand(64, 4))
    options = {"weights": {"error": 1.0}, "steps": steps, "batch_size": 16, "seed": 0}
    history = fit(model, data, lambda f, x, s: {"error": mse_loss(f(x), x)}, **options, callbacks=callbacks)
    return model, history


def scripted(values, every=10):
    """A validation that measures what it is told to."""
    told = iter(values)
    return Validation(lambda model: next(told), every)


def test_validation_measures_in_eval_mode_without_gradients():
    modes = []
    validation = Validation(lambda model: modes.append((model.training, torch.is_grad_enabled())) or 0.0, 60)
    train([validation])
    assert modes == [(False, False)] * 4
    # Every sixty steps, and at the end.
    assert validation.steps == [60, 120, 180, 200]


def test_looking_changes_nothing():
    plain, history = train([])
    watched, seen = train([Validation(lambda model: model[0].weight.sum(), 7)])
    assert seen.terms["error"].equal(history.terms["error"])
    assert plain[0].weight.equal(watched[0].weight)


def test_it_stops_when_nothing_has_improved_for_the_look_ahead():
    validation = scripted([5.0, 4.0, 3.0, 3.5, 2.9, 3.0, 3.0, 2.9, 9.0])
    _, history = train([validation, EarlyStopping(validation, 3)])
    # The best is the fifth; three later ones are no better, an equal one included.
    assert len(validation.values) == 8
    assert len(history.terms["error"]) == 80


def test_nothing_is_measured_before_it_counts():
    """A weight that still grows makes early models better than they are."""
    validation = Validation(lambda model: 0.0, 10, since=45)
    train([validation], steps=70)
    assert validation.steps == [50, 60, 70]
    # Where it never counts, nothing is stopped, and the last model stays.
    never = Validation(lambda model: 0.0, 10, since=1000)
    plain, _ = train([], steps=70)
    model, history = train([never, EarlyStopping(never, 1), BestModel(never)], steps=70)
    assert len(history.terms["error"]) == 70
    assert never.values == []
    assert model[0].weight.equal(plain[0].weight)


@pytest.mark.parametrize("look_ahead", [0, -1])
def test_the_look_ahead_is_at_least_one(look_ahead):
    with pytest.raises(ValueError, match=f"`look_ahead` is {look_ahead}, but must be at least 1"):
        EarlyStopping(scripted([]), look_ahead)


def test_the_best_weights_come_back_at_the_end():
    weights = []
    values = iter([3.0, 1.0, 2.0, 1.0])

    def measure(model):
        weights.append(model[0].weight.detach().clone())
        return next(values)

    validation = Validation(measure, 50)
    model, _ = train([validation, BestModel(validation)])
    assert validation.best == 1
    assert model[0].weight.equal(weights[1])
    assert not weights[1].equal(weights[3])


def by_step(events):
    """Sort events: files of one second are read in the order of their names, in which the tenth comes first."""
    return sorted(events, key=lambda event: event.step)


def test_tensorboard_can_be_read_back(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoard(
        tmp_path,
        widths=lambda model: model[0].weight.std(0),
        images=lambda model: {"weights": model[0].weight.detach()[None].clamp(0, 1)},
        every=80,
    )
    _, history = train([board])
    events = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    scalars = by_step(events.Scalars("error"))
    assert [scalar.step for scalar in scalars] == list(range(200))
    # TensorBoard stores single precision.
    torch.testing.assert_close(
        torch.tensor([scalar.value for scalar in scalars]), history.terms["error"], rtol=1e-6, atol=0
    )
    assert [histogram.step for histogram in by_step(events.Histograms("latent std"))] == [80, 160, 200]
    image = by_step(events.Images("weights"))[-1]
    assert (image.step, image.width, image.height) == (200, 4, 4)


def test_scores_are_written_as_often_as_the_rest(tmp_path):
    """Tensors or plain numbers; of the model as it is then, in eval mode and without gradients."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    modes, weights = [], []

    def scores(model):
        modes.append((model.training, torch.is_grad_enabled()))
        weights.append(model[0].weight.sum().item())
        return {"score/weight": model[0].weight.sum(), "score/count": 7.0 * len(weights)}

    plain, history = train([])
    model, seen = train([TensorBoard(tmp_path, scores=scores, every=80)])
    events = EventAccumulator(str(tmp_path)).Reload()
    for name, expected in (("score/weight", weights), ("score/count", [7.0, 14.0, 21.0])):
        written = by_step(events.Scalars(name))
        assert [score.step for score in written] == [80, 160, 200]
        assert [score.value for score in written] == pytest.approx(expected, rel=1e-6)
    assert weights[-1] == model[0].weight.sum().item()
    assert modes == [(False, False)] * 3
    # Looking changes nothing.
    assert seen.terms["error"].equal(history.terms["error"])
    assert plain[0].weight.equal(model[0].weight)


def test_without_tensorboard_the_extra_is_named(monkeypatch, tmp_path):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "tensorboard":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install -e .\[more\]"):
        TensorBoard(tmp_path)
