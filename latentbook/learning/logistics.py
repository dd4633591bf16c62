r"""Mixtures of logistic densities, cut into the 256 levels of a byte.

A level has the mass between the middles to its neighbours, the first and the last have all that is beyond too, so that
probabilities of all levels sum to 1. With a colour in [-1, 1], and :math:`a, b` the ends of its level less the mean, in
units of the scale,

.. math:: s(a) - s(b) = s(a)\, s(-b)\, (1 - e^{-(a - b)}), \qquad s(t) = \frac{1}{1 + e^{-t}},

whose logarithm no cancellation and no underflow reaches. In a component the mean of a colour depends, linearly, on the
colours before it. For C colours and K components there are K (1 + 2 C + C (C - 1) / 2) numbers at each place: weights,
means, logarithms of scales, and dependences.

Reference: Salimans, Karpathy, Chen & Kingma, *PixelCNN++*, ICLR 2017.

Chapter 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

__all__ = ["Parts", "mixture_log_prob", "mixture_mean", "mixture_size"]

# The values of a colour, and bounds of a scale's logarithm, in half ranges of a colour.
LEVELS, LOG_SCALES = 256, (-7.0, 7.0)


class Parts(NamedTuple):
    """Parameters of a mixture; all but the weights have a first dimension that counts colours, or pairs of them.

    Attributes:
        log_weights: Of the components, ``(*batch, K, *places)``.
        means: In [-1, 1], or beyond.
        log_scales: Within their bounds.
        dependences: Slopes of a colour's mean in one before it, in (-1, 1).
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor
    dependences: Tensor

    def mean(self, colour: int, before: Sequence[Tensor]) -> Tensor:
        """Return a colour's mean in each component, given the colours before it."""
        first = colour * (colour - 1) // 2
        moves = (self.dependences[first + other] * before[other] for other in range(colour))
        return sum(moves, start=self.means[colour])


def mixture_size(colours: int, components: int) -> int:
    """Return how many numbers there are at a place.

    Args:
        colours: C, at least 1.
        components: K, at least 1.

    Returns:
        K (1 + 2 C + C (C - 1) / 2).

    Example:
        >>> mixture_size(3, 10)
        100

    Chapter 4.
    """
    return components * (1 + 2 * colours + colours * (colours - 1) // 2)


def mixture_mean(parameters: Tensor, colours: int, components: int, dims: int) -> Tensor:
    """Return the mean of a mixture before it is cut into levels, within [0, 1].

    Args:
        parameters: ``(*batch, mixture_size, *places)``.
        colours: C.
        components: K.
        dims: How many dimensions an example has, that of colours and those of places.

    Returns:
        Levels, ``(*batch, C, *places)``.

    Example:
        >>> mixture_mean(torch.zeros(5, 100, 8, 8), 3, 10, 3).unique()
        tensor([0.5000])

    Chapter 4.
    """
    parts, means = _parts(parameters, colours, components, dims), []
    for colour in range(colours):
        means.append(parts.mean(colour, means))
    mean = torch.stack([(parts.log_weights.exp() * own).sum(-dims) for own in means], -dims)
    return ((mean + 1) / 2).clamp(0, 1)


def mixture_log_prob(parameters: Tensor, x: Tensor, components: int, dims: int) -> Tensor:
    """Return the logarithm of the probability of all colours at each place.

    Args:
        parameters: ``(*batch, mixture_size, *places)``, with samples in front.
        x: Levels in [0, 1], ``(*batch, C, *places)``; rounded to the nearest of 256.
        components: K.
        dims: How many dimensions an example has, that of colours and those of places.

    Returns:
        Nats, ``(*batch, *places)``.

    Example:
        >>> levels = torch.arange(256)[:, None] / 255
        >>> mixture_log_prob(torch.randn(30), levels, 10, 1).exp().sum().item()
        1.0000

    Chapter 4.
    """
    colours = x.shape[-dims]
    parts = _parts(parameters, colours, components, dims)
    # With a dimension of size 1 for the components.
    level = ((LEVELS - 1) * x).round().movedim(-dims, 0).unsqueeze(-dims)
    value = [2 * own / (LEVELS - 1) - 1 for own in level]
    log_mass = parts.log_weights
    for colour in range(colours):
        distance = value[colour] - parts.mean(colour, value)
        log_mass = log_mass + _log_mass(level[colour], distance, parts.log_scales[colour])
    return log_mass.logsumexp(-dims)


def _parts(parameters: Tensor, colours: int, components: int, dims: int) -> Parts:
    numbers = parameters.unflatten(-dims, (-1, components)).movedim(-dims - 1, 0)
    means, log_scales, dependences = numbers[1:].tensor_split((colours, 2 * colours))
    return Parts(numbers[0].log_softmax(-dims), means, log_scales.clamp(*LOG_SCALES), dependences.tanh())


def _log_mass(level: Tensor, distance: Tensor, log_scale: Tensor) -> Tensor:
    """Return the logarithm of a logistic's mass on a level, from where the level is, less the mean."""
    inverse, half = (-log_scale).exp(), 1 / (LEVELS - 1)
    up, down = inverse * (distance + half), inverse * (distance - half)
    below, above = logsigmoid(up), logsigmoid(-down)
    inside = below + above + (-(-2 * half * inverse).expm1()).log()
    return torch.where(level == 0, below, torch.where(level == LEVELS - 1, above, inside))
