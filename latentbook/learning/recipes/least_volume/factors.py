"""Drawn images with known factors: as many latent dimensions as there are factors?"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from latentbook.core import seeded
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.drawn import FACTORS, STILL, draw_sprites
from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume.networks import activation
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.train import fit
from latentbook.lipschitz import spectral_norm
from latentbook.volume import latent_set_dimension, latent_std, pruning_curve, volume_penalty

__all__ = ["FREE", "Counted", "count_factors", "factor_strips"]

# One more of them is free each time.
FREE = ("x", "y", "scale", "angle")
SIZE, LATENT_DIM, HIDDEN = 16, 16, (256, 128)
# At a weight of 0.003 some seeds collapse, at 0.001 nothing is given up.
LAMBDA, LEARNING_RATE, BATCH_SIZE = 0.002, 1e-3, 128
STEPS = {"smoke": 300, "book": 2000, "paper": 40_000}


@dataclass(frozen=True)
class Counted:
    """Images with some free factors, and the dimensions that an autoencoder kept.

    Attributes:
        free: Names of the factors that vary.
        std: Latent widths on the training images, widest first.
        curve: Test errors after pruning the 0 to m narrowest dimensions.
        dimensions: Kept by the 1 % rule.
    """

    free: tuple[str, ...]
    std: Tensor
    curve: Tensor
    dimensions: int


def count_factors(chosen: Settings) -> list[Counted]:
    """Train one autoencoder for each number of free factors, all as one, each on images of its own.

    Args:
        chosen: Checked parameters, from `settings`; scale, seed, device and eta count.

    Returns:
        What was kept, for one free factor, two, and so on.

    Example:
        >>> [len(counted.free) for counted in count_factors(settings(scale="smoke", device="cpu"))]
        [1, 2, 3, 4]

    Chapter 1.
    """
    sets = [FREE[: count + 1] for count in range(len(FREE))]
    training, test = (torch.stack([_images(free, part, chosen)[:] for free in sets]) for part in ("train", "test"))
    with seeded(chosen.seed):
        together = Family([_autoencoder(chosen)] * len(sets)).to(chosen.device)
    with Progress(STEPS[chosen.scale], f"{len(sets)} autoencoders as one, up to {len(FREE)} free factors") as progress:
        fit(
            together,
            Dataset(training.transpose(0, 1)),
            family_loss(lambda model, x, step: model.terms(x), own_batches=True),
            weights={"reconstruction": 1.0, "volume": LAMBDA},
            steps=STEPS[chosen.scale],
            batch_size=BATCH_SIZE,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=LEARNING_RATE, fused=True),
            draw=lambda data, size, generator: data.batch(size, generator).transpose(0, 1),
            progress=progress,
        )
    parts = zip(sets, together.members(), training, test, strict=True)
    return [_counted(free, model, images, held_out) for free, model, images, held_out in parts]


def factor_strips(count: int = 9) -> Tensor:
    """Return what each factor does to an image: strips along which it goes through its range, and the others rest.

    Args:
        count: Images in a strip.

    Returns:
        Images ``(factors, count, 1, 16, 16)``, values in [0, 1], in the order in which the factors are set free.

    Example:
        >>> factor_strips(3).shape
        torch.Size([4, 3, 1, 16, 16])

    Chapter 1.
    """
    strips = []
    for name in FREE:
        factors = torch.tensor([list(STILL.values())] * count, dtype=torch.get_default_dtype())
        factors[:, list(FACTORS).index(name)] = torch.linspace(*FACTORS[name], count)
        strips.append(draw_sprites(factors, torch.zeros(count, dtype=torch.long), SIZE, colour=False) / 255)
    return torch.stack(strips)


def _images(free: tuple[str, ...], part: str, chosen: Settings) -> Dataset:
    return load("sprites", part, size=SIZE, free=free, colour=False, device=str(chosen.device))


def _autoencoder(chosen: Settings) -> Autoencoder:
    event = (1, SIZE, SIZE)
    encoder = mlp_encoder(event, HIDDEN, LATENT_DIM, activation)
    decoder = mlp_decoder(LATENT_DIM, HIDDEN[::-1], event, activation, spectral_norm)
    return Autoencoder(encoder, decoder, {"volume": functools.partial(volume_penalty, eta=chosen.eta)})


@torch.no_grad()
def _counted(free: tuple[str, ...], model: Autoencoder, images: Tensor, held_out: Tensor) -> Counted:
    codes = model.encode(images)
    std = latent_std(codes)
    curve = pruning_curve(model.decode, held_out, model.encode(held_out), mean=codes.mean(0), std=std)
    return Counted(free, std.sort(descending=True).values.cpu(), curve.cpu(), latent_set_dimension(curve))
