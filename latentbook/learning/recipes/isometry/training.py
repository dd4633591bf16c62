"""Training and measuring: one model, or one for each weight of the penalty, trained as a family."""

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
from latentbook.isometry import ConditionNumber, condition_number, metric_distortion, metric_variance
from latentbook.learning import runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.parameters import check_number
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.isometry.board import isometry_board
from latentbook.learning.recipes.isometry.examples import load_data
from latentbook.learning.recipes.isometry.networks import build, penalty_noise
from latentbook.learning.recipes.isometry.settings import SCALES, Settings, settings
from latentbook.learning.running import Callback
from latentbook.learning.train import History, Loss, fit
from latentbook.metric import pullback_metric

__all__ = ["Run", "encode", "family", "measure", "train"]

# Finished runs are of the recipe, wherever in it they were trained.
RECIPE = "latentbook.learning.recipes.isometry"
# Examples that are encoded at once, or, times the latents, differentiated: memory stays bounded, whatever the network.
CHUNK = 2048


@dataclasses.dataclass(frozen=True)
class Run:
    """One trained model, and what it is worth on validation data.

    Attributes:
        lam: Weight of its penalty.
        model: The model, in eval mode.
        history: Its terms over the training.
        codes: Mean codes of the validation data, ``(N, m)``.
        metric: The decoder's pull-back metric there, ``(N, m, m)``.
        error: Mean squared error of a value, decoded from the mean codes.
        rate: Mean divergence of posterior and prior, in nats; nan for an autoencoder, which has none.
        condition: Condition numbers of the metric.
        variance: Variance of the metric.
        distortion: Relaxed distortion, exact and at the codes; 1/m for an isometry.
    """

    lam: float
    model: VAE | Autoencoder
    history: History
    codes: Tensor
    metric: Tensor
    error: float
    rate: float
    condition: ConditionNumber
    variance: float
    distortion: float

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise on the data, in data units; nan for an autoencoder."""
        return self.model.sigma.item() if isinstance(self.model, VAE) else float("nan")


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
    """Train one model, and measure it on the validation data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the penalty, if another than the settings'.
        data: Training and validation data, if others than the settings'; moved to the settings' device.
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
        >>> run = train(settings(scale="smoke", device="cpu", steps=20))
        >>> run.codes.shape, run.metric.shape
        (torch.Size([258, 2]), torch.Size([258, 2, 2]))

    Chapter 2.
    """
    chosen = chosen if lam is None else dataclasses.replace(chosen, lam=check_number("lam", lam, 0.0))
    training, validation = _examples(chosen, data)
    model = _start(chosen, training)
    if trained is not None:
        found = runs.find(trained, RECIPE, _spec(chosen, training))
        model.load_state_dict(found.state)
        return measure(model.eval(), found.history, chosen.lam, validation)
    looking = [*isometry_board(log_dir, training, validation), *callbacks]
    line = Progress(_steps(chosen, training), _name(chosen)) if progress is None else nullcontext(progress)
    history = _descend(model, _terms, chosen.lam, chosen, training, line, looking, checkpoint)
    if label is not None:
        runs.publish(RECIPE, _spec(chosen, training), training, model, history, label=label)
    return measure(model, history, chosen.lam, validation)


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
    """Train one model for each weight, all as one: from the same initial weights, on the same batches and noise.

    Args:
        chosen: Checked parameters, from `settings`.
        lambdas: Weights of the penalty; by default the settings' grid.
        data: Training and validation data, if others than the settings'; moved to the settings' device.
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
        >>> [run.lam for run in family(settings(scale="smoke", device="cpu", steps=20), [0, 10])]
        [0.0, 10.0]

    Chapter 2.
    """
    weights = [check_number("lambdas", lam, 0.0) for lam in (chosen.lambdas if lambdas is None else lambdas)]
    training, validation = data = _examples(chosen, data)
    if trained is not None:
        return [train(chosen, lam, data=data, trained=trained) for lam in weights]
    together = Family([_start(chosen, training)] * len(weights))
    callbacks = isometry_board(log_dir, training, validation)
    line = Progress(_steps(chosen, training), _name(dataclasses.replace(chosen, lam=weights[0]), len(weights)))
    history = _descend(together, family_loss(_terms), weights, chosen, training, line, callbacks, checkpoint)
    found = []
    for model, own, lam in zip(together.members(), member_histories(history), weights, strict=True):
        if label is not None:
            spec = _spec(dataclasses.replace(chosen, lam=lam), training)
            runs.publish(RECIPE, spec, training, model, own, label=label)
        found.append(measure(model, own, lam, validation))
    return found


@torch.no_grad()
def encode(model: VAE | Autoencoder, data: Dataset) -> Tensor:
    """Encode all examples, a chunk at a time and without a graph.

    Args:
        model: On the data's device.
        data: Any number of examples.

    Returns:
        Their mean codes, ``(N, m)``.

    Example:
        >>> encode(build(settings(device="cpu"), (1, 8, 8)), Dataset(torch.rand(5, 1, 8, 8))).shape
        torch.Size([5, 2])

    Chapter 2.
    """
    return torch.cat([model.encode(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)])


@torch.no_grad()
def measure(model: VAE | Autoencoder, history: History, lam: float, validation: Dataset) -> Run:
    """Measure error, rate and metric at the mean codes of the validation data, not between them.

    Args:
        model: In eval mode, on the data's device.
        history: Its terms so far.
        lam: Weight of the penalty that it is trained with.
        validation: What is encoded and decoded.

    Returns:
        The model and its measurements; codes and metric on the CPU.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu")
        >>> training, validation = load_data(chosen)
        >>> untrained = build(chosen, training.event_shape).eval()
        >>> measure(untrained, History({}, 0.0), chosen.lam, validation).metric.shape
        torch.Size([258, 2, 2])

    Chapter 2.
    """
    codes = encode(model, validation)
    metric = pullback_metric(model.decode, codes, chunk=max(1, CHUNK // codes.shape[1]))
    errors, rates = [], []
    for start in range(0, len(validation), CHUNK):
        x, z = validation[start : start + CHUNK], codes[start : start + CHUNK]
        errors.append((model.decode(z) - x).square().flatten(1).mean(1))
        rates.append(_rate(model, x))
    return Run(
        lam,
        model,
        history,
        codes.cpu(),
        metric.cpu(),
        torch.cat(errors).mean().item(),
        torch.cat(rates).mean().item(),
        condition_number(metric.cpu()),
        metric_variance(metric.cpu()).item(),
        metric_distortion(metric.cpu()).item(),
    )


def _rate(model: VAE | Autoencoder, x: Tensor) -> Tensor:
    """Return the divergence of each example's posterior from the prior."""
    if not isinstance(model, VAE):
        return torch.full((len(x),), torch.nan, device=x.device)
    belief = model.posterior(x)
    return torch.distributions.kl_divergence(belief, model.prior(belief.mean))


