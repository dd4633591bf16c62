"""The house: wings import in one direction, every room has its tests, sources carry no outputs, imports are cheap."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from latentbook.press import notebooks

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "latentbook"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
# Others tell of the package, not of a line of research.
CHAPTERS = [path for path in NOTEBOOKS if path.stem[0].isdigit()]


def wing(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ("learning", "press") else "mathematics"


def imports_of(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update([node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_wings_import_in_one_direction(file):
    order = ["mathematics", "learning", "press"]
    if file.name in ("__main__.py", "info.py"):
        return
    own = wing(".".join(["latentbook", *file.relative_to(PACKAGE).with_suffix("").parts]))
    for name in imports_of(file):
        if name.startswith("latentbook"):
            assert order.index(wing(name)) <= order.index(own), f"{own} must not import {name}"
        if name.startswith("latentbook.") and own == "mathematics" and file.stem != "core":
            # The parts of a room that is a folder know each other.
            room = file.relative_to(PACKAGE).with_suffix("").parts[0]
            assert name.split(".")[1] in ("core", "metric", room), f"the room {room} must not import {name}"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_pickle(file):
    source = file.read_text()
    assert "torch.load" not in source
    assert not {"pickle", "cloudpickle", "dill"} & imports_of(file)


def test_every_module_has_its_test_file():
    for file in MODULES:
        if file.name != "__init__.py":
            place = ROOT / "tests" / file.relative_to(PACKAGE).parent
            assert (place / f"test_{file.stem.strip('_')}.py").exists(), f"{file} has no test file"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_names_its_room_and_the_room_names_its_chapter(path):
    first_words = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"][:2]
    rooms = set(re.findall(r"`latentbook\.(\w+)`", "\n".join(first_words)))
    assert rooms
    for room in rooms:
        source = next(file for file in (PACKAGE / f"{room}.py", PACKAGE / room / "__init__.py") if file.exists())
        assert re.search(rf"Chapters? [^.]*\b{path.stem[0]}\b[^.]*\.", source.read_text())


def public_functions():
    """Yield the public functions of the rooms and of learning."""
    for file in MODULES:
        module = ".".join(["latentbook", *file.relative_to(PACKAGE).with_suffix("").parts])
        if wing(module) == "press" or file.name in ("__init__.py", "__main__.py", "info.py"):
            continue
        for name in importlib.import_module(module).__all__:
            thing = getattr(importlib.import_module(module), name)
            if inspect.isfunction(inspect.unwrap(thing)):
                yield pytest.param(thing, id=f"{module}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_public_docstrings_are_whole(function):
    words, signature = inspect.getdoc(function), inspect.signature(function)
    assert not signature.parameters or "Args:" in words
    assert signature.return_annotation in ("None", None, signature.empty) or "Returns:" in words
    assert "Example:" in words or "Raises:" in words
    assert re.search(r"(Chapters? \d.*|All chapters)\.$", words.strip())
    for name in signature.parameters:
        assert f"{name}:" in words, f"`{name}` is not explained"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_sources_are_clean(path):
    assert notebooks.source_problems(nbformat.read(path, 4)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_long_class_in_a_chapter(path):
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ClassDef):
                    assert node.end_lineno - node.lineno < 20


def test_files_stay_short():
    scripts = [*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]
    for file in [*MODULES, *scripts]:
        assert len(file.read_text().splitlines()) <= 350, file


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_rooms_do_not_import_what_only_some_need():
    heavy = ("torchvision", "sklearn", "plotly", "IPython", "papermill")
    code = (
        "import sys, torch, latentbook, latentbook.volume, latentbook.isometry, latentbook.information\n"
        "import latentbook.learning.train\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert run_python(code) == "[]"
