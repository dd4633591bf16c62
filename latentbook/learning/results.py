"""What a sweep came to: read from its files when it is asked for, cell after cell.

All chapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from latentbook.learning import runs
from latentbook.learning.ledger import State
from latentbook.learning.work import Order, is_complete

__all__ = ["Results", "Row"]


@dataclass(frozen=True)
class Row:
    """One cell of a sweep.

    Attributes:
        cell: Its parameters.
        state: What became of it.
    """

    cell: Mapping[str, Any]
    state: State


class Results:
    """All cells of a sweep, in the grid's order; every look at them reads the files again.

    Args:
        order: Of the sweep.
    """

    def __init__(self, order: Order) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order.cells)

    def __iter__(self) -> Iterator[Row]:
        for cell in self.order.cells:
            yield Row(cell, self.order.ledger.state(cell))

    def done(self) -> list[Row]:
        """Return the cells that have a finished run."""
        return [row for row in self if row.state.is_done]

    def failed(self) -> list[Row]:
        """Return the cells at which something is missing that nobody tries again."""
        return [row for row in self if self._has_failed(row)]

    def entry(self, row: Row) -> runs.Entry:
        """Return what is known of a cell's finished run: its id, its seconds, the memory that it took.

        Args:
            row: Of a cell that is done.

        Raises:
            ValueError: If it is not; says why.
        """
        if row.state.run is None:
            raise ValueError(f"the cell {dict(row.cell)} has no run: {row.state.why}")
        return runs.entry(self.order.ledger.run_file(row.state.run))

    def load(self, row: Row) -> Any:
        """Return the recipe's run of a cell, with its model.

        Args:
            row: Of a cell that is done.

        Raises:
            ValueError: If it is not; says why.
        """
        file, recipe = self.entry(row).file, self.order.module
        return recipe.train(recipe.settings(**row.cell), trained=file)

    def summary(self) -> str:
        """Return in words how far the sweep is."""
        done = failed = 0
        for row in self:
            done += is_complete(row.state, self.order)
            failed += self._has_failed(row)
        left = len(self) - done - failed
        return f"{self.order.label}: {done:,} of {len(self):,} cells done, {failed:,} failed, {left:,} left"

    def table(self) -> list[dict[str, Any]]:
        """Return for each finished cell its parameters, its ``run``, the ``seconds`` of training, and its scores.

        Cells that were trained as one have the seconds of all.
        """
        return [self._line(row) for row in self.done()]

    def _has_failed(self, row: Row) -> bool:
        return row.state.is_given_up and not is_complete(row.state, self.order)

    def _line(self, row: Row) -> dict[str, Any]:
        entry = self.entry(row)
        return {**row.cell, "run": entry.id, "seconds": entry.seconds, **(row.state.scores or {})}
