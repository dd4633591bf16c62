"""Callbacks of `fit`: validation, stopping early, keeping the best model, TensorBoard."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.learning.running import Callback, Moment

__all__ = ["BestModel", "EarlyStopping", "TensorBoard", "Validation"]


class Validation(Callback):
    """Measure a model on held-out data as it trains.

    Args:
        measure: ``measure(model)`` to one number, smaller is better; called in eval mode, without gradients.
        every: In steps.
        since: The first step at which it is measured, as where a weight has grown until then.

    Attributes:
        steps: When it was measured.
        values: What was measured.

    All chapters.
    """

    def __init__(self, measure: Callable[[Any], Tensor | float], every: int = 200, since: int = 0) -> None:
        self.measure, self.every, self.since = measure, every, since
        self.steps: list[int] = []
        self.values: list[float] = []

    def __call__(self, moment: Moment) -> None:
        """Measure."""
        if moment.step < self.since:
            return
        was_training = moment.model.training
        moment.model.eval()
        with torch.no_grad():
            self.values.append(float(self.measure(moment.model)))
        moment.model.train(was_training)
        self.steps.append(moment.step)

    @property
    def best(self) -> int:
        """Index of the smallest value, the first if there are several."""
        return min(range(len(self.values)), key=self.values.__getitem__)

    def state(self) -> dict[str, Any]:
        """Return what was measured."""
        return {"steps": self.steps, "values": self.values}

    def restore(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.steps, self.values = list(state["steps"]), list(state["values"])


class EarlyStopping(Callback):
    """Stop when a validation has not improved for a while.

    Args:
        validation: A callback that stands before this one.
        look_ahead: Measurements without improvement after which the training stops, at least 1.

    Raises:
        ValueError: If `look_ahead` is below 1.

    All chapters.
    """

    def __init__(self, validation: Validation, look_ahead: int) -> None:
        if look_ahead < 1:
            raise ValueError(f"`look_ahead` is {look_ahead}, but must be at least 1 measurement")
        self.validation, self.look_ahead, self.every = validation, look_ahead, validation.every

    def __call__(self, moment: Moment) -> bool:
        """Say whether the best measurement lies too far back."""
        values = self.validation.values
        return bool(values) and len(values) - 1 - self.validation.best >= self.look_ahead


class BestModel(Callback):
    """Keep the weights of the best validation, and put them into the model at the end.

    Args:
        validation: A callback that stands before this one.

    All chapters.
    """

    def __init__(self, validation: Validation) -> None:
        self.validation, self.every = validation, validation.every
        self.weights: dict[str, Tensor] = {}

    def __call__(self, moment: Moment) -> None:
        """Keep a copy if the last measurement is the best."""
        values = self.validation.values
        if values and self.validation.best == len(values) - 1:
            self.weights = copy.deepcopy(moment.model.state_dict())

    def finish(self, model: nn.Module) -> None:
        """Give the model the best weights."""
        if self.weights:
            model.load_state_dict(self.weights)

    def state(self) -> dict[str, Any]:
        """Return the best weights."""
        return dict(self.weights)

    def restore(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.weights = dict(state)


class TensorBoard(Callback):
    """Write a run's terms, latent widths and images for TensorBoard (needs the extra `more`).

    Args:
        log_dir: The folder of the event files.
        widths: ``widths(model)`` to latent standard deviations, ``(m,)`` or for a family ``(K, m)``, shown as
            histograms.
        scores: ``scores(model)`` to named numbers, measured as often as the rest is written.
        images: ``images(model)`` to named images, ``(3, H, W)`` or ``(1, H, W)`` in [0, 1].
        every: In steps.

    Raises:
        ImportError: If TensorBoard is not installed; names the extra.

    All chapters.
    """

    def __init__(
        self,
        log_dir: str | Path,
        *,
        widths: Callable[[Any], Tensor] | None = None,
        scores: Callable[[Any], Mapping[str, Tensor | float]] | None = None,
        images: Callable[[Any], Mapping[str, Tensor]] | None = None,
        every: int = 200,
    ) -> None:
        self.log_dir, self.widths, self.scores, self.images = Path(log_dir), widths, scores, images
        self.every = every
        self.written = 0
        _require_tensorboard()

    def __call__(self, moment: Moment) -> None:
        """Write what is new."""
        from torch.utils.tensorboard import SummaryWriter

        was_training = moment.model.training
        moment.model.eval()
        with SummaryWriter(str(self.log_dir)) as writer, torch.no_grad():
            for name, values in moment.terms.items():
                _write_scalars(writer, name, values, self.written)
            if self.widths:
                _write_widths(writer, self.widths(moment.model), moment.step)
            for name, score in (self.scores(moment.model) if self.scores else {}).items():
                writer.add_scalar(name, float(score), moment.step)
            for name, image in (self.images(moment.model) if self.images else {}).items():
                writer.add_image(name, image, moment.step)
        moment.model.train(was_training)
        self.written = moment.step

    def state(self) -> dict[str, Any]:
        """Return how far the events go."""
        return {"written": self.written}

    def restore(self, state: dict[str, Any]) -> None:
        """Take it back. Events that were written after the checkpoint are written again, with the same values."""
        self.written = state["written"]


def _write_scalars(writer: Any, name: str, values: Tensor, start: int) -> None:
    """Write one term's steps since `start`; for a family, one curve a member."""
    for step in range(start, len(values)):
        columns: Sequence[Tensor] = values[step].flatten().unbind()
        for member, value in enumerate(columns):
            writer.add_scalar(name if len(columns) == 1 else f"{name}/{member}", value.item(), step)


def _write_widths(writer: Any, widths: Tensor, step: int) -> None:
    """Write one histogram, for a family one a member."""
    if widths.ndim == 1:
        writer.add_histogram("latent std", widths, step)
        return
    for member, own in enumerate(widths):
        writer.add_histogram(f"latent std/{member}", own, step)


def _require_tensorboard() -> None:
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise ImportError("`log_dir` needs TensorBoard: `pip install -e .[more]`") from error
