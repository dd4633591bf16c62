r"""Curves with control points: Bézier curves and cubic B-splines, many at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.core import jvp

__all__ = ["BezierCurve", "CubicBSpline", "Curve", "straight_line", "velocity"]

# From times (*curves, T), or (T,) for all curves, to points (*curves, T, m).
Curve = Callable[[Tensor], Tensor]


def straight_line(a: Float[Tensor, "*batch m"], b: Float[Tensor, "*batch m"], n_control: int = 4) -> CubicBSpline:
    r"""Return the straight line :math:`(1 - t)\, a + t\, b` as a B-spline, which can be bent from there.

    The control points stand at the means of three neighbouring knots (Greville's abscissae), so that the latent speed
    is constant.

    Args:
        a: Where it starts, at time 0.
        b: Where it ends, at time 1.
        n_control: Control points, ends included, at least 4.

    Returns:
        One line for each pair.

    Raises:
        ValueError: If `a` and `b` have different shapes, or `n_control` is below 4.

    Example:
        >>> line = straight_line(torch.zeros(2), torch.tensor([4.0, 8.0]), 6)
        >>> line(torch.tensor(0.25))
        tensor([1., 2.])

    Chapter 3.
    """
    if a.shape != b.shape:
        raise ValueError(f"`a` has shape {tuple(a.shape)} and `b` {tuple(b.shape)}: expand one like the other")
    knots = uniform_knots(n_control, a)
    w = knots.unfold(0, 3, 1)[1:-1].mean(-1)[:, None]
    return CubicBSpline(torch.lerp(a[..., None, :], b[..., None, :], w), knots)


def velocity(curve: Curve, t: Float[Tensor, "..."]) -> Tensor:
    r"""Return the velocities :math:`\gamma'(t)` of curves: by their own ``derivative``, or by that of their points.

    Args:
        curve: From times ``(T,)`` to points ``(*curves, T, m)``, each point by its own time.
        t: Times ``(T,)``.

    Returns:
        One velocity for each point, in latent units per unit of time.

    Raises:
        TypeError: If the points do not depend on the times by operations of torch.

    Example:
        >>> velocity(lambda t: torch.stack([t, t**2], -1), torch.tensor([1.0, 3.0]))
        tensor([[1., 2.],
                [1., 6.]])

    Chapter 3.
    """
    derivative = getattr(curve, "derivative", None)
    if derivative is not None:
        return derivative(t)
    try:
        return jvp(curve, t, torch.ones_like(t), strict=True)[1]
    except RuntimeError as error:
        raise TypeError(
            f"`curve` cannot be differentiated ({error}): compute in torch from `t` to the points, or give it a method "
            "`derivative`"
        ) from error


def uniform_knots(n_control: int, like: Tensor) -> Float[Tensor, "knots"]:
    """Return the clamped knots of a cubic B-spline on [0, 1] whose spans are equally long.

    Args:
        n_control: Control points, at least 4.
        like: A tensor of the device and type that are wanted.

    Returns:
        ``n_control + 4`` knots.

    Raises:
        ValueError: If `n_control` is below 4.

    Example:
        >>> uniform_knots(5, torch.zeros(()))
        tensor([0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0])

    Chapter 3.
    """
    if n_control < 4:
        raise ValueError(f"`n_control` is {n_control}, but a cubic B-spline has 4 control points or more: pass 4")
    inner = torch.linspace(0, 1, n_control - 2, dtype=like.dtype, device=like.device)
    return torch.cat([inner[:1].expand(3), inner, inner[-1:].expand(3)])


class BezierCurve:
    r"""The curve :math:`\gamma(t) = \sum_i \binom{n}{i} t^i (1 - t)^{n - i} P_i` of :math:`n + 1` control points.

    Args:
        points: Control points, at least one; leading dimensions count curves.

    Raises:
        ValueError: If there is no control point.

    Reference:
        Farin, *Curves and surfaces for CAGD*, chapters 4 and 5.

    Example:
        >>> curve = BezierCurve(torch.tensor([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]]))
        >>> curve(torch.tensor([0.0, 0.5])), curve.derivative(torch.tensor(0.0))
        (tensor([[0., 0.],
                [1., 1.]]), tensor([2., 4.]))

    Chapter 3.
    """

    def __init__(self, points: Float[Tensor, "*curves n m"]):
        _require_control("points", points, 1)
        self.points = points
        self.breaks = torch.tensor([0.0, 1.0], dtype=points.dtype, device=points.device)

    def __call__(self, t: Float[Tensor, "..."]) -> Tensor:
        """Return the points at times in [0, 1]: ``(T,)`` for all curves, or ``(*curves, T)``."""
        return _combine(_bernstein, _require_times(t, self.breaks), self.points)

    def derivative(self, t: Float[Tensor, "..."]) -> Tensor:
        """Return the velocities at times, in latent units per unit of time."""
        degree = self.points.shape[-2] - 1
        steps = degree * self.points.diff(dim=-2) if degree else torch.zeros_like(self.points)
        return _combine(_bernstein, _require_times(t, self.breaks), steps)


class CubicBSpline:
    r"""The curve :math:`\gamma(t) = \sum_i B_i(t)\, P_i` of clamped cubic B-splines :math:`B_i` on any knots.

    It starts at the first control point and ends at the last. Where a knot is simple, it has two continuous
    derivatives; each repetition takes one away.

    Args:
        points: Control points :math:`P_i`, at least 4; leading dimensions count curves.
        knots: As many as control points and four more, ascending, the first four equal and the last four, for all
            curves; None for equally long spans of [0, 1].

    Raises:
        ValueError: If there are too few control points, or the knots are not as described.

    Reference:
        de Boor, *A practical guide to splines*, chapters IX to XI.

    Example:
        >>> curve = CubicBSpline(torch.tensor([[0.0], [1.0], [2.0], [3.0]]))
        >>> curve(torch.tensor([0.0, 0.5])).flatten()
        tensor([0.0, 1.5])
        >>> curve.insert_knot(0.5).points.flatten()
        tensor([0.0, 0.5, 1.5, 2.5, 3.0])

    Chapter 3.
    """

    def __init__(self, points: Float[Tensor, "*curves n m"], knots: Float[Tensor, "knots"] | None = None):
        _require_control("points", points, 4)
        self.points = points
        self.knots = uniform_knots(points.shape[-2], points) if knots is None else _require_knots(knots, points)
        self.breaks = self.knots.unique()

    @classmethod
    def fit(cls, t: Float[Tensor, "times"], points: Float[Tensor, "*curves times m"], n_control: int) -> CubicBSpline:
        """Return the splines that start and end with points and come closest to the others (least squares).

        The times go from 0 to 1. Where they leave a spline free, it stays close to the straight line.
        """
        line = straight_line(points[..., 0, :], points[..., -1, :], n_control)
        inner = torch.linalg.pinv(line.basis(t)[:, 1:-1]) @ (points - line(t))
        return cls(line.points + torch.nn.functional.pad(inner, (0, 0, 1, 1)), line.knots)

    def __call__(self, t: Float[Tensor, "..."]) -> Tensor:
        """Return the points at times from the first to the last knot: ``(T,)`` for all curves, or ``(*curves, T)``."""
        return _combine(lambda t, _: self.basis(t), t, self.points)

    def basis(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*times n"]:
        """Return the B-splines' values at times: none is negative, and at each time they sum to 1."""
        return _b_splines(_require_times(t, self.breaks), self.knots, 3)

    def derivative(self, t: Float[Tensor, "..."]) -> Tensor:
        """Return the velocities at times, in latent units per unit of time."""
        width = self.knots[4:-1] - self.knots[1:-4]
        steps = 3 * _divided(self.points.diff(dim=-2), width[:, None])
        inner = self.knots[1:-1]
        return _combine(lambda t, _: _b_splines(t, inner, 2), _require_times(t, self.breaks), steps)

    def insert_knot(self, t: float) -> CubicBSpline:
        """Return the same curve with one more knot and one more control point (Boehm's rule), free to bend there.

        A knot that is there already may be repeated, up to three times in all.
        """
        if not self.breaks[0] < t < self.breaks[-1]:
            start, end = self.breaks[0].item(), self.breaks[-1].item()
            raise ValueError(f"`t` is {t}, but a knot goes between the ends: pass a time inside ({start}, {end})")
        n, knots = self.points.shape[-2], self.knots
        i = torch.arange(1, n, device=knots.device)
        # How much of each control point is kept, and how much of the one before it comes in.
        w = _divided(t - knots[i], knots[i + 3] - knots[i]).clamp(0, 1)[:, None]
        inner = torch.lerp(self.points[..., :-1, :], self.points[..., 1:, :], w)
        points = torch.cat([self.points[..., :1, :], inner, self.points[..., -1:, :]], -2)
        return CubicBSpline(points, torch.cat([knots, knots.new_tensor([t])]).sort().values)

    def refine(self) -> CubicBSpline:
        """Return the same curve with a knot in the middle of every span."""
        curve = self
        for t in ((self.breaks[1:] + self.breaks[:-1]) / 2).tolist():
            curve = curve.insert_knot(t)
        return curve


