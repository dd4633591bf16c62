"""The experiment's data: some digits, parted in the order of the file as the original does."""

from __future__ import annotations

import torch
from torch import Tensor

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.isometry.settings import Settings, settings  # noqa: F401  (doctests)

__all__ = ["load_data"]

# Of seven parts of the examples, in order, five are to train, one is to measure, and at one nothing looks.
TRAINED, MEASURED, PARTS = 5, 1, 7
# Of the small set nothing is left unused.
SMALL = "digits"


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the training and the validation data.

    Training and test part of the published set are joined and reduced to the digits; the first five sevenths are
    trained on, the next one is for validation. Of `digits`, which is small, the last two are.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Both, on the settings' device. No example is in both, also where the validation has other digits.

    Raises:
        ValueError: If the data have no example of a digit.
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [645, 258]

    Chapter 2.
    """
    data = load(chosen.dataset, "all", device=str(chosen.device))
    training = _of(data, "digits", chosen.digits)
    training = training[: _share(len(training), TRAINED)]
    rest = _of(data, "validation_digits", chosen.validation_digits)
    start = _share(len(rest), TRAINED)
    rest = rest[start:] if chosen.dataset == SMALL else rest[start : start + _share(len(rest), MEASURED)]
    rest = rest[~torch.isin(rest, training)]
    return data.subset(training), data.subset(rest)


def _of(data: Dataset, name: str, digits: str) -> Tensor:
    """Return the indices of some digits, all of which are there, in the order of the file."""
    there = [str(label) for label in data.labels.unique().tolist()]
    if absent := [digit for digit in digits if digit not in there]:
        known = "".join(there)
        raise ValueError(f"`{name}` is {digits!r}, but {data.name!r} has no {absent[0]}: choose from {known!r}")
    return data.indices_of(map(int, digits))


def _share(count: int, sevenths: int) -> int:
    return count * sevenths // PARTS
