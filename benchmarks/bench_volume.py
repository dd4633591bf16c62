"""Least Volume: what the penalty and the bounded decoder add to a training step."""

from __future__ import annotations

import torch
from timing import Row, compare

from latentbook.learning.recipes import least_volume
from latentbook.volume import volume_penalty


def measure() -> list[Row]:
    """Return two rows: the penalty against a plain mean, the bounded decoder against the unbounded one."""
    z = torch.randn(256, 32, requires_grad=True)

    def penalty() -> None:
        volume_penalty(z).backward()

    def plain() -> None:
        z.mean().backward()

    chosen = least_volume.settings(device="cpu")
    bounded, unbounded = (least_volume.build(chosen, (1, 8, 8), lipschitz=choice).decoder for choice in (True, False))

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
    ]
