"""Known answers in pictures: toy sets and their latent widths, and free factors against dimensions found."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from torch import Tensor

from latentbook.press.figures import ACCENT, MUTED, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape

__all__ = ["factors_figure", "toys_figure", "toys_phone"]

# A name, points (n, 2 or 3), codes (n, m), widths (m,).
Toy = tuple[str, Tensor, Tensor, Tensor]

# Cividis without its ends, which sink into near black and into paper.
MAGNITUDE = sample_colorscale("cividis", np.linspace(0.22, 0.9, 9).tolist())
# Variances that count as living, as a share of the largest; of the widths it is the square root.
LIVING = 1e-4
# Widths below, as shares of the widest, are rounding: zero has no place on a logarithmic axis, and is drawn here.
DUST = 1e-6
# From where a set in space is looked at: from the front, a little from the right and from above.
AZIMUTH, ELEVATION = math.radians(-65), math.radians(25)


def toys_figure(toys: Sequence[Toy]) -> go.Figure:
    """Return toy sets, coloured by their widest latent coordinate, and below each its latent widths.

    Widths share one logarithmic axis, drawn as shares of the widest; the dashed line is where a dimension counts as
    dead, at a variance of 1e-4 of the largest.

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
    shape = layout(height=350, margin={"l": 56, "r": 12, "t": 28, "b": 44}, annotations=_toy_words(toys))
    figure = go.Figure(layout=shape)
    for index, (_, points, codes, std) in enumerate(toys):
        plane, bars = _axes(index)
        figure.add_trace(_plane(points, codes, std, plane))
        figure.add_traces(_widths(std, bars))
        figure.update_layout(_toy_axes(index, len(toys), len(std), floor))
    return figure


def toys_phone(count: int) -> dict[str, object]:
    """Return the layout of `toys_figure` on a narrow screen: one toy below the other, its widths beside it.

    Args:
        count: Number of toys.

    Chapter 1.
    """
    phone: dict[str, object] = {"height": 180 * count + 50, "margin.l": 8}
    # Of each row a quarter is room for the next one's words; the last needs none.
    row = 1 / (count - 0.25)
    for index in range(count):
        high, low = 1 - index * row, max(0.0, 1 - (index + 0.75) * row)
        plane, bars = _axes(index)
        phone |= {f"xaxis{plane}.domain": [0, 0.48], f"yaxis{plane}.domain": [low, high]}
        phone |= {f"xaxis{bars}.domain": [0.64, 1], f"yaxis{bars}.domain": [low, high]}
        phone |= {f"yaxis{bars}.showticklabels": True, f"yaxis{bars}.title.text": "width / widest"}
        phone |= {f"xaxis{bars}.title.text": "dimension" if index == count - 1 else ""}
    return phone


def factors_figure(true: Tensor, found: Tensor, names: Sequence[str]) -> go.Figure:
    """Return the dimensions that were found against the factors that were free, beside the line where they agree.

    Args:
        true: Known number of free factors, ``(S,)``.
        found: Dimensions found, ``(S,)``.
        names: What was free in each set, as in ``"position, size"``.

    Raises:
        ValueError: If shapes do not fit.

    Chapter 1.
    """
    expect_shape("true", true, (None,), "one number for each set")
    expect_shape("found", found, (len(true),), "one number for each of `true`")
    if len(names) != len(true):
        raise ValueError(f"`names` has {len(names)} names for {len(true)} sets: one for each of `true`")
    most = max(float(true.max()), float(found.max())) + 0.8
    diagonal = go.Scatter(
        x=[0, most], y=[0, most], mode="lines", line={"color": NEUTRAL, "width": 1, "dash": "dash"}, hoverinfo="skip"
    )
    dots = go.Scatter(
        x=true.numpy(),
        y=found.numpy(),
        mode="markers",
        marker={"color": ACCENT, "size": 11},
        customdata=list(names),
        hovertemplate="%{customdata}: %{x} free, %{y} found<extra></extra>",
    )
    # Words on the right of a dot far to the right need room.
    wide = 1.2 * most if bool(((found < true) & (true > most / 2)).any()) else most
    ticks = {"dtick": 1 if most < 12 else None}
    shape = layout(
        height=440,
        margin={"l": 48, "r": 16, "t": 16, "b": 44},
        xaxis={"title": "free factors", "range": [0, wide], **ticks},
        yaxis={"title": "dimensions found", "range": [0, most], **ticks},
        annotations=_factor_labels(true, found, names, most),
    )
    return go.Figure([diagonal, dots], shape)


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
    widest = codes.detach()[:, int(std.argmax())].numpy()
    return go.Scatter(
        x=x[:, 0],
        y=x[:, 1],
        mode="markers",
        marker={"color": widest, "colorscale": MAGNITUDE, "size": 5},
        cliponaxis=False,
        customdata=widest,
        hovertemplate="widest latent coordinate %{customdata:.3g}<extra></extra>",
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
    )


