"""Strips of images, one below the other, each with its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import layout
from latentbook.press.figures.pairs import ENLARGED, GREY
from latentbook.press.figures.parts import expect_shape, png

__all__ = ["strips_canvas", "strips_figure", "strips_phone"]

# What an image of strips spans on a page, in pixels, beside the names.
WIDTH, PHONE_WIDTH = 560, 270


def strips_figure(strips: Tensor, names: Sequence[str]) -> go.Figure:
    """Return strips of images, what changes along each on its left.

    Args:
        strips: ``(R, N, C, H, W)`` with C 1 or 3, values in [0, 1].
        names: One for each strip.

    Raises:
        ValueError: If shapes do not fit.

    All chapters.
    """
    expect_shape("strips", strips, (len(names), None, None, None, None), "one strip for each of `names`")
    height, gap = strips.shape[3], _gap(strips)
    tall, wide = _spans(strips)
    canvas = strips_canvas(strips)
    picture = {
        "source": png(canvas, GREY, enlarge=-(-ENLARGED // height)),
        "x": -0.5,
        "y": -0.5,
        "xref": "x",
        "yref": "y",
    }
    middles = [row * (height + gap) + (height - 1) / 2 for row in range(len(names))]
    shape = layout(
        height=_height(strips, WIDTH),
        margin={"l": 60, "r": 16, "t": 8, "b": 8},
        xaxis={"visible": False, "range": [-0.5, wide - 0.5], "constrain": "domain"},
        yaxis={
            "range": [tall - 0.5, -0.5],
            "scaleanchor": "x",
            "constrain": "domain",
            "showline": False,
            "ticks": "",
            "tickvals": middles,
            "ticktext": list(names),
        },
        images=[{**picture, "sizex": wide, "sizey": tall, "sizing": "stretch", "xanchor": "left", "yanchor": "top"}],
    )
    # Plotly draws axes for data alone; an invisible point at a corner is enough.
    corner = go.Scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    return go.Figure(corner, shape)


def strips_canvas(strips: Tensor) -> np.ndarray:
    """Return all strips on one canvas, ``(height, width, C)``, NaN in the gaps between images.

    Args:
        strips: ``(R, N, C, H, W)``.

    All chapters.
    """
    channels, height, width = strips.shape[2:]
    gap = _gap(strips)
    canvas = np.full((*_spans(strips), channels), np.nan, dtype=np.float32)
    for row, strip in enumerate(strips.detach().cpu().permute(0, 1, 3, 4, 2).numpy()):
        for column, image in enumerate(strip):
            top, left = row * (height + gap), column * (width + gap)
            canvas[top : top + height, left : left + width] = image
    return canvas


def strips_phone(strips: Tensor) -> dict[str, object]:
    """Return the layout of `strips_figure` on a narrow screen.

    Args:
        strips: As there.

    All chapters.
    """
    return {"height": _height(strips, PHONE_WIDTH)}


def _height(strips: Tensor, across: int) -> int:
    """Return the pixels that strips need where they are so many across."""
    tall, wide = _spans(strips)
    return 20 + round(across * tall / wide)


def _spans(strips: Tensor) -> tuple[int, int]:
    """Return height and width of all strips together, in their own pixels, with gaps between images."""
    (rows, count), (height, width), gap = strips.shape[:2], strips.shape[3:], _gap(strips)
    return rows * (height + gap) - gap, count * (width + gap) - gap


def _gap(strips: Tensor) -> int:
    return max(1, strips.shape[3] // 8)
