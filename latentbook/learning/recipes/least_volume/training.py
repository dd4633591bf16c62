"""Training and measuring: one autoencoder, or one for each weight of the penalty, trained as a family."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import torch
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.parameters import check_number
from latentbook.learning.recipe import FamilyOptions, Options, Recipe, Result
from latentbook.learning.recipes.least_volume.images import load_data
from latentbook.learning.recipes.least_volume.networks import build
from latentbook.learning.recipes.least_volume.settings import ETA, ETA_ORIGINAL, SCALES, Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.train import History, fit
from latentbook.volume import latent_set_dimension, latent_std, pruning_curve

__all__ = ["STACKED", "Run", "encode", "family", "measure", "scores", "together", "train"]

# Examples that are encoded at once: memory stays bounded, whatever the network.
CHUNK = 4096


@dataclasses.dataclass(frozen=True)
class Run(Result):
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


def train(chosen: Settings, lam: float | None = None, **options: Unpack[Options]) -> Run:
    """Train one autoencoder, and measure it on the test data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the penalty, if another than the settings'.
        options: Data, a finished run, a label and more, by name, as of `latentbook.learning.recipe.Recipe.train`.

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
    weighted = chosen if lam is None else dataclasses.replace(chosen, lam=check_number("lam", lam, 0.0))
    return RECIPE.train(weighted, **options)


def scores(chosen: Settings, run: Run) -> dict[str, float]:
    """Return the numbers that a sweep keeps of a run.

    Args:
        chosen: Its settings.
        run: From `train`.

    Returns:
        ``error`` of the dimensions that are needed, how many ``dimensions`` that are, and the ``widest``.

    Example:
        >>> chosen = settings(scale="smoke", device="cpu", steps=20)
        >>> [*scores(chosen, train(chosen))]
        ['error', 'dimensions', 'widest']

    Chapter 1.
    """
    return {"error": run.error, "dimensions": float(run.dimensions), "widest": float(run.std.max())}


def family(chosen: Settings, lambdas: Iterable[float] | None = None, **options: Unpack[FamilyOptions]) -> list[Run]:
    """Train one autoencoder for each weight, all as one, from the same initial weights and on the same batches.

    Args:
        chosen: Checked parameters, from `settings`.
        lambdas: Weights of the volume penalty; by default the settings' grid.
        options: Data, a label and more, by name, as of `latentbook.learning.recipe.Recipe.together`.

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
    return RECIPE.together([dataclasses.replace(chosen, lam=lam) for lam in weights], **options)


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
    _require_grey_levels(chosen, training)
    return build(chosen, training.event_shape)


def _descend(
    model: Autoencoder | Family, chosen: Sequence[Settings], training: Dataset, spec: dict[str, Any], **common: Any
) -> History:
    """Train a model, or a family of them, at the settings' scale."""
    first, scale = chosen[0], SCALES[chosen[0].scale]
    loss, lam = _terms, first.lam
    if isinstance(model, Family):
        loss, lam = family_loss(_terms), torch.tensor([own.lam for own in chosen], device=first.device)
        # Torch's own power iteration cannot be batched.
        model.batched = False if first.lipschitz and first.norm == "power" else None
    return fit(
        model,
        training,
        loss,
        weights={"reconstruction": 1.0, "penalty": lam},
        optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, betas=scale.betas, fused=True),
        spec=spec | {"lam": lam.tolist() if isinstance(lam, Tensor) else lam},
        **common,
    )


def _title(chosen: Sequence[Settings], training: Dataset) -> str:
    """Return what a training is called on its line of progress: its weight, or how many, and what is unusual."""
    first = chosen[0]
    unusual = {
        first.penalty: first.penalty != "volume",
        "no Lipschitz bound": not first.lipschitz,
        "a lagging bound": first.norm == "power",
        f"η = {first.eta:g}": first.eta != (ETA_ORIGINAL if first.is_original else ETA),
        f"budget {first.budget or 0:.3g}": first.budget is not None,
    }
    which = f"λ = {first.lam:g}" if len(chosen) == 1 else f"{len(chosen)} autoencoders as one"
    return ", ".join([which, *(words for words, holds in unusual.items() if holds)])


def _spec(chosen: Settings, training: Dataset) -> dict[str, Any]:
    """Return all that decides a run besides its data and source."""
    spec = dataclasses.asdict(chosen) | {"dataset": training.name, "convolutional": chosen.is_original}
    del spec["device"]
    return spec


RECIPE = Recipe(
    "latentbook.learning.recipes.least_volume",
    load_data=load_data,
    start=_start,
    descend=_descend,
    spec=_spec,
    title=_title,
    measure=lambda model, history, chosen, *data: measure(model, history, chosen.lam, *data),
    stacked=("lam",),
)
STACKED, together = RECIPE.stacked, RECIPE.together
