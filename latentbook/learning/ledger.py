"""The ledger of a sweep: which of its cells are done, failed, or being worked on, as files beside its runs.

A finished cell is a published run; the ledger says which. Its files stand in ``cells`` under the sweep's label:
``<cell>.done.json`` names the run and holds its scores, ``<cell>.failed.json`` the traceback of every attempt,
``<cell>.lock`` is held by whoever works on it, and falls free when he dies, ``<cell>.begun`` then stays behind. Any
number of drivers and workers may have the same ledger open.

All chapters.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from latentbook.core import write_atomically
from latentbook.learning import runs
from latentbook.learning.source import digest, source_hash

__all__ = ["ATTEMPTS", "Ledger", "State"]

# How often a cell is tried before it is left as failed.
ATTEMPTS = 3
MANIFEST = "sweep.json"
CELLS = "cells"
CHECKPOINT = ".checkpoint"
# Seconds after which nobody still writes what is half-written.
LEFT = 3600
# What is known of a cell that is done.
DONE = ("run", "scores", "worker", "began", "ended")

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """What the files say of one cell.

    Attributes:
        run: Id of the finished run; None where there is none.
        scores: What the run was measured to be; None where it was not measured.
        worker: Host and process that trained it; empty where there is no run.
        began: When that began, in seconds since 1970; of cells that were trained as one, when all did.
        ended: When it was done, likewise.
        errors: Tracebacks of the attempts that raised an error, in order.
        kills: Attempts that ended with their process, and got no further than the one before.
    """

    run: str | None = None
    scores: Mapping[str, float] | None = None
    worker: str = ""
    began: float = math.nan
    ended: float = math.nan
    errors: tuple[str, ...] = ()
    kills: int = 0

    @property
    def is_done(self) -> bool:
        """Whether there is a finished run."""
        return self.run is not None

    @property
    def is_given_up(self) -> bool:
        """Whether nobody will try again."""
        return self.attempts >= ATTEMPTS

    @property
    def attempts(self) -> int:
        """How many have failed."""
        return len(self.errors) + self.kills

    @property
    def why(self) -> str:
        """Why there is no run, or no scores: the last traceback, or that its process was killed."""
        if self.errors:
            return self.errors[-1]
        return f"its process was killed {self.kills} times" if self.kills else "nobody has tried yet"


class Ledger:
    """The ledger of one sweep.

    Args:
        label: Of the sweep, and of its runs.
        recipe: The module that trains them, by name.
        grid: The values of each parameter.
        repeats: How often each combination is trained.
        place: Folder of finished runs; None for the usual one.
        source: Hash of the source that this process has loaded; None for that of the files.

    All chapters.
    """

    def __init__(
        self,
        label: str,
        recipe: str,
        grid: Mapping[str, Sequence[Any]],
        repeats: int = 1,
        place: str | Path | None = None,
        source: str | None = None,
    ) -> None:
        self.label, self.recipe = label, recipe
        self.folder = Path(place or runs.folder()) / label
        self.source = source or source_hash([f"import {recipe}"])
        self.order = {"recipe": recipe, "grid": {name: [*values] for name, values in grid.items()}, "repeats": repeats}

    def agree(self) -> None:
        """Write down what the sweep is over, or compare with what is written.

        Raises:
            ValueError: If the label belongs to a sweep with another recipe or grid; says which.
            OSError: If the folder of finished runs cannot be written.
        """
        file = self.folder / MANIFEST
        file.parent.mkdir(parents=True, exist_ok=True)
        with _lock(file.with_suffix(".lock")):
            if not file.is_file():
                write_atomically(file, json.dumps(self.order).encode())
        known = json.loads(file.read_text())
        for name, here in self.order.items():
            # As text: 1 and 1.0 are other cells.
            if json.dumps(there := known.get(name)) != json.dumps(here):
                raise ValueError(f"`label` {self.label!r} is a sweep with {name} {there}, not {here}: choose another")

    def key(self, cell: Cell) -> str:
        """Return the name of a cell's files.

        Args:
            cell: Its parameters.
        """
        return digest(json.dumps([self.recipe, dict(cell)], sort_keys=True).encode())

    def state(self, cell: Cell) -> State:
        """Return what the files say of a cell.

        What other source than today's has done does not count, nor a run that is gone.

        Args:
            cell: Its parameters.
        """
        key = self.key(cell)
        failed, done = self._read(key, "failed"), self._read(key, "done")
        there = "run" in done and self.run_file(done["run"]).is_file()
        known = {name: done[name] for name in DONE} if there else {}
        return State(**known, errors=tuple(failed.get("errors", ())), kills=failed.get("kills", 0))

    def run_file(self, run: str) -> Path:
        """Return where a finished run lies.

        Args:
            run: Its id.
        """
        return self.folder / f"{run}{runs.SUFFIX}"

    @contextlib.contextmanager
    def claimed(self, part: Sequence[Cell]) -> Iterator[bool]:
        """Hold cells, so that nobody else works on them.

        Args:
            part: Parameters of each.

        Returns:
            A context that holds whether all are ours: False where somebody has one of them.
        """
        with contextlib.ExitStack() as held:
            yield all(self._hold(cell, held) for cell in part)

    @contextlib.contextmanager
    def attempt(self, cells: Sequence[Cell], checkpoint: Path | None = None) -> Iterator[None]:
        """Mark cells that are held as worked on.

        Where the last one to work on a cell has died, and has left no newer checkpoint of it, that was an attempt.

        Args:
            cells: Parameters of each.
            checkpoint: Of these cells together; None where there is none.
        """
        marks = [self._mark(cell) for cell in cells]
        for cell, mark in zip(cells, marks, strict=True):
            if mark.exists() and not (checkpoint and _is_newer(checkpoint, mark)):
                self.fail(cell, None)
            mark.touch()
        try:
            yield
        finally:
            for mark in marks:
                mark.unlink(missing_ok=True)

    def pardon(self, part: Sequence[Cell]) -> None:
        """Let it count for nothing that who worked on cells was ended, unless somebody works on them by now.

        Args:
            part: Parameters of each.
        """
        with self.claimed(part) as ours:
            for cell in part if ours else ():
                self._mark(cell).unlink(missing_ok=True)

    def finish(self, cell: Cell, run: str, began: float) -> None:
        """Say that a cell is done by this process; the run is published before.

        Args:
            cell: Its parameters.
            run: Id of the run.
            began: When its training began, in seconds since 1970.
        """
        worker = f"{socket.gethostname()}:{os.getpid()}"
        self._write(cell, "done", {"run": run, "scores": None, "worker": worker, "began": began, "ended": time.time()})

    def score(self, cell: Cell, scores: Mapping[str, float]) -> None:
        """Say what the run of a cell that is done was measured to be.

        Args:
            cell: Its parameters.
            scores: Numbers by name.
        """
        known = self._read(self.key(cell), "done")
        self._write(cell, "done", {name: known[name] for name in DONE} | {"scores": dict(scores)})

    def fail(self, cell: Cell, error: str | None) -> None:
        """Note that an attempt has failed.

        Args:
            cell: Its parameters.
            error: The traceback; None where the process was killed.
        """
        before = self.state(cell)
        errors = [*before.errors, *([] if error is None else [error])]
        self._write(cell, "failed", {"errors": errors, "kills": before.kills + (error is None)})

    def forgive(self, cell: Cell) -> None:
        """Forget the failures of a cell, so that it is tried again.

        Args:
            cell: Its parameters.
        """
        self._file(self.key(cell), "failed.json").unlink(missing_ok=True)

    def tidy(self, *, all_done: bool) -> None:
        """Remove what killed processes have left half-written, and, at the end, checkpoints that nobody will read.

        Args:
            all_done: Whether this is the end.
        """
        for folder in filter(Path.is_dir, (self.folder, self.folder / CELLS)):
            # One file after another: a list of them would grow with the grid.
            with os.scandir(folder) as files:
                for file in map(Path, files):
                    if (all_done and file.suffix == CHECKPOINT) or (file.name.startswith(".") and _age(file) > LEFT):
                        file.unlink(missing_ok=True)

    def checkpoint(self, part: Sequence[Cell]) -> Path:
        """Return where an unfinished training of cells is kept, to go on from.

        Args:
            part: Parameters of each, in order: they are trained together.
        """
        keys = [self.source, *(self.key(cell) for cell in part)]
        return self._file(digest(json.dumps(keys).encode()), CHECKPOINT[1:])

    def _hold(self, cell: Cell, held: contextlib.ExitStack) -> bool:
        """Lock a cell until the stack ends, and say whether that was possible."""
        place = self._file(self.key(cell), "lock")
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(place)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        held.callback(lock.release)
        return True

    def _mark(self, cell: Cell) -> Path:
        return self._file(self.key(cell), "begun")

    def _file(self, key: str, kind: str) -> Path:
        return self.folder / CELLS / f"{key}.{kind}"

    def _read(self, key: str, kind: str) -> dict[str, Any]:
        """Return what was written with the source of today."""
        try:
            content = json.loads(self._file(key, f"{kind}.json").read_text())
        except FileNotFoundError:
            return {}
        return content if content["source"] == self.source else {}

    def _write(self, cell: Cell, kind: str, content: dict[str, Any]) -> None:
        whole = {"cell": dict(cell), "source": self.source} | content
        write_atomically(self._file(self.key(cell), f"{kind}.json"), json.dumps(whole).encode())


def _lock(place: Path) -> BaseFileLock:
    """Return a lock of the operating system, which falls free with its holder; never a file that stays behind."""
    return FileLock(place, fallback_to_soft=False)


def _age(file: Path) -> float:
    """Return for how many seconds a file has lain; 0 where it has gone."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_newer(file: Path, other: Path) -> bool:
    return file.exists() and file.stat().st_mtime_ns > other.stat().st_mtime_ns
