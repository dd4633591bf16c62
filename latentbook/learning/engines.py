"""Who works on a sweep: this process, or, in `latentbook.learning.cluster`, any number of others.

All chapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from latentbook.learning.work import Order, facts, work

__all__ = ["Engine", "Part", "Plain"]

Part = Sequence[dict[str, Any]]


class Engine(Protocol):
    """Takes parts, and says which came back. What they came to is in the files.

    Attributes:
        where: Address of a dashboard; empty where there is none.
    """

    where: str

    def slots(self) -> int:
        """Return how many parts may be submitted and not yet returned."""
        ...

    def running(self) -> int:
        """Return how many have not come back."""
        ...

    def submit(self, part: Part) -> None:
        """Let a part be worked on."""
        ...

    def returned(self) -> list[tuple[Part, bool]]:
        """Wait a moment, and return the parts that came back, each with whether its cells were free."""
        ...

    def measured(self, peak: int) -> None:
        """Learn how much memory a cell takes, in bytes."""
        ...


class Plain:
    """Work in this process, one part after another, where its return is asked for.

    Args:
        order: Of the sweep.
    """

    where = ""

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

    def measured(self, peak: int) -> None:
        """Learn nothing from it."""
