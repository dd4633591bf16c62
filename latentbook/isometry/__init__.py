r"""Isometry: how far a decoder is from keeping all lengths up to one scale, as a loss, as scores and as a picture.

Notation, after Lee, Yoon, Son & Park (2022): the pull-back metric :math:`G(z) = J(z)^\top J(z)` of a decoder
:math:`f : \mathbb{R}^m \to \mathbb{R}^D`. The decoder is a scaled isometry where :math:`G(z) = c I` with one
:math:`c` for all points, and conformal where :math:`G(z) = c(z) I`. Means :math:`\mathbb{E}` are over the points given.

Points are tensors ``(..., m)``, metrics ``(..., m, m)``; leading dimensions are a batch. Metrics come from
`latentbook.metric.pullback_metric`, which also takes metrics of the data and of the latents.

The room has three parts: `distortion` to train with, `scores` to judge by, `ellipses` to look at.
All names are imported from here: ``from latentbook.isometry import relaxed_distortion``. Chapter 2.
"""

from latentbook.isometry.distortion import (
    metric_distortion,
    mix_latents,
    relaxed_distortion,
    scaled_isometry_penalty,
)
from latentbook.isometry.ellipses import Ellipses, ellipse_radius, ellipses
from latentbook.isometry.scores import ConditionNumber, condition_number, metric_variance, volume_variance

__all__ = [
    "ConditionNumber",
    "Ellipses",
    "condition_number",
    "ellipse_radius",
    "ellipses",
    "metric_distortion",
    "metric_variance",
    "mix_latents",
    "relaxed_distortion",
    "scaled_isometry_penalty",
    "volume_variance",
]
