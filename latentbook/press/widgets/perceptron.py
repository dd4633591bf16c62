"""From a network of torch, or from arrays, to layers that can travel to a page."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.dropout import _DropoutNd

from latentbook.core import at_rest

__all__ = ["Layer", "Perceptron", "described", "from_arrays", "halves", "layers_of", "packed", "require_half"]

# The page has these, under the same names, with their derivatives.
ACTIVATIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "linear": lambda s, _: s,
    "tanh": lambda s, _: s.tanh(),
    "relu": lambda s, _: s.relu(),
    "leaky_relu": F.leaky_relu,
    "softplus": F.softplus,
    "silu": lambda s, _: F.silu(s),
    "sigmoid": lambda s, _: s.sigmoid(),
}
# Those that have a parameter, and torch's own value of it: the slope below 0, and the sharpness.
PARAMETERS = {"leaky_relu": 0.01, "softplus": 1.0}
# Where torch's softplus goes over to a straight line, in units of one over the sharpness.
THRESHOLD = 20
PLAIN = {nn.Tanh: "tanh", nn.ReLU: "relu", nn.SiLU: "silu", nn.Sigmoid: "sigmoid"}
# They change shapes, or nothing once a model is trained.
WITHOUT_EFFECT = (nn.Flatten, nn.Unflatten, nn.Identity, _DropoutNd)
# The largest number that half precision holds.
LARGEST = 65504.0


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """An affine map and the activation after it.

    Attributes:
        matrix: ``(outputs, inputs)``.
        bias: ``(outputs,)``.
        activation: One of `ACTIVATIONS`.
        parameter: Slope below 0 of a leaky ReLU, sharpness of softplus; 0 for the others, which have none.
    """

    matrix: Tensor
    bias: Tensor
    activation: str
    parameter: float


@dataclasses.dataclass(frozen=True, eq=False)
class Perceptron:
    """A multilayer perceptron that computes in double precision, on the CPU.

    Attributes:
        layers: In order, from `layers_of` or `from_arrays`, which check that they fit.

    Chapter 2.
    """

    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return self.layers[0].matrix.shape[1]

    @property
    def outputs(self) -> int:
        """How many numbers it gives."""
        return self.layers[-1].matrix.shape[0]

    def __call__(self, z: Tensor) -> Tensor:
        """Return the outputs, ``(*batch, outputs)``, of inputs ``(*batch, inputs)``."""
        values = z.double()
        for layer in self.layers:
            values = F.linear(values, layer.matrix.double(), layer.bias.double())
            values = ACTIVATIONS[layer.activation](values, layer.parameter)
        return values

    def rounded(self) -> Perceptron:
        """Return what the page computes with: the same layers, their numbers rounded to half precision."""
        return Perceptron(tuple(_rounded(layer) for layer in self.layers))


def layers_of(network: nn.Module, name: str) -> list[Layer]:
    """Return the layers of a perceptron, wherever in nested containers they are.

    Containers are walked in the order of their parts; whether a model of its own makes calls them in that order shows
    only where its outputs are compared. The network is left as it is, whatever its mode.

    Args:
        network: Linear layers, parametrized or not, with activations between them; dropout has no effect.
        name: What to call it in errors, as in ``"`models[1].decoder`"``.

    Returns:
        One entry for each linear layer, with copies of its weights on the CPU.

    Raises:
        ValueError: If a layer cannot travel, two of them do not fit, or a weight is not finite or too large.

    Chapter 2.
    """
    layers: list[Layer] = []
    # A linear layer waits here for its activation.
    waiting: nn.Linear | None = None
    # In training mode, reading a spectrally normalised weight would change its norm.
    with torch.no_grad(), at_rest(network):
        for path, module in _leaves(network, name):
            if isinstance(module, WITHOUT_EFFECT):
                continue
            if isinstance(module, nn.Linear):
                layers += [] if waiting is None else [_layer(waiting, "linear", 0.0)]
                waiting = module
                continue
            activation, parameter = _activation(module, name, path)
            if waiting is None:
                before = "before its first linear layer" if not layers else "right after another activation"
                raise ValueError(f"{name} has {_called(module, path)} {before}: put a Linear in front of it")
            layers.append(_layer(waiting, activation, parameter))
            waiting = None
        layers += [] if waiting is None else [_layer(waiting, "linear", 0.0)]
    return _checked(layers, name)


def from_arrays(
    arrays: Sequence[Any], activation: str = "tanh", output: str = "linear", parameter: float | None = None
) -> Perceptron:
    """Return the perceptron of weights from anywhere: numpy, torch, or what numpy can read.

    Args:
        arrays: Matrix and bias of each layer in turn, ``[W1, b1, W2, b2, ...]``: matrices ``(outputs, inputs)`` as
            torch has them, so that a layer is ``W @ x + b``; None for a bias of zeros.
        activation: Between the layers, one of `ACTIVATIONS`.
        output: After the last layer, one of them.
        parameter: Of `activation`: the slope below 0 of ``"leaky_relu"``, by default 0.01, or the sharpness of
            ``"softplus"``, by default 1.

    Returns:
        The perceptron, which the explorer takes for an encoder or a decoder.

    Raises:
        TypeError: If an array holds no real numbers.
        ValueError: If a name or a parameter is none, arrays do not fit each other, or a weight is not finite or too
            large.

    Chapter 2.
    """
    for argument, value in (("activation", activation), ("output", output)):
        if value not in ACTIVATIONS:
            raise ValueError(f"`{argument}` is {value!r}, but must be one of {[*ACTIVATIONS]}")
    _require_parameter(activation, parameter)
    if len(arrays) == 0 or len(arrays) % 2:
        raise ValueError(f"`arrays` has {len(arrays)} entries: pass a matrix and a bias for each layer")
    own = {**PARAMETERS} if parameter is None else {**PARAMETERS, activation: float(parameter)}
    count = len(arrays) // 2
    layers = []
    for index in range(count):
        matrix, bias = _matrix_and_bias(arrays, index)
        name = activation if index < count - 1 else output
        layers.append(Layer(matrix, bias, name, own.get(name, 0.0)))
    return Perceptron(tuple(_checked(layers, "`arrays`")))


def packed(layers: Iterable[Layer]) -> bytes:
    """Return the numbers of layers in half precision, little-endian.

    Args:
        layers: For each of them its matrix, row by row, and then its bias.

    Chapter 2.
    """
    return b"".join(halves(values) for layer in layers for values in (layer.matrix, layer.bias))


def described(layers: Iterable[Layer]) -> list[dict[str, Any]]:
    """Return what the page has to know of layers besides their numbers.

    Args:
        layers: Of one network.

    Chapter 2.
    """
    return [
        {
            "inputs": layer.matrix.shape[1],
            "outputs": layer.matrix.shape[0],
            "activation": layer.activation,
            "parameter": layer.parameter,
        }
        for layer in layers
    ]


def halves(values: Tensor) -> bytes:
    """Return numbers in half precision, little-endian, in the order of their indices.

    Args:
        values: On any device; `require_half` says whether they fit.

    Chapter 2.
    """
    return values.detach().cpu().double().numpy().astype("<f2").tobytes()


def require_half(name: str, values: Tensor) -> None:
    """Refuse numbers that half precision does not hold.

    Args:
        name: What they are, for the error.
        values: The numbers.

    Raises:
        ValueError: If one of them is not finite, or too large.

    Chapter 2.
    """
    if not values.isfinite().all():
        count = int((~values.isfinite()).sum())
        raise ValueError(f"{name} has {count} numbers that are not finite: look at the training, or correct them")
    largest = float(values.abs().max()) if values.numel() else 0.0
    if largest > LARGEST:
        raise ValueError(f"{name} has a number of size {largest:g}, but the page holds up to {LARGEST:.0f}: scale it")


def _leaves(module: nn.Module, name: str, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the parts of a network that compute, in order, and where they are."""
    if isinstance(module, (nn.Sequential, nn.ModuleList)) or _is_only_a_container(module):
        # `children` would leave out a part that is there a second time, as one activation for all layers is.
        for key, part in module._modules.items():
            if part is not None:
                yield from _leaves(part, name, f"{path}.{key}" if path else key)
    else:
        yield path, module


