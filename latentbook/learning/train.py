"""Training: named terms, weights that may change with the step, batches that never leave the device."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentbook.learning.data import Dataset
from latentbook.learning.progress import Progress

__all__ = ["History", "Loss", "Weight", "fit"]

# The model is of the caller's own class.
Loss = Callable[[Any, Tensor, int], dict[str, Tensor]]
Weight = float | Tensor | Callable[[int], float | Tensor]
OptimizerFactory = Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]

READ_EVERY = 50


@dataclass
class History:
    """What a training run saw.

    Attributes:
        terms: Every unweighted term at every step, on the CPU.
        seconds: Wall-clock time.
    """

    terms: dict[str, Float[Tensor, " steps"]]
    seconds: float


def fit(
    model: nn.Module,
    data: Dataset,
    loss: Loss,
    *,
    weights: Mapping[str, Weight],
    steps: int,
    batch_size: int,
    seed: int,
    optimizer: OptimizerFactory = torch.optim.Adam,
    progress: Progress | None = None,
) -> History:
    r"""Train a model by gradient descent on :math:`\sum_k w_k \cdot \mathrm{term}_k`.

    Batches are drawn uniformly with replacement, on the data's device. Terms stay on the device and are read every 50
    steps, so that a step never waits for the host.

    Args:
        model: Trained in place, on the device of `data`.
        data: What batches are drawn from.
        loss: ``loss(model, batch, step)`` to named, unweighted scalar terms.
        weights: One for each term: a number, or a function of the step.
        steps: Number of updates, at least 1.
        batch_size: Examples in a batch, at least 1.
        seed: Of the batches; initial weights are the caller's.
        optimizer: Makes an optimiser from the parameters; by default Adam at its own rate of 1e-3.
        progress: A line to advance; by default one of its own.

    Returns:
        All terms at all steps, and the time it took.

    Raises:
        ValueError: If a term has no weight, a weight has no term, or a number is out of range.
        FloatingPointError: If a term is not finite; names the term and the step. The model is then beyond repair.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> data, model = Dataset(torch.rand(64, 3)), nn.Linear(3, 3)
        >>> history = fit(model, data, lambda f, x, step: {"error": mse_loss(f(x), x)}, weights={"error": 1.0},
        ...               steps=200, batch_size=16, seed=0)
        >>> bool(history.terms["error"][-1] < history.terms["error"][0])
        True

    All chapters.
    """
    _require_positive(steps=steps, batch_size=batch_size)
    generator = torch.Generator(data.device).manual_seed(seed)
    descent, reader, start = optimizer(model.parameters()), _Reader(), time.monotonic()
    model.train()
    with Progress(steps) if progress is None else contextlib.nullcontext(progress) as line:
        for step in range(steps):
            terms = loss(model, data.batch(batch_size, generator), step)
            descent.zero_grad()
            _objective(terms, weights, step).backward()
            descent.step()
            reader.add(terms)
            if (step + 1) % READ_EVERY == 0 or step + 1 == steps:
                line.advance(reader.read(step + 1))
    model.eval()
    return History(reader.history(), time.monotonic() - start)


def _objective(terms: Mapping[str, Tensor], weights: Mapping[str, Weight], step: int) -> Tensor:
    if terms.keys() != weights.keys():
        raise ValueError(
            f"`weights` names {sorted(weights)}, but the loss returns {sorted(terms)}: give each term one weight"
        )
    weighted = [_at(weights[name], step) * term for name, term in terms.items()]
    return torch.stack(weighted).sum()


def _at(weight: Weight, step: int) -> float | Tensor:
    return weight(step) if callable(weight) else weight


class _Reader:
    """Keeps terms on the device until they are read, many steps at once."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.waiting: list[Tensor] = []
        self.chunks: list[Tensor] = []

    def add(self, terms: Mapping[str, Tensor]) -> None:
        self.names = list(terms)
        self.waiting.append(torch.stack([term.detach() for term in terms.values()]))

    def read(self, step: int) -> int:
        """Bring the waiting steps to the host, refuse what is not finite, and say how many there were."""
        chunk, count = torch.stack(self.waiting).cpu(), len(self.waiting)
        self.waiting = []
        broken = (~chunk.isfinite()).nonzero()
        if len(broken):
            row, column = broken[0].tolist()
            name, value, at = self.names[column], chunk[row, column].item(), step - count + row
            raise FloatingPointError(
                f"the term {name!r} is {value} at step {at}: lower the learning rate, or look at the data"
            )
        self.chunks.append(chunk)
        return count

    def history(self) -> dict[str, Tensor]:
        return dict(zip(self.names, torch.cat(self.chunks).unbind(1), strict=True))


def _require_positive(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"`{name}` is {value}, but must be at least 1")
