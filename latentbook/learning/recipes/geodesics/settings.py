"""What the experiment may be asked for: its scales and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.learning.parameters import check_choice, check_device, check_digits, check_integer, check_number

__all__ = ["DATASETS", "FEATURE_MAPS", "MODELS", "SCALES", "Scale", "Settings", "settings"]

DATASETS = ("digits", "mnist", "fashion")
MODELS = ("vae", "bigan")
FEATURE_MAPS = ("logistic", "convolutional", "vgg19")


@dataclass(frozen=True)
class Scale:
    """How long and how gently to train.

    Attributes:
        learning_rate: Of Adam, of the VAE.
        adversarial_rates: Of Adam, of a BiGAN's generator and encoder, and of its discriminator.
        steps: Updates of each model; None: as many as `epochs` make.
        epochs: How often as many examples are seen as there are, by model, where `steps` is None.
        batch_size: Examples in a batch.
        decay: Factor on the rates after each epoch.
        weight_decay: Of both optimisers.
        betas: Of a BiGAN's optimisers.
        pairs: Pairs of codes in each experiment.
    """

    learning_rate: float
    adversarial_rates: tuple[float, float]
    pairs: int
    steps: int | None = None
    epochs: tuple[int, int] = (0, 0)
    batch_size: int = 100
    decay: float = 1.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.5, 0.999)


SCALES = {
    "smoke": Scale(3e-3, (5e-4, 2e-3), pairs=16, steps=300),
    "book": Scale(1e-3, (5e-4, 2e-3), pairs=64, steps=4000),
    # The original's optimisers, and the length of the trainings whose weights it published.
    "paper": Scale(
        5e-3,
        (5e-3, 3e-3),
        pairs=256,
        epochs=(50, 100),
        batch_size=16,
        decay=0.95,
        weight_decay=1e-4,
        betas=(0.9, 0.999),
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that decides an experiment, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        digits: The classes that are trained on and measured on, one character each.
        seed: Of initial weights, batches, noise and pairs.
        device: Where it runs.
        model: ``"vae"`` or ``"bigan"``.
        latent_dim: Size of a code.
        n_pairs: Pairs of codes in each experiment.
        step_size: Length of a step along the largest eigenvector of the metric.
        feature_map: What looks at images.
        batch_size: Examples in a batch.
        steps: Updates of each model; None: as many as the scale's epochs make.
    """

    scale: str
    dataset: str
    digits: str
    seed: int
    device: torch.device
    model: str
    latent_dim: int
    n_pairs: int
    step_size: float
    feature_map: str
    batch_size: int
    steps: int | None


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    digits: object = "0123456789",
    seed: object = 0,
    device: object = "auto",
    model: object = "vae",
    latent_dim: object = 8,
    n_pairs: object = None,
    step_size: object = 1.0,
    feature_map: object = "convolutional",
    batch_size: object = None,
    steps: object = None,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``: the original's optimisers and epochs.
        dataset: ``"digits"``, ``"mnist"`` or ``"fashion"``; other data are passed to `train`.
        digits: Classes to train on and to measure on, at least two different ones, as in ``"0123"``.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        model: ``"vae"`` or ``"bigan"``.
        latent_dim: Size of a code, at least 1.
        n_pairs: Pairs of codes in each experiment, at least 2; None for the scale's.
        step_size: Length of a step along the largest eigenvector of the metric, in latent units, above 0.
        feature_map: ``"logistic"``, ``"convolutional"``, classifiers that are trained here, or ``"vgg19"``, with
            weights that are downloaded.
        batch_size: Examples in a batch, at least 2; None for the scale's.
        steps: Updates of each model, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> settings(scale="smoke", device="cpu").n_pairs
        16

    Chapter 3.
    """
    size = check_choice("scale", scale, SCALES)
    usual = SCALES[size]
    step = check_number("step_size", step_size, 0.0)
    if step == 0:
        raise ValueError("`step_size` is 0, so that each pair is one point: pass a number above 0")
    return Settings(
        scale=size,
        dataset=check_choice("dataset", dataset, DATASETS),
        digits=check_digits("digits", digits),
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        model=check_choice("model", model, MODELS),
        latent_dim=check_integer("latent_dim", latent_dim, 1, 4096),
        n_pairs=usual.pairs if n_pairs is None else check_integer("n_pairs", n_pairs, 2),
        step_size=step,
        feature_map=check_choice("feature_map", feature_map, FEATURE_MAPS),
        batch_size=usual.batch_size if batch_size is None else check_integer("batch_size", batch_size, 2),
        steps=usual.steps if steps is None else check_integer("steps", steps, 1),
    )
