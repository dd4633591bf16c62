"""What is measured of a trained hierarchy, on test data: each measure by itself, as numbers by name."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latentbook.information import (
    PROBES,
    inception_score,
    means,
    mutual_information,
    mutual_information_lower_bound,
    predictions,
    probe_accuracy,
    psnr,
)
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.gumbel import GumbelSoftmax
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.samples import frechet_distance

__all__ = ["METRICS", "SPLITS", "Codes", "Examples", "draw_codes", "mean_codes"]

Numbers = dict[str, float]

# Examples that are looked at once.
CHUNK = 2048
# Draws of every example's codes, for rates and distortion.
DRAWS = 8
# Parts of a sample, of which each has an inception score.
SPLITS = 5
# Codes that a probe learns from, and that are compared with each other, at most: both grow with the square.
MOST_CODES = 10_000


@dataclass(frozen=True)
class Examples:
    """What hierarchies are measured on.

    Attributes:
        training: Where probes learn.
        test: Where everything is measured.
        classifier: Images to log-probabilities of classes, with a method `penultimate` for features; None where nothing
            is asked of it.
        samples: Images that are drawn from a model.
        seed: Of codes, samples and probes.
    """

    training: Dataset
    test: Dataset
    classifier: Any
    samples: int
    seed: int


@dataclass(frozen=True)
class Codes:
    """One draw of the codes of some examples; of each there are L, of the layer next to the data first.

    Attributes:
        drawn: The codes, ``(N, m_l)``; of a category one-hot.
        posteriors: What they were drawn from, given the codes drawn before: means and standard deviations; of a
            category its probabilities, and None.
        distortion: Of every example, in nats.
        rates: ``(N, L)``, in nats.
    """

    drawn: tuple[Tensor, ...]
    posteriors: tuple[tuple[Tensor, Tensor | None], ...]
    distortion: Tensor
    rates: Tensor


@torch.no_grad()
def draw_codes(model: HierarchicalVAE, data: Dataset, seed: int = 0) -> Codes:
    """Draw a code of every layer for all examples, a chunk at a time.

    Args:
        model: On the data's device.
        data: Any number of examples.
        seed: Of the draw.

    Returns:
        Codes, what they were drawn from, and what they cost.

    Example:
        >>> from latentbook.learning.models.hierarchies import hierarchical_mlp
        >>> found = draw_codes(hierarchical_mlp((3,), (4, 2)), Dataset(torch.rand(5, 3)))
        >>> [code.shape for code in found.drawn], found.rates.shape
        ([torch.Size([5, 4]), torch.Size([5, 2])], torch.Size([5, 2]))

    Chapter 4.
    """
    generator = torch.Generator(data.device).manual_seed(seed)
    return _joined([_drawn(model, x, generator) for x in _chunks(data)])


@torch.no_grad()
def mean_codes(model: HierarchicalVAE, data: Dataset, layer: int) -> Tensor:
    """Return the most probable codes of a layer for all examples, a chunk at a time.

    Args:
        model: On the data's device.
        data: Any number of examples.
        layer: From 1 next to the data to L.

    Returns:
        ``(N, m_l)``.

    Example:
        >>> from latentbook.learning.models.hierarchies import hierarchical_mlp
        >>> mean_codes(hierarchical_mlp((3,), (4, 2)), Dataset(torch.rand(5, 3)), layer=1).shape
        torch.Size([5, 4])

    Chapter 4.
    """
    return torch.cat([model.encode(x, layer) for x in _chunks(data)])


# ---- measures ----


def rates(model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return distortion and rates, their standard errors over examples, and minus their sum, the ELBO; in nats."""
    draws = [draw_codes(model, examples.test, examples.seed + draw) for draw in range(DRAWS)]
    distortion = torch.stack([draw.distortion for draw in draws]).mean(0)
    each = torch.stack([draw.rates for draw in draws]).mean(0)
    terms = {"D": distortion} | {f"R_{layer}": each[:, layer - 1] for layer in range(1, model.layers + 1)}
    found = means([terms | {"elbo": -(distortion + each.sum(-1))}])
    values = {name: mean.value.item() for name, mean in found.items()}
    return values | {f"{name}_error": mean.error.item() for name, mean in found.items()}


