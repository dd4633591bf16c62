"""Results are what the files say now: rows in the grid's order, their runs, and a table for others to read."""

import pytest
import torch

from latentbook.learning import runs
from latentbook.learning.recipes import isometry
from latentbook.learning.sweep import run_all

GRID = {"lam": [0.0, -1.0, 10.0], "scale": ["smoke"], "device": ["cpu"], "steps": [20]}


@pytest.fixture
def found(monkeypatch, tmp_path):
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return run_all(isometry, GRID, scores=True, label="mine")


def test_rows_are_in_the_grid_s_order_and_say_what_became_of_each(found):
    assert [row.cell["lam"] for row in found] == GRID["lam"]
    assert [row.cell["lam"] for row in found.done()] == [0.0, 10.0]
    assert [row.cell["lam"] for row in found.failed()] == [-1.0]
    assert found.summary() == "mine: 2 of 3 cells done, 1 failed, 0 left"


def test_a_run_is_loaded_with_its_model(found):
    row = found.done()[1]
    run = found.load(row)
    assert (run.lam, run.id) == (10.0, row.state.run)
    assert found.entry(row) == runs.list("mine")[[entry.id for entry in runs.list("mine")].index(run.id)]


def test_what_is_not_there_says_why(found):
    with pytest.raises(ValueError, match=r"has no run: (.|\n)*`lam` is -1"):
        found.load(found.failed()[0])


def test_a_table_has_parameters_the_run_and_its_scores(found):
    [first, _] = found.table()
    assert first["lam"] == 0.0
    assert first["run"] == found.done()[0].state.run
    assert first["seconds"] == found.entry(found.done()[0]).seconds > 0
    assert first["error"] == found.load(found.done()[0]).error


def test_scores_that_are_missing_for_good_are_a_failure_and_tried_again_if_asked(found, monkeypatch):
    scores = isometry.scores
    monkeypatch.setattr(isometry, "scores", lambda chosen, run: 1 / 0)
    other = run_all(isometry, {**GRID, "lam": [0.0]}, scores=True, label="other")
    assert other.summary() == "other: 0 of 1 cells done, 1 failed, 0 left"
    [row] = other.failed()
    assert "ZeroDivisionError" in row.state.why
    monkeypatch.setattr(isometry, "scores", scores)
    again = run_all(isometry, {**GRID, "lam": [0.0]}, scores=True, label="other", again=True)
    assert again.table()[0]["error"] == found.table()[0]["error"]
