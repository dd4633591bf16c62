"""The models: a VAE or a BiGAN, of perceptrons for small images, of the original's convolutions for larger ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from torch import nn

from latentbook.learning.models.bigan import BiGAN, bigan_conv, bigan_mlp
from latentbook.learning.models.convolutional import conv_decoder, conv_encoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.recipes.geodesics.settings import Settings, settings  # noqa: F401  (doctests)

__all__ = ["build"]

# Hidden sizes of perceptrons, and values of an event up to which they are used.
HIDDEN, SMALL = (128, 128), 64


def build(chosen: Settings, event_shape: Sequence[int]) -> VAE | BiGAN:
    """Return an untrained model.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example. Images are decoded to grey levels in [0, 1], anything else to any number.

    Returns:
        The model, on the CPU, with weights from the global generator: smooth perceptrons for events of up to 64 values
        and for what is no image, the original's convolutions for all others.

    Raises:
        ValueError: If sides of large images are no multiples of 4.

    Example:
        >>> build(settings(model="bigan", device="cpu"), (1, 8, 8)).encode(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 8])

    Chapter 3.
    """
    is_image = len(event_shape) == 3
    small = math.prod(event_shape) <= SMALL or not is_image
    if chosen.model == "bigan":
        return (bigan_mlp if small else bigan_conv)(chosen.latent_dim, event_shape)
    m = chosen.latent_dim
    if not small:
        return VAE(conv_encoder(2 * m, event_shape), conv_decoder(m, event_shape))
    decoder = mlp_decoder(m, HIDDEN[::-1], event_shape, nn.Tanh)
    if is_image:
        decoder.append(nn.Sigmoid())
    return VAE(mlp_encoder(event_shape, HIDDEN, 2 * m, nn.Tanh), decoder)
