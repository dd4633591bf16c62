r"""The bidirectional adversarial network: a generator, its inverse, and a judge of pairs.

A discriminator is shown pairs of an image and a code, :math:`(x, E(x))` of the data and :math:`(G(z), z)` of the prior
:math:`p(z) = \mathrm{N}(0, I)`, and says with a logit :math:`d` how much it takes a pair for the first kind:

.. math:: L_D = \mathbb{E}_x[-\log s(d(x, E(x)))] + \mathbb{E}_z[-\log s(-d(G(z), z))], \qquad
    L_G = \mathbb{E}_x[-\log s(-d(x, E(x)))] + \mathbb{E}_z[-\log s(d(G(z), z))],

with :math:`s` the logistic function. Encoder and generator descend on :math:`L_G`, which does not saturate. Where the
two kinds of pairs have one law, the best discriminator says 0, and both losses are :math:`\log 4`; else its loss is
less, by twice the Jensen-Shannon divergence of the two laws. Everything is in nats for each pair.

Reference: Donahue, Krähenbühl & Darrell, *Adversarial feature learning*, ICLR 2017; Dumoulin et al., *Adversarially
learned inference*, ICLR 2017.

Chapter 3.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from latentbook.learning.models.autoencoder import PointMass
from latentbook.learning.models.convolutional import (
    conv_decoder,
    conv_encoder,
    conv_features,
    linear_block,
    smallest_maps,
)
from latentbook.learning.nets import AnyBatch, mlp

__all__ = ["BiGAN", "PairDiscriminator", "bigan_conv", "bigan_mlp"]

# Sizes of the original: of convolutions inwards and outwards, and of the discriminator's linear blocks.
INWARDS, OUTWARDS, CODES, BOTH = (16, 32), (32, 16, 3), (16, 32), 32
# Of the perceptron's discriminator, below 0.
SLOPE = 0.2


class PairDiscriminator(nn.Module):
    """A discriminator that looks at an example and at a code by themselves, and then at both.

    Args:
        of_x: Module ``(..., *event)`` to ``(..., a)``.
        of_z: Module ``(..., m)`` to ``(..., b)``.
        of_both: Module ``(..., a + b)`` to ``(..., 1)``.

    Example:
        >>> discriminator = PairDiscriminator(nn.Flatten(-3), nn.Identity(), nn.Linear(64 + 2, 1))
        >>> discriminator(torch.zeros(5, 1, 8, 8), torch.zeros(5, 2)).shape
        torch.Size([5])

    Chapter 3.
    """

    def __init__(self, of_x: nn.Module, of_z: nn.Module, of_both: nn.Module) -> None:
        super().__init__()
        self.of_x, self.of_z, self.of_both = of_x, of_z, of_both

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return one logit for each pair."""
        return self.of_both(torch.cat([self.of_x(x), self.of_z(z)], -1)).squeeze(-1)


