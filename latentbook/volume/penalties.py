r"""Penalties on codes: the volume, and those that it is compared with.

Each takes codes ``(..., m)`` and returns a scalar. All but `lasso` and `student_t` see the codes through their widths
:math:`\sigma_i` only, so that moving all codes costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch  # noqa: F401  (doctests)
from jaxtyping import Float
from torch import Tensor

__all__ = ["PENALTIES", "lasso", "latent_std", "std_l1", "std_l2", "student_t", "variance_l1", "volume_penalty"]


def latent_std(z: Float[Tensor, "*batch m"]) -> Float[Tensor, " m"]:
    r"""Return the unbiased standard deviation :math:`\sigma_i` of every latent dimension over the batch.

    .. math:: \sigma_i^2 = \frac{1}{N - 1} \sum_n (z_{ni} - \bar z_i)^2

    Args:
        z: Codes, at least two of them; all leading dimensions are one batch of N.

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
        eta: Lift, in latent units, at least 0; a tensor is taken unchecked. As it grows, the penalty minus `eta`
            becomes the mean width, `std_l1`.

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
    if not isinstance(eta, Tensor) and not eta >= 0:
        raise ValueError(f"`eta` is {eta}, but a width cannot be lifted below zero: pass 0 or more")
    return (latent_std(z) + eta).log().mean().exp()


def std_l1(z: Float[Tensor, "*batch m"]) -> Float[Tensor, ""]:
    r"""Return the mean latent width, an L1 penalty on the widths.

    .. math:: \frac{1}{m} \sum_i \sigma_i

    It pushes all dimensions alike, and is what `volume_penalty` becomes for a large lift.

    Args:
        z: Codes, at least two of them.

    Returns:
        The penalty, in latent units.

    Raises:
        ValueError: If there are fewer than two codes.

    Reference:
        Chen & Fuge 2024, section 5.

    Example:
        >>> std_l1(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor(1.732)

    Chapter 1.
    """
    return latent_std(z).mean()


def variance_l1(z: Float[Tensor, "*batch m"]) -> Float[Tensor, ""]:
    r"""Return the mean latent variance.

    .. math:: \frac{1}{m} \sum_i \sigma_i^2

    It pushes wide dimensions harder than narrow ones, and none of them all the way to zero.

    Args:
        z: Codes, at least two of them.

    Returns:
        The penalty, in squared latent units.

    Raises:
        ValueError: If there are fewer than two codes.

    Example:
        >>> variance_l1(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor(3.333)

    Chapter 1.
    """
    return latent_std(z).square().mean()


def std_l2(z: Float[Tensor, "*batch m"]) -> Float[Tensor, ""]:
    r"""Return the Euclidean norm of the latent widths, for each dimension.

    .. math:: \frac{1}{m} \Bigl(\sum_i \sigma_i^2\Bigr)^{1/2}

    A rotation of the codes leaves it as it is: it prefers no axes.

    Args:
        z: Codes, at least two of them.

    Returns:
        The penalty, in latent units.

    Raises:
        ValueError: If there are fewer than two codes.

    Example:
        >>> std_l2(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor(1.291)

    Chapter 1.
    """
    return latent_std(z).norm() / z.shape[-1]


def lasso(z: Float[Tensor, "*batch m"]) -> Float[Tensor, ""]:
    r"""Return the mean absolute code, an L1 penalty on the codes themselves.

    .. math:: \frac{1}{N m} \sum_{n, i} |z_{ni}|

    Args:
        z: Codes; one is enough.

    Returns:
        The penalty, in latent units.

    Reference:
        Tibshirani, *Regression shrinkage and selection via the lasso*, JRSS B 1996.

    Example:
        >>> lasso(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor(1.500)

    Chapter 1.
    """
    return z.abs().mean()


def student_t(z: Float[Tensor, "*batch m"]) -> Float[Tensor, ""]:
    r"""Return the mean negative log-density of the codes under a Student t distribution, up to scale and constant.

    .. math:: \frac{1}{N m} \sum_{n, i} \log(1 + z_{ni}^2)

    Small codes are pushed to zero, large ones are let go.

    Args:
        z: Codes; one is enough.

    Returns:
        The penalty, in nats.

    Reference:
        Olshausen & Field, *Emergence of simple-cell receptive field properties by learning a sparse code for natural
        images*, Nature 1996.

    Example:
        >>> student_t(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        tensor(1.111)

    Chapter 1.
    """
    return z.square().log1p().mean()


# Each a function of the codes alone; the volume takes its lift as a keyword, 1 by default.
PENALTIES: Mapping[str, Callable[..., Tensor]] = {
    "volume": volume_penalty,
    "std_l1": std_l1,
    "variance_l1": variance_l1,
    "std_l2": std_l2,
    "lasso": lasso,
    "student_t": student_t,
}
