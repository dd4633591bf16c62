"""Parameters of a classifier's training, checked before anything is loaded or trained."""

from __future__ import annotations

import dataclasses

import torch

from latentbook.learning.parameters import check_choice, check_device, check_digits, check_integer
from latentbook.learning.recipes.classifiers.kinds import KIND_FOR, KINDS, SCALES

__all__ = ["Settings", "settings"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        kind: Name of the kind.
        scale: Name of the scale.
        dataset: Name of the data set.
        digits: The classes, one character each.
        seed: Of initial weights and batches.
        device: Where it runs.
        steps: Updates; None: as many as the scale's epochs make.
        batch_size: Examples in a batch.
    """

    kind: str
    scale: str
    dataset: str
    digits: str
    seed: int
    device: torch.device
    steps: int | None
    batch_size: int


def settings(
    *,
    kind: object = None,
    scale: object = "book",
    dataset: object = "digits",
    digits: object = "0123456789",
    seed: object = 0,
    device: object = "auto",
    steps: object = None,
    batch_size: object = None,
) -> Settings:
    """Check the parameters, before anything is loaded or trained.

    Args:
        kind: ``"logistic"``, ``"convolutional"``, ``"resnet18"`` or ``"densenet121"``; None for that of `KIND_FOR`.
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: 50 epochs, of the last two kinds 14.
        dataset: ``"digits"``, ``"mnist"``, ``"fashion"``, ``"svhn"`` or ``"cifar10"``; other data are passed to
            `train`, with a kind that can take them.
        digits: Classes by their labels, at least two different ones, as in ``"01367"``.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        steps: Updates, at least 1; None for the scale's.
        batch_size: Examples in a batch, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> chosen = settings(dataset="svhn", digits="310", device="cpu")
        >>> chosen.kind, chosen.digits
        ('resnet18', '013')

    Chapters 3 and 4.
    """
    name, size = check_choice("dataset", dataset, KIND_FOR), check_choice("scale", scale, SCALES)
    sort = KIND_FOR[name] if kind is None else check_choice("kind", kind, KINDS)
    usual = KINDS[sort].scales[size]
    return Settings(
        kind=sort,
        scale=size,
        dataset=name,
        digits=check_digits("digits", digits),
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        steps=usual.steps if steps is None else check_integer("steps", steps, 1),
        batch_size=usual.batch_size if batch_size is None else check_integer("batch_size", batch_size, 1),
    )
