"""Lipschitz bounds: what they add to a training step of a convolutional autoencoder, and what their start costs."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from timing import Row, compare
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from latentbook.lipschitz import operator_norm, spectral_norm
from latentbook.volume import volume_penalty

LATENT = 128
BATCH = 100
# Both halve and double the size.
Down = functools.partial(nn.Conv2d, kernel_size=4, stride=2, padding=1)
Up = functools.partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)
# Channels of the decoder of Chen & Fuge (2024) for 32 x 32 images, and the sizes that its layers receive.
CHANNELS, SIZES = (128, 64, 32, 1), (4, 8, 16)


def measure() -> list[Row]:
    """Return rows for the training step, for the start of its three layers, and for their exact norms."""
    x = torch.rand(BATCH, 1, 32, 32)
    bounded, unbounded = training_step(x, True), training_step(x, False)

    def start() -> None:
        for layer, size in transposed():
            spectral_norm(layer, (size, size))

    def norms() -> None:
        for layer, size in transposed():
            operator_norm(layer, (size, size))

    return [
        compare("training step, MNIST net, batch 100", bounded, unbounded, "without the bound", repeats=31),
        compare("three layers normalised", start, build_only, "three layers built"),
        compare("their exact norms", norms, build_only, "three layers built"),
    ]


def training_step(x: Tensor, lipschitz: bool) -> Callable[[], None]:
    """Return one step of the published network, with or without bounded layers."""
    encode, decode = encoder(), decoder(lipschitz)
    optimizer = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=1e-4, betas=(0.9, 0.99))

    def step() -> None:
        z = encode(x)
        loss = binary_cross_entropy(decode(z), x) + 3e-3 * volume_penalty(z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def encoder() -> nn.Sequential:
    """Return the encoder, which is never bounded."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 64), (64, 128), (128, 256)):
        layers += [Down(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, LATENT))


def decoder(lipschitz: bool) -> nn.Sequential:
    """Return the decoder."""
    linear = nn.Linear(LATENT, 2048)
    layers: list[nn.Module] = [spectral_norm(linear) if lipschitz else linear, nn.Unflatten(1, (128, 4, 4))]
    for layer, size in transposed():
        layers += [spectral_norm(layer, (size, size)) if lipschitz else layer, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())


def transposed() -> list[tuple[nn.ConvTranspose2d, int]]:
    """Return the decoder's transposed convolutions, each with the size of its input."""
    channels = zip(CHANNELS, CHANNELS[1:], SIZES, strict=False)
    return [(Up(inputs, outputs), size) for inputs, outputs, size in channels]


def build_only() -> None:
    """Build the three layers: the part of the start that is not ours."""
    transposed()
