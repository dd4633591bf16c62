"""Ordinary differential equations of many trajectories at once, each as accurate as if it were alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["flow", "warn_of_the_lost"]

# From a time and states (N, k) to their velocities (N, k).
Field = Callable[[Tensor, Tensor], Tensor]

# The first step, as a part of the whole time.
FIRST = 1e-2

# Up to so many times a step ends at each of them. Between more of them steps are interpolated: by the method of the
# fifth order, whose steps are short, and by this part of the tolerance, since its errors add up to more.
FEW, FINER = 8, 1e-2


def flow(
    field: Field,
    start: Float[Tensor, "N k"],
    times: Float[Tensor, "T"],
    *,
    tol: float,
    stops: Float[Tensor, "S"] | None = None,
    shortest: float = 1e-5,
) -> tuple[Float[Tensor, "T N k"], Bool[Tensor, "N"]]:
    """Follow a vector field, by the adaptive steps of Dormand and Prince of the eighth or the fifth order.

    All trajectories share their steps, which are as short as the worst of them needs. One that leaves the region where
    the field is finite, or runs off to infinity, is given up, and the others go on.

    Args:
        field: From a time and states ``(N, k)`` to velocities ``(N, k)``, each row by itself.
        start: States at the first time.
        times: Ascending, each but once.
        tol: The error of each step, relative to 1 + |state|.
        stops: Times that are no times of the result, but that no step shall pass: where the field has corners.
        shortest: The shortest step, as a part of the whole time. Who needs a shorter one is given up.

    Returns:
        The states at all times, nan for a trajectory that is given up; and which ones are not.

    Raises:
        ImportError: If torchdiffeq is not installed; names the extra.

    Reference:
        Hairer, Nørsett & Wanner, *Solving ordinary differential equations I*, section II.4.

    Example:
        >>> states, alive = flow(lambda t, y: -y, torch.ones(1, 1), torch.tensor([0.0, 1.0]), tol=1e-6)
        >>> states.flatten()
        tensor([1.0000, 0.3679])

    Chapter 3.
    """
    odeint = _solver()
    if len(times) == 1 or not start.numel():
        return start.expand(len(times), *start.shape), torch.ones_like(start[:, 0], dtype=torch.bool)
    whole = (times[-1] - times[0]).item()
    watched = _Watched(field, start, times[0], shortest * whole)
    # A step ends at each corner, and at the last time: beyond it there may be nothing.
    ends = times[-1:] if stops is None else torch.cat([stops[(stops > times[0]) & (stops < times[-1])], times[-1:]])
    method, tol = ("dopri8", tol) if len(times) <= FEW else ("dopri5", max(FINER * tol, torch.finfo(start.dtype).eps))
    if method == "dopri8":
        ends = torch.cat([ends, times[1:]]).unique()
    begin, state, found = times[:1], start.detach(), [start[None].detach()]
    for end in ends.split(1):
        asked = times[(times > begin) & (times <= end)]
        grid = torch.cat([begin, asked[asked < end], end])
        options = {"norm": watched.norm, "first_step": FIRST * whole, "step_t": end}
        with torch.no_grad():
            states = odeint(watched, state, grid, rtol=tol, atol=tol, method=method, options=options)
        found.append(states[1 : 1 + len(asked)])
        begin, state = end, states[-1]
    states = torch.cat(found)
    return torch.where(watched.alive[:, None], states, torch.nan), watched.alive


def warn_of_the_lost(alive: Bool[Tensor, "N"], what: str) -> None:
    """Warn of trajectories that are nan, since they have been given up.

    Args:
        alive: Which ones have not.
        what: What they are.

    Example:
        >>> warn_of_the_lost(torch.tensor([True, True]), "geodesics")

    Chapter 3.
    """
    if not bool(alive.all()):
        warnings.warn(
            f"{int((~alive).sum())} of {len(alive)} {what} leave the region where `f` is finite, or the metric "
            "positive definite, or run off to infinity where data hardly move, and are nan: shorten them",
            stacklevel=3,
        )


class _Watched:
    """A field that knows which trajectories can go on, and the norm of the errors of these."""

    def __init__(self, field: Field, start: Tensor, time: Tensor, shortest: float):
        self.field, self.start, self.shortest, self.step = field, start, shortest, torch.inf
        self.alive = field(time, start).isfinite().all(-1)

    def __call__(self, t: Tensor, y: Tensor) -> Tensor:
        sound = y.isfinite().all(-1)
        dy = self.field(t, torch.where((sound & self.alive)[:, None], y, self.start))
        return torch.where(self.alive[:, None], torch.where(sound[:, None], dy, torch.nan), 0)

    def callback_step(self, t0: Tensor, y0: Tensor, dt: Tensor) -> None:
        self.step = float(dt)

    def norm(self, errors: Tensor) -> Tensor:
        """Return the error of the worst trajectory, in units of what is allowed."""
        each = errors.square().mean(-1).sqrt().nan_to_num(1e6, 1e6).clamp_max(1e6)
        each = torch.where(self.alive, each, 0)
        if self.step <= self.shortest:
            self.alive = self.alive & (each <= 1)
        # A step that somebody has been given up on is tried again without it.
        return each.max()


def _solver() -> Callable:
    try:
        from torchdiffeq import odeint
    except ImportError as error:
        raise ImportError(
            "`exp_map`, `log_map` and `parallel_transport` need torchdiffeq: `pip install latentbook[more]`"
        ) from error
    return odeint
