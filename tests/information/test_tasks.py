"""Laws of the choice of rates: the best cell is no worse than any other, ties are cheap, failures are left out."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentbook.information.tasks import TASKS, Optimum, Task, optimal_rates

CELLS = [
    {"R_2": 1.0, "R_1": 9.0, "psnr": 20.0, "inception_score": 3.0, "accuracy": 0.7, "D": 60.0},
    {"R_2": 4.0, "R_1": 5.0, "psnr": 19.0, "inception_score": 3.0, "accuracy": 0.9, "D": 70.0},
    {"R_2": 9.0, "R_1": 1.0, "psnr": 15.0, "inception_score": 5.0, "accuracy": 0.8, "D": 90.0},
]


def doubles(numbers):
    # Cases are collected before the tests' dtype is set.
    return torch.tensor(numbers, dtype=torch.float64)


def columns(cells, kind=doubles):
    return {name: kind([cell[name] for cell in cells]) for name in cells[0]}


@pytest.mark.parametrize("results", [CELLS, columns(CELLS), columns(CELLS, list)], ids=["rows", "tensors", "lists"])
@pytest.mark.parametrize(
    ("task", "cell", "value"),
    [
        ("reconstruction", 0, 20),
        ("classification", 1, 0.9),
        ("generation", 2, 5),
        ("distortion", 0, 60),
        (Task("psnr", larger=False), 2, 15),
    ],
)
def test_each_task_has_its_own_rates(results, task, cell, value):
    best = optimal_rates(results, task)
    assert best == Optimum(cell, {"R_2": CELLS[cell]["R_2"], "R_1": CELLS[cell]["R_1"]}, value)
    # From the top layer down.
    assert list(best.rates) == ["R_2", "R_1"]


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.integers(0, 3)), min_size=1, max_size=12), st.booleans())
def test_no_cell_is_better_and_none_as_good_is_cheaper(cells, larger):
    results = [{"R_2": a, "R_1": b, "quality": float(c)} for a, b, c in cells]
    best = optimal_rates(results, Task("quality", larger))
    values = [row["quality"] for row in results]
    assert best.value == (max if larger else min)(values)
    as_good = [row for row in results if row["quality"] == best.value]
    assert sum(best.rates.values()) == min(row["R_2"] + row["R_1"] for row in as_good)
    assert results[best.cell] == {**best.rates, "quality": best.value}


def test_failed_cells_are_left_out():
    failed = {"R_2": math.nan, "R_1": 0.0, "psnr": 99.0}
    unmeasured = {"R_2": 0.0, "R_1": 0.0, "psnr": math.nan}
    missing = {"R_2": 0.0, "R_1": 0.0}
    best = optimal_rates([failed, unmeasured, missing, *CELLS], "reconstruction")
    assert (best.cell, best.value) == (3, 20)
    with pytest.raises(ValueError, match="`results` has 3 cells, but none with rates and 'psnr' that are not nan"):
        optimal_rates([failed, unmeasured, missing], "reconstruction")


def test_perfect_reconstructions_are_a_result():
    assert optimal_rates([*CELLS, {"R_2": 50.0, "R_1": 50.0, "psnr": math.inf}], "reconstruction").cell == 3


def test_grids_of_any_number_of_layers_are_read_row_by_row():
    grid = torch.arange(6.0).reshape(2, 3)
    results = {"R_1": grid, "R_10": 10 * grid, "R_2": 2 * grid, "accuracy": torch.tensor([[0, 1, 0], [1, 2, 1.0]])}
    best = optimal_rates(results, "classification")
    assert best.cell == 4
    assert list(best.rates.items()) == [("R_10", 40), ("R_2", 8), ("R_1", 4)]


def test_other_columns_may_be_anything():
    results = columns(CELLS) | {"name": ["a", "b", "c"], "R_2 wanted": [None] * 3}
    assert optimal_rates(results, "classification").cell == 1
    assert optimal_rates([cell | {"name": "a"} for cell in CELLS], "classification").cell == 1


def test_what_is_refused():
    with pytest.raises(ValueError, match=f"`task` is 'compression', but must be one of {', '.join(TASKS)}, or Task"):
        optimal_rates(CELLS, "compression")
    with pytest.raises(ValueError, match=r"asks for 'fid', but `results` has \['R_2', 'R_1', 'psnr'.*measure it first"):
        optimal_rates(CELLS, Task("fid", larger=False))
    with pytest.raises(ValueError, match=r"`results` has \['psnr'\], but no rates"):
        optimal_rates([{"psnr": 1.0}], "reconstruction")
    with pytest.raises(ValueError, match=r"columns of lengths {'accuracy': 2, 'R_2': 3, 'R_1': 3}"):
        optimal_rates(columns(CELLS) | {"accuracy": [0.1, 0.2]}, "classification")
    with pytest.raises(ValueError, match=r"`results` has \[\], but no rates"):
        optimal_rates([], "classification")
