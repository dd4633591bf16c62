"""Checks of what readers ask for by name: a wrong value is answered with the right ones.

All chapters.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable

__all__ = ["require_choice", "require_integer", "require_label", "require_options"]

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def require_choice(argument: str, value: str, choices: Collection[str]) -> None:
    """Refuse what is not one of some strings.

    Args:
        argument: Its name, for the message.
        value: What was given.
        choices: What is allowed.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is not among the choices.

    All chapters.
    """
    if not isinstance(value, str):
        raise TypeError(f"`{argument}` is {value!r}, not a string: pass one of {sorted(choices)}")
    if value not in choices:
        raise ValueError(f"`{argument}` is {value!r}, which is unknown: pass one of {sorted(choices)}")


def require_integer(argument: str, value: int, least: int) -> None:
    """Refuse what is not an integer of at least `least`.

    Args:
        argument: Its name, for the message.
        value: What was given.
        least: Smallest value allowed.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is too small.

    All chapters.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{argument}` is {value!r}, not an integer: pass a whole number of at least {least}")
    if value < least:
        raise ValueError(f"`{argument}` is {value}: pass a whole number of at least {least}")


def require_options(name: str, source: Callable[..., object], options: Iterable[str]) -> None:
    """Refuse options that a data set does not have.

    Args:
        name: The data set, for the message.
        source: What makes it, from a part and options.
        options: Names of what was given.

    Raises:
        TypeError: If a name is not among the source's options; lists those.

    All chapters.
    """
    known = list(inspect.signature(source).parameters)[1:]
    for option in options:
        if option not in known:
            own = ", ".join(f"`{word}`" for word in known)
            repair = f"it knows {own}" if known else "it has none of its own, leave it out"
            raise TypeError(f"`{option}` is no option of the data set {name!r}: {repair}")


def require_label(label: str) -> None:
    """Refuse what is no name of a folder.

    Args:
        label: Of finished runs.

    Raises:
        ValueError: If it has other characters than letters, digits, ``.``, ``_`` and ``-``.

    All chapters.
    """
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise ValueError(
            f"`label` is {label!r}: pass letters, digits, '.', '_' and '-', beginning with one of the first two"
        )
