"""Families: K models trained as one against the same models one after the other, with the same fused Adam."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence

import torch
from timing import Row, compare
from torch import nn
from torch.nn.functional import mse_loss

from latentbook.core import resolve_device
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss
from latentbook.learning.recipes import least_volume
from latentbook.learning.train import Loss, fit

ADAM = functools.partial(torch.optim.Adam, lr=1e-3, fused=True)
STEPS = 100


def measure() -> list[Row]:
    """Return rows for 100 steps; on a GPU also 32 members against one."""
    rows = [_lipschitz(), *(_small(batch) for batch in (32, 64, 256))]
    return [*rows, _against_one()] if torch.cuda.is_available() else rows


def _lipschitz() -> Row:
    """Chapter 1's autoencoders, one for each of 8 weights."""
    chosen = least_volume.settings()
    data, _ = least_volume.load_data(chosen)
    lams = torch.tensor(chosen.lambdas, device=chosen.device)
    models = [least_volume.build(chosen, data.event_shape).to(chosen.device) for _ in lams]

    def terms(model: nn.Module, x: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
        return model.terms(x)  # pyright: ignore[reportCallIssue]

    name = f"{STEPS} steps of {len(models)} Lipschitz autoencoders, batch 256"
    weights = [{"reconstruction": 1.0, "penalty": lam} for lam in chosen.lambdas]
    return _compare(name, models, terms, data, 256, {"reconstruction": 1.0, "penalty": lams}, weights)


def _small(batch: int) -> Row:
    """Sixteen perceptrons 32-64-32."""
    data, models = Dataset(torch.rand(1400, 32)).to("auto"), [_perceptron() for _ in range(16)]
    shared = {"error": 1.0}
    return _compare(
        f"{STEPS} steps of 16 MLPs 32-64-32, batch {batch}", models, _error, data, batch, shared, [shared] * 16
    )


def _against_one() -> Row:
    """32 members in the time of how many? On a GPU a small model leaves most of it idle."""
    data, models = Dataset(torch.rand(1400, 32)).to("auto"), [_perceptron() for _ in range(32)]
    family, one = Family(models), models[0]
    together = _training(family, family_loss(_error), data, 256, {"error": 1.0})
    alone = _training(one, _error, data, 256, {"error": 1.0})
    return compare(f"{STEPS} steps of 32 MLPs 32-64-32, batch 256", together, alone, "one of them")


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32)).to(resolve_device())


def _error(model: nn.Module, x: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
    return {"error": mse_loss(model(x), x)}


def _compare(
    name: str, models: Sequence[nn.Module], loss: Loss, data: Dataset, batch: int, stacked: dict, single: list[dict]
) -> Row:
    """Time one family against its members; models are made beforehand, and go on training."""
    together = _training(Family(models), family_loss(loss), data, batch, stacked)
    each = [_training(copy.deepcopy(model), loss, data, batch, own) for model, own in zip(models, single, strict=True)]
    return compare(name, together, lambda: [train() for train in each], "one by one", repeats=5)


def _training(model: nn.Module, loss: Loss, data: Dataset, batch: int, weights: dict) -> Callable[[], object]:
    def train() -> None:
        fit(model, data, loss, weights=weights, steps=STEPS, batch_size=batch, seed=0, optimizer=ADAM)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return train
