r"""Least Volume: how wide a latent space is, and how many of its dimensions the decoder still needs.

Notation, after Chen & Fuge (2024): codes :math:`z = e(x) \in \mathbb{R}^m`, their standard deviations
:math:`\sigma_1, \dots, \sigma_m` over the data, and the volume :math:`\prod_i \sigma_i` of the box that they fill. A
decoder whose Lipschitz constant is bounded cannot buy back a squeezed dimension by stretching it, so a dimension that
is worth less than its width goes flat.

Codes are tensors ``(..., m)``; leading dimensions are a batch. A decoder is any callable ``(..., m)`` to
``(..., *event)``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["latent_set_dimension", "latent_std", "pruning_curve", "reconstruction_error", "volume_penalty"]


def latent_std(z: Float[Tensor, "*batch m"]) -> Float[Tensor, " m"]:
    r"""Return the unbiased standard deviation :math:`\sigma_i` of every latent dimension over the batch.

    Args:
        z: Codes, at least two of them.

    Returns:
        One width for each dimension, in latent units.

    Raises:
        ValueError: If there are fewer than two codes.

    Example:
        >>> latent_std(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor([1.15, 2.31])

    Chapter 1.
    """
    codes = z.reshape(-1, z.shape[-1])
    if len(codes) < 2:
        raise ValueError(
            f"`z` has shape {tuple(z.shape)}, but a standard deviation needs two codes: use a larger batch"
        )
    return codes.std(0)


def volume_penalty(z: Float[Tensor, "*batch m"], eta: float | Tensor = 1.0) -> Float[Tensor, ""]:
    r"""Return the volume penalty: the geometric mean of the latent widths, each lifted by :math:`\eta`.

    .. math:: L_{\mathrm{vol}}(z) = \Bigl(\prod_{i=1}^{m} (\sigma_i + \eta)\Bigr)^{1/m}

    The gradient towards :math:`\sigma_i` is :math:`L_{\mathrm{vol}} / (m (\sigma_i + \eta))`: narrow dimensions are
    pushed harder than wide ones, but never harder than :math:`L_{\mathrm{vol}} / (m \eta)`. At :math:`\eta = 0` a
    single dead dimension makes the penalty and its gradient zero for all of them.

    Args:
        z: Codes, at least two of them.
        eta: Lift, in latent units, at least 0. As it grows, the penalty minus `eta` becomes the mean width (an L1
            penalty).

    Returns:
        The penalty, in latent units.

    Raises:
        ValueError: If there are fewer than two codes, or `eta` is a negative number.

    Reference:
        Chen & Fuge, *Compressing latent space via least volume*, ICLR 2024, arXiv:2404.17773.

    Example:
        >>> volume_penalty(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]), eta=0.0)
        tensor(1.633)

    Chapter 1.
    """
    if not isinstance(eta, Tensor) and eta < 0:
        raise ValueError(f"`eta` is {eta}, but a width cannot be lifted below zero: pass 0 or more")
    return (latent_std(z) + eta).log().mean().exp()


def reconstruction_error(x: Float[Tensor, "N *event"], y: Float[Tensor, "N *event"]) -> Float[Tensor, ""]:
    r"""Return the mean distance :math:`\frac{1}{N} \sum_n \lVert x_n - y_n \rVert_2` between data and reconstructions.

    Args:
        x: Data.
        y: Reconstructions.

    Returns:
        The mean L2 norm of an example's residual, in data units.

    Example:
        >>> reconstruction_error(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.zeros(2, 2))
        tensor(2.5)

    Chapter 1.
    """
    return (x - y).flatten(1).norm(dim=1).mean()


@torch.no_grad()
def pruning_curve(
    decode: Callable[[Tensor], Tensor],
    x: Float[Tensor, "N *event"],
    z: Float[Tensor, "N m"],
    *,
    mean: Float[Tensor, " m"] | None = None,
    std: Float[Tensor, " m"] | None = None,
) -> Float[Tensor, " m+1"]:
    r"""Return the reconstruction error after the k narrowest dimensions are fixed to their means, for k = 0 to m.

    Args:
        decode: Decoder, ``(N, m)`` to ``(N, *event)``.
        x: Data.
        z: Their codes.
        mean: Means to fix pruned dimensions to; by default those of `z`. Pass the training set's for held-out data.
        std: Widths that rank the dimensions; by default those of `z`.

    Returns:
        Mean L2 errors, from the whole code (first) to no code at all (last), in data units.

    Reference:
        Chen & Fuge 2024, section 4.

    Example:
        >>> codes = torch.tensor([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
        >>> pruning_curve(lambda z: z, codes, codes)
        tensor([0.000, 1.000, 2.236])

    Chapter 1.
    """
    mean = z.mean(0) if mean is None else mean
    std = latent_std(z) if std is None else std
    pruned, errors = z.clone(), [reconstruction_error(x, decode(z))]
    for dimension in std.argsort():
        pruned[:, dimension] = mean[dimension]
        errors.append(reconstruction_error(x, decode(pruned)))
    return torch.stack(errors)


def latent_set_dimension(curve: Float[Tensor, " pruned"], threshold: float = 0.01) -> int:
    r"""Return how many dimensions a code needs: the number of prunings that cost at least 1 % of what it explains.

    With :math:`E_k` the error after pruning the k narrowest dimensions, it counts the :math:`k \ge 1` with
    :math:`E_k - E_0 \ge 0.01\,(E_m - E_0)`. A code that has collapsed explains nothing, so that every ratio is noise;
    it counts as 0.

    Args:
        curve: Errors :math:`E_0, \dots, E_m`, from `pruning_curve`.
        threshold: The fraction that matters, above 0 and at most 1; also the fraction of :math:`E_m` that a code must
            explain not to count as collapsed.

    Returns:
        The number of dimensions, 0 for a collapsed code.

    Raises:
        ValueError: If `threshold` is outside (0, 1].

    Reference:
        The 1 % rule of Chen & Fuge 2024; the rule for collapsed codes is this book's.

    Example:
        >>> latent_set_dimension(torch.tensor([1.0, 1.001, 1.5, 3.0]))
        2

    Chapter 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(
            f"`threshold` is {threshold}, but it is a fraction of the explained error: pass a number in (0, 1]"
        )
    explained = curve[-1] - curve[0]
    if explained < threshold * curve[-1]:
        return 0
    return int((curve[1:] - curve[0] >= threshold * explained).sum())
