"""What a trained model is worth: its bounds on the evidence, what its codes cost, and which of them are used."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import torch
from torch import Tensor

from latentbook.core import at_rest, seeded
from latentbook.information import active_units
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.spherical import SphericalVAE, spherical_mlp  # noqa: F401  (doctests)

__all__ = ["Measures", "bound_of", "measured"]

# Codes that are decoded at once, of all examples and draws together.
CODES = 20_000


@dataclasses.dataclass(frozen=True)
class Measures:
    """Means over examples, in nats for each.

    Attributes:
        distortion: With one draw of each code.
        rate: Of all factors.
        rates: Of each factor.
        log_likelihood: Bound on the evidence from many draws.
        active: Coordinates of mean codes that change with the data.
        count: Of the examples.
    """

    distortion: float
    rate: float
    rates: tuple[float, ...]
    log_likelihood: float
    active: int
    count: int

    @property
    def elbo(self) -> float:
        """The bound from one draw."""
        return -self.distortion - self.rate


@torch.no_grad()
def measured(model: SphericalVAE, data: Dataset, draws: int, seed: int = 0) -> Measures:
    """Measure a model on all examples, which count alike whatever the chunks.

    Args:
        model: On the data's device; its mode is as before afterwards.
        data: Examples.
        draws: Of each code, for the bound on the evidence, at least 1.
        seed: Of the draws.

    Returns:
        Means over the examples.

    Raises:
        ValueError: If there are fewer than two examples, or `draws` is below 1.

    Example:
        >>> measured(spherical_mlp((4,), "2", hidden=(8,)), Dataset(torch.rand(50, 4)), draws=10).count
        50

    Chapter 5.
    """
    with at_rest(model), seeded(seed):
        both = _of_all(data, 1, functools.partial(_terms, model))
        chunk = min(draws, 50)
        bound = _of_all(data, chunk, lambda x: model.importance_weighted_bound(x, draws, chunk))
        codes = _of_all(data, 1, lambda x: model.posterior(x).mean)
    distortion, *rates = both.double().mean(0).tolist()
    active = int(active_units(codes).sum())
    return Measures(distortion, sum(rates), tuple(rates), bound.double().mean().item(), active, len(data))


@torch.no_grad()
def bound_of(model: SphericalVAE, data: Dataset, seed: int = 0) -> Tensor:
    """Return the loss on held-out data: the mean of minus the bound from one draw, with the same draws each time.

    Args:
        model: On the data's device.
        data: Examples.
        seed: Of the draws.

    Returns:
        Nats for each example, a scalar on the device.

    Example:
        >>> model, data = spherical_mlp((4,), "2", hidden=(8,)), Dataset(torch.rand(50, 4))
        >>> bool(bound_of(model, data) == bound_of(model, data))
        True

    Chapter 5.
    """
    with seeded(seed):
        return _of_all(data, 1, functools.partial(_terms, model)).sum(1).mean()


def _terms(model: SphericalVAE, x: Tensor) -> Tensor:
    """Return the distortion and the rate of each factor, side by side."""
    distortion, rates = model.elbo_terms(x)
    return torch.cat([distortion[:, None], rates], 1)


def _of_all(data: Dataset, draws: int, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """Return what is measured of each example, in order, with a bounded number of codes at once."""
    size = max(1, CODES // draws)
    return torch.cat([measure(data[start : start + size]) for start in range(0, len(data), size)])
