"""What the experiment may be asked for: its scales, its grids of weights, and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.learning.parameters import check_choice, check_device, check_flag, check_integer, check_number
from latentbook.learning.recipes.least_volume.originals import ORIGINALS
from latentbook.volume import PENALTIES

__all__ = ["DATASETS", "LAMBDAS", "LAMBDAS_28", "NORMS", "RECONSTRUCTIONS", "SCALES", "Scale", "Settings", "settings"]


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
    # The original's optimiser, networks and grids, and its number of epochs of 60,000 images; `ORIGINALS` has the rest.
    "paper": Scale(steps=240_000, batch_size=100, learning_rate=1e-4, betas=(0.9, 0.99)),
}

# From "every dimension is kept" to "nothing is kept". The penalty stands against a mean over the values of an event, so
# that larger images collapse at smaller weights.
LAMBDAS = (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
LAMBDAS_28 = (0.0003, 0.001, 0.003, 0.006, 0.01, 0.03, 0.1, 0.5)
# The weight that is looked at closely: a fifth to two fifths of the dimensions survive.
CHOSEN, CHOSEN_28 = 0.03, 0.003
LATENT_DIM = 32
# The lift is one of widths. The original's sigmoid makes them 30 to 200, and its 1 is next to nothing; perceptrons
# without one have widths of about 1, where a lift of 1 would turn the volume into the mean width.
ETA, ETA_ORIGINAL = 0.1, 1.0

# The first four are grey, and a perceptron reads them; the others are colour images of 32 x 32.
DATASETS = ("digits", "mnist", "fashion", "emnist", "sprites", "cifar10", "celeba")
RECONSTRUCTIONS = ("mse", "bce")
# How a layer's norm is followed through the training: within a few percent, or by torch's one power iteration a step.
NORMS = ("exact", "power")


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        seed: Of initial weights and batches.
        device: Where it runs.
        penalty: Name of the penalty on the codes.
        lam: Its weight.
        eta: Lift of the volume penalty.
        latent_dim: Size of a code.
        lipschitz: Whether the decoder's layers are spectrally normalised.
        norm: How: ``"exact"``, or ``"power"`` for torch's own, which knows matrices only.
        reconstruction: The error of a value: squared, or the cross-entropy of a grey level.
        budget: Root mean squared error of an example up to which dimensions are frozen in the training; None: none is.
        batch_size: Examples in a batch.
        steps: Updates of each model.
    """

    scale: str
    dataset: str
    seed: int
    device: torch.device
    penalty: str
    lam: float
    eta: float
    latent_dim: int
    lipschitz: bool
    norm: str
    reconstruction: str
    budget: float | None
    batch_size: int
    steps: int

    @property
    def is_original(self) -> bool:
        """Whether networks, optimiser and grid are the original's, on images of 32 x 32."""
        return self.scale == "paper"

    @property
    def lambdas(self) -> tuple[float, ...]:
        """The weights that the chapter trains, sorted; `lam` is one of them."""
        if self.is_original:
            grid = ORIGINALS[self.dataset].lambdas
        else:
            grid = LAMBDAS if _is_small(self.dataset) else LAMBDAS_28
        return tuple(sorted({*grid, self.lam}))


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    seed: object = 0,
    device: object = "auto",
    penalty: object = "volume",
    lam: object = None,
    eta: object = None,
    latent_dim: object = None,
    lipschitz: object = True,
    norm: object = "exact",
    reconstruction: object = "mse",
    budget: object = None,
    batch_size: object = None,
    steps: object = None,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: the original's networks at its lengths.
        dataset: ``"digits"``, ``"mnist"``, ``"fashion"``, ``"emnist"``, ``"sprites"``, ``"cifar10"`` or ``"celeba"``.
        seed: An integer, at least 0; the original repeats with three.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        penalty: A name from `latentbook.volume.PENALTIES`.
        lam: Weight of the penalty against a mean error over all values, at least 0; None for 0.03, or 0.003 for larger
            images than the digits.
        eta: Lift of the widths, in latent units, at least 0, of the volume penalty alone; None for 0.1, or the
            original's 1 at paper scale.
        latent_dim: Size of a code, at least 2; None for 32, or for the original's at paper scale.
        lipschitz: Whether the decoder stretches nothing.
        norm: ``"exact"``, or ``"power"`` for torch's own, which lags behind the weights; perceptrons alone.
        reconstruction: ``"mse"``, or ``"bce"`` for the cross-entropy of grey levels.
        budget: Above 0, in data units: freeze dimensions while training as long as the root mean squared L2 error of an
            example stays within it. For the volume penalty and a decoder that stretches nothing.
        batch_size: Examples in a batch, at least 2; None for the scale's.
        steps: Updates of each model, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> settings(scale="smoke", device="cpu").lambdas
        (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)

    Chapter 1.
    """
    size, name = check_choice("scale", scale, SCALES), check_choice("dataset", dataset, DATASETS)
    default = _defaults(size, name)
    given = {"lam": lam, "eta": eta, "latent_dim": latent_dim, "batch_size": batch_size, "steps": steps}
    filled = {word: default[word] if value is None else value for word, value in given.items()}
    chosen = Settings(
        scale=size,
        dataset=name,
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        penalty=check_choice("penalty", penalty, PENALTIES),
        lam=check_number("lam", filled["lam"], 0.0),
        eta=check_number("eta", filled["eta"], 0.0),
        latent_dim=check_integer("latent_dim", filled["latent_dim"], 2, 4096),
        lipschitz=check_flag("lipschitz", lipschitz),
        norm=check_choice("norm", norm, NORMS),
        reconstruction=check_choice("reconstruction", reconstruction, RECONSTRUCTIONS),
        budget=None if budget is None else check_number("budget", budget, 0.0),
        batch_size=check_integer("batch_size", filled["batch_size"], 2),
        steps=check_integer("steps", filled["steps"], 1),
    )
    _require_norms_that_exist(chosen)
    _require_a_budget_that_holds(chosen)
    return chosen


def _require_norms_that_exist(chosen: Settings) -> None:
    if chosen.norm == "power" and chosen.is_original:
        raise ValueError(
            "`norm` is 'power' at scale 'paper', but torch's own knows the norm of no convolution: pass norm='exact'"
        )


def _require_a_budget_that_holds(chosen: Settings) -> None:
    if chosen.budget is None:
        return
    if chosen.budget == 0:
        raise ValueError("`budget` is 0, but no error is below zero: pass a number above 0, or None to freeze nothing")
    if chosen.penalty != "volume" or not chosen.lipschitz or chosen.norm != "exact":
        raise ValueError(
            f"`budget` is {chosen.budget} with penalty={chosen.penalty!r}, lipschitz={chosen.lipschitz} and "
            f"norm={chosen.norm!r}, but what may be frozen is known for the volume and a truly bounded decoder: "
            "pass penalty='volume', lipschitz=True and norm='exact', or budget=None"
        )


def _defaults(scale: str, dataset: str) -> dict[str, object]:
    """Return what a parameter is that was not given."""
    batch_size = SCALES[scale].batch_size
    if scale == "paper":
        original = ORIGINALS[dataset]
        own = {"lam": original.chosen, "latent_dim": original.latent_dim, "steps": original.steps}
        return {**own, "eta": ETA_ORIGINAL, "batch_size": batch_size}
    lam = CHOSEN if _is_small(dataset) else CHOSEN_28
    return {"lam": lam, "latent_dim": LATENT_DIM, "steps": SCALES[scale].steps, "eta": ETA, "batch_size": batch_size}


def _is_small(dataset: str) -> bool:
    return dataset == "digits"
