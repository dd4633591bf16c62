"""Sweeps: any recipe over any grid, in this process or on many machines, killed and started again without loss.

The grid is data (`latentbook.learning.grid`). The work at it is in `latentbook.learning.work`, who does it in
`latentbook.learning.engines` and `latentbook.learning.cluster`. What is done stands in files
(`latentbook.learning.ledger`), and nowhere else.

All chapters.
"""

from __future__ import annotations

import contextlib
import json
import pkgutil
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from latentbook.learning import grid as grids
from latentbook.learning import recipes, runs
from latentbook.learning.engines import Engine, Part, Plain
from latentbook.learning.ledger import MANIFEST, State
from latentbook.learning.options import require_choice, require_integer, require_label
from latentbook.learning.progress import Line, duration
from latentbook.learning.results import Results
from latentbook.learning.source import digest
from latentbook.learning.work import Order, is_complete, is_settled

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["RECIPES", "known", "run_all"]

RECIPES = tuple(sorted(module.name for module in pkgutil.iter_modules(recipes.__path__)))
# Seconds until a part is asked for again that somebody else works on, and between two looks at such parts.
PATIENCE, LOOK = 1.0, 0.2
# Share of the time in which all cells are counted again: a hundred thousand take 20 s.
COUNTING = 0.02


def run_all(
    recipe: str | ModuleType,
    grid: Mapping[str, Sequence[Any]] | str,
    *,
    engine: str | Client | None = None,
    repeats: int = 1,
    label: str | None = None,
    scores: bool = False,
    again: bool = False,
    workers: int | None = None,
    most: int = grids.MOST_CELLS,
) -> Results:
    """Train a recipe at every cell of a grid, and keep each as a finished run.

    What is finished is not trained again: started once more, with whatever engine, a sweep goes on. A cell whose
    process dies goes on from its last checkpoint; one that fails three times is left, with its traceback. The same grid
    gives the same numbers with every engine, on machines of one kind.

    Args:
        recipe: A module of `latentbook.learning.recipes`, or its name.
        grid: The values of each parameter of the recipe's `settings`, by name; or one line of text, as
            `latentbook.learning.grid.parse` reads it.
        engine: None for this process; ``"local"`` for workers on this machine, one a GPU or one a core; the address of
            a Dask scheduler, or a client, for any others. In a script ``"local"`` stands under
            ``if __name__ == "__main__":``, since workers import it.
        repeats: How often each cell is trained, with one seed after another.
        label: Letters, digits, ``.``, ``_`` and ``-``; None for one that follows from the recipe and the grid.
        scores: Whether runs are measured, too.
        again: Whether cells that failed before are tried again.
        workers: Of the engine ``"local"``, if another number.
        most: Cells that are not too many.

    Returns:
        What the files say now.

    Raises:
        ValueError: If the grid names no parameters of the recipe, or no cells or too many; the label is of another
            sweep; no scheduler answers; or a worker has another package or torch.
        ImportError: If an engine needs Dask, and it is not installed.
        OSError: If the disk is full, or may not be written.

    Example:
        >>> import os, tempfile
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, LATENTBOOK_RUNS=tempfile.mkdtemp()):
        ...     found = run_all("isometry", "lam=0|10,scale=smoke,steps=20,device=cpu")
        ...     len(found.done()), len(found)
        (2, 2)

    All chapters.
    """
    if workers is not None:
        require_integer("workers", workers, 1)
    order = _ordered(recipe, grid, repeats, label, scores, most)
    for row in Results(order).failed() if again else ():
        order.ledger.forgive(row.cell)
    tally = _Tally(order)
    # Where nothing is left to be done, nobody is started.
    if tally.is_open:
        try:
            with _engine(order, engine, workers) as chosen, Line() as line:
                _drive(order, chosen, tally, line)
        finally:
            # Who worked for us was ended by us: what is not done is no failure of a cell.
            for part in tally.parts_out():
                order.ledger.pardon(part)
    order.ledger.tidy(all_done=tally.done == tally.total)
    return Results(order)


def known(label: str) -> Results:
    """Return what a sweep came to so far.

    Args:
        label: Of the sweep.

    Returns:
        What the files say now.

    Raises:
        ValueError: If there is no sweep of that label; lists those that there are.

    All chapters.
    """
    file = runs.folder() / label / MANIFEST
    if not file.is_file():
        there = sorted(path.parent.name for path in runs.folder().glob(f"*/{MANIFEST}"))
        raise ValueError(f"`label` is {label!r}, but {runs.folder()} has the sweeps {there}")
    told = json.loads(file.read_text())
    # It was not too large when it began.
    return Results(_ordered(import_module(told["recipe"]), told["grid"], told["repeats"], label, False, sys.maxsize))


def _ordered(
    recipe: str | ModuleType,
    grid: Mapping[str, Sequence[Any]] | str,
    repeats: int,
    label: str | None,
    scores: bool,
    most: int,
) -> Order:
    """Check what is asked for, and write down what the sweep is over."""
    module = recipe if isinstance(recipe, ModuleType) else _module(recipe)
    wanted = grids.parse(grid) if isinstance(grid, str) else {name: [*values] for name, values in grid.items()}
    grids.require_names(wanted, module.settings)
    _require_possible(wanted, module)
    grids.cells(wanted, repeats, most=most)
    text = json.dumps(wanted)
    own = f"{module.__name__.rpartition('.')[2]}-{digest(json.dumps([text, repeats]).encode())[:8]}"
    require_label(label or own)
    order = Order(label or own, module.__name__, text, repeats, scores, most, str(runs.folder().absolute()))
    order.ledger.agree()
    return order


