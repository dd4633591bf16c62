"""Classifiers, whose layers are feature spaces: what a step in the data means to a network that tells classes apart.

A feature map is a callable from data to numbers, differentiable all the way: `Classifier.log_posteriors` and
`Classifier.penultimate` are two. A decoder is measured in a feature space by composition, ``lambda z: h(f(z))``.

Classifiers have no codes to be decoded, and so not the contract of the other models.

Chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from jaxtyping import Integer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from latentbook.learning.nets import AnyBatch

__all__ = ["Classifier", "convolutional_classifier", "logistic_regression"]

# Of the convolutions, and of the layer before the last.
CHANNELS, FEATURES = (16, 32), 64


class Classifier(nn.Module):
    """A network that tells classes apart, without BatchNorm and dropout: it is the same in train and in eval mode.

    Args:
        body: Module ``(..., *event)`` to features ``(..., F)``.
        head: Module ``(..., F)`` to one number for each class, ``(..., K)``.

    Example:
        >>> model = logistic_regression((1, 8, 8), 10)
        >>> model(torch.zeros(5, 1, 8, 8)).shape, model.penultimate(torch.zeros(5, 1, 8, 8)).shape
        (torch.Size([5, 10]), torch.Size([5, 64]))

    Chapter 3.
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        """Return the logarithm of each class's probability, ``(..., K)``, in nats."""
        return self.log_posteriors(x)

    def log_posteriors(self, x: Tensor) -> Tensor:
        """Return the logarithm of each class's probability, ``(..., K)``, in nats: a feature map."""
        return log_softmax(self.head(self.body(x)), -1)

    def penultimate(self, x: Tensor) -> Tensor:
        """Return what the last layer is given, ``(..., F)``: a feature map."""
        return self.body(x)

    def predict(self, x: Tensor) -> Tensor:
        """Return the most probable class, ``(...)``."""
        return self.head(self.body(x)).argmax(-1)

    def terms(self, x: Tensor, y: Integer[Tensor, "N"]) -> dict[str, Tensor]:
        """Return the unweighted terms of the loss: the cross-entropy, in nats for each example.

        Args:
            x: Data, ``(N, *event)``.
            y: Their classes, from 0.
        """
        return {"cross_entropy": cross_entropy(self.head(self.body(x)), y)}


def logistic_regression(event_shape: Sequence[int], classes: int) -> Classifier:
    """Return an untrained logistic regression: one linear layer, whose penultimate features are the data, flat.

    Args:
        event_shape: Shape of one example.
        classes: How many there are.

    Returns:
        The classifier.

    Example:
        >>> logistic_regression((1, 8, 8), 3)(torch.zeros(2, 5, 1, 8, 8)).shape
        torch.Size([2, 5, 3])

    Chapter 3.
    """
    return Classifier(nn.Flatten(-len(event_shape)), nn.Linear(math.prod(event_shape), classes))


def convolutional_classifier(event_shape: Sequence[int], classes: int) -> Classifier:
    """Return an untrained small network of convolutions; it is smooth, so that lengths in its features are too.

    Args:
        event_shape: Of an image, ``(C, H, W)``, of any size.
        classes: How many there are.

    Returns:
        The classifier, with 64 penultimate features.

    Raises:
        ValueError: If the shape is no image's.

    Example:
        >>> convolutional_classifier((1, 28, 28), 10).penultimate(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 64])

    Chapter 3.
    """
    if len(event_shape) != 3:
        raise ValueError(f"`event_shape` is {tuple(event_shape)}, but an image has (C, H, W): use logistic_regression")
    colours, height, width = event_shape
    first, second = CHANNELS
    # Each stride of 2 leaves half of a side, rounded up.
    smallest = -(-height // 4) * -(-width // 4)
    body = nn.Sequential(
        nn.Conv2d(colours, first, 5, stride=2, padding=2),
        nn.SiLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(second * smallest, FEATURES),
        nn.SiLU(),
    )
    return Classifier(AnyBatch(body, event_shape), nn.Linear(FEATURES, classes))
