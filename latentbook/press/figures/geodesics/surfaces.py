"""Surfaces in three dimensions, to be turned, and on them what a straight line of the plane becomes and a geodesic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor
from torch.nn.functional import normalize

from latentbook.press.figures import ACCENT, MUTED, WARM, layout
from latentbook.press.figures.parts import stacked
from latentbook.press.numbers import in_figures

__all__ = ["Surface", "surfaces_figure", "surfaces_phone", "tube"]

# Points of a surface along each latent, points of a curve, and corners around it.
SIDES, ALONG, ROUND = (97, 33), 121, 6
# A straight line's image is dashed; every dash is the same part of the straight line.
DASH = 4
# Radius of a curve, and distance of the eye, against the diagonal of the box that holds the surface.
RADIUS, DISTANCE = 0.009, 1.25
# Grey that lets lines show in both themes.
SHEET = [[0, "#aeb4ba"], [1, "#aeb4ba"]]
GAP, ABOVE, BELOW = 0.02, 62, 8
# Heights above the plot of the title, and of the two lines under it.
LINES = (40, 20, 2)


class Surface(NamedTuple):
    """A surface, and curves on it, all in float64 and on the CPU.

    Attributes:
        title: Above it.
        f: From ``(N, 2)`` to ``(N, 3)``.
        low: Smallest latents that are drawn.
        high: Largest ones.
        straight: From times ``(T,)`` to points ``(T, 2)`` of the straight line.
        geodesic: The same, of the geodesic.
        lengths: Of the images of both, in data space.
        eye: Direction from which it is looked at.
    """

    title: str
    f: Callable[[Tensor], Tensor]
    low: tuple[float, float]
    high: tuple[float, float]
    straight: Callable[[Tensor], Tensor]
    geodesic: Callable[[Tensor], Tensor]
    lengths: tuple[float, float]
    eye: tuple[float, float, float] = (1.3, -1.3, 0.9)


def surfaces_figure(surfaces: Sequence[Surface]) -> go.Figure:
    """Return surfaces side by side, with the images of a straight line and of a geodesic on each.

    Args:
        surfaces: From one to four.

    Raises:
        ValueError: If there are more than four, or none.

    Chapter 3.
    """
    count = len(surfaces)
    if not 1 <= count <= 4:
        raise ValueError(f"`surfaces` has {count} of them: from one to four fit side by side")
    figure = go.Figure(layout=layout(height=330, margin={"l": 0, "r": 0, "t": ABOVE, "b": BELOW}))
    width = (1 - GAP * (count - 1)) / count
    for index, surface in enumerate(surfaces):
        left, scene = index * (width + GAP), _scene_name(index)
        sheet = _points(surface)
        extent = np.ptp(sheet.reshape(-1, 3), axis=0)
        figure.add_traces([_sheet(sheet, scene), *_curves(surface, float(np.linalg.norm(extent)), scene)])
        figure.update_layout({scene: _scene(surface.eye, extent, [left, left + width])})
        for note in _words(surface):
            figure.add_annotation({**note, "x": left + width / 2, "y": 1})
    return figure


def surfaces_phone(count: int) -> dict[str, object]:
    """Return the layout of `surfaces_figure` on a narrow screen: one surface below the other.

    Args:
        count: Number of surfaces.

    Chapter 3.
    """
    height, places = stacked(count, 230, ABOVE + BELOW)
    phone: dict[str, object] = {"height": height + ABOVE + BELOW}
    for index, place in enumerate(places):
        scene = _scene_name(index)
        phone |= {f"{scene}.domain.x": [0, 1], f"{scene}.domain.y": place}
        for line in range(len(LINES)):
            number = index * len(LINES) + line
            phone |= {f"annotations[{number}].x": 0.5, f"annotations[{number}].y": place[1]}
    return phone


def tube(line: Tensor, radius: float, dash: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the corners and the triangles of a tube around a line: one that lies in a surface would flicker in it.

    Args:
        line: Points, ``(T, 3)``.
        radius: Of the tube.
        dash: Steps of the line that are drawn before as many are left out; None for all.

    Returns:
        Corners ``(T · R, 3)``, R around each point, and triangles as three of their indices, ``(F, 3)``.

    Chapter 3.
    """
    along = normalize(torch.gradient(line, dim=0)[0], dim=-1)
    # An axis that is far from the first direction, carried along without twisting.
    side = torch.eye(3).to(line)[along[0].abs().argmin()]
    sides = []
    for direction in along:
        side = normalize(side - (side @ direction) * direction, dim=0)
        sides.append(side)
    first = torch.stack(sides)
    second = torch.linalg.cross(along, first)
    angle = torch.arange(ROUND).to(line)[:, None] * 2 * math.pi / ROUND
    corners = line[:, None] + radius * (angle.cos() * first[:, None] + angle.sin() * second[:, None])
    return corners.flatten(0, 1), _triangles(len(line) - 1, dash)


