"""Known answers in pictures: toy sets, and below each its latent widths."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.spatial import Delaunay
from torch import Tensor

from latentbook.press.figures import ACCENT, MUTED, layout
from latentbook.press.figures.parts import MAGNITUDE, NEUTRAL, expect_shape
from latentbook.press.numbers import in_figures

__all__ = ["toys_figure", "toys_phone"]

# A name, points (n, 2 or 3), codes (n, m), widths (m,).
Toy = tuple[str, Tensor, Tensor, Tensor]

# Names of data sets that are no words.
WORDS = {"space-curve": "curve in space", "noisy-surface": "noisy surface"}
# Variances that count as living, as a share of the largest; of the widths it is the square root.
LIVING = 1e-4
# Widths below, as shares of the widest, are rounding: zero has no place on a logarithmic axis, and is drawn here.
DUST = 1e-6
# From where a set in space is looked at: from the front, a little from the left and from above.
AZIMUTH, ELEVATION = math.radians(-110), math.radians(18)
# Sides of triangles that are longer than this, in units of the median, are left out: they close the hull across gaps.
FAR = 4.0
# Toys in a row; of the height of a row, the parts that points, a gap and widths take. The rest is room for ticks.
COLUMNS, POINTS, GAP, WIDTHS = 2, 0.57, 0.09, 0.16
SUNK = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def toys_figure(toys: Sequence[Toy]) -> go.Figure:
    """Return toy sets, coloured by their widest latent coordinate, and below each its latent widths.

    Hairs join neighbours in latent space: they lie along the set wherever the living codes unroll it. Widths share one
    logarithmic axis, drawn as shares of the widest; the dashed line is where a dimension counts as dead, at a variance
    of 1e-4 of the largest.

    Args:
        toys: For each its name, points ``(n, 2)`` or ``(n, 3)``, codes ``(n, m)`` and widths ``(m,)``.

    Raises:
        ValueError: If there is none, or shapes do not fit.

    Chapter 1.
    """
    if not toys:
        raise ValueError("`toys` is empty")
    for toy in toys:
        _check_toy(*toy)
    floor = min(_floor(std) for *_, std in toys)
    rows = -(-len(toys) // COLUMNS)
    shape = layout(height=40 + 290 * rows, margin={"l": 28, "r": 12, "t": 28, "b": 44}, annotations=_toy_words(toys))
    figure = go.Figure(layout=shape)
    for index, (_, points, codes, std) in enumerate(toys):
        plane, strip = _axes(index)
        figure.add_traces([_mesh(points, codes, std, plane), _plane(points, codes, std, plane)])
        figure.add_traces(_widths(std, strip))
        figure.update_layout(_toy_axes(index, len(toys), len(std), floor))
    return figure


def toys_phone(count: int) -> dict[str, object]:
    """Return the layout of `toys_figure` on a narrow screen: one toy below the other, its widths beside it.

    Args:
        count: Number of toys.

    Chapter 1.
    """
    phone: dict[str, object] = {"height": 180 * count + 50, "margin.l": 8}
    # Of each row a fifth is room for the next one's words; the last needs none.
    row = 1 / (count - 0.2)
    for index in range(count):
        high, low = 1 - index * row, max(0.0, 1 - (index + 0.8) * row)
        plane, strip = _axes(index)
        phone |= {f"xaxis{plane}.domain": [0, 0.56], f"yaxis{plane}.domain": [low, high]}
        phone |= {f"xaxis{strip}.domain": [0.66, 1], f"yaxis{strip}.domain": [low + 0.35 * (high - low), high]}
        phone |= {f"xaxis{strip}.title.text": "width / widest" if index == count - 1 else ""}
    return phone


def _check_toy(name: str, points: Tensor, codes: Tensor, std: Tensor) -> None:
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(f"`points` of {name} have shape {tuple(points.shape)}, not (n, 2) or (n, 3)")
    expect_shape(f"codes of {name}", codes, (len(points), None), "a row for each point")
    expect_shape(f"std of {name}", std, (codes.shape[1],), "a width for each latent dimension")


def _projected(points: Tensor) -> np.ndarray:
    """Return points of the plane as they are, those of space as they look from a fixed direction far away."""
    x = points.detach().double().numpy()
    if x.shape[1] == 2:
        return x
    right = np.array([-math.sin(AZIMUTH), math.cos(AZIMUTH), 0.0])
    toward = np.array([math.cos(AZIMUTH), math.sin(AZIMUTH), 0.0])
    up = math.cos(ELEVATION) * np.array([0.0, 0.0, 1.0]) - math.sin(ELEVATION) * toward
    return x @ np.stack([right, up], axis=1)


def _relative(std: Tensor) -> np.ndarray:
    """Return the widths as shares of the widest, sorted."""
    widths = std.detach().double().sort(descending=True).values
    return (widths / widths[0].clamp_min(1e-300)).numpy()


def _floor(std: Tensor) -> float:
    """Return the logarithm of a power of ten under the narrowest width, but not below `DUST`."""
    return math.floor(math.log10(0.8 * max(_relative(std).min(), 2 * DUST)))


def _living(std: Tensor) -> int:
    """Return how many dimensions have a variance above 1e-4 of the largest."""
    return int((_relative(std) ** 2 > LIVING).sum())


def _axes(index: int) -> tuple[str, str]:
    """Return the endings of the axes of a toy's points and of its widths: "" is plotly's first axis."""
    return ("" if index == 0 else str(2 * index + 1)), str(2 * index + 2)


def _plane(points: Tensor, codes: Tensor, std: Tensor, axis: str) -> go.Scatter:
    x = _projected(points)
    widest = codes.detach()[:, int(std.argmax())]
    return go.Scatter(
        x=x[:, 0],
        y=x[:, 1],
        mode="markers",
        # The outline keeps dark dots from near black, and light ones from paper.
        marker={
            "color": widest.numpy(),
            "colorscale": MAGNITUDE,
            "size": 7,
            "line": {"color": MUTED, "width": 0.8},
        },
        cliponaxis=False,
        customdata=[in_figures(coordinate) for coordinate in widest.tolist()],
        hovertemplate="widest latent coordinate %{customdata}<extra></extra>",
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
    )


def _mesh(points: Tensor, codes: Tensor, std: Tensor, axis: str) -> go.Scatter:
    """Return hairs between neighbours in latent space, drawn where the points are."""
    x = _projected(points)
    living = std.argsort(descending=True)[: _living(std)]
    ends = x[_neighbours(codes.detach().double()[:, living].numpy(), points.detach().double().numpy())]
    gaps = np.full((len(ends), 1, 2), np.nan)
    line = np.concatenate([ends, gaps], axis=1).reshape(-1, 2).astype(np.float32)
    look = {"mode": "lines", "line": {"color": MUTED, "width": 0.8}, "opacity": 0.7, "hoverinfo": "skip"}
    return go.Scatter(x=line[:, 0], y=line[:, 1], **look, xaxis=f"x{axis}", yaxis=f"y{axis}")


def _neighbours(codes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return pairs of indices, ``(K, 2)``: neighbours on the line of codes, or sides of triangles in their plane.

    Args:
        codes: Living dimensions alone, ``(n, living)``; more than two have no picture, and get no pairs.
        points: What they are the codes of, ``(n, d)``.
    """
    living = codes.shape[1]
    if living == 1:
        order = codes[:, 0].argsort()
        return np.stack([order[:-1], order[1:]], axis=1)
    if living == 2 and len(codes) > 3:
        sides = Delaunay(codes).simplices[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        sides = np.unique(np.sort(sides, axis=1), axis=0)
        length = np.linalg.norm(points[sides[:, 0]] - points[sides[:, 1]], axis=1)
        return sides[length < FAR * np.median(length)]
    return np.empty((0, 2), dtype=int)


def _widths(std: Tensor, axis: str) -> list:
    shares = _relative(std)
    widths = std.detach().sort(descending=True).values.tolist()
    alive = shares**2 > LIVING
    place = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    dots = go.Scatter(
        x=np.maximum(shares, 1.15 * DUST),
        y=np.arange(1, len(shares) + 1),
        mode="markers",
        marker={
            "color": [ACCENT if living else MUTED for living in alive],
            "symbol": ["circle" if living else "circle-open" for living in alive],
            "size": 9,
        },
        cliponaxis=False,
        customdata=[in_figures(width) for width in widths],
        hovertemplate="dimension %{y}: σ = %{customdata}<extra></extra>",
        **place,
    )
    threshold = go.Scatter(
        x=[math.sqrt(LIVING)] * 2,
        y=[0.4, len(shares) + 0.6],
        mode="lines",
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        hoverinfo="skip",
        **place,
    )
    return [threshold, dots]


def _toy_axes(index: int, count: int, m: int, floor: float) -> dict:
    plane, strip = _axes(index)
    rows = -(-count // COLUMNS)
    row, column = divmod(index, COLUMNS)
    # The last row needs no room below its widths: what plotly has outside of the panels is enough.
    step = 1 / (rows - 1 + POINTS + GAP + WIDTHS)
    high = 1 - row * step
    top = high - (POINTS + GAP) * step
    across = [column * 0.54, column * 0.54 + 0.46]
    return {
        f"xaxis{plane}": {"domain": across, "visible": False, "anchor": f"y{plane}", "constrain": "domain"},
        f"yaxis{plane}": {
            "domain": [high - POINTS * step, high],
            "visible": False,
            "anchor": f"x{plane}",
            "scaleanchor": f"x{plane}",
            "constrain": "domain",
            # All names stand at one height.
            "constraintoward": "top",
        },
        f"xaxis{strip}": {
            "domain": across,
            "anchor": f"y{strip}",
            "title": {"text": "width / widest" if row == rows - 1 else "", "standoff": 4},
            "type": "log",
            "range": [floor, 0.15],
            "dtick": 2 if floor < -3 else 1,
            "exponentformat": "power",
            "tickfont": {"size": 11},
        },
        f"yaxis{strip}": {
            "domain": [max(0.0, top - WIDTHS * step), top],
            "anchor": f"x{strip}",
            "range": [m + 0.6, 0.4],
            "showline": False,
            "ticks": "",
            "tickvals": list(range(1, m + 1)),
            "ticktext": [f"z{str(number).translate(SUNK)}" for number in range(1, m + 1)] if m <= 8 else [],
        },
    }


def _toy_words(toys: Sequence[Toy]) -> list[dict]:
    """Return each toy's name above its points, above its widths how many dimensions live, and the dashes' meaning."""
    words = []
    for index, (name, *_, std) in enumerate(toys):
        plane, strip = _axes(index)
        alive = _living(std)
        for text, axis in ((f"<b>{WORDS.get(name, name)}</b>", plane), (f"{alive} of {len(std)} alive", strip)):
            where = {"xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0.5, "y": 1, "xanchor": "center"}
            words.append({"text": text, "showarrow": False, **where, "yanchor": "bottom", "yshift": 4})
        place = {"xref": f"x{strip}", "x": math.log10(LIVING) / 2, "yref": f"y{strip}", "y": 1, "xanchor": "right"}
        words.append({"text": "flat", "showarrow": False, **place, "xshift": -3, "font": {"size": 11}})
    return words
