"""Geodesics: many pairs at once against a plan of Adam, the original's scheme and stochman, in CPU seconds.

Each run takes long, and the cores of a machine are shared: seconds of the processor, once, instead of medians.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import cast

import torch
from stochman.curves import CubicSpline
from stochman.manifold import EmbeddedManifold
from timing import Row, timed
from torch import Tensor, nn

from latentbook.geodesics import CubicBSpline, Geodesic, geodesic, straight_line
from latentbook.geodesics.lengths import at_once
from latentbook.learning.nets import mlp_decoder
from latentbook.learning.recipes import geodesics as recipe

LATENTS, PAIRS, MANY = 16, 64, 4096
# Of the original's size, trained until digits are recognised: a minute.
STEPS, BATCH, IMAGES = 800, 64, 6000
# Lengths are compared as plain chords between this many points.
YARDSTICK = 512
# Points of a curve, steps, and the rate they begin with.
PLAN = ((12, 50, 0.1), (24, 40, 0.05))
# The original's: points, epochs, between validations, first rate, jitter in steps, parts of a length that are no gain.
POINTS, EPOCHS, VALIDATION, RATE, JITTER, GAIN = 16, 20, 5, 1.0, 0.1, 200
# Pairs of the comparisons that take longest.
FEW, SOME = 8, 32

Curves = Callable[[Tensor], Tensor]
Data = Callable[[Tensor], Tensor]


def measure() -> list[Row]:
    """Return rows for a decoder of MNIST's digits, with and without its deviation, and for a small one.

    Where MNIST is not here: the last alone.
    """
    try:
        run = _trained()
    except FileNotFoundError as error:
        print(f"geodesics of MNIST are not measured: {error}")
        return [_many()]

    def mean(z: Tensor) -> Tensor:
        return run.model.decode(z).flatten(1)

    def deviation(z: Tensor) -> Tensor:
        return cast(nn.Module, run.deviation)(z).flatten(1)

    def moments(z: Tensor) -> Tensor:
        return torch.cat([mean(z), deviation(z)], 1)

    a, b = pairs(moments)
    found, ours = timed(lambda: _quietly(moments, a, b))
    each = ours / PAIRS
    return [
        *_against_plan(moments, a, b, found, each),
        *_against_original((mean, deviation), a, b, found, each),
        *_against_stochman(mean, a[:: PAIRS // SOME], b[:: PAIRS // SOME]),
        _many(),
    ]


def _trained() -> recipe.Run:
    chosen = recipe.settings(
        scale="smoke", dataset="mnist", device="cpu", latent_dim=LATENTS, steps=STEPS, batch_size=BATCH
    )
    training, test = recipe.load_data(chosen)
    run = recipe.train(chosen, data=(training.subset(torch.arange(IMAGES)), test.subset(torch.arange(1000))))
    run.model.requires_grad_(False)
    return run


def pairs(f: Data) -> tuple[Tensor, Tensor]:
    """Return the diagonal of a cube, pairs from the prior, and as many steps along largest eigenvectors."""
    a, b = recipe.prior_pairs(PAIRS, LATENTS)
    a[0], b[0] = -1, 1
    half = len(a) // 2
    b[half:] = recipe.largest_eigenvector_steps(f, a[half:], 1.0)
    return a, b


def _against_plan(f: Data, a: Tensor, b: Tensor, found: Geodesic, each: float) -> list[Row]:
    planned, taken = timed(lambda: plan(f, a, b))
    excess = (yardstick(f, found.curve) / yardstick(f, planned) - 1).max().item()
    against = f"{sum(steps for _, steps, _ in PLAN)} steps of Adam, one spline"
    return [
        Row(f"{PAIRS} geodesics of digits' moments, CPU of each", each, taken / PAIRS, against, asked="at most 300 ms"),
        Row("their lengths over those of the plan, at most", excess, unit="%", asked="at most 0.1 %"),
        Row("those that have converged", found.converged.float().mean().item(), unit="%", asked="at least 95 %"),
    ]


def plan(f: Data, a: Tensor, b: Tensor) -> CubicBSpline:
    """Return splines of 8 control points, after steps of Adam on the energy of chords, all pairs at once."""
    line = straight_line(a, b, 8)
    inner = line.points[:, 1:-1].clone().requires_grad_()

    def spline() -> CubicBSpline:
        return CubicBSpline(torch.cat([a[:, None], inner, b[:, None]], 1), line.knots)

    for count, steps, rate in PLAN:
        t = torch.linspace(0, 1, count)
        optimiser = torch.optim.Adam([inner], rate)
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate * (1 - 0.9 * step / (steps - 1))
            optimiser.zero_grad()
            # As few points at once as are fast, on both sides.
            for part in torch.arange(len(a)).split(3):
                z = spline()(t)[part]
                chords = f(z.flatten(0, 1)).unflatten(0, z.shape[:2]).diff(dim=1)
                ((count - 1) * chords.square().sum()).backward()
            optimiser.step()
    inner.requires_grad_(False)
    return spline()


def _against_original(parts: Sequence[Data], a: Tensor, b: Tensor, found: Geodesic, each: float) -> list[Row]:
    """Compare with the original's curves of a few pairs; a pass costs what it costs at two points, times all."""

    def f(z: Tensor) -> Tensor:
        return torch.cat([part(z) for part in parts], 1)

    # One half between codes from the prior, the other along largest eigenvectors.
    few = torch.arange(0, PAIRS, PAIRS // FEW)
    theirs = torch.cat([yardstick(f, original(f, a[k], b[k])) for k in few.tolist()])
    ours = yardstick(f, CubicBSpline(found.curve.points[few], found.curve.knots))
    _, taken = timed(lambda: [speed_by_repeats(parts, a[k], b[k] - a[k]) for k in (0, PAIRS - 1)])
    # Each epoch is a pass over all points, and so is the length of the straight line.
    whole = taken / 2 * POINTS * (EPOCHS + 1)
    against = f"the original's {EPOCHS} epochs: 2 points timed, times {POINTS} points, {EPOCHS + 1} passes"
    return [
        Row("one of them, CPU", each, whole, against, asked="at least 400 x"),
        Row("shorter than the original's, on average", (1 - ours / theirs).mean().item(), unit="%", asked="above 0"),
    ]


def original(f: Data, a: Tensor, b: Tensor) -> CubicBSpline:
    """Return a curve of one pair by the original's schedule. In so few epochs no node is added: there are two.

    Speeds are derivatives in one direction instead of whole Jacobians: the same numbers, in 0.3 % of the time.
    """
    line = straight_line(a, b, 4)
    nodes = line.points[1:-1].clone().requires_grad_()
    times, dt, source = torch.linspace(0, 1, POINTS), 1 / (POINTS - 1), torch.Generator().manual_seed(0)

    def spline() -> CubicBSpline:
        return CubicBSpline(torch.cat([a[None], nodes, b[None]]), line.knots)

    def length() -> float:
        return dt * (_squared_speeds(f, spline(), times) + 1e-6).sqrt().sum().item()

    least, best, resets = length(), nodes.detach().clone(), 0
    enough, optimiser = least / GAIN, torch.optim.Adam([nodes], RATE, weight_decay=1e-4)
    for epoch in range(1, EPOCHS + 1):
        if epoch % VALIDATION:
            jittered = (times + JITTER * dt * torch.randn(POINTS, generator=source)).clamp(0, 1)
            optimiser.zero_grad()
            (dt**2 * _squared_speeds(f, spline(), jittered).sum()).backward()
            optimiser.step()
            optimiser.param_groups[0]["lr"] *= 0.9
            continue
        now = length()
        gain = least - now
        if gain > 0:
            least, best = now, nodes.detach().clone()
        if gain < enough:
            resets += 1
            nodes.data.copy_(best)
            optimiser = torch.optim.Adam([nodes], RATE * 0.3**resets, weight_decay=1e-4)
    return CubicBSpline(torch.cat([a[None], best, b[None]])[None], line.knots)


def _squared_speeds(f: Data, curve: CubicBSpline, t: Tensor) -> Tensor:
    z, v = curve(t), curve.derivative(t)
    return torch.func.jvp(f, (z,), (v,))[1].square().sum(-1) + 1e-6 * v.square().sum(-1)


def speed_by_repeats(parts: Sequence[Data], z: Tensor, v: Tensor) -> Tensor:
    """Return the squared speed at one point by the original's Jacobians, and go back through it.

    For the mean, and for the deviation, it repeats the point once for every value of the data, and keeps the graph.
    """
    z = z.clone().requires_grad_()
    square = 1e-6 * v.square().sum()
    for f in parts:
        values = f(z[None]).shape[1]
        many = z.expand(values, -1)
        J = torch.autograd.grad(f(many), many, torch.eye(values), create_graph=True)[0]
        square = square + (J @ v).square().sum()
    square.backward()
    return square.detach()


class _Embedded(EmbeddedManifold):
    """What stochman wants of a decoder."""

    def __init__(self, f: Data):
        self.f = f

    def embed(self, points: Tensor, jacobian: bool = False) -> Tensor:
        """Return the data of points, a curve or many."""
        return self.f(points.flatten(0, -2)).unflatten(0, points.shape[:-1])


def _against_stochman(f: Data, a: Tensor, b: Tensor) -> list[Row]:
    found, ours = timed(lambda: _quietly(f, a, b))
    theirs, taken = timed(lambda: [by_stochman(f, *some) for some in zip(a.split(4), b.split(4), strict=True)])
    lengths = torch.cat([yardstick(f, curve) for curve in theirs])
    shorter = (1 - yardstick(f, found.curve) / lengths).mean().item()
    return [
        Row(
            f"{len(a)} geodesics of digits' means, CPU of each",
            ours / len(a),
            taken / len(a),
            "stochman 0.3",
            asked="at least 3 x",
        ),
        Row("shorter than stochman's, on average", shorter, unit="%", asked="above 0"),
    ]


def by_stochman(f: Data, a: Tensor, b: Tensor) -> Curves:
    """Return the curves that stochman finds between a few pairs at once, as it is by default."""
    spline, _ = _Embedded(f).connecting_geodesic(a, b, CubicSpline(a, b))

    def curve(t: Tensor) -> Tensor:
        with torch.no_grad():
            return spline(t)

    return curve


def _many() -> Row:
    torch.manual_seed(0)
    f = mlp_decoder(2, (128, 128), (64,), nn.Tanh).requires_grad_(False)
    for parameter in f.parameters():
        # As curved as a trained one: with weights as they are drawn first, every geodesic is a straight line.
        parameter.data *= 4
    a, b = torch.randn(2, MANY, 2)
    _, taken = timed(lambda: _quietly(f, a, b))
    return Row(f"{MANY:,} geodesics of 2-128-128-64, CPU", taken, asked="at most 60 s")


@torch.no_grad()
def yardstick(f: Data, curve: Curves) -> Tensor:
    """Return the lengths of curves as sums of plain chords, the same for every scheme."""
    z = curve(torch.linspace(0, 1, YARDSTICK))
    # A curve at a time, and a few points of it.
    data = (torch.cat([f(part) for part in points.split(at_once(z.device, 1000))]) for points in z)
    return torch.stack([x.diff(dim=0).norm(dim=-1).sum() for x in data])


def _quietly(f: Data, a: Tensor, b: Tensor) -> Geodesic:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return geodesic(f, a, b)
