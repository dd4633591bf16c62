"""A chapter's key changes with what it reaches, and with nothing else."""

import pytest

from latentbook.press import sources
from latentbook.press.sources import chapter_key, package_hash
from tests.packages import make_package


@pytest.fixture
def package(tmp_path):
    return make_package(tmp_path)


CELLS = [("from latentbook import a", [])]


@pytest.fixture
def key(package):
    return lambda cells=CELLS, parameters=None, device="cpu": chapter_key(
        cells, parameters or {"seed": 0}, device, package
    )


@pytest.mark.parametrize("file", ["a.py", "b.py", "sub/js/deep-view.js"])
def test_a_changed_line_that_is_reached_changes_the_key(package, key, file):
    before = key()
    (package / file).write_text((package / file).read_text() + "# changed\n")
    assert key() != before


def test_a_changed_line_elsewhere_does_not(package, key):
    before = key()
    (package / "c.py").write_text("x = 1\n")
    assert key() == before


def test_code_parameters_device_and_versions_change_the_key(key, monkeypatch):
    keys = {
        key(),
        key(cells=[("from latentbook import a\n1", [])]),
        key(cells=[("from latentbook import a", ["raises-exception"])]),
        key(parameters={"seed": 1}),
        key(device="NVIDIA H200"),
    }
    monkeypatch.setattr(sources, "versions", lambda: {"torch": "0"})
    assert len(keys | {key()}) == 6


def test_runs_that_join_a_label_change_the_key(key, monkeypatch):
    """A chapter that is told to look at finished runs depends on which there are."""
    there = {"mine": ["a"]}
    monkeypatch.setattr(sources.runs, "ids", lambda trained: there.get(trained, []))
    before, other = key(parameters={"trained": "mine"}), key()
    there["mine"] = ["a", "b"]
    assert key(parameters={"trained": "mine"}) != before
    assert key() == other


def test_the_package_hash_is_of_the_sources():
    assert len(package_hash()) == 16
    assert package_hash() == package_hash()
