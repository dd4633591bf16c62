r"""The hierarchical variational autoencoder: distortion, a rate for each layer of codes, and bounds on the evidence.

The layers, and why bottom-up their rates cannot be told apart, are in `latentbook.learning.models.layers`; the networks
in `latentbook.learning.models.hierarchies`. Everything is in nats for each example.

Reference: Xiao & Bamler, *Trading information between latents in hierarchical variational autoencoders*, ICLR 2023.

Chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.learning.likelihoods import Likelihood
from latentbook.learning.models.layers import LayeredCodes
from latentbook.learning.options import require_integer
from latentbook.learning.rates import require_weight

__all__ = ["HierarchicalVAE"]


class HierarchicalVAE(LayeredCodes):
    r"""A variational autoencoder of two or more layers of codes.

    Codes are flat, ``(..., m_l)``, whatever a network makes of them. The networks of a Gaussian return ``2 m_l``
    numbers: means, then what :math:`\log(1 + e^t)` plus a floor turns into standard deviations. By the contract of the
    book's models, a code is the top's unless a layer is named; `decode` goes down through the most probable codes.

    Args:
        posteriors: One module for each layer, of the layer next to the data first. Top-down ``(features, z_above)`` to
            ``(..., 2 m_l)``, the top's ``(features)``; of a ladder all ``(features)``; bottom-up ``(features)`` and
            then ``(z_below)``.
        priors: One module for each layer but the top, ``(z_above)`` to ``(..., 2 m_l)``.
        decoder: Module ``(..., m_1)`` to ``(..., *parameter_shape)`` of the likelihood.
        likelihood: How data lie around what is decoded.
        latent_dims: :math:`m_1, \dots, m_L`; there are at least two.
        inference: ``"top-down"``, ``"ladder"`` or ``"bottom-up"``.
        trunk: Module from data to a sequence of L features, which the posteriors are given; None for the data.
        top: ``"gaussian"``, or ``"categorical"``: one of m_L categories, relaxed, whose network returns m_L logits.
        temperature: Of relaxed categories, above 0, where `terms` is given none.
        hard: Whether drawn categories are one-hot, with the slopes of relaxed ones.
        floor: Least standard deviation, in latent units, above 0.

    Raises:
        ValueError: If a word is unknown, a number out of range, or there is not one network for each layer.

    Example:
        >>> from latentbook.learning.models.hierarchies import hierarchical_mlp
        >>> model = hierarchical_mlp((1, 8, 8), latent_dims=(8, 4, 2))
        >>> distortion, rates = model.elbo_terms(torch.rand(5, 1, 8, 8))
        >>> distortion.shape, rates.shape
        (torch.Size([5]), torch.Size([5, 3]))

    Chapter 4.
    """

    def __init__(
        self,
        posteriors: Sequence[nn.Module],
        priors: Sequence[nn.Module],
        decoder: nn.Module,
        likelihood: Likelihood,
        latent_dims: Sequence[int],
        **options: Any,
    ) -> None:
        super().__init__(posteriors, priors, latent_dims, **options)
        self.decoder, self.likelihood = decoder, likelihood

    def decode(self, z: Tensor, layer: int | None = None) -> Tensor:
        """Return mean data of every code, through the most probable codes of the layers below.

        Args:
            z: Codes, ``(*batch, m_l)``.
            layer: Which layer's, from 1 next to the data to L; None for the top's.

        Returns:
            ``(*batch, *event)``.

        Raises:
            ValueError: If there is no such layer.
        """
        return self.likelihood.mean(self.decoder(self._descend(z, layer)))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean data at the most probable codes of all layers, ``(*batch, *event)``."""
        return self.decode(self.encode(x, 1), 1)

    def sample(
        self,
        count: int | None = None,
        *,
        z: Tensor | None = None,
        layer: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return mean data of codes that are drawn from the prior: of all layers, or of those below given codes.

        Args:
            count: How many, at least 1; of given codes, how many for each, in front, and None for one without that.
            z: Codes of a layer, ``(*batch, m_l)``; None to draw the top's too.
            layer: Which layer's they are, from 1 next to the data to L; None for the top's.
            generator: Source of randomness; by default the global one.

        Returns:
            ``(count, *batch, *event)``.

        Raises:
            ValueError: If neither a count nor codes are given, or a layer without codes, or a number is out of range.

        Chapter 4.
        """
        if count is not None:
            require_integer("count", count, 1)
        if z is None and (count is None or layer is not None):
            raise ValueError(f"`z` is None, `count` is {count}, `layer` is {layer}: give codes of a layer, or a count")
        front = () if count is None else (count,)
        batch = front if z is None else (*front, *z.shape[:-1])
        noise = self.draw_noise(batch, z, generator)
        start = self._top_from(noise[-1]) if z is None else z.expand(*front, *z.shape)
        return self.likelihood.mean(self.decoder(self._descend(start, layer, self._drawn(noise))))

    def elbo_terms(
        self, x: Tensor, noise: Sequence[Tensor] | None = None, temperature: float | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        r"""Return distortion and rates of every example, from one draw of its codes.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: From `draw_noise`, one for each layer, where none may be drawn here, as in a family; with more
                samples in front, so are the results.
            temperature: Of a relaxed top, if another than the model's.

        Returns:
            :math:`-\log p(x \mid z_1)`, ``(*batch)``; and the rates, ``(*batch, L)``, of the layer next to the data
            first. The distortion plus the sum of an example's rates is, on average, minus its ELBO. Bottom-up only that
            sum is a rate.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 4.
        """
        found = self.infer(x, noise, temperature)
        distortion = -self.likelihood.log_prob(self.decoder(found.codes[0]), x)
        return distortion, torch.stack(torch.broadcast_tensors(*self.rates(found)), -1)

    def terms(
        self, x: Tensor, noise: Sequence[Tensor] | None = None, temperature: float | Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the unweighted terms of the loss, from one draw of the codes; means over the batch.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: As in `elbo_terms`.
            temperature: As in `elbo_terms`.

        Returns:
            ``"distortion"``, and ``"rate_1"`` to ``"rate_L"``, in nats for each example.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 4.
        """
        distortion, rates = self.elbo_terms(x, noise, temperature)
        own = {f"rate_{layer}": rates[..., layer - 1].mean() for layer in range(1, self.layers + 1)}
        return {"distortion": distortion.mean(), **own}

    def loss(self, x: Tensor, betas: Sequence[float | Tensor], noise: Sequence[Tensor] | None = None) -> Tensor:
        r"""Return :math:`D + \sum_l \beta_l R_l`, the mean over the batch.

        Args:
            x: Data, ``(*batch, *event)``.
            betas: One for each layer, of the layer next to the data first; finite and at least 0. Numbers are checked,
                tensors are not: that would wait for the device, and a family has one for each member.
            noise: As in `elbo_terms`.

        Raises:
            ValueError: If a weight is out of range, there is not one for each layer, or a shape does not fit.

        Chapter 4.
        """
        if len(betas) != self.layers:
            raise ValueError(f"`betas` has {len(betas)} weights, but the model has {self.layers} layers: give each one")
        for beta in betas:
            if not isinstance(beta, Tensor):
                require_weight("betas", beta)
        distortion, *rates = self.terms(x, noise).values()
        return sum((beta * rate for beta, rate in zip(betas, rates, strict=True)), start=distortion)

    def importance_weighted_bound(self, x: Tensor, k: int, noise: Sequence[Tensor] | None = None) -> Tensor:
        r"""Return a bound on the evidence from k draws of the codes, which is tighter for more.

        .. math:: \log \frac{1}{k} \sum_{i=1}^k \frac{p(x, z^i)}{q(z^i \mid x)} \qquad\text{with}\qquad
            \mathbb{E}\,[\cdot] \le \log p(x)

        One draw gives a sample of the ELBO. A categorical top is drawn one-hot, so that the bound is one for
        categories.

        Args:
            x: Data, ``(*batch, *event)``.
            k: Draws for each example, at least 1; that many are held at once.
            noise: From ``draw_noise((k, *batch))``, one for each layer; drawn where it is not given.

        Returns:
            Nats for each example, ``(*batch)``.

        Raises:
            ValueError: If `k` is below 1, or a shape does not fit.

        Reference:
            Burda, Grosse & Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.

        Chapter 4.
        """
        require_integer("k", k, 1)
        batch = x.shape[: x.ndim - len(self.likelihood.event_shape)]
        noise = self.draw_noise((k, *batch), x) if noise is None else noise
        if wrong := [one.shape for one in noise if one.shape[:-1] != (k, *batch)]:
            raise ValueError(f"`noise` has shape {tuple(wrong[0])}, but must begin with {(k, *batch)}: use draw_noise")
        found = self.infer(x, noise, hard=True)
        log_weights = self.likelihood.log_prob(self.decoder(found.codes[0]), x)
        for z, q, p in zip(*found, strict=True):
            log_weights = log_weights + p.log_prob(z) - q.log_prob(z)
        return log_weights.logsumexp(0) - math.log(k)
