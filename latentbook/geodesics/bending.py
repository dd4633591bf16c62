r"""Energies of splines as functions of how they are bent, in coordinates in which a descent is short."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from latentbook.geodesics.curves import CubicBSpline
from latentbook.geodesics.descent import Descent
from latentbook.geodesics.lengths import Space, at_once
from latentbook.geodesics.saddles import lowest_curvature

__all__ = ["Bending", "Frame"]

# Chords on each span of a spline.
CHORDS = 3

# Products with the second derivative by which saddles are looked for; a curvature below minus DOWN is one.
LANCZOS, DOWN = 5, 2e-2

# What is mixed with a bow to look for them; and how far beside them, of the whole way, a lower curve is looked for.
NOISE, SIDEWAYS = 0.3, (-0.1, 0.1, -0.03, 0.03)

# A metric along curves, and the way from end to end: see `Bending`.
Frame = tuple[Tensor, Tensor]


def _frame(space: Space, curve: CubicBSpline) -> Frame:
    """Return F with F G F' = I for the mean metric G of each curve, and the way from end to end in its coordinates."""
    way = curve.points[:, -1] - curve.points[:, 0]
    m = way.shape[-1]
    z = curve(curve.knots.new_tensor([0.25, 0.5, 0.75]))
    unit = torch.eye(m, dtype=z.dtype, device=z.device)
    # Steps that are small for a curve and large for rounding: the metric is wanted to some ten percent.
    rounding = math.sqrt(torch.finfo(z.dtype).eps) * curve.points.norm(dim=-1).amax(-1)
    h = torch.maximum(1e-2 * way.norm(dim=-1), rounding)
    size = max(1, at_once(z.device) // (3 * (m + 1)))
    parts = zip(z.split(size), h[:, None].expand(z.shape[:2]).split(size), strict=True)
    G = torch.cat([space.metrics(*part).mean(1) for part in parts])
    # A direction that moves the data by next to nothing must not take the search away.
    floor = G.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None]
    K = torch.linalg.cholesky(torch.where((floor > 0) & floor.isfinite(), G + 1e-3 * floor * unit, unit))
    F = torch.linalg.solve_triangular(K, unit.expand_as(K), upper=False)
    return F, (way[:, None] @ K).squeeze(1)


class Bending:
    r"""The energies of curves as functions of coordinates in which they are nearly round.

    Control points move by :math:`L^{-\top} y F`: with :math:`L L^\top` the products of the B-splines' velocities, and
    :math:`F G F^\top = I` for a metric G that is the mean along each curve, the energy in a constant metric is
    :math:`\lVert y \rVert^2`, up to a constant. A frame that is given stands for that metric: F, and the way from end
    to end in its coordinates.
    """

    def __init__(self, space: Space, curve: CubicBSpline, frame: Frame | None = None):
        self.space, self.curve = space, curve
        self.chords = CHORDS * (len(curve.breaks) - 1)
        t = torch.linspace(0, 1, self.chords + 1, dtype=curve.knots.dtype, device=curve.knots.device)
        self.basis = curve.basis(t)
        slopes = self.basis.diff(dim=0)[:, 1:-1] * math.sqrt(self.chords)
        factor = torch.linalg.cholesky(slopes.mT @ slopes)
        self.bend = torch.linalg.inv(factor).mT
        self.frame, self.across = _frame(space, curve) if frame is None else frame
        self.scale = self.across.norm(dim=-1)
        self.start = torch.zeros_like(curve.points[:, 1:-1].flatten(1))

    def points(self, y: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """Return control points, ends included."""
        start = self.curve.points[rows]
        shift = self.bend @ y.reshape(len(y), -1, start.shape[-1]) @ self.frame[rows]
        return torch.cat([start[:, :1], start[:, 1:-1] + shift, start[:, -1:]], 1)

    def value(self, y: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """Return energies, infinite where they cannot be told."""
        (chords,) = self.space.squares(self.basis @ self.points(y, rows), 1)
        total = self.chords * chords.sum(-1)
        return torch.where(total.isfinite() & (chords >= 0).all(-1), total, torch.inf)

    def energy(self, y: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return energies and their gradients, a part of the curves at a time."""
        parts = [self._differentiated(*part) for part in self._parts(y, rows)]
        values, gradients = zip(*parts, strict=True)
        return torch.cat(values), torch.cat(gradients)

    def beside(self, found: Descent) -> tuple[Tensor, Tensor]:
        """Return curves beside those that were found, and whether their energies are lower: a way down from a saddle.

        It leads along the lowest curvature of the energy, where that is negative.
        """
        every = torch.arange(len(found.point), device=found.point.device)
        curvature, direction = lowest_curvature(
            lambda y: self.energy(y, every)[1],
            found.point,
            found.gradient,
            self._bows().expand_as(found.point),
            scale=self.scale,
            steps=LANCZOS,
        )
        # In a constant metric all curvatures are 2, and energies the squares of scales.
        rows = (curvature < -DOWN).nonzero().squeeze(-1)
        beside, lower = found.point.clone(), torch.zeros_like(every, dtype=torch.bool)
        least = found.value.clone()
        for part in SIDEWAYS if len(rows) else ():
            trial = found.point[rows] + part * self.scale[rows, None] * direction[rows]
            value = torch.cat([self.value(*some) for some in self._parts(trial, rows)])
            # By more than rounding.
            better = value < least[rows] * (1 - 1e-6)
            beside[rows[better]], least[rows[better]], lower[rows[better]] = trial[better], value[better], True
        return beside, lower

    def _bows(self) -> Tensor:
        """Return a vector for a search for saddles: mostly a bow over the whole way, in no special direction."""
        n, m = len(self.bend), self.start.shape[-1] // len(self.bend)
        # The same at every call, on every device, and none of it from the global generator.
        source = torch.Generator().manual_seed(0)
        noise, aside = torch.randn(n, m, generator=source), torch.randn(m, generator=source)
        # Greville's abscissae: a bow of the first order, in the coordinates of the search.
        bow = torch.linalg.solve(self.bend, torch.sin(math.pi * self.curve.knots.unfold(0, 3, 1)[2:-2].mean(-1)))
        noise, aside = noise.to(self.bend), aside.to(self.bend)
        return ((bow / bow.norm())[:, None] * aside / aside.norm() + NOISE * noise / noise.norm()).flatten()

    def _differentiated(self, y: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = y.detach().requires_grad_()
            value = self.value(leaf, rows)
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), gradient

    def _parts(self, y: Tensor, rows: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
        size = max(1, at_once(y.device, self.space.width) // len(self.basis))
        return zip(y.split(size), rows.split(size), strict=True)
