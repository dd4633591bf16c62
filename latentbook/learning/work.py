"""The work of a sweep: one part of its grid is trained, measured, published, and what became of it written down.

Whoever works, in this process or in another one, reads the same files and leaves the same behind.

All chapters.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from latentbook.core import is_disk_s_fault, one_thread
from latentbook.learning import grid
from latentbook.learning.ledger import ATTEMPTS, MANIFEST, Ledger, State
from latentbook.learning.progress import Progress
from latentbook.learning.source import source_hash, versions

__all__ = ["Order", "WrongWorker", "differences", "facts", "is_complete", "is_settled", "misfit", "work"]

# Attempts at a part as a whole: the last one is at each cell alone.
AS_A_WHOLE = ATTEMPTS - 1
# Recipes seed the generators of the whole process: whatever threads a worker has, one part is worked on at a time.
ALONE = threading.Lock()


class WrongWorker(RuntimeError):
    """A worker that would compute something else: with other source or another torch, or without the sweep's folder."""


@dataclass(frozen=True)
class Order:
    """What a sweep is asked for; what travels to the workers.

    Attributes:
        label: Of the sweep, and of its runs.
        recipe: The module that trains, by name.
        grid: Values of each parameter, as JSON.
        repeats: How often each combination is trained.
        scores: Whether runs are measured, too.
        most: Cells that are not too many.
        folder: Of finished runs, the same for all who work.
    """

    label: str
    recipe: str
    grid: str
    repeats: int
    scores: bool
    most: int
    folder: str

    @property
    def module(self) -> ModuleType:
        """The recipe."""
        return importlib.import_module(self.recipe)

    @property
    def cells(self) -> grid.Cells:
        """All cells, one after another."""
        return _cells(self)

    def parts(self) -> Iterator[list[dict[str, Any]]]:
        """What is trained as one, one after another."""
        return grid.parts(self.cells, self.module.STACKED)

    @property
    def ledger(self) -> Ledger:
        """The sweep's ledger, in the order's folder."""
        return _ledger(self, facts(self.recipe)["latentbook"])


@functools.lru_cache(maxsize=8)
def _ledger(order: Order, source: str) -> Ledger:
    return Ledger(order.label, order.recipe, json.loads(order.grid), order.repeats, order.folder, source)


@functools.lru_cache(maxsize=8)
def _cells(order: Order) -> grid.Cells:
    return grid.cells(json.loads(order.grid), order.repeats, most=order.most)


def is_settled(state: State, order: Order) -> bool:
    """Whether nothing is left to be done at a cell: all is there, or nobody will try again.

    Args:
        state: Of the cell.
        order: Says whether scores are wanted.

    Returns:
        Whether all is there that was ordered, or will never be.

    Example:
        >>> order = Order("mine", "latentbook.learning.recipes.isometry", "{}", 1, True, 1, "")
        >>> is_settled(State(run="0123456789abcdef"), order)
        False

    All chapters.
    """
    return state.is_given_up or is_complete(state, order)


def is_complete(state: State, order: Order) -> bool:
    """Whether all is there that was ordered of a cell.

    Args:
        state: Of the cell.
        order: Says whether scores are wanted.

    Returns:
        Whether there is a run, with scores if they are wanted.

    Example:
        >>> order = Order("mine", "latentbook.learning.recipes.isometry", "{}", 1, False, 1, "")
        >>> is_complete(State(run="0123456789abcdef"), order)
        True

    All chapters.
    """
    return state.is_done and (state.scores is not None or not order.scores)


