r"""Paths on spheres and on products of them, and maps of spheres onto flat paper.

Points of a path keep their norm; points of a map keep their areas, or their angles, but never both.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.sphere.checks import require_on_sphere

__all__ = ["hammer_projection", "inverse_stereographic", "slerp", "slerp_factors", "stereographic"]


def slerp(a: Float[Tensor, "*#batch m"], b: Float[Tensor, "*#batch m"], t: float | Tensor) -> Tensor:
    r"""Return points of the shortest path on S^{m-1} in R^m from a to b: spherical linear interpolation.

    .. math:: \frac{\sin((1 - t) \omega)}{\sin \omega}\, a + \frac{\sin(t \omega)}{\sin \omega}\, b

    Between equal ends nothing moves. Opposite ends have no shortest path of their own: the one by the coordinate axis
    most nearly across is taken. Gradients are finite in both cases; at opposite ends they are those of that path.

    Args:
        a: Where t is 0.
        b: Where t is 1.
        t: Numbers, or tensors that broadcast against the batch; outside of [0, 1] the path goes on.

    Returns:
        Points of norm 1.

    Raises:
        TypeError: If ends are not floating point.
        ValueError: If ends do not lie on the sphere.

    Example:
        >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1 / 3, 1.0]))
        tensor([[1.0000, 0.0000],
                [0.8660, 0.5000],
                [0.0000, 1.0000]])

    Chapter 5.
    """
    require_on_sphere("a", a)
    require_on_sphere("b", b)
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device).unsqueeze(-1)
    middle = _middle(a, b)
    # From the nearer end to the middle, which is never more than a right angle away.
    first = t < 0.5
    end, left = torch.where(first, a, b), 1 - 2 * torch.where(first, t, 1 - t)
    angle = torch.where(first, _angle(a, middle), _angle(b, middle))
    return _share(left, angle) * end + _share(1 - left, angle) * middle


def _angle(a: Tensor, b: Tensor) -> Tensor:
    chord, other = (torch.linalg.vector_norm(side, dim=-1, keepdim=True) for side in (a - b, a + b))
    return 2 * torch.atan2(chord, other)


def _share(part: Tensor, angle: Tensor) -> Tensor:
    """Return the sine of a part of an angle over the sine of the angle; of small angles they are the part."""
    return part * (torch.sinc(part * angle / torch.pi) / torch.sinc(angle / torch.pi))


def _middle(a: Tensor, b: Tensor) -> Tensor:
    """Return the point half-way; between opposite points one that is across, by the axis most nearly so."""
    total = a + b
    length = torch.linalg.vector_norm(total, dim=-1, keepdim=True)
    opposite = length < 8 * torch.finfo(a.dtype).eps
    axis = torch.nn.functional.one_hot(a.abs().argmin(-1), a.shape[-1]).to(a.dtype)
    across = axis - (axis * a).sum(-1, keepdim=True) * a
    across = across / torch.linalg.vector_norm(across, dim=-1, keepdim=True)
    return torch.where(opposite, across, total / torch.where(opposite, 1.0, length))


def slerp_factors(
    a: Float[Tensor, "*#batch M"],
    b: Float[Tensor, "*#batch M"],
    t: float | Tensor,
    sizes: Sequence[int],
    moving: Sequence[int],
) -> Tensor:
    r"""Return points of a product of spheres: some factors move from a to b on their geodesics, the others stay at a.

    Args:
        a: Where t is 0; the coordinates of the factors one after the other.
        b: Where t is 1.
        t: As in `slerp`.
        sizes: How many coordinates each factor has, as in `ProductSphere.sizes`.
        moving: Which factors move, counted from 0.

    Returns:
        Points of the product.

    Raises:
        IndexError: If there is no such factor.
        ValueError: If the sizes do not add up, or ends do not lie on the spheres.

    Example:
        Two hands of a clock, of which one moves:

        >>> noon = torch.tensor([0.0, 1.0, 0.0, 1.0])
        >>> three = torch.tensor([1.0, 0.0, 1.0, 0.0])
        >>> slerp_factors(noon, three, 1.0, (2, 2), moving=[0])
        tensor([1., 0., 0., 1.])

    Chapter 5.
    """
    if sum(sizes) != a.shape[-1]:
        raise ValueError(f"`sizes` {tuple(sizes)} add up to {sum(sizes)}, but points have {a.shape[-1]} coordinates")
    numbers = range(len(sizes))
    chosen = {numbers[factor] for factor in moving}
    ends = zip(a.split(list(sizes), -1), b.split(list(sizes), -1), strict=True)
    parts = [slerp(start, end, t) if place in chosen else start for place, (start, end) in enumerate(ends)]
    batch = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*batch, part.shape[-1]) for part in parts], -1)


def hammer_projection(x: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 2"]:
    r"""Return where points of S^2 in R^3 lie on Hammer's map, which keeps areas.

    With the longitude :math:`\lambda = \mathrm{atan2}(x_2, x_1)` and the latitude :math:`\varphi = \arcsin x_3`

    .. math:: \Big(2\sqrt{2}\, \cos\varphi \sin\tfrac{\lambda}{2},\; \sqrt{2}\, \sin\varphi\Big)
        \Big/ \sqrt{1 + \cos\varphi \cos\tfrac{\lambda}{2}} .

    The map is an ellipse of half-axes :math:`2\sqrt{2}` and :math:`\sqrt{2}`, cut open along the half-circle through
    (-1, 0, 0); (1, 0, 0) is in its middle and (0, 0, 1) at the top.

    Args:
        x: Points of the sphere.

    Returns:
        Points of the ellipse, to be drawn to one scale in both directions.

    Raises:
        TypeError: If points are not floating point.
        ValueError: If they do not lie on the sphere.

    Example:
        >>> hammer_projection(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]))
        tensor([[0.0000, 0.0000],
                [0.0000, 1.4142],
                [2.8284, 0.0000]])

    Chapter 5.
    """
    require_on_sphere("x", x, 3)
    half = torch.atan2(x[..., 1], x[..., 0]) / 2
    level = torch.hypot(x[..., 0], x[..., 1])
    below = (1 + level * half.cos()).sqrt()
    return torch.stack([2 * level * half.sin(), x[..., 2]], -1) * 2**0.5 / below.unsqueeze(-1)


def stereographic(x: Float[Tensor, "*batch m"], pole: Float[Tensor, "m"]) -> Tensor:
    r"""Return points of S^{m-1} in R^m, seen from a pole, on the plane through the centre: angles are kept.

    With the pole p and the m - 1 coordinates :math:`x'` across it, :math:`x' / (1 - p^\top x)`. Opposite to the pole is
    the origin, the equator is the unit sphere, the pole itself is infinitely far away: there the result is nan.

    Args:
        x: Points of the sphere.
        pole: From where they are seen, of norm 1. Seen from the last axis, the others are the coordinates.

    Returns:
        Points ``(..., m - 1)``.

    Raises:
        TypeError: If arguments are not floating point.
        ValueError: If points or pole do not lie on the sphere.

    Example:
        >>> north = torch.tensor([0.0, 0.0, 1.0])
        >>> stereographic(torch.tensor([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.6, 0.0, 0.8]]), north)
        tensor([[0., 0.],
                [1., 0.],
                [3., 0.]])

    Chapter 5.
    """
    require_on_sphere("x", x)
    require_on_sphere("pole", pole, x.shape[-1])
    height = (x - pole).square().sum(-1, keepdim=True) / 2
    return _turned(x, pole)[..., :-1] / height


def inverse_stereographic(y: Float[Tensor, "*batch n"], pole: Float[Tensor, "m"]) -> Tensor:
    r"""Return the points of S^{m-1} in R^m that `stereographic` takes to points of the plane.

    .. math:: \frac{2 y + (|y|^2 - 1)\, p}{|y|^2 + 1}

    Args:
        y: Points ``(..., m - 1)``.
        pole: As there.

    Returns:
        Points of norm 1.

    Raises:
        TypeError: If the pole is not floating point.
        ValueError: If the pole is not of norm 1, or points have another dimension than m - 1.

    Example:
        >>> inverse_stereographic(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 0.0, 1.0]))
        tensor([0.6000, 0.0000, 0.8000])

    Chapter 5.
    """
    require_on_sphere("pole", pole, y.shape[-1] + 1)
    square = y.square().sum(-1, keepdim=True)
    return _turned(torch.cat([2 * y, square - 1], -1) / (square + 1), pole)


def _turned(x: Tensor, pole: Tensor) -> Tensor:
    """Reflect points so that the pole and the last axis change places."""
    axis = torch.zeros_like(pole)
    axis[-1] = 1
    way = pole - axis
    length = torch.linalg.vector_norm(way)
    way = way / torch.where(length > 0, length, 1)
    return x - 2 * (x @ way).unsqueeze(-1) * way
