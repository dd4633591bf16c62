"""What code reaches: the modules it names, the modules they name, and the scripts beside them."""

import pytest

from latentbook.learning.source import imported_modules, reached_files, source_hash, versions
from tests.packages import make_package


@pytest.fixture
def package(tmp_path):
    return make_package(tmp_path)


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


def test_the_explorer_s_scripts_and_look_are_reached():
    reached = {file.name for file in reached_files(["from latentbook.press.widgets import LatentExplorer"])}
    assert {"mlp.js", "explorer.js", "explorer.css", "mount.js"} <= reached


def test_a_cell_that_imports_nothing_reaches_nothing(package):
    assert reached_files(["import torch"], package) == []


def test_the_hash_is_of_what_is_reached(package):
    before = source_hash(["import latentbook.a"], package)
    (package / "c.py").write_text("x = 1\n")
    assert source_hash(["import latentbook.a"], package) == before
    (package / "b.py").write_text("x = 1\n")
    assert source_hash(["import latentbook.a"], package) != before


def test_a_recipe_reaches_its_room_and_not_the_press():
    files = {file.name for file in reached_files(["from latentbook.learning.recipes import least_volume"])}
    assert {"penalties.py", "train.py", "data.py", "core.py"} <= files
    assert not {"build.py", "page.py", "theme.css"} & files


def test_versions_are_those_installed():
    import torch

    assert versions("torch")["torch"].split("+")[0] == torch.__version__.split("+")[0]
