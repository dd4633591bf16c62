"""Training of autoencoders with codes on spheres, with the published schedule where it is asked for."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.learning.callbacks import BestModel, EarlyStopping, Validation
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.spherical import SphericalVAE, spherical_conv, spherical_mlp
from latentbook.learning.progress import Progress
from latentbook.learning.rates import towards, warm_up
from latentbook.learning.recipe import Recipe, Result, updates
from latentbook.learning.recipes.hyperspherical.measures import Measures, bound_of, measured
from latentbook.learning.recipes.hyperspherical.settings import SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.running import Callback
from latentbook.learning.train import History, Weight, fit

__all__ = ["STACKED", "Run", "build", "each", "load_data", "scores", "together", "train"]

# Sets whose pixels are bits already.
BITS = ("static-mnist", "caltech101")
# One part in so many of the training data is held out where a training may stop early; of MNIST, the usual 10,000.
HELD_OUT = 6


@dataclasses.dataclass(frozen=True)
class Run(Result):
    """A trained model, and what it is worth on the test data.

    Attributes:
        model: In eval mode.
        history: Its terms over the training.
        measures: On the test data.
    """

    model: SphericalVAE
    history: History
    measures: Measures


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the settings' training and test data; for bits, pixels drawn anew each time, and once of the test data.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Training and test data, on the settings' device.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.

    Example:
        >>> training, test = load_data(settings(device="cpu"))
        >>> len(training), test[0].unique().tolist()
        (1400, [0.0, 1.0])

    Chapter 5.
    """
    training, test = (load(chosen.dataset, split, device=str(chosen.device)) for split in ("train", "test"))
    if chosen.likelihood != "bernoulli" or chosen.dataset in BITS:
        return training, test
    return training.binarized("dynamic"), test.binarized("fixed")


def build(chosen: Settings, event_shape: Sequence[int]) -> SphericalVAE:
    """Return an untrained model.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example.

    Returns:
        The model, with weights from the global generator.

    Raises:
        ValueError: If convolutions are asked for, and the shape is not that of an image whose sides 4 divides.

    Example:
        >>> build(settings(manifold="4,4", device="cpu"), (1, 8, 8)).codes.latent_dim
        10

    Chapter 5.
    """
    names = ("manifold", "distribution", "covariance", "floor", "sampler")
    options: dict[str, Any] = {name: getattr(chosen, name) for name in names} | {"noise": chosen.likelihood}
    if chosen.body == "conv":
        model = spherical_conv(event_shape, **options)
    else:
        model = spherical_mlp(event_shape, hidden=chosen.hidden, **options)
    if chosen.initial is not None:
        _begin_at(chosen.initial - chosen.floor, model)
    return model


