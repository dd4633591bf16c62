r"""Whether points of small gradients are minima: the lowest curvatures of many functions at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["lowest_curvature"]


def lowest_curvature(
    gradient: Callable[[Tensor], Tensor],
    point: Float[Tensor, "B k"],
    here: Float[Tensor, "B k"],
    start: Float[Tensor, "B k"],
    *,
    scale: Float[Tensor, "B"],
    steps: int,
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B k"]]:
    r"""Return the smallest curvature that Lanczos' method finds, and a unit vector along which a function has it.

    It looks at the second derivative H in the space of :math:`v, Hv, \dots, H^{s - 1} v`, with s products by
    differences of gradients. Where one curvature stands apart from the others, as that of a saddle does, few are
    enough; the smallest of all is at most what is returned, up to the error of the differences.

    Args:
        gradient: From points ``(B, k)`` to the functions' gradients there.
        point: Where the curvature is wanted.
        here: The gradients there, which are known.
        start: Vectors v, not zero.
        scale: Lengths over which functions change: steps of the differences are small parts of it.
        steps: Products with H, at least 1; each takes one gradient.

    Returns:
        Curvatures, zero where they are not finite, and directions.

    Reference:
        Golub & Van Loan, *Matrix computations*, chapter 10.

    Example:
        >>> def saddle(y):
        ...     return torch.stack([2 * y[:, 0], -y[:, 1]], -1)
        >>> zero, one = torch.zeros(1, 2), torch.ones(1, 2)
        >>> value, direction = lowest_curvature(saddle, zero, zero, one, scale=torch.ones(1), steps=2)
        >>> bool((value + 1).abs() < 1e-3), bool(direction[0, 0].abs() < 1e-3)
        (True, True)

    Chapter 3.
    """
    h = torch.finfo(point.dtype).eps ** 0.25 * scale[:, None]
    directions, products = [_unit(start)], []
    while True:
        turned = (gradient(point + h * directions[-1]) - here) / h
        products.append(turned)
        if len(products) == min(steps, point.shape[-1]):
            break
        # Against all before, and again: once leaves what rounding brings back.
        for _ in range(2):
            for known in directions:
                turned = turned - (turned * known).sum(-1, keepdim=True) * known
        directions.append(_unit(turned, products[-1]))
    Q, HQ = torch.stack(directions, 1), torch.stack(products, 1)
    T = Q @ HQ.mT
    T = torch.where(T.isfinite().all(-1).all(-1)[:, None, None], (T + T.mT) / 2, 0)
    # A direction that there is not, since the others say all, has no curvature that is low.
    T = T + torch.diag_embed((Q == 0).all(-1) * T.abs().amax((-2, -1))[:, None])
    values, vectors = torch.linalg.eigh(T)
    return values[:, 0], (vectors[:, None, :, 0] @ Q).squeeze(1)


def _unit(v: Tensor, of: Tensor | None = None) -> Tensor:
    """Return vectors at length 1, or zero where they are no more than rounding of others."""
    size = v.norm(dim=-1, keepdim=True)
    least = 0 if of is None else 1e-5 * of.norm(dim=-1, keepdim=True)
    return torch.where(size > least, v / size.where(size > 0, 1), 0)
