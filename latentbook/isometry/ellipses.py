r"""Ellipses: at every point of a latent plane the steps that change the data by the same amount."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.isometry.scores import is_degenerate
from latentbook.metric import log_volume, require_metrics

__all__ = ["Ellipses", "ellipse_radius", "ellipses"]


class Ellipses(NamedTuple):
    r"""Ellipses :math:`\{z + \delta z : \delta z^\top G\, \delta z = \rho^2\}`.

    Attributes:
        axes: Semi-axes, the long one first, in latent units; the long one is infinite where the metric is degenerate.
        angle: Direction of the long axis, in radians in [0, π), counted from the first latent axis to the second.
        outline: Points around each, the last equal to the first; nan where the metric is degenerate.
    """

    axes: Float[Tensor, "*batch 2"]
    angle: Float[Tensor, "*batch"]
    outline: Float[Tensor, "*batch points 2"]


def ellipses(
    G: Float[Tensor, "*batch 2 2"], z: Float[Tensor, "*batch 2"], radius: float | Tensor, *, points: int = 64
) -> Ellipses:
    r"""Return the ellipse of each metric: all steps of one length :math:`\rho` in data space.

    The semi-axes are :math:`\rho / \sqrt{\lambda_i}` along the eigenvectors of :math:`G`: the short one points where
    the data change most. One radius serves all of them, and both directions, so that a circle is a circle whatever
    the range of the latents: draw with equal aspect.

    Args:
        G: Metrics on a latent plane. Of more dimensions ``G[..., :2, :2]`` is the slice along the first two.
        z: Centres.
        radius: :math:`\rho`, one number above 0, in data units; `ellipse_radius` finds one. Pictures that are compared
            share it.
        points: Number of points around each, at least 3; the closing one is added.

    Returns:
        Semi-axes, angles and outlines.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If the metrics are not on a plane, not finite, or not one for each centre, `radius` is not one
            number above 0, or `points` is below 3.

    Reference:
        Lee, Yoon, Son & Park, *Regularized autoencoders for isometric representation learning*, ICLR 2022.

    Example:
        >>> picture = ellipses(torch.tensor([[9.0, 0.0], [0.0, 1.0]]), torch.zeros(2), 1.0)
        >>> picture.axes, picture.angle.rad2deg()
        (tensor([1.0000, 0.3333]), tensor(90.))

    Chapter 2.
    """
    require_metrics(G, finite=True)
    _require_plane(G, z)
    if torch.as_tensor(radius).ndim > 0 or (not isinstance(radius, Tensor) and not 0 < radius < math.inf):
        raise ValueError(f"`radius` is {radius}, but all ellipses share one finite number above 0")
    if points < 3:
        raise ValueError(f"`points` is {points}, but an outline needs 3 or more")
    eigenvalues, directions = torch.linalg.eigh(G)
    flat = is_degenerate(eigenvalues)
    smallest, largest = eigenvalues.unbind(-1)
    axes = radius / torch.stack([torch.where(flat, 0, smallest), largest.clamp_min(0)], -1).sqrt()
    turn = torch.linspace(0, 2 * math.pi, points + 1, dtype=G.dtype, device=G.device)
    # The last angle is 2π up to rounding; the outline shall close.
    circle = torch.stack([turn.cos(), turn.sin()], -1)[[*range(points), 0]]
    steps = (circle * axes[..., None, :]) @ directions.mT
    outline = torch.where(flat[..., None, None], torch.nan, z[..., None, :] + steps)
    long = directions[..., 0]
    angle = torch.atan2(long[..., 1], long[..., 0]) % math.pi
    return Ellipses(axes, angle, outline)


def ellipse_radius(
    G: Float[Tensor, "*batch 2 2"], z: Float[Tensor, "*batch 2"], size: float = 0.1
) -> Float[Tensor, ""]:
    r"""Return a radius for `ellipses` by which most of them can be seen and told apart.

    The median one has the area of a circle whose radius is a fraction `size` of the spread of the points: with
    :math:`\bar\sigma^2` the mean variance of the latents, :math:`\rho = s\, \bar\sigma\, \mathrm{median}_z
    (\det G)^{1/4}`.

    Args:
        G: Metrics on a latent plane.
        z: Centres, at least two different ones.
        size: :math:`s`, above 0.

    Returns:
        One number, in data units.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If the metrics are not on a plane, not finite, or not one for each centre, or `size` is out of
            range.

    Example:
        >>> ellipse_radius(4 * torch.eye(2).expand(2, 2, 2), torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
        tensor(0.2)

    Chapter 2.
    """
    require_metrics(G, finite=True)
    _require_plane(G, z)
    if not 0 < size < math.inf:
        raise ValueError(f"`size` is {size}, but must be a finite number above 0")
    spread = z.reshape(-1, 2).var(0, correction=0).mean().sqrt()
    return size * spread * (log_volume(G).flatten().median() / 2).exp()


def _require_plane(G: Tensor, z: Tensor) -> None:
    if G.shape[-1] != 2:
        raise ValueError(
            f"`G` has shape {tuple(G.shape)}, but an ellipse lies in a plane: pass `G[..., :2, :2]` and `z[..., :2]` "
            "for a slice along the first two latents"
        )
    if z.shape != G.shape[:-1]:
        raise ValueError(
            f"`z` has shape {tuple(z.shape)} for metrics of shape {tuple(G.shape)}: give each one a centre"
        )
