"""MATLAB files, of which no checksum may be known.

All chapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

__all__ = ["read_variables"]


def read_variables(place: Path, names: Sequence[str]) -> list[np.ndarray]:
    """Return arrays of a MATLAB file, versions 4 to 7.2.

    Args:
        place: The file.
        names: What the variables are called there.

    Returns:
        One array for each name.

    Raises:
        ValueError: If the file is cut short, in another format, or without one of the arrays.
        OSError: If it cannot be read.

    All chapters.
    """
    from scipy.io import loadmat

    content = BytesIO(place.read_bytes())
    try:
        # All of them: what is cut short behind the variables that are asked for is cut short.
        found = loadmat(content)
    # Bytes that are wrong reach the parser anywhere, and each place has an exception of its own.
    except Exception as error:
        problem = f"{place} is truncated, or no MATLAB file up to version 7.2"
        raise ValueError(f"{problem} ({error}): fetch it anew") from error
    # In place of an array that it cannot read, scipy may return words.
    if missing := [name for name in names if not isinstance(found.get(name), np.ndarray)]:
        there = ", ".join(f"`{name}`" for name in found if not name.startswith("__")) or "none"
        raise ValueError(f"{place} has no array `{missing[0]}` (it has {there}): it is truncated, or another file")
    return [found[name] for name in names]