def _widths(std: Tensor, axis: str) -> list:
    shares = _relative(std)
    dimension = np.arange(1, len(shares) + 1)
    colours = [ACCENT if share**2 > LIVING else MUTED for share in shares]
    place = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    bars = go.Bar(
        x=dimension,
        y=np.maximum(shares, 1.15 * DUST),
        marker={"color": colours},
        customdata=std.detach().sort(descending=True).values.numpy(),
        hovertemplate="dimension %{x}: σ = %{customdata:.3g}<extra></extra>",
        **place,
    )
    threshold = go.Scatter(
        x=[0.4, len(shares) + 0.6],
        y=[math.sqrt(LIVING)] * 2,
        mode="lines",
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        hoverinfo="skip",
        **place,
    )
    return [bars, threshold]


def _toy_axes(index: int, count: int, m: int, floor: float) -> dict:
    plane, bars = _axes(index)
    gap = 0.035
    left = index * (1 + gap) / count
    across = [left, left + (1 + gap) / count - gap]
    return {
        f"xaxis{plane}": {"domain": across, "visible": False, "anchor": f"y{plane}", "constrain": "domain"},
        f"yaxis{plane}": {
            "domain": [0.58, 1],
            "visible": False,
            "anchor": f"x{plane}",
            "scaleanchor": f"x{plane}",
            "constrain": "domain",
            # All names stand at one height.
            "constraintoward": "top",
        },
        f"xaxis{bars}": {
            "domain": across,
            "anchor": f"y{bars}",
            "title": {"text": "dimension", "standoff": 4},
            "range": [0.4, m + 0.6],
            "dtick": 1 if m <= 8 else None,
        },
        f"yaxis{bars}": {
            "domain": [0, 0.42],
            "anchor": f"x{bars}",
            "type": "log",
            "range": [floor, 0.15],
            "dtick": 2 if floor < -3 else 1,
            "exponentformat": "power",
            "tickfont": {"size": 11},
            # One scale for all: its numbers stand once, at the left.
            "showticklabels": index == 0,
            "title": {"text": "width / widest" if index == 0 else ""},
        },
    }


def _toy_words(toys: Sequence[Toy]) -> list[dict]:
    """Return each toy's name above its points, and above its widths how many dimensions live."""
    words = []
    for index, (name, *_, std) in enumerate(toys):
        plane, bars = _axes(index)
        alive = _living(std)
        for text, axis in ((f"<b>{name}</b>", plane), (f"{alive} of {len(std)} alive", bars)):
            where = {"xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0.5, "y": 1, "xanchor": "center"}
            words.append({"text": text, "showarrow": False, **where, "yanchor": "bottom", "yshift": 4})
    return words


def _factor_labels(true: Tensor, found: Tensor, names: Sequence[str], most: float) -> list[dict]:
    """Return what was free beside the first dot of that name, clear of the line where both numbers agree."""
    first = {(name, float(x)): float(y) for name, x, y in reversed(list(zip(names, true, found, strict=True)))}
    return [_factor_label(name, x, y, most) for (name, x), y in first.items()]


def _factor_label(name: str, x: float, y: float, most: float) -> dict:
    """Return a label above and on the left of its dot, or below and on the right."""
    left = (y > x and x > most / 3) or (y == x and x > most / 2)
    side, height, sign = ("right", "bottom", -1) if left else ("left", "top", 1)
    lines = textwrap.wrap(name, 20 if left or x < most / 2 else 11)
    where = {"x": x, "y": y, "xanchor": side, "yanchor": height, "align": side, "xshift": 10 * sign, "yshift": 9 * sign}
    return {"text": "<br>".join(lines), "showarrow": False, "font": {"size": 12}, **where}
