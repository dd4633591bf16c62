"""Training and measuring: one model, and for a VAE the deviation of its data, which it does not learn by itself."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from latentbook.learning.adversarial import AdversarialUpdate
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.bigan import BiGAN
from latentbook.learning.models.rbf import RBFVariance, fit_variance
from latentbook.learning.models.vae import VAE
from latentbook.learning.recipe import Recipe, Result, updates
from latentbook.learning.recipes.geodesics.networks import build
from latentbook.learning.recipes.geodesics.settings import MODELS, SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.train import History, fit
from latentbook.metric import stack_moments

__all__ = ["STACKED", "Run", "encode", "load_data", "measure", "scores", "together", "train"]

# Examples that are encoded at once: memory stays bounded, whatever the network.
CHUNK = 2048
# Centres of the deviation for each latent, as in the original, and their width in mean distances of a cluster's codes:
# twice the original's, so that codes which are drawn from the prior lie where the deviation is that of the data.
CENTRES, WIDTH = 4, 2.0


@dataclasses.dataclass(frozen=True)
class Run(Result):
    """One trained model, and what it is worth on test data.

    Attributes:
        model: The model, in eval mode.
        history: Its terms over the training.
        codes: Codes of the test data, ``(N, m)``, on the model's device.
        error: Mean squared error of a value, decoded from these codes.
        deviation: How far data are from what a code decodes to; None for a BiGAN, whose data have none.
    """

    model: VAE | BiGAN
    history: History
    codes: Tensor
    error: float
    deviation: RBFVariance | None

    def moments(self, z: Tensor) -> Tensor:
        """Return mean and standard deviation of the data of codes, as one point of a larger space.

        Raises:
            ValueError: If the model has no deviation.
        """
        if self.deviation is None:
            raise ValueError(f"a {type(self.model).__name__} has no standard deviation: take `model.decode` alone")
        return stack_moments(self.model.decode(z), self.deviation(z))


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the training and the test data: the published parts, reduced to some digits.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Both, on the settings' device.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [1400, 397]

    Chapter 3.
    """
    parts = [load(chosen.dataset, part, device=str(chosen.device)) for part in ("train", "test")]
    training, test = (part.subset(part.indices_of(map(int, chosen.digits))) for part in parts)
    return training, test


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        ``error``, as of `Run`.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [*scores(chosen, train(chosen))]
        ['error']

    Chapter 3.
    """
    return {"error": run.error}


@torch.no_grad()
def encode(model: VAE | BiGAN, data: Dataset) -> Tensor:
    """Encode all examples, a chunk at a time and without a graph.

    Args:
        model: On the data's device, in eval mode.
        data: Any number of examples.

    Returns:
        Their codes, ``(N, m)``; of a VAE the means.

    Example:
        >>> encode(build(settings(device="cpu"), (1, 8, 8)), Dataset(torch.rand(5, 1, 8, 8))).shape
        torch.Size([5, 8])

    Chapter 3.
    """
    return torch.cat([model.encode(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)])


def measure(model: VAE | BiGAN, history: History, chosen: Settings, training: Dataset, test: Dataset) -> Run:
    """Measure a model on test data, and for a VAE fit the deviation of the training data from what it decodes.

    Args:
        model: In eval mode, on the data's device.
        history: Its terms so far.
        chosen: Checked parameters, from `settings`; the seed is that of the deviation's centres.
        training: What the deviation is fitted to, each example at its own code.
        test: What is encoded and decoded.

    Returns:
        The model and its measurements.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", model="bigan")
        >>> training, test = load_data(chosen)
        >>> run = measure(build(chosen, training.event_shape).eval(), History({}, 0.0), chosen, training, test)
        >>> run.codes.shape, run.deviation
        (torch.Size([397, 8]), None)

    Chapter 3.
    """
    codes = encode(model, test)
    with torch.no_grad():
        pieces = zip(codes.split(CHUNK), range(0, len(test), CHUNK), strict=True)
        errors = [(model.decode(z) - test[start : start + CHUNK]).square().flatten(1).mean(1) for z, start in pieces]
    return Run(model, history, codes, torch.cat(errors).mean().item(), _deviation(model, chosen, training))


def _deviation(model: VAE | BiGAN, chosen: Settings, training: Dataset) -> RBFVariance | None:
    if not isinstance(model, VAE):
        return None
    return fit_variance(model, training, centres=CENTRES * chosen.latent_dim, a=WIDTH, seed=chosen.seed)


def _terms(model: VAE | BiGAN, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
    return model.terms(*batch)


def _descend(
    model: VAE | BiGAN, chosen: Sequence[Settings], training: Dataset, spec: dict[str, Any], **common: Any
) -> History:
    """Train a model at the settings' scale: a VAE on its two terms, a BiGAN by two optimisers."""
    [own] = chosen
    scale, epoch = SCALES[own.scale], -(-len(training) // own.batch_size)

    def draw(data: Dataset, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, shape = data.batch(size, generator), (size, own.latent_dim)
        return x, torch.randn(shape, dtype=x.dtype, device=x.device, generator=generator)

    if own.model == "bigan":
        update: Any = functools.partial(
            AdversarialUpdate,
            steps_per_epoch=epoch,
            rates=scale.adversarial_rates,
            decay=scale.decay,
            betas=scale.betas,
            weight_decay=scale.weight_decay,
        )
        return fit(model, training, _terms, weights={}, update=update, draw=draw, spec=spec, **common)
    return fit(
        model,
        training,
        _terms,
        weights={"distortion": 1.0, "rate": 1.0},
        optimizer=functools.partial(
            torch.optim.Adam, lr=scale.learning_rate, weight_decay=scale.weight_decay, fused=True
        ),
        schedule=lambda step: scale.decay ** (step // epoch),
        draw=draw,
        spec=spec,
        **common,
    )


def _title(chosen: Sequence[Settings], training: Dataset) -> str:
    """Return what a training is called on its line of progress."""
    [own] = chosen
    latents = "latent" if own.latent_dim == 1 else "latents"
    return f"{ {'vae': 'VAE', 'bigan': 'BiGAN'}[own.model] }, {own.latent_dim} {latents}"


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a training besides its data and source."""
    names = ("scale", "digits", "seed", "model", "latent_dim", "batch_size")
    own = {name: getattr(chosen, name) for name in names}
    epochs = SCALES[chosen.scale].epochs[MODELS.index(chosen.model)]
    return own | {"dataset": training.name, "steps": updates(chosen, epochs, training)}


RECIPE = Recipe(
    "latentbook.learning.recipes.geodesics",
    load_data=load_data,
    start=lambda chosen, training: build(chosen, training.event_shape),
    descend=_descend,
    spec=_spec,
    title=_title,
    measure=measure,
)
STACKED, train, together = RECIPE.stacked, RECIPE.train, RECIPE.together
