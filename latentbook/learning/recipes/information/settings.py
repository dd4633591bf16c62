"""What the experiment may be asked for: its scales, its grids of weights, and its parameters, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from latentbook.learning.models.layers import INFERENCES, TOPS
from latentbook.learning.parameters import check_choice, check_device, check_integer, check_number

__all__ = ["DATASETS", "LIKELIHOODS", "SCALES", "Scale", "Settings", "settings"]


@dataclass(frozen=True)
class Scale:
    """How long and how gently to train, and how much of it.

    Attributes:
        learning_rate: Of Adam, at the beginning.
        side: Weights of each layer in the grid, at equal ratios.
        batch_size: Examples in a batch.
        steps: Updates of each model; None: as many as `epochs` make.
        epochs: How often as many examples are seen as there are, where `steps` is None.
        warm_up: Part of the steps in which the weights of the rates grow; a ladder's grow at every scale.
        cooling: Part of the steps, the last ones, in which the learning rate falls to nothing in a straight line.
        convolutions: Whether networks have them, where the parameters do not say.
        samples: Images that are drawn from a model to be looked at.
    """

    learning_rate: float
    side: int
    batch_size: int
    steps: int | None = None
    epochs: int = 0
    warm_up: float = 0.0
    cooling: float = 0.0
    convolutions: bool = False
    samples: int = 10_000


SCALES = {
    "smoke": Scale(3e-3, side=3, batch_size=64, steps=120, warm_up=0.2, cooling=0.4, samples=500),
    # Without a warm-up the codes of both layers collapse where a weight is large, and do not come back.
    "book": Scale(3e-3, side=7, batch_size=64, steps=1500, warm_up=0.2, cooling=0.4, samples=2000),
    # The original's optimiser, length and networks.
    "paper": Scale(3e-4, side=21, batch_size=256, epochs=500, convolutions=True),
}
# A ladder's weights grow in the first fifth, as the original's do.
LADDER_WARM_UP = 0.2
# Of the grid.
LEAST, MOST = 0.1, 10.0

DATASETS = ("digits", "mnist", "fashion", "svhn", "cifar10")
LIKELIHOODS = ("gaussian", "learned-gaussian", "bernoulli", "logistics")
COLOURED = ("svhn", "cifar10")
GAUSSIANS = ("gaussian", "learned-gaussian")
# With 1/√2, the original's 0.71, a distortion is a sum of squares. On images of 64 pixels such noise would hide nearly
# everything: in the direction in which they differ most their variance is 0.7, its own 0.5.
SIGMA, SIGMA_SMALL = 0.71, 0.2
# Sizes of z_1 in perceptrons, for small images and for others; each layer above has half as many.
NEXT_TO_DATA, NEXT_TO_DATA_SMALL = 32, 16
# The original's, for colour images and for grey ones: channels of convolutions, and the size of the top.
CONVOLUTIONAL = {True: (32, 32), False: (16, 20)}
SMALL = "digits"


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, checked. Made by `settings`; changed by `dataclasses.replace`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        seed: Of initial weights, batches and noise.
        device: Where it runs.
        inference: ``"top-down"``, ``"ladder"`` or ``"bottom-up"``.
        layers: L.
        likelihood: Its name.
        sigma: Standard deviation of a Gaussian likelihood, in data units, of a learned one where it starts; None of
            others.
        posterior: Of the top, ``"gaussian"`` or ``"categorical"``.
        beta_1: Weight of the rate of z_1, the layer next to the data.
        beta_2: Weight of the rate of every layer above; `train` and `family` may put one for each in its place.
        conv_channels: Channels of the convolutions; None for perceptrons.
        latent_dim: Size of the top's code, or its categories.
        batch_size: Examples in a batch.
        steps: Updates of each model; None: as many as the scale's epochs make.
    """

    scale: str
    dataset: str
    seed: int
    device: torch.device
    inference: str
    layers: int
    likelihood: str
    sigma: float | None
    posterior: str
    beta_1: float
    beta_2: float | tuple[float, ...]
    conv_channels: int | None
    latent_dim: int
    batch_size: int
    steps: int | None

    @property
    def betas(self) -> tuple[float, ...]:
        """One weight for each layer, of the layer next to the data first."""
        above = self.beta_2 if isinstance(self.beta_2, tuple) else (self.beta_2,) * (self.layers - 1)
        return (self.beta_1, *above)

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of one layer in the grid, from the least to the largest."""
        side = SCALES[self.scale].side
        return tuple(float(f"{LEAST * (MOST / LEAST) ** (i / (side - 1)):.6g}") for i in range(side))

    @property
    def grid(self) -> list[tuple[float, ...]]:
        """The weights of all cells: in one row the same of z_1, in one column the same of the layers above."""
        above = self.layers - 1
        return [(low, *[high] * above) for low in self.weights for high in self.weights]


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    seed: object = 0,
    device: object = "auto",
    inference: object = "top-down",
    layers: object = 2,
    likelihood: object = "gaussian",
    sigma: object = None,
    posterior: object = "gaussian",
    beta_1: object = 1.0,
    beta_2: object = 1.0,
    conv_channels: object = None,
    latent_dim: object = None,
    batch_size: object = None,
    steps: object = None,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``: 3 x 3 weights; ``"book"``: 7 x 7; ``"paper"``: 21 x 21, with the original's convolutions,
            optimiser and 500 epochs.
        dataset: ``"digits"``, ``"mnist"``, ``"fashion"``, ``"svhn"`` or ``"cifar10"``; other data are passed to `train`
            and `family`.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        inference: ``"top-down"``; ``"ladder"``: with precision-weighted posteriors; ``"bottom-up"``, whose weights
            weigh no rates, and so are all the same.
        layers: How many layers of codes, at least 2; of convolutions 2.
        likelihood: ``"gaussian"``, ``"learned-gaussian"``, ``"bernoulli"``, of images that are rounded to bits, or
            ``"logistics"``, a mixture of discretised logistic densities.
        sigma: Standard deviation of the Gaussian, in data units, above 0; None for 0.71, and for 0.2 on `digits`. Only
            the Gaussians have one.
        posterior: Of the top layer: ``"gaussian"``, or ``"categorical"``, a relaxed category.
        beta_1: Weight of the rate of z_1, the layer next to the data; finite, at least 0.
        beta_2: Weight of the rate of z_2, and of every layer above it.
        conv_channels: Channels of convolutions, at least 1; None for perceptrons, and at paper scale for the
            original's: 32, of grey images 16.
        latent_dim: Size of the top's code, or its categories, at least 1; None for what fits the data.
        batch_size: Examples in a batch, at least 1; None for the scale's.
        steps: Updates of each model, at least 1; None for the scale's.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> chosen = settings(scale="smoke", beta_2=10.0, device="cpu")
        >>> chosen.betas, chosen.weights, len(chosen.grid)
        ((1.0, 10.0), (0.1, 1.0, 10.0), 9)

    Chapter 4.
    """
    size, data = check_choice("scale", scale, SCALES), check_choice("dataset", dataset, DATASETS)
    usual, levels = SCALES[size], check_integer("layers", layers, 2, 64)
    channels, top = CONVOLUTIONAL[data in COLOURED] if usual.convolutions and levels == 2 else (None, None)
    if conv_channels is not None:
        channels = check_integer("conv_channels", conv_channels, 1)
    if channels is not None and levels > 2:
        raise ValueError(f"`conv_channels` is {channels} and `layers` is {levels}: convolutions have 2, leave them out")
    below = NEXT_TO_DATA_SMALL if data == SMALL else NEXT_TO_DATA
    own = top or max(1, below >> (levels - 1))
    return Settings(
        scale=size,
        dataset=data,
        seed=check_integer("seed", seed, 0),
        device=check_device("device", device),
        inference=check_choice("inference", inference, INFERENCES),
        layers=levels,
        likelihood=(noise := check_choice("likelihood", likelihood, LIKELIHOODS)),
        sigma=_sigma(noise, data, sigma),
        posterior=check_choice("posterior", posterior, TOPS),
        beta_1=check_number("beta_1", beta_1, 0.0),
        beta_2=check_number("beta_2", beta_2, 0.0),
        conv_channels=channels,
        latent_dim=own if latent_dim is None else check_integer("latent_dim", latent_dim, 1, 4096),
        batch_size=usual.batch_size if batch_size is None else check_integer("batch_size", batch_size, 1),
        steps=usual.steps if steps is None else check_integer("steps", steps, 1),
    )


def _sigma(likelihood: str, dataset: str, sigma: object) -> float | None:
    if likelihood not in GAUSSIANS:
        if sigma is not None:
            raise ValueError(f"`sigma` is {sigma!r}, but a likelihood {likelihood!r} has none: leave it out")
        return None
    if sigma is None:
        return SIGMA_SMALL if dataset == SMALL else SIGMA
    found = check_number("sigma", sigma, 0.0)
    if found == 0:
        raise ValueError("`sigma` is 0, but noise has a standard deviation above 0: pass 0.2, say")
    return found
