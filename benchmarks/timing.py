"""How benchmarks measure: both sides in one process, one thread, interleaved, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "compare"]


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
