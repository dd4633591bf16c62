r"""Bessel functions for laws on the sphere: logarithms, ratios and their inverse, on any device and in any precision.

For a dimension m let :math:`v = \tfrac{m}{2} - 1`. The cosine t of a von Mises-Fisher law on S^{m-1} in R^m with
concentration :math:`\kappa` has, against the uniform law, the density :math:`e^{\kappa t - \Phi}`, with

.. math:: \Phi = \ln {}_0F_1(; \tfrac{m}{2}; \tfrac{\kappa^2}{4})
    = \ln I_v(\kappa) - v \ln \tfrac{\kappa}{2} + \ln \Gamma(v + 1) , \qquad
    \Phi' = A = \frac{I_{v+1}(\kappa)}{I_v(\kappa)} , \qquad
    A' = 1 - A^2 - \frac{m - 1}{\kappa} A .

The divergence from the uniform law is :math:`\kappa A - \Phi`. None of them is computed like that: `debye` says how.
Derivatives of every order are these functions again, in `torch.autograd` as in `torch.func`.
"""

from __future__ import annotations

import math
from typing import SupportsIndex

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.sphere.checks import require_dimension
from latentbook.sphere.debye import Ratios, ratios

__all__ = [
    "attached",
    "attached_divergence",
    "bessel_ratio",
    "kappa_from_mean_length",
    "log_bessel_i",
    "log_normaliser",
    "of_order",
    "values_of_order",
    "vmf_divergence",
]

# How many numbers at a time: what is computed with them stays in the cache.
BLOCK = 32_768


