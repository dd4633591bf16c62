"""What recipes share: a run is taken as it was kept, or trained, alone or in a family; then measured, and kept.

A recipe is a few functions of its settings, and says in them what is its own: what a model is, how it descends, what
decides a run, and what a trained model is worth.

All chapters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar

import torch  # noqa: F401  (doctests)
from torch import nn

from latentbook.core import seeded
from latentbook.learning import runs
from latentbook.learning.board import autoencoder_board
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, member_histories
from latentbook.learning.progress import Progress
from latentbook.learning.running import Callback
from latentbook.learning.train import History

__all__ = ["FamilyOptions", "Options", "Recipe", "Result", "updates"]

Data = tuple[Dataset, Dataset]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """Where a result belongs among the finished runs.

    Attributes:
        id: Of the run, which says what it is the result of; empty of a model that is still trained.
        file: Where it is kept as a finished run; None where it is not.
    """

    id: str = ""
    file: Path | None = None


class FamilyOptions(TypedDict, total=False):
    """Keywords of `Recipe.together`, which says what they are, and of a recipe's `family`."""

    data: Data | None
    trained: str | Path | None
    label: str | None
    log_dir: str | Path | None
    checkpoint: str | Path | None
    progress: Progress | None


class Options(FamilyOptions, total=False):
    """Keywords of `Recipe.train`, which says what they are, and of a recipe's `train`."""

    callbacks: Sequence[Callback]


# Settings: a frozen dataclass with at least a seed, a device, a batch size, and steps or None.
S = TypeVar("S", bound=Any)
R = TypeVar("R", bound=Result)


