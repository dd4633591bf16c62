r"""Minimising many functions at once, each in its own pace: L-BFGS with a step length for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["Descent", "minimise"]

# From points (A, k) and the numbers (A,) of their functions to values (A,) and gradients (A, k).
Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

# Steps whose curvature is remembered, and shorter steps that are tried before a function is given up.
MEMORY, TRIES = 10, 12


@dataclass(frozen=True)
class Descent:
    """Where the minima are: points, values, gradients, and relative gradients as `minimise` measures them."""

    point: Float[Tensor, "B k"]
    value: Float[Tensor, "B"]
    gradient: Float[Tensor, "B k"]
    gradient_norm: Float[Tensor, "B"]

    def put(self, rows: Tensor, other: Descent) -> None:
        """Put what was found of some functions in place of what was known of them."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)


@dataclass
class _Search:
    """The functions that are still searched: all tensors count them first."""

    rows: Tensor
    y: Tensor
    value: Tensor
    gradient: Tensor
    scale: Tensor
    # The inverse of the second derivative where nothing is remembered, and whether something is.
    inverse: Tensor
    informed: Tensor
    given_up: Tensor
    moves: Tensor
    turns: Tensor
    weights: Tensor

    def keep(self, chosen: Tensor) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[chosen])

    def norm(self) -> Tensor:
        return relative_norm(self.value, self.gradient, self.scale)


def minimise(
    objective: Objective, start: Float[Tensor, "B k"], *, scale: Float[Tensor, "B"], tol: float, max_steps: int
) -> Descent:
    r"""Minimise B positive functions of k numbers, each from its start, until its relative gradient is small.

    That is :math:`s\, \lVert \nabla E \rVert / 2 E`, where s is the function's scale. For a quadratic function with
    second derivative :math:`2 E / s^2`, the square of it is how far, relatively, the value is above the minimum.

    Args:
        objective: From points ``(A, k)`` and the numbers ``(A,)`` of their functions, 0 to B - 1, to values ``(A,)``
            and gradients ``(A, k)``. A value that is not finite is taken as too large.
        start: Where the search starts.
        scale: How far a function may go in one step, and what makes its gradient a number without units.
        tol: Where a relative gradient is small.
        max_steps: Steps, at least 0.

    Returns:
        Points, values, gradients and relative gradients. A function whose gradient is not small has used its steps, or
        no step makes it smaller.

    Raises:
        ValueError: If `max_steps` is negative.

    Reference:
        Nocedal & Wright, *Numerical optimization*, algorithms 7.4 and 3.1.

    Example:
        >>> def bowls(y, rows):
        ...     return 1 + (y**2).sum(-1), 2 * y
        >>> minimise(bowls, torch.ones(3, 2), scale=torch.ones(3), tol=1e-3, max_steps=9).value
        tensor([1., 1., 1.])

    Chapter 3.
    """
    if max_steps < 0:
        raise ValueError(f"`max_steps` is {max_steps}, but cannot be negative: pass 0 or more")
    search = _started(objective, start, scale)
    found = Descent(start.clone(), search.value.clone(), search.gradient.clone(), search.norm())
    for _ in range(max_steps):
        live = (search.norm() > tol) & ~search.given_up
        if not bool(live.all()):
            search.keep(live)
        if not len(search.rows):
            break
        _step(objective, search)
        found.put(search.rows, Descent(search.y, search.value, search.gradient, search.norm()))
    return found


