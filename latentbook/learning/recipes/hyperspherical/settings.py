"""What the experiment may be asked for: its scales and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.learning.models.codes import COVARIANCES, DISTRIBUTIONS, SAMPLERS, parse_manifold
from latentbook.learning.parameters import check_choice, check_device, check_integer, check_number

__all__ = ["BODIES", "DATASETS", "DIMS", "LIKELIHOODS", "PRODUCTS", "RIVALS", "SCALES", "Scale", "Settings", "settings"]


@dataclass(frozen=True)
class Scale:
    """How large, how long and how gently to train, and how closely to measure.

    Attributes:
        learning_rate: Of Adam.
        hidden: Sizes of an encoder's hidden layers.
        batch_size: Examples in a batch.
        draws: Of each example's code, for the bound on the evidence.
        warm_up: Part of the steps in which the weight of the rate grows; where there are epochs, how many.
        steps: Updates of each model; None: as many as `epochs` make.
        epochs: How often as many examples are seen as there are, where `steps` is None.
        look_ahead: Epochs without a better bound on held-out data after which the training stops; None: never.
        seeds: From which samplers are compared.
    """

    learning_rate: float
    hidden: tuple[int, ...]
    batch_size: int
    draws: int
    warm_up: float
    steps: int | None = None
    epochs: int = 0
    look_ahead: int | None = None
    seeds: int = 3


SCALES = {
    "smoke": Scale(2e-3, hidden=(64,), batch_size=64, draws=20, warm_up=0.375, steps=200, seeds=2),
    "book": Scale(2e-3, hidden=(128, 64), batch_size=64, draws=100, warm_up=0.375, steps=1500),
    # The published networks, optimiser and schedule; it stops long before its epochs end.
    "paper": Scale(
        1e-3, hidden=(256, 128), batch_size=64, draws=500, warm_up=100, epochs=1000, look_ahead=50, seeds=10
    ),
}

# Spheres that are compared with Euclidean space of the same dimension; ways to fill R^40 with spheres; and a sphere and
# a product in R^20, on which samplers are compared.
DIMS = ("2", "5", "10", "20", "40")
PRODUCTS = ("39", "9,9,9,9", ",".join(["4"] * 8), ",".join(["1"] * 20))
RIVALS = ("19", "4,4,4,4")
DATASETS = ("digits", "mnist", "fashion", "clock", "static-mnist", "omniglot", "caltech101")
LIKELIHOODS = ("bernoulli", "gaussian")
BODIES = ("mlp", "conv")
# How far above the floor a concentration may begin; at the floor itself it could not move.
LEAST_EXCESS = 1e-3


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        seed: Of initial weights, batches, draws of codes and of bits.
        device: Where it runs.
        distribution: Of codes.
        manifold: The factors' dimensions, as in ``"4,4"``.
        covariance: Of normal codes.
        floor: Least concentration.
        initial: Concentration that an untrained encoder gives, about; None: what comes of random weights.
        sampler: Of von Mises-Fisher laws.
        body: ``"mlp"`` or ``"conv"``.
        hidden: Sizes of an encoder's hidden layers.
        likelihood: Its name.
        beta: Weight of the rate.
        kl_warmup: Updates in which that weight grows; None: the scale's.
        kl_freeze: Updates before that in which it is 0.
        kl_target: The rate that is sought, in nats; 0 for the least.
        labelled: Training examples whose angles are told.
        look_ahead: Epochs without a better bound after which the training stops; None: never.
        batch_size: Examples in a batch.
        steps: Updates; None: as many as the scale's epochs make.
    """

    scale: str
    dataset: str
    seed: int
    device: torch.device
    distribution: str
    manifold: str
    covariance: str
    floor: float
    initial: float | None
    sampler: str
    body: str
    hidden: tuple[int, ...]
    likelihood: str
    beta: float
    kl_warmup: int | None
    kl_freeze: int
    kl_target: float
    labelled: int
    look_ahead: int | None
    batch_size: int
    steps: int | None


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    seed: object = 0,
    device: object = "auto",
    distribution: object = "vmf",
    manifold: object = "9",
    covariance: object = "diagonal",
    floor: object = 1.0,
    initial: object = None,
    sampler: object = "exact",
    body: object = "mlp",
    h_dims: object = None,
    likelihood: object = "bernoulli",
    beta: object = 1.0,
    kl_warmup: object = None,
    kl_freeze: object = 0,
    kl_target: object = 0.0,
    labelled: object = 0,
    look_ahead: object = None,
    batch_size: object = None,
    steps: object = None,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: the published networks and schedule.
        dataset: One of `DATASETS`; other data are passed to `train`.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        distribution: ``"vmf"``, ``"power"`` or ``"cauchy"`` on spheres; ``"normal"`` in Euclidean factors.
        manifold: The factors' own dimensions: ``"9"`` is S^9 in R^10, or R^9; ``"4,4"`` is S^4 x S^4 in R^5 x R^5.
        covariance: Of normal codes: ``"single"``, ``"diagonal"`` or ``"full"``.
        floor: Least concentration, at least 0; the published one is 1.
        initial: Concentration of codes before the training, about, above the floor; None for what comes of random
            weights, the floor and 0.7.
        sampler: Of von Mises-Fisher laws: ``"exact"``; ``"published"``, with the published errors; or ``"fixed"``, with
            those of the gradient alone.
        body: ``"mlp"``, or ``"conv"``: gated convolutions, which have sizes of their own.
        h_dims: Sizes of an encoder's hidden layers, data side first, as in ``"256,128"``; the decoder has them the
            other way round. None for the scale's.
        likelihood: ``"bernoulli"``, of pixels that are drawn anew from grey levels each time; or ``"gaussian"``, of
            grey levels: squared errors.
        beta: Weight of the rate, at least 0.
        kl_warmup: Updates in which it grows from nothing, at least 0; None for the scale's.
        kl_freeze: Updates before that without it, at least 0.
        kl_target: The rate that is sought, in nats for each example; 0 for the least.
        labelled: So many training examples, the first, are told the angles that made them, such as those of a clock's
            hands, one for each circle of the manifold; at least 0.
        look_ahead: Epochs without a better bound on held-out data after which the training stops, and the best model
            is taken, at least 1; None for the scale's.
        batch_size: Examples in a batch, at least 1; None for the scale's.
        steps: Updates, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> chosen = settings(manifold="4, 4", h_dims="64,32", device="cpu")
        >>> chosen.manifold, chosen.hidden
        ('4,4', (64, 32))

    Chapter 5.
    """
    size = check_choice("scale", scale, SCALES)
    usual = SCALES[size]
    dims = parse_manifold(manifold)  # pyright: ignore[reportArgumentType]  (it says itself what it cannot take)
    least = check_number("floor", floor, 0.0)
    return Settings(
        scale=size,
        dataset=check_choice("dataset", dataset, DATASETS),
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        distribution=check_choice("distribution", distribution, DISTRIBUTIONS),
        manifold=",".join(map(str, dims)),
        covariance=check_choice("covariance", covariance, COVARIANCES),
        floor=least,
        initial=None if initial is None else check_number("initial", initial, least + LEAST_EXCESS),
        sampler=check_choice("sampler", sampler, SAMPLERS),
        body=check_choice("body", body, BODIES),
        hidden=usual.hidden if h_dims is None else _check_sizes("h_dims", h_dims),
        likelihood=check_choice("likelihood", likelihood, LIKELIHOODS),
        beta=check_number("beta", beta, 0.0),
        kl_warmup=None if kl_warmup is None else check_integer("kl_warmup", kl_warmup, 0),
        kl_freeze=check_integer("kl_freeze", kl_freeze, 0),
        kl_target=check_number("kl_target", kl_target, 0.0),
        labelled=check_integer("labelled", labelled, 0),
        look_ahead=usual.look_ahead if look_ahead is None else check_integer("look_ahead", look_ahead, 1),
        batch_size=usual.batch_size if batch_size is None else check_integer("batch_size", batch_size, 1),
        steps=usual.steps if steps is None else check_integer("steps", steps, 1),
    )


def _check_sizes(name: str, value: object) -> tuple[int, ...]:
    """Return sizes of layers, from one number or several with commas between them."""
    parts = [part.strip() for part in str(value).split(",")]
    if isinstance(value, bool) or not all(part.isdecimal() and int(part) for part in parts):
        raise ValueError(f"`{name}` is {value!r}: write sizes of at least 1, as in '256,128'")
    return tuple(int(part) for part in parts)
