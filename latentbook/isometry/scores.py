r"""Scores of metrics: how far from round each is, how much they differ from point to point, and their volumes.

None alone says "isometric": a linear decoder has a constant metric that need not be round, a conformal one has round
metrics that need not be equal. Round and equal together are a scaled isometry.

Where the decoder does not move in some direction, the metric is degenerate: its condition number is infinite, and its
volume is zero. Such points are counted, and means are over the others.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from latentbook.metric import log_volume, require_metrics

__all__ = ["ConditionNumber", "condition_number", "is_degenerate", "metric_variance", "volume_variance"]

# An eigenvalue counts as zero below so many rounding errors, for each latent dimension, of the largest one.
ROUNDING = 10


class ConditionNumber(NamedTuple):
    r"""The condition numbers :math:`\kappa` of a batch of metrics: 1 where a metric is round.

    Attributes:
        mean: Mean over the points that are not degenerate, as all three; nan where there is none. A few large ones
            decide it.
        median: Their median.
        log_mean: Mean of :math:`\ln \kappa`, 0 where all are round.
        degenerate: How many points are degenerate.
        each: One for each point, infinite where it is degenerate.
    """

    mean: Float[Tensor, ""]
    median: Float[Tensor, ""]
    log_mean: Float[Tensor, ""]
    degenerate: Int[Tensor, ""]
    each: Float[Tensor, "*batch"]


def condition_number(G: Float[Tensor, "*batch m m"]) -> ConditionNumber:
    r"""Return how far metrics are from round: :math:`\kappa(z) = \lambda_{\max}(G(z)) / \lambda_{\min}(G(z))`.

    It is the square of the Jacobian's condition number, and of the ratio of an ellipse's axes. 1 everywhere means that
    the decoder is conformal.

    Args:
        G: Metrics, from `latentbook.metric.pullback_metric`.

    Returns:
        Mean, median and mean logarithm over the points that are not degenerate, the count of those that are, and each.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices, or is not finite.

    Reference:
        Lee, Yoon, Son & Park, *Regularized autoencoders for isometric representation learning*, ICLR 2022.

    Example:
        >>> scores = condition_number(torch.diag_embed(torch.tensor([[1.0, 4.0], [3.0, 3.0], [1.0, 0.0]])))
        >>> scores.mean, scores.degenerate, scores.each
        (tensor(2.5), tensor(1), tensor([4., 1., inf]))

    Chapter 2.
    """
    require_metrics(G, finite=True)
    eigenvalues = torch.linalg.eigvalsh(G)
    flat = is_degenerate(eigenvalues)
    # What is left out is replaced before the division: a gradient of infinity times 0 would be nan.
    ratio = torch.where(flat, 1, eigenvalues[..., -1]) / torch.where(flat, 1, eigenvalues[..., 0])
    return ConditionNumber(
        mean=_mean(ratio, ~flat),
        median=_median(ratio, ~flat),
        log_mean=_mean(ratio.log(), ~flat),
        degenerate=flat.sum(),
        each=torch.where(flat, torch.inf, ratio),
    )


def metric_variance(G: Float[Tensor, "*batch m m"]) -> Float[Tensor, ""]:
    r"""Return how much metrics differ from point to point: the mean squared distance to their mean.

    .. math:: \mathbb{E}_z\, d^2(G(z), \bar G), \qquad \bar G = \mathbb{E}_z\, G(z),
        \qquad d^2(G, \bar G) = \sum_i \ln^2 \lambda_i(\bar G^{-1} G)

    The :math:`\lambda_i` are the generalised eigenvalues, :math:`G v = \lambda \bar G v`: those of
    :math:`L^{-1} G L^{-\top}` with :math:`\bar G = L L^\top`. This distance is affine invariant, so that a linear
    change of coordinates, :math:`G \to P^\top G P`, leaves the variance as it is. 0 means a constant metric.

    Args:
        G: Metrics, from `latentbook.metric.pullback_metric`. Degenerate ones, infinitely far from all others, are left
            out; `condition_number` counts them.

    Returns:
        The variance, in squared nats; nan where all points are degenerate.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices, or is not finite.

    Reference:
        Lee, Yoon, Son & Park 2022; the distance: Pennec, Fillard & Ayache, *A Riemannian framework for tensor
        computing*, IJCV 2006.

    Example:
        >>> metric_variance(torch.tensor([[[1.0, 0.0], [0.0, 4.0]], [[3.0, 0.0], [0.0, 2.0]]]))
        tensor(0.4460)

    Chapter 2.
    """
    require_metrics(G, finite=True)
    G = G.reshape(-1, *G.shape[-2:])
    regular = ~is_degenerate(torch.linalg.eigvalsh(G))
    total = torch.where(regular[:, None, None], G, 0).sum(0)
    L = torch.linalg.cholesky_ex(total / regular.sum()).L
    half = torch.linalg.solve_triangular(L, G, upper=False)
    whitened = torch.linalg.solve_triangular(L.mT, half, upper=True, left=False)
    identity = torch.eye(G.shape[-1], dtype=G.dtype, device=G.device)
    whitened = torch.where(regular[:, None, None], whitened, identity)
    eigenvalues = torch.linalg.eigvalsh(whitened)
    # Rounding may leave a small one at zero or below.
    smallest = torch.finfo(G.dtype).eps * eigenvalues[:, -1:]
    return _mean(torch.maximum(eigenvalues, smallest).log().square().sum(-1), regular)


def volume_variance(G: Float[Tensor, "*batch m m"]) -> Float[Tensor, ""]:
    r"""Return how much the magnification of volumes differs from point to point.

    .. math:: \mathrm{Var}_z\bigl[\tfrac{1}{2} \ln \det G(z)\bigr]

    0 means that the decoder keeps volumes up to one scale; an isometry does, and so does a shear.

    Args:
        G: Metrics, from `latentbook.metric.pullback_metric`. Degenerate ones, which have no volume, are left out;
            `condition_number` counts them.

    Returns:
        The variance, the mean squared deviation from the mean, in squared nats; nan where all points are degenerate.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices, or is not finite.

    Example:
        >>> volume_variance(torch.diag_embed(torch.tensor([[1.0, 1.0], [1.0, 4.0]]))).sqrt().exp()
        tensor(1.4142)

    Chapter 2.
    """
    require_metrics(G, finite=True)
    regular = ~is_degenerate(torch.linalg.eigvalsh(G))
    identity = torch.eye(G.shape[-1], dtype=G.dtype, device=G.device)
    volumes = log_volume(torch.where(regular[..., None, None], G, identity))
    return _mean((volumes - _mean(volumes, regular)).square(), regular)


def is_degenerate(eigenvalues: Float[Tensor, "*batch m"]) -> Bool[Tensor, "*batch"]:
    r"""Tell where a metric's smallest eigenvalue is zero, up to :math:`10\, m` rounding errors of the largest.

    Args:
        eigenvalues: In ascending order, from `torch.linalg.eigvalsh`.

    Returns:
        One truth value for each point.

    Example:
        >>> is_degenerate(torch.tensor([[1e-17, 1.0], [1e-3, 1.0]]))
        tensor([ True, False])

    Chapter 2.
    """
    rounding = ROUNDING * eigenvalues.shape[-1] * torch.finfo(eigenvalues.dtype).eps
    return eigenvalues[..., 0] <= rounding * eigenvalues[..., -1]


def _mean(values: Tensor, regular: Tensor) -> Tensor:
    return torch.where(regular, values, 0).sum() / regular.sum()


def _median(values: Tensor, regular: Tensor) -> Tensor:
    """Return the mean of the two in the middle; `nanmedian` takes the lower one, `nanquantile` knows no `vmap`."""
    ordered, count = torch.where(regular, values, torch.nan).flatten().sort().values, regular.sum()
    middle = torch.stack([(count - 1) // 2, count // 2]).clamp_min(0)
    return ordered.gather(0, middle).mean()
