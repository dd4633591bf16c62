"""Classifiers for chapter 3's feature spaces, trained on some digits of a data set.

Labels are 0 to K - 1 for the classes that are trained on, in ascending order, whatever digits these are.

Chapter 3.
"""

from __future__ import annotations

import dataclasses
import functools
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.core import seeded
from latentbook.learning import runs
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.classifier import Classifier, convolutional_classifier, logistic_regression
from latentbook.learning.parameters import check_choice, check_device, check_digits, check_integer
from latentbook.learning.progress import Progress
from latentbook.learning.train import History, fit

__all__ = ["KINDS", "SCALES", "Run", "Scale", "Settings", "accuracy", "load_data", "settings", "train"]

RECIPE = "latentbook.learning.recipes.classifiers"
KINDS = {"logistic": logistic_regression, "convolutional": convolutional_classifier}
DATASETS = ("digits", "mnist", "fashion")
WEIGHT_DECAY = 1e-4
# Examples that are classified at once.
CHUNK = 4096


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
    # The original's.
    "paper": Scale(steps=None, epochs=50, batch_size=32),
}
# Adam's, at the beginning; it falls to nothing in a straight line.
RATES = {"logistic": 2e-2, "convolutional": 3e-3}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        kind: ``"logistic"`` or ``"convolutional"``.
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


@dataclasses.dataclass(frozen=True)
class Run:
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


def settings(
    *,
    kind: object = "logistic",
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
        kind: ``"logistic"`` or ``"convolutional"``.
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: 50 epochs.
        dataset: ``"digits"``, ``"mnist"`` or ``"fashion"``; other data are passed to `train`.
        digits: Classes, at least two different ones, as in ``"01367"``.
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
        >>> settings(kind="convolutional", digits="310", device="cpu").digits
        '013'

    Chapter 3.
    """
    size = check_choice("scale", scale, SCALES)
    usual = SCALES[size]
    return Settings(
        kind=check_choice("kind", kind, KINDS),
        scale=size,
        dataset=check_choice("dataset", dataset, DATASETS),
        digits=check_digits("digits", digits),
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        steps=usual.steps if steps is None else check_integer("steps", steps, 1),
        batch_size=usual.batch_size if batch_size is None else check_integer("batch_size", batch_size, 1),
    )


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

    Chapter 3.
    """
    wanted = torch.tensor([int(digit) for digit in chosen.digits], device=chosen.device)

    def of(split: str) -> Dataset:
        data = load(chosen.dataset, split, device=str(chosen.device))
        return _relabelled(data, wanted)

    return of("train"), of("test")


def train(
    chosen: Settings,
    *,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train one classifier, and count how often it is right.

    Args:
        chosen: Checked parameters, from `settings`.
        data: Training and test data with labels, if others than the settings'; moved to the settings' device. Their
            classes are the labels of the training data.
        trained: Label, id or file of a finished run, to be measured instead of training one.
        label: Keeps the result as a finished run, for `latentbook.learning.runs`.
        checkpoint: A file to go on from, and to write as the run goes.
        progress: Counts the steps; None for a line of its own.

    Returns:
        The model and its accuracies.

    Raises:
        ValueError: If the data have no labels, the test data one that was not trained on, or no finished run of that
            name answers the question; lists what there is.

    Example:
        >>> train(settings(scale="smoke", device="cpu")).test_accuracy > 0.85
        True

    Chapter 3.
    """
    training, test = _own(chosen, *data) if data else load_data(chosen)
    with seeded(chosen.seed):
        model = KINDS[chosen.kind](training.event_shape, len(training.classes)).to(training[:1])
    spec = _spec(chosen, training)
    if trained is not None:
        found = runs.find(trained, RECIPE, spec)
        model.load_state_dict(found.state)
        return _run(model.eval(), found.history, training, test)
    line = Progress(spec["steps"], _name(chosen, training)) if progress is None else nullcontext(progress)
    with line as counted:
        history = fit(
            model,
            training,
            lambda model, batch, step: model.terms(*batch),
            weights={"cross_entropy": 1.0},
            steps=spec["steps"],
            batch_size=chosen.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=RATES[chosen.kind], weight_decay=WEIGHT_DECAY, fused=True),
            schedule=lambda step: 1 - step / spec["steps"],
            draw=_draw,
            checkpoint=checkpoint,
            spec=spec,
            progress=counted,
        )
    if label is not None:
        runs.publish(RECIPE, spec, training, model, history, label=label)
    return _run(model, history, training, test)


@torch.no_grad()
def accuracy(model: Classifier, data: Dataset) -> float:
    """Return the part of some examples that a classifier tells right.

    Args:
        model: On the data's device.
        data: Examples with labels from 0.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: If the data have no labels.

    Example:
        >>> data = Dataset(torch.rand(50, 3), torch.zeros(50, dtype=torch.int64))
        >>> 0 <= accuracy(logistic_regression((3,), 2), data) <= 1
        True

    Chapter 3.
    """
    y = data.labels
    chunks = [model.predict(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]
    return (torch.cat(chunks) == y).double().mean().item()


def _run(model: Classifier, history: History, training: Dataset, test: Dataset) -> Run:
    return Run(model, history, training.classes, accuracy(model, training), accuracy(model, test))


def _draw(data: Dataset, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    index = torch.randint(len(data), (size,), generator=generator, device=data.device)
    return data[index], data.labels[index]


def _own(chosen: Settings, training: Dataset, test: Dataset) -> tuple[Dataset, Dataset]:
    """Return a reader's data, where the settings say, with labels from 0."""
    training, test = training.to(chosen.device), test.to(chosen.device)
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


def _name(chosen: Settings, training: Dataset) -> str:
    """Return what a training is called on its line of progress."""
    return f"{chosen.kind} classifier of {len(training.classes)} classes"


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "classes": list(training.classes)}
    del spec["device"], spec["digits"]
    steps = chosen.steps or SCALES[chosen.scale].epochs * -(-len(training) // chosen.batch_size)
    return spec | {"steps": steps}