def _begin_at(excess: float, model: SphericalVAE) -> None:
    """Let an untrained encoder give concentrations that are so much above the floor, about."""
    last = [layer for layer in model.encoder.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        # What softplus takes to the excess.
        last.bias[model.codes.concentrations] = excess + math.log(-math.expm1(-excess))


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        ``log_likelihood``, ``elbo``, ``distortion``, ``rate`` and ``active``, as of `Measures`.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [*scores(chosen, train(chosen))]
        ['log_likelihood', 'elbo', 'distortion', 'rate', 'active']

    Chapter 5.
    """
    names = ("log_likelihood", "elbo", "distortion", "rate", "active")
    return {name: float(getattr(run.measures, name)) for name in names}


def each(
    chosen: Sequence[Settings], title: str, *, data: tuple[Dataset, Dataset], trained: str | Path | None = None
) -> list[Run]:
    """Train a model for each of some settings, one after another, under one line of progress.

    Args:
        chosen: Checked parameters.
        title: What the line says.
        data: Training and test data.
        trained: Label of finished runs, to be measured instead of training.

    Returns:
        The runs, in order.

    Example:
        >>> chosen = [settings(scale="smoke", device="cpu", steps=10, manifold=manifold) for manifold in ("2", "1,1")]
        >>> [run.model.codes.sizes for run in each(chosen, "two", data=load_data(chosen[0]))]
        [(3,), (2, 2)]

    Chapter 5.
    """
    if trained is not None:
        return [train(own, data=data, trained=trained) for own in chosen]
    steps = sum(updates(own, SCALES[own.scale].epochs, data[0]) for own in chosen)
    with Progress(steps, title) as line:
        return [train(own, data=data, progress=line) for own in chosen]


def _loss(
    target: float, told: tuple[Tensor, Tensor] | None, model: SphericalVAE, x: Tensor, step: int
) -> dict[str, Tensor]:
    """Return the terms of a batch; and, of examples whose codes are told, minus the logarithm of their density."""
    terms = towards(model.terms(x), target)
    if told is None:
        return terms
    examples, codes = told
    return terms | {"told": -model.posterior(examples).log_prob(codes).mean()}


def _told(chosen: Settings, training: Dataset) -> tuple[Tensor, Tensor] | None:
    """Return the examples whose angles are told, and the codes that these are."""
    if not chosen.labelled:
        return None
    circles = ["1"] * (0 if training.factors is None else training.factors.shape[1])
    if training.factors is None or chosen.manifold.split(",") != circles or chosen.distribution == "normal":
        found = f"`labelled` is {chosen.labelled}, but codes lie on {chosen.manifold!r} ({chosen.distribution})"
        raise ValueError(f"{found}: give data with angles as their factors, and a circle for each, as in '1,1'")
    if chosen.labelled > len(training):
        raise ValueError(f"`labelled` is {chosen.labelled}, but there are {len(training)} examples: give fewer")
    # Without the bits that are drawn anew each time.
    examples = training.replaced(drawn=False)[: chosen.labelled]
    angles = training.factors[: chosen.labelled].to(examples)
    return examples, torch.stack([angles.cos(), angles.sin()], -1).flatten(1)


def _descend(
    model: SphericalVAE,
    chosen: Sequence[Settings],
    training: Dataset,
    spec: dict[str, Any],
    callbacks: Sequence[Callback] = (),
    **common: Any,
) -> History:
    """Train a model at the settings' scale; with a look-ahead, on all but what is held out."""
    [own] = chosen
    kept, watching = training, []
    if own.look_ahead:
        count = len(training) // HELD_OUT
        kept, held_out = training.subset(slice(-count)), training.subset(slice(-count, None))
        since = spec["kl_warmup"] + own.kl_freeze
        watching = _watching(held_out, own.look_ahead, every=-(-len(kept) // own.batch_size), since=since)
    told = _told(own, kept)
    weights = {"distortion": 1.0, "rate": _weight(own, spec)}
    return fit(
        model,
        kept,
        functools.partial(_loss, own.kl_target, told),
        weights=weights | ({"told": 1.0} if told else {}),
        optimizer=functools.partial(torch.optim.Adam, lr=SCALES[own.scale].learning_rate, fused=True),
        callbacks=[*watching, *callbacks],
        spec=spec,
        **common,
    )


def _weight(chosen: Settings, spec: dict[str, Any]) -> Weight:
    """Return the weight of the rate, as a function of the step where it grows."""
    if not spec["kl_warmup"] and not chosen.kl_freeze:
        return chosen.beta
    return warm_up(max(1, spec["kl_warmup"]), chosen.beta, chosen.kl_freeze)


def _watching(held_out: Dataset, look_ahead: int, every: int, since: int) -> list[Callback]:
    """Return what measures a training every so many steps from one on, stops it, and takes the best model."""
    validation = Validation(lambda model: bound_of(model, held_out), every, since)
    return [validation, EarlyStopping(validation, look_ahead), BestModel(validation)]


def _title(chosen: Sequence[Settings], training: Dataset) -> str:
    own = chosen[0]
    space = "R" if own.distribution == "normal" else "S"
    return " x ".join(f"{space}^{dim}" for dim in own.manifold.split(",")) + f", {own.distribution}"


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    scale = SCALES[chosen.scale]
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "hidden": list(chosen.hidden)}
    del spec["device"]
    steps = updates(chosen, scale.epochs, training)
    # Of a scale with epochs the warm-up is so many of them, else a part of the steps.
    usual = scale.warm_up * (steps / scale.epochs if scale.epochs else steps)
    return spec | {"steps": steps, "kl_warmup": round(usual) if chosen.kl_warmup is None else chosen.kl_warmup}


def _measure(model: SphericalVAE, history: History, chosen: Settings, training: Dataset, test: Dataset) -> Run:
    return Run(model, history, measured(model, test, SCALES[chosen.scale].draws, chosen.seed))


RECIPE = Recipe(
    "latentbook.learning.recipes.hyperspherical",
    load_data=load_data,
    start=lambda chosen, training: build(chosen, training.event_shape),
    descend=_descend,
    spec=_spec,
    title=_title,
    measure=_measure,
)
STACKED, train, together = RECIPE.stacked, RECIPE.train, RECIPE.together
