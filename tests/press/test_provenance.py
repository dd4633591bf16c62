"""The provenance line names what a page was computed with."""

import torch

from latentbook.press.provenance import provenance
from latentbook.press.sources import package_hash


def test_the_line(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    provenance(7, torch.device("cpu"))
    line = shown[0]["text/plain"]
    for fact in (f"package {package_hash()}", "seed 7", "cpu", f"torch {torch.__version__}", " s · ", " MB at most"):
        assert fact in line
    megabytes = float(line.split(" · ")[-1].split()[0].replace(",", ""))
    assert 50 < megabytes < 50_000
