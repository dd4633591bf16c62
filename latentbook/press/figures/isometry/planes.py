"""Latent planes side by side: codes by class, and ellipses over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.isometry import ellipse_radius, ellipses
from latentbook.press.figures import CLASSES, MUTED, layout
from latentbook.press.figures.isometry.align import Plane
from latentbook.press.figures.parts import expect_shape, layout_axes, trace_axes

__all__ = ["cloud", "names_of_classes", "outlines", "planes_figure", "planes_phone", "some_of_each", "spread_out"]

# Examples of a class that are shown, and of all that get an ellipse.
SHOWN, CIRCLED = 200, 36
# Points around an ellipse, and its radius against the spread of the codes.
CORNERS, SIZE = 32, 0.12


def planes_figure(
    planes: Sequence[tuple[str, Tensor, Tensor | None]], labels: Tensor, names: Sequence[str] | None = None
) -> go.Figure:
    """Return latent planes side by side, with ellipses where they have a metric.

    Planes with a metric have one scale, and their ellipses one radius, that of the last of them.

    Args:
        planes: Title, codes ``(N, 2)`` and metric ``(N, 2, 2)`` or None; from one to four.
        labels: Class of each code, ``(N,)``, numbers from 0 to 9.
        names: What to call the classes 0, 1, ...; by default their numbers.

    Raises:
        ValueError: If shapes do not fit, or there are too many planes.

    Chapter 2.
    """
    count = len(planes)
    if not 1 <= count <= 4:
        raise ValueError(f"`planes` has {count} of them: from one to four fit side by side")
    measured = [(codes, metric) for _, codes, metric in planes if metric is not None]
    reach = max((_reach(codes) for codes, _ in measured), default=None)
    radius = ellipse_radius(measured[-1][1], measured[-1][0], SIZE) if measured else 0.0
    figure = go.Figure(layout=layout(height=46 + round(560 / count), margin={"l": 8, "r": 8, "t": 30, "b": 8}))
    for index, (title, codes, metric) in enumerate(planes):
        expect_shape(f"codes of {title}", codes, (len(labels), 2), "a point of the plane for each label")
        axes = trace_axes(index)
        shown = some_of_each(labels, SHOWN)
        figure.add_trace(cloud(codes[shown], labels[shown], names, **axes))
        if metric is not None:
            circled = shown[spread_out(codes[shown], CIRCLED)]
            figure.add_trace(outlines(Plane(codes, metric).subset(circled), radius, **axes))
        middle = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0.5, "y": 1}
        figure.add_annotation(text=title, showarrow=False, **middle, yanchor="bottom", yshift=4)
        for note in names_of_classes(codes, labels, names, **axes):
            figure.add_annotation(note)
        own = _reach(codes) if metric is None or reach is None else reach
        figure.update_layout(_square(index, count, codes, own))
    return figure


def planes_phone(count: int) -> dict[str, object]:
    """Return the layout of `planes_figure` on a narrow screen: one plane below the other.

    Args:
        count: Number of planes.

    Chapter 2.
    """
    phone: dict[str, object] = {"height": 340 * count}
    for index in range(count):
        high = 1 - index / count
        x, y = layout_axes(index)
        phone |= {f"{x}.domain": [0, 1], f"{y}.domain": [high - 0.9 / count, high]}
    return phone


def cloud(codes: Tensor, labels: Tensor, names: Sequence[str] | None = None, **axes: str) -> go.Scatter:
    """Return codes as dots in the colours of their classes.

    Args:
        codes: ``(N, 2)``.
        labels: ``(N,)``, numbers from 0 to 9.
        names: What to call the classes; by default their numbers.
        axes: Names of the axes, ``xaxis`` and ``yaxis``.

    Chapter 2.
    """
    called = [_name(label, names) for label in labels.tolist()]
    return go.Scatter(
        x=_rounded(codes[:, 0]),
        y=_rounded(codes[:, 1]),
        mode="markers",
        marker={
            "size": 5,
            "color": [CLASSES[label] for label in labels.tolist()],
            "opacity": 0.85,
            "line": {"color": "rgba(110,110,110,0.7)", "width": 0.6},
        },
        customdata=called,
        hovertemplate="%{customdata}<extra></extra>",
        **axes,
    )


def outlines(plane: Plane, radius: Tensor | float, **axes: str) -> go.Scatter:
    """Return the ellipses of a plane's points as one line; points whose metric is degenerate have none.

    Args:
        plane: Centres and metrics.
        radius: Length of all steps, in data units.
        axes: Names of the axes, ``xaxis`` and ``yaxis``.

    Chapter 2.
    """
    found = ellipses(plane.metric, plane.codes, radius, points=CORNERS).outline
    # A point that is no number lifts the pen.
    lifted = torch.cat([found, torch.full_like(found[:, :1], torch.nan)], 1).reshape(-1, 2)
    return go.Scatter(
        x=_rounded(lifted[:, 0]),
        y=_rounded(lifted[:, 1]),
        mode="lines",
        line={"color": MUTED, "width": 1.2},
        hoverinfo="skip",
        **axes,
    )


def names_of_classes(
    codes: Tensor, labels: Tensor, names: Sequence[str] | None = None, **axes: str
) -> list[dict[str, Any]]:
    """Return for each class its name, where the median of its codes is.

    Args:
        codes: ``(N, 2)``.
        labels: ``(N,)``.
        names: What to call the classes; by default their numbers.
        axes: Names of the axes, ``xaxis`` and ``yaxis``.

    Chapter 2.
    """
    notes = []
    for label in labels.unique().tolist():
        x, y = codes[labels == label].median(0).values.tolist()
        where = {"x": round(x, 3), "y": round(y, 3), "xref": axes["xaxis"], "yref": axes["yaxis"]}
        notes.append({"text": f"<b>{_name(label, names)}</b>", "showarrow": False, "font": {"size": 17}, **where})
    return notes


def some_of_each(labels: Tensor, count: int) -> Tensor:
    """Return the indices of so many examples of every class, at equal steps through the data.

    Args:
        labels: ``(N,)``.
        count: Of each class, if it has as many.

    Chapter 2.
    """
    found = []
    for label in labels.unique():
        index = (labels == label).nonzero().squeeze(1)
        found.append(index[torch.arange(min(count, len(index))) * len(index) // min(count, len(index))])
    return torch.cat(found)


def spread_out(codes: Tensor, count: int) -> Tensor:
    """Return the indices of points that are far from each other: each the farthest from those before it.

    Args:
        codes: ``(N, 2)``.
        count: How many, if there are as many.

    Reference:
        Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical Computer Science 1985.

    Chapter 2.
    """
    chosen = [int((codes - codes.median(0).values).norm(dim=-1).argmin())]
    nearest = torch.full((len(codes),), torch.inf, dtype=codes.dtype)
    while len(chosen) < min(count, len(codes)):
        nearest = nearest.minimum((codes - codes[chosen[-1]]).norm(dim=-1))
        chosen.append(int(nearest.argmax()))
    return torch.tensor(chosen)


def _name(label: int, names: Sequence[str] | None) -> str:
    return str(label) if names is None else names[label]


def _rounded(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy().round(3)


def _reach(codes: Tensor) -> float:
    """Return half the side of the square that holds codes, and some room."""
    return 0.56 * float((codes.amax(0) - codes.amin(0)).max())


def _square(index: int, count: int, codes: Tensor, reach: float) -> dict[str, Any]:
    """Return axes of one scale that hold the codes, without ticks: only shapes are compared."""
    middle = (codes.amin(0) + codes.amax(0)) / 2
    gap = 0.03
    width = (1 - gap * (count - 1)) / count
    left = index * (width + gap)
    (x, y), axes = layout_axes(index), trace_axes(index)
    common = {"showticklabels": False, "ticks": "", "mirror": True, "constrain": "domain"}
    ends = [[round(float(centre - reach), 3), round(float(centre + reach), 3)] for centre in middle]
    return {
        x: {**common, "range": ends[0], "domain": [left, left + width], "anchor": axes["yaxis"]},
        y: {**common, "range": ends[1], "anchor": axes["xaxis"], "scaleanchor": axes["xaxis"]},
    }
