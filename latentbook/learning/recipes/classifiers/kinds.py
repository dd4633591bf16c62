"""Kinds of classifiers: how each is made, how it is trained, for how long, and which of them a data set takes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import nn

from latentbook.learning.models.classifier import (
    Classifier,
    convolutional_classifier,
    densenet121_classifier,
    logistic_regression,
    resnet18_classifier,
)

__all__ = ["KINDS", "KIND_FOR", "LARGE_SCALES", "SCALES", "Kind", "Scale"]

# The data sets, and the kind that each takes where none is asked for; of the last two, the original's.
KIND_FOR = {
    "digits": "convolutional",
    "mnist": "convolutional",
    "fashion": "convolutional",
    "svhn": "resnet18",
    "cifar10": "densenet121",
}


@dataclasses.dataclass(frozen=True)
class Scale:
    """How long to train.

    Attributes:
        steps: Updates; None: as many as `epochs` make.
        epochs: How often as many examples are seen as there are, where `steps` is None.
        batch_size: Examples in a batch.
    """

    steps: int | None
    epochs: int = 0
    batch_size: int = 100


SCALES = {
    "smoke": Scale(steps=150),
    "book": Scale(steps=600),
    # Chapter 3's original's.
    "paper": Scale(steps=None, epochs=50, batch_size=32),
}
# On a CPU a step takes seconds: the first two show that it runs, and what it would cost.
LARGE_SCALES = {
    "smoke": Scale(steps=3, batch_size=16),
    "book": Scale(steps=200, batch_size=64),
    # The epochs are chapter 4's original's; the batches, of a usual size, are our own.
    "paper": Scale(steps=None, epochs=14, batch_size=128),
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one kind of classifier is made and trained.

    Attributes:
        build: Event shape and number of classes to an untrained classifier.
        optimizer: Parameters to the optimiser.
        falling: The optimiser's rate as a part of what it is at first, after a part of the steps from 0 to 1. The
            original's cosine has a length that we do not know; ours ends with the run.
        scales: How long, by name.
    """

    build: Callable[[Sequence[int], int], Classifier]
    optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]
    falling: Callable[[float], float]
    scales: Mapping[str, Scale]


_adam = functools.partial(torch.optim.Adam, weight_decay=1e-4, fused=True)
# The original's.
_sgd = functools.partial(torch.optim.SGD, lr=1e-2, momentum=0.9, weight_decay=5e-4, fused=True)
KINDS = {
    "logistic": Kind(logistic_regression, functools.partial(_adam, lr=2e-2), lambda way: 1 - way, SCALES),
    "convolutional": Kind(convolutional_classifier, functools.partial(_adam, lr=3e-3), lambda way: 1 - way, SCALES),
    "resnet18": Kind(resnet18_classifier, _sgd, lambda _: 1.0, LARGE_SCALES),
    "densenet121": Kind(densenet121_classifier, _sgd, lambda way: (1 + math.cos(math.pi * way)) / 2, LARGE_SCALES),
}
