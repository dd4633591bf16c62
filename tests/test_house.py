"""The house: wings import in one direction, every room has its tests, sources carry no outputs, imports are cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from latentbook.press import notebooks

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "latentbook"
MODULES = sorted(PACKAGE.rglob("*.py"))
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
ROOMS = {"1-least-volume": "volume"}


def wing(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ("learning", "press") else "mathematics"


def imports_of(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_wings_import_in_one_direction(file):
    order = ["mathematics", "learning", "press"]
    if file.name == "__main__.py":
        return
    own = wing(".".join(["latentbook", *file.relative_to(PACKAGE).with_suffix("").parts]))
    for name in imports_of(file):
        if name.startswith("latentbook"):
            assert order.index(wing(name)) <= order.index(own), f"{own} must not import {name}"


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
    room = ROOMS[path.stem]
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
    assert f"latentbook.{room}" in text
    assert f"Chapter {path.stem[0]}." in (PACKAGE / f"{room}.py").read_text()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_sources_are_clean(path):
    assert notebooks.source_problems(nbformat.read(path, 4)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
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
        "import sys, torch, latentbook, latentbook.volume, latentbook.learning.train\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert run_python(code) == "[]"


def test_importing_the_package_is_cheap():
    code = "import time, torch\nstart = time.perf_counter()\nimport latentbook\nprint(time.perf_counter() - start)"
    assert float(run_python(code)) < 0.3
