"""Training and measuring: one autoencoder, or one for each weight of the penalty, trained as a family."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.core import seeded
from latentbook.learning import runs
from latentbook.learning.board import autoencoder_board
from latentbook.learning.data import Dataset, load
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume.networks import build
from latentbook.learning.recipes.least_volume.settings import SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.running import Callback
from latentbook.learning.train import History, Loss, fit
from latentbook.volume import latent_set_dimension, latent_std, pruning_curve

__all__ = ["Run", "family", "load_data", "train"]

# Finished runs are of the recipe, wherever in it they were trained.
RECIPE = "latentbook.learning.recipes.least_volume"


@dataclass(frozen=True)
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
    device = str(chosen.device)
    return load(chosen.dataset, "train", device=device), load(chosen.dataset, "test", device=device)


def train(
    chosen: Settings,
    lam: float,
    *,
    lipschitz: bool = True,
    eta: float | None = None,
    data: tuple[Dataset, Dataset] | None = None,
    trained: str | Path | None = None,
    label: str | None = None,
    log_dir: str | Path | None = None,
    checkpoint: Path | None = None,
) -> Run:
    """Train one autoencoder, and measure it on the test data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the volume penalty.
        lipschitz: Whether the decoder's layers are spectrally normalised.
        eta: Lift of the penalty, if another than the settings'.
        data: Training and test data, if others than the settings'.
        trained: Label, id or file of a finished run, to be measured instead of training one.
        label: Keeps the result as a finished run, for `latentbook.learning.runs`.
        log_dir: Folder for TensorBoard's event files.
        checkpoint: A file to go on from, and to write as the run goes.

    Returns:
        The model and its measurements.

    Raises:
        ValueError: If no finished run of that name answers the question; lists what there is.

    Example:
        >>> run = train(settings(scale="smoke", device="cpu"), lam=0.03)
        >>> run.std.shape, run.curve.shape
        (torch.Size([32]), torch.Size([33]))

    Chapter 1.
    """
    training, test = data or load_data(chosen)
    spec = _spec(chosen, training, lam, lipschitz, eta)
    model = _start(chosen, training, lipschitz, eta)
    if trained is not None:
        return _measure(*_finished(trained, spec, model), lam, training, test)
    callbacks = autoencoder_board(log_dir, training, test)
    history = _descend(model, _terms, lam, chosen, training, _name(lam, lipschitz, eta), callbacks, checkpoint)
    if label is not None:
        runs.publish(RECIPE, spec, training, model, history, label=label)
    return _measure(model, history, lam, training, test)


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
        ValueError: If no finished run of that name answers one of the questions; lists what there is.

    Example:
        >>> [run.lam for run in family(settings(scale="smoke", device="cpu"), [0.01, 0.1])]
        [0.01, 0.1]

    Chapter 1.
    """
    weights = list(chosen.lambdas if lambdas is None else lambdas)
    training, test = data = data or load_data(chosen)
    if trained is not None:
        return [train(chosen, lam, data=data, trained=trained) for lam in weights]
    together = Family([_start(chosen, training)] * len(weights)).to(chosen.device)
    lams = torch.tensor(weights, device=chosen.device)
    callbacks = autoencoder_board(log_dir, training, test)
    name = f"{len(weights)} autoencoders as one"
    history = _descend(together, family_loss(_terms), lams, chosen, training, name, callbacks, checkpoint)
    found = []
    for model, own, lam in zip(together.members(), member_histories(history), weights, strict=True):
        if label is not None:
            runs.publish(RECIPE, _spec(chosen, training, lam), training, model, own, label=label)
        found.append(_measure(model, own, lam, training, test))
    return found


def _terms(model: Autoencoder, x: Tensor, step: int) -> dict[str, Tensor]:
    return model.terms(x)


def _start(chosen: Settings, training: Dataset, lipschitz: bool = True, eta: float | None = None) -> Autoencoder:
    """Return the model with the initial weights of the settings' seed."""
    with seeded(chosen.seed):
        return build(chosen, training.event_shape, lipschitz=lipschitz, eta=eta).to(chosen.device)


def _descend(
    model: Autoencoder | Family,
    loss: Loss,
    lam: float | Tensor,
    chosen: Settings,
    training: Dataset,
    name: str,
    callbacks: Sequence[Callback],
    checkpoint: Path | None,
) -> History:
    """Train a model, or a family of them, at the settings' scale."""
    scale = SCALES[chosen.scale]
    with Progress(scale.steps, name) as progress:
        return fit(
            model,
            training,
            loss,
            weights={"reconstruction": 1.0, "volume": lam},
            steps=scale.steps,
            batch_size=scale.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, betas=scale.betas, fused=True),
            callbacks=callbacks,
            checkpoint=checkpoint,
            progress=progress,
        )


def _spec(
    chosen: Settings, training: Dataset, lam: float, lipschitz: bool = True, eta: float | None = None
) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    return {
        "scale": chosen.scale,
        "seed": chosen.seed,
        "dataset": training.name,
        "latent_dim": chosen.latent_dim,
        "lam": lam,
        "eta": chosen.eta if eta is None else eta,
        "lipschitz": lipschitz,
    }


def _finished(trained: str | Path, spec: dict[str, Any], model: Autoencoder) -> tuple[Autoencoder, History]:
    """Return the model with the weights of a finished run."""
    found = runs.find(trained, RECIPE, spec)
    model.load_state_dict(found.state)
    return model.eval(), found.history


def _name(lam: float, lipschitz: bool, eta: float | None) -> str:
    """Return what a lone run is called on its line of progress."""
    unusual = [] if lipschitz else ["no Lipschitz bound"]
    unusual += [] if eta is None else [f"η = {eta:g}"]
    return ", ".join([f"λ = {lam:g}", *unusual])


@torch.no_grad()
def _measure(model: Autoencoder, history: History, lam: float, training: Dataset, test: Dataset) -> Run:
    """Measure widths on the training data and pruning on the test data."""
    codes, x = model.encode(training[:]), test[:]
    std = latent_std(codes)
    curve = pruning_curve(model.decode, x, model.encode(x), mean=codes.mean(0), std=std)
    return Run(lam, model, history, std.cpu(), curve.cpu(), latent_set_dimension(curve))
