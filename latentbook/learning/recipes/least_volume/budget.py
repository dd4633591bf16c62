"""Training with a budget: how many dimensions an error may cost, decided while it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.recipes.least_volume.training import CHUNK, Run, encode, train
from latentbook.learning.running import Callback, Moment

__all__ = ["Frozen", "freeze", "root_mean_square"]


@dataclass(frozen=True)
class Frozen:
    """An autoencoder that froze dimensions as it was trained, and how it went.

    Attributes:
        run: The model and what it is worth.
        steps: When it was looked at, ``(T,)``.
        active: Dimensions that were not frozen by then, ``(T,)``.
        error: What was compared with the budget, the running root mean squared L2 error of an example, ``(T,)``.
    """

    run: Run
    steps: Tensor
    active: Tensor
    error: Tensor


class _Watch(Callback):
    """Notes what is active and what is spent."""

    def __init__(self, every: int) -> None:
        self.every, self.rows = every, []

    def __call__(self, moment: Moment) -> None:
        pruning: Any = moment.model.pruning
        # They stay on the device: looking does not make the training wait.
        self.rows.append(torch.stack([pruning.active.sum(), pruning.squared_error.sqrt()]))


def freeze(chosen: Settings, *, data: tuple[Dataset, Dataset] | None = None) -> Frozen:
    """Train one autoencoder within a budget, and note when its dimensions were frozen.

    Args:
        chosen: Checked parameters with a `budget`, from `settings`.
        data: Training and test data, if others than the settings'.

    Returns:
        The run, with at most 200 looks at it.

    Raises:
        ValueError: If the settings have no budget.

    Example:
        >>> frozen = freeze(settings(scale="smoke", device="cpu", budget=2.0, eta=0.0))
        >>> bool(frozen.active[-1] < frozen.active[0])
        True

    Chapter 1.
    """
    if chosen.budget is None:
        raise ValueError("`chosen` has no budget: pass `budget`, a root mean squared error above 0, to `settings`")
    watch = _Watch(math.ceil(chosen.steps / 200))
    run = train(chosen, data=data, callbacks=[watch])
    active, error = torch.stack(watch.rows).cpu().T
    steps = torch.arange(1, len(active) + 1).mul(watch.every).clamp_max(chosen.steps)
    return Frozen(run, steps, active.long(), error)


@torch.no_grad()
def root_mean_square(run: Run, data: Dataset) -> float:
    """Return the root mean squared L2 error of an example, the measure of a budget.

    Args:
        run: Whose model reconstructs, from all its dimensions.
        data: On the model's device.

    Returns:
        The error, in data units.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=1, batch_size=2)
        >>> data = Dataset(torch.rand(20, 1, 8, 8))
        >>> root_mean_square(train(chosen, data=(data, data)), data) > 0
        True

    Chapter 1.
    """
    squared = []
    for codes, x in zip(encode(run.model, data).split(CHUNK), data[:].split(CHUNK), strict=True):
        squared.append((run.model.decode(codes) - x).flatten(1).square().sum(1))
    return torch.cat(squared).mean().sqrt().item()