def _terms(model: VAE | Autoencoder, batch: tuple[Tensor, dict[str, Tensor]], step: int) -> dict[str, Tensor]:
    x, noise = batch
    if isinstance(model, VAE):
        return model.terms(x, noise)
    return model.terms(x, {"isometry": noise["isometry"]})


def _examples(chosen: Settings, data: tuple[Dataset, Dataset] | None) -> tuple[Dataset, Dataset]:
    """Return training and validation data, the settings' or a reader's, where the settings say."""
    training, validation = data or load_data(chosen)
    return training.to(chosen.device), validation.to(chosen.device)


def _start(chosen: Settings, training: Dataset) -> VAE | Autoencoder:
    """Return the model with the initial weights of the settings' seed, of the data's kind of numbers."""
    with seeded(chosen.seed):
        return build(chosen, training.event_shape).to(training[:1])


def _descend(
    model: VAE | Autoencoder | Family,
    loss: Loss,
    lam: float | list[float],
    chosen: Settings,
    training: Dataset,
    line: AbstractContextManager[Progress],
    callbacks: Sequence[Callback],
    checkpoint: Path | None,
) -> History:
    """Train a model, or a family of them, at the settings' scale."""

    def draw(data: Dataset, size: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        x, shape = data.batch(size, generator), (size, chosen.latent_dim)
        code = torch.randn(shape, dtype=x.dtype, device=x.device, generator=generator)
        return x, {"code": code, "isometry": penalty_noise(shape, x, generator)}

    own = {"reconstruction": 1.0} if chosen.model == "irae" else {"distortion": 1.0, "rate": 1.0}
    rate, like = SCALES[chosen.scale].learning_rate, next(model.parameters())
    with line as progress:
        return fit(
            model,
            training,
            loss,
            weights={**own, "isometry": torch.tensor(lam, dtype=like.dtype, device=like.device)},
            steps=_steps(chosen, training),
            batch_size=chosen.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=rate, fused=True),
            draw=draw,
            callbacks=callbacks,
            checkpoint=checkpoint,
            spec=_spec(chosen, training) | {"lam": lam},
            progress=progress,
        )


def _steps(chosen: Settings, training: Dataset) -> int:
    """Return the number of updates: the settings', or what the scale's epochs come to."""
    if chosen.steps is not None:
        return chosen.steps
    return SCALES[chosen.scale].epochs * -(-len(training) // chosen.batch_size)


def _name(chosen: Settings, members: int = 1) -> str:
    """Return what a training is called on its line of progress: its weight, or how many, and what is unusual."""
    unusual = {
        chosen.model.upper(): chosen.model != "irvae",
        f"{chosen.latent_dim} latents": chosen.latent_dim != 2,
        f"batches of {chosen.batch_size}": chosen.batch_size != settings().batch_size,
        f"{chosen.probe} probes": chosen.probe != "exact" and chosen.model != "fmvae",
        "no mixing": chosen.eta is None,
    }
    which = f"λ = {chosen.lam:g}" if members == 1 else f"{members} models as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "original": chosen.is_original}
    # Where it is measured, and on what machine it runs, is no part of a training.
    del spec["device"], spec["validation_digits"]
    return spec | {"steps": _steps(chosen, training)}
