"""Sweeps: what workers cost over a plain loop, what a killed one costs, and what a grid of finished cells does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from unittest import mock

from timing import Row

from latentbook.learning.engines import Part
from latentbook.learning.ledger import Ledger
from latentbook.learning.sweep import known, run_all
from latentbook.learning.work import Order

# Classifiers by logistic regression: cells that are not stacked, and take next to nothing.
TINY = {"kind": ["logistic"], "scale": ["smoke"], "device": ["cpu"], "steps": [1]}
# Of these a cell takes seconds.
SLOW = {**TINY, "steps": [3000]}
FEW, MANY = 2, 42
# Rows and columns of the published grid.
SIDE = 21


def measure() -> list[Row]:
    """Return the time to start workers, the time a cell, the scan of finished cells, its memory, and a kill."""
    with _place():
        ask = "at most 3 s"
        rows = [
            Row("a sweep on 2 workers over a plain loop, to start, by the command", _by_command(), asked=ask),
            Row("the same, in a process that has torch", _to_start("first"), asked=ask),
            Row("the same, once more", _to_start("second"), asked=ask),
            Row("the same, a cell", _each(), asked="at most 50 ms"),
        ]
        scan, grown = _scan()
        rows += [
            Row(f"a sweep of {SIDE**2} finished cells, started again", scan, asked="at most 5 s"),
            Row(f"memory of its driver over that of {SIDE} cells", grown, unit="MiB", asked="flat"),
            Row(f"the same, {SIDE**2} cells to be worked on, over {2 * SIDE}", _driven(), unit="MiB", asked="flat"),
        ]
        whole, killed = _with_and_without_a_kill()
        return [*rows, Row("16 cells on 2 workers, one killed", killed / whole - 1, unit="%", asked="at most +30 %")]


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """A folder of finished runs that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, LATENTBOOK_RUNS=folder):
        yield


def _seconds(cells: int, engine: str | None, label: str) -> float:
    begin = time.perf_counter()
    run_all("classifiers", {"seed": [*range(cells)], **TINY}, engine=engine, workers=2 if engine else None, label=label)
    return time.perf_counter() - begin


def _by_command() -> float:
    """Return by how many seconds the command takes longer with workers, for two cells that take nothing."""
    grid = ",".join(f"{name}={values[0]}" for name, values in TINY.items())
    words = [sys.executable, "-m", "latentbook", "sweep", "classifiers", "--grid", f"seed=0|1,{grid}"]
    times = []
    for label, options in (("command-plain", []), ("command-local", ["--engine", "local", "--workers", "2"])):
        begin = time.perf_counter()
        subprocess.run([*words, "--label", label, *options], check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return times[1] - times[0]


def _to_start(label: str) -> float:
    """Return by how many seconds two cells that take nothing take longer with workers."""
    return _seconds(FEW, "local", f"{label}-local") - _seconds(FEW, None, f"{label}-plain")


def _each() -> float:
    """Return by how many seconds each further cell takes longer with two workers; they share the cells."""
    few, many = (_seconds(count, "local", f"local-{count}") for count in (FEW, MANY))
    plain_few, plain_many = (_seconds(count, None, f"plain-{count}") for count in (FEW, MANY))
    return ((many - few) - (plain_many - plain_few)) / (MANY - FEW)


def _grid(rows: int) -> dict[str, list]:
    """Return some rows of a grid whose cells are not stacked."""
    return {**TINY, "seed": [*range(SIDE)], "steps": [*range(1, rows + 1)]}


def _scan() -> tuple[float, int]:
    """Return the seconds of a sweep that finds all done, and how its memory grows with the cells."""
    peaks = []
    for rows in (1, SIDE):
        grid, label = _grid(rows), f"finished-{rows}"
        _pretend(grid, label)
        tracemalloc.start()
        begin = time.perf_counter()
        run_all("classifiers", grid, engine="local", label=label)
        seconds = time.perf_counter() - begin
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return seconds, max(0, peaks[1] - peaks[0])


def _pretend(grid: dict[str, list], label: str) -> None:
    """Write what a sweep leaves behind, without training: as many files as it would."""
    book = Ledger(label, "latentbook.learning.recipes.classifiers", grid)
    book.agree()
    for cell in known(label).order.cells:
        _end(book, cell)


def _end(book: Ledger, cell: dict) -> None:
    run = book.key(cell)
    book.run_file(run).write_bytes(b"a run")
    book.finish(cell, run, 0.0)


def _driven() -> int:
    """Return how the memory of a driver grows with the cells that it hands out, to work that takes nothing."""

    def no_work(order: Order, part: Part, _: dict) -> bool:
        for cell in part:
            _end(order.ledger, cell)
        return True

    peaks = []
    with mock.patch("latentbook.learning.engines.work", no_work):
        # The first one fills what every process keeps.
        for rows in (1, 2, SIDE):
            tracemalloc.start()
            run_all("classifiers", _grid(rows), label=f"driven-{rows}")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    return max(0, peaks[2] - peaks[1])


def _with_and_without_a_kill() -> tuple[float, float]:
    """Return the seconds of 16 cells on 2 workers, undisturbed, and with one worker killed in the middle."""
    grid = {"seed": [*range(16)], **SLOW}
    times = []
    for label in ("undisturbed", "killed"):
        killer = threading.Thread(target=_kill_one, args=(label, 5))
        begin = time.perf_counter()
        if label == "killed":
            killer.start()
        done = run_all("classifiers", grid, engine="local", workers=2, label=label).done()
        times.append(time.perf_counter() - begin)
        assert len(done) == 16, f"{len(done)} of 16 cells are done"
    return times[0], times[1]


def _kill_one(label: str, after: int) -> None:
    """Kill one of the workers when some cells are done."""
    while True:
        time.sleep(0.05)
        with contextlib.suppress(ValueError):
            if len(done := known(label).done()) >= after:
                os.kill(int(done[-1].state.worker.split(":")[1]), signal.SIGKILL)
                return
