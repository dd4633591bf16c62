"""The ledger of a sweep: which of its cells are done, failed, or being worked on, as files beside its runs.

A finished cell is a published run; the ledger says which. Its files stand in ``cells`` under the sweep's label:
``<cell>.done.json`` names the run, ``<cell>.failed.json`` holds the traceback of every attempt, ``<cell>.lock`` is held
by whoever works on it, and falls free when he dies. Any number of drivers and workers may have the same ledger open.

All chapters.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from latentbook.core import write_atomically
from latentbook.learning import runs
from latentbook.learning.source import digest, source_hash

__all__ = ["ATTEMPTS", "Ledger", "State"]

# How often a cell is tried before it is left as failed.
ATTEMPTS = 3
MANIFEST = "sweep.json"


@dataclass(frozen=True)
class State:
    """What the files say of one cell.

    Attributes:
        run: Id of the finished run; None where there is none.
        errors: Tracebacks of the attempts that failed, in order.
    """

    run: str | None = None
    errors: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether there is a finished run."""
        return self.run is not None

    @property
    def is_failed(self) -> bool:
        """Whether nobody will try again."""
        return not self.is_done and len(self.errors) >= ATTEMPTS


class Ledger:
    """The ledger of one sweep.

    Args:
        label: Of the sweep, and of its runs.
        recipe: The module that trains them, by name.
        grid: The values of each parameter.
        repeats: How often each combination is trained.

    Raises:
        ValueError: If the label belongs to a sweep with another recipe or grid; says which.
        OSError: If the folder of finished runs cannot be written.

    All chapters.
    """

    def __init__(self, label: str, recipe: str, grid: Mapping[str, Sequence[Any]], repeats: int = 1) -> None:
        self.label, self.recipe = label, recipe
        self.folder = runs.folder() / label
        self.source = source_hash([f"import {recipe}"])
        order = {"recipe": recipe, "grid": {name: [*values] for name, values in grid.items()}, "repeats": repeats}
        self._agree(order)

    def key(self, cell: Mapping[str, Any]) -> str:
        """Return the name of a cell's files.

        Args:
            cell: Its parameters.
        """
        return digest(json.dumps([self.recipe, dict(cell)], sort_keys=True).encode())

    def state(self, cell: Mapping[str, Any]) -> State:
        """Return what the files say of a cell.

        A run of other source than today's, or one that is gone, does not count.

        Args:
            cell: Its parameters.
        """
        key = self.key(cell)
        errors = tuple(self._read(key, "failed").get("errors", ()))
        done = self._read(key, "done")
        there = done.get("source") == self.source and (self.folder / f"{done['run']}{runs.SUFFIX}").is_file()
        return State(done["run"] if there else None, errors)

    @contextlib.contextmanager
    def claimed(self, cell: Mapping[str, Any]) -> Iterator[bool]:
        """Hold a cell, so that nobody else works on it.

        Args:
            cell: Its parameters.

        Returns:
            A context that holds whether it is ours: False where somebody has it.
        """
        place = self._file(self.key(cell), "lock")
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def finish(self, cell: Mapping[str, Any], run: str) -> None:
        """Say that a cell is done; the run is published before.

        Args:
            cell: Its parameters.
            run: Id of the run.
        """
        self._write(self.key(cell), "done", {"cell": dict(cell), "run": run, "source": self.source})

    def fail(self, cell: Mapping[str, Any], error: str) -> State:
        """Note that an attempt has failed.

        Args:
            cell: Its parameters.
            error: The traceback.

        Returns:
            What the files say now.
        """
        errors = [*self.state(cell).errors, error]
        self._write(self.key(cell), "failed", {"cell": dict(cell), "errors": errors})
        return State(None, tuple(errors))

    def forgive(self, cell: Mapping[str, Any]) -> None:
        """Forget the failures of a cell, so that it is tried again.

        Args:
            cell: Its parameters.
        """
        self._file(self.key(cell), "failed.json").unlink(missing_ok=True)

    def checkpoint(self, cell: Mapping[str, Any]) -> Path:
        """Return where an unfinished training of a cell is kept, to go on from.

        Args:
            cell: Its parameters.
        """
        return self._file(self.key(cell), "checkpoint")

    def _agree(self, order: dict[str, Any]) -> None:
        """Write down what the sweep is over, or compare."""
        file = self.folder / MANIFEST
        with contextlib.suppress(FileNotFoundError):
            known = json.loads(file.read_text())
            if differing := [name for name in order if known.get(name) != order[name]]:
                name = differing[0]
                there, here = known.get(name), order[name]
                raise ValueError(f"`label` {self.label!r} is a sweep with {name} {there}, not {here}: choose another")
            return
        write_atomically(file, json.dumps(order).encode())

    def _file(self, key: str, kind: str) -> Path:
        return self.folder / "cells" / f"{key}.{kind}"

    def _read(self, key: str, kind: str) -> dict[str, Any]:
        try:
            return json.loads(self._file(key, f"{kind}.json").read_text())
        except FileNotFoundError:
            return {}

    def _write(self, key: str, kind: str, content: dict[str, Any]) -> None:
        write_atomically(self._file(key, f"{kind}.json"), json.dumps(content).encode())