def _triangles(steps: int, dash: int | None) -> Tensor:
    """Return two triangles for each side of each step that is drawn."""
    step = torch.arange(steps)
    drawn = step if dash is None else step[step // dash % 2 == 0]
    here = (ROUND * drawn)[:, None] + torch.arange(ROUND)
    beside = (ROUND * drawn)[:, None] + (torch.arange(ROUND) + 1) % ROUND
    lower = torch.stack([here, beside, here + ROUND], -1)
    upper = torch.stack([beside, beside + ROUND, here + ROUND], -1)
    return torch.cat([lower, upper]).flatten(0, 1)


def _scene_name(index: int) -> str:
    return "scene" if index == 0 else f"scene{index + 1}"


def _points(surface: Surface) -> np.ndarray:
    sides = zip(surface.low, surface.high, SIDES, strict=True)
    latents = torch.cartesian_prod(*(torch.linspace(*side, dtype=torch.float64) for side in sides))
    return surface.f(latents).reshape(*SIDES, 3).numpy()


def _sheet(points: np.ndarray, scene: str) -> go.Surface:
    x, y, z = _rounded(points).transpose(2, 0, 1)
    look = {"colorscale": SHEET, "showscale": False, "opacity": 0.8, "hoverinfo": "skip"}
    light = {"ambient": 0.62, "diffuse": 0.6, "specular": 0.04, "roughness": 0.9}
    return go.Surface(x=x, y=y, z=z, lighting=light, scene=scene, **look)


def _curves(surface: Surface, size: float, scene: str) -> list[go.Mesh3d | go.Scatter3d]:
    t = torch.linspace(0, 1, ALONG, dtype=torch.float64)
    straight, geodesic = (surface.f(curve(t)) for curve in (surface.straight, surface.geodesic))
    ends = _rounded(straight[[0, -1]].numpy()).T
    marker = {"color": MUTED, "size": 5}
    return [
        _mesh(straight, size, DASH, WARM, "straight", scene),
        _mesh(geodesic, size, None, ACCENT, "geodesic", scene),
        go.Scatter3d(x=ends[0], y=ends[1], z=ends[2], mode="markers", marker=marker, scene=scene, hoverinfo="skip"),
    ]


def _mesh(line: Tensor, size: float, dash: int | None, colour: str, words: str, scene: str) -> go.Mesh3d:
    corners, triangles = tube(line, RADIUS * size, dash)
    x, y, z = _rounded(corners.numpy()).T
    i, j, k = triangles.numpy().astype(np.uint16).T
    # Nearly without shade, so that it has the colour of its words.
    light = {"ambient": 0.9, "diffuse": 0.2, "specular": 0, "fresnel": 0}
    look = {"color": colour, "lighting": light, "hovertemplate": f"{words}<extra></extra>"}
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, name=words, scene=scene, **look)


def _words(surface: Surface) -> list[dict[str, Any]]:
    """Return the title, and under it which curve is which, in its colour and with its dashes."""
    straight, geodesic = (in_figures(length, 4) for length in surface.lengths)
    texts = (f"<b>{surface.title}</b>", f"╍╍ straight {straight}", f"━━ geodesic {geodesic}")
    where = {"xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom", "showarrow": False}
    return [
        {"text": text, **where, "yshift": height, "font": {"color": colour}}
        for text, height, colour in zip(texts, LINES, (None, WARM, ACCENT), strict=True)
    ]


def _scene(eye: tuple[float, float, float], extent: np.ndarray, across: list[float]) -> dict[str, Any]:
    # Boxes of one diagonal, so that the same distance holds all of every surface.
    aspect = extent / np.linalg.norm(extent)
    place = DISTANCE * np.array(eye) / np.linalg.norm(eye)
    bare = {"visible": False, "showspikes": False}
    return {
        "domain": {"x": across, "y": [0, 1]},
        **{axis: bare for axis in ("xaxis", "yaxis", "zaxis")},
        "aspectmode": "manual",
        "aspectratio": dict(zip("xyz", aspect.round(4).tolist(), strict=True)),
        # Unlike the plane figures, this one has something that only turning shows.
        "dragmode": "turntable",
        "camera": {"eye": dict(zip("xyz", place.round(4).tolist(), strict=True))},
    }


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return numbers at the precision that a screen shows."""
    return values.astype(np.float32)
