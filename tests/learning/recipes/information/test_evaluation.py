"""Evaluation: every measure by itself, kept and not done twice, the same in several processes."""

import dataclasses
import math

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.information import (
    METRICS,
    USUAL,
    column,
    evaluate,
    evaluation,
    family,
    load_data,
    settings,
    train,
)

SMOKE = {"scale": "smoke", "device": "cpu"}
QUICK = ["rates", "reconstruction", "logistic"]


@pytest.fixture(scope="module")
def data():
    torch.set_default_dtype(torch.float32)
    training, test = load_data(settings(**SMOKE))
    return training.subset(slice(0, 200)), test.subset(slice(0, 150))


@pytest.fixture
def trained(monkeypatch, tmp_path, data):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    chosen = settings(**SMOKE, steps=5)
    return family(chosen, [(1.0, 0.1), (1.0, 10.0)], data=data, label="mine")


@pytest.fixture
def counted(monkeypatch):
    """How often each measure is taken."""
    calls = dict.fromkeys(METRICS, 0)

    def counting(name, measure):
        def run(*arguments):
            calls[name] += 1
            return measure(*arguments)

        return run

    for name, measure in METRICS.items():
        monkeypatch.setitem(METRICS, name, counting(name, measure))
    return calls


class Judge(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10].log_softmax(-1)

    def penultimate(self, x):
        return x.flatten(1)[:, :5]


def test_rows_are_in_the_runs_order_and_have_their_weights(trained, data):
    rows = evaluate(trained, QUICK, data=data)
    assert [(row["beta_1"], row["beta_2"]) for row in rows] == [(1.0, 0.1), (1.0, 10.0)]
    assert [row for run in trained for row in evaluate(run, QUICK, data=data)] == rows
    assert {"D", "R_1", "R_2", "elbo", "D_error", "psnr", "psnr_pooled", "logistic_1", "logistic_2_means"} <= {*rows[0]}


def test_all_usual_measures_are_numbers(trained, data):
    [row] = evaluate(trained[0], data=data, classifier=Judge(), samples=60)
    assert all(math.isfinite(value) for value in row.values())
    assert {"inception_score", "frechet", "recognised", "I_1", "I_2_low", "svm-rbf_1", "knn_2_means"} <= {*row}


def test_what_is_measured_is_not_measured_again(trained, data, counted):
    first = evaluate(trained, ["rates"], data=data)
    assert counted["rates"] == 2
    second = evaluate(trained, QUICK, data=data)
    assert (counted["rates"], counted["logistic"]) == (2, 2)
    assert [row["D"] for row in second] == [row["D"] for row in first]


def test_a_killed_evaluation_goes_on(trained, data, counted, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    original = METRICS["logistic"]
    monkeypatch.setitem(METRICS, "logistic", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(trained, QUICK, data=data)
    monkeypatch.setitem(METRICS, "logistic", original)
    evaluate(trained, QUICK, data=data)
    # Of the first run both were done before it was killed.
    assert (counted["rates"], counted["reconstruction"], counted["logistic"]) == (2, 2, 2)


@pytest.mark.parametrize("change", ["seed", "test data", "training data", "source"])
def test_another_question_is_asked_anew(trained, data, counted, monkeypatch, change):
    evaluate(trained, ["rates"], data=data)
    options, other = {}, data
    if change == "seed":
        options = {"seed": 1}
    elif change == "test data":
        other = data[0], data[1].subset(slice(0, 100))
    elif change == "training data":
        other = data[0].subset(slice(0, 100)), data[1]
    else:
        monkeypatch.setattr(evaluation, "source_hash", lambda code: "another")
    evaluate(trained, ["rates"], data=other, **options)
    assert counted["rates"] == 4


def test_another_classifier_is_another_question(trained, data, counted):
    first, second = torch.nn.Sequential(Judge()), torch.nn.Sequential(Judge(), torch.nn.Linear(10, 10))
    for judge in (first, second, second):
        evaluate(trained[0], ["recognition"], data=data, classifier=judge)
    assert counted["recognition"] == 2
    for judge in (first, second):
        evaluate(trained[0], ["rates"], data=data, classifier=judge)
    # What no classifier looks at does not depend on it.
    assert counted["rates"] == 1


def test_runs_without_a_file_are_kept_where_they_shall_be(data, counted, tmp_path):
    run = train(settings(**SMOKE, steps=5), data=data)
    assert run.file is None
    for _ in range(2):
        evaluate(run, ["rates"], data=data)
    assert counted["rates"] == 2
    for _ in range(2):
        evaluate(run, ["rates"], data=data, folder=tmp_path)
    assert counted["rates"] == 3


def test_several_processes_give_the_same(trained, data):
    alone = evaluate(trained, QUICK, data=data, seed=5)
    copies = [dataclasses.replace(run, file=None) for run in trained]
    assert evaluate(copies, QUICK, data=data, seed=5, jobs=2) == alone


def test_a_column_is_a_grid_or_a_row():
    rows = [{"D": float(k)} for k in range(6)]
    assert column(rows, "D", 2).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert column([{"D": 1.0}, {}], "D").isnan().tolist() == [False, True]
    with pytest.raises(ValueError, match=r"`name` is 'E', but the rows have \['D'\]"):
        column(rows, "E")


def test_wrong_questions_are_refused(trained, data, unchecked):
    with pytest.raises(ValueError, match="`metrics`"):
        evaluate(trained, ["beauty"], data=data)
    with pytest.raises(TypeError, match="`classifier` is NoneType, but 'recognition' needs a module"):
        evaluate(trained, USUAL, data=data)
    with pytest.raises(TypeError, match="`classifier` is function"):
        evaluate(trained, ["recognition"], data=data, classifier=lambda x: x)
    for name, value in (("samples", 4), ("seed", -1), ("jobs", 0)):
        with pytest.raises(ValueError, match=f"`{name}` is {value}"):
            evaluate(trained, ["rates"], data=data, **{name: value})


def test_probes_need_labels_of_two_classes(trained, data):
    bare = tuple(Dataset(part.x) for part in data)
    assert evaluate(trained[0], ["rates"], data=bare)
    with pytest.raises(ValueError, match="labels"):
        evaluate(trained[0], ["logistic"], data=bare)
    one = tuple(part.subset(part.indices_of([3])) for part in data)
    with pytest.raises(ValueError, match="`data` are of one class"):
        evaluate(trained[0], ["knowledge"], data=one)
