"""Grids of parameters: what a sweep goes over, as text and as data.

All chapters.
"""

from __future__ import annotations

import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["MOST_CELLS", "Cells", "Grid", "cells", "parse", "parts", "require_names"]

Grid = Mapping[str, Sequence[Any]]
Cell = dict[str, Any]

# More than these are asked for by mistake, unless one says so.
MOST_CELLS = 100_000
# Values of one parameter in a range.
MOST_VALUES = 1_000_000
# Figures that a number in a range keeps: so the ends and the middle of a decade are what one writes.
FIGURES = 6
# Cells that are trained as one, at most.
TOGETHER = 49


def parse(text: str) -> dict[str, list[Any]]:
    """Read a grid from one line of text.

    A value is a number, ``true``, ``false`` or ``null``, and else a word; in double quotes it is a word in any case. A
    parameter has one value, several with ``|`` between them, or a range: ``log:low:high:count`` at equal ratios,
    ``lin:low:high:count`` at equal distances, both ends among them. A comma stands between parameters.

    Args:
        text: As in ``"beta_1=log:0.1:10:21,inference=top-down|ladder"``.

    Returns:
        The values of each parameter, in order.

    Raises:
        ValueError: If it cannot be read; says which part, and how it would be right.

    Example:
        >>> parse("lam=log:0.1:10:3,model=irvae|irae,steps=50")
        {'lam': [0.1, 1.0, 10.0], 'model': ['irvae', 'irae'], 'steps': [50]}

    All chapters.
    """
    grid: dict[str, list[Any]] = {}
    for part in text.split(","):
        name, equals, values = (word.strip() for word in part.partition("="))
        if not (equals and name.isidentifier() and values):
            raise ValueError(f"{part.strip()!r} is no parameter of a grid: write NAME=VALUES, as in lam=log:0.1:10:5")
        if name in grid:
            raise ValueError(f"{name!r} stands twice in the grid {text!r}: join its values with |")
        grid[name] = _values(name, values)
    return grid