@dataclasses.dataclass(frozen=True)
class Recipe(Generic[S, R]):
    """An experiment as functions of its settings.

    Attributes:
        name: The module that finished runs are of, wherever in it they were trained.
        load_data: Settings to training and test data, on the settings' device.
        start: Settings and training data to an untrained model, with weights from the global generator.
        descend: ``descend(model, chosen, training, spec, **common)`` trains a model, or a family of them, one for each
            of the settings in the list `chosen`, and returns its history; `spec` is that of the first, and ``common``
            is for `fit`: steps, batch size, seed, and what looks on.
        spec: Settings and training data to all that decides a run besides its data and source, ``"steps"`` among it.
        title: List of settings, and training data, to what their training is called on its line of progress.
        measure: Model in eval mode, history, settings, training and test data to the result.
        stacked: Names of the settings in which members of a family may differ; where there are none, no families.
        board: What TensorBoard shows; None for what it shows of an autoencoder.
        adapted: A reader's training and test data, on the settings' device, to those that count; None: as they are.
        checked: Settings of a family's member to the same with its weights checked; None: `settings` has done so.

    Example:
        >>> from latentbook.learning.recipes import isometry
        >>> chosen = [isometry.settings(scale="smoke", device="cpu", steps=10, lam=lam) for lam in (0.0, 10.0)]
        >>> [run.lam for run in isometry.together(chosen)]
        [0.0, 10.0]

    All chapters.
    """

    name: str
    load_data: Callable[[S], Data]
    start: Callable[[S, Dataset], nn.Module]
    descend: Callable[..., History]
    spec: Callable[[S, Dataset], dict[str, Any]]
    title: Callable[[Sequence[S], Dataset], str]
    measure: Callable[[Any, History, S, Dataset, Dataset], R]
    stacked: tuple[str, ...] = ()
    board: Callable[[str | Path | None, Dataset, Dataset], list[Callback]] | None = None
    adapted: Callable[[Dataset, Dataset], Data] | None = None
    checked: Callable[[S], S] | None = None

    def train(
        self,
        chosen: S,
        *,
        data: Data | None = None,
        trained: str | Path | None = None,
        label: str | None = None,
        log_dir: str | Path | None = None,
        checkpoint: str | Path | None = None,
        callbacks: Sequence[Callback] = (),
        progress: Progress | None = None,
    ) -> R:
        """Train one model, and measure it.

        Args:
            chosen: Checked parameters, from the recipe's `settings`.
            data: Training and test data, if others than the settings'; moved to the settings' device.
            trained: Label, id or file of a finished run, to be measured instead of training one.
            label: Keeps the result as a finished run, for `latentbook.learning.runs`.
            log_dir: Folder for TensorBoard's event files.
            checkpoint: A file to go on from, and to write as the run goes.
            callbacks: Look at the training as it goes; one that returns True stops it, and what there is then is
                measured.
            progress: Counts the steps; None for a line of its own.

        Returns:
            The model and its measurements.

        Raises:
            ValueError: If the data are not such as the recipe can train on, or no finished run of that name answers
                the question; lists what there is.

        All chapters.
        """
        training, test = self.examples(chosen, data)
        model = self._start(chosen, training)
        if trained is not None:
            found = runs.find(trained, self.name, self.spec(chosen, training))
            model.load_state_dict(found.state)
            result = self.measure(model.eval(), found.history, chosen, training, test)
            return dataclasses.replace(result, id=found.entry.id, file=found.entry.file)
        looking = [*self._board(log_dir, training, test), *callbacks]
        history = self._descend(model, [chosen], training, looking, checkpoint, progress)
        return self._finished(model, history, chosen, training, test, label)

    def together(
        self,
        chosen: Sequence[S],
        *,
        data: Data | None = None,
        trained: str | Path | None = None,
        label: str | None = None,
        log_dir: str | Path | None = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> list[R]:
        """Train one model for each of some settings, all as one: from the same weights, on the same batches and noise.

        Args:
            chosen: Checked parameters of each model, which differ in the recipe's `STACKED` alone; where that is
                empty, those of one model, which is trained as `train` does.
            data: Training and test data, if others than the settings'; moved to the settings' device.
            trained: Label of finished runs, one for each model, to be measured instead of training.
            label: Keeps the results as finished runs, for `latentbook.learning.runs`.
            log_dir: Folder for TensorBoard's event files.
            checkpoint: A file to go on from, and to write as the run goes.
            progress: Counts the steps; None for a line of its own.

        Returns:
            The results, in the order of the settings.

        Raises:
            ValueError: If settings differ in something else, there are none, or several where there are no families;
                and as `train` does.

        All chapters.
        """
        chosen = [self.checked(own) for own in chosen] if self.checked else chosen
        self._require_one_family(chosen)
        if not self.stacked:
            [own] = chosen
            kept = {"trained": trained, "label": label, "checkpoint": checkpoint}
            return [self.train(own, data=data, log_dir=log_dir, progress=progress, **kept)]
        training, test = data = self.examples(chosen[0], data)
        if trained is not None:
            return [self.train(own, data=data, trained=trained) for own in chosen]
        family = Family([self._start(chosen[0], training)] * len(chosen))
        looking = self._board(log_dir, training, test)
        history = self._descend(family, chosen, training, looking, checkpoint, progress)
        members = zip(family.members(), member_histories(history), chosen, strict=True)
        return [self._finished(model, terms, own, training, test, label) for model, terms, own in members]

    def examples(self, chosen: S, data: Data | None) -> Data:
        """Return training and test data, the settings' or a reader's, where the settings say."""
        if data is None:
            return self.load_data(chosen)
        training, test = (part.to(chosen.device) for part in data)
        return self.adapted(training, test) if self.adapted else (training, test)

    def _start(self, chosen: S, training: Dataset) -> nn.Module:
        """Return a model with the initial weights of the settings' seed, of the data's kind of numbers."""
        with seeded(chosen.seed):
            return self.start(chosen, training).to(training[:1])

    def _board(self, log_dir: str | Path | None, training: Dataset, test: Dataset) -> list[Callback]:
        return (self.board or autoencoder_board)(log_dir, training, test)

    def _descend(
        self,
        model: nn.Module,
        chosen: Sequence[S],
        training: Dataset,
        callbacks: Sequence[Callback],
        checkpoint: str | Path | None,
        progress: Progress | None,
    ) -> History:
        first, file = chosen[0], None if checkpoint is None else Path(checkpoint)
        spec = self.spec(first, training)
        common = {"steps": spec["steps"], "batch_size": first.batch_size, "seed": first.seed}
        line = Progress(spec["steps"], self.title(chosen, training)) if progress is None else nullcontext(progress)
        with line as counted:
            looking = {"callbacks": callbacks, "checkpoint": file, "progress": counted}
            return self.descend(model, chosen, training, spec, **common, **looking)

    def _finished(
        self, model: nn.Module, history: History, chosen: S, training: Dataset, test: Dataset, label: str | None
    ) -> R:
        """Return a result, kept under its label if it has one."""
        spec = self.spec(chosen, training)
        if label is None:
            run, file = runs.run_id(self.name, spec, training), None
        else:
            entry = runs.publish(self.name, spec, training, model, history, label=label)
            run, file = entry.id, entry.file
        return dataclasses.replace(self.measure(model, history, chosen, training, test), id=run, file=file)

    def _require_one_family(self, chosen: Sequence[S]) -> None:
        if not chosen or (len(chosen) > 1 and not self.stacked):
            most = "at least one model" if self.stacked else "one model, for the recipe has no families"
            raise ValueError(f"`chosen` has {len(chosen)} settings: pass those of {most}")
        for own in chosen:
            for name, value in vars(own).items():
                first = getattr(chosen[0], name)
                if name not in self.stacked and value != first:
                    found = f"`chosen` has {name} = {first!r} and {value!r}"
                    raise ValueError(f"{found}, but a family differs in {self.stacked} alone: train them apart")


def updates(chosen: Any, epochs: int, training: Dataset) -> int:
    """Return the number of updates: the settings', or what some epochs come to.

    Args:
        chosen: Settings of any recipe.
        epochs: How often as many examples are seen as there are, where the settings have no steps.
        training: What batches are drawn from; the last one of an epoch counts as whole.

    Returns:
        Updates.

    Example:
        >>> from latentbook.learning.recipes.classifiers import settings
        >>> updates(settings(scale="paper", device="cpu", batch_size=100), 50, Dataset(torch.rand(1401, 2)))
        750

    All chapters.
    """
    return epochs * -(-len(training) // chosen.batch_size) if chosen.steps is None else chosen.steps
