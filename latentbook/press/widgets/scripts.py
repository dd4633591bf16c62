"""The scripts of widgets, joined to one module each: a page on disk cannot import one file from another."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

__all__ = ["constant", "join"]

# A line of `//`, or a block that begins with `/**` at the start of a line.
REMARK = re.compile(r"^[ ]*(//.*|/\*\*(.|\n)*?\*/)\n", re.MULTILINE)
FOLDER = Path(__file__).with_name("js")


def join(*names: str) -> str:
    """Return the source of an ES module: files of ``js/`` one after the other, which know each other's names.

    Every widget carries its module, so remarks stay behind: lines that are nothing else.

    Args:
        names: Files in order, with their endings; a style sheet becomes a constant of its name in capitals.

    Raises:
        FileNotFoundError: If there is none of a name.

    All chapters.
    """
    return "\n".join(_script(FOLDER / name) for name in names)


def constant(name: str, value: Any) -> str:
    """Return a line that gives scripts a constant.

    Args:
        name: What they call it.
        value: Anything that JSON can hold.

    All chapters.
    """
    return f"const {name} = {json.dumps(value)};\n"


def _script(file: Path) -> str:
    source = file.read_text()
    if file.suffix == ".css":
        return f"const {file.stem.upper()} = {_quoted(source)};"
    return REMARK.sub("", source)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return f"`{escaped}`"