def log_bessel_i(order: float, x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the logarithm of the modified Bessel function of the first kind, :math:`\ln I_v(x)`.

    Neither overflows nor underflows: it is finite wherever x is positive and finite.

    Args:
        order: v, a number from 0 on.
        x: Numbers from 0 on; a negative one gives nan.

    Returns:
        Of the same shape; :math:`-\infty` at 0, but 0 for order 0.

    Raises:
        TypeError: If `x` is neither float32 nor float64.
        ValueError: If the order is negative or not finite.

    Reference:
        NIST Digital Library of Mathematical Functions, section 10.41.

    Example:
        In single precision, where I_249(1) itself is 10^-565:

        >>> log_bessel_i(249, torch.tensor([1.0, 1e3, 1e20]))
        tensor([-1.3011e+03,  9.6477e+02,  1.0000e+20])

    Chapter 5.
    """
    if not 0 <= order < math.inf:
        raise ValueError(f"`order` is {order}, but Bessel functions are here for finite orders from 0 on")
    _require_floating("x", x)
    # The logarithm of the gamma function without its largest part, which the power has too.
    scale = max(order, 0.5)
    constant = order * math.log(2 * scale / 2) - math.lgamma(order + 1)
    return _normaliser(of_order(order, x, derivatives=0), x) + torch.special.xlogy(order, x / (2 * scale)) + constant


def log_normaliser(m: SupportsIndex, kappa: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the logarithm of the mean of :math:`e^{\kappa t}` over the sphere, t the cosine with a direction.

    .. math:: \Phi(\kappa) = \ln {}_0F_1(; \tfrac{m}{2}; \tfrac{\kappa^2}{4})

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentrations, from 0 on.

    Returns:
        Of the same shape, from 0 on. With the area of the sphere: a von Mises-Fisher law has the density
        :math:`e^{\kappa t - \Phi} / S_{m-1}`.

    Raises:
        TypeError: If `m` is not an integer, or `kappa` neither float32 nor float64.
        ValueError: If m is below 2.

    Example:
        >>> log_normaliser(3, torch.tensor([0.0, 1.0]))  # ln(sinh(1) / 1)
        tensor([0.0000, 0.1614])

    Chapter 5.
    """
    return _normaliser(_of_dimension(m, kappa), kappa)


def bessel_ratio(m: SupportsIndex, kappa: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the mean resultant length of a von Mises-Fisher law, :math:`A_m = I_{m/2} / I_{m/2-1}`.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentrations, from 0 on.

    Returns:
        Of the same shape, in [0, 1].

    Raises:
        TypeError: If `m` is not an integer, or `kappa` neither float32 nor float64.
        ValueError: If m is below 2.

    Example:
        >>> bessel_ratio(3, torch.tensor([0.0, 1.0, 10.0]))  # coth(k) - 1/k
        tensor([0.0000, 0.3130, 0.9000])

    Chapter 5.
    """
    return _of_dimension(m, kappa).length


def vmf_divergence(m: SupportsIndex, kappa: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the divergence of a von Mises-Fisher law from the uniform one, :math:`\kappa A - \Phi`, in nats.

    Args:
        m: Ambient dimension, at least 2.
        kappa: Concentrations, from 0 on.

    Returns:
        Of the same shape, from 0 on; about :math:`\kappa^2 / 2 m` where that is small.

    Raises:
        TypeError: If `m` is not an integer, or `kappa` neither float32 nor float64.
        ValueError: If m is below 2.

    Example:
        >>> vmf_divergence(41, torch.tensor([0.1, 11.0]))
        tensor([1.2194e-04, 1.3427e+00])

    Chapter 5.
    """
    return _of_dimension(m, kappa).divergence


def kappa_from_mean_length(m: SupportsIndex, r: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Return the concentration whose mean resultant length is r: the inverse of `bessel_ratio`.

    This is the estimate by maximum likelihood, with r the length of the mean of the points. Newton's method starts
    from :math:`r (m - r^2) / (1 - r^2)`, which is never far.

    Args:
        m: Ambient dimension, at least 2.
        r: Lengths in [0, 1); others give nan.

    Returns:
        Of the same shape. First and second derivatives are right.

    Raises:
        TypeError: If `m` is not an integer, or `r` neither float32 nor float64.
        ValueError: If m is below 2.

    Reference:
        The start: Banerjee, Dhillon, Ghosh & Sra, *Clustering on the unit hypersphere using von Mises-Fisher
        distributions*, JMLR 6, 2005.

    Example:
        >>> kappa_from_mean_length(10, bessel_ratio(10, torch.tensor([0.0, 0.5, 50.0])))
        tensor([ 0.0000,  0.5000, 50.0000])

    Chapter 5.
    """
    m = require_dimension(m)
    _require_floating("r", r)
    inside = torch.where((r >= 0) & (r < 1), r, torch.nan)
    fixed = inside.detach()
    kappa = fixed * (m - fixed * fixed) / ((1 - fixed) * (1 + fixed))
    for _ in range(4):
        kappa = _newton(m, kappa, fixed)
    # Each of the last two steps makes one more derivative right.
    return _newton(m, _newton(m, kappa, inside), inside)


def of_order(order: float, kappa: Tensor, derivatives: int = 1) -> Ratios:
    """Return all that the Bessel functions of two orders say at once: it costs as much as one of them.

    Args:
        order: v = m/2 - 1, from 0 on.
        kappa: Concentrations, from 0 on.
        derivatives: Of A, how many are looked at themselves, 0 or 1. Without gradients, which need them anyway, none
            spares a quarter of the time, and A' is given as zeros.

    Returns:
        Mean resultant length A, 1 - A, the divergence from the uniform law, and A'. The first two derivatives of
        them are right, of A' the first.

    Example:
        >>> of_order(0.5, torch.tensor(10.0)).shortfall
        tensor(0.1000)

    Chapter 5.
    """
    if not torch.is_grad_enabled():
        return _in_blocks(order, kappa, derivatives)
    return attached(values_of_order(order, kappa), kappa)


def values_of_order(order: float, kappa: Tensor) -> Ratios:
    """Return the same without derivatives, and A'', to be used more than once by `attached`.

    Args:
        order: v = m/2 - 1, from 0 on.
        kappa: Concentrations, from 0 on.

    Returns:
        Values alone.

    Example:
        >>> values_of_order(0.5, torch.tensor(10.0, requires_grad=True)).bend
        tensor(-0.0020)

    Chapter 5.
    """
    return _in_blocks(order, kappa.detach(), derivatives=2)


def attached(values: Ratios, kappa: Tensor) -> Ratios:
    """Return values with their derivatives with respect to the concentrations that they belong to.

    They are written as polynomials around where they stand, whose coefficients are the derivatives: torch finds them by
    whatever transform it goes, and no graph of how they were computed is kept.

    Args:
        values: What `values_of_order` returned.
        kappa: The concentrations.

    Returns:
        The same values; the second derivative of A' is not among the derivatives.

    Example:
        >>> kappa = torch.tensor(10.0, requires_grad=True)
        >>> torch.autograd.grad(attached(values_of_order(0.5, kappa), kappa).length, kappa)
        (tensor(0.0100),)

    Chapter 5.
    """
    length, shortfall, _, slope, bend = values
    step = kappa - kappa.detach()
    rise = step * (slope + step * bend / 2)
    return Ratios(length + rise, shortfall - rise, attached_divergence(values, kappa), slope + step * bend, bend)


def attached_divergence(values: Ratios, kappa: Tensor) -> Tensor:
    """Return the divergence with its derivatives, without the work for the others.

    Args:
        values: What `values_of_order` returned.
        kappa: The concentrations.

    Returns:
        The same value as of `attached`.

    Example:
        >>> kappa = torch.tensor(10.0, requires_grad=True)
        >>> torch.autograd.grad(attached_divergence(values_of_order(0.5, kappa), kappa), kappa)
        (tensor(0.1000),)

    Chapter 5.
    """
    fixed = kappa.detach()
    step = kappa - fixed
    return values.divergence + step * (fixed * values.slope + step * (values.slope + fixed * values.bend) / 2)


def _in_blocks(order: float, kappa: Tensor, derivatives: int) -> Ratios:
    if torch.compiler.is_compiling() or kappa.is_cuda or kappa.numel() <= BLOCK:
        return ratios(order, kappa, derivatives)
    flat = kappa.flatten()
    asked = [torch.empty_like(flat) for _ in range(3 + derivatives)]
    for start in range(0, len(flat), BLOCK):
        block = slice(start, start + BLOCK)
        for whole, part in zip(asked, ratios(order, flat[block], derivatives), strict=False):
            whole[block] = part
    others = [kappa.new_zeros(()).expand(kappa.shape)] * (2 - derivatives)
    return Ratios(*(whole.view(kappa.shape) for whole in asked), *others)


def _normaliser(known: Ratios, kappa: Tensor) -> Tensor:
    # The divergence is at most half of it: nothing cancels.
    return kappa * known.length - known.divergence


def _newton(m: int, kappa: Tensor, r: Tensor) -> Tensor:
    known = of_order(m / 2 - 1, kappa)
    # Where both are close to 1 their distances from it are compared.
    excess = torch.where(r < 0.5, known.length - r, (1 - r) - known.shortfall)
    return kappa - excess / known.slope


def _of_dimension(m: SupportsIndex, kappa: Tensor) -> Ratios:
    m = require_dimension(m)
    _require_floating("kappa", kappa)
    return of_order(m / 2 - 1, kappa, derivatives=0)


def _require_floating(name: str, value: Tensor) -> None:
    if value.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"`{name}` has type {value.dtype}, but must be float32 or float64: pass `{name}.float()`")
