"""What the experiment may be asked for: its scales, its grids of weights, and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.learning.parameters import check_choice, check_device, check_digits, check_integer, check_number

__all__ = ["DATASETS", "LAMBDAS", "MODELS", "PROBES", "SCALES", "Scale", "Settings", "check_digits", "settings"]


@dataclass(frozen=True)
class Scale:
    """How long and how gently to train.

    Attributes:
        learning_rate: Of Adam.
        steps: Updates of each model; None: as many as `epochs` make.
        epochs: How often as many examples are seen as there are, where `steps` is None.
    """

    learning_rate: float
    steps: int | None = None
    epochs: int = 0


SCALES = {
    "smoke": Scale(learning_rate=3e-3, steps=300),
    "book": Scale(learning_rate=1e-3, steps=4000),
    # The original's optimiser and length, and its networks.
    "paper": Scale(learning_rate=1e-4, epochs=300),
}
BATCH_SIZE = 100

# Images whose classes are digits, or ten kinds of clothes.
DATASETS = ("digits", "mnist", "fashion")
MODELS = ("irvae", "fmvae", "irae")
PROBES = ("exact", "sphere", "rademacher", "gaussian")

# From nothing, where `irvae` and `fmvae` are the plain VAE, to where the codes collapse. The distortion has no unit.
# The other penalty grows with the fourth power of what a step in the codes does to the data, which on these data is
# about 2; and without noise on the data a mean of squared errors, about 0.02, stands against it.
LAMBDAS = {
    "irvae": (0.0, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4, 1e5),
    "fmvae": (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e3),
    "irae": (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0),
}
# The weight that is looked at closely; at the original's length, its own.
CHOSEN = {"irvae": 100.0, "fmvae": 3.0, "irae": 3e-3}
CHOSEN_PAPER = {"irvae": 1e3, "fmvae": 10.0, "irae": 1e-2}


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        digits: The classes that are trained on, one character each.
        validation_digits: The classes that are measured on.
        seed: Of initial weights, batches and noise.
        device: Where it runs.
        model: ``"irvae"``, ``"fmvae"`` or ``"irae"``.
        lam: Weight of the penalty.
        eta: How far beyond the codes the penalty's points may lie; None: at the codes alone.
        latent_dim: Size of a code.
        probe: How the distortion's traces are found.
        batch_size: Examples in a batch.
        steps: Updates of each model; None: as many as the scale's epochs make.
    """

    scale: str
    dataset: str
    digits: str
    validation_digits: str
    seed: int
    device: torch.device
    model: str
    lam: float
    eta: float | None
    latent_dim: int
    probe: str
    batch_size: int
    steps: int | None

    @property
    def is_original(self) -> bool:
        """Whether networks and optimiser are the original's."""
        return self.scale == "paper"

    @property
    def lambdas(self) -> tuple[float, ...]:
        """The weights that the chapter trains, sorted; 0 and `lam` are among them."""
        return tuple(sorted({*LAMBDAS[self.model], self.lam}))


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    digits: object = "01367",
    validation_digits: object = None,
    seed: object = 0,
    device: object = "auto",
    model: object = "irvae",
    lam: object = None,
    eta: object = 0.2,
    latent_dim: object = 2,
    probe: object = None,
    batch_size: object = BATCH_SIZE,
    steps: object = None,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: the original's networks, rate and 300 epochs.
        dataset: ``"digits"``, ``"mnist"`` or ``"fashion"``; other data are passed to `train` and `family`.
        digits: Classes to train on, at least two different ones, as in ``"01367"``.
        validation_digits: Classes to measure on; None for the same.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        model: ``"irvae"``: a VAE with the relaxed distortion of its decoder; ``"fmvae"``: with the deviation from a
            scaled identity; ``"irae"``: an autoencoder with the distortion, and no noise. The first two are a plain VAE
            at the weight 0.
        lam: Weight of the penalty against nats for each example, of ``"irae"`` against a mean squared error; at least
            0. None for 100, 3 or 0.003, at paper scale for 1000, 10 or 0.01.
        eta: At least 0, the penalty is taken on lines through two codes, and so far beyond them; None: at the codes.
        latent_dim: Size of a code, at least 2.
        probe: ``"exact"``, or ``"sphere"``, ``"rademacher"`` or ``"gaussian"`` for one random direction a point; None
            for exact traces up to three latents, and a sphere's beyond. The penalty of ``"fmvae"`` is always exact.
        batch_size: Examples in a batch, at least 2.
        steps: Updates of each model, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> settings(digits="015", device="cpu").lambdas
        (0.0, 1.0, 3.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0)

    Chapter 2.
    """
    size, kind = check_choice("scale", scale, SCALES), check_choice("model", model, MODELS)
    m = check_integer("latent_dim", latent_dim, 2, 4096)
    usual = (CHOSEN_PAPER if size == "paper" else CHOSEN)[kind]
    classes = check_digits("digits", digits)
    measured = classes if validation_digits is None else check_digits("validation_digits", validation_digits)
    # What one direction costs, up to three give as well.
    usual_probe = "exact" if m <= 3 or kind == "fmvae" else "sphere"
    directions = check_choice("probe", usual_probe if probe is None else probe, PROBES)
    if kind == "fmvae" and directions != "exact":
        raise ValueError(f"`probe` is {probe!r} for model 'fmvae', which needs the whole metric: pass probe='exact'")
    return Settings(
        scale=size,
        dataset=check_choice("dataset", dataset, DATASETS),
        digits=classes,
        validation_digits=measured,
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        model=kind,
        lam=check_number("lam", usual if lam is None else lam, 0.0),
        eta=None if eta is None else check_number("eta", eta, 0.0),
        latent_dim=m,
        probe=directions,
        batch_size=check_integer("batch_size", batch_size, 2),
        steps=SCALES[size].steps if steps is None else check_integer("steps", steps, 1),
    )