def _combine(basis: Callable[[Tensor, int], Tensor], t: Tensor, points: Tensor) -> Tensor:
    """Return the sums of control points, weighted by a basis at times, of which there may be a single one."""
    values = basis(t.reshape(1) if t.ndim == 0 else t, points.shape[-2]) @ points
    return values.squeeze(-2) if t.ndim == 0 else values


def _bernstein(t: Tensor, n: int) -> Tensor:
    """Return the n Bernstein polynomials of degree n - 1 at times."""
    i = torch.arange(n, dtype=t.dtype, device=t.device)
    binomials = torch.tensor([math.comb(n - 1, k) for k in range(n)], dtype=t.dtype, device=t.device)
    return binomials * t[..., None] ** i * (1 - t[..., None]) ** (n - 1 - i)


def _b_splines(t: Tensor, knots: Tensor, degree: int) -> Tensor:
    """Return the values of all B-splines of a degree at times, by the recursion of Cox and de Boor."""
    n = len(knots) - degree - 1
    # A span includes its start but not its end, so that no knot counts twice; the last one includes both.
    span = (torch.searchsorted(knots, t.contiguous(), right=True) - 1).clamp(degree, n - 1)
    values = torch.nn.functional.one_hot(span, len(knots) - 1).to(knots.dtype)
    t = t[..., None]
    for q in range(1, degree + 1):
        rising = _divided(t - knots[: -q - 1], knots[q:-1] - knots[: -q - 1])
        falling = _divided(knots[q + 1 :] - t, knots[q + 1 :] - knots[1:-q])
        values = rising * values[..., :-1] + falling * values[..., 1:]
    return values


