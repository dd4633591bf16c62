"""Training: named terms, weights that may change with the step, and runs that survive being killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentbook.core import one_thread, seeded
from latentbook.learning.data import Dataset
from latentbook.learning.progress import Progress
from latentbook.learning.running import Callback, Run, Update

__all__ = ["History", "Loss", "Weight", "fit"]

# The model is of the caller's own class.
Loss = Callable[[Any, Any, int], dict[str, Tensor]]
Weight = float | Tensor | Callable[[int], float | Tensor]
OptimizerFactory = Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]

READ_EVERY = 50
# On the CPU, smaller models than this train with one thread of torch.
LARGE = 1_000_000


@dataclass
class History:
    """What a training run saw.

    Attributes:
        terms: Every unweighted term at every step, on the CPU; for a family of K, one column a member.
        seconds: Wall-clock time, of all its parts if it was interrupted.
    """

    terms: dict[str, Float[Tensor, "steps *members"]]
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
    schedule: Callable[[int], float] | None = None,
    update: Callable[[nn.Module], Update] | None = None,
    draw: Callable[[Dataset, int, torch.Generator], Any] = Dataset.batch,
    checkpoint: Path | None = None,
    spec: Mapping[str, Any] | None = None,
    every: float = 30.0,
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> History:
    r"""Train a model by gradient descent on :math:`\sum_k w_k \cdot \mathrm{term}_k`.

    Batches are drawn uniformly with replacement, on the data's device. Terms stay on the device and are read every 50
    steps, so that a step never waits for the host. On the CPU a model of less than a million parameters trains with one
    thread of torch: several only get into each other's way. Whatever the model draws by itself comes from a generator
    seeded for the run; the caller's is as before afterwards.

    A run with a checkpoint that is killed, at any moment, goes on from its last one when it is started again, and ends
    with the weights and terms that it would have had, bit for bit on the same machine.

    Args:
        model: Trained in place, on the device of `data`; in eval mode afterwards.
        data: What batches are drawn from.
        loss: ``loss(model, batch, step)`` to named, unweighted terms: scalars, or ``[K]`` for a family.
        weights: One for each term: a number, a tensor, or a function of the step. Ignored with `update`.
        steps: Number of updates, at least 1.
        batch_size: Examples in a batch, from 1 to the size of the data.
        seed: Of the batches and of what the model draws; initial weights are the caller's.
        optimizer: Makes an optimiser from the parameters; by default Adam at its own rate of 1e-3.
        schedule: ``schedule(step)``, a factor on the optimiser's learning rate; by default 1. Ignored with `update`.
        update: Makes, from the model, a step that replaces the default descent.
        draw: ``draw(data, batch_size, generator)`` to a batch, if it is more than examples: noise, say.
        checkpoint: A file; read if it is there, written as the run goes.
        spec: What else decides the run, by name, such as the weights: what JSON can hold. A checkpoint of another is
            refused.
        every: Seconds between two checkpoints.
        callbacks: Called in order.
        progress: A line to advance; by default one of its own.

    Returns:
        All terms at all steps, and the time it took.

    Raises:
        TypeError: If the loss returns no dict of tensors.
        ValueError: If a term has no weight, a weight has no term, a term is no scalar, a number is out of range, or the
            checkpoint is of another run.
        ChecksumError: If the checkpoint is cut short or altered.
        FloatingPointError: If a term is not finite; names the term and the step. The last checkpoint is kept.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> data, model = Dataset(torch.rand(64, 3)), nn.Linear(3, 3)
        >>> history = fit(model, data, lambda f, x, step: {"error": mse_loss(f(x), x)}, weights={"error": 1.0},
        ...               steps=200, batch_size=16, seed=0)
        >>> bool(history.terms["error"][-1] < history.terms["error"][0])
        True

    All chapters.
    """
    _require_range("steps", steps, 1)
    _require_range("batch_size", batch_size, 1, len(data))
    descent = update(model) if update else _Descent(loss, weights, optimizer(model.parameters()), schedule)
    whole = {**(spec or {}), "steps": steps, "batch_size": batch_size, "seed": seed, "data": [data.name, *data.x.shape]}
    with seeded(seed), _threads(model, data):
        run = Run(model, descent, torch.Generator(data.device).manual_seed(seed), callbacks, whole, checkpoint)
        run.resume()
        model.train()
        with Progress(steps) if progress is None else nullcontext(progress) as line:
            line.advance(run.step)
            while run.step < steps and not run.stopped:
                terms = descent(model, draw(data, batch_size, run.generator), run.step)
                run.note(terms)
                if run.step % READ_EVERY == 0 or run.step == steps:
                    line.advance(run.read())
                run.call_back(last=run.step == steps)
                if checkpoint and run.unsaved_seconds() >= every:
                    line.advance(run.read())
                    run.save()
        line.advance(run.read())
        run.finish()
    model.eval()
    return History(run.history(), run.seconds())


def _threads(model: nn.Module, data: Dataset) -> AbstractContextManager[None]:
    """Return a context with as many threads as a model of this size can use."""
    small = sum(parameter.numel() for parameter in model.parameters()) < LARGE
    return one_thread() if small and data.device.type == "cpu" else nullcontext()


class _Descent(Update):
    """The default update: one optimiser on the weighted sum."""

    def __init__(
        self,
        loss: Loss,
        weights: Mapping[str, Weight],
        optimizer: torch.optim.Optimizer,
        schedule: Callable[[int], float] | None,
    ) -> None:
        self.loss, self.weights, self.optimizers, self.schedule = loss, weights, [optimizer], schedule
        self.rates = [group["lr"] for group in optimizer.param_groups]

    def __call__(self, model: Any, batch: Any, step: int) -> dict[str, Tensor]:
        terms = self.loss(model, batch, step)
        _require_terms(terms)
        if terms.keys() != self.weights.keys():
            named = f"`weights` names {sorted(self.weights)}, but the loss returns {sorted(terms)}"
            raise ValueError(f"{named}: give each term one weight")
        self.optimizers[0].zero_grad()
        first, *others = [_at(self.weights[name], step) * term for name, term in terms.items()]
        # Members of a family have parameters of their own, so that the sum over them trains each alone.
        sum(others, start=first).sum().backward()
        self._set_rates(step)
        self.optimizers[0].step()
        return terms

    def _set_rates(self, step: int) -> None:
        if self.schedule:
            for group, rate in zip(self.optimizers[0].param_groups, self.rates, strict=True):
                group["lr"] = self.schedule(step) * rate


def _at(weight: Weight, step: int) -> float | Tensor:
    return weight(step) if callable(weight) else weight


def _require_terms(terms: object) -> None:
    if not isinstance(terms, dict) or not terms or not all(isinstance(term, Tensor) for term in terms.values()):
        raise TypeError(f"`loss` returned {type(terms).__name__}: return a dict of named tensors, one for each term")
    shapes = {name: tuple(term.shape) for name, term in terms.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) > 1 for shape in shapes.values()):
        raise ValueError(f"`loss` returned terms of the shapes {shapes}: each is a scalar, or one number a member")


def _require_range(name: str, value: int, low: int, high: int | None = None) -> None:
    if value < low:
        raise ValueError(f"`{name}` is {value}, but must be at least {low}")
    if high is not None and value > high:
        raise ValueError(f"`{name}` is {value}, but the data have {high} examples: pass at most {high}")