def _require_possible(grid: Mapping[str, Sequence[Any]], module: ModuleType) -> None:
    """Refuse at once what every cell would be refused for."""
    # Workers may have a device that this process lacks.
    first = {name: values[0] for name, values in grid.items() if values and name != "device"}
    common = {name: value for name, value in first.items() if len(grid[name]) == 1}
    if (told := _refusal(module, common)) and told == _refusal(module, first):
        raise ValueError(told)


def _refusal(module: ModuleType, parameters: Mapping[str, Any]) -> str:
    """Return why a recipe refuses parameters; empty where it takes them."""
    try:
        module.settings(**parameters)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _module(recipe: str) -> ModuleType:
    name = recipe.replace("-", "_")
    require_choice("recipe", name, RECIPES)
    return import_module(f"{recipes.__name__}.{name}")


@contextlib.contextmanager
def _engine(order: Order, engine: str | Client | None, workers: int | None) -> Iterator[Engine]:
    if engine is None:
        yield Plain(order)
        return
    try:
        from latentbook.learning import cluster
    except ImportError as error:
        raise ImportError(f"`engine` is {engine!r}, which needs Dask: pip install 'latentbook[sweep]'") from error
    with contextlib.ExitStack() as held:
        own = None
        if engine == "local":
            client, own = held.enter_context(cluster.own_cluster(workers))
        elif isinstance(engine, str):
            client = held.enter_context(cluster.connected(engine))
        else:
            client = engine
        chosen = cluster.OnCluster(order, client, own)
        held.callback(chosen.cancel)
        yield chosen


def _drive(order: Order, engine: Engine, tally: _Tally, line: Line) -> None:
    """Hand out what is left to be done, until nothing is."""
    queue = _Queue(order)
    while True:
        while engine.running() < engine.slots() and (part := queue.next()):
            tally.hand_out(part)
            engine.submit(part)
        tally.look()
        line.show(tally.text(engine.note()))
        if engine.running():
            for part, was_free in engine.returned():
                tally.count(part, engine)
                queue.put_back(part, 0.0 if was_free else PATIENCE)
        elif queue.waiting:
            time.sleep(LOOK)
        else:
            return


class _Queue:
    """Parts at which something is left to be done: those of the grid, then those that came back."""

    def __init__(self, order: Order) -> None:
        self.order, self.fresh = order, order.parts()
        self.waiting: deque[tuple[float, Part]] = deque()

    def next(self) -> Part | None:
        """Return a part that may be worked on now, if there is one."""
        for part in self.fresh:
            if not self._is_settled(part):
                return part
        for _ in range(len(self.waiting)):
            when, part = self.waiting.popleft()
            if self._is_settled(part):
                continue
            if when <= time.monotonic():
                return part
            self.waiting.append((when, part))
        return None

    def put_back(self, part: Part, patience: float) -> None:
        """Keep a part that came back, if something is left to be done."""
        if not self._is_settled(part):
            self.waiting.append((time.monotonic() + patience, part))

    def _is_settled(self, part: Part) -> bool:
        return all(is_settled(self.order.ledger.state(cell), self.order) for cell in part)


class _Out(NamedTuple):
    """A part that is worked on, and those of its cells that were not settled when they were last counted."""

    part: Part
    left: Part


class _Tally:
    """How far a sweep has got, in words."""

    def __init__(self, order: Order) -> None:
        self.order, self.start, self.total = order, time.monotonic(), len(order.cells)
        self.out: dict[int, _Out] = {}
        self._count_all()
        self.before = self.done + self.failed

    @property
    def is_open(self) -> bool:
        """Whether something is left to be done."""
        return self.done + self.failed < self.total

    def hand_out(self, part: Part) -> None:
        """Take note of a part that is worked on now."""
        self.out[id(part)] = self._as_out(part)

    def parts_out(self) -> list[Part]:
        """Return the parts that have not come back."""
        return [one.part for one in self.out.values()]

    def count(self, part: Part, engine: Engine) -> None:
        """Take note of a part that came back."""
        states = [self.order.ledger.state(cell) for cell in self.out.pop(id(part)).left]
        for state in states:
            self._settle(state)
        if found := next((state.run for state in states if state.run), None):
            engine.learn(self.order.ledger.run_file(found))

    def look(self) -> None:
        """Count all cells again, where that was long ago: others may work on the same sweep."""
        if time.monotonic() >= self.next:
            self._count_all()
            self.out = {key: self._as_out(one.part) for key, one in self.out.items()}

    def text(self, note: str) -> str:
        """Return the line that a reader sees.

        Args:
            note: What the engine has to say.
        """
        parts = [f"{self.order.label}: {self.done:,} of {self.total:,} cells done"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{sum(len(one.left) for one in self.out.values()):,} handed out"] if self.out else []
        parts += [f"{duration(self._seconds_left())} left"] if self.is_open and self._fresh else []
        parts += [note] if note else []
        return ", ".join(parts)

    @property
    def _fresh(self) -> int:
        return self.done + self.failed - self.before

    def _seconds_left(self) -> float:
        return (time.monotonic() - self.start) / self._fresh * (self.total - self.done - self.failed)

    def _count_all(self) -> None:
        begun = time.monotonic()
        self.done = self.failed = 0
        for row in Results(self.order):
            self._settle(row.state)
        ended = time.monotonic()
        self.next = ended + max(LOOK, (ended - begun) / COUNTING)

    def _as_out(self, part: Part) -> _Out:
        return _Out(part, [cell for cell in part if not is_settled(self.order.ledger.state(cell), self.order)])

    def _settle(self, state: State) -> None:
        if is_settled(state, self.order):
            complete = is_complete(state, self.order)
            self.done += complete
            self.failed += not complete
