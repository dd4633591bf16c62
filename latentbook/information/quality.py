r"""How good images are: against the ones that they reconstruct, and before a classifier.

Classifiers are callables from images ``(N, *event)`` to logits ``(N, M)``. Logarithms of probabilities are logits too,
and so `latentbook.learning.models.classifier.Classifier` fits as it is. For the Fréchet distance in features of a
classifier there is `latentbook.learning.samples.frechet_distance`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from latentbook.core import at_rest
from latentbook.information.bounds import entropy_of

__all__ = [
    "EntropySplit",
    "InceptionScore",
    "Predictions",
    "entropy_split",
    "inception_score",
    "predictions",
    "psnr",
]

# Images that are classified at once.
CHUNK = 1024
# How far from 1 probabilities may sum: rounding of float32, and of four decimals in a file.
ROUNDING = 1e-3


# ---- images against images ----


def psnr(x: Float[Tensor, "N *event"], y: Float[Tensor, "N *event"], *, peak: float = 1.0, pooled: bool) -> Tensor:
    r"""Return the ratio of peak signal to noise of images, in decibels.

    .. math:: \mathrm{PSNR} = 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{MSE}}

    The mean over images of the one kind is at least the other, by Jensen's inequality: two images with errors .01 and
    .0001 have 30 dB on the average and 22.967 dB pooled. So the caller says which.

    Args:
        x: Images with levels from 0 to `peak`.
        y: Others, each compared with the one in its place.
        peak: The largest level that is possible, not the largest that is there.
        pooled: Whether one mean squared error is taken over all images; else each has its own.

    Returns:
        One number where pooled, else ``(N,)``. Infinite where images are identical.

    Raises:
        TypeError: If images are integers, whose differences may wrap around.
        ValueError: If shapes differ, there are no images, `peak` is not a finite number above 0, or a level is outside
            its range.

    Example:
        >>> x = torch.zeros(2, 1, 4, 4)
        >>> y = torch.stack([x[0] + 0.1, x[1] + 0.01])
        >>> psnr(x, y, pooled=False), psnr(x, y, pooled=True)
        (tensor([20., 40.]), tensor(22.9671))

    Chapter 4.
    """
    if not 0 < peak < math.inf:
        raise ValueError(f"`peak` is {peak}, but must be a finite number above 0: pass 1.0 for levels in [0, 1]")
    for name, images in (("x", x), ("y", y)):
        _require_images(name, images, (0.0, peak))
    if x.shape != y.shape:
        raise ValueError(
            f"`y` has shape {tuple(y.shape)} for images `x` of shape {tuple(x.shape)}: give each image its own"
        )
    squares = (x - y).square().flatten(1)
    return 20 * math.log10(peak) - 10 * (squares.mean() if pooled else squares.mean(1)).log10()


# ---- images before a classifier ----


class EntropySplit(NamedTuple):
    """The two factors of an inception score.

    Attributes:
        diversity: Number of classes that the images are spread over, from 1 to M.
        sharpness: How surely each is told, from 1/M to 1.
    """

    diversity: Tensor
    sharpness: Tensor


class InceptionScore(NamedTuple):
    """Inception scores of the parts of a sample, each of shape ``(splits,)``.

    Attributes:
        score: Diversity times sharpness, from 1 to the number of classes.
        diversity: Of each part.
        sharpness: Of each part.
    """

    score: Float[Tensor, "splits"]
    diversity: Float[Tensor, "splits"]
    sharpness: Float[Tensor, "splits"]


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a classifier makes of images.

    Attributes:
        classes: The most probable class of each image.
        entropies: Of the class probabilities of each image, in nats.
        accuracy: Part of the images whose class is the label; None without labels.
        entropy: Mean of the entropies, in nats.
    """

    classes: Integer[Tensor, "N"]
    entropies: Float[Tensor, "N"]
    accuracy: float | None
    entropy: float


