"""Training and measuring: one model, or one for each weight of the penalty, trained as a family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import torch
from torch import Tensor

from latentbook.isometry import ConditionNumber, condition_number, metric_distortion, metric_variance
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.parameters import check_number
from latentbook.learning.recipe import FamilyOptions, Options, Recipe, Result, updates
from latentbook.learning.recipes.isometry.board import isometry_board
from latentbook.learning.recipes.isometry.examples import load_data
from latentbook.learning.recipes.isometry.networks import build, penalty_noise
from latentbook.learning.recipes.isometry.settings import SCALES, Settings, settings
from latentbook.learning.train import History, fit
from latentbook.metric import pullback_metric

__all__ = ["STACKED", "Run", "encode", "family", "measure", "scores", "together", "train"]

# Examples that are encoded at once, or, times the latents, differentiated: memory stays bounded, whatever the network.
CHUNK = 2048


@dataclasses.dataclass(frozen=True)
class Run(Result):
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


def train(chosen: Settings, lam: float | None = None, **options: Unpack[Options]) -> Run:
    """Train one model, and measure it on the validation data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the penalty, if another than the settings'.
        options: Data, a finished run, a label and more, by name, as of `latentbook.learning.recipe.Recipe.train`.

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
    weighted = chosen if lam is None else dataclasses.replace(chosen, lam=check_number("lam", lam, 0.0))
    return RECIPE.train(weighted, **options)


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        ``error``, ``rate``, mean ``condition`` number, ``variance`` and ``distortion``, as of `Run`.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [*scores(chosen, train(chosen))]
        ['error', 'rate', 'condition', 'variance', 'distortion']

    Chapter 2.
    """
    return {
        "error": run.error,
        "rate": run.rate,
        "condition": run.condition.mean.item(),
        "variance": run.variance,
        "distortion": run.distortion,
    }


def family(chosen: Settings, lambdas: Iterable[float] | None = None, **options: Unpack[FamilyOptions]) -> list[Run]:
    """Train one model for each weight, all as one: from the same initial weights, on the same batches and noise.

    Args:
        chosen: Checked parameters, from `settings`.
        lambdas: Weights of the penalty; by default the settings' grid.
        options: Data, a label and more, by name, as of `latentbook.learning.recipe.Recipe.together`.

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
    return RECIPE.together([dataclasses.replace(chosen, lam=lam) for lam in weights], **options)


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


def _descend(
    model: VAE | Autoencoder | Family,
    chosen: Sequence[Settings],
    training: Dataset,
    spec: dict[str, Any],
    **common: Any,
) -> History:
    """Train a model, or a family of them, at the settings' scale."""
    first = chosen[0]
    is_family = isinstance(model, Family)

    def draw(data: Dataset, size: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        x, shape = data.batch(size, generator), (size, first.latent_dim)
        code = torch.randn(shape, dtype=x.dtype, device=x.device, generator=generator)
        return x, {"code": code, "isometry": penalty_noise(shape, x, generator)}

    own = {"reconstruction": 1.0} if first.model == "irae" else {"distortion": 1.0, "rate": 1.0}
    lam = [member.lam for member in chosen] if is_family else first.lam
    rate, like = SCALES[first.scale].learning_rate, next(model.parameters())
    return fit(
        model,
        training,
        family_loss(_terms) if is_family else _terms,
        weights={**own, "isometry": torch.tensor(lam, dtype=like.dtype, device=like.device)},
        optimizer=functools.partial(torch.optim.Adam, lr=rate, fused=True),
        draw=draw,
        spec=spec | {"lam": lam},
        **common,
    )


def _title(chosen: Sequence[Settings], training: Dataset) -> str:
    """Return what a training is called on its line of progress: its weight, or how many, and what is unusual."""
    first = chosen[0]
    unusual = {
        first.model.upper(): first.model != "irvae",
        f"{first.latent_dim} latents": first.latent_dim != 2,
        f"batches of {first.batch_size}": first.batch_size != settings().batch_size,
        f"{first.probe} probes": first.probe != "exact" and first.model != "fmvae",
        "no mixing": first.eta is None,
    }
    which = f"λ = {first.lam:g}" if len(chosen) == 1 else f"{len(chosen)} models as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "original": chosen.is_original}
    # Where it is measured, and on what machine it runs, is no part of a training.
    del spec["device"], spec["validation_digits"]
    return spec | {"steps": updates(chosen, SCALES[chosen.scale].epochs, training)}


RECIPE = Recipe(
    "latentbook.learning.recipes.isometry",
    load_data=load_data,
    start=lambda chosen, training: build(chosen, training.event_shape),
    descend=_descend,
    spec=_spec,
    title=_title,
    measure=lambda model, history, chosen, training, validation: measure(model, history, chosen.lam, validation),
    stacked=("lam",),
    board=isometry_board,
)
STACKED, together = RECIPE.stacked, RECIPE.together
