r"""Layers divided by their largest singular value, which is followed from one training step to the next.

Notation, after Miyato et al. (2018): a layer :math:`x \mapsto A x + b` with the weight :math:`W`, its norm
:math:`\sigma(A) = \max_{\lVert v \rVert = 1} \lVert A v \rVert`, and an estimate :math:`v` of the vector that attains
it, kept in a buffer. The left vector needs no buffer: it is :math:`A v / \lVert A v \rVert`.

A power iteration :math:`v \leftarrow A^\top A v` shrinks everything but the first vector. While a network trains, the
next first vector grows out of what was shrunk, and is found late. The polynomial of Chebyshev

.. math:: v \leftarrow T_4\Bigl(\frac{2}{\lVert A v \rVert^2} A^\top A - I\Bigr)\, v

never amplifies what lies below the present estimate, hardly shrinks it, and amplifies what lies above: of all
polynomials of its degree, fastest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from latentbook.lipschitz.maps import LinearMap, MatrixMap, linear_map
from latentbook.lipschitz.norms import first_vector

__all__ = ["spectral_norm"]

Layer = TypeVar("Layer", bound=nn.Module)

# Degree of the polynomial. Through the first 50 Adam steps of the convolutional MNIST decoder, from 3 seeds, the
# product of its four norms exceeds the bound by at most 4.5 %. Degree 3 leaves 6 %, degree 2 leaves 11 %, one power
# iteration a step 27 %. An interval that ends below the estimate shrinks the bulk, and finds new vectors later: 6 %.
DEGREE = 4
# Relative residual of the first estimate.
START = 1e-3
SMALLEST = 1e-12


def spectral_norm(
    layer: Layer, in_shape: Sequence[int] | int | None = None, *, lipschitz: float = 1.0, n_power_iterations: int = 1
) -> Layer:
    r"""Give a layer the weight :math:`\kappa W / \sigma(A)`, so that it stretches nothing by more than κ.

    It registers a parametrization of torch: `torch.nn.utils.parametrize.remove_parametrizations` takes it off, and the
    weight stays. In train mode every read of ``layer.weight``, so every forward pass, improves the estimate first; two
    reads give two weights, unless they stand in one block of `torch.nn.utils.parametrize.cached`. The estimate starts
    from a Lanczos iteration, within 0.1 %, and approaches a changing norm from below: the layer may exceed κ by a few
    percent while its weight changes fast.

    The estimate is updated in place, so that layers can be stacked and run by `vmap`. Inside `torch.func.grad`, `vjp`
    and `jvp`, which forbid that, use eval mode, or a block of `cached` around a forward pass and the transform.

    The norm of a convolution belongs to one size of its input. A layer that is given another size raises an error.

    Args:
        layer: A Linear, Conv1d, 2d, 3d or ConvTranspose1d, 2d, 3d, with any stride, padding, dilation, groups, output
            padding and padding mode. Changed in place.
        in_shape: Spatial sizes of its input, without batch and channels; None for a Linear.
        lipschitz: κ, above 0, in output units per input unit.
        n_power_iterations: How often the estimate is improved in a forward pass in train mode, at least 1; each
            iteration costs four products with :math:`A^\top A`. In eval mode there are none.

    Returns:
        The layer.

    Raises:
        TypeError: If it is another layer.
        ValueError: If `in_shape` does not fit the layer, `lipschitz` or `n_power_iterations` is out of range, the
            layer is normalised already, or its weight is zero or not finite. Later, from the layer: if its input is
            not of `in_shape`.

    Reference:
        Miyato, Kataoka, Koyama & Yoshida, *Spectral normalization for generative adversarial networks*, ICLR 2018.
        For convolutions as maps instead of reshaped kernels: Chen & Fuge, *Compressing latent space via least volume*,
        ICLR 2024. For the polynomial: Saad, *Numerical methods for large eigenvalue problems*, section 7.4.

    Example:
        >>> layer = spectral_norm(nn.Linear(8, 5))
        >>> torch.linalg.matrix_norm(layer.eval().weight.detach(), 2).round(decimals=3)
        tensor(1.)
        >>> layer = spectral_norm(nn.Conv2d(3, 4, 3, stride=2, padding=1), (8, 8), lipschitz=0.5)
        >>> layer(torch.zeros(10, 3, 8, 8)).shape
        torch.Size([10, 4, 4, 4])

    Chapter 1.
    """
    part = linear_map(layer, in_shape)
    _require_in_range(lipschitz, n_power_iterations)
    # By this function or by torch's own, or its weight is no free one for another reason.
    if parametrize.is_parametrized(layer, "weight"):
        raise ValueError(
            "`layer` is normalised already: take that off first, "
            "with torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')"
        )
    weight = torch.as_tensor(layer.weight).detach()
    parametrize.register_parametrization(layer, "weight", _Normalised(part, weight, lipschitz, n_power_iterations))
    if not isinstance(part, MatrixMap):
        layer.register_forward_pre_hook(_require_its_size, with_kwargs=True)
    return layer


class _Normalised(nn.Module):
    """The parametrization: a weight, divided by the norm that its buffer estimates.

    Args:
        part: The linear part of the layer.
        weight: Its weight now.
        lipschitz: κ.
        iterations: In each call in train mode.
    """

    v: Tensor

    def __init__(self, part: LinearMap, weight: Tensor, lipschitz: float, iterations: int) -> None:
        super().__init__()
        self.part, self.lipschitz, self.iterations = part, lipschitz, iterations
        v = first_vector(part, weight, START).to(weight.dtype)
        if not part.times(weight, v).any():
            raise ValueError("`layer` has a weight of norm 0, which cannot be divided by: initialise it first")
        self.register_buffer("v", v)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the normalised weight; in train mode, improve the estimate first."""
        if self.training:
            self._improve(weight.detach())
        # The next forward pass changes the buffer in place, and this one's backward pass may still be to come.
        norm = self.part.times(weight, self.v.clone()).norm()
        return weight * (self.lipschitz / norm.clamp_min(SMALLEST))

    @torch.no_grad()
    def _improve(self, weight: Tensor) -> None:
        for _ in range(self.iterations):
            v = self._filtered(weight)
            self.v.copy_(v / v.norm())

    def _filtered(self, weight: Tensor) -> Tensor:
        """Return the polynomial of Chebyshev at the vector, by its recurrence T_k = 2 x T_{k-1} - T_{k-2}."""
        image = self.part.times(weight, self.v)
        twice = 4 / image.square().sum().clamp_min(SMALLEST)
        before, now = self.v, self.part.adjoint(weight, image) * (twice / 2) - self.v
        for _ in range(DEGREE - 1):
            stretched = self.part.adjoint(weight, self.part.times(weight, now))
            before, now = now, stretched * twice - 2 * now - before
        return now


