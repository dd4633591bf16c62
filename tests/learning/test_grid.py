"""Grids: what is written is what is gone over, and what cannot be read is said."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentbook.learning.grid import cells, parse, parts, require_names
from latentbook.learning.recipes import information, isometry


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("lam=10", {"lam": [10]}),
        ("lam=0.1|1|10", {"lam": [0.1, 1, 10]}),
        ("lam=lin:0:1:5", {"lam": [0, 0.25, 0.5, 0.75, 1]}),
        ("lam=log:0.1:10:3", {"lam": [0.1, 1, 10]}),
        (' model = irae , digits=015|"15" ', {"model": ["irae"], "digits": ["015", "15"]}),
        ("eta=null|0.2,lipschitz=true|false", {"eta": [None, 0.2], "lipschitz": [True, False]}),
        ("lam=lin:-1:1:3", {"lam": [-1, 0, 1]}),
    ],
)
def test_text_is_read(text, grid):
    assert parse(text) == grid


def test_the_published_grid():
    """21 weights over two decades, in steps of a tenth of one."""
    betas = parse("beta_1=log:0.1:10:21,beta_2=log:0.1:10:21")
    assert betas["beta_1"] == pytest.approx([10 ** (k / 10 - 1) for k in range(21)], rel=1e-5)
    # The recipe's own, so that a sweep answers what its chapter asks.
    assert betas["beta_1"] == [*information.settings(scale="paper", device="cpu").weights]
    assert len(cells(betas, repeats=3)) == 1323


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no parameter of a grid: write NAME=VALUES"),
        ("lam", "'lam' is no parameter"),
        ("lam=", "'lam=' is no parameter"),
        ("2=3", "'2=3' is no parameter"),
        ("lam=1,,", "'' is no parameter"),
        ("lam=1,lam=2", "'lam' stands twice"),
        ("lam=1||2", r"lam=1\|\|2 has an empty value"),
        ("lam=log:1:10", "lam=log:1:10 is no range: write log:LOW:HIGH:COUNT"),
        ("lam=log:1:10:3:4", "is no range"),
        ("lam=log:a:10:3", "is no range"),
        ("lam=log:1:inf:3", "is no range"),
        ("lam=log:0:10:3", "goes nowhere: a range has 0 < LOW < HIGH"),
        ("lam=log:10:1:3", "goes nowhere"),
        ("lam=lin:1:1:3", "goes nowhere: a range has LOW < HIGH"),
        ("lam=lin:0:1:1", "2 values or more"),
        ("lam=lin:0:1:1000000000", "has 1,000,000,000 values, more than 1,000,000"),
    ],
)
def test_what_cannot_be_read_is_said(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e6), st.integers(2, 40))
def test_ranges_have_their_ends_and_equal_ratios(low, factor, count):
    high = low * factor
    values = parse(f"lam=log:{low!r}:{high!r}:{count}")["lam"]
    assert len(values) == count
    assert values[0] == pytest.approx(low, rel=1e-5)
    assert values[-1] == pytest.approx(high, rel=1e-5)
    step = math.log(factor) / (count - 1)
    # Six figures are kept of each.
    ratios = [math.log(b / a) for a, b in itertools.pairwise(values)]
    assert ratios == pytest.approx([step] * (count - 1), abs=2e-5)


def test_cells_are_all_combinations_and_the_last_parameter_changes_fastest():
    assert [*cells({"a": [1, 2], "b": ["x", "y"]})] == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_repeats_are_seeds():
    assert [cell["seed"] for cell in cells({"a": [1]}, repeats=3)] == [0, 1, 2]
    assert [cell["seed"] for cell in cells({"a": [1], "seed": [7]}, repeats=2)] == [7, 8]
    assert [*cells({"a": [1]})] == [{"a": 1}]
    assert [cell["seed"] for cell in cells({"seed": [3, 5]})] == [3, 5]


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({}, {}, "which has no cells"),
        ({"a": []}, {}, "which has no cells"),
        ({"a": [1, 1]}, {}, "a = 1 twice"),
        ({"a": [1]}, {"repeats": 0}, "`repeats` is 0"),
        ({"a": range(400), "b": range(400)}, {}, "160,000 cells, more than 100,000"),
        ({"a": [1, 2, 3]}, {"most": 2}, "3 cells, more than 2"),
        ({"seed": [1, 2]}, {"repeats": 2}, r"the seeds \[1, 2\] and `repeats` is 2"),
    ],
)
def test_what_is_no_grid_is_refused(grid, options, message):
    with pytest.raises(ValueError, match=message):
        cells(grid, **options)


def test_names_are_the_recipe_s():
    require_names({"lam": [1], "seed": [0]}, isometry.settings)
    with pytest.raises(ValueError, match="`grid` has 'beta_1', but the recipe's parameters are scale, dataset, digits"):
        require_names({"beta_1": [1]}, isometry.settings)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(0, 2))
def test_every_cell_is_in_one_part_whose_cells_differ_in_what_is_stacked(sizes, count):
    grid = {f"p{index}": [*range(size)] for index, size in enumerate(sizes)}
    found, stacked = cells(grid), [*grid][:count]
    made = [*parts(found, stacked)]
    assert sorted(map(str, found)) == sorted(str(cell) for part in made for cell in part)
    for part in made:
        assert len({tuple(cell[name] for name in grid if name not in stacked) for cell in part}) == 1


@pytest.mark.parametrize(
    ("sides", "sizes"), [((16,), [4] * 4), ((7, 7), [7] * 7), ((21, 21), [21] * 21), ((2,), [2]), ((100, 100), 49)]
)
def test_parts_are_as_many_as_they_have_cells(sides, sizes):
    grid = {f"p{index}": [*range(size)] for index, size in enumerate(sides)}
    found = [len(part) for part in parts(cells(grid), [*grid])]
    assert max(found) == 49 if sizes == 49 else found == sizes


def test_where_nothing_is_stacked_a_part_is_a_cell():
    assert [*parts(cells({"a": [1, 2], "b": [3]}), ())] == [[{"a": 1, "b": 3}], [{"a": 2, "b": 3}]]


def test_parts_are_made_when_they_are_asked_for():
    found = parts(cells({name: range(1000) for name in "abc"}, most=10**9), ())
    assert next(found) == [{"a": 0, "b": 0, "c": 0}]


def test_too_many_cells_are_refused_at_once():
    """Before anything is done with each of them."""
    with pytest.raises(ValueError, match="has 1,000,000 cells"):
        cells(parse("lam=lin:0:1:1000000"))
