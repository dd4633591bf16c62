"""Drawings that a panel can change twice a second: inline SVG in the theme's own ink, as text."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from latentbook.press.figures import ACCENT, MUTED

__all__ = ["GREY", "TEAL", "widths_and_images"]

# Paper is a tenth of the ink, as in the book's figures: an image has an edge on white and on black.
GREY, TEAL = (120, 126, 134), (16, 152, 173)
PAPER = 0.1

# In units of the drawing, which are CSS pixels where the panel has room for them.
WIDTH, LEFT, RIGHT = 792, 68, 20
TOP, BARS = 14, 160
IMAGES = TOP + BARS + 44
GAP = 5
STYLE = f"width:100%;max-width:{WIDTH}px;height:auto;display:block"


def widths_and_images(std: Tensor, kept: int, rows: Mapping[str, tuple[Tensor, tuple[int, int, int]]], alt: str) -> str:
    """Return one drawing: sorted latent widths, those that are kept in the accent's colour, above rows of images.

    Args:
        std: Latent standard deviations, ``(m,)``.
        kept: How many dimensions count, the widest ones.
        rows: Images ``(N, C, H, W)`` in [0, 1] and their ink, by the label of their row; C is 1 or 3, and colour
            images have no ink.
        alt: What the drawing shows, for whoever cannot see it.

    Returns:
        An ``<svg>`` element.

    Chapter 1.
    """
    columns = max(len(images) for images, _ in rows.values())
    cell = (WIDTH - LEFT - RIGHT) / columns
    height = IMAGES + len(rows) * cell
    parts = [*_axes(float(std.max()), len(std)), *_bars(std, kept)]
    for number, (label, (images, ink)) in enumerate(rows.items()):
        parts += _row(images, ink, label, IMAGES + number * cell, cell)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" style="{STYLE}" '
    words = 'fill="currentColor" font-size="13" font-family="inherit"'
    return f'{head} role="img" aria-label="{html.escape(alt)}" {words}>{"".join(parts)}</svg>'


def _bars(std: Tensor, kept: int) -> list[str]:
    """Return one bar for each dimension, widest first."""
    widths = std.sort(descending=True).values.tolist()
    pitch, top = (WIDTH - LEFT - RIGHT) / len(widths), ceiling(widths[0])
    bars = []
    for index, width in enumerate(widths):
        height = BARS * width / top
        place = f'x="{LEFT + (index + 0.1) * pitch:.2f}" y="{TOP + BARS - height:.2f}"'
        size = f'width="{0.8 * pitch:.2f}" height="{height:.2f}"'
        kind = f'class="kept" fill="{ACCENT}"' if index < kept else f'class="given-up" fill="{MUTED}"'
        bars.append(f"<rect {kind} {place} {size}><title>dimension {index + 1}: σ = {width:.3g}</title></rect>")
    return bars


def _axes(widest: float, m: int) -> list[str]:
    """Return two hair lines with their ends labelled, and what they measure."""
    bottom, right, top = TOP + BARS, WIDTH - RIGHT, ceiling(widest)
    hair = f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="currentColor" stroke-opacity="0.35"/>'
    half = (WIDTH - LEFT - RIGHT) / (2 * m)
    return [
        hair,
        _text(f"{top:g}", LEFT - 8, TOP + 5, "end"),
        _text("0", LEFT - 8, bottom + 4, "end"),
        _text("width σ", LEFT - 8, TOP + BARS / 2 + 4, "end"),
        _text("1", LEFT + half, bottom + 18, "middle"),
        _text(f"{m}", right - half, bottom + 18, "middle"),
        _text("latent dimension, widest first", (LEFT + right) / 2, bottom + 18, "middle"),
    ]


def ceiling(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ...: the axis jumps seldom while the widths move.

    Example:
        >>> [ceiling(value) for value in (0.0, 0.3, 1.0, 1.7, 42.0)]
        [0.1, 0.5, 1.0, 2.0, 50.0]
    """
    ladder = [digit * 10.0**power for power in range(-1, 7) for digit in (1, 2, 5)]
    return next((step for step in ladder if value <= step), value)


def _row(images: Tensor, ink: tuple[int, int, int], label: str, y: float, cell: float) -> list[str]:
    """Return images side by side, after the row's label."""
    size = cell - GAP
    parts = [_text(label, LEFT - 8, y + size / 2 + 4, "end")]
    for column, image in enumerate(images):
        place = f'x="{LEFT + column * cell + GAP / 2:.2f}" y="{y:.2f}" width="{size:.2f}" height="{size:.2f}"'
        parts.append(f'<image {place} href="{_png(image, ink)}" style="image-rendering:pixelated"/>')
    return parts


def _text(words: str, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _png(image: Tensor, ink: tuple[int, int, int]) -> str:
    """Return an image as a data address: a grey one is ink on nothing, so that it lies on any theme."""
    from PIL import Image

    values = image.detach().clamp(0, 1).cpu().float().numpy()
    if len(values) == 3:
        pixels = np.moveaxis(255 * values, 0, -1)
    else:
        opacity = 255 * (PAPER + (1 - PAPER) * values[0])
        pixels = np.dstack([np.broadcast_to(np.float32(level), opacity.shape) for level in ink] + [opacity])
    file = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
