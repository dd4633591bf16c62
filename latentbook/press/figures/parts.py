"""Parts of figures: shapes that are refused, labels at lines and in corners, a key above the plot, images as PNG."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale
from torch import Tensor

from latentbook.press.figures import MUTED

__all__ = [
    "KEY_ABOVE",
    "MAGNITUDE",
    "NEUTRAL",
    "corner_label",
    "end_label",
    "expect_shape",
    "layout_axes",
    "png",
    "rule",
    "stacked",
    "trace_axes",
]

# Grey of lines that are looked at beside the accent.
NEUTRAL = MUTED
# Cividis without its ends, which sink into near black and into paper.
MAGNITUDE = sample_colorscale("cividis", np.linspace(0.22, 0.9, 9).tolist())

# Steps of brightness in a picture: an error of 1/126 at most is not seen, and a third of the page's weight is saved.
STEPS = 63

# Above the plot and on the left, where it covers no data; plotly wraps it on a phone.
KEY_ABOVE = {
    "showlegend": True,
    "legend": {
        "orientation": "h",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "bgcolor": "rgba(0,0,0,0)",
        "itemclick": False,
        "itemdoubleclick": False,
    },
}


def expect_shape(name: str, value: Tensor, shape: tuple[int | None, ...], why: str) -> None:
    """Raise a ValueError unless a tensor has this shape.

    Args:
        name: Of the argument.
        value: The tensor.
        shape: Sizes; None where any will do.
        why: What the shape follows from, as in ``"one row for each λ"``.

    All chapters.
    """
    fits = value.ndim == len(shape) and all(b in (None, a) for a, b in zip(value.shape, shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"`{name}` has shape {tuple(value.shape)}, not ({wanted}): {why}")


def trace_axes(index: int) -> dict[str, str]:
    """Return what the traces of a panel call its axes, as in ``{"xaxis": "x2", "yaxis": "y2"}``.

    Args:
        index: Of the panel, from 0.

    All chapters.
    """
    number = "" if index == 0 else str(index + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def layout_axes(index: int) -> tuple[str, str]:
    """Return what a layout calls the axes of a panel, as in ``("xaxis2", "yaxis2")``.

    Args:
        index: Of the panel, from 0.

    All chapters.
    """
    number = "" if index == 0 else str(index + 1)
    return f"xaxis{number}", f"yaxis{number}"


def end_label(text: str, x: float, y: float) -> dict:
    """Return a direct label to the right of a line's last point, in the page's ink: lines may be pale, words not.

    Args:
        text: The label.
        x: Where the line ends; on a logarithmic axis, the logarithm.
        y: As x.

    All chapters.
    """
    where = {"x": x, "y": y, "xanchor": "left", "xshift": 8, "align": "left"}
    return {"text": text, "showarrow": False, **where}


def corner_label(text: str, vertical: str, horizontal: str) -> dict:
    """Return words in a corner of the plot.

    Args:
        text: The words; ``<br>`` breaks the line.
        vertical: ``"top"`` or ``"bottom"``.
        horizontal: ``"left"`` or ``"right"``.

    All chapters.
    """
    where = {"x": float(horizontal == "right"), "y": float(vertical == "top"), "xref": "paper", "yref": "paper"}
    look = {"align": horizontal, "xshift": 8 if horizontal == "left" else -8}
    return {"text": text, "showarrow": False, **where, "xanchor": horizontal, "yanchor": vertical, **look}


def rule(*, x: float | None = None, y: float | None = None) -> dict:
    """Return a dashed straight line across the whole plot, below the data.

    Args:
        x: Where it stands, if it is vertical.
        y: Where it lies, if it is horizontal.

    All chapters.
    """
    across = {"x0": x, "x1": x, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    if y is not None:
        across = {"x0": 0, "x1": 1, "y0": y, "y1": y, "xref": "paper", "yref": "y"}
    return {"type": "line", **across, "layer": "below", "line": {"color": NEUTRAL, "width": 1, "dash": "dash"}}


def stacked(count: int, size: int, gap: int) -> tuple[int, list[list[float]]]:
    """Return the height of a plot whose panels stand one below the other, and where each of them is in it.

    Args:
        count: Number of panels.
        size: Height of each, in CSS pixels.
        gap: Between two of them, for ticks and titles, in CSS pixels.

    Returns:
        Height without the margins, and the domains from the top down.

    All chapters.
    """
    height = count * size + (count - 1) * gap
    tops = [1 - index * (size + gap) / height for index in range(count)]
    return height, [[max(top - size / height, 0.0), top] for top in tops]


def png(canvas: np.ndarray, colour: tuple[int, int, int], enlarge: int = 1) -> str:
    """Return a canvas as the address of a compressed image that the page carries, see-through where nothing is.

    A grey canvas is drawn in ink on the page's own ground, in either theme: the brighter a pixel, the denser the ink.

    Args:
        canvas: ``(H, W, C)`` in [0, 1] with C 1 or 3; NaN where nothing is.
        colour: The ink, red, green and blue from 0 to 255.
        enlarge: Side of the square that each pixel becomes: browsers blur where they enlarge by themselves.

    All chapters.
    """
    bare = np.isnan(canvas[..., 0])
    levels = np.rint(STEPS * np.nan_to_num(canvas, nan=0.0).clip(0, 1))
    if canvas.shape[-1] == 1:
        # Entry 0 of the palette is the ground, the others go from a tenth of the ink to all of it.
        image = Image.fromarray(np.where(bare, 0, 1 + levels[..., 0]).astype(np.uint8))
        image.putpalette(bytes(colour) * (STEPS + 2))
        density = np.rint(255 * np.linspace(0.1, 1.0, STEPS + 1)).astype(np.uint8)
        look = {"transparency": bytes([0, *density])}
    else:
        opaque = np.where(bare, 0, 255)
        image, look = Image.fromarray(np.dstack([np.rint(255 / STEPS * levels), opaque]).astype(np.uint8)), {}
    file = io.BytesIO()
    image.resize((enlarge * image.width, enlarge * image.height), Image.Resampling.NEAREST).save(
        file, "PNG", optimize=True, **look
    )
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
