"""Measuring many hierarchies: each measure by itself, in several processes, and kept, so that nothing is done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentbook.core import at_rest, one_thread, write_atomically
from latentbook.learning.dataset import Dataset
from latentbook.learning.options import require_choice, require_integer
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.information.measures import METRICS, SPLITS, Examples, Numbers
from latentbook.learning.recipes.information.training import RECIPE, Run
from latentbook.learning.source import digest, source_hash

__all__ = ["USUAL", "column", "evaluate"]

# The other two probes take longer than all of these together.
USUAL = ("rates", "reconstruction", "recognition", "generation", "knowledge", "logistic", "svm-rbf", "knn")
# Fewer measures than these are done before a line of progress is read.
MANY = 50
CLASSIFIED = ("recognition", "generation")
LABELLED = ("recognition", "knowledge", "logistic", "svm-rbf", "svm-linear", "knn", "mlp")


@dataclass(frozen=True)
class _Task:
    """One measure of one hierarchy, and the file that keeps its numbers, if any."""

    run: Run
    metric: str
    file: Path | None

    def kept(self) -> Numbers | None:
        return json.loads(self.file.read_text()) if self.file and self.file.is_file() else None


def evaluate(
    runs: Run | Iterable[Run],
    metrics: Sequence[str] = USUAL,
    *,
    data: tuple[Dataset, Dataset],
    classifier: nn.Module | None = None,
    samples: int = 10_000,
    seed: int = 0,
    jobs: int = 1,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> list[dict[str, float]]:
    r"""Measure trained hierarchies.

    What is measured, and what it is called in the result:

    * ``"rates"``: ``D``, ``R_1`` to ``R_L``, ``elbo``, in nats, from 8 draws of each example's codes, with ``_error``;
    * ``"reconstruction"``: ``psnr``, the mean over images, and ``psnr_pooled``, in dB;
    * ``"recognition"``: ``recognised``, how often the classifier is right about reconstructions, and
      ``recognition_entropy``, in nats;
    * ``"generation"``: ``inception_score``, ``diversity``, ``sharpness``, ``frechet``, of samples;
    * ``"knowledge"``: ``I_1`` to ``I_L``, the estimate of :math:`I(l; z)`, which narrow posteriors fool, and
      ``I_1_low`` and so on, the bound which they do not, in nats, with ``_error``;
    * a kind of probe, such as ``"svm-rbf"``: ``svm-rbf_1`` to ``svm-rbf_L``, accuracies on drawn codes, and
      ``svm-rbf_1_means`` and so on, on most probable ones.

    Numbers of a finished run are kept beside it, those of others where `folder` says: each measure in a file of its
    own, as soon as it is done. What is there already is read, if run, source, data, classifier and seed are the same.

    Args:
        runs: One or many, from `train` or `family`.
        metrics: Names; by default all but the probes ``"svm-linear"`` and ``"mlp"``.
        data: Training data, where probes learn, and test data, where everything is measured.
        classifier: For recognition and generation: a module as `latentbook.learning.recipes.classifiers` trains it.
        samples: Images drawn from each model, at least 5, of whose fifths each has an inception score.
        seed: Of codes, samples and probes.
        jobs: Processes, at least 1; more for models and data on the CPU, to which they are sent.
        folder: Where numbers are kept; None for beside the finished runs alone.
        progress: Counts the measures; None for a line of its own.

    Returns:
        One row for each run: ``beta_1`` to ``beta_L``, then the measures.

    Raises:
        TypeError: If a classifier is needed and there is no module.
        ValueError: If a metric is unknown, data have no labels where they are needed or one class only, or a number is
            out of range.

    Example:
        >>> from latentbook.learning.recipes.information import load_data, settings, train
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [found] = evaluate(train(chosen), ["rates"], data=load_data(chosen))
        >>> abs(found["elbo"] + found["D"] + found["R_1"] + found["R_2"]) < 1e-6
        True

    Chapter 4.
    """
    wanted = [runs] if isinstance(runs, Run) else [*runs]
    _require(metrics, data, classifier, samples, seed, jobs)
    examples = Examples(*data, classifier=classifier, samples=samples, seed=seed)
    asked = _questions(metrics, examples)
    tasks = [_Task(run, metric, _file(run, metric, asked[metric], folder)) for run in wanted for metric in metrics]
    found = {id(task): numbers for task in tasks if (numbers := task.kept()) is not None}
    missing = [task for task in tasks if id(task) not in found]
    with progress or Progress(len(missing), "measures", shown=len(missing) >= MANY) as line:
        for task, numbers in zip(missing, _measured(missing, examples, jobs), strict=True):
            found[id(task)] = numbers
            line.advance()
    rows = [{f"beta_{layer}": beta for layer, beta in enumerate(run.betas, 1)} for run in wanted]
    for index, task in enumerate(tasks):
        rows[index // len(metrics)] |= found[id(task)]
    return rows


def column(rows: Sequence[Mapping[str, float]], name: str, side: int | None = None) -> torch.Tensor:
    """Return one measure of all rows; nan where a row has none.

    Args:
        rows: From `evaluate`.
        name: The measure.
        side: Rows of the result, if they are a grid; None for one dimension.

    Returns:
        ``(N,)``, or ``(side, N / side)``, in double precision.

    Raises:
        ValueError: If no row has it; lists what there is.

    Example:
        >>> column([{"D": 1.0}, {"D": 2.0}, {}, {"D": 4.0}], "D", side=2)
        tensor([[1., 2.],
                [nan, 4.]], dtype=torch.float64)

    Chapter 4.
    """
    if not any(name in row for row in rows):
        known = sorted({key for row in rows for key in row})
        raise ValueError(f"`name` is {name!r}, but the rows have {known}")
    values = torch.tensor([row.get(name, torch.nan) for row in rows], dtype=torch.float64)
    return values if side is None else values.reshape(side, -1)


def _measured(tasks: Sequence[_Task], examples: Examples, jobs: int) -> Iterable[Numbers]:
    """Return the numbers of tasks in their order, each as soon as it is there."""
    from joblib import Parallel, delayed

    if jobs == 1 or len(tasks) < 2:
        return (_measure(task, examples) for task in tasks)
    found: Any = Parallel(n_jobs=jobs, return_as="generator")(delayed(_measure)(task, examples) for task in tasks)
    return found


def _measure(task: _Task, examples: Examples) -> Numbers:
    with one_thread(), at_rest(task.run.model):
        numbers = METRICS[task.metric](task.run.model, examples)
    if task.file:
        write_atomically(task.file, json.dumps(numbers).encode())
    return numbers


def _file(run: Run, metric: str, question: str, folder: str | Path | None) -> Path | None:
    """Return where the numbers of a measure belong: in one folder a run."""
    home = Path(folder) if folder is not None else run.file and run.file.parent
    return home / f"{run.id}-measures" / f"{metric}-{question}.json" if home else None


def _questions(metrics: Sequence[str], examples: Examples) -> dict[str, str]:
    """Return for each measure a hash of all that it depends on besides the run."""
    data = [part.checksum() for part in (examples.training, examples.test)]
    shared = [source_hash([f"import {RECIPE.name}"]), *data, examples.seed]
    judged = [_checksum(examples.classifier), examples.samples]
    whole = {metric: [*shared, *judged] if metric in CLASSIFIED else shared for metric in metrics}
    return {metric: digest(json.dumps(facts).encode()) for metric, facts in whole.items()}


def _checksum(classifier: nn.Module | None) -> str:
    """Return a hash of what a classifier is made of, and of its weights."""
    content = hashlib.sha256(repr(classifier).encode())
    for name, value in classifier.state_dict().items() if classifier else ():
        content.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return content.hexdigest()


def _require(
    metrics: Sequence[str], data: tuple[Dataset, Dataset], classifier: Any, samples: int, seed: int, jobs: int
) -> None:
    for metric in metrics:
        require_choice("metrics", metric, METRICS)
    for name, number, least in (("samples", samples, SPLITS), ("seed", seed, 0), ("jobs", jobs, 1)):
        require_integer(name, number, least)
    needed = [metric for metric in metrics if metric in CLASSIFIED]
    if needed and not isinstance(classifier, nn.Module):
        found = f"`classifier` is {type(classifier).__name__}, but {needed[0]!r} needs a module"
        raise TypeError(f"{found}: pass `classifiers.train(...).model`")
    if any(metric in LABELLED for metric in metrics):
        for part in data:
            if len(part.labels.unique()) < 2:
                raise ValueError("`data` are of one class, of which there is nothing to tell: pass two or more")
