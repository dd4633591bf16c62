"""The points of an explorer: which of the examples are shown, of which classes, and what travels of themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentbook.core import seeded
from latentbook.learning.dataset import Dataset
from latentbook.press.figures import CLASSES
from latentbook.press.figures.isometry.planes import some_of_each
from latentbook.press.widgets.members import Event
from latentbook.press.widgets.perceptron import halves, require_half

__all__ = ["MOST_BYTES", "Points", "dataset_of", "landmarks", "points_of"]

# Bytes that the examples may take, and points that are worth more than examples: where fewer would fit, none go along.
MOST_BYTES, FEWEST = 1_000_000, 200
# How far beyond [0, 1] a grey level may be, by the rounding of whoever made it.
ROUNDING = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """The points that are shown.

    Attributes:
        x: What they are, examples or codes, as floats ``(n, *event)`` on the CPU.
        labels: Their classes, as indices of `classes`, ``(n,)``; None without labels.
        classes: Names of the classes, some of which may have no point.
        kind: How examples travel: ``"uint8"``, ``"half"``, or ``""`` where they do not.
        examples: Their bytes.
        notes: What a reader has to know about the choice.
    """

    x: Tensor
    labels: Tensor | None
    classes: list[str]
    kind: str
    examples: bytes
    notes: list[str]


def dataset_of(data: Any, labels: Any = None, classes: Sequence[str] | None = None) -> Dataset:
    """Return data whose labels are numbers that have a colour, with the names of the classes from 0 on.

    A class keeps its number, and so its colour, whichever others are there; numbers beyond the colours are counted
    anew.

    Args:
        data: A data set, or a tensor or array ``(N, *event)``.
        labels: One class for each example, if the data set does not bring them.
        classes: Names of the classes 0, 1, ..., if others than the data set's, or than their numbers.

    Raises:
        TypeError: If data or labels are no numbers of the right kind.
        ValueError: If there is no example, one is not finite, or labels or names do not fit.

    Chapter 2.
    """
    dataset = data if isinstance(data, Dataset) else Dataset(_examples(data))
    y = dataset.y if labels is None else _labels(labels, len(dataset))
    if y is None:
        if classes is not None:
            raise ValueError(f"`classes` names {len(classes)} classes, but there are no labels: pass `labels` too")
        return dataset
    present, index = y.unique(return_inverse=True)
    numbers = present.tolist()
    if numbers[0] < 0:
        raise ValueError(f"`labels` has {numbers[0]}: classes count from 0")
    if len(numbers) > len(CLASSES):
        found = f"`labels` has {len(numbers)} classes"
        raise ValueError(f"{found}, but there are {len(CLASSES)} colours: pass examples of fewer classes")
    names = classes or (dataset.classes if labels is None else ())
    if names and numbers[-1] >= len(names):
        found = f"`classes` has {len(names)} names, but `labels` goes up to {numbers[-1]}"
        raise ValueError(f"{found}: name them all")
    if numbers[-1] < len(CLASSES):
        index, numbers = y, range(numbers[-1] + 1)
    return dataset.replaced(y=index, classes=[str(names[label] if names else label) for label in numbers])


def points_of(dataset: Dataset, event: Event | None, most: int, wanted: bool) -> Points:
    """Return the points that are shown: of every class examples at equal steps.

    Args:
        dataset: From `dataset_of`.
        event: What the examples are; None where they are codes, which do not travel a second time.
        most: Number of points at most, at least 1.
        wanted: Whether examples shall travel.

    Raises:
        ValueError: If there are more classes than points, or examples that travel are out of range.

    Chapter 2.
    """
    if most < 1:
        raise ValueError(f"`max_points` is {most}: pass 1 or more")
    notes = []
    if event is not None and wanted:
        fitting = MOST_BYTES // (event.size if event.kind == "image" else 2 * event.size)
        wanted = fitting >= min(FEWEST, most, len(dataset))
        most = min(most, fitting) if wanted else most
        notes += [] if wanted else ["The examples are too large to be shown here; their reconstructions are."]
    shown = _shown(dataset.y, len(dataset), most)
    if len(shown) < len(dataset):
        notes.insert(0, f"{len(shown):,} of {len(dataset):,} points are shown.")
    some = dataset.subset(shown.to(dataset.device))
    # Pixels that are drawn are drawn once, and alike each time.
    with seeded(0):
        x = some[:].cpu()
    kind, examples = _travelling(x, event) if event is not None and wanted else ("", b"")
    if some.y is None:
        return Points(x, None, [], kind, examples, notes)
    return Points(x, some.y.cpu(), [*some.classes], kind, examples, notes)


def landmarks(codes: Tensor, labels: Tensor | None) -> tuple[int, int, int]:
    """Return the points where the probe, the start and the end of a path are at first.

    The path joins the middles of the first and the last class; the probe is at a point of one between, not quite in its
    middle. Without classes the path joins two points that are far from each other.

    Args:
        codes: ``(N, 2)``, at least one.
        labels: ``(N,)``, or None.

    Chapter 2.
    """
    classes = [] if labels is None else labels.unique().tolist()
    if len(classes) < 2:
        points = _by_distance(codes, torch.ones(len(codes), dtype=torch.bool))
        return points[0], points[-1], int((codes - codes[points[-1]]).norm(dim=-1).argmax())
    between = _by_distance(codes, labels == classes[(len(classes) - 1) // 2])
    start, end = (_by_distance(codes, labels == which)[0] for which in (classes[0], classes[-1]))
    return between[len(between) // 4], start, end


def _by_distance(codes: Tensor, chosen: Tensor) -> list[int]:
    """Return the indices of chosen points, those in their middle first."""
    index = chosen.nonzero().squeeze(1)
    some = codes[index]
    return index[(some - some.median(0).values).norm(dim=-1).argsort(stable=True)].tolist()


def _examples(data: Any) -> Tensor:
    if not isinstance(data, (Tensor, np.ndarray)):
        raise TypeError(f"`data` is of type {type(data).__name__}: pass a Dataset, or a tensor of examples (N, *event)")
    x = torch.as_tensor(data).detach()
    if not (x.is_floating_point() or x.dtype == torch.uint8):
        raise TypeError(f"`data` holds {x.dtype}: pass floats, or pixels as torch.uint8")
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(f"`data` has shape {tuple(x.shape)}: pass at least one example, as (N, *event)")
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError(f"`data` has {int((~x.isfinite()).sum())} values that are not finite: remove or replace them")
    return x


def _labels(labels: Any, count: int) -> Tensor:
    y = torch.as_tensor(labels).detach()
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"`labels` holds {y.dtype}: pass integers, one class for each example")
    if y.shape != (count,):
        raise ValueError(f"`labels` has shape {tuple(y.shape)}, but `data` has {count} examples: pass one for each")
    return y.long()


def _shown(y: Tensor | None, count: int, most: int) -> Tensor:
    """Return the indices of the points that are shown, in the order of the data."""
    if count <= most:
        return torch.arange(count)
    y = torch.zeros(count, dtype=torch.int64) if y is None else y.cpu()
    sizes = y.unique(return_counts=True)[1]
    if len(sizes) > most:
        raise ValueError(f"`max_points` leaves room for {most}, but there are {len(sizes)} classes: pass a larger one")
    # As many of each class as fit: where a class is small, the others have more.
    each = max(share for share in range(1, most + 1) if sizes.clamp(max=share).sum() <= most)
    return some_of_each(y, each).sort().values


def _travelling(x: Tensor, event: Event) -> tuple[str, bytes]:
    """Return how examples travel, and their bytes."""
    if event.kind != "image":
        require_half("`data`", x)
        return "half", halves(x)
    low, high = float(x.min()), float(x.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"`data` has images with values from {low:g} to {high:g}, but grey levels are in [0, 1]: scale them, or "
            "pass `examples=False`"
        )
    return "uint8", (255 * x.double().clamp(0, 1)).round().to(torch.uint8).numpy().tobytes()
