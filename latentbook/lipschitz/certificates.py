r"""A certificate: a bound on how much a network stretches, layer by layer.

A network :math:`f = f_n \circ \dots \circ f_1` whose layers have the Lipschitz constants :math:`K_i` satisfies

.. math:: \lVert f(x) - f(x') \rVert \le \prod_i K_i \, \lVert x - x' \rVert

A linear layer has its norm, an activation the steepest slope of its graph. The network may stretch much less than the
product, since what one layer stretches most, the next may not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from latentbook.core import at_rest
from latentbook.lipschitz.maps import DIMENSIONS, LinearMap
from latentbook.lipschitz.norms import largest_singular_value, operator_norm

__all__ = ["lipschitz_bound"]

Event = tuple[int, ...]
Rule = Callable[[Any, Event, Event], float]

# (1 + erf 1) / 2 + 1 / (e √π), the slope at √2; for the approximation by tanh, found numerically and rounded up.
GELU = {"none": (1 + math.erf(1)) / 2 + math.exp(-1) / math.sqrt(math.pi), "tanh": 1.128994}
# The slope is steepest where x tanh(x / 2) = 2, and there it is (x + 2) / 4.
SILU = (2.3993572805154 + 2) / 4
# Sigmoid: s (1 - s) is at most 1/4.
SLOPES: dict[type[nn.Module], float] = {
    nn.Identity: 1.0,
    nn.Flatten: 1.0,
    nn.Unflatten: 1.0,
    nn.Dropout: 1.0,
    nn.Dropout1d: 1.0,
    nn.Dropout2d: 1.0,
    nn.Dropout3d: 1.0,
    nn.ReLU: 1.0,
    nn.ReLU6: 1.0,
    nn.Hardtanh: 1.0,
    nn.Tanh: 1.0,
    nn.Softplus: 1.0,
    nn.Sigmoid: 0.25,
    nn.SiLU: SILU,
}


@torch.no_grad()
def lipschitz_bound(model: nn.Module, in_shape: Sequence[int]) -> float:
    r"""Return a number that a network's Lipschitz constant does not exceed: the product over its layers.

    .. math:: K = \prod_i K_i \ge \sup_{x \neq x'} \frac{\lVert f(x) - f(x') \rVert}{\lVert x - x' \rVert}

    Known layers: Linear, convolutions and transposed convolutions with their norms; ReLU, LeakyReLU, PReLU, ReLU6,
    Hardtanh, ELU, Softplus, Tanh, Sigmoid, GELU, SiLU with their steepest slopes; average and maximum pooling,
    Upsample, BatchNorm with its running statistics; Identity, Flatten, Unflatten, Dropout; and Sequential, nested.
    The network counts as it is in eval mode; it runs once, on zeros, to learn the sizes between its layers.

    Args:
        model: One such layer, or a Sequential of them.
        in_shape: Shape of one input without batch, channels included: ``(m,)``, or ``(channels, *sizes)``.

    Returns:
        The bound, in output units per input unit. Norms of linear layers enter with a relative error of about 1e-9.

    Raises:
        TypeError: If a layer has no known constant; names it.
        ValueError: If the network does not take `in_shape`, or a BatchNorm has no running statistics.

    Reference:
        Szegedy et al., *Intriguing properties of neural networks*, ICLR 2014, section 4.3.

    Example:
        >>> decoder = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Sigmoid())
        >>> _ = decoder[0].weight.data.copy_(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
        >>> lipschitz_bound(decoder, (2,))
        1.25

    Chapter 1.
    """
    bound, x = 1.0, _zeros(model, in_shape)
    with at_rest(model):
        for name, layer in _layers(model, type(model).__name__):
            rule, y = _rule(name, layer), _run(name, layer, x, in_shape)
            bound *= rule(layer, tuple(x.shape[1:]), tuple(y.shape[1:]))
            x = y
    return bound


def _zeros(model: nn.Module, in_shape: Sequence[int]) -> Tensor:
    numbers = [*model.parameters(), *model.buffers()]
    like = next((tensor for tensor in numbers if tensor.is_floating_point()), torch.zeros(()))
    # Two of them, since a BatchNorm without running statistics stops at one with words of its own.
    return torch.zeros(2, *in_shape, dtype=like.dtype, device=like.device)


def _layers(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers that a module applies one after another, with their names."""
    if not _computes_as(module, nn.Sequential):
        yield name, module
        return
    # Not `named_children`, which passes over a layer that stands there a second time.
    for index, part in enumerate(cast(nn.Sequential, module)):
        yield from _layers(part, f"{name}[{index}]")


def _computes_as(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Tell whether a module is of a kind, and does what that kind does."""
    return isinstance(module, kind) and type(module).forward is kind.forward


def _run(name: str, layer: nn.Module, x: Tensor, in_shape: Sequence[int]) -> Tensor:
    try:
        return layer(x.clone())
    except RuntimeError as error:
        raise ValueError(
            f"`in_shape` is {tuple(in_shape)}, but {name}, {layer}, does not take what arrives there, "
            f"{tuple(x.shape[1:])}: pass the shape of one input, channels included, without batch"
        ) from error


def _rule(name: str, layer: nn.Module) -> Rule:
    for kind, rule in RULES.items():
        if _computes_as(layer, kind):
            return rule
    raise TypeError(
        f"`model` has {name}, a {type(layer).__name__}, whose Lipschitz constant is not known here: "
        "pass a Sequential of known layers (the docstring lists them), and multiply by the constants of others"
    )


def _slope(layer: Any, before: Event, after: Event) -> float:
    return next(slope for kind, slope in SLOPES.items() if _computes_as(layer, kind))


def _linear(layer: Any, before: Event, after: Event) -> float:
    return operator_norm(layer)


def _convolution(layer: Any, before: Event, after: Event) -> float:
    return operator_norm(layer, before[1:])


def _leaky(layer: Any, before: Event, after: Event) -> float:
    return max(1.0, abs(layer.negative_slope))


def _parametric(layer: Any, before: Event, after: Event) -> float:
    return max(1.0, layer.weight.abs().max().item())


def _exponential(layer: Any, before: Event, after: Event) -> float:
    return max(1.0, abs(layer.alpha))


def _gelu(layer: Any, before: Event, after: Event) -> float:
    return GELU[layer.approximate]


def _batch_norm(layer: Any, before: Event, after: Event) -> float:
    """Return the largest entry of the diagonal matrix that it is in eval mode."""
    if layer.running_var is None:
        raise ValueError(f"`model` has {layer}, which has no running statistics: its outputs depend on the batch")
    gains = (layer.running_var + layer.eps).rsqrt()
    return (gains if layer.weight is None else gains * layer.weight.abs()).max().item()


def _largest_pooling(layer: Any, before: Event, after: Event) -> float:
    """Return the root of how many windows share an input: where it is the largest, a step moves all of them."""
    axes = range(len(before) - 1)
    return math.sqrt(math.prod(_sharing_windows(layer, axis, before[1:][axis], after[1:][axis]) for axis in axes))


def _sharing_windows(layer: Any, axis: int, size: int, windows: int) -> int:
    """Return how many windows along one axis share the row that most of them have."""
    kernel, stride, padding, dilation = (
        value[axis] if isinstance(value, tuple) else value
        for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    )
    rows = [window * stride - padding + place * dilation for window in range(windows) for place in range(kernel)]
    return max(rows.count(row) for row in range(size))


def _linear_module(layer: nn.Module, before: Event, after: Event) -> float:
    # All channels are treated alike, so that one of them has the norm of all.
    part = _ModuleMap(in_shape=(1, *before[1:]), module=layer)
    return largest_singular_value(part, torch.ones(()))


@dataclass(frozen=True, kw_only=True)
class _ModuleMap(LinearMap):
    """A linear module without a weight; its adjoint comes from automatic differentiation."""

    module: nn.Module

    def times(self, weight: Tensor, x: Tensor) -> Tensor:
        return self.module(x[None])[0]

    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        return torch.func.vjp(lambda x: self.times(weight, x), y.new_zeros(self.in_shape))[1](y)[0]


RULES: dict[type[nn.Module], Rule] = {
    **dict.fromkeys(SLOPES, _slope),
    nn.LeakyReLU: _leaky,
    nn.PReLU: _parametric,
    nn.ELU: _exponential,
    nn.GELU: _gelu,
    nn.Linear: _linear,
    **dict.fromkeys(DIMENSIONS, _convolution),
    **dict.fromkeys([nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d], _batch_norm),
    **dict.fromkeys([nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d], _linear_module),
    **dict.fromkeys([nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d], _linear_module),
    nn.Upsample: _linear_module,
    **dict.fromkeys([nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d], _largest_pooling),
}
