"""Codes on the sphere S^2 as a map of all of it, on which equal areas are equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, HAIR, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape
from latentbook.press.figures.sphere.panels import KEY_ON_TOP, joined
from latentbook.sphere import hammer_projection

__all__ = ["HAMMER_PHONE", "hammer_figure"]

SYMBOLS = "circle square diamond triangle-up cross triangle-down pentagon star hexagon x".split()
# Degrees between two lines of the graticule, and points on each.
STEP, POINTS = 30, 91
# Half the axes of the ellipse, and a little room.
WIDE, HIGH = 1.01 * 2 * math.sqrt(2), 1.01 * math.sqrt(2)

HAMMER_PHONE: dict[str, object] = {"height": 270, "legend.font.size": 12}


def hammer_figure(codes: Tensor, labels: Tensor | None = None, classes: Sequence[str] = ()) -> go.Figure:
    """Return codes on Hammer's map of the sphere, in the colours of their classes.

    Args:
        codes: N points of S^2, ``(N, 3)``.
        labels: Class of each, ``(N)``, numbers from 0; None where they have none.
        classes: What the classes 0, 1, ... are called, at most ten.

    Raises:
        ValueError: If codes do not lie on the sphere, shapes do not fit, or a class has no name or no colour.

    Chapter 5.
    """
    expect_shape("codes", codes, (None, 3), "points of the sphere S^2 in R^3")
    places = hammer_projection(codes.detach().cpu()).double()
    bare = {"visible": False, "constrain": "domain"}
    shape = layout(
        height=400,
        margin={"l": 4, "r": 4, "t": 34 if labels is not None else 4, "b": 4},
        xaxis={**bare, "range": [-WIDE, WIDE]},
        yaxis={**bare, "range": [-HIGH, HIGH], "scaleanchor": "x"},
        **KEY_ON_TOP,
    )
    figure = go.Figure(layout=shape)
    inner = torch.arange(STEP - 180, 180, STEP, dtype=places.dtype)
    graticule = torch.cat([_meridians(inner), _parallels(inner[inner.abs() < 90])])
    figure.add_trace(joined(graticule, {"color": HAIR, "width": 0.6}))
    figure.add_trace(joined(_meridians(inner.new_tensor([-180, 180])), {"color": NEUTRAL, "width": 1.2}))
    if labels is None:
        return figure.add_trace(_dots(places, ACCENT, SYMBOLS[0], showlegend=False, hoverinfo="skip"))
    expect_shape("labels", labels, (len(codes),), "a class for each code")
    known = min(len(classes), len(CLASSES))
    if not 0 <= int(labels.min()) <= int(labels.max()) < known or len(classes) > known:
        found = f"`labels` go from {int(labels.min())} to {int(labels.max())}, and `classes` has {len(classes)}"
        raise ValueError(f"{found}: classes count from 0, each has a name, and there are {len(CLASSES)} colours")
    for label in labels.unique().tolist():
        words = {"name": classes[label], "hovertemplate": f"{classes[label]}<extra></extra>"}
        figure.add_trace(_dots(places[labels == label], CLASSES[label], SYMBOLS[label], **words))
    return figure


def _dots(places: Tensor, colour: str, symbol: str, **words: object) -> go.Scatter:
    x, y = places.numpy().round(3).T
    # The outline keeps pale dots from paper, and dark ones from near black.
    outline = {"color": "rgba(110,110,110,0.7)", "width": 0.6}
    marker = {"color": colour, "symbol": symbol, "size": 5.5, "opacity": 0.85, "line": outline}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, **words)


def _meridians(degrees: Tensor) -> Tensor:
    """Return lines from pole to pole, ``(L, POINTS, 2)``."""
    along = torch.linspace(-90, 90, POINTS, dtype=degrees.dtype)
    return _on_map(*torch.meshgrid(degrees, along, indexing="ij"))


def _parallels(degrees: Tensor) -> Tensor:
    """Return lines around the sphere, ``(L, POINTS, 2)``."""
    along = torch.linspace(-180, 180, POINTS, dtype=degrees.dtype)
    latitude, longitude = torch.meshgrid(degrees, along, indexing="ij")
    return _on_map(longitude, latitude)


def _on_map(longitude: Tensor, latitude: Tensor) -> Tensor:
    """Return where points of these degrees lie."""
    across, up = torch.deg2rad(longitude), torch.deg2rad(latitude)
    return hammer_projection(torch.stack([up.cos() * across.cos(), up.cos() * across.sin(), up.sin()], -1))
