"""The autoencoders: perceptrons, and the original's convolutions, with decoders that stretch nothing."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from torch import nn
from torch.nn.utils import parametrizations

from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.pruned import PrunedAutoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.recipes.least_volume.originals import ORIGINALS, Original
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.lipschitz import spectral_norm
from latentbook.volume import PENALTIES, DynamicPruning, volume_penalty

__all__ = ["build", "convolutional_decoder", "convolutional_encoder"]

# Hidden widths of a perceptron, by the values in an example.
SMALL, HIDDEN, HIDDEN_28 = 64, (128, 128), (256, 128)
IMAGE_SIZE = 32
SLOPE = 0.2
# In place: the activations of a whole family do not fit the cache, and a second copy of each would go to memory.
activation = functools.partial(nn.LeakyReLU, SLOPE, inplace=True)
# Adam's first steps move all weights of a matrix alike, which one iteration a step follows too late: the product of
# the layers' norms would reach 1.09, and stays below 1.04 with two.
bounded = functools.partial(spectral_norm, n_power_iterations=2)


def build(chosen: Settings, event_shape: tuple[int, ...]) -> Autoencoder:
    """Return an untrained autoencoder: perceptrons, at paper scale the original's convolutions.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example.

    Returns:
        The model, on the CPU, with weights from the global generator.

    Example:
        >>> build(settings(device="cpu"), (1, 8, 8)).encode(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 32])

    Chapter 1.
    """
    if chosen.is_original:
        encoder, decoder = _original(ORIGINALS[chosen.dataset], chosen)
    else:
        encoder, decoder = _perceptrons(chosen, event_shape)
    if chosen.budget is not None:
        pruning = DynamicPruning(chosen.latent_dim, chosen.budget)
        return PrunedAutoencoder(encoder, decoder, pruning, chosen.eta, chosen.reconstruction)
    penalty = PENALTIES[chosen.penalty]
    if penalty is volume_penalty:
        penalty = functools.partial(volume_penalty, eta=chosen.eta)
    return Autoencoder(encoder, decoder, {"penalty": penalty}, chosen.reconstruction)


def convolutional_encoder(channels: Sequence[int], latent_dim: int) -> nn.Sequential:
    """Return the original's encoder of images: convolutions that halve an image, then a linear layer.

    Args:
        channels: Of an image, then of each convolution (kernel 4, stride 2, padding 1).
        latent_dim: Size of a code.

    Returns:
        A module from images ``(B, C, 32, 32)`` to codes ``(B, latent_dim)``.

    Reference:
        Chen & Fuge 2024, appendix on the networks.

    Example:
        >>> convolutional_encoder([1, 32, 64], 16)(torch.zeros(5, 1, 32, 32)).shape
        torch.Size([5, 16])

    Chapter 1.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), activation()]
    return nn.Sequential(*layers, nn.Flatten(-3), nn.Linear(channels[-1] * _smallest(channels) ** 2, latent_dim))


def convolutional_decoder(
    latent_dim: int, channels: Sequence[int], *, lipschitz: bool = True, sigmoid: bool = True
) -> nn.Sequential:
    """Return the original's decoder: a linear layer, then transposed convolutions that double an image.

    There is no activation after the linear layer.

    Args:
        latent_dim: Size of a code.
        channels: Of the smallest maps, then of each transposed convolution (kernel 4, stride 2, padding 1).
        lipschitz: Whether every layer is divided by its spectral norm, exactly at its own image size.
        sigmoid: Whether values end in [0, 1].

    Returns:
        A module from codes ``(B, latent_dim)`` to images ``(B, C, 32, 32)``.

    Reference:
        Chen & Fuge 2024, appendix on the networks.

    Example:
        >>> convolutional_decoder(16, [64, 32, 1])(torch.zeros(5, 16)).shape
        torch.Size([5, 1, 32, 32])

    Chapter 1.
    """
    size = _smallest(channels)
    linear = nn.Linear(latent_dim, channels[0] * size**2)
    layers: list[nn.Module] = [
        spectral_norm(linear) if lipschitz else linear,
        nn.Unflatten(-1, (channels[0], size, size)),
    ]
    for inputs, outputs in itertools.pairwise(channels):
        layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        layers += [spectral_norm(layer, (size, size)) if lipschitz else layer, activation()]
        size *= 2
    return nn.Sequential(*layers[:-1], *([nn.Sigmoid()] if sigmoid else []))


def _smallest(channels: Sequence[int]) -> int:
    """Return the height of the smallest maps: every convolution halves, or doubles, an image."""
    return IMAGE_SIZE // 2 ** (len(channels) - 1)


def _original(original: Original, chosen: Settings) -> tuple[nn.Sequential, nn.Sequential]:
    encoder = convolutional_encoder(original.encoder, chosen.latent_dim)
    return encoder, convolutional_decoder(chosen.latent_dim, original.decoder, lipschitz=chosen.lipschitz)


def _perceptrons(chosen: Settings, event_shape: tuple[int, ...]) -> tuple[nn.Sequential, nn.Sequential]:
    hidden = HIDDEN if math.prod(event_shape) <= SMALL else HIDDEN_28
    encoder = mlp_encoder(event_shape, hidden, chosen.latent_dim, activation)
    norm = {"exact": bounded, "power": parametrizations.spectral_norm}[chosen.norm] if chosen.lipschitz else None
    decoder = mlp_decoder(chosen.latent_dim, hidden[::-1], event_shape, activation, norm)
    if chosen.reconstruction == "bce":
        # A cross-entropy needs values in [0, 1]; the sigmoid's slope is at most 1/4.
        decoder.append(nn.Sigmoid())
    return encoder, decoder
