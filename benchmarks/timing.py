"""How benchmarks measure: both sides in one process, one thread, interleaved, medians."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

__all__ = ["STATUS", "Row", "compare", "memory_of", "timed"]

T = TypeVar("T")

# Where Linux says how much memory a process has held since it began.
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What is measured.
        ours: Median seconds; bytes where the unit is MiB.
        peer: The same of the other scheme; None where there is none.
        against: What the other scheme is.
        unit: In which they are shown, ms or MiB; % of parts.
        asked: What it was to be, where that was said beforehand.
    """

    name: str
    ours: float
    peer: float | None = None
    against: str = ""
    unit: str = "ms"
    asked: str = ""


def compare(
    name: str, ours: Callable[[], object], peer: Callable[[], object], against: str, repeats: int = 9, calls: int = 1
) -> Row:
    """Time two schemes in turn.

    Args:
        name: What is measured.
        ours: One call of ours.
        peer: One call of the other.
        against: What the other is.
        repeats: How often each is timed, after one call that is not.
        calls: Calls in one timing.

    Returns:
        The medians, per call.
    """
    times: dict[Callable, list[float]] = {ours: [], peer: []}
    for timing in range(repeats + 1):
        for scheme, seen in times.items():
            start = time.perf_counter()
            for _ in range(calls):
                scheme()
            if timing:
                seen.append((time.perf_counter() - start) / calls)
    return Row(name, statistics.median(times[ours]), statistics.median(times[peer]), against)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Call something once.

    Args:
        call: What is timed.

    Returns:
        What it returned, and the seconds of CPU that it took.
    """
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def memory_of(work: Callable[[int], object], size: int) -> int:
    """Measure what a task takes at its peak, in a process of its own.

    Args:
        work: The task, by its size; a function of a module.
        size: Its size. What a first call loads is not counted: a task of size 2 goes before.

    Returns:
        Bytes.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_grown, work, size).result()


def _grown(work: Callable[[int], object], size: int) -> int:
    torch.set_num_threads(1)
    work(2)
    before = _most_held()
    work(size)
    return _most_held() - before


def _most_held() -> int:
    # Not `resource`, which counts what the parent held before the process began.
    return 1024 * int(re.findall(r"VmHWM:\s*(\d+) kB", STATUS.read_text())[0])
