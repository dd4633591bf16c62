"""The provenance line names what a page was computed with."""

from types import SimpleNamespace

import pytest
import torch

from latentbook.press.provenance import provenance
from latentbook.press.sources import package_hash


@pytest.fixture
def line(monkeypatch):
    """The line, as it is shown in a kernel with these names."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))

    def line(**names):
        shell = SimpleNamespace(user_ns=names) if names else None
        monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
        provenance(7, torch.device("cpu"))
        return shown[-1]["text/plain"]

    return line


def test_the_line(line):
    facts = line().split(" · ")
    assert facts[:4] == [f"package {package_hash()}", "seed 7", "cpu", f"torch {torch.__version__}"]
    assert facts[4].endswith(" s")
    megabytes = float(facts[5].removeprefix("peak memory ").removesuffix(" MB").replace(",", ""))
    assert 50 < megabytes < 50_000


def test_the_line_names_what_a_chapter_ran_on(line):
    assert "scale smoke · data digits · seed 7" in line(scale="smoke", dataset="digits")
    assert "scale smoke · seed 7" in line(scale="smoke")