def _is_only_a_container(module: nn.Module) -> bool:
    """Tell whether a module of a model's own has parts, and no numbers beside them."""
    numbers = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(module._modules) and not numbers and not type(module).__module__.startswith("torch.nn")


def _activation(module: nn.Module, name: str, path: str) -> tuple[str, float]:
    """Return what the page calls an activation, and its parameter."""
    if type(module) in PLAIN:
        return PLAIN[type(module)], 0.0
    if isinstance(module, nn.LeakyReLU):
        return "leaky_relu", float(module.negative_slope)
    if isinstance(module, nn.Softplus):
        if module.threshold != THRESHOLD:
            found = f"{name} has {_called(module, path)} with a threshold of {module.threshold:g}"
            raise ValueError(f"{found}: the page's softplus has torch's {THRESHOLD}, so leave it out")
        return "softplus", float(module.beta)
    usable = ", ".join([kind.__name__ for kind in PLAIN] + ["LeakyReLU", "Softplus"])
    raise ValueError(
        f"{name} has {_called(module, path)}, which cannot travel to the page: use a perceptron, of Linear with "
        f"{usable}; chapters draw other models with figures"
    )


def _called(module: nn.Module, path: str) -> str:
    return f"the layer {type(module).__name__}" + (f" (part {path})" if path else "")