def relative_norm(
    value: Float[Tensor, "B"], gradient: Float[Tensor, "B k"], scale: Float[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """Return the norms of gradients as numbers without units, zero where the value is.

    Args:
        value: Values, not negative.
        gradient: Gradients.
        scale: Scales of the points.

    Returns:
        One number for each function.

    Example:
        >>> relative_norm(torch.tensor([2.0]), torch.tensor([[0.3, 0.4]]), torch.ones(1))
        tensor([0.1250])

    Chapter 3.
    """
    return torch.where(value > 0, gradient.norm(dim=-1) * scale / (2 * value.where(value > 0, 1)), 0)


def _started(objective: Objective, start: Tensor, scale: Tensor) -> _Search:
    rows = torch.arange(len(start), device=start.device)
    value, gradient = objective(start, rows)
    no = torch.zeros_like(rows, dtype=torch.bool)
    inverse = scale**2 / (2 * value.where(value > 0, 1))
    empty = start.new_zeros(len(start), MEMORY, start.shape[-1])
    memory = (empty, empty.clone(), empty[..., 0].clone())
    return _Search(rows, start.clone(), value, gradient, scale, inverse, no, no.clone(), *memory)


def _step(objective: Objective, search: _Search) -> None:
    """Move every function that can be made smaller, and remember what the move says about its curvature."""
    d = _direction(search)
    y, value, gradient, moved = _line_search(objective, search, d)
    s, q = y - search.y, gradient - search.gradient
    curvature = (s * q).sum(-1)
    # Where the function curves down, a step says nothing about its minimum; there the next one may be longer.
    useful = moved & (curvature > 1e-6 * s.norm(dim=-1) * q.norm(dim=-1))
    longer = torch.where(moved, 2 * search.inverse, search.inverse / 4)
    search.inverse = torch.where(useful, curvature / q.square().sum(-1).where(useful, 1), longer)
    # Who cannot move forgets all, and is given up when that does not help.
    search.given_up = ~moved & ~search.informed
    weight = torch.where(useful, 1 / curvature.where(useful, 1), 0)
    search.weights = torch.cat([search.weights[:, 1:] * moved[:, None], weight[:, None]], 1)
    search.informed = (search.weights > 0).any(1)
    search.moves = torch.cat([search.moves[:, 1:], s[:, None]], 1)
    search.turns = torch.cat([search.turns[:, 1:], q[:, None]], 1)
    search.y, search.value, search.gradient = y, value, gradient


def _direction(search: _Search) -> Tensor:
    """Return the quasi-Newton directions by the recursion of L-BFGS, no longer than the scale."""
    d, shares = -search.gradient, []
    for i in reversed(range(MEMORY)):
        share = search.weights[:, i] * (search.moves[:, i] * d).sum(-1)
        d = d - share[:, None] * search.turns[:, i]
        shares.append(share)
    d = search.inverse[:, None] * d
    for i, share in zip(range(MEMORY), reversed(shares), strict=True):
        back = search.weights[:, i] * (search.turns[:, i] * d).sum(-1)
        d = d + (share - back)[:, None] * search.moves[:, i]
    down = (d * search.gradient).sum(-1, keepdim=True) < 0
    d = torch.where(down, d, -search.inverse[:, None] * search.gradient)
    size = d.norm(dim=-1)
    return d * (search.scale / size.where(size > 0, 1)).clamp_max(1)[:, None]


def _line_search(
    objective: Objective, search: _Search, d: Float[Tensor, "A k"]
) -> tuple[Tensor, Tensor, Tensor, Bool[Tensor, "A"]]:
    """Return points along directions whose values are smaller by enough, with their values and gradients."""
    y, value, gradient = search.y.clone(), search.value.clone(), search.gradient.clone()
    slope = (d * gradient).sum(-1)
    length, todo = torch.ones_like(slope), torch.arange(len(slope), device=slope.device)
    # Values that differ by rounding are equal.
    noise = 4 * torch.finfo(value.dtype).eps * value.abs()
    for _ in range(TRIES):
        t = length[todo]
        trial = search.y[todo] + t[:, None] * d[todo]
        new, turned = objective(trial, search.rows[todo])
        low = new <= search.value[todo] + 1e-4 * t * slope[todo] + noise[todo]
        done = todo[low]
        y[done], value[done], gradient[done] = trial[low], new[low], turned[low]
        length[todo] = _shorter(t, new - search.value[todo], slope[todo])
        todo = todo[~low]
        if not len(todo):
            break
    moved = torch.ones_like(slope, dtype=torch.bool)
    moved[todo] = False
    return y, value, gradient, moved


def _shorter(t: Tensor, rise: Tensor, slope: Tensor) -> Tensor:
    """Return where the parabola through a value, its slope and a value further on is lowest, within bounds."""
    lowest = -slope * t**2 / (2 * (rise - slope * t))
    return torch.where(lowest.isfinite(), lowest.clamp(0.1 * t, 0.5 * t), 0.1 * t)
