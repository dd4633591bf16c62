"""Training: one hierarchy, or one for each pair of weights, trained as a family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from latentbook.core import seeded
from latentbook.learning import runs
from latentbook.learning.board import autoencoder_board
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.parameters import check_number
from latentbook.learning.progress import Progress
from latentbook.learning.rates import rate_weights
from latentbook.learning.recipes.information.networks import Draw, build, loss
from latentbook.learning.recipes.information.settings import LADDER_WARM_UP, SCALES, Settings, settings
from latentbook.learning.running import Callback
from latentbook.learning.train import History, fit

__all__ = ["Run", "family", "load_data", "train"]

# Finished runs are of the recipe, wherever in it they were trained.
RECIPE = "latentbook.learning.recipes.information"
# Models that are trained as one; larger grids are trained part by part.
TOGETHER = 49


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained hierarchy.

    Attributes:
        betas: Weights of its rates, of the layer next to the data first.
        model: In eval mode.
        history: Its terms over the training.
        id: Of the run, which says what it is the result of.
        file: Where it is kept as a finished run; None where it is not.
    """

    betas: tuple[float, ...]
    model: HierarchicalVAE
    history: History
    id: str
    file: Path | None


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the published training and test data; for bits, images are rounded.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Both, on the settings' device.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [1400, 397]

    Chapter 4.
    """

    def of(split: str) -> Dataset:
        data = load(chosen.dataset, split, device=str(chosen.device))
        return data.binarized("threshold") if chosen.likelihood == "bernoulli" else data

    return of("train"), of("test")


def train(
    chosen: Settings,
    betas: Sequence[float] | None = None,
    *,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    log_dir: str | Path | None = None,
    checkpoint: Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train one hierarchy.

    Args:
        chosen: Checked parameters, from `settings`.
        betas: One weight for each layer, of the layer next to the data first, if others than the settings'.
        data: Training and test data, if others than the settings'; moved to the settings' device.
        trained: Label, id or file of a finished run, to be taken instead of training one.
        label: Keeps the result as a finished run, for `latentbook.learning.runs`.
        log_dir: Folder for TensorBoard's event files.
        checkpoint: A file to go on from, and to write as the run goes.
        callbacks: Look at the training as it goes; one that returns True stops it.
        progress: Counts the steps; None for a line of its own.

    Returns:
        The model and its history.

    Raises:
        ValueError: If a weight is out of range, there is not one for each layer, the data are not what the likelihood
            is about, or no finished run of that name answers the question; lists what there is.

    Example:
        >>> run = train(settings(scale="smoke", device="cpu", steps=20), (1.0, 0.1))
        >>> sorted(run.history.terms)
        ['distortion', 'rate_1', 'rate_2']

    Chapter 4.
    """
    weights = _checked(chosen, chosen.betas if betas is None else betas)
    training, test = _examples(chosen, data)
    model = _start(chosen, training)
    if trained is not None:
        found = runs.find(trained, RECIPE, _spec(chosen, weights, training))
        model.load_state_dict(found.state)
        return Run(weights, model.eval(), found.history, found.entry.id, found.entry.file)
    looking = [*autoencoder_board(log_dir, training, test), *callbacks]
    line = Progress(_steps(chosen, training), _name(chosen, [weights])) if progress is None else nullcontext(progress)
    history = _descend(model, model, [weights], chosen, training, line, looking, checkpoint)
    return _finished(chosen, weights, training, model, history, label)


def family(
    chosen: Settings,
    betas: Iterable[Sequence[float]] | None = None,
    *,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    log_dir: str | Path | None = None,
    checkpoint: Path | None = None,
) -> list[Run]:
    """Train one hierarchy for each choice of weights: from the same initial weights, on the same batches and noise.

    Up to 49 are trained as one; more, part by part, of which each has its own checkpoint and is kept when it is done.

    Args:
        chosen: Checked parameters, from `settings`.
        betas: For each model one weight a layer, of the layer next to the data first; by default the settings' grid.
        data: Training and test data, if others than the settings'; moved to the settings' device.
        trained: Label of finished runs, one for each model, to be taken instead of training.
        label: Keeps the results as finished runs, for `latentbook.learning.runs`.
        log_dir: Folder for TensorBoard's event files.
        checkpoint: A file to go on from, and to write as the run goes; of several parts, its name gets their numbers.

    Returns:
        The runs, in the order of the weights.

    Raises:
        ValueError: As `train` does, or if there are no weights.

    Example:
        >>> [run.betas for run in family(settings(scale="smoke", device="cpu", steps=20), [(1, 1), (1, 10)])]
        [(1.0, 1.0), (1.0, 10.0)]

    Chapter 4.
    """
    wanted = [_checked(chosen, own) for own in (chosen.grid if betas is None else betas)]
    if not wanted:
        raise ValueError("`betas` is empty: a family has at least one model")
    data = _examples(chosen, data)
    if trained is not None:
        return [train(chosen, own, data=data, trained=trained) for own in wanted]
    parts = [wanted[start : start + TOGETHER] for start in range(0, len(wanted), TOGETHER)]
    found = []
    for number, part in enumerate(parts):
        numbered = len(parts) > 1
        where = None if log_dir is None else Path(log_dir) / str(number) if numbered else log_dir
        file = checkpoint.with_stem(f"{checkpoint.stem}-{number}") if checkpoint and numbered else checkpoint
        found += _together(chosen, part, data, label, where, file)
    return found


