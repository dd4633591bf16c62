"""Training of classifiers, and how often they are right."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.core import at_rest
from latentbook.learning.augment import cropped_and_flipped
from latentbook.learning.callbacks import TensorBoard
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.classifier import Classifier, logistic_regression  # noqa: F401  (doctests)
from latentbook.learning.recipe import Recipe, Result, updates
from latentbook.learning.recipes.classifiers.kinds import KINDS
from latentbook.learning.recipes.classifiers.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.running import Callback
from latentbook.learning.train import History, fit

__all__ = ["STACKED", "Run", "accuracy", "load_data", "scores", "together", "train"]

# Data whose images are moved by up to so many pixels, and mirrored, as they are drawn. A digit in a mirror is none.
MARGINS = {"cifar10": 4}
# Examples that are classified at once.
CHUNK = 256


@dataclasses.dataclass(frozen=True)
class Run(Result):
    """A trained classifier, and how often it is right.

    Attributes:
        model: In eval mode; its methods `log_posteriors` and `penultimate` are feature maps.
        history: Its terms over the training.
        classes: Names of the classes 0 to K - 1.
        train_accuracy: Part of the training data that it tells right.
        test_accuracy: Part of the test data that it tells right.
    """

    model: Classifier
    history: History
    classes: tuple[str, ...]
    train_accuracy: float
    test_accuracy: float


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the settings' classes of the published training and test data, with labels from 0 to K - 1.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Training and test data, on the settings' device.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.

    Example:
        >>> training, test = load_data(settings(digits="37", device="cpu"))
        >>> training.classes, training.y.unique().tolist(), len(test)
        (('3', '7'), [0, 1], 89)

    Chapters 3 and 4.
    """
    wanted = torch.tensor([int(digit) for digit in chosen.digits], device=chosen.device)

    def of(split: str) -> Dataset:
        data = load(chosen.dataset, split, device=str(chosen.device))
        return _relabelled(data, wanted)

    return of("train"), of("test")


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        ``train_accuracy`` and ``test_accuracy``, as of `Run`.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [*scores(chosen, train(chosen))]
        ['train_accuracy', 'test_accuracy']

    Chapters 3 and 4.
    """
    return {"train_accuracy": run.train_accuracy, "test_accuracy": run.test_accuracy}


@torch.no_grad()
def accuracy(model: Classifier, data: Dataset) -> float:
    """Return the part of some examples that a classifier tells right, in eval mode.

    Args:
        model: On the data's device; its mode is as before afterwards.
        data: Examples with labels from 0.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: If the data have no labels.

    Example:
        >>> data = Dataset(torch.rand(50, 3), torch.zeros(50, dtype=torch.int64))
        >>> 0 <= accuracy(logistic_regression((3,), 2), data) <= 1
        True

    Chapters 3 and 4.
    """
    y = data.labels
    with at_rest(model):
        chunks = [model.predict(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]
    return (torch.cat(chunks) == y).double().mean().item()


def _descend(
    model: Classifier, chosen: Sequence[Settings], training: Dataset, spec: dict[str, Any], **common: Any
) -> History:
    """Train a model as its kind is trained."""
    kind = KINDS[chosen[0].kind]
    return fit(
        model,
        training,
        lambda model, batch, step: model.terms(*batch),
        weights={"cross_entropy": 1.0},
        optimizer=kind.optimizer,
        schedule=lambda step: kind.falling(step / spec["steps"]),
        draw=_draw,
        spec=spec,
        **common,
    )


def _draw(data: Dataset, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    index = torch.randint(len(data), (size,), generator=generator, device=data.device)
    x, y = data[index], data.labels[index]
    margin = MARGINS.get(data.name)
    return (x if margin is None else cropped_and_flipped(x, margin=margin, generator=generator)), y


def _adapted(training: Dataset, test: Dataset) -> tuple[Dataset, Dataset]:
    """Return a reader's data with labels from 0: the classes are the labels of the training data."""
    known, there = training.labels.unique(), test.labels
    if len(absent := there[~torch.isin(there, known)]):
        raise ValueError(f"`data` has the class {absent[0]} in its test part alone: leave it out, or train on it")
    return _relabelled(training, known), _relabelled(test, known)


def _relabelled(data: Dataset, wanted: Tensor) -> Dataset:
    """Return the examples of some classes, in ascending order, which become 0 to K - 1."""
    labels = wanted.tolist()
    kept = data.subset(data.indices_of(labels))
    names = [data.classes[k] if data.classes else str(k) for k in labels]
    return kept.replaced(y=torch.searchsorted(wanted, kept.labels), classes=names)


def _board(log_dir: str | Path | None, training: Dataset, test: Dataset) -> list[Callback]:
    return [] if log_dir is None else [TensorBoard(log_dir)]


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "classes": list(training.classes)}
    del spec["device"], spec["digits"]
    return spec | {"steps": updates(chosen, KINDS[chosen.kind].scales[chosen.scale].epochs, training)}


def _measure(model: Classifier, history: History, chosen: Settings, training: Dataset, test: Dataset) -> Run:
    return Run(model, history, training.classes, accuracy(model, training), accuracy(model, test))


RECIPE = Recipe(
    "latentbook.learning.recipes.classifiers",
    load_data=load_data,
    start=lambda chosen, training: KINDS[chosen.kind].build(training.event_shape, len(training.classes)),
    descend=_descend,
    spec=_spec,
    title=lambda chosen, training: f"{chosen[0].kind} classifier of {len(training.classes)} classes",
    measure=_measure,
    board=_board,
    adapted=_adapted,
)
STACKED, train, together = RECIPE.stacked, RECIPE.train, RECIPE.together
