"""Variations of images that a classifier should not mind: drawn on the device that the images are on.

Chapter 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["cropped_and_flipped"]


def cropped_and_flipped(
    x: Float[Tensor, "N C H W"], *, margin: int, generator: torch.Generator | None = None
) -> Float[Tensor, "N C H W"]:
    """Return images moved by some pixels, and half of them seen in a mirror; nothing waits for the host.

    Each gets a border of black, and of that a window of its old size, of which there are ``(2 margin + 1)^2``, all as
    likely.

    Args:
        x: Images.
        margin: Width of the border in pixels, at least 0.
        generator: Source of randomness, on the images' device; by default the global one.

    Returns:
        As many images of the same size.

    Raises:
        ValueError: If the margin is negative.

    Example:
        >>> x = torch.eye(2)[None, None]
        >>> {moved.shape for moved in cropped_and_flipped(x.expand(8, 1, 2, 2), margin=1)}
        {torch.Size([1, 2, 2])}

    Chapter 4.
    """
    if margin < 0:
        raise ValueError(f"`margin` is {margin}, but must be at least 0")
    count, _, height, width = x.shape

    def drawn(choices: int) -> Tensor:
        return torch.randint(choices, (count, 1), generator=generator, device=x.device)

    rows = drawn(2 * margin + 1) + torch.arange(height, device=x.device)
    columns = drawn(2 * margin + 1) + torch.arange(width, device=x.device)
    columns = torch.where(drawn(2) == 1, columns.flip(-1), columns)
    example = torch.arange(count, device=x.device)[:, None, None]
    # Indices on both sides of the colours bring these to the end.
    return pad(x, [margin] * 4)[example, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1).contiguous()