def _together(
    chosen: Settings,
    betas: list[tuple[float, ...]],
    data: tuple[Dataset, Dataset],
    label: str | None,
    log_dir: str | Path | None,
    checkpoint: Path | None,
) -> list[Run]:
    """Train some hierarchies as one."""
    training, test = data
    first = _start(chosen, training)
    members = Family([first] * len(betas))
    line = Progress(_steps(chosen, training), _name(chosen, betas))
    board = autoencoder_board(log_dir, training, test)
    history = _descend(members, first, betas, chosen, training, line, board, checkpoint)
    alone = zip(betas, members.members(), member_histories(history), strict=True)
    return [_finished(chosen, own, training, model, terms, label) for own, model, terms in alone]


def _finished(
    chosen: Settings,
    betas: tuple[float, ...],
    training: Dataset,
    model: HierarchicalVAE,
    history: History,
    label: str | None,
) -> Run:
    """Return a run, kept under its label if it has one."""
    spec = _spec(chosen, betas, training)
    if label is None:
        return Run(betas, model, history, runs.run_id(RECIPE, spec, training), None)
    entry = runs.publish(RECIPE, spec, training, model, history, label=label)
    return Run(betas, model, history, entry.id, entry.file)


def _checked(chosen: Settings, betas: Sequence[float]) -> tuple[float, ...]:
    if len(betas) != chosen.layers:
        raise ValueError(f"`betas` is {tuple(betas)}, but there are {chosen.layers} layers: give each one weight")
    weights = tuple(check_number("betas", beta, 0.0) for beta in betas)
    if chosen.inference == "bottom-up" and len(set(weights)) > 1:
        raise ValueError(f"`betas` is {weights}, but bottom-up only the sum is a rate: give all layers one weight")
    return weights


def _examples(chosen: Settings, data: tuple[Dataset, Dataset] | None) -> tuple[Dataset, Dataset]:
    """Return training and test data, the settings' or a reader's, where the settings say."""
    training, test = data or load_data(chosen)
    return training.to(chosen.device), test.to(chosen.device)


def _start(chosen: Settings, training: Dataset) -> HierarchicalVAE:
    """Return the model with the initial weights of the settings' seed, of the data's kind of numbers."""
    with seeded(chosen.seed):
        model = build(chosen, training.event_shape).to(training[:1])
    if training.x.is_floating_point():
        # Once, and not in every step, where on a GPU it would wait for the device.
        model.likelihood.check(training.x)
    return model


def _descend(
    model: HierarchicalVAE | Family,
    shape: HierarchicalVAE,
    betas: list[tuple[float, ...]],
    chosen: Settings,
    training: Dataset,
    line: AbstractContextManager[Progress],
    callbacks: Sequence[Callback],
    checkpoint: Path | None,
) -> History:
    """Train a model, or a family of them of one shape, at the settings' scale."""

    def draw(data: Dataset, size: int, generator: torch.Generator) -> Draw:
        x = data.batch(size, generator)
        return x, shape.draw_noise((size,), x, generator)

    scale, steps = SCALES[chosen.scale], _steps(chosen, training)
    warm_up = LADDER_WARM_UP if chosen.inference == "ladder" else scale.warm_up
    each = torch.tensor(betas).to(training[:1])
    terms = functools.partial(loss, epochs_a_step=chosen.batch_size / len(training))
    with line as progress:
        return fit(
            model,
            training,
            family_loss(terms) if isinstance(model, Family) else terms,
            weights=rate_weights(
                [*(each if isinstance(model, Family) else each[0]).unbind(-1)], round(warm_up * steps)
            ),
            steps=steps,
            batch_size=chosen.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, fused=True),
            schedule=functools.partial(_cooled, steps, scale.cooling) if scale.cooling else None,
            draw=draw,
            callbacks=callbacks,
            checkpoint=checkpoint,
            spec=_spec(chosen, betas[0], training) | {"betas": betas},
            progress=progress,
        )


def _cooled(steps: int, part: float, step: int) -> float:
    """Return the factor on the learning rate: 1, and in the last part of the steps down to nothing."""
    return min(1.0, (steps - step) / (part * steps))


def _steps(chosen: Settings, training: Dataset) -> int:
    """Return the number of updates: the settings', or what the scale's epochs come to."""
    if chosen.steps is not None:
        return chosen.steps
    return SCALES[chosen.scale].epochs * -(-len(training) // chosen.batch_size)


def _name(chosen: Settings, betas: list[tuple[float, ...]]) -> str:
    """Return what a training is called on its line of progress: its weights, or how many, and what is unusual."""
    usual = settings()
    unusual = {
        chosen.inference: chosen.inference != usual.inference,
        f"{chosen.layers} layers": chosen.layers != usual.layers,
        chosen.likelihood: chosen.likelihood != usual.likelihood,
        f"{chosen.posterior} top": chosen.posterior != usual.posterior,
    }
    named = ", ".join(f"{beta:g}" for beta in betas[0])
    which = f"β = ({named})" if len(betas) == 1 else f"{len(betas)} hierarchies as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, betas: Sequence[float], training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "betas": list(betas)}
    # On what machine it runs is no part of a training; the weights stand in `betas`.
    for name in ("device", "beta_1", "beta_2"):
        del spec[name]
    return spec | {"steps": _steps(chosen, training)}
