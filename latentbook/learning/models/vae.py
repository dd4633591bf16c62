r"""The variational autoencoder: a Gaussian belief about the code of every example, and a learned noise on the data.

.. math:: -\mathrm{ELBO}(x) = \underbrace{\mathbb{E}_{q(z \mid x)}[-\log p(x \mid z)]}_{\text{distortion}}
    + \underbrace{\mathrm{KL}(q(z \mid x) \,\|\, p(z))}_{\text{rate}}

with :math:`q(z \mid x) = \mathrm{N}(\mu(x), \mathrm{diag}\, s(x)^2)`, :math:`p(z) = \mathrm{N}(0, I)` and
:math:`p(x \mid z) = \mathrm{N}(f(z), \sigma^2 I)`. Everything is in nats, summed over an example's values.

Chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence, register_kl

__all__ = ["VAE", "DiagonalGaussian", "require_noise"]

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
# What `terms` returns besides the penalties, and what it calls the noise of the codes.
OWN = ("distortion", "rate", "code")


class DiagonalGaussian(Independent):
    """A Gaussian whose dimensions are independent, told by the logarithm of its standard deviation.

    Densities and divergences come from that logarithm, so that no variance under- or overflows on their way; the
    divergence of two of them is registered with `torch.distributions.kl_divergence`. Arguments are not looked at by
    default: that would wait for the device.

    Args:
        mean: ``(*batch, m)``; the last dimension is the event.
        log_std: Logarithm of the standard deviation, ``(*batch, m)``.
        validate_args: Whether torch checks values.

    Example:
        >>> belief = DiagonalGaussian(torch.ones(5, 3), torch.zeros(5, 3))
        >>> kl_divergence(belief, DiagonalGaussian(torch.zeros(5, 3), torch.zeros(5, 3)))
        tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000])

    Chapter 2.
    """

    def __init__(
        self, mean: Float[Tensor, "*batch m"], log_std: Float[Tensor, "*batch m"], validate_args: bool | None = False
    ) -> None:
        self.log_std = log_std
        super().__init__(Normal(mean, log_std.exp(), validate_args), 1, validate_args)

    def at(self, noise: Float[Tensor, "*samples m"]) -> Float[Tensor, "*samples m"]:
        r"""Return the sample that standard normal noise stands for, :math:`\mu + s\, \epsilon`.

        Args:
            noise: One number for each of the mean's, ``(*batch, m)``, or more samples of that in front.

        Returns:
            Points of the shape of the noise; gradients reach the mean and the deviation.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 2.
        """
        require_noise(noise, self.mean.shape, "codes")
        return self.mean + self.stddev * noise

    def log_prob(self, value: Float[Tensor, "*samples m"]) -> Float[Tensor, "*samples"]:
        """Return the logarithm of the density, in nats."""
        distance = (value - self.mean) * (-self.log_std).exp()
        return -(0.5 * distance.square() + self.log_std + HALF_LOG_TWO_PI).sum(-1)

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        return (self.log_std + HALF_LOG_TWO_PI + 0.5).sum(-1)

    def expand(self, batch_shape: torch.Size | tuple[int, ...], _instance: object = None) -> DiagonalGaussian:
        """Return the same belief for a larger batch."""
        shape = (*batch_shape, *self.event_shape)
        return DiagonalGaussian(self.mean.expand(shape), self.log_std.expand(shape))


def require_noise(noise: Tensor, shape: torch.Size, kind: str) -> None:
    """Refuse noise that is not one number for each of those of codes, with samples in front.

    Args:
        noise: What samples are made from.
        shape: Of what is believed about the codes.
        kind: What they are, for the message.

    Raises:
        ValueError: If the shape does not fit.

    Chapters 2 to 4.
    """
    if noise.shape[max(noise.ndim - len(shape), 0) :] != shape:
        found = f"`noise` has shape {tuple(noise.shape)} for {kind} of shape {tuple(shape)}"
        raise ValueError(f"{found}: give each code its own, {tuple(shape)}")


@register_kl(DiagonalGaussian, DiagonalGaussian)
def _divergence(p: DiagonalGaussian, q: DiagonalGaussian) -> Tensor:
    narrowing = 2 * (p.log_std - q.log_std)
    distance = (p.mean - q.mean) * (-q.log_std).exp()
    # exp(t) - 1 in one, which is exact where both are nearly the same.
    return 0.5 * (distance.square() + narrowing.expm1() - narrowing).sum(-1)


class VAE(nn.Module):
    r"""A variational autoencoder with a diagonal Gaussian posterior and isotropic Gaussian noise on the data.

    The noise's standard deviation :math:`\sigma` is one number, learned as its logarithm `log_sigma`, and so always
    positive. Penalties are functions of the decoder and of the *sampled* codes; their gradients reach the encoder. As
    `latentbook.isometry.relaxed_distortion` is one such function, an isometric VAE is
    ``VAE(encoder, decoder, {"isometry": relaxed_distortion})``.

    Args:
        encoder: Module ``(..., *event)`` to ``(..., 2 m)``: the means, then the logarithms of standard deviations.
        decoder: Module ``(..., m)`` to ``(..., *event)``.
        penalties: Named functions ``penalty(decode, z)`` to a scalar, called with ``noise=`` too where `terms` is given
            some for them; their weights belong to the training.
        sigma: Where :math:`\sigma` starts, in data units, above 0.

    Raises:
        ValueError: If `sigma` is not positive and finite, or a penalty has the name of a term that is there already.

    Reference:
        Kingma & Welling, *Auto-encoding variational Bayes*, ICLR 2014; Rezende, Mohamed & Wierstra, ICML 2014. The
        learned :math:`\sigma`: Rybkin, Daniilidis & Levine, *Simple and effective VAE training with calibrated
        decoders*, ICML 2021. Penalties on samples: Lee, Yoon, Son & Park, ICLR 2022.

    Example:
        >>> from latentbook.isometry import relaxed_distortion
        >>> model = VAE(nn.Linear(4, 2 * 2), nn.Linear(2, 4), {"isometry": relaxed_distortion})
        >>> sorted(model.terms(torch.rand(8, 4)))
        ['distortion', 'isometry', 'rate']

    Chapter 2.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        penalties: Mapping[str, Callable[..., Tensor]] | None = None,
        sigma: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0 < sigma < math.inf:
            raise ValueError(f"`sigma` is {sigma}, but must be a finite number above 0")
        self.penalties = dict(penalties or {})
        if taken := [name for name in self.penalties if name in OWN]:
            raise ValueError(f"`penalties` has {taken[0]!r}, which the model uses: give the penalty another name")
        self.encoder, self.decoder = encoder, decoder
        self.log_sigma = nn.Parameter(torch.tensor(math.log(sigma)))

    @property
    def sigma(self) -> Tensor:
        """Standard deviation of the data around their mean, in data units."""
        return self.log_sigma.exp()

    def encode(self, x: Tensor) -> Tensor:
        """Return the mean code of every example, ``(..., m)``."""
        return self.posterior(x).mean

    def posterior(self, x: Tensor) -> DiagonalGaussian:
        """Return what the encoder believes about the code of every example.

        Raises:
            ValueError: If the encoder's last dimension is odd, and so holds no means and deviations.
        """
        parameters = self.encoder(x)
        if parameters.ndim == 0 or parameters.shape[-1] % 2 or parameters.shape[-1] == 0:
            found = f"`encoder` returned {tuple(parameters.shape)} for data of shape {tuple(x.shape)}"
            raise ValueError(f"{found}: its last dimension holds m means and m log deviations, so make it 2 m")
        return DiagonalGaussian(*parameters.chunk(2, -1))

    def prior(self, z: Float[Tensor, "*batch m"]) -> DiagonalGaussian:
        """Return what is believed about codes like `z` before any data: the standard normal, of its shape and kind."""
        zeros = torch.zeros_like(z)
        return DiagonalGaussian(zeros, zeros)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean data of every code, ``(..., *event)``."""
        return self.decoder(z)

    def log_likelihood(self, x: Tensor, z: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch"]:
        r"""Return :math:`\log p(x \mid z) = -\lVert x - f(z) \rVert^2 / 2 \sigma^2 - D \log \sigma - D/2 \log 2 \pi`.

        Args:
            x: Data, ``(*batch, *event)``.
            z: Codes, ``(*batch, m)``, or several for each example, ``(*samples, *batch, m)``.

        Returns:
            Nats for each code, summed over the D values of an example.

        Raises:
            ValueError: If the decoder's data are not of the shape of `x`.

        Chapter 2.
        """
        mean, batch = self.decode(z), z.shape[:-1]
        event = mean.shape[len(batch) :]
        if mean.shape[: len(batch)] != batch or not event or mean.shape[max(mean.ndim - x.ndim, 0) :] != x.shape:
            found = f"`decoder` returned {tuple(mean.shape)} for codes of shape {tuple(z.shape)}"
            raise ValueError(f"{found}, but `x` has shape {tuple(x.shape)}: each code needs one whole example")
        errors = (x - mean) * (-self.log_sigma).exp()
        squares = errors.square().flatten(len(batch)).sum(-1)
        return -0.5 * squares - event.numel() * (self.log_sigma + HALF_LOG_TWO_PI)

    def terms(self, x: Tensor, noise: Tensor | Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        r"""Return the unweighted terms of the loss, from one sample of each code; means over the batch.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: What randomness the terms use, where none may be drawn here, as in a family: standard normal numbers
                for the codes, ``(*batch, m)``; or a dict with those as ``"code"``, and under the name of a penalty what
                it is called with as ``noise=``. What is not given is drawn.

        Returns:
            ``"distortion"``, :math:`-\log p(x \mid z)`, and ``"rate"``, the divergence of the posterior from the prior,
            in nats for each example; then every penalty.

        Raises:
            ValueError: If a shape does not fit, or noise is given for what is not there.

        Chapter 2.
        """
        given = self._named(noise)
        belief = self.posterior(x)
        z = belief.at(given["code"]) if "code" in given else belief.rsample()
        terms = {
            "distortion": -self.log_likelihood(x, z).mean(),
            "rate": kl_divergence(belief, self.prior(belief.mean)).mean(),
        }
        for name, penalty in self.penalties.items():
            own: dict[str, Any] = {"noise": given[name]} if name in given else {}
            terms[name] = penalty(self.decode, z, **own)
        return terms

    def _named(self, noise: Tensor | Mapping[str, Tensor] | None) -> Mapping[str, Tensor]:
        given = {"code": noise} if isinstance(noise, Tensor) else noise or {}
        known = ["code", *self.penalties]
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"`noise` names {unknown[0]!r}, but the model knows {known}: leave it out or correct it")
        return given
