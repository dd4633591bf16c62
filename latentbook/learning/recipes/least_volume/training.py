"""Training and measuring: one autoencoder, or one for each weight of the penalty, trained as a family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.core import seeded
from latentbook.learning import runs
from latentbook.learning.board import autoencoder_board
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.parameters import check_number
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume.images import load_data
from latentbook.learning.recipes.least_volume.networks import build
from latentbook.learning.recipes.least_volume.settings import ETA, ETA_ORIGINAL, SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.running import Callback
from latentbook.learning.train import History, Loss, fit
from latentbook.volume import latent_set_dimension, latent_std, pruning_curve

__all__ = ["Run", "encode", "family", "measure", "train"]

# Finished runs are of the recipe, wherever in it they were trained.
RECIPE = "latentbook.learning.recipes.least_volume"
# Examples that are encoded at once: memory stays bounded, whatever the network.
CHUNK = 4096


@dataclasses.dataclass(frozen=True)
class Run:
    """One trained autoencoder and what it is worth on held-out data.

    Attributes:
        lam: Weight of its volume penalty.
        model: The model, in eval mode.
        history: Its terms over the training.
        std: Widths of its latent dimensions on the training data, in their own order.
        curve: Test errors after pruning the 0 to m narrowest dimensions to their training means.
        dimensions: How many dimensions it needs, by the 1 % rule; 0 if it collapsed.
    """

    lam: float
    model: Autoencoder
    history: History
    std: Tensor
    curve: Tensor
    dimensions: int

    @property
    def error(self) -> float:
        """Mean L2 distance between a test example and its reconstruction from the dimensions that are needed."""
        return float(self.curve[len(self.std) - self.dimensions])


def train(
    chosen: Settings,
    lam: float | None = None,
    *,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    log_dir: str | Path | None = None,
    checkpoint: Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train one autoencoder, and measure it on the test data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the penalty, if another than the settings'.
        data: Training and test data, if others than the settings'.
        trained: Label, id or file of a finished run, to be measured instead of training one.
        label: Keeps the result as a finished run, for `latentbook.learning.runs`.
        log_dir: Folder for TensorBoard's event files.
        checkpoint: A file to go on from, and to write as the run goes.
        callbacks: Look at the training as it goes; one that returns True stops it, and what there is then is measured.
        progress: Counts the steps; None for a line of its own.

    Returns:
        The model and its measurements.

    Raises:
        ValueError: If the weight is below 0, or no finished run of that name answers the question; lists what there is.

    Example:
        >>> run = train(settings(scale="smoke", device="cpu"))
        >>> run.std.shape, run.curve.shape
        (torch.Size([32]), torch.Size([33]))

    Chapter 1.
    """
    training, test = data or load_data(chosen)
    chosen = chosen if lam is None else dataclasses.replace(chosen, lam=check_number("lam", lam, 0.0))
    _require_grey_levels(chosen, training)
    model = _start(chosen, training)
    if trained is not None:
        return measure(*_finished(trained, chosen, training, model), chosen.lam, training, test)
    looking = [*autoencoder_board(log_dir, training, test), *callbacks]
    line = Progress(chosen.steps, _name(chosen)) if progress is None else nullcontext(progress)
    history = _descend(model, _terms, chosen.lam, chosen, training, line, looking, checkpoint)
    if label is not None:
        runs.publish(RECIPE, _spec(chosen, training), training, model, history, label=label)
    return measure(model, history, chosen.lam, training, test)


def family(
    chosen: Settings,
    lambdas: Iterable[float] | None = None,
    *,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    log_dir: str | Path | None = None,
    checkpoint: Path | None = None,
) -> list[Run]:
    """Train one autoencoder for each weight, all as one, from the same initial weights and on the same batches.

    Args:
        chosen: Checked parameters, from `settings`.
        lambdas: Weights of the volume penalty; by default the settings' grid.
        data: Training and test data, if others than the settings'.
        trained: Label of finished runs, one for each weight, to be measured instead of training.
        label: Keeps the results as finished runs, for `latentbook.learning.runs`.
        log_dir: Folder for TensorBoard's event files.
        checkpoint: A file to go on from, and to write as the run goes.

    Returns:
        The runs, in the order of the weights.

    Raises:
        ValueError: If a weight is below 0, or no finished run of that name answers one of the questions; lists what
            there is.

    Example:
        >>> [run.lam for run in family(settings(scale="smoke", device="cpu"), [0.01, 0.1])]
        [0.01, 0.1]

    Chapter 1.
    """
    weights = [check_number("lambdas", lam, 0.0) for lam in (chosen.lambdas if lambdas is None else lambdas)]
    training, test = data = data or load_data(chosen)
    _require_grey_levels(chosen, training)
    if trained is not None:
        return [train(chosen, lam, data=data, trained=trained) for lam in weights]
    # Torch's own power iteration cannot be batched.
    batched = False if chosen.lipschitz and chosen.norm == "power" else None
    together = Family([_start(chosen, training)] * len(weights), batched).to(chosen.device)
    lams = torch.tensor(weights, device=chosen.device)
    callbacks = autoencoder_board(log_dir, training, test)
    line = Progress(chosen.steps, _name(dataclasses.replace(chosen, lam=weights[0]), len(weights)))
    history = _descend(together, family_loss(_terms), lams, chosen, training, line, callbacks, checkpoint)
    found = []
    for model, own, lam in zip(together.members(), member_histories(history), weights, strict=True):
        if label is not None:
            spec = _spec(dataclasses.replace(chosen, lam=lam), training)
            runs.publish(RECIPE, spec, training, model, own, label=label)
        found.append(measure(model, own, lam, training, test))
    return found


