"""What the experiment may be asked for: its scales, its grids of weights, and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.core import resolve_device
from latentbook.learning.parameters import check_choice, check_integer, check_number

__all__ = ["DATASETS", "LAMBDAS", "LAMBDAS_28", "SCALES", "Scale", "Settings", "settings"]


@dataclass(frozen=True)
class Scale:
    """How long and how gently to train.

    Attributes:
        steps: Updates of each model.
        batch_size: Examples in a batch.
        learning_rate: Of Adam.
        betas: Of Adam.
    """

    steps: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)


SCALES = {
    "smoke": Scale(steps=500, batch_size=256, learning_rate=3e-3),
    "book": Scale(steps=4000, batch_size=256, learning_rate=1e-3),
    # The original's optimiser and 400 epochs of 60,000 images; its network is convolutional, and has 128 latents.
    "paper": Scale(steps=240_000, batch_size=100, learning_rate=1e-4, betas=(0.9, 0.99)),
}

# From "every dimension is kept" to "nothing is kept". The penalty stands against a mean over the values of an event, so
# that larger images collapse at smaller weights.
LAMBDAS = (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
LAMBDAS_28 = (0.0003, 0.001, 0.003, 0.006, 0.01, 0.03, 0.1, 0.2)
# The weight that is looked at closely: a third of the dimensions or so survive.
CHOSEN, CHOSEN_28 = 0.03, 0.003

# Grey images; the network is a perceptron on their pixels.
DATASETS = ("digits", "mnist", "fashion", "emnist")


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run of the chapter, checked. Made by `settings`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        seed: Of initial weights and batches.
        device: Where it runs.
        lam: The weight that the chapter looks at closely.
        eta: Lift of the volume penalty.
        latent_dim: Size of a code.
    """

    scale: str
    dataset: str
    seed: int
    device: torch.device
    lam: float
    eta: float
    latent_dim: int

    @property
    def lambdas(self) -> tuple[float, ...]:
        """The weights that the chapter trains, sorted; `lam` is one of them."""
        grid = LAMBDAS if _is_small(self.dataset) else LAMBDAS_28
        return tuple(sorted({*grid, self.lam}))


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    seed: object = 0,
    device: object = "auto",
    lam: object = None,
    eta: object = 1.0,
    latent_dim: object = 32,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``.
        dataset: ``"digits"``, ``"mnist"``, ``"fashion"`` or ``"emnist"``.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        lam: Weight of the volume penalty against a mean squared error over all values, at least 0; None for 0.03, or
            0.003 for images of 28 x 28.
        eta: Lift of the widths, in latent units, at least 0.
        latent_dim: Size of a code, at least 2.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> settings(scale="smoke", device="cpu").lambdas
        (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)

    Chapter 1.
    """
    names = ["auto", "cpu", "cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    name = check_choice("dataset", dataset, DATASETS)
    if lam is None:
        lam = CHOSEN if _is_small(name) else CHOSEN_28
    return Settings(
        scale=check_choice("scale", scale, SCALES),
        dataset=name,
        seed=check_integer("seed", seed, 0),
        device=resolve_device(check_choice("device", device, names)),
        lam=check_number("lam", lam, 0.0),
        eta=check_number("eta", eta, 0.0),
        latent_dim=check_integer("latent_dim", latent_dim, 2, 4096),
    )


def _is_small(dataset: str) -> bool:
    return dataset == "digits"
