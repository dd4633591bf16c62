"""Classifiers that are trained here: right on data they have not seen, with labels from 0, kept and found again."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from latentbook.learning import runs
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.classifier import logistic_regression
from latentbook.learning.progress import Progress
from latentbook.learning.recipes import classifiers
from latentbook.learning.recipes.classifiers import KINDS, accuracy, load_data, settings, train

SMOKE = {"scale": "smoke", "device": "cpu"}
MNIST = Path(os.environ.get("LATENTBOOK_DATA", "/nowhere")) / "MNIST"


@pytest.fixture(autouse=True)
def _own_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def digits():
    return load_data(settings(device="cpu"))


@pytest.fixture
def points():
    """Two clouds, labelled 3 and 7, one unit of width and six apart."""
    generator = torch.Generator().manual_seed(0)

    def part(count):
        y = torch.randint(2, (count,), generator=generator)
        return Dataset(torch.randn(count, 2, generator=generator) + 6.0 * y[:, None], 3 + 4 * y)

    return part(120), part(60)


# ---- training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "scale", "least"), [("logistic", "book", 0.9), ("convolutional", "book", 0.95)])
def test_digits_that_were_not_seen_are_told(digits, kind, scale, least):
    """397 of them: a share of 0.95 has a standard error of 0.011."""
    run = train(settings(kind=kind, scale=scale, device="cpu"), data=digits)
    assert run.test_accuracy >= least
    assert run.train_accuracy >= run.test_accuracy
    assert run.classes == tuple("0123456789")
    assert not run.model.training
    entropies = run.history.terms["cross_entropy"]
    assert entropies[-50:].mean() < 0.5 * entropies[:50].mean()


def test_what_is_tested_on_is_the_published_test_part(digits):
    for part, split in zip(digits, ("train", "test"), strict=True):
        assert part.x.equal(load("digits", split, device="cpu").x)


@pytest.mark.parametrize("kind", KINDS)
def test_some_digits_have_labels_from_0(kind):
    """3, 7 and 9 are classes 0, 1 and 2, in this order: the original left them as they were."""
    chosen = settings(kind=kind, **SMOKE, digits="793")
    training, test = load_data(chosen)
    assert training.classes == test.classes == ("3", "7", "9")
    assert training.y.unique().tolist() == [0, 1, 2]
    whole = load_data(settings(device="cpu"))[0]
    assert training.x[training.y == 1].equal(whole.x[whole.y == 7])
    run = train(chosen)
    assert run.classes == ("3", "7", "9")
    assert run.model.log_posteriors(training[:5]).shape == (5, 3)
    assert run.test_accuracy > 0.9


@pytest.mark.skipif(not MNIST.exists(), reason="needs MNIST: set LATENTBOOK_DATA")
def test_mnist_is_told():
    """The first 5,000 examples, and the first 2,000 of the test part."""
    chosen = settings(kind="convolutional", **SMOKE, dataset="mnist")
    training, test = load_data(chosen)
    run = train(chosen, data=(training.subset(slice(5000)), test.subset(slice(2000))))
    assert run.test_accuracy > 0.85
    assert run.model.penultimate(test[:3]).shape == (3, 64)


def test_the_reader_s_own_data(points):
    run = train(settings(**SMOKE), data=points)
    assert run.classes == ("3", "7")
    # Six widths apart, one in 700 is on the wrong side of the middle.
    assert run.test_accuracy > 0.95
    assert run.model.predict(torch.tensor([[0.0, 0.0], [6.0, 6.0]])).tolist() == [0, 1]


def test_names_of_classes_are_kept():
    x, y = torch.rand(20, 3), torch.arange(20) % 2 * 2
    data = Dataset(x, y, classes=["ant", "bee", "cow"])
    assert train(settings(**SMOKE, steps=1, batch_size=5), data=(data, data)).classes == ("ant", "cow")


def test_a_training_is_its_steps_by_hand(points, monkeypatch):
    """Adam with weight decay, here so much that it shows, a rate that falls in a line, batches of the seed."""
    assert classifiers.WEIGHT_DECAY == 1e-4
    monkeypatch.setattr(classifiers, "WEIGHT_DECAY", 0.3)
    chosen = settings(**SMOKE, steps=3, batch_size=16, seed=4)
    run = train(chosen, data=points)
    torch.manual_seed(4)
    model = logistic_regression((2,), 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2, weight_decay=0.3)
    generator = torch.Generator().manual_seed(4)
    for step in range(3):
        index = torch.randint(120, (16,), generator=generator)
        optimizer.zero_grad()
        model.terms(points[0].x[index], (points[0].y[index] == 7).long())["cross_entropy"].backward()
        optimizer.param_groups[0]["lr"] = 2e-2 * (1 - step / 3)
        optimizer.step()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(run.model.state_dict()[name], value)


def test_a_seed_decides_everything(points):
    one, same, other = (train(settings(**SMOKE, steps=5, seed=seed), data=points) for seed in (0, 0, 1))
    assert same.model.head.weight.equal(one.model.head.weight)
    assert not other.model.head.weight.equal(one.model.head.weight)


def test_accuracy_counts_in_chunks(monkeypatch):
    model = logistic_regression((2,), 2)
    with torch.no_grad():
        model.head.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        model.head.bias.zero_()
    data = Dataset(torch.tensor([[2.0, 1.0], [1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1, 1, 1]))
    for chunk in (4096, 3):
        monkeypatch.setattr(classifiers, "CHUNK", chunk)
        assert accuracy(model, data) == 0.75


def test_it_runs_where_it_is_told_to(points, device):
    run = train(dataclasses.replace(settings(**SMOKE, steps=2), device=device), data=points)
    assert {value.device.type for value in run.model.state_dict().values()} == {device.type}


def test_numbers_are_of_the_data_s_kind(points):
    double = [Dataset(part.x.double(), part.y) for part in points]
    run = train(settings(**SMOKE, steps=2), data=tuple(double))
    assert {value.dtype for value in run.model.state_dict().values()} == {torch.float64}


# ---- finished runs, checkpoints, progress ----------------------------------------------------------------------------


def test_a_finished_run_is_measured_instead_of_training(points, monkeypatch):
    chosen = settings(**SMOKE, steps=5)
    made = train(chosen, data=points, label="mine")
    monkeypatch.setattr(classifiers, "fit", lambda *_, **__: pytest.fail("trained"))
    again = train(chosen, data=points, trained="mine")
    assert again.model.head.weight.equal(made.model.head.weight)
    assert (again.train_accuracy, again.test_accuracy) == (made.train_accuracy, made.test_accuracy)
    assert again.history.terms["cross_entropy"].equal(made.history.terms["cross_entropy"])
    assert not again.model.training
    [entry] = runs.list("mine")
    assert entry.recipe == "latentbook.learning.recipes.classifiers"
    expected = {"kind": "logistic", "dataset": "custom", "classes": ["3", "7"], "steps": 5, "seed": 0}
    assert entry.spec == expected | {"scale": "smoke", "batch_size": 100}


@pytest.mark.parametrize("change", [{"kind": "convolutional"}, {"digits": "01"}])
def test_a_finished_run_answers_its_own_question_alone(change):
    train(settings(**SMOKE, steps=2), label="mine")
    with pytest.raises(ValueError, match=r"`trained` is 'mine', which has no run of"):
        train(settings(**SMOKE, steps=2, **change), trained="mine")


def test_a_checkpoint_is_gone_on_from_and_another_s_refused(points, tmp_path, monkeypatch):
    chosen = settings(**SMOKE, steps=5)
    made = train(chosen, data=points, checkpoint=tmp_path / "run")
    # Its weights would fit, and would be taken for the answer.
    with pytest.raises(ValueError, match="its scale is smoke, not book"):
        train(dataclasses.replace(chosen, scale="book"), data=points, checkpoint=tmp_path / "run")
    monkeypatch.setattr(classifiers.Classifier, "terms", lambda *_: pytest.fail("trained"))
    again = train(chosen, data=points, checkpoint=tmp_path / "run")
    assert again.model.head.weight.equal(made.model.head.weight)


def test_nothing_is_kept_unless_asked_for(points):
    train(settings(**SMOKE, steps=1), data=points)
    assert runs.list() == []


def test_the_line_of_progress_says_what_is_trained(points, monkeypatch):
    lines = []

    class Watched(Progress):
        def __init__(self, total, label):
            lines.append((total, label))
            super().__init__(total, label, shown=False)

    monkeypatch.setattr(classifiers, "Progress", Watched)
    train(settings(**SMOKE, steps=3), data=points)
    assert lines == [(3, "logistic classifier of 2 classes")]
    line = Progress(3, shown=False)
    train(settings(**SMOKE, steps=3), data=points, progress=line)
    assert line.done == 3
    assert len(lines) == 1


def test_the_original_s_length_is_in_epochs(points):
    chosen = settings(scale="paper", device="cpu")
    # 120 examples are 4 batches of 32.
    assert classifiers._spec(chosen, points[0])["steps"] == 50 * 4
    assert chosen.batch_size == 32


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("kind", "forest", ValueError, r"one of \['logistic', 'convolutional'\]"),
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mocap", ValueError, r"one of \['digits', 'mnist', 'fashion'\]"),
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


def test_data_without_labels_are_refused(points):
    bare = Dataset(points[0].x)
    for data in ((bare, points[1]), (points[0], bare)):
        with pytest.raises(ValueError, match=r"the data .* have no labels: pass `Dataset\(x, y\)`"):
            train(settings(**SMOKE), data=data)
    with pytest.raises(ValueError, match="have no labels"):
        accuracy(logistic_regression((2,), 2), bare)


def test_a_class_that_is_only_tested_is_refused(points):
    with pytest.raises(ValueError, match="`data` has the class 5 in its test part alone"):
        train(settings(**SMOKE), data=(points[0], Dataset(points[1].x, 5 + 0 * points[1].y)))