class Cells:
    """Every combination of a grid's values, made one after another: a hundred thousand take no more memory than one.

    Attributes:
        grid: The values of each parameter, seeds of repeats among them.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def __len__(self) -> int:
        return math.prod(map(len, self.grid.values())) if self.grid else 0

    def __iter__(self) -> Iterator[Cell]:
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))


def cells(grid: Grid, repeats: int = 1, *, most: int = MOST_CELLS) -> Cells:
    """Return every combination of a grid's values; the last parameter changes fastest.

    Args:
        grid: The values of each parameter; none of them twice.
        repeats: How often each combination is there, at least 1: with the seeds from the grid's, or from 0, on.
        most: Cells that are not yet too many.

    Returns:
        Parameters by name, of one cell each.

    Raises:
        ValueError: If there is no cell, a value stands twice, cells are too many, or repeats meet a grid that has
            several seeds of its own.

    Example:
        >>> [*cells({"lam": [0.1, 1.0]}, repeats=2)]
        [{'lam': 0.1, 'seed': 0}, {'lam': 0.1, 'seed': 1}, {'lam': 1.0, 'seed': 0}, {'lam': 1.0, 'seed': 1}]

    All chapters.
    """
    if repeats < 1:
        raise ValueError(f"`repeats` is {repeats}, but must be at least 1")
    whole = {name: [*values] for name, values in grid.items()}
    if repeats > 1:
        whole["seed"] = _seeds(whole.get("seed", [0]), repeats)
    found = Cells(whole)
    if not len(found):
        raise ValueError(f"`grid` is {dict(grid)}, which has no cells: give every parameter a value")
    if len(found) > most:
        raise ValueError(
            f"`grid` has {len(found):,} cells, more than {most:,}: make it coarser, or say that it is meant"
        )
    for name, values in whole.items():
        _require_different(name, values)
    return found


def parts(found: Cells, stacked: Sequence[str]) -> Iterator[list[Cell]]:
    """Part a grid into what is trained as one: about as many parts as a part has cells.

    A part depends on the grid alone, and not on who trains it or on how many there are: models that are trained as one
    are rounded in another way than alone, so that the same grid gives the same numbers only in the same parts.

    Args:
        found: From `cells`.
        stacked: Parameters in which models of one family may differ.

    Returns:
        Parts one after another; each cell is in one.

    Example:
        >>> [len(part) for part in parts(cells({"lam": [0, 1, 2, 3, 4], "steps": [10]}), ["lam"])]
        [3, 2]

    All chapters.
    """
    own = Cells({name: values for name, values in found.grid.items() if name in stacked})
    shared = {name: values for name, values in found.grid.items() if name not in stacked}
    size = min(TOGETHER, math.ceil(math.sqrt(max(1, len(own)))))
    for values in itertools.product(*shared.values()):
        same = dict(zip(shared, values, strict=True))
        members = iter([{}] if not own.grid else own)
        while part := [*itertools.islice(members, size)]:
            # With the parameters in the grid's order.
            yield [{name: (same | member)[name] for name in found.grid} for member in part]


def require_names(grid: Grid, settings: Callable[..., Any]) -> None:
    """Refuse a grid over what a recipe does not have.

    Args:
        grid: The values of each parameter.
        settings: The recipe's, whose keywords are its parameters.

    Raises:
        ValueError: If a name is none of them; lists those.

    Example:
        >>> from latentbook.learning.recipes.information import settings
        >>> require_names({"beta_1": [0.1]}, settings)

    All chapters.
    """
    known = [*inspect.signature(settings).parameters]
    if unknown := [name for name in grid if name not in known]:
        raise ValueError(f"`grid` has {unknown[0]!r}, but the recipe's parameters are {', '.join(known)}")


def _require_different(name: str, values: Sequence[Any]) -> None:
    known = set()
    for value in values:
        # True is 1, but not here.
        text = json.dumps(value)
        if text in known:
            raise ValueError(f"`grid` has {name} = {value!r} twice: leave one out, or ask for repeats")
        known.add(text)


def _values(name: str, text: str) -> list[Any]:
    kind, *numbers = text.split(":")
    if kind in ("log", "lin"):
        return _range(name, kind, numbers)
    values = [value.strip() for value in text.split("|")]
    if "" in values:
        raise ValueError(f"{name}={text} has an empty value: leave out the | that is too many")
    return [_value(value) for value in values]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _range(name: str, kind: str, numbers: Sequence[str]) -> list[float]:
    try:
        ends, count = [float(number) for number in numbers[:-1]], int(numbers[-1])
    except (IndexError, ValueError):
        ends, count = [], 0
    if len(ends) != 2 or not all(map(math.isfinite, ends)):
        raise ValueError(f"{name}={':'.join([kind, *numbers])} is no range: write {kind}:LOW:HIGH:COUNT")
    low, high = ends
    if count > MOST_VALUES:
        raise ValueError(f"{name}={':'.join([kind, *numbers])} has {count:,} values, more than {MOST_VALUES:,}")
    if count < 2 or low >= high or (kind == "log" and low <= 0):
        least = "0 < LOW < HIGH" if kind == "log" else "LOW < HIGH"
        raise ValueError(f"{name}={':'.join([kind, *numbers])} goes nowhere: a range has {least} and 2 values or more")
    parts = [place / (count - 1) for place in range(count)]
    if kind == "log":
        return [_rounded(low * (high / low) ** part) for part in parts]
    return [_rounded(low + (high - low) * part) for part in parts]


def _rounded(value: float) -> float:
    return float(f"{value:.{FIGURES}g}")


def _seeds(first: Sequence[Any], repeats: int) -> list[int]:
    if len(first) != 1 or isinstance(first[0], bool) or not isinstance(first[0], int):
        raise ValueError(f"`grid` has the seeds {list(first)} and `repeats` is {repeats}: give one seed to begin with")
    return [first[0] + repeat for repeat in range(repeats)]
