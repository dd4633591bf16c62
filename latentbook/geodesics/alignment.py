r"""Whether curves go where a decoder stretches least."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.core import all_finite
from latentbook.geodesics.checks import require_defined
from latentbook.geodesics.curves import Curve, velocity
from latentbook.geodesics.lengths import Measured, space_of
from latentbook.metric import Decoder, Metric, pullback_metric

__all__ = ["curve_alignment"]


def curve_alignment(
    f: Decoder | None,
    curve: Curve,
    n: int = 128,
    *,
    metric: Metric | None = None,
    floor: float = 1e-4,
    tie: float = 1e-2,
) -> Float[Tensor, "*curves"]:
    r"""Return how much curves follow the direction in which the metric is smallest: 1 along it, 0 across.

    .. math:: \frac{\sum_t k(t)\, \lVert P(t)\, u(t) \rVert}{\sum_t k(t)}, \qquad
        u = \frac{\gamma'}{\lVert \gamma' \rVert}, \quad k = \frac{\lambda_{\max}}{\lambda_{\min}}, \quad
        P = \sum_i w(\lambda_i / \lambda_{\min})\, e_i e_i^\top

    with the eigenvalues :math:`\lambda_i` of the metric and its orthonormal eigenvectors :math:`e_i`. A single smallest
    eigenvalue gives :math:`|\langle u, e_{\min} \rangle|`. Where several are equal to it there is no single direction,
    but a space of them, and the norm of the projection onto that counts: with :math:`G = c I` it is 1. So that nothing
    jumps when eigenvalues meet, w falls in a straight line from 1 at a ratio of 1 to 0 at 1 + `tie`.

    Where the decoder does not move the data in some direction, k would be infinite, and the only thing that counts.
    Eigenvalues are therefore at least `floor` times the largest, and k at most its inverse.

    Times are evenly spaced, as in the original, so that it depends on how fast a curve is where; geodesics and
    `constant_speed` are at constant speed in data space.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        curve: From times ``(T,)`` to points ``(*curves, T, m)``, over [0, 1] or, where it has ``breaks``, from the
            first to the last of them; a spline, or any callable that torch can differentiate.
        n: Times, at least 1: the middles of as many equal parts.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one.
        floor: The smallest eigenvalue that counts, relative to the largest, in (0, 1].
        tie: By how much a larger eigenvalue may be said to equal the smallest, relatively, more than 0.

    Returns:
        One number in [0, 1] for each curve, without unit. Times at which a curve stands still have no direction and do
        not count; nan for a curve that stands still at all of them.

    Raises:
        TypeError: If `f` or `curve` cannot be differentiated, or `f` returns no floating point tensor.
        ValueError: If `f` is not finite on a curve, the metric is not positive definite there, or a number is out of
            range.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshop 2021.

    Example:
        >>> from latentbook.geodesics import straight_line
        >>> line = straight_line(torch.zeros(3, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))
        >>> curve_alignment(lambda z: z * torch.tensor([1.0, 2.0]), line)
        tensor([1.0, 0.0, 0.6])

    Chapter 3.
    """
    space = space_of(f, metric)
    _require_numbers(n, floor, tie)
    breaks = getattr(curve, "breaks", None)
    if breaks is None:
        breaks = curve(torch.zeros(1)).new_tensor([0.0, 1.0])
    t = torch.lerp(breaks[0], breaks[-1], (torch.arange(n).to(breaks) + 0.5) / n)
    with torch.no_grad():
        z, way = curve(t), velocity(curve, t)
        require_defined(space, z, "which is on a curve: leave it out")
        G = space(z) if isinstance(space, Measured) else pullback_metric(space.f, z)
        if not all_finite(G):
            raise ValueError("`f` has derivatives on the curve that are not finite: move the curve, or smooth `f`")
        speed = way.norm(dim=-1)
        along, k = _follows(G, way / torch.where(speed > 0, speed, 1)[..., None], floor, tie)
        k = torch.where(speed > 0, k, 0)
        return (k * along).sum(-1) / k.sum(-1)


def _follows(G: Tensor, u: Tensor, floor: float, tie: float) -> tuple[Tensor, Tensor]:
    """Return how much unit vectors follow the smallest eigenvalues of metrics, and their condition numbers."""
    eigenvalues, vectors = torch.linalg.eigh(G)
    largest = eigenvalues[..., -1:]
    # Where nothing moves the data, all directions are alike.
    eigenvalues = torch.where(largest > 0, eigenvalues / largest.where(largest > 0, 1), 1).clamp_min(floor)
    smallest = eigenvalues[..., :1]
    weight = (1 - (eigenvalues / smallest - 1) / tie).clamp_min(0)
    parts = weight * (vectors.mT @ u[..., None]).squeeze(-1)
    return parts.norm(dim=-1), 1 / smallest.squeeze(-1)


def _require_numbers(n: int, floor: float, tie: float) -> None:
    if n < 1:
        raise ValueError(f"`n` is {n}, but at least one time is looked at: pass 1 or more")
    if not 0 < floor <= 1:
        raise ValueError(f"`floor` is {floor}, but is a part of the largest eigenvalue: pass a number in (0, 1]")
    if not tie > 0:
        raise ValueError(f"`tie` is {tie}, but without a tolerance no two eigenvalues are equal: pass more than 0")
