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

__all__ = ["load", "save", "split", "state_tensors"]

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
    header = json.dumps({**facts, "checksum": _checksum(held)})
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
    try:
        tensors = parse(content)
        (length,) = struct.unpack("<Q", content[:8])
        facts = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER])
        expected = facts.pop("checksum")
    except (safetensors.SafetensorError, KeyError, ValueError, struct.error) as error:
        raise ChecksumError(f"{path} is no finished file of a run ({error}): delete it and train again") from error
    if (found := _checksum(tensors)) != expected:
        raise ChecksumError(
            f"{path} is altered: expected checksum {expected}, found {found}: delete it and train again"
        )
    return tensors, facts


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


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return a hash of names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]
