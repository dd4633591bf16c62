"""The lead of chapter 2: a slider over the weight that moves codes, ellipses and what a straight line decodes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.isometry import ellipse_radius
from latentbook.learning.recipes.isometry import Run
from latentbook.press.figures import ACCENT, with_frames
from latentbook.press.figures.isometry.align import Plane, aligned
from latentbook.press.figures.isometry.costs import above_one, excess
from latentbook.press.figures.isometry.planes import (
    CIRCLED,
    SHOWN,
    SIZE,
    cloud,
    names_of_classes,
    outlines,
    some_of_each,
    spread_out,
)
from latentbook.press.figures.pairs import ENLARGED, TEAL
from latentbook.press.figures.parts import expect_shape, png
from latentbook.press.figures.strips import strips_canvas
from latentbook.press.numbers import in_figures

__all__ = ["PHONE", "isometry_slider", "shared_radius", "straight_line"]

# Images along the line, and in a row.
STEPS, ROW = 10, 5
# Panels of the slider: where they are on a wide screen, and on a phone.
WIDE = {"plane": ((0.0, 0.56), (0.0, 1.0)), "trade": ((0.69, 1.0), (0.5, 1.0)), "strip": ((0.64, 1.0), (0.0, 0.3))}
NARROW = {"plane": ((0.0, 1.0), (0.5, 1.0)), "trade": ((0.0, 1.0), (0.0, 0.15)), "strip": ((0.1, 0.9), (0.25, 0.41))}
AXES = {"plane": ("xaxis", "yaxis"), "trade": ("xaxis2", "yaxis2"), "strip": ("xaxis3", "yaxis3")}
# What traces call them.
PLANE, TRADE = {"xaxis": "x", "yaxis": "y"}, {"xaxis": "x2", "yaxis": "y2"}


def _places(panels: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    """Return the domain of every axis."""
    return {axis: place for name, both in panels.items() for axis, place in zip(AXES[name], both, strict=True)}


PHONE = {
    "height": 400,
    "margin.l": 50,
    "xaxis.title.text": "",
    **{f"{axis}.domain": list(place) for axis, place in _places(NARROW).items()},
}


def isometry_slider(runs: Sequence[Run], labels: Tensor, ends: tuple[int, int], active: int) -> go.Figure:
    """Return the chapter's picture: for each weight codes and ellipses, what a straight line decodes to, and the price.

    The codes of each weight are turned, and mirrored if need be, onto those of the one before. One radius serves all
    ellipses of all weights.

    Args:
        runs: One for each weight, in order, of images.
        labels: Class of each validation example, ``(N,)``, numbers from 0 to 9.
        ends: Indices of the two examples that the straight line joins.
        active: Index of the weight that is shown first.

    Raises:
        ValueError: If the labels are not one for each code.

    Chapter 2.
    """
    expect_shape("labels", labels, (len(runs[0].codes),), "one label for each code")
    planes = aligned(runs)
    radius = shared_radius(planes[active])
    shown = some_of_each(labels, SHOWN)
    reach = 1.12 * max(float(plane.codes[shown].abs().max()) for plane in planes)
    circled = shown[spread_out(planes[active].codes[shown], CIRCLED)]
    frames = [_frame(run, plane, runs, labels, ends, circled, radius) for run, plane in zip(runs, planes, strict=True)]
    tall, wide = strips_canvas(_in_rows(straight_line(runs[0], ends))).shape[:2]
    panels = {axis: {"domain": place} for axis, place in _places(WIDE).items()}
    square = {"range": [-reach, reach], "constrain": "domain"}
    return with_frames(
        frames,
        active,
        "λ = ",
        height=480,
        margin={"l": 50, "r": 12, "t": 40, "b": 4},
        xaxis={**panels["xaxis"], **square, "title": {"text": "first latent", "standoff": 4}},
        yaxis={**panels["yaxis"], **square, "title": {"text": "second latent", "standoff": 4}, "scaleanchor": "x"},
        xaxis2={
            **panels["xaxis2"],
            "anchor": "y2",
            "type": "log",
            "title": {"text": "mean κ − 1", "standoff": 4},
            **above_one(runs),
        },
        yaxis2={
            **panels["yaxis2"],
            "anchor": "x2",
            "title": {"text": "squared error", "standoff": 4},
            "range": [0, 1.08 * max(run.error for run in runs)],
            "nticks": 5,
        },
        xaxis3={
            **panels["xaxis3"],
            "anchor": "y3",
            "visible": False,
            "range": [-0.5, wide - 0.5],
            "constrain": "domain",
        },
        yaxis3={
            **panels["yaxis3"],
            "anchor": "x3",
            "visible": False,
            "range": [tall - 0.5, -0.5],
            "scaleanchor": "x3",
            "constrain": "domain",
            "constraintoward": "top",
        },
    )


def shared_radius(plane: Plane) -> float:
    """Return the radius by which ellipses of a plane, and of those beside it, can be seen and told apart.

    Args:
        plane: The one that it is made for.

    Returns:
        Length of all steps, in data units.

    Chapter 2.
    """
    return float(ellipse_radius(plane.metric, plane.codes, SIZE))


@torch.no_grad()
def straight_line(run: Run, ends: tuple[int, int], steps: int = STEPS) -> Tensor:
    """Decode points of a straight line between the codes of two validation examples, at equal distances.

    Args:
        run: The model and its codes.
        ends: Indices of the examples.
        steps: Number of points, the ends among them.

    Returns:
        Decoded data, ``(steps, *event)``, on the CPU.

    Chapter 2.
    """
    start, end = run.codes[list(ends)]
    share = torch.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    place = next(run.model.parameters()).device
    return run.model.decode((start + share * (end - start)).to(place)).cpu()


def _frame(
    run: Run,
    plane: Plane,
    runs: Sequence[Run],
    labels: Tensor,
    ends: tuple[int, int],
    circled: Tensor,
    radius: float,
) -> go.Frame:
    shown = some_of_each(labels, SHOWN)
    start, end = plane.codes[list(ends)].numpy().round(3)
    traces = [
        cloud(plane.codes[shown], labels[shown], **PLANE),
        outlines(plane.subset(circled), radius, **PLANE),
        go.Scatter(
            x=np.linspace(start[0], end[0], STEPS).round(3),
            y=np.linspace(start[1], end[1], STEPS).round(3),
            mode="lines+markers",
            line={"color": ACCENT, "width": 2.5},
            marker={"color": ACCENT, "size": [9, *[5] * (STEPS - 2), 9]},
            hoverinfo="skip",
            **PLANE,
        ),
        go.Scatter(
            x=[excess(other) for other in runs],
            y=[other.error for other in runs],
            mode="lines+markers",
            line={"color": ACCENT, "width": 1},
            marker={"color": "rgba(0,0,0,0)", "size": 7, "line": {"color": ACCENT, "width": 1.5}},
            customdata=[(f"{other.lam:g}", f"{float(other.condition.mean):.3f}") for other in runs],
            hovertemplate="λ = %{customdata[0]}: mean κ %{customdata[1]}, error %{y:.4f}<extra></extra>",
            **TRADE,
        ),
        go.Scatter(
            x=[excess(run)],
            y=[run.error],
            mode="markers",
            marker={"color": ACCENT, "size": 13},
            hoverinfo="skip",
            **TRADE,
        ),
    ]
    annotations = [_words(run), *names_of_classes(plane.codes, labels, **PLANE)]
    shape = {"annotations": annotations, "images": [_picture(straight_line(run, ends))]}
    return go.Frame(data=traces, name=f"{run.lam:g}", layout=shape)


def _picture(images: Tensor) -> dict:
    """Return decoded images as a strip of the layout."""
    canvas = strips_canvas(_in_rows(images))
    corner = {"x": -0.5, "y": -0.5, "xref": "x3", "yref": "y3", "xanchor": "left", "yanchor": "top"}
    source = png(canvas, TEAL, enlarge=-(-ENLARGED // images.shape[-2]))
    return {"source": source, **corner, "sizex": canvas.shape[1], "sizey": canvas.shape[0], "sizing": "stretch"}


def _in_rows(images: Tensor) -> Tensor:
    return images.reshape(-1, ROW, *images.shape[1:])


def _words(run: Run) -> dict:
    """Return what a frame shows, in words: JupyterLab has it inside the figure, the page beside the slider."""
    words = (
        f"<b>condition number {float(run.condition.mean):.2f}</b>, "
        f"variance of the metric {in_figures(run.variance, 2)}, "
        f"squared error {run.error:.4f}"
    )
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 10}
    return {"name": "words", "text": words, **place, "showarrow": False, "font": {"size": 15}}
