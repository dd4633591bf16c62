"""Draw points and lines of a plane as an image, for logs: without axes, and without a plotting library."""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from torch import Tensor

__all__ = ["draw_plane"]

# Paul Tol's bright scheme, and two more: told apart by most colour-blind readers.
COLOURS = ("4477aa", "ee6677", "228833", "ccbb44", "66ccee", "aa3377", "bbbbbb", "332288", "999933", "882255")
MARGIN = 0.06
# Points on a straight piece of a line, in sides of the square: what is longer has holes.
LONGEST = 4


def draw_plane(
    points: Float[Tensor, "N 2"],
    labels: Integer[Tensor, "N"],
    outlines: Float[Tensor, "K corners 2"] | None = None,
    size: int = 384,
) -> Float[Tensor, "3 size size"]:
    """Return a white square with a dot for each point in its label's colour, and grey lines over them.

    Args:
        points: Positions; one unit is as long in both directions.
        labels: Numbers from 0; the colours of 0 to 9 differ.
        outlines: Corners of lines; parts outside the square, or not finite, are left out.
        size: Pixels on a side.

    Returns:
        The image, with values in [0, 1]; the second coordinate grows upwards.

    Example:
        >>> draw_plane(torch.randn(100, 2), torch.zeros(100, dtype=torch.long)).shape
        torch.Size([3, 384, 384])

    All chapters.
    """
    low, high = points.amin(0), points.amax(0)
    # Points that are all the same, up to rounding, lie in the middle.
    kind = torch.finfo(points.dtype)
    smallest = (8 * kind.eps * points.abs().max()).clamp_min(kind.tiny)
    middle, scale = (low + high) / 2, torch.maximum((high - low).max(), smallest) * (1 + 2 * MARGIN)
    image = torch.ones(3, size, size)
    colours = torch.tensor([_rgb(word) for word in COLOURS])
    # Small squares of 3 x 3 pixels.
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            column, row, inside = _pixels((points - middle) / scale + 0.5, size)
            _paint(image, column + right, row + down, colours[labels.cpu() % len(COLOURS)], inside)
    if outlines is not None:
        column, row, inside = _pixels(_dense((outlines - middle) / scale + 0.5, size), size)
        _paint(image, column, row, torch.full((len(column), 3), 0.25), inside)
    return image


def _rgb(word: str) -> list[float]:
    return [int(word[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def _dense(outlines: Tensor, size: int) -> Tensor:
    """Return points on all sides of the outlines, ``(n, 2)``, at most a pixel apart."""
    sides = torch.stack([outlines[:, :-1], outlines[:, 1:]]).flatten(1, 2).cpu()
    start, end = sides[:, sides.isfinite().all(-1).all(0)]
    counts = ((end - start).abs().amax(-1) * size).ceil().clamp(1, LONGEST * size).long()
    place = torch.arange(int(counts.sum())) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    share = place / counts.repeat_interleave(counts)
    start, step = start.repeat_interleave(counts, 0), (end - start).repeat_interleave(counts, 0)
    return torch.cat([start + share[:, None].to(step.dtype) * step, end])


def _pixels(places: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return column, row, and which of the places of the unit square lie in it."""
    places = places.cpu()
    inside = places.isfinite().all(-1) & (places > 0).all(-1) & (places < 1).all(-1)
    where = torch.where(inside[:, None], places, 0.5) * size
    return where[:, 0].long(), size - 1 - where[:, 1].long(), inside


def _paint(image: Tensor, column: Tensor, row: Tensor, colour: Tensor, which: Tensor) -> None:
    size = image.shape[-1]
    which = which & (column >= 0) & (column < size) & (row >= 0) & (row < size)
    image[:, row[which], column[which]] = colour[which].T.to(image.dtype)
