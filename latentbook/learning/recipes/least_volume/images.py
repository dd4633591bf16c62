"""The experiment's data: as they come, or at the original's 32 x 32."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.least_volume.networks import IMAGE_SIZE
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)

__all__ = ["load_data", "one_of_each"]

# As many synthetic images as the original draws, where its networks are trained.
ORIGINAL_COUNTS = {"train": 30_000, "test": 6_000}
# Images at a time: resizing needs floats.
CHUNK = 4096


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the training and the test data.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Both, on the settings' device.

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [1400, 397]

    Chapter 1.
    """
    return _part(chosen, "train"), _part(chosen, "test")


def one_of_each(data: Dataset, count: int = 10) -> list[int]:
    """Return indices of images to look at: the first of every class, then the second, until there are enough.

    Args:
        data: Labelled images, at least `count` of them.
        count: How many are shown.

    Returns:
        Their indices.

    Example:
        >>> labels = torch.tensor([0, 1, 1, 0, 2])
        >>> one_of_each(Dataset(torch.rand(5, 1, 8, 8), labels), 4)
        [0, 1, 4, 3]

    Chapter 1.
    """
    labels = [0] * len(data) if data.y is None else data.y.tolist()
    seen = Counter()
    order = []
    for index, label in enumerate(labels):
        order.append((seen[label], label, index))
        seen[label] += 1
    return [index for _, _, index in sorted(order)[:count]]


def _part(chosen: Settings, split: str) -> Dataset:
    options = {"count": ORIGINAL_COUNTS[split]} if chosen.is_original and chosen.dataset == "sprites" else {}
    data = load(chosen.dataset, split, device=str(chosen.device), **options)
    needs_resizing = chosen.is_original and data.event_shape[1:] != (IMAGE_SIZE, IMAGE_SIZE)
    return _resized(data) if needs_resizing else data


def _resized(data: Dataset) -> Dataset:
    x = torch.cat([_to_size(images) for images in data.x.split(CHUNK)])
    return data.replaced(f"Resized to {IMAGE_SIZE} x {IMAGE_SIZE}.", x=x)


def _to_size(images: Tensor) -> Tensor:
    size = (IMAGE_SIZE, IMAGE_SIZE)
    return (
        interpolate(images.float(), size, mode="bilinear", antialias=True, align_corners=False).round().to(images.dtype)
    )
