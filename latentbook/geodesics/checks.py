"""What is refused of points that belong together, and of spaces that measure nothing where they are."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.core import all_finite
from latentbook.geodesics.lengths import Space, at_once

__all__ = ["flawed", "require_defined", "require_pair", "require_tol"]


def require_pair(first: str, a: Tensor, second: str, b: Tensor) -> None:
    """Refuse what is no batch of pairs: of ends, or of points and their velocities.

    Args:
        first: The name of `a` where it was given.
        a: Points ``(*batch, m)``.
        second: The name of `b`.
        b: As many points, or velocities.

    Raises:
        TypeError: If one is not floating point.
        ValueError: If one has no dimension or is not finite, or they differ in shape, type or device.

    Chapter 3.
    """
    for name, given in ((first, a), (second, b)):
        if not given.is_floating_point():
            raise TypeError(f"`{name}` must be floating point, but it is {given.dtype}: pass `{name}.float()`")
        if given.ndim < 1:
            raise ValueError(f"`{name}` is a number, but points have a last dimension of latents: pass shape (..., m)")
    for word, of_a, of_b in (
        ("has shape", tuple(a.shape), tuple(b.shape)),
        ("is on", a.device, b.device),
        ("has type", a.dtype, b.dtype),
    ):
        if of_a != of_b:
            raise ValueError(f"`{first}` {word} {of_a} and `{second}` {of_b}, but they are pairs: make them alike")
    for name, given in ((first, a), (second, b)):
        if not all_finite(given):
            raise ValueError(f"`{name}` has entries that are not finite: look at the encoder, or leave these pairs out")


def require_defined(space: Space, z: Float[Tensor, "*batch m"], where: str) -> None:
    """Refuse a decoder that is not finite at points, or a metric that is not positive definite there.

    Args:
        space: What measures.
        z: Points.
        where: Words that say where they are, and what to do.

    Raises:
        ValueError: If one is flawed; names it.

    Chapter 3.
    """
    points = z.detach().reshape(-1, z.shape[-1])
    bad = flawed(space, points)
    if bool(bad.any()):
        raise ValueError(f"{space.flaw} at {points[bad.nonzero()[0, 0]].tolist()}, {where}")


def flawed(space: Space, z: Float[Tensor, "N m"]) -> Bool[Tensor, "N"]:
    """Tell at which points a decoder is not finite, or a metric not positive definite.

    Args:
        space: What measures.
        z: Points, decoded a part at a time.

    Returns:
        True where nothing can be measured.

    Example:
        >>> from latentbook.geodesics.lengths import space_of
        >>> flawed(space_of(torch.log), torch.tensor([[-1.0], [1.0]]))
        tensor([ True, False])

    Chapter 3.
    """
    with torch.no_grad():
        return torch.cat([space.flawed(part) for part in z.split(at_once(z.device))])


def require_tol(tol: float, like: Tensor, what: str) -> None:
    """Refuse an accuracy that a type of numbers does not have.

    Args:
        tol: Relative error that is asked for.
        like: A tensor of the type.
        what: What is to be so accurate.

    Raises:
        ValueError: If it is below ten times the type's rounding error.

    Chapter 3.
    """
    best = 10 * torch.finfo(like.dtype).eps
    if not tol >= best:
        raise ValueError(
            f"`tol` is {tol}, but {what} of type {like.dtype} are known to {best:.0e} at best: "
            "pass more, or points in double with a decoder of that type"
        )
