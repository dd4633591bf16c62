r"""Curves and surfaces that can be looked at whole: the point sets of Least Volume's toy experiments.

With :math:`t, u, v` uniform: a curve :math:`(t,\, 10 (t - 0.4)\, t\, (t + 0.35))` in the plane, a square
:math:`(u, v)`, a curve :math:`(t,\, t + 5 t^3,\, t^2)` in space, and a surface
:math:`(u,\, v,\, 10 (s - 0.3)\, s\, (s + 0.3))` with :math:`s = u - 1/2`, without noise or with normal noise of
standard deviation 0.1 on its height; :math:`t \in [-1/2, 1/2]` and :math:`u, v \in [0, 1]`.

All chapters.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.drawn import seed_of
from latentbook.learning.options import require_choice, require_integer

__all__ = ["TOYS", "toy"]

NOISE = 0.1


def _curve(t: Tensor) -> Tensor:
    return torch.stack([t, 10 * (t - 0.4) * t * (t + 0.35)], -1)


def _square(u: Tensor, v: Tensor) -> Tensor:
    return torch.stack([u, v], -1)


def _space_curve(t: Tensor) -> Tensor:
    return torch.stack([t, t + 5 * t**3, t**2], -1)


def _surface(u: Tensor, v: Tensor) -> Tensor:
    s = u - 0.5
    return torch.stack([u, v, 10 * (s - 0.3) * s * (s + 0.3)], -1)


# Map, parameters, where their interval begins (it is 1 long), the original's number of points, noise on the last value.
TOYS: dict[str, tuple[Callable[..., Tensor], tuple[str, ...], float, int, float]] = {
    "curve": (_curve, ("t",), -0.5, 50, 0.0),
    "square": (_square, ("u", "v"), 0.0, 50, 0.0),
    "space-curve": (_space_curve, ("t",), -0.5, 50, 0.0),
    "surface": (_surface, ("u", "v"), 0.0, 100, 0.0),
    "noisy-surface": (_surface, ("u", "v"), 0.0, 100, NOISE),
}


def toy(kind: str, part: str, *, count: int | None = None, seed: int = 0) -> Dataset:
    """Return points of a toy curve or surface, with their parameters as factors.

    Args:
        kind: One of `TOYS`.
        part: ``"train"`` or ``"test"``: the same law, other draws.
        count: Number of points; by default the original's, 50, or 100 on a surface.
        seed: Which draws.

    Returns:
        Points ``[N, 2 or 3]`` in torch's default dtype, on the CPU; the draws are made in float64.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``kind`` or ``part`` is unknown, ``count`` below 1 or ``seed`` negative.

    Reference:
        Chen & Fuge, *Compressing latent space via Least Volume*, ICLR 2024.

    Example:
        >>> points = toy("space-curve", "train")
        >>> points, points.factor_names
        (Dataset('space-curve', 50 x (3,), float32, cpu), ('t',))

    All chapters.
    """
    require_choice("kind", kind, TOYS)
    shape, names, start, default, noise = TOYS[kind]
    generator = torch.Generator().manual_seed(seed_of(part, seed))
    if count is not None:
        require_integer("count", count, 1)
    parameters = start + torch.rand(count or default, len(names), generator=generator, dtype=torch.float64)
    points = _noisy(shape(*parameters.unbind(1)), noise, generator)
    dtype = torch.get_default_dtype()
    note = f"Drawn with seed {seed}: the original fixed none."
    return Dataset(points.to(dtype), name=kind, note=note, factors=parameters.to(dtype), factor_names=names)


def _noisy(points: Float[Tensor, "N D"], noise: float, generator: torch.Generator) -> Float[Tensor, "N D"]:
    errors = noise * torch.randn(len(points), generator=generator, dtype=points.dtype)
    return torch.cat([points[:, :-1], points[:, -1:] + errors[:, None]], 1)
