r"""Drawn images, whose factors are known: a shape that moves, turns and changes colour, and the hands of a clock.

Coordinates: the image is a square of side 1 with its centre at the origin, :math:`x` to the right, :math:`y` upwards.
Angles of sprites count from the :math:`x` axis against the clock, those of a clock's hands from twelve o'clock with it.

Edges are soft: half a pixel's way across an edge covers half of it, so that an image is a continuous function of its
factors. Factors are drawn on the CPU in float64, whatever the device and the default dtype.

All chapters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.options import require_choice, require_integer

__all__ = ["FACTORS", "SHAPES", "STILL", "clock", "draw_clock", "draw_sprites", "seed_of", "sprites"]

# The law of each factor is uniform between its ends; after Least Volume's synthetic images.
FACTORS = {
    "x": (-0.2, 0.2),
    "y": (-0.2, 0.2),
    "scale": (0.2, 0.5),
    "angle": (-math.pi / 2, math.pi / 2),
    "hue": (0.0, 0.5),
    "brightness": (0.3, 1.0),
}
# What a factor is where it is not free: a red shape of full brightness in the middle.
STILL = {"x": 0.0, "y": 0.0, "scale": 0.4, "angle": 0.0, "hue": 0.0, "brightness": 1.0}
COUNTS = {"train": 6000, "test": 1500}
# Images at a time: their samples stay in the processor's cache.
CHUNK = 128
# Length and half-width of the hands: the long one alone, or a short one and a long one.
HANDS = {1: ((0.42, 0.03),), 2: ((0.26, 0.05), (0.42, 0.025))}


def _triangle(a: Tensor, b: Tensor) -> Tensor:
    # Corners at (1, 0) and (-1/2, +-1/2): its mean is the origin, and no turn brings it back to itself.
    return torch.maximum(-a - 0.5, (0.5 * (a - 1) + 1.5 * b.abs()) / math.sqrt(2.5))


def _rectangle(a: Tensor, b: Tensor) -> Tensor:
    return torch.maximum(a.abs() - 2 / math.sqrt(5), b.abs() - 1 / math.sqrt(5))


def _ellipse(a: Tensor, b: Tensor) -> Tensor:
    # To first order, the distance to a level set of F is F divided by the length of its gradient.
    level = (a**2 + 4 * b**2).sqrt().clamp_min(1e-6)
    return (level - 1) * level / (a**2 + 16 * b**2).sqrt().clamp_min(1e-6)


# Signed distances to shapes of radius 1, twice or one and a half times as long as wide, negative inside.
SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "triangle": _triangle,
    "rectangle": _rectangle,
    "ellipse": _ellipse,
}


def sprites(
    part: str,
    *,
    size: int = 32,
    count: int | None = None,
    seed: int = 0,
    free: Sequence[str] = tuple(FACTORS),
    shapes: Sequence[str] = ("triangle",),
    colour: bool = True,
) -> Dataset:
    """Return images of one shape each, black around it, with the factors that they were drawn from.

    The factors are independent and uniform: position `x` and `y` of the shape's centre of mass from -0.2 to 0.2 of the
    image's side, `scale` (diameter) from 0.2 to 0.5 of it, `angle` from -pi/2 to pi/2, `hue` from 0 (red) to 0.5
    (cyan) of the circle, `brightness` from 0.3 to 1. One that is not free stands still, and does not change the draws
    of the others.

    Args:
        part: ``"train"`` or ``"test"``: the same law, other draws.
        size: Height and width in pixels, at least 8.
        count: Number of examples; by default 6,000 for training and 1,500 for testing.
        seed: Which draws.
        free: The factors that vary, in the order in which they are returned; any of `FACTORS`.
        shapes: What is drawn, each equally often; any of `SHAPES`. Labels count in this order.
        colour: Whether images are RGB; else they have one channel, the brightness, and no hue.

    Returns:
        Images ``[N, 3 or 1, size, size]`` with labels and ``factors [N, F]``, on the CPU.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If one is outside the values above; lists what is allowed.

    Reference:
        Chen & Fuge, *Compressing latent space via Least Volume*, ICLR 2024 (its synthetic images).

    Example:
        >>> images = sprites("train", count=4, free=("x", "scale"))
        >>> images, images.factor_names
        (Dataset('sprites', 4 x (3, 32, 32), uint8, cpu), ('x', 'scale'))

    All chapters.
    """
    require_integer("size", size, 8)
    _require_names("shapes", shapes, SHAPES, least=1)
    allowed = [name for name in FACTORS if colour or name != "hue"]
    free = allowed if not colour and tuple(free) == tuple(FACTORS) else free
    _require_names("free", free, allowed, least=0)
    generator, count = _generator(part, seed), _count(part, count)
    uniform = torch.rand(count, len(FACTORS), generator=generator, dtype=torch.float64)
    low, high = torch.tensor(list(FACTORS.values()), dtype=torch.float64).T
    still = torch.tensor([STILL[name] for name in FACTORS], dtype=torch.float64)
    moves = torch.tensor([name in free for name in FACTORS])
    factors = torch.where(moves, low + (high - low) * uniform, still)
    y = torch.randint(len(shapes), (count,), generator=generator)
    images = draw_sprites(factors, torch.tensor([list(SHAPES).index(shape) for shape in shapes])[y], size, colour)
    columns = factors[:, [list(FACTORS).index(name) for name in free]].to(torch.get_default_dtype())
    note = f"Drawn with seed {seed}; the law of the factors is this book's own."
    return Dataset(images, y, classes=shapes, name="sprites", note=note, factors=columns, factor_names=free)


def draw_sprites(
    factors: Float[Tensor, "N 6"], shapes: Integer[Tensor, "N"], size: int = 32, colour: bool = True
) -> UInt8[Tensor, "N C size size"]:
    """Draw one shape for each row of factors.

    Args:
        factors: Columns in the order of `FACTORS`, in their units.
        shapes: For each image, the place of its shape in `SHAPES`.
        size: Height and width in pixels.
        colour: Whether images are RGB; else they have one channel, the brightness.

    Returns:
        Images on the device of the factors.

    Example:
        >>> still = torch.tensor([[0.0, 0.0, 0.4, 0.0, 0.0, 1.0]])
        >>> draw_sprites(still, torch.tensor([0]))[0, :, 16, 16].tolist()
        [255, 0, 0]

    All chapters.
    """
    drawn = [_sprites(*parts, size, colour) for parts in zip(factors.split(CHUNK), shapes.split(CHUNK), strict=True)]
    return torch.cat(drawn)


def _sprites(factors: Tensor, shapes: Tensor, size: int, colour: bool) -> Tensor:
    x, y, scale, angle, hue, brightness = factors.float()[..., None, None, None].unbind(1)
    across, up = _samples(size, factors.device)
    across, up, radius = across - x, up - y, scale / 2
    a = (across * angle.cos() + up * angle.sin()) / radius
    b = (up * angle.cos() - across * angle.sin()) / radius
    distance = torch.empty_like(a)
    for kind, shape in enumerate(SHAPES.values()):
        chosen = shapes == kind
        distance[chosen] = shape(a[chosen], b[chosen])
    covered = _covered(distance * radius, size)
    if not colour:
        return _bytes(covered * brightness)
    # Fully saturated: each channel is a trapezium in the hue, a third of the circle after the last.
    shift = torch.tensor([0.0, 4.0, 2.0], device=factors.device)[:, None, None]
    return _bytes(covered * brightness * (((6 * hue + shift) % 6 - 3).abs() - 1).clamp(0, 1))


def clock(part: str, *, hands: int = 2, size: int = 28, count: int | None = None, seed: int = 0) -> Dataset:
    """Return white hands on black, with their angles: a circle of images for one hand, a torus for two.

    The hands of two turn independently, unlike those of a real clock: the hour's is short and thick, the minute's
    long and thin. Angles are uniform in [0, 2 pi), from twelve o'clock, with the clock.

    Args:
        part: ``"train"`` or ``"test"``: the same law, other draws.
        hands: 1 or 2.
        size: Height and width in pixels, at least 8.
        count: Number of examples; by default 6,000 for training and 1,500 for testing.
        seed: Which draws.

    Returns:
        Images ``[N, 1, size, size]`` with the angles in radians as factors, on the CPU.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If one is outside the values above.

    Example:
        >>> faces = clock("test", count=4)
        >>> faces, faces.factor_names
        (Dataset('clock', 4 x (1, 28, 28), uint8, cpu), ('hour', 'minute'))

    All chapters.
    """
    require_integer("size", size, 8)
    require_integer("hands", hands, 1)
    if hands not in HANDS:
        raise ValueError(f"`hands` is {hands}: pass 1 or 2")
    generator, count = _generator(part, seed), _count(part, count)
    angles = 2 * math.pi * torch.rand(count, hands, generator=generator, dtype=torch.float64)
    note = f"Drawn with seed {seed}; the law of the angles is this book's own."
    names = ("angle",) if hands == 1 else ("hour", "minute")
    factors = angles.to(torch.get_default_dtype())
    return Dataset(draw_clock(angles, size), name="clock", note=note, factors=factors, factor_names=names)


def draw_clock(angles: Float[Tensor, "N hands"], size: int = 28) -> UInt8[Tensor, "N 1 size size"]:
    """Draw one clock for each row of angles.

    Args:
        angles: In radians, from twelve o'clock, with the clock: one column, or the hour's and the minute's.
        size: Height and width in pixels.

    Returns:
        Images on the device of the angles.

    Example:
        A hand at three o'clock lies right of the middle:

        >>> draw_clock(torch.tensor([[math.pi / 2]]), size=8)[0, 0, 4].tolist()[5] > 0
        True

    All chapters.
    """
    return torch.cat([_clocks(part, size) for part in angles.split(CHUNK)])


def _clocks(angles: Tensor, size: int) -> Tensor:
    across, up = _samples(size, angles.device)
    distances = []
    for angle, (length, width) in zip(angles.float().unbind(1), HANDS[angles.shape[1]], strict=True):
        sine, cosine = angle.sin()[:, None, None, None], angle.cos()[:, None, None, None]
        along = (across * sine + up * cosine).clamp(0, length)
        distances.append(torch.hypot(across - along * sine, up - along * cosine) - width)
    return _bytes(_covered(torch.stack(distances).amin(0), size))


def seed_of(part: str, seed: int) -> int:
    """Return the seed of a part's draws: no two pairs of part and seed share one.

    Args:
        part: ``"train"`` or ``"test"``.
        seed: What the reader passed, at least 0.

    Returns:
        An even seed for training, an odd one for testing.

    Raises:
        TypeError: If ``seed`` is not an integer.
        ValueError: If ``part`` is unknown, or ``seed`` negative.

    Example:
        >>> seed_of("train", 3), seed_of("test", 3)
        (6, 7)

    All chapters.
    """
    require_choice("part", part, COUNTS)
    require_integer("seed", seed, 0)
    return 2 * seed + (part == "test")


def _generator(part: str, seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(part, seed))


def _count(part: str, count: int | None) -> int:
    if count is None:
        return COUNTS[part]
    require_integer("count", count, 1)
    return count


def _samples(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the coordinates of two by two samples in each pixel, as ``[1, 1, 2 size, 2 size]``."""
    line = (torch.arange(2 * size, device=device, dtype=torch.float32) + 0.5) / (2 * size) - 0.5
    across, up = torch.meshgrid(line, -line, indexing="xy")
    return across[None, None], up[None, None]


def _covered(distance: Tensor, size: int) -> Tensor:
    """Return how much of each pixel lies inside: samples fade over their own width, and a pixel is their mean."""
    return torch.nn.functional.avg_pool2d((0.5 - distance * (2 * size)).clamp(0, 1), 2)


def _bytes(image: Tensor) -> Tensor:
    return (255 * image).round().to(torch.uint8)


def _require_names(argument: str, names: Sequence[str], allowed: Collection[str], least: int) -> None:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(f"`{argument}` is {names!r}: pass a tuple of names out of {tuple(allowed)}")
    if len(set(names)) < max(len(names), least) or not set(names) <= set(allowed):
        raise ValueError(f"`{argument}` is {names!r}: pass some of {tuple(allowed)}, each at most once")
