"""Progress leaves one line in a notebook, a bar on a terminal, nothing elsewhere."""

import re
import sys
from types import SimpleNamespace

from latentbook.learning import progress
from latentbook.learning.progress import Progress


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, text):
        self.shown.append(text.data)


def in_notebook(monkeypatch):
    """Stand in for a kernel."""
    handle = Handle()
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(Pretty=lambda text: SimpleNamespace(data=text)))
    monkeypatch.setattr(progress, "_notebook_line", lambda text: handle)
    return handle


def test_a_notebook_sees_one_line_that_ends_with_the_count(monkeypatch, capsys):
    handle = in_notebook(monkeypatch)
    with Progress(4000, "training") as line:
        line.advance(4000)
    assert re.fullmatch(r"training: 4,000 steps in \d+ s", handle.shown[-1])
    assert capsys.readouterr() == ("", "")


def test_an_interrupted_run_says_how_far_it_came(monkeypatch):
    handle = in_notebook(monkeypatch)
    with Progress(4000) as line:
        line.advance(50)
    assert re.fullmatch(r"50 of 4,000 steps in \d+ s", handle.shown[-1])


def test_silence_without_terminal_and_notebook(capsys):
    with Progress(10) as line:
        line.advance(10)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(10, "training") as line:
        line.advance(10)
    assert "training: 100%" in capsys.readouterr().err


def test_nothing_is_shown_where_somebody_else_shows_it(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    handle = in_notebook(monkeypatch)
    with Progress(10, "training", shown=False) as line:
        line.advance(10)
    assert line.done == 10
    monkeypatch.delitem(sys.modules, "IPython")
    with Progress(10, "training", shown=False) as line:
        line.advance(10)
    assert handle.shown == []
    assert capsys.readouterr() == ("", "")
