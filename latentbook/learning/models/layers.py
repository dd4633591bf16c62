r"""Layers of codes, each with a rate of its own: what a hierarchical variational autoencoder is made of.

:math:`z_1` is the layer next to the data, :math:`z_L` the top. The data come down a chain,
:math:`p(z_L)\, p(z_{L-1} \mid z_L) \cdots p(z_1 \mid z_2)\, p(x \mid z_1)`: what the layer above says of a layer is all
that those above it say, so that networks are given no more. The posterior goes one of three ways:

* ``"top-down"``: :math:`q(z_L \mid x)\, q(z_{L-1} \mid z_L, x) \cdots q(z_1 \mid z_2, x)`, with any networks;
* ``"ladder"``: the same way, but each network says :math:`\mathrm{N}(\hat\mu, \hat s^2)` from the data alone, and the
  posterior is its product with the layer's prior: precisions add, means are weighed by them;
* ``"bottom-up"``: :math:`q(z_1 \mid x)\, q(z_2 \mid z_1) \cdots q(z_L \mid z_{L-1})`.

Where posterior and prior go the same way, the total rate is a sum of layers' rates, by the chain rule of divergences:

.. math:: -\mathrm{ELBO}(x) = \underbrace{\mathbb{E}_q[-\log p(x \mid z_1)]}_{D}
    + \underbrace{\mathrm{KL}(q(z_L \mid x) \,\|\, p(z_L))}_{R(z_L)}
    + \sum_{l < L} \underbrace{\mathbb{E}_q\, \mathrm{KL}(q(z_l \mid z_{l+1}, x) \,\|\, p(z_l \mid z_{l+1}))}_{
    R(z_l \mid z_{>l})}

Each is at least 0, and has a weight :math:`\beta_l` of its own. Bottom-up there is the total only, since :math:`z_l` is
drawn before what its prior depends on:

.. math:: R = \mathbb{E}_q\Big[\log \frac{q(z_L \mid z_{L-1})}{p(z_L)}
    + \sum_{l < L} \log \frac{q(z_l \mid z_{l-1})}{p(z_l \mid z_{l+1})}\Big], \qquad z_0 = x.

Its summands can be told apart, and are returned, but none is what a layer knows of the data given those above: the
first, the one with a closed form, is what :math:`z_L` knows of :math:`z_{L-1}`; the others are estimates from the
sample, and can be below 0 on average. A weight on one of them asks for no rate. Everything is in nats.

Reference: Xiao & Bamler, *Trading information between latents in hierarchical variational autoencoders*, ICLR 2023. The
ladder: Sønderby, Raiko, Maaløe, Sønderby & Winther, *Ladder variational autoencoders*, NIPS 2016.

Chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn.functional import logsigmoid, softplus

from latentbook.learning.models.gumbel import GumbelSoftmax, gumbel_noise
from latentbook.learning.models.vae import DiagonalGaussian
from latentbook.learning.options import require_choice, require_integer

__all__ = ["INFERENCES", "TOPS", "LayeredCodes", "Layers", "merge", "require_layers"]

INFERENCES, TOPS = ("top-down", "ladder", "bottom-up"), ("gaussian", "categorical")
# Added to every standard deviation: a softplus alone is 0 in float32 from -104 on.
FLOOR = 1e-4

Belief = DiagonalGaussian | GumbelSoftmax
# What is taken as the code of a layer, counted from 0, of which something is believed.
Pick = Callable[[int, Belief], Tensor]


class Layers(NamedTuple):
    """Codes of data, and where they come from; of each there are L, of the layer next to the data first.

    Attributes:
        codes: ``(*batch, m_l)``.
        posteriors: What is believed about each layer, given the data and the codes that were drawn before it.
        priors: What is believed about each layer given the one above.
    """

    codes: tuple[Tensor, ...]
    posteriors: tuple[Belief, ...]
    priors: tuple[Belief, ...]


def merge(likelihood: DiagonalGaussian, prior: DiagonalGaussian) -> DiagonalGaussian:
    r"""Return the product of two Gaussian densities, normalised: what the ladder believes about a layer.

    .. math:: s^{-2} = \hat s^{-2} + s_p^{-2}, \qquad \mu = s^2 (\hat\mu / \hat s^2 + \mu_p / s_p^2)

    Args:
        likelihood: What the data say.
        prior: What the layer above says, of a shape that broadcasts.

    Returns:
        The belief; it is narrower than either.

    Example:
        >>> ones, zeros = torch.ones(1), torch.zeros(1)
        >>> both = merge(DiagonalGaussian(ones, zeros), DiagonalGaussian(zeros, (2 * ones).log()))
        >>> both.mean.item(), both.variance.item()
        (0.8, 0.8)

    Chapter 4.
    """
    # Twice the logarithm of one deviation over the other: shares of the precision are logistic functions of it.
    narrower = 2 * (prior.log_std - likelihood.log_std)
    mean = likelihood.mean * narrower.sigmoid() + prior.mean * (-narrower).sigmoid()
    return DiagonalGaussian(mean, likelihood.log_std + 0.5 * logsigmoid(narrower))


def require_layers(latent_dims: Sequence[int]) -> None:
    """Refuse sizes of codes that make no hierarchy.

    Args:
        latent_dims: Of the layer next to the data first.

    Raises:
        TypeError: If a size is not an integer.
        ValueError: If there are fewer than two, or one is below 1.

    Chapter 4.
    """
    if len(latent_dims) < 2:
        found = f"`latent_dims` is {tuple(latent_dims)}, but a hierarchy has at least two layers"
        raise ValueError(f"{found}: give each its size, or use a VAE")
    for size in latent_dims:
        require_integer("latent_dims", size, 1)


class LayeredCodes(nn.Module):
    r"""Posteriors and priors of two or more layers of codes: all of a hierarchy but what becomes of :math:`z_1`.

    Args:
        posteriors: One module for each layer, as `latentbook.learning.models.hierarchical.HierarchicalVAE` says.
        priors: One module for each layer but the top, ``(z_above)`` to ``(..., 2 m_l)``.
        latent_dims: :math:`m_1, \dots, m_L`; there are at least two.
        inference: ``"top-down"``, ``"ladder"`` or ``"bottom-up"``.
        trunk: Module from data to a sequence of L features, which the posteriors are given; None for the data.
        top: ``"gaussian"`` or ``"categorical"``.
        temperature: Of relaxed categories, above 0, where no other is given.
        hard: Whether drawn categories are one-hot, with the slopes of relaxed ones.
        floor: Least standard deviation, in latent units, above 0.

    Raises:
        ValueError: If a word is unknown, a number out of range, or there is not one network for each layer.

    Chapter 4.
    """

    def __init__(
        self,
        posteriors: Sequence[nn.Module],
        priors: Sequence[nn.Module],
        latent_dims: Sequence[int],
        *,
        inference: str = "top-down",
        trunk: nn.Module | None = None,
        top: str = "gaussian",
        temperature: float = 1.0,
        hard: bool = False,
        floor: float = FLOOR,
    ) -> None:
        super().__init__()
        require_layers(latent_dims)
        for name, networks, count in (("posteriors", posteriors, 0), ("priors", priors, 1)):
            if len(networks) != (wanted := len(latent_dims) - count):
                found = f"`{name}` has {len(networks)} networks for {len(latent_dims)} layers"
                raise ValueError(f"{found}: give {wanted}")
        require_choice("inference", inference, INFERENCES)
        require_choice("top", top, TOPS)
        for name, value in (("temperature", temperature), ("floor", floor)):
            if not 0 < value < math.inf:
                raise ValueError(f"`{name}` is {value}, but must be a finite number above 0")
        self.posteriors, self.priors, self.trunk = nn.ModuleList(posteriors), nn.ModuleList(priors), trunk
        self.latent_dims, self.inference, self.top = tuple(latent_dims), inference, top
        self.temperature, self.hard, self.floor = temperature, hard, floor

    @property
    def layers(self) -> int:
        """How many layers of codes there are, L."""
        return len(self.latent_dims)

    def draw_noise(
        self, batch: Sequence[int], like: Tensor | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, ...]:
        """Draw what the codes of a batch are made from: standard normal numbers, Gumbel numbers for categories.

        Args:
            batch: Its shape, with samples of each example in front.
            like: A tensor of the dtype and device that is wanted; None for those of the model.
            generator: Source of randomness; by default the global one.

        Returns:
            One tensor ``(*batch, m_l)`` for each layer, of the layer next to the data first.
        """
        like = next(self.parameters()) if like is None else like
        place = {"dtype": like.dtype, "device": like.device, "generator": generator}
        *below, top = [(*batch, size) for size in self.latent_dims]
        last = gumbel_noise(top, like, generator) if self.top == "categorical" else torch.randn(top, **place)
        return (*(torch.randn(shape, **place) for shape in below), last)

    def infer(
        self,
        x: Tensor,
        noise: Sequence[Tensor] | None = None,
        temperature: float | Tensor | None = None,
        hard: bool | None = None,
    ) -> Layers:
        """Return a draw of the codes of every example, and the beliefs that it comes from.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: From `draw_noise`, one for each layer; drawn where it is not given.
            temperature: Of a relaxed top, if another than the model's.
            hard: Whether a drawn category is one-hot, if otherwise than the model says.

        Raises:
            ValueError: If there is not one for each layer, or a shape does not fit.
        """
        return self._infer(x, self._drawn(noise), temperature, hard)

    def encode(self, x: Tensor, layer: int | None = None) -> Tensor:
        """Return the most probable code of every example, given the most probable ones of the layers drawn before.

        Args:
            x: Data, ``(*batch, *event)``.
            layer: Which, from 1 next to the data to L; None for the top.

        Returns:
            Mean codes, ``(*batch, m_l)``; of a categorical top the most probable category, one-hot.

        Raises:
            ValueError: If there is no such layer.
        """
        return self._infer(x, _mode).codes[self._index(layer)]

    def posterior(self, x: Tensor, layer: int | None = None) -> Belief:
        """Return what is believed about the code of every example, given what `encode` says of the layers before.

        Args:
            x: Data, ``(*batch, *event)``.
            layer: Which, from 1 next to the data to L; None for the top.

        Raises:
            ValueError: If there is no such layer.
        """
        return self._infer(x, _mode).posteriors[self._index(layer)]

    def rates(self, found: Layers) -> list[Tensor]:
        """Return the rate of each layer, of the layer next to the data first; bottom-up, summands of the total's.

        Args:
            found: Codes and beliefs, from `infer`.

        Returns:
            Nats for each example, ``(*batch)``, with samples in front where the belief depends on them.
        """
        closed = [kl_divergence(q, p) for q, p in zip(found.posteriors, found.priors, strict=True)]
        if self.inference != "bottom-up":
            return closed
        # The prior of a layer depends on what is drawn from the layer itself: there is no divergence to take.
        sampled = [q.log_prob(z) - p.log_prob(z) for z, q, p in zip(*found, strict=True)]
        return [*sampled[:-1], closed[-1]]

    def _infer(
        self, x: Tensor, pick: Pick, temperature: float | Tensor | None = None, hard: bool | None = None
    ) -> Layers:
        features = [x] * self.layers if self.trunk is None else self.trunk(x)
        if len(features) != self.layers:
            raise ValueError(f"`trunk` returned {len(features)} features for {self.layers} layers: return one for each")
        look = (self.temperature if temperature is None else temperature), (self.hard if hard is None else hard)
        up = self.inference == "bottom-up"
        return self._go_up(features[0], pick, look) if up else self._go_down(features, pick, look)

    def _go_up(self, below: Tensor, pick: Pick, look: tuple[float | Tensor, bool]) -> Layers:
        codes, posteriors = [], []
        for index, network in enumerate(self.posteriors):
            posteriors.append(self._belief(index, network(below), look))
            below = pick(index, posteriors[-1])
            codes.append(below)
        priors = [self._prior(index, codes[index + 1]) for index in range(self.layers - 1)]
        return Layers(tuple(codes), tuple(posteriors), (*priors, _before_data(posteriors[-1])))

    def _go_down(self, features: Sequence[Tensor], pick: Pick, look: tuple[float | Tensor, bool]) -> Layers:
        top = self.layers - 1
        posteriors = [self._belief(top, self.posteriors[top](features[top]), look)]
        priors, codes = [_before_data(posteriors[0])], [pick(top, posteriors[0])]
        for index in reversed(range(top)):
            network, prior = self.posteriors[index], self._prior(index, codes[0])
            if self.inference == "ladder":
                belief = merge(self._gaussian(index, network(features[index])), prior)
            else:
                belief = self._gaussian(index, network(features[index], codes[0]))
            posteriors, priors = [belief, *posteriors], [prior, *priors]
            codes = [pick(index, belief), *codes]
        return Layers(tuple(codes), tuple(posteriors), tuple(priors))

    def _descend(self, z: Tensor, layer: int | None, pick: Pick | None = None) -> Tensor:
        """Return the code next to the data for a code of a layer, through the most probable ones or those picked."""
        index, pick = self._index(layer), pick or _mode
        if z.shape[-1:] != ((size := self.latent_dims[index]),):
            raise ValueError(f"`z` has shape {tuple(z.shape)}, but codes of layer {index + 1} have {size} numbers")
        for below in reversed(range(index)):
            z = pick(below, self._prior(below, z))
        return z

    def _prior(self, index: int, above: Tensor) -> DiagonalGaussian:
        return self._gaussian(index, self.priors[index](above))

    def _belief(self, index: int, numbers: Tensor, look: tuple[float | Tensor, bool]) -> Belief:
        if index < self.layers - 1 or self.top == "gaussian":
            return self._gaussian(index, numbers)
        self._require_numbers(index, numbers, self.latent_dims[index])
        return GumbelSoftmax(numbers, *look)

    def _gaussian(self, index: int, numbers: Tensor) -> DiagonalGaussian:
        self._require_numbers(index, numbers, 2 * self.latent_dims[index])
        mean, free = numbers.chunk(2, -1)
        return DiagonalGaussian(mean, (softplus(free) + self.floor).log())

    def _drawn(self, noise: Sequence[Tensor] | None) -> Pick:
        if noise is None:
            return lambda index, belief: belief.rsample()
        if len(noise) != self.layers:
            raise ValueError(f"`noise` has {len(noise)} tensors for {self.layers} layers: give one for each")
        return lambda index, belief: belief.at(noise[index])

    def _top_from(self, noise: Tensor) -> Tensor:
        """Return codes of the top before any data."""
        is_gaussian = self.top == "gaussian"
        return noise if is_gaussian else GumbelSoftmax(torch.zeros_like(noise), hard=True).at(noise)

    def _index(self, layer: int | None) -> int:
        """Return a layer's place, from 0 next to the data."""
        if layer is not None and layer not in range(1, self.layers + 1):
            raise ValueError(f"`layer` is {layer}, but layers are 1, next to the data, to {self.layers}, the top")
        return (layer or self.layers) - 1

    def _require_numbers(self, index: int, numbers: Tensor, wanted: int) -> None:
        if numbers.shape[-1:] != (wanted,):
            found = f"a network of layer {index + 1} returned {tuple(numbers.shape)}"
            raise ValueError(f"{found}, but its `latent_dims` is {self.latent_dims[index]}: return {wanted} numbers")


def _mode(index: int, belief: Belief) -> Tensor:
    return belief.mode


def _before_data(belief: Belief) -> Belief:
    """Return what is believed about the top before any data: a standard normal, or each category as much."""
    if isinstance(belief, GumbelSoftmax):
        return GumbelSoftmax(torch.zeros_like(belief.logits))
    zeros = torch.zeros_like(belief.mean)
    return DiagonalGaussian(zeros, zeros)
