"""What TensorBoard shows of an autoencoder, or of a family of them, beside its terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.learning.callbacks import TensorBoard
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family
from latentbook.learning.running import Callback

__all__ = ["autoencoder_board"]

# Enough examples for a width, and as many images as fit a row.
MEASURED, SHOWN = 1000, 8


def autoencoder_board(log_dir: str | Path | None, training: Dataset, test: Dataset) -> list[Callback]:
    """Return a callback that writes terms, latent widths and, for images, reconstructions.

    Args:
        log_dir: Folder of the event files; None for no callback.
        training: Where the widths are measured, on at most 1,000 examples.
        test: Its first 8 examples are shown above their reconstructions.

    Returns:
        One callback, or none.

    Raises:
        ImportError: If TensorBoard is not installed; names the extra.

    All chapters.
    """
    if log_dir is None:
        return []
    measured, shown = training[:MEASURED], test[:SHOWN]

    def widths(model: Any) -> Tensor:
        return _of_each(model, lambda member, x: member.encode(x).std(0), measured)

    def images(model: Any) -> dict[str, Tensor]:
        decoded = _of_each(model, lambda member, x: member.decode(member.encode(x)), shown)
        if not isinstance(model, Family):
            return {"reconstructions": _in_two_rows(shown, decoded)}
        return {f"reconstructions/{member}": _in_two_rows(shown, own) for member, own in enumerate(decoded)}

    return [TensorBoard(log_dir, widths=widths, images=images if test.image_shape else None)]


def _of_each(model: Any, function: Callable[[Any, Tensor], Tensor], x: Tensor) -> Tensor:
    return model.call(function, x) if isinstance(model, Family) else function(model, x)


def _in_two_rows(x: Tensor, decoded: Tensor) -> Tensor:
    """Return one image ``(C, 2 H, n W)``: examples above their reconstructions."""
    rows = [torch.cat(list(images), dim=-1) for images in (x, decoded.clamp(0, 1))]
    return torch.cat(rows, dim=-2)
