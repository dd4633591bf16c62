"""Who works on a sweep: this process, or, in `latentbook.learning.cluster`, any number of others.

All chapters.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latentbook.learning.work import Order, facts, work

__all__ = ["Engine", "Part", "Plain"]

Part = Sequence[dict[str, Any]]


class Engine(abc.ABC):
    """Takes parts, and says which came back. What they came to is in the files."""

    @abc.abstractmethod
    def slots(self) -> int:
        """Return how many parts may be submitted and not yet returned."""

    @abc.abstractmethod
    def running(self) -> int:
        """Return how many have not come back."""

    @abc.abstractmethod
    def submit(self, part: Part) -> None:
        """Let a part be worked on."""

    @abc.abstractmethod
    def returned(self) -> list[tuple[Part, bool]]:
        """Wait a moment, and return the parts that came back, each with whether its cells were free."""

    def learn(self, run: Path) -> None:  # noqa: B027  (few have a use for it)
        """Learn from a finished run how much memory it took."""

    def note(self) -> str:
        """Return what a reader shall know besides: what it waits for, and where to look."""
        return ""


class Plain(Engine):
    """Work in this process, one part after another, where its return is asked for.

    Args:
        order: Of the sweep.
    """

    def __init__(self, order: Order) -> None:
        self.order, self.facts = order, facts(order.recipe)
        self.waiting: list[Part] = []

    def slots(self) -> int:
        """Return 1."""
        return 1

    def running(self) -> int:
        """Return how many parts wait."""
        return len(self.waiting)

    def submit(self, part: Part) -> None:
        """Take a part."""
        self.waiting.append(part)

    def returned(self) -> list[tuple[Part, bool]]:
        """Work on what waits."""
        parts, self.waiting = self.waiting, []
        return [(part, work(self.order, part, self.facts)) for part in parts]
