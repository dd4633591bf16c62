"""The experiment's data: some digits, parted in the order of the file as the original does."""

from __future__ import annotations

import torch
from torch import Tensor

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.isometry.settings import Settings, settings  # noqa: F401  (doctests)

__all__ = ["load_data"]

# Sevenths of the examples, in order: five to train, one to measure, and one that nothing looks at.
SEVENTHS, LAST = (5, 6), 7
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

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [645, 258]

    Chapter 2.
    """
    data = load(chosen.dataset, "all", device=str(chosen.device))
    training = _of(data, chosen.digits)
    training = training[: _share(len(training), SEVENTHS[0])]
    rest = _of(data, chosen.validation_digits)
    end = len(rest) if chosen.dataset == SMALL else _share(len(rest), SEVENTHS[0]) + _share(len(rest), 1)
    rest = rest[_share(len(rest), SEVENTHS[0]) : end]
    rest = rest[~torch.isin(rest, training)]
    return data.subset(training), data.subset(rest)


def _of(data: Dataset, digits: str) -> Tensor:
    """Return the indices of some classes, in the order of the file."""
    assert data.y is not None
    wanted = torch.tensor([int(digit) for digit in digits], device=data.device)
    return torch.isin(data.y, wanted).nonzero().squeeze(-1)


def _share(count: int, sevenths: int) -> int:
    return count * sevenths // LAST
