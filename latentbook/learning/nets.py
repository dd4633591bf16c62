"""Network bodies: multilayer perceptrons from and to events of any shape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch  # noqa: F401  (doctests)
from torch import nn

__all__ = ["mlp", "mlp_decoder", "mlp_encoder"]

Activation = Callable[[], nn.Module]
Parametrization = Callable[[nn.Linear], nn.Module]


def mlp(
    widths: Sequence[int], activation: Activation = nn.ReLU, parametrization: Parametrization | None = None
) -> nn.Sequential:
    """Return a multilayer perceptron with an activation between its linear layers and none after the last.

    Args:
        widths: Sizes from input to output, at least two.
        activation: Makes one activation; called anew for every layer.
        parametrization: Applied to every linear layer, for instance torch's `spectral_norm`.

    Returns:
        The layers in order, without an activation at the end.

    Raises:
        ValueError: If there are fewer than two widths, or one is below 1.

    Example:
        >>> [layer.__class__.__name__ for layer in mlp([2, 8, 3])]
        ['Linear', 'ReLU', 'Linear']

    All chapters.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(
            f"`widths` is {list(widths)}, but a perceptron needs an input and an output size, each at least 1"
        )
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        linear = nn.Linear(inputs, outputs)
        layers += [parametrization(linear) if parametrization else linear, activation()]
    return nn.Sequential(*layers[:-1])


def mlp_encoder(
    event_shape: Sequence[int], hidden: Sequence[int], latent_dim: int, activation: Activation = nn.ReLU
) -> nn.Sequential:
    """Return a perceptron ``(..., *event)`` to ``(..., latent_dim)``.

    Args:
        event_shape: Shape of one example.
        hidden: Sizes of the hidden layers, data side first.
        latent_dim: Size of a code.
        activation: Makes one activation.

    Returns:
        The encoder; any number of leading dimensions is a batch.

    Raises:
        ValueError: If `event_shape` has no dimension.

    Example:
        >>> mlp_encoder((1, 8, 8), [16], 2)(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 2])

    All chapters.
    """
    if not event_shape:
        raise ValueError("`event_shape` is (): an example has at least one dimension, as in (1,)")
    flatten = nn.Flatten(start_dim=-len(event_shape))
    return nn.Sequential(flatten, mlp([math.prod(event_shape), *hidden, latent_dim], activation))


def mlp_decoder(
    latent_dim: int,
    hidden: Sequence[int],
    event_shape: Sequence[int],
    activation: Activation = nn.ReLU,
    parametrization: Parametrization | None = None,
) -> nn.Sequential:
    """Return a perceptron ``(..., latent_dim)`` to ``(..., *event)``.

    Args:
        latent_dim: Size of a code.
        hidden: Sizes of the hidden layers, latent side first.
        event_shape: Shape of one example.
        activation: Makes one activation.
        parametrization: Applied to every linear layer.

    Returns:
        The decoder; any number of leading dimensions is a batch.

    Example:
        >>> mlp_decoder(2, [16], (1, 8, 8))(torch.zeros(5, 2)).shape
        torch.Size([5, 1, 8, 8])

    All chapters.
    """
    body = mlp([latent_dim, *hidden, math.prod(event_shape)], activation, parametrization)
    return nn.Sequential(body, nn.Unflatten(-1, tuple(event_shape)))
