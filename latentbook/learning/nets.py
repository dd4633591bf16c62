"""Network bodies: multilayer perceptrons from and to events of any shape, and batches of any shape for all others."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = ["AnyBatch", "fold_batch_norm", "mlp", "mlp_decoder", "mlp_encoder"]

Activation = Callable[[], nn.Module]
Parametrization = Callable[[nn.Linear], nn.Module]


class AnyBatch(nn.Module):
    """A network of one leading dimension, opened to any number of them: convolutions and BatchNorm know only one.

    Args:
        body: Module ``(N, *event)`` to ``(N, *result)``.
        event_shape: Shape of what it takes.

    Raises:
        ValueError: When called with something of another shape.

    Example:
        >>> AnyBatch(nn.Conv2d(1, 3, 4), (1, 8, 8))(torch.zeros(2, 5, 1, 8, 8)).shape
        torch.Size([2, 5, 3, 5, 5])

    All chapters.
    """

    def __init__(self, body: nn.Module, event_shape: Sequence[int]) -> None:
        super().__init__()
        self.body, self.event_shape = body, tuple(event_shape)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the network to every event, whatever the batch."""
        batch = x.shape[: x.ndim - len(self.event_shape)]
        if x.shape[len(batch) :] != self.event_shape:
            raise ValueError(f"`x` has shape {tuple(x.shape)}, but must end in {self.event_shape}")
        found = self.body(x.reshape(math.prod(batch), *self.event_shape))
        return found.reshape(*batch, *found.shape[1:])


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


def fold_batch_norm(network: nn.Module) -> nn.Module:
    r"""Return a copy of a trained network in which linear layers do what the BatchNorm after them did in eval mode.

    With running mean :math:`\mu` and variance :math:`v`, :math:`\gamma (W x + b - \mu) / \sqrt{v + \epsilon} + \beta`
    is affine in :math:`x`: one layer less to compute and to differentiate, and a perceptron that the explorer can take.

    Args:
        network: Linear layers, parametrized or not, each followed by a BatchNorm or not, in sequences. Others stay.

    Returns:
        The copy, in eval mode. What it returns is the same but for rounding.

    Example:
        >>> fold_batch_norm(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh()))
        Sequential(
          (0): Linear(in_features=2, out_features=3, bias=True)
          (1): Identity()
          (2): Tanh()
        )

    Chapter 3.
    """
    still = copy.deepcopy(network).eval()
    for part in still.modules():
        if isinstance(part, nn.Sequential):
            for index, (layer, norm) in enumerate(itertools.pairwise(part)):
                if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                    part[index], part[index + 1] = _folded(layer, norm), nn.Identity()
    return still


@torch.no_grad()
def _folded(layer: nn.Linear, norm: nn.BatchNorm1d) -> nn.Linear:
    # In eval mode a BatchNorm is affine in what it is given.
    start, end = norm(torch.stack([torch.zeros_like(layer.weight[:, 0]), torch.ones_like(layer.weight[:, 0])]))
    slope = end - start
    folded = nn.Linear(layer.in_features, layer.out_features, device=slope.device, dtype=slope.dtype)
    folded.weight.copy_(slope[:, None] * layer.weight)
    folded.bias.copy_(start if layer.bias is None else start + slope * layer.bias)
    return folded
