"""Acclaim's motion capture format: a skeleton (``.asf``) and, frame by frame, the angles of its joints (``.amc``).

A skeleton lists bones, and of each the axes that it turns about, in the order in which a motion gives their angles.
Bones without axes are rigid and are in no frame.

Chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor

__all__ = ["Skeleton", "parse_motion", "parse_skeleton"]

AXES = ("rx", "ry", "rz")
UNITS = {"deg": math.pi / 180, "degrees": math.pi / 180, "rad": 1.0, "radians": 1.0}


class Skeleton(NamedTuple):
    """What an ``.asf`` file says about angles.

    Attributes:
        file: Its name, for messages.
        unit: ``"deg"`` or ``"rad"``: what its motions count in, if they do not say it themselves.
        root: Degrees of freedom of the whole body, as in ``("tx", "ty", "tz", "rx", "ry", "rz")``.
        axes: Of each bone that turns, the axes that it turns about, in the file's order.
    """

    file: str
    unit: str
    root: tuple[str, ...]
    axes: dict[str, tuple[str, ...]]

    @property
    def angles(self) -> tuple[str, ...]:
        """The names of the angles, in order, as in ``"rtibia rx"``."""
        return tuple(f"{bone} {axis}" for bone, axes in self.axes.items() for axis in axes)


def parse_skeleton(file: str, text: str) -> Skeleton:
    r"""Return the bones of a skeleton that turn, and their axes.

    Args:
        file: Its name, for messages.
        text: What is in the ``.asf`` file.

    Returns:
        The root's degrees of freedom, and each bone's, in the file's order.

    Raises:
        ValueError: If it is no skeleton, is cut short, or a bone moves otherwise than by turning.

    Example:
        >>> text = ":root\norder RX RY RZ\n:bonedata\nbegin\nname shin\ndof rx\nend\n:hierarchy\n"
        >>> parse_skeleton("leg.asf", text).angles
        ('shin rx',)

    Chapter 2.
    """
    unit, root, axes, bone, section = "deg", (), {}, "", ""
    for word, *values in _lines(text):
        if word.startswith(":"):
            section = word
        elif (section, word) == (":units", "angle"):
            unit = _unit(file, values)
        elif (section, word) == (":root", "order"):
            root = tuple(value.lower() for value in values)
        elif (section, word) == (":bonedata", "begin"):
            bone = ""
        elif (section, word) == (":bonedata", "name"):
            bone = " ".join(values)
        elif (section, word) == (":bonedata", "dof"):
            axes[bone] = _axes(file, bone, values)
    # The hierarchy is the last part of a skeleton: without it, bones may be missing.
    if not root or not axes or section != ":hierarchy":
        raise ValueError(f"{file} is no whole .asf file: it needs `:root` with an order, `:bonedata` and `:hierarchy`")
    return Skeleton(file, unit, root, axes)


def parse_motion(file: str, text: str, skeleton: Skeleton) -> Float64[Tensor, "frames angles"]:
    r"""Return the joint angles of a motion, in radians, without the position and orientation of the whole body.

    A frame may list its bones in any order, and the first may have any number. A file that is cut off between two
    frames cannot be told from a short one: that is for its checksum.

    Args:
        file: Its name, for messages.
        text: What is in the ``.amc`` file.
        skeleton: Whose motion it is.

    Returns:
        One row for each frame, on the CPU; columns as in `Skeleton.angles`.

    Raises:
        ValueError: If a frame and the skeleton do not fit: names both files, the frame and the bone; or if the file is
            cut short, or has no frame.

    Example:
        >>> leg = Skeleton("leg.asf", "deg", ("rx",), {"thigh": ("rx", "rz"), "shin": ("rx",)})
        >>> parse_motion("kick.amc", ":DEGREES\n1\nroot 5\nthigh 90 0\nshin 180\n", leg)
        tensor([[1.5708, 0.0000, 3.1416]], dtype=torch.float64)

    Chapter 2.
    """
    unit = UNITS[skeleton.unit]
    frames: dict[int, dict[str, list[str]]] = {}
    last = None
    for word, *values in _lines(text):
        if word.startswith(":"):
            unit = UNITS.get(word[1:].lower(), unit)
        elif word.isdecimal() and not values:
            last = _next(file, int(word), last)
            frames[last] = {}
        elif last is None or word in frames[last]:
            where = "before its first frame" if last is None else f"twice in frame {last}"
            raise ValueError(f"{file} has {word!r} {where}")
        else:
            frames[last][word] = values
    if not frames:
        raise ValueError(f"{file} has no frame: it is no .amc file, or is cut short")
    rows = [_row(f"{file}, frame {number},", frame, skeleton) for number, frame in frames.items()]
    return unit * torch.tensor(rows, dtype=torch.float64)


def _lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each line that has some, without comments."""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words


def _unit(file: str, values: list[str]) -> str:
    if values not in (["deg"], ["rad"]):
        raise ValueError(f"{file} gives angles in {' '.join(values)!r}: only 'deg' and 'rad' are known")
    return values[0]


def _axes(file: str, bone: str, values: list[str]) -> tuple[str, ...]:
    axes = tuple(value.lower() for value in values)
    if not bone:
        raise ValueError(f"{file} has a bone without a name, which moves by {' '.join(values)}")
    if others := [axis for axis in axes if axis not in AXES]:
        raise ValueError(f"{file} lets {bone!r} move by {others[0]!r}: only turns, by rx, ry and rz, are read")
    return axes


def _next(file: str, number: int, last: int | None) -> int:
    """Return the number of a frame; recordings that were cut at their beginning count from there."""
    if last is not None and number != last + 1:
        raise ValueError(f"{file} has frame {number} after frame {last}: frames are missing, or out of order")
    return number


def _row(place: str, frame: dict[str, list[str]], skeleton: Skeleton) -> list[float]:
    """Return the angles of a frame in the skeleton's order, in the file's unit."""
    _require_fit(place, frame, {"root": skeleton.root, **skeleton.axes}, skeleton.file)
    try:
        row = [float(value) for bone in skeleton.axes for value in frame[bone]]
    except ValueError:
        row = [math.nan]
    if not all(map(math.isfinite, row)):
        bone = next(bone for bone in skeleton.axes if not all(map(_is_finite, frame[bone])))
        raise ValueError(f"{place} gives {bone!r} the values {' '.join(frame[bone])}, which are not all finite numbers")
    return row


def _require_fit(place: str, frame: dict[str, list[str]], axes: dict[str, tuple[str, ...]], skeleton: str) -> None:
    for bone in frame:
        if bone not in axes:
            raise ValueError(f"{place} moves {bone!r}, which is rigid or unknown in {skeleton}")
    for bone, own in axes.items():
        if bone not in frame:
            raise ValueError(f"{place} has no {bone!r}, which moves in {skeleton}: it is cut short, or another body's")
        if (count := len(frame[bone])) != len(own):
            needed = f"{len(own)} ({' '.join(own)})"
            raise ValueError(f"{place} gives {bone!r} {count} values, but in {skeleton} it has {needed}")


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