def _normalisation(layer: nn.Module) -> _Normalised | None:
    """Return the parametrization of a normalised layer."""
    if not parametrize.is_parametrized(layer, "weight"):
        return None
    parts: Any = layer.parametrizations
    return next((part for part in parts.weight if isinstance(part, _Normalised)), None)


def _require_its_size(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse an input of another size than the one that the norm belongs to.

    It asks the layer, not a variable of its own: a copied layer answers for itself, and one that is no longer
    normalised takes any size.
    """
    normalised = _normalisation(layer)
    if normalised is None:
        return
    names = ("input", "output_size")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    _require_sizes("in_shape", normalised.part.in_shape[1:], given["input"].shape)
    if given.get("output_size") is not None:
        _require_sizes("output_size", normalised.part.out_shape[1:], given["output_size"])


def _require_sizes(name: str, sizes: tuple[int, ...], shape: Sequence[int]) -> None:
    received = tuple(shape[-len(sizes) :])
    if received != sizes:
        raise ValueError(
            f"`{name}` of this normalised layer is {sizes}, but it received {received}, for which its norm is another: "
            f"normalise a layer for {received}"
        )


def _require_in_range(lipschitz: float, n_power_iterations: int) -> None:
    if not 0 < lipschitz < math.inf:
        raise ValueError(f"`lipschitz` is {lipschitz}, but must be a finite number above 0")
    if n_power_iterations < 1:
        raise ValueError(f"`n_power_iterations` is {n_power_iterations}, but must be at least 1")