@torch.no_grad()
def encode(model: Autoencoder, data: Dataset) -> Tensor:
    """Encode all examples, a chunk at a time and without a graph.

    Args:
        model: On the data's device.
        data: Any number of examples.

    Returns:
        Their codes, ``(N, m)``.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu")
        >>> encode(build(chosen, (1, 8, 8)), Dataset(torch.rand(5, 1, 8, 8))).shape
        torch.Size([5, 32])

    Chapter 1.
    """
    parts = [model.encode(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]
    return torch.cat(parts)


@torch.no_grad()
def measure(model: Autoencoder, history: History, lam: float, training: Dataset, test: Dataset) -> Run:
    """Measure widths on the training data and pruning on the test data.

    Args:
        model: In eval mode, on the data's device.
        history: Its terms so far.
        lam: Weight of the penalty that it is trained with.
        training: Data that widths and means come from.
        test: Data that is reconstructed.

    Returns:
        The model and its measurements.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu")
        >>> training, test = load_data(chosen)
        >>> untrained = build(chosen, training.event_shape).eval()
        >>> measure(untrained, History({}, 0.0), chosen.lam, training, test).std.shape
        torch.Size([32])

    Chapter 1.
    """
    codes = encode(model, training)
    std = latent_std(codes)
    curve = pruning_curve(model.decode, test[:], encode(model, test), mean=codes.mean(0), std=std)
    return Run(lam, model, history, std.cpu(), curve.cpu(), latent_set_dimension(curve))


def _require_grey_levels(chosen: Settings, data: Dataset) -> None:
    # Pixels come as levels in [0, 1] by themselves.
    if chosen.reconstruction != "bce" or not data.x.is_floating_point():
        return
    low, high = data.x.min(), data.x.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"`data` has values from {low:.3g} to {high:.3g}, but a cross-entropy needs grey levels in [0, 1]: "
            "scale them, or pass reconstruction='mse'"
        )


def _terms(model: Autoencoder, x: Tensor, step: int) -> dict[str, Tensor]:
    return model.terms(x)


def _start(chosen: Settings, training: Dataset) -> Autoencoder:
    """Return the model with the initial weights of the settings' seed."""
    with seeded(chosen.seed):
        return build(chosen, training.event_shape).to(chosen.device)


def _descend(
    model: Autoencoder | Family,
    loss: Loss,
    lam: float | Tensor,
    chosen: Settings,
    training: Dataset,
    line: AbstractContextManager[Progress],
    callbacks: Sequence[Callback],
    checkpoint: Path | None,
) -> History:
    """Train a model, or a family of them, at the settings' scale."""
    scale = SCALES[chosen.scale]
    spec = _spec(chosen, training) | {"lam": lam.tolist() if isinstance(lam, Tensor) else lam}
    with line as progress:
        return fit(
            model,
            training,
            loss,
            weights={"reconstruction": 1.0, "penalty": lam},
            steps=chosen.steps,
            batch_size=chosen.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, betas=scale.betas, fused=True),
            callbacks=callbacks,
            checkpoint=checkpoint,
            spec=spec,
            progress=progress,
        )


def _name(chosen: Settings, members: int = 1) -> str:
    """Return what a training is called on its line of progress: its weight, or how many, and what is unusual."""
    unusual = {
        chosen.penalty: chosen.penalty != "volume",
        "no Lipschitz bound": not chosen.lipschitz,
        "a lagging bound": chosen.norm == "power",
        f"η = {chosen.eta:g}": chosen.eta != (ETA_ORIGINAL if chosen.is_original else ETA),
        f"budget {chosen.budget or 0:.3g}": chosen.budget is not None,
    }
    which = f"λ = {chosen.lam:g}" if members == 1 else f"{members} autoencoders as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "convolutional": chosen.is_original}
    del spec["device"]
    return spec


def _finished(
    trained: str | Path, chosen: Settings, training: Dataset, model: Autoencoder
) -> tuple[Autoencoder, History]:
    """Return the model with the weights of a finished run."""
    found = runs.find(trained, RECIPE, _spec(chosen, training))
    model.load_state_dict(found.state)
    return model.eval(), found.history
