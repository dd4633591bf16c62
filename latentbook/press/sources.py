"""What a chapter's numbers depend on: its code, the package's modules that it reaches, the versions, the device."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import latentbook

__all__ = ["chapter_key", "imported_modules", "package_hash", "reached_files", "versions"]

PACKAGE = Path(latentbook.__file__).parent

# What can change a number or a figure; what only changes the page (Sphinx and its themes) is not here.
DISTRIBUTIONS = (
    "torch torchvision numpy scipy scikit-learn plotly anywidget ipywidgets ipykernel nbclient papermill".split()
)


def imported_modules(code: str) -> set[str]:
    r"""Return the package's modules that some code names in its import statements.

    Args:
        code: Python source; lines of IPython magic are passed over.

    Example:
        >>> sorted(imported_modules("import torch\nfrom latentbook.volume import latent_std"))
        ['latentbook.volume', 'latentbook.volume.latent_std']

    All chapters.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(_without_magic(code))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from a import b` may mean the module a.b.
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return {name for name in names if name.split(".")[0] == PACKAGE.name}


def reached_files(code: Iterable[str], package: Path = PACKAGE) -> list[Path]:
    """Return every file of the package that some cells reach by imports, directly or through other modules.

    The scripts ``js/<name>*.js`` beside a module belong to it.

    Args:
        code: Sources of the cells.
        package: The package's folder.

    Returns:
        Files, sorted.

    All chapters.
    """
    waiting = set().union(*(imported_modules(source) for source in code))
    seen: set[Path] = set()
    while waiting:
        for file in _files_of(waiting.pop(), package) - seen:
            seen.add(file)
            if file.suffix == ".py":
                waiting |= imported_modules(file.read_text())
    return sorted(seen)


def chapter_key(
    code_cells: list[tuple[str, list[str]]], parameters: Mapping[str, object], device: str, package: Path = PACKAGE
) -> str:
    """Return the name under which a chapter's execution is kept: equal inputs, equal name.

    Args:
        code_cells: Source and tags of every code cell; text is not executed and does not count.
        parameters: All parameters with the values they will have.
        device: Class of the device, ``"cpu"`` or the name of a GPU.
        package: The package's folder.

    Returns:
        16 hexadecimal digits.

    All chapters.
    """
    files = reached_files((source for source, _ in code_cells), package)
    recipe = {
        "cells": code_cells,
        "parameters": dict(parameters),
        "files": {str(file.relative_to(package)): _digest(file.read_bytes()) for file in files},
        "versions": versions(),
        "device": device,
    }
    return _digest(json.dumps(recipe, sort_keys=True).encode())


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that a number may depend on, by distribution."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in DISTRIBUTIONS}}


def package_hash() -> str:
    """Return a hash of the whole package's source, 16 hexadecimal digits, for the provenance line."""
    files = sorted(file for file in PACKAGE.rglob("*") if file.suffix in {".py", ".js", ".css"})
    return _digest(b"".join(str(file.relative_to(PACKAGE)).encode() + file.read_bytes() for file in files))


def _files_of(module: str, package: Path) -> set[Path]:
    """Return the files that importing a module runs: itself and the packages above it."""
    below = module.split(".")[1:]
    base = package.joinpath(*below)
    own = {base.with_suffix(".py"), base / "__init__.py"}
    above = {package.joinpath(*below[:depth]) / "__init__.py" for depth in range(len(below))}
    scripts = set(base.parent.glob(f"js/{base.name}*.js")) if below else set()
    return {file for file in own | above | scripts if file.is_file()}


def _without_magic(code: str) -> str:
    if code.lstrip().startswith("%%"):
        # The rest of the cell may be another language.
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
