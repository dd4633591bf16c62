"""One line of progress: a bar on a terminal, a display updated in place in a notebook, silence elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """Count steps, and leave one line behind: ``4,000 steps in 8 s``.

    Args:
        total: How many steps there are.
        label: What is being done, for the line; may be empty.
        shown: Whether there is a line at all; False for whoever has a display of their own.

    Example:
        >>> with Progress(100, "demo") as progress:
        ...     progress.advance(100)

    All chapters.
    """

    def __init__(self, total: int, label: str = "", *, shown: bool = True) -> None:
        self.total, self.label, self.done = total, label, 0
        self.start = self.shown = time.monotonic()
        self.handle = _notebook_line(self._text()) if shown and _in_notebook() else None
        # `disable=None` keeps tqdm silent where there is no terminal.
        on_terminal = shown and self.handle is None
        self.bar = tqdm(total=total, desc=label, leave=True, disable=None if on_terminal else True)

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` more are done."""
        self.done += steps
        self.bar.update(steps)
        if self.handle is not None and time.monotonic() - self.shown > 0.5:
            self._show()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        if self.handle is not None:
            self._show()

    def _show(self) -> None:
        from IPython.display import Pretty

        self.shown = time.monotonic()
        self.handle.update(Pretty(self._text()))  # pyright: ignore[reportOptionalMemberAccess]

    def _text(self) -> str:
        seconds = time.monotonic() - self.start
        count = f"{self.done:,} steps" if self.done == self.total else f"{self.done:,} of {self.total:,} steps"
        return f"{self.label + ': ' if self.label else ''}{count} in {seconds:.0f} s"


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code (IPython is never imported just to ask)."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _notebook_line(text: str):
    from IPython.display import Pretty, display

    return display(Pretty(text), display_id=True)
