r"""Network bodies of gated convolutions: every feature is multiplied by a number between 0 and 1 that is learned too.

.. math:: h \leftarrow (W * h + b) \odot s(V * h + c)

with :math:`s` the logistic function. Six of them take an image apart, of which the second and the fourth halve its
sides, and the last one sees all that is left; six put it together again.

Reference: van den Oord et al., *Conditional image generation with PixelCNN decoders*, NIPS 2016. In this arrangement:
van den Berg, Hasenclever, Tomczak & Welling, *Sylvester normalizing flows*, UAI 2018.

Chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch  # noqa: F401  (doctests)
from torch import Tensor, nn
from torch.nn.functional import glu

from latentbook.learning.nets import AnyBatch

__all__ = ["Gated", "gated_decoder", "gated_encoder"]

FEATURES = 256


class Gated(nn.Module):
    """A convolution whose outputs are gated by another one of the same shape.

    Args:
        layer: A convolution of twice as many outputs as are wanted: values, then gates.

    Example:
        >>> Gated(nn.Conv2d(1, 2 * 8, 5, padding=2))(torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3, 8, 8, 8])

    Chapter 5.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated values."""
        return glu(self.layer(x), dim=1)


def gated_encoder(event_shape: Sequence[int], outputs: int) -> AnyBatch:
    """Return an encoder ``(..., C, H, W)`` to ``(..., outputs)``: six gated convolutions, and a linear layer.

    Args:
        event_shape: Shape of an image; its sides are multiples of 4.
        outputs: How many numbers come out.

    Returns:
        The encoder; any number of leading dimensions is a batch.

    Raises:
        ValueError: If the shape is not that of such an image.

    Example:
        >>> gated_encoder((1, 28, 28), 12)(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 12])

    Chapter 5.
    """
    channels, quarter = _quartered(event_shape)
    body = [
        _inwards(channels, 32),
        _inwards(32, 32, stride=2),
        _inwards(32, 64),
        _inwards(64, 64, stride=2),
        _inwards(64, 64),
        Gated(nn.Conv2d(64, 2 * FEATURES, quarter)),
    ]
    return AnyBatch(nn.Sequential(*body, nn.Flatten(), nn.Linear(FEATURES, outputs)), event_shape)


def gated_decoder(latent_dim: int, event_shape: Sequence[int], channels: int | None = None) -> nn.Module:
    """Return a decoder ``(..., latent_dim)`` to ``(..., channels, H, W)``: six gated convolutions, and one that is not.

    Args:
        latent_dim: Size of a code.
        event_shape: Shape of an image; its sides are multiples of 4.
        channels: That come out; None for as many as an image has.

    Returns:
        The decoder; any number of leading dimensions is a batch.

    Raises:
        ValueError: If the shape is not that of such an image.

    Example:
        >>> gated_decoder(10, (1, 28, 28))(torch.zeros(5, 10)).shape
        torch.Size([5, 1, 28, 28])

    Chapter 5.
    """
    own, quarter = _quartered(event_shape)
    body = [
        nn.Unflatten(-1, (latent_dim, 1, 1)),
        Gated(nn.ConvTranspose2d(latent_dim, 2 * 64, quarter)),
        _outwards(64, 64),
        _outwards(64, 32, stride=2),
        _outwards(32, 32),
        _outwards(32, 32, stride=2),
        _outwards(32, 32),
        nn.Conv2d(32, channels or own, 1),
    ]
    return AnyBatch(nn.Sequential(*body), (latent_dim,))


def _quartered(event_shape: Sequence[int]) -> tuple[int, tuple[int, int]]:
    """Return the channels of an image, and a quarter of its sides."""
    if len(event_shape) != 3 or any(side < 4 or side % 4 for side in event_shape[1:]):
        raise ValueError(f"`event_shape` is {tuple(event_shape)}: give (C, H, W) with sides that 4 divides")
    channels, height, width = event_shape
    return channels, (height // 4, width // 4)


def _inwards(inputs: int, outputs: int, stride: int = 1) -> Gated:
    return Gated(nn.Conv2d(inputs, 2 * outputs, 5, stride, padding=2))


def _outwards(inputs: int, outputs: int, stride: int = 1) -> Gated:
    return Gated(nn.ConvTranspose2d(inputs, 2 * outputs, 5, stride, padding=2, output_padding=stride - 1))
