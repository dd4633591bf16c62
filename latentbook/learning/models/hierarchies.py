"""Networks of hierarchies: perceptrons of any number of layers, for small events, and the parts that they are made of.

Chapter 4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.learning import likelihoods
from latentbook.learning.likelihoods import Likelihood
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.models.layers import INFERENCES, TOPS, require_layers
from latentbook.learning.nets import Activation, mlp, mlp_decoder, mlp_encoder
from latentbook.learning.options import require_choice

__all__ = ["Joined", "Trunk", "hierarchical_mlp"]


class Joined(nn.Module):
    """A network of data and a code: it looks at each by itself, and then at both.

    Args:
        of_x: Module of data, ``(*batch, *event)`` to ``(*batch, *features)``.
        of_z: Module of codes, ``(..., m)`` to ``(..., *others)``; of the same sizes but for the first.
        of_both: Module of both features, put together along their first dimension.
        dims: How many dimensions the features have.

    Example:
        >>> network = Joined(nn.Flatten(-3), nn.Identity(), nn.Linear(64 + 2, 8))
        >>> network(torch.zeros(5, 1, 8, 8), torch.zeros(7, 5, 2)).shape
        torch.Size([7, 5, 8])

    Chapter 4.
    """

    def __init__(self, of_x: nn.Module, of_z: nn.Module, of_both: nn.Module, dims: int = 1) -> None:
        super().__init__()
        self.of_x, self.of_z, self.of_both, self.dims = of_x, of_z, of_both, dims

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return what is said of each code and its example; there may be several codes of one, in front."""
        seen, told = self.of_x(x), self.of_z(z)
        batch = told.shape[: told.ndim - self.dims]
        seen = seen.expand(*batch, *seen.shape[seen.ndim - self.dims :])
        return self.of_both(torch.cat([seen, told], -self.dims))


class Trunk(nn.Module):
    """Networks in a chain, of which every result is kept: what the layers of a ladder are given.

    Args:
        parts: Modules, each of what the one before returns; the first of data.

    Example:
        >>> [features.shape[-1] for features in Trunk([nn.Linear(8, 4), nn.Linear(4, 2)])(torch.zeros(5, 8))]
        [4, 2]

    Chapter 4.
    """

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of all parts, of the one next to the data first."""
        return [*itertools.accumulate(self.parts, lambda features, part: part(features), initial=x)][1:]


def hierarchical_mlp(
    event_shape: Sequence[int],
    latent_dims: Sequence[int] = (16, 8),
    hidden: Sequence[int] = (64,),
    *,
    inference: str = "top-down",
    likelihood: str | Likelihood = "gaussian",
    top: str = "gaussian",
    activation: Activation = nn.ReLU,
    **options: Any,
) -> HierarchicalVAE:
    """Return an untrained hierarchy of perceptrons, of as many layers as there are latent dimensions.

    Top-down and bottom-up, each posterior is a perceptron of its own; a ladder's share one chain from the data upwards.
    Without any convolution, many of one shape train as one in a `latentbook.learning.family.Family`.

    Args:
        event_shape: Shape of one example.
        latent_dims: Sizes of the codes, of the layer next to the data first; at least two.
        hidden: Sizes of hidden layers, data side first; of all networks, and of each part of a ladder's chain, at
            least one there.
        inference: ``"top-down"``, ``"ladder"`` or ``"bottom-up"``.
        likelihood: By its name, as in `latentbook.learning.likelihoods.likelihood`, or one for such examples.
        top: ``"gaussian"`` or ``"categorical"``.
        activation: Makes one activation.
        options: Of `latentbook.learning.models.hierarchical.HierarchicalVAE`: `temperature`, `hard`, `floor`.

    Returns:
        The model.

    Raises:
        ValueError: If there are fewer than two layers, a word is unknown, or a number out of range.

    Example:
        >>> model = hierarchical_mlp((1, 8, 8), (16, 8, 4), inference="ladder", likelihood="bernoulli")
        >>> sorted(model.terms(torch.rand(5, 1, 8, 8)))
        ['distortion', 'rate_1', 'rate_2', 'rate_3']

    Chapter 4.
    """
    require_choice("inference", inference, INFERENCES)
    require_choice("top", top, TOPS)
    require_layers(latent_dims)
    noise = likelihoods.likelihood(likelihood, event_shape)
    *below, last = latent_dims
    sizes = [*(2 * size for size in below), last if top == "categorical" else 2 * last]
    parts = {"top-down": _top_down, "ladder": _ladder, "bottom-up": _bottom_up}[inference]
    trunk, posteriors = parts(tuple(event_shape), latent_dims, sizes, hidden, activation)
    pairs = itertools.pairwise(latent_dims)
    priors = [mlp([above, *hidden[::-1], 2 * own], activation) for own, above in pairs]
    decoder = mlp_decoder(latent_dims[0], hidden[::-1], noise.parameter_shape, activation)
    return HierarchicalVAE(
        posteriors, priors, decoder, noise, latent_dims, inference=inference, trunk=trunk, top=top, **options
    )


def _top_down(
    event: tuple[int, ...], dims: Sequence[int], sizes: Sequence[int], hidden: Sequence[int], activation: Activation
) -> tuple[None, list[nn.Module]]:
    values = math.prod(event)
    below = [
        Joined(nn.Flatten(-len(event)), nn.Identity(), mlp([values + above, *hidden, size], activation))
        for above, size in zip(dims[1:], sizes[:-1], strict=True)
    ]
    return None, [*below, mlp_encoder(event, hidden, sizes[-1], activation)]


def _ladder(
    event: tuple[int, ...], dims: Sequence[int], sizes: Sequence[int], hidden: Sequence[int], activation: Activation
) -> tuple[Trunk, list[nn.Module]]:
    if not hidden:
        raise ValueError("`hidden` is empty, but a ladder's layers share features: give at least one size")
    first = nn.Sequential(nn.Flatten(-len(event)), mlp([math.prod(event), *hidden], activation), activation())
    others = [nn.Sequential(mlp([hidden[-1], *hidden], activation), activation()) for _ in sizes[1:]]
    return Trunk([first, *others]), [nn.Linear(hidden[-1], size) for size in sizes]


def _bottom_up(
    event: tuple[int, ...], dims: Sequence[int], sizes: Sequence[int], hidden: Sequence[int], activation: Activation
) -> tuple[None, list[nn.Module]]:
    above = [mlp([below, *hidden, size], activation) for below, size in zip(dims[:-1], sizes[1:], strict=True)]
    return None, [mlp_encoder(event, hidden, sizes[0], activation), *above]