def reconstruction(model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return the PSNR of reconstructions through the most probable codes, clamped to [0, 1]: mean and pooled, in dB."""
    pairs = [(x, _rebuilt(model, x)) for x in _chunks(examples.test)]
    x, y = (torch.cat(side) for side in zip(*pairs, strict=True))
    return {"psnr": psnr(x, y, pooled=False).mean().item(), "psnr_pooled": psnr(x, y, pooled=True).item()}


def recognition(model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return how often a classifier recognises reconstructions, and how unsure it is, in nats."""
    rebuilt = torch.cat([_rebuilt(model, x) for x in _chunks(examples.test)])
    seen = predictions(examples.classifier, rebuilt)
    return {
        "recognised": (seen.classes == examples.test.labels).double().mean().item(),
        "recognition_entropy": seen.entropy,
    }


def generation(model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return the inception score of samples, its two factors, and the Fréchet distance of samples and test data."""
    generator = torch.Generator(examples.test.device).manual_seed(examples.seed)
    like = examples.test[:1]
    images = _samples(model, examples.samples, like, generator)
    score = inception_score(images, examples.classifier, splits=SPLITS)
    features = examples.classifier.penultimate
    return {
        "inception_score": score.score.mean().item(),
        "inception_score_error": (score.score.std() / math.sqrt(SPLITS)).item(),
        "diversity": score.diversity.mean().item(),
        "sharpness": score.sharpness.mean().item(),
        "frechet": frechet_distance(examples.test, images, features),
    }


def knowledge(model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return for every layer what its codes tell of the label: the Monte Carlo estimate and the held-out lower bound.

    The posterior of a layer is a mixture over the codes above it, of which one is drawn for each example.
    """
    training, test = _parts(examples)
    learned, own = _codes(model, training, test, examples.seed)
    found: Numbers = {}
    for layer, (code, posterior, known) in enumerate(zip(own.drawn, own.posteriors, learned.drawn, strict=True), 1):
        estimate, error = _information(posterior, test.labels, examples.seed)
        low = mutual_information_lower_bound(known, training.labels, code, test.labels)
        found |= {f"I_{layer}": estimate, f"I_{layer}_error": error}
        found |= {f"I_{layer}_low": low.value, f"I_{layer}_low_error": low.error}
    return found


def probe(kind: str, model: HierarchicalVAE, examples: Examples) -> Numbers:
    """Return for every layer the accuracy of a kind of probe: on drawn codes, and on the most probable ones."""
    training, test = _parts(examples)
    drawn = [codes.drawn for codes in _codes(model, training, test, examples.seed)]
    found: Numbers = {}
    for layer in range(1, model.layers + 1):
        sides = {"": [side[layer - 1] for side in drawn]}
        sides["_means"] = [mean_codes(model, part, layer) for part in (training, test)]
        for word, (learned, tried) in sides.items():
            accuracy = probe_accuracy(learned, training.labels, tried, test.labels, kind, seed=examples.seed)
            found[f"{kind}_{layer}{word}"] = accuracy
    return found


METRICS: dict[str, Callable[[HierarchicalVAE, Examples], Numbers]] = {
    "rates": rates,
    "reconstruction": reconstruction,
    "recognition": recognition,
    "generation": generation,
    "knowledge": knowledge,
    **{kind: functools.partial(probe, kind) for kind in PROBES},
}


def _chunks(data: Dataset) -> Iterator[Tensor]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def _drawn(model: HierarchicalVAE, x: Tensor, generator: torch.Generator) -> Codes:
    # Categories are drawn one-hot: relaxed ones tell more than what their rate pays for.
    found = model.infer(x, model.draw_noise((len(x),), x, generator), hard=True)
    distortion = -model.likelihood.log_prob(model.decoder(found.codes[0]), x)
    rates = torch.stack(torch.broadcast_tensors(*model.rates(found)), -1)
    return Codes(found.codes, tuple(map(_numbers, found.posteriors)), distortion, rates)


def _joined(parts: Sequence[Codes]) -> Codes:
    layers = range(len(parts[0].drawn))
    drawn = tuple(torch.cat([part.drawn[layer] for part in parts]) for layer in layers)
    posteriors = []
    for layer in layers:
        centres = torch.cat([part.posteriors[layer][0] for part in parts])
        deviations = [std for part in parts if (std := part.posteriors[layer][1]) is not None]
        posteriors.append((centres, torch.cat(deviations) if deviations else None))
    distortion, rates = (torch.cat([getattr(part, name) for part in parts]) for name in ("distortion", "rates"))
    return Codes(drawn, tuple(posteriors), distortion, rates)


def _parts(examples: Examples) -> tuple[Dataset, Dataset]:
    """Return training and test examples, at most as many as can be compared with each other."""
    return _some(examples.training), _some(examples.test)


def _some(data: Dataset) -> Dataset:
    """Return at most so many examples, drawn by lot: a reader's own may be sorted by class."""
    if len(data) <= MOST_CODES:
        return data
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    return data.subset(order[:MOST_CODES].to(data.device))


def _codes(model: HierarchicalVAE, training: Dataset, test: Dataset, seed: int) -> tuple[Codes, Codes]:
    """Return codes of training and test examples, each part's by noise of its own.

    By the same noise a collapsed layer's test codes would be its training codes.
    """
    return draw_codes(model, training, seed + DRAWS), draw_codes(model, test, seed)


@torch.no_grad()
def _rebuilt(model: HierarchicalVAE, x: Tensor) -> Tensor:
    return model.reconstruct(x).clamp(0, 1)


@torch.no_grad()
def _samples(model: HierarchicalVAE, count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    return torch.cat([model.sample(size, generator=generator) for size in sizes]).to(like).clamp(0, 1)


def _numbers(belief: Any) -> tuple[Tensor, Tensor | None]:
    if isinstance(belief, GumbelSoftmax):
        return belief.logits.softmax(-1), None
    return belief.mean, belief.stddev


def _information(posterior: tuple[Tensor, Tensor | None], labels: Tensor, seed: int) -> tuple[float, float]:
    first, std = posterior
    if std is None:
        return _of_categories(first.double(), labels), 0.0
    generator = torch.Generator(first.device).manual_seed(seed)
    return mutual_information(first, std, labels, generator=generator)


def _of_categories(probabilities: Tensor, labels: Tensor) -> float:
    """Return the mutual information of labels and categories, whose joint distribution is known."""
    of_class = torch.stack([probabilities[labels == label].mean(0) for label in labels.unique()])
    share = labels.unique(return_counts=True)[1] / len(labels)
    divergences = torch.xlogy(of_class, of_class / probabilities.mean(0)).sum(-1)
    return (share * divergences).sum().item()
