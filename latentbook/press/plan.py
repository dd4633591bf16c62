"""What a build is asked for, and what becomes of each chapter."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from latentbook.press import claims, notebooks
from latentbook.press.execute import Report
from latentbook.press.notebooks import Chapter

__all__ = ["BuildError", "Built", "Order"]


class BuildError(RuntimeError):
    """A build that cannot go on, with its repair in the message."""


@dataclass(frozen=True)
class Order:
    """What to build.

    Attributes:
        root: The checkout: holds ``book/``, ``_config.yml``, ``_toc.yml``.
        output: Where the pages appear.
        parameters: Given to every chapter that has them.
        only: Name of the one chapter to execute; the others appear as last executed. None for all.
        jobs: Chapters executed at a time.
        cap: Seconds that one chapter may take; None for the scale's own.
    """

    root: Path
    output: Path
    parameters: Mapping[str, object] = dataclasses.field(default_factory=dict)
    only: str | None = None
    jobs: int = 2
    cap: float | None = None

    @property
    def store(self) -> Path:
        """Where everything lies that a build makes."""
        return self.root / "_build"

    @property
    def executed(self) -> Path:
        """Where executed notebooks are kept."""
        return self.store / "executed"


@dataclass
class Built:
    """One chapter after its execution.

    Attributes:
        chapter: The source, or the part of it that was executed.
        values: All parameters with their values.
        notebook: Its execution, in part if it failed; None if nothing ran.
        file: Where the execution is kept; None if it failed or never ran.
        report: How it went.
    """

    chapter: Chapter
    values: dict[str, object]
    notebook: NotebookNode | None
    file: Path | None
    report: Report

    @property
    def run(self) -> dict[str, object]:
        """Keywords of `claims.finding`."""
        own = notebooks.defaults(self.chapter.notebook) if self.notebook else {}
        default = claims.held_at(self.chapter.path, own)
        changed = {name: value for name, value in self.values.items() if value != default.get(name)}
        return {
            "scale": self.values.get("scale", "book"),
            "dataset": self.values.get("dataset", "digits"),
            "changed": {name: value for name, value in changed.items() if name not in claims.BANDED},
        }
