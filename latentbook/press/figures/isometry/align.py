"""Latent planes turned onto each other: a rotation of the codes changes nothing that a model says about data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from latentbook.learning.recipes.isometry import Run

__all__ = ["Plane", "aligned", "onto"]


@dataclasses.dataclass(frozen=True)
class Plane:
    """Codes and metrics on a plane, or on the slice along the first two latents.

    Attributes:
        codes: ``(N, 2)``.
        metric: ``(N, 2, 2)``.
    """

    codes: Tensor
    metric: Tensor

    def turned(self, rotation: Tensor) -> Plane:
        """Return the same plane in the coordinates ``z @ rotation``, for an orthogonal ``(2, 2)``."""
        return Plane(self.codes @ rotation, rotation.T @ self.metric @ rotation)

    def subset(self, index: Tensor) -> Plane:
        """Return some of the points."""
        return Plane(self.codes[index], self.metric[index])


def aligned(runs: Sequence[Run]) -> list[Plane]:
    """Return the planes of runs, each turned and mirrored so that its codes are nearest to those of the one before.

    Args:
        runs: On the same validation data, in order.

    Returns:
        One plane for each run; the first as it is.

    Reference:
        Schönemann, *A generalized solution of the orthogonal Procrustes problem*, Psychometrika 1966.

    Chapter 2.
    """
    planes: list[Plane] = []
    for run in runs:
        plane = Plane(run.codes[:, :2], run.metric[:, :2, :2])
        planes.append(plane.turned(onto(plane.codes, planes[-1].codes)) if planes else plane)
    return planes


def onto(codes: Tensor, others: Tensor) -> Tensor:
    """Return the orthogonal matrix that brings codes nearest to others: of all, the trace of its product is largest.

    Args:
        codes: ``(N, 2)``, to be turned as ``codes @ onto(codes, others)``.
        others: ``(N, 2)``, of the same examples.

    Chapter 2.
    """
    u, _, vh = torch.linalg.svd(codes.T @ others)
    return u @ vh
