"""Solving many small systems of equations at once, each in its own pace: Broyden's method."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["find_roots"]

# From points (R, m) and the numbers (R,) of their systems to what shall be zero (R, m).
System = Callable[[Tensor, Tensor], Tensor]

# How short a step may be, of Newton's, before a system is given up.
LEAST = 1 / 64


def find_roots(
    system: System, start: Float[Tensor, "N m"], *, tol: float, rounds: int = 30
) -> tuple[Float[Tensor, "N m"], Float[Tensor, "N"]]:
    r"""Return points at which as many functions as unknowns are zero, each system from its start.

    Slopes are measured by differences once, and then learn from every step (Broyden); where a step leads no closer they
    are measured again, and then the step is shortened.

    Args:
        system: From points ``(R, m)`` and the numbers ``(R,)`` of their systems, 0 to N - 1, which may repeat, to
            values ``(R, m)``. Values that are not finite are taken as far away.
        start: Where the search starts.
        tol: What counts as zero, for the norm of the values.
        rounds: Steps at most, at least 0.

    Returns:
        The points, and the norms of the values there; infinite where a start has none.

    Raises:
        ValueError: If `rounds` is negative.

    Reference:
        Nocedal & Wright, *Numerical optimization*, section 11.1.

    Example:
        >>> roots, rest = find_roots(lambda x, rows: x**2 - 2, torch.tensor([[1.0], [-3.0]]), tol=1e-5)
        >>> roots.flatten()
        tensor([ 1.4142, -1.4142])

    Chapter 3.
    """
    if rounds < 0:
        raise ValueError(f"`rounds` is {rounds}, but cannot be negative: pass 0 or more")
    every = torch.arange(len(start), device=start.device)
    x, value = start.clone(), system(start, every)
    rest = _norm(value)
    slopes = start.new_zeros(*start.shape, start.shape[-1])
    worn, measured = torch.ones_like(every, dtype=torch.bool), torch.zeros_like(every, dtype=torch.bool)
    share = torch.ones_like(rest)
    for _ in range(rounds):
        rows = every[(rest > tol) & rest.isfinite() & (share >= LEAST)]
        if not len(rows):
            break
        old = rows[worn[rows]]
        if len(old):
            slopes[old], worn[old], measured[old] = _slopes(system, x[old], value[old], old), False, True
        step = -share[rows, None] * torch.linalg.solve_ex(slopes[rows], value[rows])[0]
        step = torch.where(step.isfinite().all(-1, keepdim=True), step, 0)
        new = system(x[rows] + step, rows)
        closer = _norm(new) < rest[rows]
        # Slopes that were measured where they are used point the right way: not so far. Others are measured.
        share[rows] = torch.where(closer, 1, torch.where(measured[rows], share[rows] / 2, share[rows]))
        worn[rows] = ~closer & ~measured[rows]
        done, step, new = rows[closer], step[closer], new[closer]
        surprise = new - value[done] - (slopes[done] @ step[..., None]).squeeze(-1)
        slopes[done] += surprise[..., :, None] * step[..., None, :] / step.square().sum(-1)[:, None, None]
        x[done], value[done], rest[done], measured[done] = x[done] + step, new, _norm(new), False
    return x, rest


def _slopes(system: System, x: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Return the derivatives of the values (R, m, m), the direction last, by differences."""
    m = x.shape[-1]
    h = math.sqrt(torch.finfo(x.dtype).eps) * x.norm(dim=-1)
    h = torch.where(h > 0, h, math.sqrt(torch.finfo(x.dtype).eps))[:, None, None]
    moved = x[:, None] + h * torch.eye(m, dtype=x.dtype, device=x.device)
    new = system(moved.flatten(0, 1), rows.repeat_interleave(m)).reshape(moved.shape)
    return ((new - value[:, None]) / h).mT


def _norm(value: Tensor) -> Tensor:
    return value.norm(dim=-1).nan_to_num(torch.inf, torch.inf)
