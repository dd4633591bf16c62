"""A chapter's key changes with what it reaches, and with nothing else."""

import pytest

from latentbook.press import sources
from latentbook.press.sources import chapter_key, imported_modules, package_hash, reached_files


@pytest.fixture
def package(tmp_path):
    """A package in which `a` imports `b`, and `c` stands apart."""
    root = tmp_path / "latentbook"
    (root / "sub" / "js").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text("from latentbook import b\n")
    (root / "b.py").write_text("def late():\n    import latentbook.sub.deep\n")
    (root / "c.py").write_text("")
    (root / "sub" / "__init__.py").write_text("")
    (root / "sub" / "deep.py").write_text("")
    (root / "sub" / "js" / "deep-view.js").write_text("")
    (root / "sub" / "js" / "other.js").write_text("")
    return root


def names(files, package):
    return {str(file.relative_to(package)) for file in files}


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import latentbook.a", {"latentbook.a"}),
        ("import latentbook.a as a, torch", {"latentbook.a"}),
        ("from latentbook import a", {"latentbook", "latentbook.a"}),
        ("def f():\n    from latentbook.a import x", {"latentbook.a", "latentbook.a.x"}),
        ("%timeit 1\n!ls\nimport latentbook", {"latentbook"}),
        ("import latentbookish", set()),
        ("%%bash\nfor x in *; do echo $x; done", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source, modules):
    assert imported_modules(source) == modules


def test_modules_are_reached_through_modules(package):
    reached = names(reached_files(["import latentbook.a"], package), package)
    assert reached == {"__init__.py", "a.py", "b.py", "sub/__init__.py", "sub/deep.py", "sub/js/deep-view.js"}


def test_a_cell_that_imports_nothing_reaches_nothing(package):
    assert reached_files(["import torch"], package) == []


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


def test_the_chapter_depends_on_its_room_and_not_on_the_theme():
    files = {file.name for file in reached_files(["from latentbook.learning.recipes import least_volume"])}
    assert {"volume.py", "train.py", "data.py", "core.py"} <= files
    assert not {"build.py", "page.py", "theme.css"} & files


def test_the_package_hash_is_of_the_sources():
    assert len(package_hash()) == 16
    assert package_hash() == package_hash()
