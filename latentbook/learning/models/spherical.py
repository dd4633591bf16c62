r"""Variational autoencoders whose codes lie on a sphere, on a product of spheres, or in a Euclidean space.

.. math:: -\mathrm{ELBO}(x) = \mathbb{E}_{q(z \mid x)}[-\log p(x \mid z)]
    + \sum_f \mathrm{KL}(q(z_f \mid x) \,\|\, p(z_f))

with a prior that is uniform on each sphere. Everything is in nats for each example. What a network's numbers say of a
code is in `latentbook.learning.models.codes`.

Reference: Davidson, Falorsi, De Cao, Kipf & Tomczak, *Hyperspherical variational auto-encoders*, UAI 2018.

Chapter 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentbook.learning.likelihoods import Likelihood, likelihood
from latentbook.learning.models.codes import Codes
from latentbook.learning.models.gated import gated_decoder, gated_encoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.options import require_integer

__all__ = ["SphericalVAE", "spherical_conv", "spherical_mlp"]

Activation = Callable[[], nn.Module]


class SphericalVAE(nn.Module):
    r"""A variational autoencoder with a code on spheres; or, to compare, in a Euclidean space.

    Args:
        encoder: Module ``(..., *event)`` to ``(..., numbers)``; how many, `Codes` says.
        decoder: Module ``(..., latent_dim)`` to ``(..., *parameter_shape)`` of the likelihood.
        noise: How data lie around what is decoded.
        manifold: The factors' dimensions, as in ``"9"`` for S^9 in R^10, or ``"4,4"`` for S^4 x S^4 in R^5 x R^5.
        distribution: ``"vmf"``, ``"power"`` or ``"cauchy"`` on spheres; ``"normal"`` in Euclidean factors.
        options: Of `latentbook.learning.models.codes.Codes`: `covariance`, `floor`, `sampler`.

    Raises:
        TypeError: If the manifold is neither text nor a number.
        ValueError: If it cannot be read, a word is unknown, or the floor is negative or not finite.

    Example:
        >>> model = spherical_mlp((1, 8, 8), "4,4")
        >>> sorted(model.terms(torch.rand(16, 1, 8, 8)))
        ['distortion', 'rate']

    Chapter 5.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        noise: Likelihood,
        manifold: str | int = "9",
        distribution: str = "vmf",
        **options: Any,
    ) -> None:
        super().__init__()
        self.codes = Codes(manifold, distribution, **options)
        self.encoder, self.decoder, self.likelihood = encoder, decoder, noise

    def posterior(self, x: Tensor) -> Distribution:
        """Return what the encoder believes about the code of every example.

        Raises:
            ValueError: If the encoder's last dimension does not fit the manifold.
        """
        return self.codes.posterior(self.encoder(x))

    def encode(self, x: Tensor) -> Tensor:
        """Return the most probable code of every example, ``(..., latent_dim)``: a direction on each sphere."""
        return torch.cat([law.mode for law in self.codes.factors(self.encoder(x))], -1)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean data of every code, ``(..., *event)``."""
        return self.likelihood.mean(self.decoder(z))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean data at the most probable codes, ``(*batch, *event)``."""
        return self.decode(self.encode(x))

    def sample(self, count: int) -> Tensor:
        """Return mean data of codes that are drawn from the prior, ``(count, *event)``.

        Args:
            count: How many, at least 1.

        Raises:
            ValueError: If it is below 1.
        """
        require_integer("count", count, 1)
        like = next(self.parameters())
        return self.decode(self.codes.prior(like).sample(torch.Size([count])))

    def elbo_terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distortion, from one draw of each code, and the rate of each factor.

        Args:
            x: Data, ``(*batch, *event)``.

        Returns:
            Nats for each example, ``(*batch)`` and ``(*batch, factors)``.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 5.
        """
        z, rates = self.codes.draw(self.encoder(x))
        return -self.likelihood.log_prob(self.decoder(z), x), rates

    def terms(self, x: Tensor) -> dict[str, Tensor]:
        r"""Return the unweighted terms of the loss, from one draw of each code; means over the batch.

        Args:
            x: Data, ``(*batch, *event)``.

        Returns:
            ``"distortion"``, :math:`-\log p(x \mid z)`, and ``"rate"``, in nats for each example.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 5.
        """
        distortion, rates = self.elbo_terms(x)
        return {"distortion": distortion.mean(), "rate": rates.sum(-1).mean()}

    def importance_weighted_bound(self, x: Tensor, k: int, chunk: int = 50) -> Tensor:
        r"""Return a bound on the evidence from k draws of the codes, which is tighter for more.

        .. math:: \log \frac{1}{k} \sum_{i=1}^k \frac{p(x \mid z^i)\, p(z^i)}{q(z^i \mid x)} \qquad\text{with}\qquad
            \mathbb{E}\,[\cdot] \le \log p(x)

        One draw gives a sample of the ELBO.

        Args:
            x: Data, ``(*batch, *event)``.
            k: Draws for each example, at least 1.
            chunk: Draws that are held at once, at least 1; the result's law does not depend on it.

        Returns:
            Nats for each example, ``(*batch)``.

        Raises:
            ValueError: If a number is below 1, or a shape does not fit.

        Reference:
            Burda, Grosse & Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.

        Chapter 5.
        """
        require_integer("k", k, 1)
        require_integer("chunk", chunk, 1)
        q = self.posterior(x)
        p = self.codes.prior(x)
        counts = [min(chunk, k - first) for first in range(0, k, chunk)]
        parts = [self._log_weights(x, q, p, count).logsumexp(0) for count in counts]
        return torch.stack(parts).logsumexp(0) - math.log(k)

    def _log_weights(self, x: Tensor, q: Distribution, p: Distribution, count: int) -> Tensor:
        """Return the logarithms of weights of some draws of each example's code, ``(count, *batch)``."""
        z = q.rsample(torch.Size([count]))
        return self.likelihood.log_prob(self.decoder(z), x) + p.log_prob(z) - q.log_prob(z)


