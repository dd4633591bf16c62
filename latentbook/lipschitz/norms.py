r"""The largest singular value of a layer, by Lanczos iteration: for evaluation, and as a start for training.

Of a map :math:`A` with adjoint :math:`A^\top`, the first right singular vector :math:`v` is the leading eigenvector of
:math:`A^\top A`, and :math:`\sigma(A) = \lVert A v \rVert`. Everything is computed in float64, whatever the layer is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from latentbook.core import at_rest
from latentbook.lipschitz.maps import LinearMap, linear_map

__all__ = ["first_vector", "largest_singular_value", "operator_norm"]

# Inputs of at most so many numbers are solved as a dense matrix; Lanczos needs room around its vector.
DENSE = 64
# Of an eigenvalue; the error of a singular value is half of it.
EXACT = 1e-9


@torch.no_grad()
def operator_norm(layer: nn.Module, in_shape: Sequence[int] | int | None = None) -> float:
    r"""Return the largest singular value of a layer: how much it stretches the difference of two inputs at most.

    .. math:: \sigma(A) = \max_{x \neq x'} \frac{\lVert A x - A x' \rVert}{\lVert x - x' \rVert}

    The bias does not matter. A weight with a parametrization counts as it is in eval mode, and no estimate that the
    layer keeps is changed.

    Args:
        layer: A Linear, Conv1d, 2d, 3d or ConvTranspose1d, 2d, 3d, with any stride, padding, dilation, groups, output
            padding and padding mode.
        in_shape: Spatial sizes of its input, without batch and channels; None for a Linear.

    Returns:
        The norm, with a relative error of about 1e-9, in output units per input unit. It does not depend on the global
        random numbers, and leaves them alone.

    Raises:
        TypeError: If it is another layer.
        ValueError: If `in_shape` does not fit the layer, or its weight is not finite.

    Reference:
        Golub & Van Loan, *Matrix computations*, section 10.4; `scipy.sparse.linalg.eigsh` (ARPACK) does it.

    Example:
        A difference filter stretches an alternating signal most, and the more so the longer it is:

        >>> layer = nn.Conv1d(1, 1, 2, bias=False)
        >>> _ = layer.weight.data.copy_(torch.tensor([[[1.0, -1.0]]]))
        >>> [round(operator_norm(layer, (length,)), 3) for length in (2, 3, 100)]
        [1.414, 1.732, 2.0]

    Chapter 1.
    """
    part = linear_map(layer, in_shape)
    with at_rest(layer):
        weight = torch.as_tensor(layer.weight).detach()
    return largest_singular_value(part, weight)


def largest_singular_value(part: LinearMap, weight: Tensor) -> float:
    r"""Return :math:`\sigma(A)` of the linear part of a layer.

    Args:
        part: The map.
        weight: Its weight.

    Returns:
        The norm.

    Raises:
        ValueError: If the weight is not finite.

    Chapter 1.
    """
    v = first_vector(part, weight, EXACT)
    return part.times(weight.double(), v).norm().item()


def first_vector(part: LinearMap, weight: Tensor, tolerance: float) -> Tensor:
    r"""Return the right singular vector :math:`v` of the largest singular value.

    Args:
        part: The map.
        weight: Its weight.
        tolerance: Relative residual of the eigenvalue :math:`\sigma^2`.

    Returns:
        A unit vector in float64, of the shape of an input.

    Raises:
        ValueError: If the weight is not finite.

    Chapter 1.
    """
    if not weight.isfinite().all():
        raise ValueError("`layer` has a weight that is not finite, so that it has no norm: initialise it first")
    weight, size = weight.detach().double(), math.prod(part.in_shape)

    def square(v: Tensor) -> Tensor:
        v = v.reshape(part.in_shape)
        return part.adjoint(weight, part.times(weight, v)).flatten()

    v = _dense(square, size, weight) if size <= DENSE else _lanczos(square, size, weight, tolerance)
    return v.reshape(part.in_shape)


def _dense(square: Callable[[Tensor], Tensor], size: int, like: Tensor) -> Tensor:
    """Return the leading eigenvector of a small symmetric map, from its matrix."""
    matrix = torch.stack([square(column) for column in torch.eye(size, dtype=like.dtype, device=like.device)])
    return torch.linalg.eigh(matrix).eigenvectors[:, -1]


def _lanczos(square: Callable[[Tensor], Tensor], size: int, like: Tensor, tolerance: float) -> Tensor:
    """Return the leading eigenvector of a large symmetric map, from its products with vectors."""

    def product(vector: np.ndarray) -> np.ndarray:
        return square(torch.as_tensor(vector, device=like.device)).cpu().numpy()

    # A generator of its own: neither the result nor the random numbers of a training depend on each other.
    start = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=like.dtype)
    if not product(start.numpy()).any():
        # Only the zero map takes a random vector to zero. All vectors are right then, and Lanczos cannot begin.
        return (start / start.norm()).to(like.device)
    # Of these two, scipy's annotations say less than its documentation.
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)  # pyright: ignore
    vectors = eigsh(operator, k=1, which="LA", v0=start.numpy(), tol=tolerance)[1]  # pyright: ignore
    return torch.as_tensor(vectors[:, 0].copy(), device=like.device)
