"""The lead of chapter 1: a slider over the weight, with widths, reconstructions, and the price of compactness."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.learning.recipes.least_volume import Run
from latentbook.press.figures import ACCENT, MUTED, with_frames
from latentbook.press.figures.pairs import DECODED, Pairs
from latentbook.press.numbers import counted

__all__ = ["PHONE", "volume_slider"]

# Panels of the slider: where they are on a wide screen, and on a phone.
WIDE = {
    "widths": ((0.0, 0.54), (0.55, 1.0)),
    "trade": ((0.68, 1.0), (0.55, 1.0)),
    "images": ((0.0, 1.0), (0.0, 0.4)),
}
NARROW = {"widths": ((0.0, 1.0), (0.7, 1.0)), "trade": ((0.0, 1.0), (0.0, 0.33)), "images": ((0.0, 1.0), (0.4, 0.56))}
AXES = {"widths": ("xaxis", "yaxis"), "trade": ("xaxis2", "yaxis2"), "images": ("xaxis3", "yaxis3")}


def _places(panels: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    """Return the domain of every axis."""
    return {axis: place for name, both in panels.items() for axis, place in zip(AXES[name], both, strict=True)}


PHONE = {
    "height": 450,
    "margin.l": 54,
    "margin.b": 40,
    **{f"{axis}.domain": list(place) for axis, place in _places(NARROW).items()},
}


def volume_slider(runs: Sequence[Run], images: Tensor, pca: Tensor, active: int) -> go.Figure:
    """Return the chapter's picture: for each weight the widths, the reconstructions, and the price of compactness.

    Args:
        runs: One for each weight, in order.
        images: Test images, ``(N, C, H, W)`` with C 1 or 3.
        pca: Test errors of 0 to m principal components.
        active: Index of the weight that is shown first.

    Chapter 1.
    """
    widest = max(float(run.std.max()) for run in runs)
    ticks = [k**2 for k in range(math.ceil(widest**0.5))]
    height, width = images.shape[-2:]
    pairs = Pairs(len(images), height, width, columns=len(images), axes=("x3", "y3"))
    frames = [_frame(run, runs, pairs.picture(_decoded(run, images), DECODED), pca) for run in runs]
    panels = {axis: {"domain": place} for axis, place in _places(WIDE).items()}
    figure = with_frames(
        frames,
        active,
        "λ = ",
        height=450,
        margin={"l": 60, "r": 12, "t": 40, "b": 4},
        xaxis={
            **panels["xaxis"],
            "title": {"text": "latent dimension, widest first", "standoff": 4},
            "range": [0.2, len(pca) - 0.2],
        },
        yaxis={
            **panels["yaxis"],
            "title": "width σ, root scale",
            "range": [0, 1.04 * widest**0.5],
            "tickvals": [tick**0.5 for tick in ticks],
            "ticktext": [str(tick) for tick in ticks],
        },
        xaxis2={
            **panels["xaxis2"],
            "title": {"text": "dimensions kept", "standoff": 4},
            "anchor": "y2",
            "range": [-1, len(pca)],
        },
        yaxis2={
            **panels["yaxis2"],
            "title": "test error",
            "anchor": "x2",
            "range": [0, 1.08 * float(pca[0])],
            "nticks": 4,
        },
        xaxis3={**panels["xaxis3"], **pairs.horizontal(), "anchor": "y3"},
        yaxis3={**panels["yaxis3"], **pairs.vertical(), "anchor": "x3"},
    )
    pairs.keep_originals(figure, images)
    return figure


def _frame(run: Run, runs: Sequence[Run], picture: dict, pca: Tensor) -> go.Frame:
    m = len(run.std)
    traces = [
        _bars(run),
        go.Scatter(
            x=np.arange(m + 1),
            y=pca.numpy(),
            mode="lines",
            line={"color": MUTED, "width": 2},
            hoverinfo="skip",
            **_TRADE,
        ),
        go.Scatter(
            x=[other.dimensions for other in runs],
            y=[other.error for other in runs],
            mode="markers",
            marker={"color": "rgba(0,0,0,0)", "size": 7, "line": {"color": ACCENT, "width": 1.5}},
            customdata=[(f"{other.lam:g}", counted(other.dimensions, "dimension")) for other in runs],
            hovertemplate="λ = %{customdata[0]}: %{customdata[1]}, error %{y:.2f}<extra></extra>",
            **_TRADE,
        ),
        go.Scatter(
            x=[run.dimensions],
            y=[run.error],
            mode="markers",
            marker={"color": ACCENT, "size": 13},
            hoverinfo="skip",
            **_TRADE,
        ),
    ]
    annotations = [_words(run, pca), _pca_label(pca)]
    return go.Frame(data=traces, name=f"{run.lam:g}", layout={"annotations": annotations, "images": [picture]})


_TRADE = {"xaxis": "x2", "yaxis": "y2"}


def _bars(run: Run) -> go.Bar:
    """Return the widths, those of the dimensions that count in the accent's colour.

    The fewer dimensions are left, the wider they are: on a linear axis the widest would leave nothing to be seen of the
    others.
    """
    widths = run.std.sort(descending=True).values.numpy().round(4)
    colours = [ACCENT if index < run.dimensions else MUTED for index in range(len(widths))]
    return go.Bar(
        x=np.arange(1, len(widths) + 1),
        y=np.sqrt(widths).round(3),
        customdata=widths,
        marker={"color": colours},
        hovertemplate="dimension %{x}: σ = %{customdata:.3g}<extra></extra>",
    )


@torch.no_grad()
def _decoded(run: Run, images: Tensor) -> Tensor:
    """Return what becomes of images."""
    return run.model.decode(run.model.encode(images))


def _words(run: Run, pca: Tensor) -> dict:
    """Return what a frame shows, in words: JupyterLab has it inside the figure, the page beside the slider."""
    m, kept = len(run.std), run.dimensions
    words = f"<b>{kept} of {m} dimensions</b>, error {run.error:.2f} (PCA with {kept}: {float(pca[kept]):.2f})"
    if kept == 0:
        words = f"<b>collapsed</b>, every image becomes the mean: error {run.error:.2f}"
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 10}
    return {"name": "words", "text": words, **place, "showarrow": False, "font": {"size": 15}}


def _pca_label(pca: Tensor) -> dict:
    where = {"xref": "x2", "yref": "y2", "x": 2, "y": float(pca[2]), "xanchor": "left", "xshift": 6, "yshift": 8}
    return {"text": "PCA", "showarrow": False, **where}