def _divided(x: Tensor, width: Tensor) -> Tensor:
    """Return x / width, and zero over a span of no width."""
    return torch.where(width > 0, x / width.where(width > 0, 1), 0)


def _require_control(name: str, points: Tensor, least: int) -> None:
    if points.ndim < 2 or points.shape[-2] < least:
        raise ValueError(
            f"`{name}` has shape {tuple(points.shape)}, but control points are (..., n, m) with n at least {least}: "
            "pass more of them"
        )


def _require_knots(knots: Tensor, points: Tensor) -> Tensor:
    if len(knots) != points.shape[-2] + 4:
        raise ValueError(f"`knots` has {len(knots)} entries for {points.shape[-2]} control points: pass four more")
    if not bool((knots.diff() >= 0).all()):
        raise ValueError(f"`knots` is {knots.tolist()}, but must ascend: pass `knots.sort().values`")
    clamped = bool((knots[:4] == knots[0]).all() and (knots[-4:] == knots[-1]).all())
    if not clamped or not bool((knots[4:-1] > knots[1:-4]).all()):
        raise ValueError(
            f"`knots` is {knots.tolist()}, but its first four must be equal and its last four, "
            "and between them none may come more than three times: repeat the ends"
        )
    return knots.to(points)


def _require_times(t: Tensor, breaks: Tensor) -> Tensor:
    start, end = breaks[0], breaks[-1]
    # A time that is computed may be beyond the end by rounding.
    slack = 8 * torch.finfo(t.dtype).eps * torch.maximum(start.abs(), end.abs())
    if not bool(((t >= start - slack) & (t <= end + slack)).all()):
        raise ValueError(f"`t` reaches beyond [{start.item()}, {end.item()}], where the curve is: clamp it")
    # Not `clamp`, whose derivative is zero at its bounds too.
    return torch.where(t < start, start, torch.where(t > end, end, t))
