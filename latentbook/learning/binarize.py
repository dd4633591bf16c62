r"""Images of zeros and ones: a pixel is 1 with its grey level as probability.

A Bernoulli likelihood of grey levels :math:`x \in [0, 1]` is no likelihood. Drawn pixels
:math:`b \sim \mathrm{Bernoulli}(x)` have one, and keep the mean :math:`\mathrm{E}\, b = x`.

All chapters.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

__all__ = ["binarize", "binarize_fixed", "require_unit_interval"]

# Examples at a time: the uniform numbers behind a draw need four to eight times the room of the pixels.
CHUNK = 1024


def binarize(x: Float[Tensor, "*shape"], generator: torch.Generator | None = None) -> Float[Tensor, "*shape"]:
    """Return zeros and ones, each 1 with its value as probability: a new draw at every call.

    The check of the values waits for the device. `Dataset.binarized` checks a whole set once, and then never waits.

    Args:
        x: Values in [0, 1].
        generator: Source of randomness, on the device of ``x``; by default the global one.

    Returns:
        Zeros and ones, in the dtype and on the device of ``x``.

    Raises:
        ValueError: If a value is outside [0, 1].

    Example:
        >>> binarize(torch.tensor([0.0, 1.0, 1.0]))
        tensor([0., 1., 1.])

    All chapters.
    """
    require_unit_interval(x)
    return torch.bernoulli(x, generator=generator)


def binarize_fixed(
    x: UInt8[Tensor, "N *event"] | Float[Tensor, "N *event"], seed: int = 0, full_scale: int = 255
) -> UInt8[Tensor, "N *event"]:
    """Return zeros and ones, each 1 with its value as probability: the same draw at every call, on every device.

    Args:
        x: Floats in [0, 1], or pixels from 0 to ``full_scale``.
        seed: Which draw.
        full_scale: The ``uint8`` value that means 1.0.

    Returns:
        Zeros and ones as ``uint8``, on the device of ``x``.

    Raises:
        ValueError: If a value is outside [0, 1].

    Example:
        >>> x = torch.full((2, 3), 0.5)
        >>> binarize_fixed(x).equal(binarize_fixed(x)), binarize_fixed(x).equal(binarize_fixed(x, seed=1))
        (True, False)

    All chapters.
    """
    scale = 1 if x.is_floating_point() else full_scale
    generator = torch.Generator().manual_seed(seed)
    chunks = []
    for part in x.split(CHUNK):
        probability = part.cpu().double() / scale
        require_unit_interval(probability)
        chunks.append((torch.rand(part.shape, generator=generator, dtype=torch.float64) < probability).to(torch.uint8))
    return torch.cat(chunks).to(x.device)


def require_unit_interval(x: Float[Tensor, "*shape"], name: str = "x") -> None:
    """Refuse values that are no probabilities: what a Bernoulli likelihood, or a draw, cannot take.

    Args:
        x: The values.
        name: Their argument, for the message.

    Raises:
        ValueError: If a value is outside [0, 1] or not a number.

    Example:
        >>> require_unit_interval(torch.tensor([0.0, 1.5]))
        Traceback (most recent call last):
        ValueError: `x` goes from 0 to 1.5, but must be in [0, 1] here: rescale it, or pass images as torch.uint8

    All chapters.
    """
    if x.numel() and not ((x >= 0) & (x <= 1)).all():
        found = f"`{name}` goes from {float(x.min()):.4g} to {float(x.max()):.4g}"
        raise ValueError(f"{found}, but must be in [0, 1] here: rescale it, or pass images as torch.uint8")
