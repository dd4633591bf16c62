"""What a chapter's numbers depend on: its code, the package's modules that it reaches, the versions, the device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from latentbook.learning import runs, source
from latentbook.learning.source import PACKAGE, digest, source_hash

__all__ = ["chapter_key", "package_hash", "versions"]

# What can change a number or a figure; what only changes the page (Sphinx and its themes) is not here.
DISTRIBUTIONS = (
    "torch torchvision numpy scipy scikit-learn plotly anywidget ipywidgets ipykernel nbclient papermill".split()
)


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
    recipe = {
        "cells": code_cells,
        "parameters": dict(parameters),
        "source": source_hash((cell for cell, _ in code_cells), package),
        "versions": versions(),
        "device": device,
        # A label stays when runs are added under it.
        "trained": runs.ids(parameters.get("trained")),
    }
    return digest(json.dumps(recipe, sort_keys=True).encode())


def versions() -> dict[str, str]:
    """Return the versions that a number may depend on, by distribution."""
    return source.versions(*DISTRIBUTIONS)


def package_hash() -> str:
    """Return a hash of the whole package's source, 16 hexadecimal digits, for the provenance line."""
    files = sorted(file for file in PACKAGE.rglob("*") if file.suffix in {".py", ".js", ".css"})
    return digest(b"".join(str(file.relative_to(PACKAGE)).encode() + file.read_bytes() for file in files))
