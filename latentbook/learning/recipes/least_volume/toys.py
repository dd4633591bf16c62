"""Curves and surfaces that can be looked at: does an autoencoder with too many latents find their dimension?"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentbook.core import seeded
from latentbook.learning.data import load
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume.networks import activation
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.train import fit
from latentbook.lipschitz import spectral_norm
from latentbook.volume import volume_penalty

__all__ = ["TOYS", "Flattened", "Toy", "flatten"]

# A latent dimension is flat where its variance is below this part of the largest.
FLAT = 1e-4


@dataclass(frozen=True)
class Toy:
    """How one point set is learnt, after the original.

    Attributes:
        dimensions: Its true dimension.
        hidden: Widths of the encoder's hidden layers, and of the decoder's.
        steps: Updates, on all points each.
        lam: Weight of the volume penalty.
        eta: Its lift.
    """

    dimensions: int
    hidden: tuple[int, ...]
    steps: int
    lam: float
    eta: float


# The original trains the surface at a weight of 1e-3, where one seed of three flattens it.
TOYS = {
    "curve": Toy(1, (32,) * 4, 5000, 1e-3, 0.0),
    "square": Toy(2, (32,) * 3, 5000, 1e-3, 1.0),
    "space-curve": Toy(1, (32,) * 4, 10_000, 1e-2, 1.0),
    "surface": Toy(2, (32,) * 4, 6000, 1e-2, 1.0),
}
LEARNING_RATE = 1e-3
# Part of a toy's steps that a scale makes.
PARTS = {"smoke": 0.1, "book": 1.0, "paper": 1.0}


@dataclass(frozen=True)
class Flattened:
    """A point set and what was learnt of it.

    Attributes:
        name: Of the point set.
        points: The points, ``(N, d)``.
        codes: Their codes, ``(N, d)``, the widest dimension first.
        error: Mean squared error over all values.
        dimensions: The true dimension.
    """

    name: str
    points: Tensor
    codes: Tensor
    error: float
    dimensions: int

    @property
    def variances(self) -> Tensor:
        """Unbiased variances of the codes, widest first, ``(d,)``."""
        return self.codes.var(0)

    @property
    def found(self) -> int:
        """How many latent dimensions are not flat."""
        return int((self.variances > FLAT * self.variances[0]).sum())


def flatten(name: str, chosen: Settings) -> Flattened:
    """Learn a point set with as many latents as it has coordinates.

    Args:
        name: One of `TOYS`.
        chosen: Checked parameters, from `settings`; scale, seed and device count.

    Returns:
        Points, codes and error.

    Example:
        >>> flatten("square", settings(scale="smoke", device="cpu")).codes.shape
        torch.Size([50, 2])

    Chapter 1.
    """
    toy, data = TOYS[name], load(name, "train", seed=chosen.seed, device=str(chosen.device))
    size, steps = data.event_shape[0], round(PARTS[chosen.scale] * toy.steps)
    with seeded(chosen.seed):
        encoder = mlp([size, *toy.hidden, size], activation)
        decoder = mlp([size, *toy.hidden, size], activation, spectral_norm)
        penalty = functools.partial(volume_penalty, eta=toy.eta)
        model = Autoencoder(encoder, decoder, {"volume": penalty}).to(chosen.device)
    with Progress(steps, name) as progress:
        fit(
            model,
            data,
            lambda model, x, step: model.terms(x),
            weights={"reconstruction": 1.0, "volume": toy.lam},
            steps=steps,
            batch_size=len(data),
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=LEARNING_RATE, fused=True),
            draw=lambda data, size, generator: data[:],
            progress=progress,
        )
    with torch.no_grad():
        x, codes = data[:], model.encode(data[:])
        error = nn.functional.mse_loss(model.decode(codes), x).item()
    widest_first = codes.var(0).argsort(descending=True)
    return Flattened(name, x.cpu(), codes[:, widest_first].cpu(), error, toy.dimensions)
