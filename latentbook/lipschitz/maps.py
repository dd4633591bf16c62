r"""The linear part of a layer as a map between inputs of one shape, and its exact adjoint.

A layer is :math:`x \mapsto A x + b`. For a fixed input shape the map :math:`x \mapsto A x` is a matrix that nobody
writes down: it is applied as the layer applies it, and its adjoint :math:`y \mapsto A^\top y` is the layer of the
opposite kind with the same kernel, whose rows and columns are counted so that none is lost. Both take the weight as an
argument, which lets gradients, `functional_call` and `vmap` through.

Vectors have the layer's shape without a batch: ``(features,)``, or ``(channels, *sizes)``.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ConvolutionMap", "LinearMap", "MatrixMap", "TransposedMap", "linear_map"]

TRANSPOSED = {nn.ConvTranspose1d: 1, nn.ConvTranspose2d: 2, nn.ConvTranspose3d: 3}
DIMENSIONS = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3, **TRANSPOSED}
CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSE = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


@dataclass(frozen=True, kw_only=True)
class LinearMap(abc.ABC):
    """What all linear parts share.

    Args:
        in_shape: Shape of an input, channels first, without a batch.
        out_shape: Shape of an output, likewise.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...] = ()

    @abc.abstractmethod
    def times(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return A x."""

    @abc.abstractmethod
    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        """Return Aᵀ y."""


@dataclass(frozen=True, kw_only=True)
class MatrixMap(LinearMap):
    """A matrix: the linear part of `nn.Linear`."""

    def times(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return W x."""
        # As a row: batched by `vmap`, a matrix times a column is several times slower.
        return functional.linear(x, weight)

    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        """Return Wᵀ y."""
        return (y[None] @ weight)[0]


@dataclass(frozen=True, kw_only=True)
class ConvolutionMap(LinearMap):
    """A convolution: the input is padded in the layer's mode, then convolved without padding.

    Args:
        widths: Of the padding, as `torch.nn.functional.pad` takes them.
        mode: Of the padding, likewise.
        steps: Stride, dilation and groups.
        left_over: For each dimension, how many rows of the padded input lie behind the last window.
    """

    widths: tuple[int, ...]
    mode: str
    steps: dict[str, Any]
    left_over: tuple[int, ...]

    def times(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return the convolution of x, without the bias."""
        return CONVOLVE[len(self.left_over)](self._pad(x), weight, None, **self.steps)

    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        """Return the transposed convolution of y, with its padded margin folded back."""
        convolve = TRANSPOSE[len(self.left_over)]
        padded = convolve(y, weight, None, output_padding=self.left_over, **self.steps)
        return self._fold(padded)

    def _pad(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.widths, self.mode) if any(self.widths) else x

    def _fold(self, padded: Tensor) -> Tensor:
        """Apply the adjoint of the padding: cut a margin of zeros off, add any other to where it was copied from."""
        if not any(self.widths):
            return padded
        if self.mode == "constant":
            return functional.pad(padded, [-width for width in self.widths])
        return torch.func.vjp(self._pad, padded.new_zeros(self.in_shape))[1](padded)[0]


@dataclass(frozen=True, kw_only=True)
class TransposedMap(LinearMap):
    """A transposed convolution.

    Args:
        steps: Stride, padding, dilation and groups.
        output_padding: Rows that the layer adds behind the last ones, for each dimension.
    """

    steps: dict[str, Any]
    output_padding: tuple[int, ...]

    def times(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return the transposed convolution of x, without the bias."""
        convolve = TRANSPOSE[len(self.output_padding)]
        return convolve(x, weight, None, output_padding=self.output_padding, **self.steps)

    def adjoint(self, weight: Tensor, y: Tensor) -> Tensor:
        """Return the convolution of y."""
        x = CONVOLVE[len(self.output_padding)](y, weight, None, **self.steps)
        # An output padding as wide as the stride leaves room for windows that belong to no input.
        return x[(..., *(slice(size) for size in self.in_shape[1:]))]


def linear_map(layer: nn.Module, in_shape: Sequence[int] | int | None = None) -> LinearMap:
    r"""Return the linear part :math:`x \mapsto A x` of a layer on inputs of one shape.

    Args:
        layer: A Linear, Conv1d, 2d, 3d or ConvTranspose1d, 2d, 3d.
        in_shape: Spatial sizes of its input, without batch and channels, a number if it is one; None for a Linear.

    Returns:
        The map. Its `times` and `adjoint` take the layer's weight first.

    Raises:
        TypeError: If it is another layer, or one of these with a forward pass of its own.
        ValueError: If `in_shape` is missing, superfluous, of wrong length, or leaves nothing of the output.

    Example:
        >>> layer = nn.Conv1d(1, 1, 2, bias=False)
        >>> part = linear_map(layer, (3,))
        >>> part.adjoint(torch.tensor([[[1.0, 10.0]]]), torch.tensor([[1.0, 2.0]]))
        tensor([[ 1., 12., 20.]])

    Chapter 1.
    """
    kind = _kind(layer)
    if kind is nn.Linear:
        return _matrix_map(layer, in_shape)
    sizes = _spatial_sizes(kind, in_shape)
    part = _transposed_map(layer, sizes) if kind in TRANSPOSED else _convolution_map(layer, sizes)
    return dataclasses.replace(part, out_shape=_out_shape(layer, part))


def _kind(layer: nn.Module) -> type[nn.Module]:
    """Return the torch layer that this one computes as; a subclass that computes something else is none."""
    for kind in (nn.Linear, *DIMENSIONS):
        if isinstance(layer, kind) and type(layer).forward is kind.forward:
            return kind
    names = ", ".join(["Linear", *(kind.__name__ for kind in DIMENSIONS)])
    raise TypeError(
        f"`layer` is a {type(layer).__name__}, but must be one of torch's {names}, with torch's own forward pass"
    )


def _spatial_sizes(kind: type[nn.Module], in_shape: Sequence[int] | int | None) -> tuple[int, ...]:
    count = DIMENSIONS[kind]
    example = (28,) * count
    if in_shape is None:
        raise ValueError(
            f"`in_shape` is None, but the norm of a {kind.__name__} depends on the size of its input: "
            f"pass its spatial sizes, as in in_shape={example}"
        )
    in_shape = (in_shape,) if isinstance(in_shape, int) else in_shape
    if len(in_shape) != count or not all(isinstance(size, int) and size >= 1 for size in in_shape):
        raise ValueError(
            f"`in_shape` is {tuple(in_shape)}, but a {kind.__name__} needs {count} spatial sizes, each at least 1, "
            f"without batch and channels: pass them as in in_shape={example}"
        )
    return tuple(in_shape)


def _matrix_map(layer: Any, in_shape: Sequence[int] | int | None) -> MatrixMap:
    if in_shape:
        raise ValueError(f"`in_shape` is {in_shape}, but a Linear has no spatial sizes: leave it out")
    return MatrixMap(in_shape=(layer.in_features,), out_shape=(layer.out_features,))


def _convolution_map(layer: Any, sizes: tuple[int, ...]) -> ConvolutionMap:
    margins = _margins(layer)
    spans = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]
    steps = zip(sizes, margins, spans, layer.stride, strict=True)
    return ConvolutionMap(
        in_shape=(layer.in_channels, *sizes),
        # The order of torch: the last dimension comes first.
        widths=tuple(width for margin in reversed(margins) for width in margin),
        mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode,
        steps={"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups},
        left_over=tuple((size + sum(margin) - span - 1) % stride for size, margin, span, stride in steps),
    )


def _margins(layer: Any) -> list[tuple[int, int]]:
    """Return for each dimension how many rows of padding stand before and behind the input."""
    if layer.padding == "valid":
        return [(0, 0)] * len(layer.kernel_size)
    if layer.padding == "same":
        totals = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(width, width) for width in layer.padding]


def _transposed_map(layer: Any, sizes: tuple[int, ...]) -> TransposedMap:
    return TransposedMap(
        in_shape=(layer.in_channels, *sizes),
        steps={
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
            "groups": layer.groups,
        },
        output_padding=layer.output_padding,
    )


def _out_shape(layer: Any, part: LinearMap) -> tuple[int, ...]:
    """Return the shape of an output, by a run without numbers."""
    first, second = (layer.in_channels, layer.out_channels)
    channels = (first, second // layer.groups) if layer.transposed else (second, first // layer.groups)
    weight = torch.empty(*channels, *layer.kernel_size, device="meta")
    try:
        shape = tuple(part.times(weight, torch.empty(part.in_shape, device="meta")).shape)
    except RuntimeError as error:
        raise ValueError(_nothing_left(layer, part)) from error
    if math.prod(shape) == 0:
        raise ValueError(_nothing_left(layer, part))
    return shape


def _nothing_left(layer: nn.Module, part: LinearMap) -> str:
    return f"`in_shape` is {part.in_shape[1:]}, but that is too small for {layer}: nothing is left; pass a larger one"
