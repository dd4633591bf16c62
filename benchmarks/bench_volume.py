"""Least Volume: what the penalty and the bounded decoder add to a training step, and what a pruning curve costs."""

from __future__ import annotations

import functools
import itertools

import torch
from timing import Row, compare
from torch import Tensor, nn

from latentbook.learning.recipes import least_volume
from latentbook.volume import latent_std, pruning_curve, reconstruction_error, volume_penalty

# The original's network for MNIST at 32 x 32.
CHANNELS, LATENTS, IMAGES = (1, 32, 64, 128, 256), 128, 1000
# On both sides: larger activations come on fresh pages, and the time goes there.
BATCH = 25


def measure() -> list[Row]:
    """Return three rows: the penalty, the bounded decoder, and the pruning curve, each against the plain way."""
    z = torch.randn(256, 32, requires_grad=True)

    def penalty() -> None:
        volume_penalty(z).backward()

    def plain() -> None:
        z.mean().backward()

    bounded, unbounded = (
        least_volume.build(least_volume.settings(device="cpu", lipschitz=choice), (1, 8, 8)).decoder
        for choice in (True, False)
    )

    def decode(decoder: torch.nn.Module) -> None:
        decoder(z).sum().backward()

    return [
        compare("volume penalty, 256 x 32, forward and backward", penalty, plain, "a plain mean", calls=100),
        compare(
            "decoder of spectral norm 1, forward and backward",
            lambda: decode(bounded),
            lambda: decode(unbounded),
            "without the bound",
            calls=50,
        ),
        _pruning_row(),
    ]


@torch.no_grad()
def _pruning_row() -> Row:
    """Time a curve from codes against one that encodes the data again for every number of pruned dimensions."""
    encoder, decoder, x = _encoder(), _decoder(), torch.rand(IMAGES, 1, 32, 32)

    def ours() -> Tensor:
        codes = torch.cat([encoder(part) for part in x.split(BATCH)])
        return pruning_curve(decoder, x, codes, chunk=BATCH)

    def again() -> Tensor:
        codes = torch.cat([encoder(part) for part in x.split(BATCH)])
        order, mean = latent_std(codes).argsort(), codes.mean(0)
        return torch.stack([_error_without(encoder, decoder, x, order[:k], mean) for k in range(LATENTS + 1)])

    # Half a minute a side: each is timed once after the call that is not.
    return compare(
        f"pruning curve, {IMAGES:,} images, {LATENTS} latents", ours, again, "encoding again for every k", repeats=1
    )


def _error_without(encoder: nn.Module, decoder: nn.Module, x: Tensor, pruned: Tensor, mean: Tensor) -> Tensor:
    errors = []
    for part in x.split(BATCH):
        codes = encoder(part)
        codes[:, pruned] = mean[pruned]
        errors.append(reconstruction_error(part, decoder(codes)))
    return torch.stack(errors).mean()


def _encoder() -> nn.Module:
    convolution = functools.partial(nn.Conv2d, kernel_size=4, stride=2, padding=1)
    layers = [layer for a, b in itertools.pairwise(CHANNELS) for layer in (convolution(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS[-1] * 4, LATENTS))


def _decoder() -> nn.Module:
    widths = CHANNELS[-2::-1]
    convolution = functools.partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (convolution(a, b), nn.LeakyReLU(0.2))]
    first = [nn.Linear(LATENTS, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4))]
    return nn.Sequential(*first, *layers[:-1], nn.Sigmoid())
