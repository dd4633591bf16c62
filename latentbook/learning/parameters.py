"""Checks of a chapter's parameters: a wrong one stops before anything is trained, with the right ones listed."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from latentbook.core import resolve_device

__all__ = ["check_choice", "check_device", "check_digits", "check_flag", "check_integer", "check_number"]


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return a parameter that must be one of some strings.

    Args:
        name: The parameter, for the message.
        value: What was given.
        choices: What is allowed.

    Returns:
        The value.

    Raises:
        TypeError: If it is no string; names papermill's ``-r``, which keeps strings.
        ValueError: If it is not among the choices.

    Example:
        >>> check_choice("scale", "book", ["smoke", "book", "paper"])
        'book'

    All chapters.
    """
    allowed = list(choices)
    if not isinstance(value, str):
        raise TypeError(
            f"`{name}` is {value!r} ({type(value).__name__}), but must be a string, one of {allowed}: "
            f"with papermill write `-r {name} {value}`, since `-p` turns digits into numbers"
        )
    if value not in allowed:
        raise ValueError(f"`{name}` is {value!r}, but must be one of {allowed}")
    return value


def check_device(name: str, value: object) -> torch.device:
    """Return the device that a parameter names.

    Args:
        name: The parameter, for the message.
        value: What was given: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.

    Returns:
        The device, as from `latentbook.core.resolve_device`.

    Raises:
        TypeError: If it is no string.
        ValueError: If this machine has no such device; lists those that it has.

    Example:
        >>> check_device("device", "cpu")
        device(type='cpu')

    All chapters.
    """
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return resolve_device(check_choice(name, value, ["auto", "cpu", "cuda", *gpus]))


def check_flag(name: str, value: object) -> bool:
    """Return a parameter that must be true or false.

    Args:
        name: The parameter, for the message.
        value: What was given.

    Returns:
        The value.

    Raises:
        TypeError: If it is neither; a text like ``"False"`` would count as true.

    Example:
        >>> check_flag("lipschitz", False)
        False

    All chapters.
    """
    if not isinstance(value, bool):
        raise TypeError(
            f"`{name}` is {value!r} ({type(value).__name__}), but must be True or False, as in `-p {name} False`"
        )
    return value


def check_number(name: str, value: object, low: float, high: float = float("inf")) -> float:
    """Return a parameter that must be a number from `low` to `high`, both allowed where they are finite.

    Args:
        name: The parameter, for the message.
        value: What was given; an integer will do.
        low: Smallest value allowed.
        high: Largest value allowed.

    Returns:
        The value, as a float.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is out of range or not a number (nan).

    Example:
        >>> check_number("lam", 1, 0.0)
        1.0

    All chapters.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"`{name}` is {value!r} ({type(value).__name__}), but must be a number: "
            f"with papermill write `-p {name} <number>`, since `-r` makes it a string"
        )
    if not low <= value <= high or value == float("inf"):
        raise ValueError(f"`{name}` is {value}, but must be a finite number from {low} to {high}")
    return float(value)


def check_integer(name: str, value: object, low: int, high: int = 2**63 - 1) -> int:
    """Return a parameter that must be an integer from `low` to `high`.

    Args:
        name: The parameter, for the message.
        value: What was given.
        low: Smallest value allowed.
        high: Largest value allowed.

    Returns:
        The value.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is out of range.

    Example:
        >>> check_integer("latent_dim", 32, 1)
        32

    All chapters.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(
            f"`{name}` is {value!r} ({type(value).__name__}), but must be an integer, as in `-p {name} {low}`"
        )
    if not low <= value <= high:
        raise ValueError(f"`{name}` is {value}, but must be from {low} to {high}")
    return value


def check_digits(name: str, value: object) -> str:
    """Return classes that are named by one digit each, sorted.

    Args:
        name: The parameter, for the message.
        value: What was given.

    Returns:
        The digits in ascending order.

    Raises:
        TypeError: If it is no string; names papermill's ``-r``, which keeps strings, and with them a leading 0.
        ValueError: If it holds anything but digits, one of them twice, or fewer than two.

    Example:
        >>> check_digits("digits", "310")
        '013'

    Chapters 2 and 3.
    """
    if not isinstance(value, str):
        raise TypeError(
            f"`{name}` is {value!r} ({type(value).__name__}), but must be a string of digits, as in '015': "
            f"with papermill write `-r {name} 015`, since `-p` makes the number 15 of it"
        )
    if not value.isascii() or not value.isdigit() or len(set(value)) != len(value) or len(value) < 2:
        raise ValueError(f"`{name}` is {value!r}, but must hold at least two different digits, as in '015'")
    return "".join(sorted(value))
