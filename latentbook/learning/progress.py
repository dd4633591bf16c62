"""One line of progress: a bar on a terminal, a display updated in place in a notebook, silence elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

__all__ = ["Line", "Progress", "duration"]

# Seconds between two looks of a line, where it is seen at once, and where every look stays in a log.
REFRESH_SECONDS, LOG_SECONDS = 0.5, 60.0


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
        if self.handle is not None and time.monotonic() - self.shown > REFRESH_SECONDS:
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


class Line:
    """One line that says something new now and then: in place on a terminal or in a notebook, else once a minute.

    Example:
        >>> with Line() as line:
        ...     line.show("3 of 5 done")

    All chapters.
    """

    def __init__(self) -> None:
        self.handle = _notebook_line("") if _in_notebook() else None
        self.on_terminal = self.handle is None and sys.stderr.isatty()
        self.text, self.shown = "", -LOG_SECONDS

    def show(self, text: str) -> None:
        """Say this instead of what was said before."""
        self.text = text
        pause = REFRESH_SECONDS if self.handle or self.on_terminal else LOG_SECONDS
        if time.monotonic() - self.shown >= pause:
            self._show()

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.text:
            self._show()
        if self.on_terminal:
            print(file=sys.stderr)

    def _show(self) -> None:
        self.shown = time.monotonic()
        if self.handle:
            from IPython.display import Pretty

            self.handle.update(Pretty(self.text))
        elif self.on_terminal:
            # Back to the start, and nothing left of a longer line.
            print(f"\r{self.text}\x1b[K", end="", file=sys.stderr, flush=True)
        else:
            print(self.text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a time in the unit that one thinks of it in.

    Args:
        seconds: The time.

    Returns:
        Two words.

    Example:
        >>> duration(8.2), duration(140), duration(20_000), duration(400_000)
        ('8 s', '2 min', '5.6 h', '4.6 days')

    All chapters.
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code (IPython is never imported just to ask)."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _notebook_line(text: str):
    from IPython.display import Pretty, display

    return display(Pretty(text), display_id=True)
