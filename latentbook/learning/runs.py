"""Finished runs: one file each, under a label, found again by label, id or file.

They lie in ``$LATENTBOOK_RUNS``, else in the user's data folder, as ``<label>/<id>.safetensors``. An id is a hash of
what decided the run: its recipe's spec, the source that the recipe reaches by imports, and the data.
"""

from __future__ import annotations

import builtins
import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from torch import Tensor, nn

from latentbook.core import peak_memory
from latentbook.learning import checkpoint as files
from latentbook.learning.dataset import Dataset
from latentbook.learning.options import require_label
from latentbook.learning.source import digest, source_hash, versions
from latentbook.learning.train import History

__all__ = ["Entry", "Finished", "entry", "find", "folder", "ids", "list", "load", "publish", "run_id"]

SUFFIX = ".safetensors"
DISTRIBUTIONS = ("torch", "numpy")
# How long a run was trained and from where, not what it is of: one that differs in these alone may stand in.
MANNER = ("scale", "seed", "steps", "batch_size")


@dataclass(frozen=True)
class Entry:
    """What is known of a finished run without reading its tensors.

    Attributes:
        id: 16 hexadecimal digits.
        label: Given by whoever trained it.
        recipe: The module that trained it.
        spec: Everything that the recipe was asked for, by name.
        data: Checksum of the data.
        source: Hash of the source that computed it.
        versions: Of Python, torch and numpy.
        seconds: Of training.
        peak_memory: Of the process or the GPU, in bytes.
        file: Where it lies.
    """

    id: str
    label: str
    recipe: str
    spec: dict[str, Any]
    data: str
    source: str
    versions: dict[str, str]
    seconds: float
    peak_memory: int
    file: Path

    @property
    def is_current(self) -> bool:
        """Whether the package's source is still the one that computed it."""
        return self.source == _source(self.recipe)


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        entry: What it is.
        state: The model's state, for ``load_state_dict``.
        history: Its terms over the training.
    """

    entry: Entry
    state: dict[str, Tensor]
    history: History


def folder() -> Path:
    """Return where finished runs lie: ``$LATENTBOOK_RUNS``, else the user's data folder.

    Returns:
        The folder; it need not be there yet.

    Example:
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, LATENTBOOK_RUNS="of/mine"):
        ...     folder().as_posix()
        'of/mine'

    All chapters.
    """
    given = os.environ.get("LATENTBOOK_RUNS")
    return Path(given) if given else platformdirs.user_data_path("latentbook", appauthor=False) / "runs"


def run_id(recipe: str, spec: Mapping[str, Any], data: Dataset) -> str:
    """Return the id of a run, before it is trained.

    Args:
        recipe: The module that trains it.
        spec: Everything that the recipe is asked for, by name; what JSON can hold.
        data: What it is trained on.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> import torch
        >>> data = Dataset(torch.eye(3))
        >>> one, two = (run_id("latentbook.learning.train", {"lam": lam}, data) for lam in (0.1, 0.2))
        >>> len(one), one == two
        (16, False)

    All chapters.
    """
    return _id(recipe, dict(spec), _source(recipe), data.checksum())


def publish(
    recipe: str, spec: Mapping[str, Any], data: Dataset, model: nn.Module, history: History, *, label: str
) -> Entry:
    """Keep a trained model and its history as a finished run.

    Args:
        recipe: The module that trained it.
        spec: Everything that the recipe was asked for, by name; what JSON can hold.
        data: What it was trained on.
        model: The trained model.
        history: What `fit` returned, of this model alone.
        label: Letters, digits, ``.``, ``_`` and ``-``; many runs may share one.

    Returns:
        What `list` will say of it.

    Raises:
        ValueError: If the label has other characters.
        OSError: If the disk refuses; nothing half-written is left.

    All chapters.
    """
    require_label(label)
    checksum, source = data.checksum(), _source(recipe)
    facts = {
        "id": _id(recipe, dict(spec), source, checksum),
        "label": label,
        "recipe": recipe,
        "spec": dict(spec),
        "data": checksum,
        "source": source,
        "versions": versions(*DISTRIBUTIONS),
        "seconds": history.seconds,
        "peak_memory": peak_memory(data.device),
    }
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"history.{name}": values for name, values in history.terms.items()}
    file = folder() / label / f"{facts['id']}{SUFFIX}"
    files.save(file, tensors, {"run": facts})
    return _entry(file, {"run": facts})


def list(label: str | None = None) -> builtins.list[Entry]:
    """Return the finished runs, by label and spec.

    Args:
        label: Of the runs that are wanted; None for all.

    Returns:
        One entry a run; the tensors are not read.

    Raises:
        ChecksumError: If a file is none of ours, or cut short; names it.

    Example:
        >>> import tempfile
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, LATENTBOOK_RUNS=tempfile.mkdtemp()):
        ...     list()
        []

    All chapters.
    """
    pattern = f"{label or '*'}/*{SUFFIX}"
    found = [entry(file) for file in folder().glob(pattern)]
    return sorted(found, key=lambda entry: (entry.label, json.dumps(entry.spec, sort_keys=True)))


def entry(file: Path) -> Entry:
    """Return what is known of the finished run in a file.

    Args:
        file: The file.

    Returns:
        What `list` says of it.

    Raises:
        ChecksumError: If the file is none of ours, or cut short; names it.
        ValueError: If it is a checkpoint.

    All chapters.
    """
    return _entry(file, _facts(file))


def load(which: str | Path) -> Finished:
    """Read one finished run.

    Args:
        which: An id, a label that one run has, or a file.

    Returns:
        The run, with tensors on the CPU.

    Raises:
        ValueError: If there is none, or a label has several; lists what there is.
        ChecksumError: If the file is altered, cut short, or none of ours.

    All chapters.
    """
    entries = _named(which)
    if len(entries) > 1:
        several = "\n".join(f"  {entry.id}  {entry.spec}" for entry in entries)
        raise ValueError(f"`which` is {str(which)!r}, a label of {len(entries)} runs: pass the id of one\n{several}")
    return _read(entries[0])


def find(trained: str | Path, recipe: str, spec: Mapping[str, Any]) -> Finished:
    """Read the finished run that answers a question, instead of training.

    Scale, seed, steps and batch size tell how a run was made. Where several differ in nothing else, the one that has
    those of `spec` is meant.

    Args:
        trained: An id, a label, or a file.
        recipe: The module that asks.
        spec: Everything that it is asked for, by name.

    Returns:
        The run, with tensors on the CPU.

    Raises:
        TypeError: If `trained` is no text; says how to pass it through papermill.
        ValueError: If no run, or more than one, is of this recipe and spec; lists what there is.
        ChecksumError: If the file is altered, cut short, or none of ours.

    All chapters.
    """
    entries = _named(trained)
    question = {name: value for name, value in spec.items() if name not in MANNER}
    fitting = [entry for entry in entries if entry.recipe == recipe and _holds(entry, question)]
    exact = [entry for entry in fitting if _holds(entry, spec)]
    chosen = exact or fitting
    if len(chosen) != 1:
        there = "\n".join(f"  {entry.id}  {entry.recipe.rpartition('.')[2]}  {entry.spec}" for entry in entries)
        what = "no run of" if not chosen else f"{len(chosen)} runs of"
        raise ValueError(f"`trained` is {str(trained)!r}, which has {what} {dict(spec)}; it has\n{there}")
    return _read(chosen[0])


def ids(trained: object) -> builtins.list[str]:
    """Return the ids of the runs that `trained` names, sorted: what a result depends on that was computed from them.

    Args:
        trained: An id, a label, a file, or None.

    Returns:
        Sorted ids; empty where nothing is named, or nothing is there.

    Example:
        >>> ids(None)
        []

    All chapters.
    """
    if not isinstance(trained, str | Path):
        return []
    try:
        return sorted(entry.id for entry in _named(trained))
    except (ValueError, OSError):
        # Said by the recipe that asks for it.
        return []


def _named(which: str | Path) -> builtins.list[Entry]:
    """Return the runs that an id, a label or a file names; at least one."""
    if not isinstance(which, str | Path):
        raise TypeError(
            f"{which!r} is no label, id or file of a finished run: with papermill write `-r trained {which}`"
        )
    path = Path(which)
    if path.suffix == SUFFIX:
        if not path.is_file():
            raise ValueError(f"there is no file {path}: pass the path of a finished run, its id or its label")
        return [entry(path)]
    entries = list()
    # The same run under several labels is one.
    by_id = [entry for entry in entries if entry.id == str(which)][:1]
    named = by_id or [entry for entry in entries if entry.label == str(which)]
    if not named:
        labels = sorted({entry.label for entry in entries})
        raise ValueError(f"no finished run has the id or label {str(which)!r}; {folder()} has the labels {labels}")
    return named


def _facts(file: Path) -> Mapping[str, Any]:
    """Return the facts of a file; a chapter that looks at a sweep asks a thousand files a thousand times."""
    known = file.stat()
    return _facts_of(file.resolve(), known.st_mtime_ns, known.st_size)


@functools.lru_cache(maxsize=100_000)
def _facts_of(file: Path, changed: int, size: int) -> Mapping[str, Any]:
    return files.facts(file)


def _read(entry: Entry) -> Finished:
    tensors, _ = files.load(entry.file)
    return Finished(entry, files.split(tensors, "model"), History(files.split(tensors, "history"), entry.seconds))


def _entry(file: Path, facts: Mapping[str, Any]) -> Entry:
    if "run" not in facts:
        raise ValueError(f"{file} is a checkpoint of an unfinished training, not a finished run")
    return Entry(file=file, **facts["run"])


def _holds(entry: Entry, wanted: Mapping[str, Any]) -> bool:
    return all(entry.spec.get(name) == value for name, value in wanted.items())


def _source(recipe: str) -> str:
    return source_hash([f"import {recipe}"])


def _id(recipe: str, spec: dict[str, Any], source: str, data: str) -> str:
    content: Iterable[Any] = (recipe, spec, source, data)
    return digest(json.dumps([*content], sort_keys=True).encode())
