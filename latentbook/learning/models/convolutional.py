r"""Network bodies of convolutions: an encoder, a decoder, and their blocks, of the sizes that chapter 3 compares.

A block is a convolution or a linear layer, divided by its spectral norm, then BatchNorm, then an ELU. Two blocks take
an image apart, with kernels of 4 and 3 and strides of 2, from 28 to 13 to 6 pixels; two put it together again. A side
fits where both ways meet: it is a multiple of 4, at least 8.

Decoders end in :math:`(1 + \tanh) / 2`, since images have grey levels in [0, 1]. Michelis & Becker's end in
:math:`\tanh`, for levels in [-1, 1]: lengths there are twice those here, and ratios of lengths are the same.

Reference: Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshops
2021.

Chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.learning.nets import AnyBatch

__all__ = ["Grey", "conv_decoder", "conv_encoder", "conv_features", "linear_block", "smallest_maps"]

# Of the two blocks, from the image inwards: 28 to 13 to 6 pixels.
KERNELS, STRIDE = (4, 3), 2
FACTOR, SMALLEST = STRIDE**2, 8


class Grey(nn.Module):
    r"""Grey levels from any number: :math:`(1 + \tanh x) / 2`.

    Example:
        >>> Grey()(torch.tensor([-20.0, 0.0, 20.0]))
        tensor([0.0000, 0.5000, 1.0000])

    Chapter 3.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return levels in [0, 1]."""
        return (1 + x.tanh()) / 2


def linear_block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a block of a linear layer: spectral normalisation, BatchNorm, ELU.

    Args:
        inputs: Size of what it takes.
        outputs: Size of what it returns.

    Returns:
        A module ``(N, inputs)`` to ``(N, outputs)``; in train mode N is at least 2.

    Example:
        >>> linear_block(3, 8)(torch.zeros(5, 3)).shape
        torch.Size([5, 8])

    Chapter 3.
    """
    return nn.Sequential(spectral_norm(nn.Linear(inputs, outputs)), nn.BatchNorm1d(outputs), nn.ELU())


def conv_features(event_shape: Sequence[int] = (1, 28, 28), channels: Sequence[int] = (32, 32)) -> AnyBatch:
    """Return two blocks of convolutions and what they make of an image, flat.

    Args:
        event_shape: Of an image, ``(C, H, W)``; sides are multiples of 4, at least 8.
        channels: Of the two convolutions.

    Returns:
        A module ``(..., C, H, W)`` to ``(..., F)``; for 28 x 28 pixels F is 36 times the last channels.

    Raises:
        ValueError: If the sides do not fit, or there are not two numbers of channels.

    Example:
        >>> conv_features()(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 1152])

    Chapter 3.
    """
    smallest_maps(event_shape)
    if len(channels) != 2:
        raise ValueError(f"`channels` is {tuple(channels)}, but there are two convolutions: give each one number")
    first, last = channels
    blocks = [
        *_block(nn.Conv2d(event_shape[0], first, KERNELS[0], STRIDE), first),
        *_block(nn.Conv2d(first, last, KERNELS[1], STRIDE), last),
    ]
    return AnyBatch(nn.Sequential(*blocks, nn.Flatten()), event_shape)


def conv_encoder(
    outputs: int, event_shape: Sequence[int] = (1, 28, 28), channels: Sequence[int] = (32, 32)
) -> nn.Sequential:
    """Return an encoder of images: two blocks of convolutions, then a linear layer.

    With its default channels and twice 16 outputs it has 46,816 parameters.

    Args:
        outputs: Size of what it returns: m for codes; 2 m for `latentbook.learning.models.vae.VAE`, which takes means
            and log deviations from it.
        event_shape: Of an image, ``(C, H, W)``; sides are multiples of 4, at least 8.
        channels: Of the two convolutions.

    Returns:
        A module ``(..., C, H, W)`` to ``(..., outputs)``.

    Raises:
        ValueError: If the sides do not fit, or there are not two numbers of channels.

    Example:
        >>> conv_encoder(2 * 16)(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 32])

    Chapter 3.
    """
    features = conv_features(event_shape, channels)
    return nn.Sequential(features, nn.Linear(channels[-1] * math.prod(smallest_maps(event_shape)), outputs))


def conv_decoder(
    latent_dim: int, event_shape: Sequence[int] = (1, 28, 28), channels: Sequence[int] = (32, 32, 32)
) -> nn.Sequential:
    """Return a decoder to images: a linear layer, two blocks of transposed convolutions, one of single pixels.

    With its default channels and 16 latents it has 45,409 parameters.

    Args:
        latent_dim: Size of a code.
        event_shape: Of an image, ``(C, H, W)``; sides are multiples of 4, at least 8.
        channels: Of the smallest maps, then of the two transposed convolutions.

    Returns:
        A module ``(..., latent_dim)`` to ``(..., C, H, W)``, with levels in [0, 1].

    Raises:
        ValueError: If the sides do not fit, or there are not three numbers of channels.

    Example:
        >>> conv_decoder(16)(torch.zeros(5, 16)).shape
        torch.Size([5, 1, 28, 28])

    Chapter 3.
    """
    if len(channels) != 3:
        raise ValueError(
            f"`channels` is {tuple(channels)}, but a decoder has three: of the smallest maps, and of blocks"
        )
    first, middle, last = channels
    maps = (first, *smallest_maps(event_shape))
    layers = [
        *_block(nn.ConvTranspose2d(first, middle, KERNELS[1], STRIDE), middle),
        *_block(nn.ConvTranspose2d(middle, last, KERNELS[0], STRIDE), last),
        nn.Conv2d(last, event_shape[0], 1),
        Grey(),
    ]
    start = [nn.Linear(latent_dim, math.prod(maps)), nn.Unflatten(-1, maps)]
    return nn.Sequential(*start, AnyBatch(nn.Sequential(*layers), maps))


def smallest_maps(event_shape: Sequence[int]) -> tuple[int, int]:
    """Return height and width of the maps that two blocks make of an image, refusing what is not found on the way back.

    Args:
        event_shape: Of an image, ``(C, H, W)``.

    Returns:
        Height and width.

    Raises:
        ValueError: If it is no image, or a side is no multiple of 4 or below 8.

    Example:
        >>> smallest_maps((1, 28, 32))
        (6, 7)

    Chapter 3.
    """
    if len(event_shape) != 3 or min(event_shape) < 1:
        raise ValueError(f"`event_shape` is {tuple(event_shape)}, but an image has (C, H, W), as in (1, 28, 28)")
    _, height, width = event_shape
    if height % FACTOR or width % FACTOR or min(height, width) < SMALLEST:
        raise ValueError(
            f"`event_shape` is {tuple(event_shape)}, but a side must be a multiple of {FACTOR}, at least {SMALLEST}: "
            "cut or enlarge the images, or use a perceptron"
        )
    return height // FACTOR - 1, width // FACTOR - 1


def _block(layer: nn.Conv2d | nn.ConvTranspose2d, channels: int) -> list[nn.Module]:
    return [spectral_norm(layer), nn.BatchNorm2d(channels), nn.ELU()]
