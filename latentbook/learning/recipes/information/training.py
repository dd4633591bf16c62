"""Training: one hierarchy, or one for each pair of weights, trained as a family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Unpack

import torch

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.parameters import check_number
from latentbook.learning.rates import rate_weights
from latentbook.learning.recipe import FamilyOptions, Options, Recipe, Result, updates
from latentbook.learning.recipes.information.networks import Draw, build, loss
from latentbook.learning.recipes.information.settings import LADDER_WARM_UP, SCALES, Settings, settings
from latentbook.learning.train import History, fit

__all__ = ["STACKED", "Run", "family", "load_data", "together", "train"]

# Models that are trained as one; larger grids are trained part by part.
TOGETHER = 49


@dataclasses.dataclass(frozen=True)
class Run(Result):
    """A trained hierarchy.

    Attributes:
        betas: Weights of its rates, of the layer next to the data first.
        model: In eval mode.
        history: Its terms over the training.
    """

    betas: tuple[float, ...]
    model: HierarchicalVAE
    history: History


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


def train(chosen: Settings, betas: Sequence[float] | None = None, **options: Unpack[Options]) -> Run:
    """Train one hierarchy.

    Args:
        chosen: Checked parameters, from `settings`.
        betas: One weight for each layer, of the layer next to the data first, if others than the settings'.
        options: Data, a finished run, a label and more, by name, as of `latentbook.learning.recipe.Recipe.train`.

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
    return RECIPE.train(_weighted(chosen, chosen.betas if betas is None else betas), **options)


def family(
    chosen: Settings, betas: Iterable[Sequence[float]] | None = None, **options: Unpack[FamilyOptions]
) -> list[Run]:
    """Train one hierarchy for each choice of weights: from the same initial weights, on the same batches and noise.

    Up to 49 are trained as one; more, part by part, of which each has its own checkpoint and is kept when it is done.

    Args:
        chosen: Checked parameters, from `settings`.
        betas: For each model one weight a layer, of the layer next to the data first; by default the settings' grid.
        options: Data, a label and more, by name, as of `latentbook.learning.recipe.Recipe.together`; of several parts,
            the checkpoint's name gets their numbers.

    Returns:
        The runs, in the order of the weights.

    Raises:
        ValueError: As `train` does, or if there are no weights.

    Example:
        >>> [run.betas for run in family(settings(scale="smoke", device="cpu", steps=20), [(1, 1), (1, 10)])]
        [(1.0, 1.0), (1.0, 10.0)]

    Chapter 4.
    """
    wanted = [_weighted(chosen, own) for own in (chosen.grid if betas is None else betas)]
    if not wanted:
        raise ValueError("`betas` is empty: a family has at least one model")
    if len(wanted) <= TOGETHER:
        return RECIPE.together(wanted, **options)
    options["data"] = RECIPE.examples(chosen, options.get("data"))
    log_dir, checkpoint = options.get("log_dir"), options.get("checkpoint")
    found = []
    for number, start in enumerate(range(0, len(wanted), TOGETHER)):
        if log_dir:
            options["log_dir"] = Path(log_dir) / str(number)
        if checkpoint:
            options["checkpoint"] = Path(checkpoint).with_stem(f"{Path(checkpoint).stem}-{number}")
        found += RECIPE.together(wanted[start : start + TOGETHER], **options)
    return found


def _weighted(chosen: Settings, betas: Sequence[float]) -> Settings:
    """Return settings with these weights."""
    if len(betas) != chosen.layers:
        raise ValueError(f"`betas` is {tuple(betas)}, but there are {chosen.layers} layers: give each one weight")
    weights = tuple(check_number("betas", beta, 0.0) for beta in betas)
    if chosen.inference == "bottom-up" and len(set(weights)) > 1:
        raise ValueError(f"`betas` is {weights}, but bottom-up only the sum is a rate: give all layers one weight")
    return dataclasses.replace(chosen, beta_1=weights[0], beta_2=weights[1:])


def _start(chosen: Settings, training: Dataset) -> HierarchicalVAE:
    model = build(chosen, training.event_shape)
    if training.x.is_floating_point():
        # Once, and not in every step, where on a GPU it would wait for the device.
        model.likelihood.check(training.x)
    return model


def _descend(
    model: HierarchicalVAE | Family, chosen: Sequence[Settings], training: Dataset, spec: dict[str, Any], **common: Any
) -> History:
    """Train a model, or a family of them, at the settings' scale."""
    first = chosen[0]
    is_family = isinstance(model, Family)
    shape: HierarchicalVAE = model.members()[0] if is_family else model

    def draw(data: Dataset, size: int, generator: torch.Generator) -> Draw:
        x = data.batch(size, generator)
        return x, shape.draw_noise((size,), x, generator)

    scale, steps = SCALES[first.scale], spec["steps"]
    warm_up = LADDER_WARM_UP if first.inference == "ladder" else scale.warm_up
    # Lists, as they come back from a checkpoint.
    betas = [[*own.betas] for own in chosen]
    each = torch.tensor(betas).to(training[:1])
    terms = functools.partial(loss, epochs_a_step=first.batch_size / len(training))
    return fit(
        model,
        training,
        family_loss(terms) if is_family else terms,
        weights=rate_weights([*(each if is_family else each[0]).unbind(-1)], round(warm_up * steps)),
        optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, fused=True),
        schedule=functools.partial(_cooled, steps, scale.cooling) if scale.cooling else None,
        draw=draw,
        spec=spec | {"betas": betas},
        **common,
    )


def _cooled(steps: int, part: float, step: int) -> float:
    """Return the factor on the learning rate: 1, and in the last part of the steps down to nothing."""
    return min(1.0, (steps - step) / (part * steps))


def _title(chosen: Sequence[Settings], training: Dataset) -> str:
    """Return what a training is called on its line of progress: its weights, or how many, and what is unusual."""
    usual, first = settings(), chosen[0]
    unusual = {
        first.inference: first.inference != usual.inference,
        f"{first.layers} layers": first.layers != usual.layers,
        first.likelihood: first.likelihood != usual.likelihood,
        f"{first.posterior} top": first.posterior != usual.posterior,
    }
    named = ", ".join(f"{beta:g}" for beta in first.betas)
    which = f"β = ({named})" if len(chosen) == 1 else f"{len(chosen)} hierarchies as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "betas": list(chosen.betas)}
    # On what machine it runs is no part of a training; the weights stand in `betas`.
    for name in ("device", "beta_1", "beta_2"):
        del spec[name]
    return spec | {"steps": updates(chosen, SCALES[chosen.scale].epochs, training)}


RECIPE = Recipe(
    "latentbook.learning.recipes.information",
    load_data=load_data,
    start=_start,
    descend=_descend,
    spec=_spec,
    title=_title,
    measure=lambda model, history, chosen, *data: Run(chosen.betas, model, history),
    stacked=("beta_1", "beta_2"),
    checked=lambda chosen: _weighted(chosen, chosen.betas),
)
STACKED, together = RECIPE.stacked, RECIPE.together
