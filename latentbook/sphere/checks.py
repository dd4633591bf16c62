"""What is refused of directions, concentrations and dimensions, wherever they are given."""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.constraints import Constraint

__all__ = [
    "on_sphere",
    "require_concentration",
    "require_dimension",
    "require_on_sphere",
    "require_same_space",
    "together",
]

# How far a norm may be from 1: far above what rounding leaves in single precision, far below any mistake.
NORM_TOL = 1e-5


class _OnSphere(Constraint):
    """Vectors of norm 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return _off_sphere(value).logical_not()


on_sphere = _OnSphere()


def require_dimension(m: SupportsIndex) -> int:
    r"""Refuse what is no dimension of the space around a sphere, :math:`S^{m-1} \subset \mathbb{R}^m`.

    Args:
        m: Ambient dimension, an integer.

    Returns:
        The same, as Python's own integer: no arithmetic with it loses digits.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is below 2.

    Chapter 5.
    """
    if isinstance(m, bool) or not isinstance(m, SupportsIndex) or isinstance(m, Tensor):
        raise TypeError(f"`m` is {m!r}, but the ambient dimension of S^(m-1) in R^m is an integer: pass 2 or more")
    if operator.index(m) < 2:
        raise ValueError(f"`m` is {m}, but S^(m-1) in R^m is a circle or more: pass 2 or more")
    return operator.index(m)


def together(loc: Tensor, concentration: Tensor | float) -> tuple[Tensor, Tensor]:
    """Broadcast directions and concentrations against each other, by their shapes and types alone.

    Args:
        loc: Directions ``(..., m)``.
        concentration: Numbers ``(...)``; one may be a Python number.

    Returns:
        Both, of shapes ``(*batch, m)`` and ``(*batch)``.

    Raises:
        TypeError: If one is no tensor, or not floating point.
        ValueError: If m is below 2, or the two differ in type or device, or their batches do not fit.

    Example:
        >>> loc, concentration = together(torch.eye(3), 2.0)
        >>> concentration
        tensor([2., 2., 2.])

    Chapter 5.
    """
    _require_floating("loc", loc)
    if not loc.ndim:
        raise ValueError("`loc` is a number, but directions have coordinates: pass shape (..., m)")
    require_dimension(loc.shape[-1])
    if isinstance(concentration, int | float):
        concentration = loc.new_full((), concentration)
    _require_floating("concentration", concentration)
    for word, of_loc, of_concentration in (
        ("type", loc.dtype, concentration.dtype),
        ("device", loc.device, concentration.device),
    ):
        if of_loc != of_concentration:
            raise ValueError(
                f"`loc` has {word} {of_loc} and `concentration` {of_concentration}: pass `concentration.to(loc)`"
            )
    return _fitted(loc, concentration)


def _fitted(loc: Tensor, concentration: Tensor) -> tuple[Tensor, Tensor]:
    batch, own = tuple(loc.shape[:-1]), tuple(concentration.shape)
    # Not what anyone wants who has a column of concentrations, one for each direction: every pair of the two.
    if own == (*batch, 1) and loc[..., 0].numel() > 1:
        raise ValueError(
            f"`concentration` has shape {own} beside directions of batch {batch}: pass `concentration.squeeze(-1)`, "
            "or `loc.unsqueeze(0)` where every pair is meant"
        )
    try:
        concentration, _ = torch.broadcast_tensors(concentration, loc[..., 0])
    except RuntimeError:
        raise ValueError(
            f"`loc` is a batch {batch} of directions in R^{loc.shape[-1]}, and `concentration` has shape {own}: "
            "pass one concentration for each direction, or shapes that broadcast"
        ) from None
    return loc.expand(*concentration.shape, loc.shape[-1]), concentration


def require_on_sphere(name: str, value: Tensor, m: int | None = None) -> None:
    """Refuse points that do not lie on the unit sphere.

    Inside `torch.func.vmap` and `torch.compile` norms cannot be looked at, and are not.

    Args:
        name: What it was called where it was given.
        value: Points ``(..., m)``.
        m: Ambient dimension, where it is known.

    Raises:
        TypeError: If it is not floating point.
        ValueError: If the last dimension is not m, or a norm is not 1; names the norm.

    Chapter 5.
    """
    _require_floating(name, value)
    if m is not None and tuple(value.shape[-1:]) != (m,):
        raise ValueError(f"`{name}` has shape {tuple(value.shape)}, but points of S^{m - 1} in R^{m} are (..., {m})")
    off = _off_sphere(value)
    if _any(off):
        norm = torch.linalg.vector_norm(value.detach(), dim=-1)[off][0].item()
        raise ValueError(
            f"`{name}` has a vector of norm {norm:.7g}, but the unit sphere has norm 1: "
            f"pass `torch.nn.functional.normalize({name}, dim=-1)`"
        )


def require_concentration(concentration: Tensor, upper: float = math.inf) -> None:
    """Refuse concentrations that are negative, not finite, or too large.

    Args:
        concentration: Numbers.
        upper: What they must be below.

    Raises:
        ValueError: If one is out of range; names it.

    Chapter 5.
    """
    wrong = constraints.half_open_interval(0.0, upper).check(concentration.detach()).logical_not()
    if _any(wrong):
        value = concentration.detach()[wrong][0].item()
        most = "finite" if upper == math.inf else f"below {upper:g}"
        raise ValueError(f"`concentration` has the value {value:g}, but must be at least 0 and {most}: clamp it")


def require_same_space(p: int, q: int) -> None:
    """Refuse the divergence of laws on different spheres.

    Args:
        p: Ambient dimension of the one.
        q: Of the other.

    Raises:
        ValueError: If they differ.

    Chapter 5.
    """
    if p != q:
        raise ValueError(f"`p` is a law in R^{p} and `q` in R^{q}: both must have one ambient dimension")


def _require_floating(name: str, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"`{name}` is of type {type(value).__name__}: pass a tensor")
    if not value.is_floating_point():
        raise TypeError(f"`{name}` must be floating point, but it is {value.dtype}: pass `{name}.float()`")


def _off_sphere(value: Tensor) -> Tensor:
    """Tell which vectors are not of norm 1; nan is not."""
    tol = max(NORM_TOL, 8 * torch.finfo(value.dtype).eps)
    return ((torch.linalg.vector_norm(value.detach(), dim=-1) - 1).abs() <= tol).logical_not()


def _any(wrong: Tensor) -> bool:
    """Tell whether any entry is true, as far as entries can be looked at."""
    if torch.compiler.is_compiling():
        return False
    try:
        return bool(wrong.any())
    except RuntimeError:
        return False
