"""The numbers that a sweep keeps of a hierarchy, with a classifier that all who work on it share."""

from __future__ import annotations

from filelock import FileLock

from latentbook.learning import runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes import classifiers
from latentbook.learning.recipes.information.evaluation import evaluate
from latentbook.learning.recipes.information.settings import SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.recipes.information.training import Run, load_data, train  # noqa: F401  (doctests)
from latentbook.learning.source import source_hash

__all__ = ["scores"]


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run: those that `evaluate` measures by default.

    The classifier that looks at images is trained once, and kept as a finished run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        As a row of `evaluate`, without the weights.

    Example:
        >>> import os, tempfile
        >>> from unittest import mock
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> with mock.patch.dict(os.environ, LATENTBOOK_RUNS=tempfile.mkdtemp()):
        ...     [*scores(chosen, train(chosen))][:3]
        ['D', 'R_1', 'R_2']

    Chapter 4.
    """
    data = load_data(chosen)
    [row] = evaluate(
        run,
        data=data,
        classifier=_classifier(chosen, data).model,
        samples=SCALES[chosen.scale].samples,
        seed=chosen.seed,
    )
    return {name: value for name, value in row.items() if not name.startswith("beta_")}


def _classifier(chosen: Settings, data: tuple[Dataset, Dataset]) -> classifiers.Run:
    """Return the classifier of the data, of today's source, trained where there is none yet."""
    asked = classifiers.settings(
        scale=chosen.scale, dataset=chosen.dataset, seed=chosen.seed, device=str(chosen.device)
    )
    source = source_hash([f"import {classifiers.__name__}"])
    label = f"classifier-{asked.dataset}-{asked.scale}-{asked.seed}-{data[0].checksum()[:8]}-{source[:8]}"
    runs.folder().mkdir(parents=True, exist_ok=True)
    with FileLock(runs.folder() / f"{label}.lock"):
        if runs.list(label):
            return classifiers.train(asked, data=data, trained=label)
        return classifiers.train(asked, data=data, label=label)
