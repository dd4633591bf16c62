r"""Lengths and energies of curves in data space, from chords between decoded points."""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.geodesics.curves import Curve
from latentbook.metric import Decoder, Metric
from latentbook.metric.forward import require_data, standing_still

__all__ = ["Decoded", "Measured", "Space", "at_once", "constant_speed", "energy", "length", "space_of", "time_grid"]


def at_once(device: torch.device, width: int = 1) -> int:
    """Return how many points are decoded at once: on a CPU few, since more of them take fresh memory and are slower.

    Args:
        device: Where they are.
        width: Values in the data of a point: where there are many, what a decoder holds on the way is larger still.

    Returns:
        A number of points.

    Example:
        >>> at_once(torch.device("cpu")), at_once(torch.device("cpu"), 28 * 28)
        (1024, 83)

    Chapter 3.
    """
    values, least, most = (2**16, 32, 2**10) if device.type == "cpu" else (2**24, 2**10, 2**18)
    return min(most, max(least, values // width))


@functools.cache
def _keep_freed_memory() -> None:
    """Let the C library keep what is freed for what comes next, as far as it does so by itself.

    glibc takes blocks above a bound from the system and gives them back at once, so that a decoder's activations, freed
    and wanted again all the time, pay a page fault for every 4 kB: two thirds of the time of a search. The bound rises
    to the largest such block that was freed so far, up to 32 MB. Of this one no page is ever touched.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def length(f: Decoder | None, curve: Curve, n: int = 512, *, metric: Metric | None = None) -> Tensor:
    r"""Return the length of curves in data space, :math:`L = \int \lVert (f \circ \gamma)'(t) \rVert\, dt`.

    The sum :math:`L_n` of n chords is too short by an error of order :math:`n^{-2}`. Half as many show how large it
    is, and it is taken off (Richardson's extrapolation, order :math:`n^{-4}` for smooth decoders):

    .. math:: L \approx \tfrac{1}{3} (4 L_n - L_{n/2}).

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        curve: From times ``(T,)`` to points ``(*curves, T, m)``, over [0, 1] or, where it has ``breaks``, from the
            first to the last of them. Between neighbouring ones it is smooth.
        n: Chords, at least 2; rounded up so that each smooth part has an even number of them.
        metric: Callable from points ``(N, m)`` to positive definite matrices ``(N, m, m)``.

    Returns:
        One length for each curve, in data units.

    Raises:
        TypeError: If `f` returns no floating point tensor.
        ValueError: If `n` is below 2, `f` returns a shape that does not count points, or not exactly one of `f` and
            `metric` is given.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshop 2021.

    Example:
        Half a turn around a cylinder of radius 2:

        >>> from latentbook.geodesics import straight_line
        >>> def cylinder(z):
        ...     return torch.stack([2 * z[..., 0].cos(), 2 * z[..., 0].sin(), z[..., 1]], -1)
        >>> length(cylinder, straight_line(torch.zeros(2), torch.tensor([torch.pi, 0.0]))) / torch.pi
        tensor(2.0000)

    Chapter 3.
    """
    fine, coarse, _ = _chords(f, curve, n, metric)
    return (4 * fine.sqrt().sum(-1) - coarse.sqrt().sum(-1)) / 3


def energy(f: Decoder | None, curve: Curve, n: int = 512, *, metric: Metric | None = None) -> Tensor:
    r"""Return the energy of curves in data space, :math:`E = \int \lVert (f \circ \gamma)'(t) \rVert^2\, dt`.

    Over a time of 1 it is at least the squared length, and equal to it where the speed is constant.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        curve: As in `length`.
        n: Chords, as in `length`, with the same extrapolation.
        metric: As in `length`.

    Returns:
        One energy for each curve, in squared data units per unit of time.

    Raises:
        TypeError: If `f` returns no floating point tensor.
        ValueError: If `n` is below 2, `f` returns a shape that does not count points, or not exactly one of `f` and
            `metric` is given.

    Example:
        A segment of length 5, and the same with a slow start and a slow end:

        >>> from latentbook.geodesics import straight_line
        >>> segment = straight_line(torch.zeros(2), torch.tensor([3.0, 4.0]))
        >>> energy(lambda z: z, segment), energy(lambda z: z, lambda t: segment(3 * t**2 - 2 * t**3))
        (tensor(25.000), tensor(30.000))

    Chapter 3.
    """
    fine, coarse, t = _chords(f, curve, n, metric)
    return (4 * (fine / t.diff()).sum(-1) - (coarse / t[::2].diff()).sum(-1)) / 3


def constant_speed(f: Decoder | None, curve: Curve, n: int = 512, *, metric: Metric | None = None) -> Curve:
    r"""Return the same curves at constant speed in data space, over [0, 1].

    With :math:`s(t)` the part of its length that a curve has covered at time t, it is
    :math:`\tau \mapsto \gamma(s^{-1}(\tau))`, where s is taken to be linear along each of n chords.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        curve: As in `length`; it also takes times ``(*curves, T)``, as splines do. A curve of no length is left as it
            is.
        n: Chords, as in `length`; the speed is constant up to an error of order :math:`1 / n`.
        metric: As in `length`.

    Returns:
        A curve, from times ``(T,)``, or one time, to points ``(*curves, T, m)``.

    Raises:
        TypeError: If `f` returns no floating point tensor.
        ValueError: If `n` is below 2, `f` returns a shape that does not count points, or not exactly one of `f` and
            `metric` is given.

    Example:
        >>> from latentbook.geodesics import straight_line
        >>> even = constant_speed(lambda z: z**2, straight_line(torch.zeros(1), torch.ones(1)))
        >>> even(torch.tensor([0.0, 0.25, 1.0])).flatten()
        tensor([0.0, 0.5, 1.0])

    Chapter 3.
    """
    fine, _, t = _chords(f, curve, n, metric)
    steps = fine.sqrt()
    total = steps.sum(-1, keepdim=True)
    steps = torch.where(total > 0, steps / total, t.diff() / (t[-1] - t[0]))
    covered = torch.cat([torch.zeros_like(total), steps.cumsum(-1)], -1)

    def even(times: Float[Tensor, "..."]) -> Tensor:
        if not bool(((times >= 0) & (times <= 1)).all()):
            raise ValueError("`t` reaches beyond [0, 1], where the curve is: clamp it")
        wanted = times.to(covered).expand(*covered.shape[:-1], *(times.shape[-1:] or (1,))).contiguous()
        i = torch.searchsorted(covered, wanted, right=True).clamp(1, covered.shape[-1] - 1)
        before, width = covered.gather(-1, i - 1), steps.gather(-1, i - 1)
        part = torch.where(width > 0, (wanted - before) / width.where(width > 0, 1), 0).clamp(0, 1)
        points = curve(torch.lerp(t[i - 1], t[i], part))
        return points if times.ndim else points.squeeze(-2)

    return even


def space_of(f: Decoder | None, metric: Metric | None = None) -> Space:
    """Return what measures chords: a decoder, or a metric.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        metric: Callable from points ``(N, m)`` to matrices ``(N, m, m)``, or to one ``(m, m)``.

    Returns:
        A `Decoded` or a `Measured` space.

    Raises:
        TypeError: If `f` or `metric` is not callable.
        ValueError: If not exactly one of them is given.

    Example:
        >>> space_of(lambda z: 2 * z).squares(torch.tensor([[0.0], [1.0], [3.0]]), 1, 2)
        [tensor([ 4., 16.]), tensor([36.])]

    Chapter 3.
    """
    for name, given in (("f", f), ("metric", metric)):
        if given is not None and not callable(given):
            raise TypeError(f"`{name}` is {type(given).__name__}, but must be a callable that takes points (N, m)")
    if f is not None and metric is None:
        return Decoded(f)
    if metric is not None and f is None:
        return Measured(metric)
    raise ValueError(
        f"`f` is {f!r} and `metric` is {metric!r}, but one of them measures: pass a decoder, or None and a metric"
    )


def time_grid(breaks: Float[Tensor, "breaks"], n: int) -> Float[Tensor, "times"]:
    """Return at least n + 1 times that include the breaks, an even number of equal steps between neighbouring ones.

    Args:
        breaks: Ascending times, at least two.
        n: Steps, at least 2.

    Returns:
        Ascending times from the first break to the last.

    Raises:
        ValueError: If `n` is below 2.

    Example:
        >>> time_grid(torch.tensor([0.0, 0.5, 1.0]), 3)
        tensor([0.00, 0.25, 0.50, 0.75, 1.00])

    Chapter 3.
    """
    if n < 2:
        raise ValueError(f"`n` is {n}, but lengths compare n chords with n / 2: pass 2 or more")
    each = 2 * -(-n // (2 * (len(breaks) - 1)))
    steps = torch.arange(each, dtype=breaks.dtype, device=breaks.device) / each
    return torch.cat([torch.lerp(breaks[:-1, None], breaks[1:, None], steps).flatten(), breaks[-1:]])


def _chords(f: Decoder | None, curve: Curve, n: int, metric: Metric | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the squared chords of curves on a fine grid and on every second of its times, and that grid."""
    space = space_of(f, metric)
    breaks = getattr(curve, "breaks", None)
    if breaks is None:
        # What a plain callable makes of a number tells the type that it computes in.
        breaks = curve(torch.zeros(1)).new_tensor([0.0, 1.0])
    t = time_grid(breaks, n)
    z = curve(t)
    lines = z.reshape(-1, *z.shape[-2:])
    parts = lines.split(max(1, at_once(z.device) // len(t)))
    measured = zip(*(space.squares(part, 1, 2) for part in parts), strict=True)
    fine, coarse = (torch.cat(chords) for chords in measured)
    batch = z.shape[:-2]
    return fine.reshape(*batch, len(t) - 1), coarse.reshape(*batch, len(t) // 2), t


class Decoded:
    """Latent space as the data of a decoder measure it, which is at rest meanwhile."""

    flaw = "`f` is not finite"

    def __init__(self, f: Decoder):
        self.f = f
        # Until a first point is decoded, as much as is not rare.
        self.width = 2048
        _keep_freed_memory()

    def __call__(self, z: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch D"]:
        """Return the data of points, decoded a part at a time, with data dimensions flattened."""
        points, parts, done = z.reshape(-1, z.shape[-1]), [], 0
        with standing_still(self.f):
            while done < len(points) or not parts:
                part = points[done : done + at_once(z.device, self.width)]
                x = require_data(self.f(part), part)
                parts.append(x.reshape(len(part), math.prod(x.shape[1:])))
                self.width = max(1, parts[-1].shape[1])
                done += len(part)
        return torch.cat(parts).reshape(*z.shape[:-1], parts[-1].shape[1])

    def squares(self, z: Float[Tensor, "*curves T m"], *strides: int) -> list[Tensor]:
        """Return, for each stride k, the squared lengths ``(*curves, (T - 1) / k)`` of chords between k-th points."""
        x = self(z)
        return [x[..., ::k, :].diff(dim=-2).square().sum(-1) for k in strides]

    def metrics(self, z: Float[Tensor, "*batch m"], h: Float[Tensor, "..."]) -> Float[Tensor, "*batch m m"]:
        """Return the metric at points as it looks in steps of size h: no derivative is needed for a rough one."""
        unit = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
        x = self(torch.cat([z[..., None, :], z[..., None, :] + h[..., None, None] * unit], -2))
        dx = (x[..., 1:, :] - x[..., :1, :]) / h[..., None, None]
        return dx @ dx.mT

    def flawed(self, z: Float[Tensor, "N m"]) -> Bool[Tensor, "N"]:
        """Tell which points have data that are not finite."""
        return ~self(z).isfinite().all(-1)


class Measured:
    """Latent space with a metric that is given."""

    flaw = "`metric` is not symmetric and positive definite"
    width = 1

    def __init__(self, metric: Metric):
        self.metric = metric

    def __call__(self, z: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m m"]:
        """Return the metric at points."""
        points, m = z.reshape(-1, z.shape[-1]), z.shape[-1]
        G = self.metric(points)
        if not isinstance(G, Tensor) or G.shape not in ((len(points), m, m), (m, m)):
            received = tuple(G.shape) if isinstance(G, Tensor) else type(G).__name__
            raise ValueError(
                f"`metric` returns {received} for points of shape {tuple(points.shape)}: "
                f"return matrices of shape {(len(points), m, m)}, or one for all of them, {(m, m)}"
            )
        return G.expand(len(points), m, m).reshape(*z.shape, m)

    def squares(self, z: Float[Tensor, "*curves T m"], *strides: int) -> list[Tensor]:
        """Return, for each stride k, squared lengths of chords between k-th points, by the metric in their middles."""
        return [self._chords(z[..., ::k, :]) for k in strides]

    def _chords(self, z: Tensor) -> Tensor:
        step, middle = z.diff(dim=-2), (z[..., 1:, :] + z[..., :-1, :]) / 2
        return torch.einsum("...i,...ij,...j->...", step, self(middle), step)

    def metrics(self, z: Float[Tensor, "*batch m"], h: Float[Tensor, "..."]) -> Float[Tensor, "*batch m m"]:
        """Return the metric at points; the steps do not matter."""
        return self(z)

    def flawed(self, z: Float[Tensor, "N m"]) -> Bool[Tensor, "N"]:
        """Tell at which points the matrices are not finite, not symmetric or not positive definite."""
        G = self(z)
        skew = (G - G.mT).abs().flatten(1).amax(-1) > 1e-4 * G.abs().flatten(1).amax(-1)
        return (torch.linalg.cholesky_ex(G).info > 0) | skew | ~G.isfinite().flatten(1).all(-1)


Space = Decoded | Measured
