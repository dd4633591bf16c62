r"""Which rates are best for which task, among those that were tried."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

__all__ = ["TASKS", "Optimum", "Task", "optimal_rates"]


class Task(NamedTuple):
    """What a task asks for.

    Attributes:
        metric: Name of a number that each cell has.
        larger: Whether larger is better.
    """

    metric: str
    larger: bool


TASKS = {
    "reconstruction": Task("psnr", larger=True),
    "generation": Task("inception_score", larger=True),
    "classification": Task("accuracy", larger=True),
    "distortion": Task("D", larger=False),
}


class Optimum(NamedTuple):
    """The cell that is best for a task.

    Attributes:
        cell: Its index.
        rates: Its rates, in nats, from the top layer down.
        value: What it reaches.
    """

    cell: int
    rates: dict[str, float]
    value: float


def optimal_rates(results: Sequence[Mapping[str, Any]] | Mapping[str, Any], task: str | Task) -> Optimum:
    r"""Return which rates :math:`(R_L, \ldots, R_1)` are best for a task, among those that were tried.

    Of cells that are equally good the one with the smallest total rate is best. Cells whose value or rates are nan, or
    missing in their row, are left out: a training may have failed.

    Args:
        results: Cells, as a sequence of rows or as a table of columns of equal length. The rates are what is called
            ``"R_1"``, ``"R_2"`` and so on, in nats; a column that is a grid is read row by row.
        task: ``"reconstruction"`` (largest ``"psnr"``), ``"generation"`` (largest ``"inception_score"``),
            ``"classification"`` (largest ``"accuracy"``), ``"distortion"`` (smallest ``"D"``), or a `Task` of another
            metric.

    Returns:
        The cell, its rates, and its value.

    Raises:
        ValueError: If the task or its metric is unknown, there are no rates, columns differ in length, or no cell is
            left.

    Example:
        >>> cells = [{"R_2": 1.0, "R_1": 9.0, "psnr": 20.0, "accuracy": 0.7},
        ...          {"R_2": 4.0, "R_1": 5.0, "psnr": 19.0, "accuracy": 0.9}]
        >>> optimal_rates(cells, "reconstruction").cell
        0
        >>> optimal_rates(cells, "classification")
        Optimum(cell=1, rates={'R_2': 4.0, 'R_1': 5.0}, value=0.9)

    Chapter 4.
    """
    wanted, names = _task(task), _names(results)
    layers = sorted((name for name in names if re.fullmatch(r"R_\d+", name)), key=lambda name: -int(name[2:]))
    if not layers:
        raise ValueError(f"`results` has {names}, but no rates: call them 'R_1', 'R_2' and so on")
    if wanted.metric not in names:
        raise ValueError(f"`task` asks for {wanted.metric!r}, but `results` has {names}: measure it first")
    values, *columns = _columns(results, [wanted.metric, *layers])
    rates = list(zip(*columns, strict=True))
    whole = [cell for cell in range(len(values)) if not any(map(math.isnan, (values[cell], *rates[cell])))]
    if not whole:
        raise ValueError(
            f"`results` has {len(values)} cells, but none with rates and {wanted.metric!r} that are not nan"
        )
    sign = -1 if wanted.larger else 1
    best = min(whole, key=lambda cell: (sign * values[cell], sum(rates[cell])))
    return Optimum(best, dict(zip(layers, rates[best], strict=True)), values[best])


def _task(task: str | Task) -> Task:
    if isinstance(task, Task):
        return task
    if task not in TASKS:
        raise ValueError(f"`task` is {task!r}, but must be one of {', '.join(TASKS)}, or Task(metric, larger)")
    return TASKS[task]


def _names(results: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> list[str]:
    """Return what cells have, in the order of its appearance."""
    return list(results if isinstance(results, Mapping) else {name: None for row in results for name in row})


def _columns(results: Sequence[Mapping[str, Any]] | Mapping[str, Any], names: Sequence[str]) -> list[list[float]]:
    """Return the numbers of each name, nan where a row has none."""
    if not isinstance(results, Mapping):
        return [[float(row.get(name, math.nan)) for row in results] for name in names]
    columns = [torch.as_tensor(results[name]).double().flatten().tolist() for name in names]
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`results` has columns of lengths {lengths}: give each cell one number of each name")
    return columns