class BiGAN(nn.Module):
    """An encoder and a generator that are trained against a discriminator of pairs.

    `latentbook.learning.adversarial.AdversarialUpdate` trains it: a single descent on its terms would have the
    discriminator help the generator.

    Args:
        encoder: Module ``(..., *event)`` to ``(..., m)``.
        generator: Module ``(..., m)`` to ``(..., *event)``.
        discriminator: Module that takes examples and codes, to one logit a pair, ``(...)``.

    Example:
        >>> model = bigan_mlp(2, (1, 8, 8))
        >>> sorted(model.terms(torch.rand(5, 1, 8, 8)))
        ['discriminator', 'generator']

    Chapter 3.
    """

    def __init__(self, encoder: nn.Module, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.encoder, self.generator, self.discriminator = encoder, generator, discriminator

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of every example, ``(..., m)``."""
        return self.encoder(x)

    def posterior(self, x: Tensor) -> PointMass:
        """Return what the encoder believes about the code: one point, without doubt."""
        return PointMass(self.encode(x))

    def decode(self, z: Tensor) -> Tensor:
        """Return what is generated from every code, ``(..., *event)``."""
        return self.generator(z)

    def discriminate(self, x: Tensor, z: Tensor) -> Tensor:
        """Return how much each pair is taken for data and their code, a logit, ``(...)``."""
        return self.discriminator(x, z)

    def discriminator_loss(self, data: tuple[Tensor, Tensor], generated: tuple[Tensor, Tensor]) -> Tensor:
        """Return the cross-entropy of telling two kinds of pairs apart.

        Args:
            data: Examples and their codes.
            generated: What is generated, and from which codes.

        Returns:
            Nats for each pair.
        """
        return -logsigmoid(self.discriminate(*data)).mean() - logsigmoid(-self.discriminate(*generated)).mean()

    def generator_loss(self, data: tuple[Tensor, Tensor], generated: tuple[Tensor, Tensor]) -> Tensor:
        """Return the cross-entropy of telling them apart the wrong way round.

        Args:
            data: Examples and their codes.
            generated: What is generated, and from which codes.

        Returns:
            Nats for each pair.
        """
        return self.discriminator_loss(generated, data)

    def terms(self, x: Tensor, noise: Tensor | Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Return both losses, unweighted, at the same pairs.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: Standard normal numbers for the codes, ``(*batch, m)``, alone or in a dict as ``"code"``; drawn where
                they are not given.

        Returns:
            ``"discriminator"`` and ``"generator"``, in nats for each pair, means over the batch.

        Raises:
            ValueError: If the noise has another shape than the codes, or is of something else.
        """
        data, generated = self.pairs(x, noise)
        losses = self.discriminator_loss(data, generated), self.generator_loss(data, generated)
        return dict(zip(("discriminator", "generator"), losses, strict=True))

    def pairs(
        self, x: Tensor, noise: Tensor | Mapping[str, Tensor] | None = None
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return data with their codes, and as many codes from the prior with what is generated from them.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: As in `terms`.

        Returns:
            Two pairs of examples and codes.

        Raises:
            ValueError: If the noise has another shape than the codes, or is of something else.
        """
        codes = self.encode(x)
        z = _code_noise(noise, codes)
        return (x, codes), (self.decode(z), z)


def bigan_conv(latent_dim: int, event_shape: Sequence[int] = (1, 28, 28)) -> BiGAN:
    """Return an untrained model of convolutions, of the original's sizes.

    With 16 latents the generator has 25,021 parameters, the encoder 23,456 and the discriminator 43,937.

    Args:
        latent_dim: Size of a code.
        event_shape: Of an image, ``(C, H, W)``; sides are multiples of 4, at least 8.

    Returns:
        The model; it generates levels in [0, 1]. In train mode a batch is at least two examples.

    Raises:
        ValueError: If the sides do not fit.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshops 2021.

    Example:
        >>> bigan_conv(16).decode(torch.zeros(5, 16)).shape
        torch.Size([5, 1, 28, 28])

    Chapter 3.
    """
    of_x = conv_features(event_shape, INWARDS)
    first, last = CODES
    of_z = nn.Sequential(linear_block(latent_dim, first), linear_block(first, last))
    features = INWARDS[-1] * math.prod(smallest_maps(event_shape)) + last
    of_both = nn.Sequential(linear_block(features, BOTH), nn.Linear(BOTH, 1))
    discriminator = PairDiscriminator(of_x, AnyBatch(of_z, (latent_dim,)), AnyBatch(of_both, (features,)))
    encoder = conv_encoder(latent_dim, event_shape, INWARDS)
    return BiGAN(encoder, conv_decoder(latent_dim, event_shape, OUTWARDS), discriminator)


def bigan_mlp(latent_dim: int, event_shape: Sequence[int], hidden: Sequence[int] = (128, 128)) -> BiGAN:
    """Return an untrained model of perceptrons, for small events; encoder and generator are smooth.

    Their hidden layers are followed by BatchNorm, without which samples are worse and codes do not spread as the prior
    does; `latentbook.learning.nets.fold_batch_norm` takes it out of what was trained.

    Args:
        latent_dim: Size of a code.
        event_shape: Shape of one example. Images, of three dimensions, are generated in levels in [0, 1], anything else
            as any number.
        hidden: Sizes of the hidden layers, data side first.

    Returns:
        The model. In train mode a batch is at least two examples.

    Example:
        >>> bigan_mlp(2, (1, 8, 8)).decode(torch.zeros(5, 2)).shape
        torch.Size([5, 1, 8, 8])

    Chapter 3.
    """
    size, flat = math.prod(event_shape), nn.Flatten(-len(event_shape))
    encoder = nn.Sequential(flat, AnyBatch(_smooth([size, *hidden, latent_dim]), (size,)))
    body = AnyBatch(_smooth([latent_dim, *hidden[::-1], size]), (latent_dim,))
    generator = nn.Sequential(body, nn.Unflatten(-1, tuple(event_shape)))
    if len(event_shape) == 3:
        generator.append(nn.Sigmoid())
    of_both = mlp([size + latent_dim, *hidden, 1], functools.partial(nn.LeakyReLU, SLOPE))
    return BiGAN(encoder, generator, PairDiscriminator(flat, nn.Identity(), of_both))


def _smooth(widths: Sequence[int]) -> nn.Sequential:
    """Return a perceptron with BatchNorm and SiLU between its linear layers."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.SiLU()]
    return nn.Sequential(*layers[:-2])


def _code_noise(noise: Tensor | Mapping[str, Tensor] | None, codes: Float[Tensor, "*batch m"]) -> Tensor:
    """Return the noise that was given for these codes, or draw it."""
    given = {"code": noise} if isinstance(noise, Tensor) else noise or {}
    if unknown := [name for name in given if name != "code"]:
        raise ValueError(f"`noise` names {unknown[0]!r}, but the model knows ['code']: leave it out or correct it")
    z = given.get("code", torch.randn_like(codes))
    if z.shape != codes.shape:
        found = f"`noise` has shape {tuple(z.shape)} for codes of shape {tuple(codes.shape)}"
        raise ValueError(f"{found}: give each code its own, {tuple(codes.shape)}")
    return z
