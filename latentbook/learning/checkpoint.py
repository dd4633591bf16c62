"""One file for a training run: tensors in safetensors, all else as JSON in its header, and a checksum of the bytes."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load as parse
from safetensors.torch import save as pack
from torch import Tensor

from latentbook.core import ChecksumError, write_atomically

__all__ = ["facts", "load", "save", "split", "state_tensors"]

HEADER = "latentbook"


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to one file, whole or not at all.

    Args:
        path: The file; its folder is made if need be.
        tensors: By name; copied to the CPU.
        facts: Whatever JSON can hold.

    Raises:
        OSError: If the disk refuses; an older file stays as it was.

    All chapters.
    """
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    header = json.dumps({**facts, "checksum": _checksum(held, facts)})
    write_atomically(path, pack(held, {HEADER: header}))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote.

    Args:
        path: The file.

    Returns:
        Tensors on the CPU, and the facts.

    Raises:
        ChecksumError: If the file is cut short, altered, or none of ours.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "run.safetensors"
        >>> save(file, {"w": torch.ones(2)}, {"step": 7})
        >>> load(file)
        ({'w': tensor([1., 1.])}, {'step': 7})

    All chapters.
    """
    content = path.read_bytes()
    held = _facts(path, content)
    expected = held.pop("checksum", None)
    try:
        tensors = parse(content)
    except safetensors.SafetensorError as error:
        raise _not_ours(path, error) from error
    if (found := _checksum(tensors, held)) != expected:
        raise ChecksumError(
            f"{path} is altered: expected checksum {expected}, found {found}: delete it and train again"
        )
    return tensors, held


def facts(path: Path) -> dict[str, Any]:
    """Read the facts of a file alone: its tensors are neither read nor checked.

    Args:
        path: The file.

    Returns:
        The facts.

    Raises:
        ChecksumError: If it begins like none of ours.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "run.safetensors"
        >>> save(file, {"w": torch.ones(2)}, {"step": 7})
        >>> facts(file)
        {'step': 7}

    All chapters.
    """
    with path.open("rb") as file:
        start = file.read(8)
        # A length that is no length would ask for all memory.
        size = min(int.from_bytes(start, "little"), path.stat().st_size)
        held = _facts(path, start + file.read(size))
    del held["checksum"]
    return held


def state_tensors(prefix: str, state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Part a state into tensors, under a prefix, and the rest.

    Args:
        prefix: Put before every tensor's name, with a dot.
        state: Flat, by name.

    Returns:
        The tensors, and what is none.

    Example:
        >>> state_tensors("a", {"w": torch.zeros(1), "n": 3})
        ({'a.w': tensor([0.])}, {'n': 3})

    All chapters.
    """
    tensors = {f"{prefix}.{name}": value for name, value in state.items() if isinstance(value, Tensor)}
    return tensors, {name: value for name, value in state.items() if not isinstance(value, Tensor)}


def split(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors under a prefix, without it.

    Args:
        tensors: By name.
        prefix: As given to `state_tensors`.

    Returns:
        By name without prefix and dot.

    Example:
        >>> split({"a.w": torch.zeros(1), "b.w": torch.ones(1)}, "a")
        {'w': tensor([0.])}

    All chapters.
    """
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _facts(path: Path, content: bytes) -> dict[str, Any]:
    """Return the facts in a file's first bytes, with the checksum."""
    try:
        (length,) = struct.unpack("<Q", content[:8])
        held = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER])
        held["checksum"]
    except (KeyError, ValueError, struct.error) as error:
        raise _not_ours(path, error) from error
    return held


def _not_ours(path: Path, error: Exception) -> ChecksumError:
    return ChecksumError(f"{path} is no finished file of a run ({error}): delete it and train again")


def _checksum(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """Return a hash of the facts, and of every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]
