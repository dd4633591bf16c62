r"""The pull-back metric of a decoder: how far a small step in latent space moves the data.

Notation, after Shao, Kumar & Fletcher (2018): a decoder :math:`f : \mathbb{R}^m \to \mathbb{R}^D`, its Jacobian
:math:`J(z) = \partial f / \partial z`, and the metric :math:`G(z) = J(z)^\top J(z)`, so that a step :math:`\delta z`
has the length :math:`\sqrt{\delta z^\top G(z)\, \delta z}` in data space.

A decoder is any callable that maps points ``(N, m)`` to data ``(N, *event)``, each by itself; points with any number of
leading dimensions are handed to it as one batch. It is differentiated in forward mode: one pass for each of the ``m``
latent directions, all of them at once, whatever ``D`` is.

A module, or a bound method of one, is differentiated as it is in eval mode: BatchNorm uses its running statistics,
dropout is off, spectral normalisation stands still. All its parts get their own modes back, and its buffers are not
touched. Any other callable is taken as it is; put what it calls into eval mode first.

A feature map ``h`` changes what a step in data space costs by composition: ``lambda z: h(f(z))``.

The room has two parts: `forward` differentiates, `pullback` makes metrics of it. All names are imported from here:
``from latentbook.metric import pullback_metric``. Chapters 2 and 3.
"""

from latentbook.metric.forward import Decoder, jacobian, pushforward, require_points
from latentbook.metric.pullback import (
    Metric,
    covectors,
    log_volume,
    orthonormal_frame,
    pullback_metric,
    require_metrics,
    speed,
    stack_moments,
)

__all__ = [
    "Decoder",
    "Metric",
    "covectors",
    "jacobian",
    "log_volume",
    "orthonormal_frame",
    "pullback_metric",
    "pushforward",
    "require_metrics",
    "require_points",
    "speed",
    "stack_moments",
]
