"""`latentbook info` says what is wrong in one line."""

import os
import subprocess
import sys

from latentbook.info import lines


def test_info_names_versions_and_folders(monkeypatch):
    monkeypatch.setenv("LATENTBOOK_DATA", "some/place")
    said = "\n".join(lines())
    for word in ("latentbook 0", "Python 3", "torch 2", "torchvision 0", "LATENTBOOK_DATA=some/place", "cache: "):
        assert word in said


def test_a_torchvision_of_another_build_is_said_in_one_line(tmp_path):
    """A CPU-only torch beside the registry's torchvision fails at import, with this error."""
    fake = tmp_path / "torchvision"
    fake.mkdir()
    (fake / "__init__.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")')
    done = subprocess.run(
        [sys.executable, "-m", "latentbook", "info"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = [line for line in done.stdout.splitlines() if "torchvision" in line]
    assert "does not load beside torch" in line
    assert "nms does not exist" in line
    assert "pip install --force-reinstall torch torchvision" in line