def entropy_split(probabilities: Float[Tensor, "N M"]) -> EntropySplit:
    r"""Return diversity and sharpness, whose product is the inception score.

    .. math:: \exp H[\bar p], \quad \exp(-\mathbb{E}_x H[p(l \mid x)]), \qquad \bar p = \mathbb{E}_x\, p(l \mid x)

    The logarithm of the product is the information :math:`I(l; x)` in nats, hence at most :math:`\ln M`.

    Args:
        probabilities: Of the M classes, for each of N images; a row sums to 1. Zeros are welcome.

    Returns:
        Both factors.

    Raises:
        ValueError: If there is no row, an entry is negative or nan, or a row does not sum to 1 (within 0.001).

    Reference:
        Salimans, Goodfellow, Zaremba, Cheung, Radford & Chen, *Improved techniques for training GANs*, NeurIPS 2016.

    Example:
        >>> entropy_split(torch.eye(10))
        EntropySplit(diversity=tensor(10.), sharpness=tensor(1.))

    Chapter 4.
    """
    _require_probabilities(probabilities)
    diversity = entropy_of(probabilities.mean(0)).exp()
    return EntropySplit(diversity, (-entropy_of(probabilities).mean()).exp())


def inception_score(
    images: Float[Tensor, "N *event"],
    classifier: Callable[[Tensor], Tensor],
    *,
    splits: int = 1,
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> InceptionScore:
    r"""Return the inception score of images before any classifier, with its two factors.

    .. math:: \exp \mathbb{E}_x\, \mathrm{KL}[p(l \mid x) \,\Vert\, \bar p] = \exp H[\bar p] \cdot
        \exp(-\mathbb{E}_x H[p(l \mid x)])

    Scores of different classifiers, or of different numbers of images in a part, do not compare. Of probabilities
    that are known, `entropy_split` gives the factors.

    Args:
        images: A sample, in random order if there are several parts.
        classifier: Map ``(N, *event)`` to logits ``(N, M)``; a module, or a bound method of one, counts as in eval
            mode.
        splits: Number of parts, in the images' order and of sizes that differ by one at most.
        limits: Least and largest level that images may have; None for any.

    Returns:
        Scores and factors, one for each part, on the images' device.

    Raises:
        TypeError: If images are integers.
        ValueError: If there are fewer images than parts, a level is outside the limits, or the classifier does not
            return finite logits.

    Reference:
        Salimans, Goodfellow, Zaremba, Cheung, Radford & Chen, *Improved techniques for training GANs*, NeurIPS 2016.

    Example:
        >>> sure = inception_score(torch.eye(10), lambda x: 1000 * x)
        >>> unsure = inception_score(torch.eye(10), lambda x: 0 * x)
        >>> sure.score, unsure.score, unsure.sharpness
        (tensor([10.]), tensor([1.]), tensor([0.1000]))

    Chapter 4.
    """
    if not 1 <= splits <= len(images):
        raise ValueError(f"`splits` is {splits}, but must be from 1 to the number of images, {len(images)}")
    probabilities = _log_probabilities(classifier, images, limits).exp()
    parts = [entropy_split(part) for part in probabilities.tensor_split(splits)]
    diversity, sharpness = (torch.stack(factor) for factor in zip(*parts, strict=True))
    return InceptionScore(diversity * sharpness, diversity, sharpness)


def predictions(
    classifier: Callable[[Tensor], Tensor],
    images: Float[Tensor, "N *event"],
    labels: Integer[Tensor, "N"] | None = None,
    *,
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> Predictions:
    """Return how often a classifier is right about images, and how unsure it is.

    For reconstructions pass the labels of what they reconstruct; the same of the clean images is the mark to reach.

    Args:
        classifier: As in `inception_score`.
        images: Reconstructions, samples or data.
        labels: Their true classes, from 0; None where there are none, as of samples from a prior.
        limits: As in `inception_score`.

    Returns:
        Classes and entropies for each image, and their summaries.

    Raises:
        TypeError: If images are integers.
        ValueError: If labels are not one for each image or not among the classes, there are no images, a level is
            outside the limits, or the classifier does not return finite logits.

    Example:
        >>> levels, labels = torch.tensor([0.9, 0.2]), torch.tensor([0, 0])
        >>> seen = predictions(lambda x: torch.stack([2 * x, 1 - x], -1), levels, labels)
        >>> seen.classes, seen.accuracy
        (tensor([0, 1]), 0.5)

    Chapter 4.
    """
    log_probabilities = _log_probabilities(classifier, images, limits)
    classes, entropies = log_probabilities.argmax(-1), entropy_of(log_probabilities.exp())
    accuracy = None
    if labels is not None:
        _require_labels(labels, *log_probabilities.shape)
        accuracy = (classes == labels.to(classes.device)).double().mean().item()
    return Predictions(classes, entropies, accuracy, entropies.double().mean().item())


# ---- checks ----


@torch.no_grad()
def _log_probabilities(
    classifier: Callable[[Tensor], Tensor], images: Tensor, limits: tuple[float, float] | None
) -> Float[Tensor, "N M"]:
    """Return the logarithms of the class probabilities of images, looked at part by part."""
    _require_images("images", images, limits)
    module = classifier if isinstance(classifier, nn.Module) else getattr(classifier, "__self__", None)
    with at_rest(module) if isinstance(module, nn.Module) else nullcontext():
        parts = [_require_rows(classifier(part), len(part)) for part in images.split(CHUNK)]
    return _require_logits(torch.cat(parts)).log_softmax(-1)


def _require_images(name: str, images: Tensor, limits: tuple[float, float] | None) -> None:
    if not images.is_floating_point():
        raise TypeError(f"`{name}` is {images.dtype}: pass levels in [0, 1], as in `{name} / 255`")
    if images.numel() == 0:
        raise ValueError(f"`{name}` has shape {tuple(images.shape)}: pass at least one image")
    if limits is None:
        return
    low, high = limits
    if not (images.min() >= low and images.max() <= high):
        found = f"`{name}` has levels from {images.min():.4g} to {images.max():.4g}"
        raise ValueError(f"{found}, but must be within [{low:g}, {high:g}]: clamp them there, or name their own range")


def _require_rows(logits: object, count: int) -> Tensor:
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != count or logits.shape[1] < 2:
        found = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"`classifier` returns {found} for {count} images: return logits (N, M), of 2 classes or more")
    return logits


def _require_logits(logits: Tensor) -> Tensor:
    """Refuse what cannot be normalised, and probabilities: taken for logits, they would be far from sure."""
    if logits.isnan().any() or (logits == math.inf).any() or (logits == -math.inf).all(-1).any():
        raise ValueError("`classifier` returns logits that are not finite: look at its weights and at the images")
    if (logits >= 0).all() and ((logits.sum(-1) - 1).abs() < ROUNDING).all():
        raise ValueError("`classifier` returns probabilities: pass `lambda x: classifier(x).log()`, or its logits")
    return logits


def _require_probabilities(probabilities: Tensor) -> None:
    if probabilities.ndim != 2 or probabilities.numel() == 0:
        found = f"`probabilities` has shape {tuple(probabilities.shape)}"
        raise ValueError(f"{found}, but must be (N, M): a row for each image, a column for each class")
    if not (probabilities >= 0).all():
        least = probabilities.nan_to_num(nan=-math.inf).min()
        raise ValueError(f"`probabilities` has an entry {least:.4g}, negative or nan: pass `logits.softmax(-1)`")
    sums = probabilities.sum(-1)
    off = (sums - 1).abs().argmax()
    if abs(sums[off] - 1) > ROUNDING:
        raise ValueError(
            f"`probabilities` sums to {sums[off]:.4g} in row {off}, but a row sums to 1: divide by the sum"
        )


def _require_labels(labels: Tensor, images: int, classes: int) -> None:
    if labels.is_floating_point() or labels.shape != (images,):
        found = f"`labels` is {labels.dtype} of shape {tuple(labels.shape)}"
        raise ValueError(f"{found} for {images} images: pass one integer for each")
    if labels.min() < 0 or labels.max() >= classes:
        found = f"`labels` has {labels.min()} to {labels.max()}"
        raise ValueError(f"{found}, but the classifier tells {classes} classes, 0 to {classes - 1}: relabel them")
