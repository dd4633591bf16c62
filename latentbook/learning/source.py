"""What a number was computed by: the modules that some code reaches by imports, and the versions below them."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import platform
import re
import threading
from collections.abc import Iterable
from pathlib import Path

import latentbook

__all__ = ["digest", "imported_modules", "reached_files", "source_hash", "versions"]

PACKAGE = Path(latentbook.__file__).parent
# Python's parser counts its depth for all threads together, and fails where two parse at once.
PARSING = threading.Lock()


def imported_modules(code: str) -> set[str]:
    r"""Return the package's modules that some code names in its import statements.

    Args:
        code: Python source; lines of IPython magic are passed over.

    Returns:
        Their names, from the package's on.

    Example:
        >>> sorted(imported_modules("import torch\nfrom latentbook.volume import latent_std"))
        ['latentbook.volume', 'latentbook.volume.latent_std']

    All chapters.
    """
    names: set[str] = set()
    with PARSING:
        tree = ast.parse(_without_magic(code))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from a import b` may mean the module a.b.
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return {name for name in names if name.split(".")[0] == PACKAGE.name}


def reached_files(code: Iterable[str], package: Path = PACKAGE) -> list[Path]:
    """Return every file of the package that some cells reach by imports, directly or through other modules.

    Scripts and style sheets in the folder ``js`` beside a module belong to it where it names them, as in ``"view.js"``.

    Args:
        code: Sources of the cells.
        package: The package's folder.

    Returns:
        Files, sorted.

    Example:
        >>> [file.name for file in reached_files(["from latentbook.core import seeded"])]
        ['__init__.py', 'core.py']

    All chapters.
    """
    waiting = set().union(*(imported_modules(source) for source in code))
    seen: set[Path] = set()
    while waiting:
        for file in _files_of(waiting.pop(), package) - seen:
            seen.add(file)
            if file.suffix == ".py":
                waiting |= _imports(*_version(file))
    return sorted(seen)


def source_hash(code: Iterable[str], package: Path = PACKAGE) -> str:
    """Return a hash of every file of the package that some code reaches.

    Args:
        code: Sources, as for `reached_files`.
        package: The package's folder.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> source_hash(["import torch"]) == source_hash([])
        True

    All chapters.
    """
    files = reached_files(code, package)
    return digest("\n".join(f"{file.relative_to(package)} {_digest(*_version(file))}" for file in files).encode())


@functools.cache
def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of Python and of what is installed, by name.

    Args:
        distributions: Names on the package index.

    Returns:
        Versions by name.

    Example:
        >>> list(versions("torch", "numpy"))
        ['python', 'torch', 'numpy']

    All chapters.
    """
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in distributions}}


def digest(content: bytes) -> str:
    """Return a short hash of some bytes.

    Args:
        content: The bytes.

    Returns:
        16 hexadecimal digits of their SHA-256.

    Example:
        >>> digest(b"latent")
        'd0346e497a83ea89'

    All chapters.
    """
    return hashlib.sha256(content).hexdigest()[:16]


# A sweep asks for the same hash at every cell: a file is read again when it has changed.


def _version(file: Path) -> tuple[Path, int, int]:
    """Return a file, and what tells that it has changed."""
    facts = file.stat()
    return file, facts.st_mtime_ns, facts.st_size


@functools.lru_cache(maxsize=1024)
def _imports(file: Path, changed: int, size: int) -> frozenset[str]:
    return frozenset(imported_modules(file.read_text()))


@functools.lru_cache(maxsize=1024)
def _digest(file: Path, changed: int, size: int) -> str:
    return digest(file.read_bytes())


@functools.lru_cache(maxsize=1024)
def _scripts(file: Path, changed: int, size: int) -> frozenset[str]:
    """Return the scripts that a module names."""
    return frozenset(re.findall(r'"([\w-]+\.(?:js|css))"', file.read_text()))


def _files_of(module: str, package: Path) -> set[Path]:
    """Return the files that importing a module runs: itself and the packages above it."""
    below = module.split(".")[1:]
    base = package.joinpath(*below)
    own = {base.with_suffix(".py"), base / "__init__.py"}
    above = {package.joinpath(*below[:depth]) / "__init__.py" for depth in range(len(below))}
    modules = {file for file in own | above if file.is_file()}
    return modules.union(*(_scripts_of(file) for file in modules))


def _scripts_of(module: Path) -> set[Path]:
    """Return the files of the scripts that a module names."""
    return {file for name in _scripts(*_version(module)) if (file := module.parent / "js" / name).is_file()}


def _without_magic(code: str) -> str:
    if code.lstrip().startswith("%%"):
        # The rest of the cell may be another language.
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
