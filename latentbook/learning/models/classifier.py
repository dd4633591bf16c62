"""Classifiers, whose layers are feature spaces: what a step in the data means to a network that tells classes apart.

They also judge images that a model has drawn or reconstructed (`latentbook.information.quality`): how sure they are of
a class, and how often it is the right one.

A feature map is a callable from data to numbers, differentiable all the way: `Classifier.log_posteriors` and
`Classifier.penultimate` are two. A decoder is measured in a feature space by composition, ``lambda z: h(f(z))``.

Classifiers have no codes to be decoded, and so not the contract of the other models.

Chapters 3 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from jaxtyping import Integer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from latentbook.learning.nets import AnyBatch

__all__ = [
    "Classifier",
    "convolutional_classifier",
    "densenet121_classifier",
    "logistic_regression",
    "resnet18_classifier",
]

# Of the convolutions, and of the layer before the last.
CHANNELS, FEATURES = (16, 32), 64
# Of torchvision's networks: channels of the first convolution, and the least side, of which a ninth is left at the end.
STEM, LEAST_SIDE = 64, 28


class Classifier(nn.Module):
    """A network that tells classes apart, and gives its features away.

    A body with BatchNorm, as torchvision's have, makes a feature map in eval mode alone, in which training leaves it:
    in train mode, features of an example depend on the others of its batch, and every look moves the running means.
    `logistic_regression` and `convolutional_classifier` have neither BatchNorm nor dropout, and one mode.

    Args:
        body: Module ``(..., *event)`` to features ``(..., F)``.
        head: Module ``(..., F)`` to one number for each class, ``(..., K)``.

    Example:
        >>> model = logistic_regression((1, 8, 8), 10)
        >>> model(torch.zeros(5, 1, 8, 8)).shape, model.penultimate(torch.zeros(5, 1, 8, 8)).shape
        (torch.Size([5, 10]), torch.Size([5, 64]))

    Chapters 3 and 4.
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

    Chapters 3 and 4.
    """
    colours, height, width = _image_shape(event_shape)
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


def resnet18_classifier(event_shape: Sequence[int], classes: int) -> Classifier:
    """Return an untrained ResNet18 for small images: torchvision's, behind one convolution of stride 1.

    Args:
        event_shape: Of an image, ``(C, H, W)`` with 1 or 3 colours and sides of at least 28.
        classes: How many there are.

    Returns:
        The classifier, with 512 penultimate features; 11,173,962 parameters for 3 colours and 10 classes.

    Raises:
        ValueError: If the shape is no such image's.

    Reference:
        He, Zhang, Ren & Sun, *Deep residual learning for image recognition*, CVPR 2016.

    Example:
        >>> resnet18_classifier((1, 28, 28), 10).eval().penultimate(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 512])

    Chapter 4.
    """
    from torchvision.models import resnet18

    stem, whole = _stem(event_shape), resnet18(num_classes=classes)
    whole.conv1 = stem
    whole.set_submodule("maxpool", nn.Identity())
    return _parted(whole, "fc", event_shape)


def densenet121_classifier(event_shape: Sequence[int], classes: int) -> Classifier:
    """Return an untrained DenseNet121 of growth 32 for small images: torchvision's, behind one convolution of stride 1.

    Args:
        event_shape: Of an image, ``(C, H, W)`` with 1 or 3 colours and sides of at least 28.
        classes: How many there are.

    Returns:
        The classifier, with 1,024 penultimate features; 6,956,298 parameters for 3 colours and 10 classes.

    Raises:
        ValueError: If the shape is no such image's.

    Reference:
        Huang, Liu, van der Maaten & Weinberger, *Densely connected convolutional networks*, CVPR 2017.

    Example:
        >>> densenet121_classifier((1, 28, 28), 10).eval().penultimate(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 1024])

    Chapter 4.
    """
    from torchvision.models import densenet121

    stem, whole = _stem(event_shape), densenet121(num_classes=classes)
    whole.features.conv0 = stem
    # With the pooling goes the normalisation before it: the first dense layer begins with one of its own.
    del whole.features.norm0, whole.features.relu0, whole.features.pool0
    return _parted(whole, "classifier", event_shape)


def _image_shape(event_shape: Sequence[int]) -> tuple[int, int, int]:
    """Return colours, height and width of an image."""
    if len(event_shape) != 3:
        raise ValueError(f"`event_shape` is {tuple(event_shape)}, but an image has (C, H, W): use logistic_regression")
    colours, height, width = event_shape
    return colours, height, width


def _stem(event_shape: Sequence[int]) -> nn.Conv2d:
    """Return a first convolution for small images, in place of one that was made for 224 pixels and halves a side."""
    colours, *sides = _image_shape(event_shape)
    if colours not in (1, 3) or min(sides) < LEAST_SIDE:
        needed = f"an image here has 1 or 3 colours and sides of at least {LEAST_SIDE}"
        raise ValueError(f"`event_shape` is {tuple(event_shape)}, but {needed}: use convolutional_classifier")
    return nn.Conv2d(colours, STEM, 3, padding=1, bias=False)


def _parted(whole: nn.Module, last: str, event_shape: Sequence[int]) -> Classifier:
    """Return a classifier whose head is the last layer of a network, and whose body is what comes before."""
    head = whole.get_submodule(last)
    whole.set_submodule(last, nn.Identity())
    return Classifier(AnyBatch(whole, event_shape), head)