def spherical_mlp(
    event_shape: Sequence[int],
    manifold: str | int = "9",
    distribution: str = "vmf",
    *,
    hidden: Sequence[int] = (256, 128),
    noise: str | Likelihood = "bernoulli",
    activation: Activation = nn.ReLU,
    **options: Any,
) -> SphericalVAE:
    """Return an untrained model of perceptrons.

    Args:
        event_shape: Shape of one example.
        manifold: The factors' dimensions.
        distribution: Of codes.
        hidden: Sizes of the encoder's hidden layers, data side first; the decoder has them the other way round.
        noise: A likelihood, or its name, as in `latentbook.learning.likelihoods.likelihood`.
        activation: Makes one activation.
        options: Of `latentbook.learning.models.codes.Codes`: `covariance`, `floor`, `sampler`.

    Returns:
        The model.

    Raises:
        ValueError: If a word is unknown, or a number out of range.

    Example:
        >>> spherical_mlp((1, 28, 28), "2").encode(torch.rand(4, 1, 28, 28)).norm(dim=-1).detach()
        tensor([1.0000, 1.0000, 1.0000, 1.0000])

    Chapter 5.
    """
    codes, own = Codes(manifold, distribution, **options), likelihood(noise, event_shape)
    encoder = mlp_encoder(event_shape, hidden, codes.numbers, activation)
    decoder = mlp_decoder(codes.latent_dim, hidden[::-1], own.parameter_shape, activation)
    return SphericalVAE(encoder, decoder, own, manifold, distribution, **options)


def spherical_conv(
    event_shape: Sequence[int],
    manifold: str | int = "9",
    distribution: str = "vmf",
    *,
    noise: str | Likelihood = "bernoulli",
    **options: Any,
) -> SphericalVAE:
    """Return an untrained model of gated convolutions; arguments are as of `spherical_mlp`.

    Args:
        event_shape: Shape of an image; its sides are multiples of 4.
        manifold: The factors' dimensions.
        distribution: Of codes.
        noise: A likelihood, or its name.
        options: Of `latentbook.learning.models.codes.Codes`.

    Returns:
        The model.

    Raises:
        ValueError: If a word is unknown, a number out of range, or the shape not that of such an image.

    Example:
        >>> spherical_conv((1, 8, 8), "4,4").decode(torch.rand(3, 10)).shape
        torch.Size([3, 1, 8, 8])

    Chapter 5.
    """
    codes, own = Codes(manifold, distribution, **options), likelihood(noise, event_shape)
    encoder = gated_encoder(event_shape, codes.numbers)
    decoder = gated_decoder(codes.latent_dim, event_shape, own.parameter_shape[0])
    return SphericalVAE(encoder, decoder, own, manifold, distribution, **options)
