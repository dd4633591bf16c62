r"""Energies of splines as functions of how they are bent, in coordinates in which a descent is short."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.geodesics.curves import CubicBSpline
from latentbook.geodesics.lengths import Space, at_once

__all__ = ["Bending"]

# Chords on each span of a spline.
CHORDS = 3

# How far sideways, of a line's length, a lower curve is looked for, and into how many directions.
SIDEWAYS, DIRECTIONS = 0.1, 4


def _frame(space: Space, curve: CubicBSpline) -> tuple[Tensor, Tensor]:
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


def _sideways(across: Float[Tensor, "B m"]) -> list[Tensor]:
    """Return steps as long as a way from end to end, at right angles to it and to each other: at most DIRECTIONS."""
    size = across.norm(dim=-1, keepdim=True)
    u = across / size
    # Householder's reflection takes the way to an axis, and the other axes to what is wanted.
    sign = torch.where(u[:, :1] < 0, -1, 1)
    v = torch.cat([u[:, :1] + sign, u[:, 1:]], 1)
    unit = torch.eye(across.shape[-1], dtype=across.dtype, device=across.device)
    return [
        size * (unit[k] - 2 * v * v[:, k : k + 1] / v.square().sum(-1, keepdim=True))
        for k in range(1, min(across.shape[-1], DIRECTIONS + 1))
    ]


class Bending:
    r"""The energies of curves as functions of coordinates in which they are nearly round.

    Control points move by :math:`L^{-\top} y F`: with :math:`L L^\top` the products of the B-splines' velocities, and
    :math:`F G F^\top = I` for a metric G that is the mean along each curve, the energy in a constant metric is
    :math:`\lVert y \rVert^2`, up to a constant.
    """

    def __init__(self, space: Space, curve: CubicBSpline):
        self.space, self.curve = space, curve
        self.chords = CHORDS * (len(curve.breaks) - 1)
        t = torch.linspace(0, 1, self.chords + 1, dtype=curve.knots.dtype, device=curve.knots.device)
        self.basis = curve.basis(t)
        slopes = self.basis.diff(dim=0)[:, 1:-1] * math.sqrt(self.chords)
        factor = torch.linalg.cholesky(slopes.mT @ slopes)
        self.bend = torch.linalg.inv(factor).mT
        self.frame, across = _frame(space, curve)
        self.across, self.scale = across, across.norm(dim=-1)
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

    def beside(self, y: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lowest of some curves beside those of known energies, and whether it is lower than they are."""
        # Greville's abscissae: an arc of the first order, in the coordinates of the search.
        t = self.curve.knots.unfold(0, 3, 1)[2:-2].mean(-1)
        arc = torch.linalg.solve(self.bend, torch.sin(math.pi * t))
        rows, best, least = torch.arange(len(y), device=y.device), y, value
        for direction in _sideways(self.across):
            for sign in (-SIDEWAYS, SIDEWAYS):
                trial = y + (sign * arc[:, None] * direction[:, None]).flatten(1)
                new = torch.cat([self.value(*part) for part in self._parts(trial, rows)])
                best, least = torch.where((new < least)[:, None], trial, best), torch.minimum(new, least)
        # By more than rounding.
        return best, least < value * (1 - 1e-6)

    def _differentiated(self, y: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = y.detach().requires_grad_()
            value = self.value(leaf, rows)
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), gradient

    def _parts(self, y: Tensor, rows: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
        size = max(1, at_once(y.device) // len(self.basis))
        return zip(y.split(size), rows.split(size), strict=True)