def _layer(linear: nn.Linear, activation: str, parameter: float) -> Layer:
    matrix = linear.weight.detach().cpu().clone()
    bias = matrix.new_zeros(len(matrix)) if linear.bias is None else linear.bias.detach().cpu().clone()
    return Layer(matrix, bias, activation, parameter)


def _matrix_and_bias(arrays: Sequence[Any], index: int) -> tuple[Tensor, Tensor]:
    matrix = _floats(arrays[2 * index], 2 * index)
    if matrix.ndim != 2 or 0 in matrix.shape:
        shape = tuple(matrix.shape)
        raise ValueError(
            f"`arrays[{2 * index}]` has shape {shape}: pass a matrix (outputs, inputs) for layer {index + 1}"
        )
    given = arrays[2 * index + 1]
    bias = matrix.new_zeros(len(matrix)) if given is None else _floats(given, 2 * index + 1)
    if bias.shape != matrix.shape[:1]:
        found = f"`arrays[{2 * index + 1}]` has shape {tuple(bias.shape)}"
        raise ValueError(f"{found}: layer {index + 1} has {len(matrix)} outputs, so pass as many")
    return matrix, bias


def _floats(values: Any, index: int) -> Tensor:
    if isinstance(values, Tensor):
        # Not all of torch's floats are numpy's.
        values = values.detach().cpu()
        values = values.double().numpy() if values.is_floating_point() else values.numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"`arrays[{index}]` holds {array.dtype}: pass real numbers")
    return torch.from_numpy(array.astype(np.float64))


def _require_parameter(activation: str, parameter: float | None) -> None:
    if parameter is None:
        return
    if activation not in PARAMETERS:
        raise ValueError(f"`parameter` is {parameter}, but {activation!r} has none: leave it out")
    if not math.isfinite(parameter) or (activation == "softplus" and parameter <= 0):
        wanted = "a finite number" + (" above 0" if activation == "softplus" else "")
        raise ValueError(f"`parameter` is {parameter}, but {activation!r} needs {wanted}")


def _checked(layers: list[Layer], name: str) -> list[Layer]:
    """Return layers that follow each other, and whose numbers the page can hold."""
    if not layers:
        raise ValueError(f"{name} has no linear layer: pass a perceptron")
    for number, (first, second) in enumerate(itertools.pairwise(layers), 1):
        given, taken = len(first.matrix), second.matrix.shape[1]
        if given != taken:
            found = f"{name} does not fit together: layer {number} gives {given} numbers, and layer {number + 1} takes"
            raise ValueError(f"{found} {taken}: a matrix is (outputs, inputs), transpose it if it is not")
    for number, layer in enumerate(layers, 1):
        require_half(f"{name}, layer {number},", torch.cat([layer.matrix.flatten(), layer.bias]))
    return layers


def _rounded(layer: Layer) -> Layer:
    matrix, bias = _as_halves(layer.matrix), _as_halves(layer.bias)
    return dataclasses.replace(layer, matrix=matrix, bias=bias)


def _as_halves(values: Tensor) -> Tensor:
    numbers = np.frombuffer(halves(values), "<f2").astype(np.float64)
    return torch.from_numpy(numbers).reshape(values.shape)
