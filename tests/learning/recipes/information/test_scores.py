"""What a sweep keeps of a hierarchy: the usual measures, with one classifier for all who work on it."""

import pytest
import torch

from latentbook.learning import runs
from latentbook.learning.recipes import classifiers
from latentbook.learning.recipes.information import evaluate, load_data, scores, settings, train


@pytest.fixture(autouse=True)
def _as_readers_do(monkeypatch, tmp_path):
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))


def test_scores_are_the_usual_measures():
    chosen = settings(scale="smoke", device="cpu", steps=10)
    run, data = train(chosen), load_data(chosen)
    found = scores(chosen, run)
    asked = classifiers.settings(scale="smoke", device="cpu")
    judge = classifiers.train(asked, data=data).model
    [row] = evaluate(run, data=data, classifier=judge, samples=500, seed=0)
    row = {name: value for name, value in row.items() if not name.startswith("beta")}
    assert found == row


def test_the_classifier_is_trained_once(monkeypatch):
    chosen = settings(scale="smoke", device="cpu", steps=10)
    scores(chosen, train(chosen))
    [entry] = runs.list()
    assert entry.recipe == classifiers.__name__
    trained = classifiers.train
    asked = []
    monkeypatch.setattr(classifiers, "train", lambda *a, **k: asked.append(k) or trained(*a, **k))
    scores(chosen, train(chosen, (1.0, 10.0)))
    assert [call.get("trained") for call in asked] == [entry.label]