@functools.cache
def facts(recipe: str) -> dict[str, str]:
    """Return what a worker's numbers depend on besides its order: the source of the recipe, and libraries.

    Of the source it is what was there when this process first asked: what it loads is not loaded again when files
    change.

    Args:
        recipe: The module that trains, by name.

    Returns:
        Hash or version, by name.

    Example:
        >>> [*facts("latentbook.learning.recipes.isometry")]
        ['latentbook', 'torch', 'numpy']

    All chapters.
    """
    own = versions("torch", "numpy")
    return {"latentbook": source_hash([f"import {recipe}"]), "torch": own["torch"], "numpy": own["numpy"]}


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in what two processes differ.

    Args:
        mine: From `facts`.
        theirs: From `facts` in another process.

    Returns:
        In words; empty where they are alike.

    Example:
        >>> differences({"torch": "2.11.0", "numpy": "2.4.6"}, {"torch": "2.10.0", "numpy": "2.4.6"})
        'torch 2.10.0, not 2.11.0'

    All chapters.
    """
    return ", ".join(f"{name} {theirs[name]}, not {mine[name]}" for name in mine if theirs[name] != mine[name])


def misfit(order: Order, expected: Mapping[str, str]) -> str:
    """Say why this process shall not work on a sweep: it would compute something else, or for itself alone.

    Args:
        order: Of the sweep.
        expected: `facts` of who ordered.

    Returns:
        In words, after "the worker"; empty where all is well.

    Example:
        >>> order = Order("mine", "latentbook.learning.recipes.isometry", "{}", 1, False, 1, "/nowhere")
        >>> misfit(order, facts(order.recipe))
        'does not see /nowhere/mine/sweep.json: share the folder of finished runs'

    All chapters.
    """
    if told := differences(expected, facts(order.recipe)):
        return f"has {told}: install the same there, or start it again"
    # What cannot be imported complains by itself.
    importlib.import_module(order.recipe)
    manifest = Path(order.folder) / order.label / MANIFEST
    return "" if manifest.is_file() else f"does not see {manifest}: share the folder of finished runs"


def work(order: Order, part: Sequence[dict[str, Any]], expected: Mapping[str, str]) -> bool:
    """Make one attempt at all that is left to be done at a part, unless somebody else is at it.

    What a cell raises is written down as its failure.

    Args:
        order: Of the sweep.
        part: Cells that are trained as one.
        expected: `facts` of who ordered.

    Returns:
        Whether the cells were free.

    Raises:
        WrongWorker: If this process would compute something else, or does not see the sweep's folder.
        OSError: If the disk is full, or may not be written.

    All chapters.
    """
    if told := misfit(order, expected):
        raise WrongWorker(f"the worker on {socket.gethostname()}, process {os.getpid()}, {told}")
    with ALONE, _runs_in(order.folder), one_thread(), order.ledger.claimed(part) as ours:
        if ours:
            _Attempt(order).at(part)
        return ours


class _Attempt:
    """An attempt at some cells."""

    def __init__(self, order: Order) -> None:
        self.order, self.ledger, self.recipe = order, order.ledger, order.module

    def at(self, part: Sequence[dict[str, Any]]) -> None:
        """Train as one what has not failed twice, and the others one by one: then one bad cell spoils no other."""
        together, alone = [], []
        for cell in part:
            state = self.ledger.state(cell)
            if state.attempts < AS_A_WHOLE:
                together.append(cell)
            elif not (state.is_done or state.is_given_up):
                alone.append(cell)
        self.train(together)
        for cell in alone:
            self.train([cell])
        for cell in part if self.order.scores else ():
            self.measure(cell)

    def train(self, cells: Sequence[dict[str, Any]]) -> None:
        """Train cells as one, from their last checkpoint if there is one, unless all of them are done."""
        chosen = [(cell, one) for cell in cells if (one := self.settings(cell)) is not None]
        good = [cell for cell, _ in chosen]
        if all(self.ledger.state(cell).is_done for cell in good):
            return
        checkpoint, began = self.ledger.checkpoint(good), time.time()
        with self.ledger.attempt(good, checkpoint):
            if any(self.ledger.state(cell).is_given_up for cell in good):
                # Its process has died once too often.
                return
            found = self.trained(good, [one for _, one in chosen], checkpoint)
            # None of them where the training failed.
            for cell, run in zip(good if found else [], found, strict=True):
                self.ledger.finish(cell, run.id, began)
            checkpoint.unlink(missing_ok=True)

    def trained(self, cells: Sequence[dict[str, Any]], chosen: Sequence[Any], checkpoint: Path) -> Sequence[Any]:
        """Return the runs of cells, or none where the training fails; then begin the next one from its start."""
        # The sweep has a line of its own.
        options = {"label": self.order.label, "checkpoint": checkpoint, "progress": Progress(0, shown=False)}
        try:
            return self.recipe.together(chosen, **options)
        except Exception as error:
            for cell in cells:
                self.fail(cell, error)
            return []

    def settings(self, cell: dict[str, Any]) -> Any:
        """Return a cell's checked parameters; None where they are refused."""
        try:
            return self.recipe.settings(**cell)
        except Exception as error:
            self.fail(cell, error)
            return None

    def measure(self, cell: dict[str, Any]) -> None:
        """Measure the finished run of a cell, if it was not yet."""
        state = self.ledger.state(cell)
        if state.run is None or state.scores is not None or state.is_given_up:
            return
        with self.ledger.attempt([cell]):
            try:
                chosen = self.recipe.settings(**cell)
                run = self.recipe.train(chosen, trained=self.ledger.run_file(state.run))
                self.ledger.score(cell, self.recipe.scores(chosen, run))
            except Exception as error:
                self.fail(cell, error)

    def fail(self, cell: dict[str, Any], error: Exception) -> None:
        """Write down what a cell raised; what is the disk's fault is raised again."""
        if is_disk_s_fault(error):
            raise error
        self.ledger.fail(cell, "".join(traceback.format_exception(error)))


@contextlib.contextmanager
def _runs_in(folder: str) -> Iterator[None]:
    """Let finished runs be kept where the sweep has them, whatever this process calls its own."""
    before = os.environ.get("LATENTBOOK_RUNS")
    os.environ["LATENTBOOK_RUNS"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["LATENTBOOK_RUNS"]
        else:
            os.environ["LATENTBOOK_RUNS"] = before
