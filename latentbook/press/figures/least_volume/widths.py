"""Widths in pictures: with and without their guards, against the closed form, and against importance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, corner_label, expect_shape, rule

__all__ = ["importance_figure", "linear_figure", "widths_figure"]

# First what the chapter is about, then what is broken, then what is beside the point.
SERIES = [(ACCENT, "circle"), (WARM, "square"), (CLASSES[5], "diamond"), (NEUTRAL, "triangle-up")]
LINE = {"color": NEUTRAL, "width": 1.5}
DOTS = {"marker": {"color": ACCENT, "size": 6}, "cliponaxis": False}


def widths_figure(widths: Mapping[str, Tensor]) -> go.Figure:
    """Return sorted latent widths of several runs on one logarithmic axis.

    Args:
        widths: Latent standard deviations by the name of their run, at most four.

    Raises:
        ValueError: If there are more runs than can be told apart.

    Chapter 1.
    """
    if not 1 <= len(widths) <= len(SERIES):
        raise ValueError(f"`widths` has {len(widths)} runs: from one to {len(SERIES)} can be told apart")
    lines = []
    for (name, std), (colour, symbol) in zip(widths.items(), SERIES, strict=False):
        y = std.sort(descending=True).values.clamp_min(1e-6).numpy()
        x, marker = np.arange(1, len(y) + 1), {"size": 5, "symbol": symbol}
        lines.append(go.Scatter(x=x, y=y, mode="lines+markers", marker=marker, line={"color": colour}, name=name))
    shape = layout(
        height=400,
        margin={"l": 56, "r": 16, "t": 40, "b": 44},
        xaxis={"title": "latent dimension, widest first", "range": [0, 1 + max(len(std) for std in widths.values())]},
        yaxis={"title": "width σ", "type": "log", "dtick": 1, "exponentformat": "power", "tickfont": {"size": 10}},
        **KEY_ABOVE,
    )
    return go.Figure(lines, shape)


def linear_figure(
    p: Tensor, lambdas: Tensor, predicted: Tensor, trained_lambdas: Tensor, trained: Tensor, collapse: float
) -> go.Figure:
    """Return the widths of the linear case against λ: lines of the closed form, dots of what was trained.

    Latent dimensions have no order of their own, so the widths at each λ are drawn from the widest down.

    Args:
        p: Principal standard deviations, ``(m,)``: the widths at λ = 0.
        lambdas: Weights of the closed form, ``(L,)``, positive and rising.
        predicted: Its widths, ``(L, m)``.
        trained_lambdas: Weights of the runs, ``(T,)``, positive.
        trained: Their widths, ``(T, m)``.
        collapse: The λ from which on the closed form keeps nothing.

    Raises:
        ValueError: If shapes do not fit, or a weight has no place on a logarithmic axis.

    Chapter 1.
    """
    expect_shape("p", p, (None,), "one standard deviation for each dimension")
    expect_shape(
        "predicted", predicted, (len(lambdas), len(p)), "a row for each of `lambdas`, a column for each of `p`"
    )
    expect_shape(
        "trained",
        trained,
        (len(trained_lambdas), len(p)),
        "a row for each of `trained_lambdas`, a column for each of `p`",
    )
    for name, weights in {"lambdas": lambdas, "trained_lambdas": trained_lambdas}.items():
        if not bool((weights > 0).all()):
            raise ValueError(f"`{name}` holds {float(weights.min())}, which has no place on a logarithmic axis")
    if not collapse > 0:
        raise ValueError(f"`collapse` is {collapse}, which has no place on a logarithmic axis")
    every = torch.cat([lambdas, trained_lambdas, torch.tensor([collapse])]).log10()
    first, last = float(every.min()), float(every.max())
    # On the left room for the dashes, on the right for the words beside the line of collapse.
    left = first - 0.12 * (last - first)
    right = max(last + 0.04 * (last - first), float(np.log10(collapse)) + 0.28 * (last - first))
    traces = [
        _principal(p, 10**left, 10**first),
        *_each_dimension(lambdas, predicted, name="closed form", seen="at", mode="lines", line=LINE),
        *_each_dimension(trained_lambdas, trained, name="trained", seen="trained with", mode="markers", **DOTS),
    ]
    shape = layout(
        height=400,
        margin={"l": 56, "r": 16, "t": 36, "b": 44},
        xaxis={
            "title": "weight λ",
            "type": "log",
            "range": [left, right],
            "dtick": 1,
            "exponentformat": "power",
            "tickfont": {"size": 11},
        },
        yaxis={"title": "latent width σ", "range": [0, 1.06 * float(max(p.max(), predicted.max(), trained.max()))]},
        shapes=[rule(x=collapse)],
        annotations=[_collapse_label(collapse)],
        **KEY_ABOVE,
    )
    return go.Figure(traces, shape)


def importance_figure(std: Tensor, explained: Tensor, correlation: float) -> go.Figure:
    """Return what each latent dimension explains against how wide it is.

    Args:
        std: Widths, ``(m,)``.
        explained: Share of the reconstruction that is lost with the dimension, ``(m,)``.
        correlation: Pearson's, between the two; NaN where nothing is explained.

    Raises:
        ValueError: If shapes do not fit, or the correlation is none.

    Chapter 1.
    """
    expect_shape("std", std, (None,), "one width for each dimension")
    expect_shape("explained", explained, (len(std),), "one share for each of `std`")
    if abs(correlation) > 1 + 1e-6:
        raise ValueError(f"`correlation` is {correlation}, outside [-1, 1]")
    words = "undefined" if np.isnan(correlation) else f"{correlation:.2f}".replace("-", "−")
    dots = go.Scatter(
        x=std.numpy(),
        y=explained.numpy(),
        mode="markers",
        marker={"size": 9, "color": "rgba(16,152,173,0.55)", "line": {"color": ACCENT, "width": 1}},
        cliponaxis=False,
        hovertemplate="σ = %{x:.3g}: explains %{y:.1%}<extra></extra>",
    )
    shape = layout(
        height=360,
        margin={"l": 60, "r": 16, "t": 16, "b": 44},
        xaxis={"title": "latent width σ", "range": [0, 1.06 * float(std.max())]},
        yaxis={"title": "explained reconstruction", "tickformat": ".0%", "rangemode": "tozero"},
        annotations=[corner_label(f"Pearson correlation <b>{words}</b>", "top", "left")],
    )
    return go.Figure(dots, shape)


def _principal(p: Tensor, left: float, right: float) -> go.Scatter:
    """Return a dash at the left end for each principal standard deviation, where the lines come from."""
    heights = p.sort(descending=True).values.tolist()
    return go.Scatter(
        x=[x for _ in heights for x in (left, right, None)],
        y=[y for height in heights for y in (height, height, None)],
        mode="lines",
        line={**LINE, "dash": "2px,2px"},
        name="principal std",
        hovertemplate="principal std %{y:.3g}<extra></extra>",
    )


def _each_dimension(lambdas: Tensor, widths: Tensor, *, name: str, seen: str, **look: object) -> list[go.Scatter]:
    """Return one trace a dimension, from the widest at each λ down, under one name in the key."""
    columns = widths.sort(dim=1, descending=True).values.T
    return [
        go.Scatter(
            x=lambdas.numpy(),
            y=column.numpy(),
            name=name,
            legendgroup=name,
            showlegend=index == 0,
            hovertemplate=f"dimension {index + 1}: σ = %{{y:.3g}}, {seen} λ = %{{x:.3g}}<extra></extra>",
            **look,
        )
        for index, column in enumerate(columns)
    ]


def _collapse_label(collapse: float) -> dict:
    """Return the words beside the line of collapse, on its right: there nothing has a width any more."""
    where = {"x": float(np.log10(collapse)), "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 4}
    return {"text": f"predicted<br>collapse<br>λ = {collapse:.3g}", "showarrow": False, "align": "left", **where}
