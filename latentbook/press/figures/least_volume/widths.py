"""Widths in pictures: with and without their guards, against the closed form, and against importance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, corner_label, expect_shape, rule
from latentbook.press.numbers import in_figures

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
        ordered = std.sort(descending=True).values
        line = go.Scatter(
            x=np.arange(1, len(ordered) + 1),
            y=ordered.clamp_min(1e-6).numpy(),
            mode="lines+markers",
            marker={"size": 5, "symbol": symbol},
            line={"color": colour},
            name=name,
            customdata=[in_figures(width) for width in ordered.tolist()],
            hovertemplate=f"{name}, dimension %{{x}}: σ = %{{customdata}}<extra></extra>",
        )
        lines.append(line)
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

    Latent dimensions have no order of their own, so the widths at each λ are drawn from the widest down. Where a width
    jumps to zero its line ends.

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
    top = float(max(p.max(), predicted.max(), trained.max()))
    every = torch.cat([lambdas, trained_lambdas, torch.tensor([collapse])]).log10()
    first, last = float(every.min()), float(every.max())
    # On the left room for the dashes, on the right for the words beside the line of collapse.
    left = first - 0.12 * (last - first)
    right = max(last + 0.04 * (last - first), float(np.log10(collapse)) + 0.28 * (last - first))
    traces = [
        _principal(p, 10**left, 10**first),
        *_each_dimension(lambdas, _broken(_ordered(predicted)), name="closed form", seen="at", mode="lines", line=LINE),
        *_each_dimension(
            trained_lambdas, _ordered(trained), name="trained", seen="trained with", mode="markers", **DOTS
        ),
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
        # Below zero there is room for half a dot.
        yaxis={"title": "latent width σ", "range": [-0.03 * top, 1.06 * top]},
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
        marker={"size": 9, "color": ACCENT, "opacity": 0.75},
        cliponaxis=False,
        customdata=[f"{in_figures(100 * share)} %" for share in explained.tolist()],
        hovertemplate="σ = %{x:.3g}: explains %{customdata}<extra></extra>",
    )
    shape = layout(
        height=360,
        margin={"l": 60, "r": 16, "t": 16, "b": 44},
        xaxis={"title": "latent width σ", "range": [0, 1.06 * float(std.max())]},
        yaxis={"title": "explained reconstruction", "tickformat": ".0%", "rangemode": "tozero"},
        # Where no dot is: a wide dimension that explains little is what the figure denies.
        annotations=[corner_label(f"Pearson correlation <b>{words}</b>", "bottom", "right")],
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
    """Return one trace a dimension, under one name in the key."""
    return [
        go.Scatter(
            x=lambdas.numpy(),
            y=column.numpy(),
            name=name,
            legendgroup=name,
            showlegend=index == 0,
            customdata=[in_figures(width) for width in column.tolist()],
            hovertemplate=f"dimension {index + 1}: σ = %{{customdata}}, {seen} λ = %{{x:.3g}}<extra></extra>",
            **look,
        )
        for index, column in enumerate(widths.T)
    ]


def _ordered(widths: Tensor) -> Tensor:
    """Return the widths at each λ from the widest down."""
    return widths.sort(dim=1, descending=True).values


def _broken(widths: Tensor) -> Tensor:
    """Return widths without the first zero after a jump: a line down to it would show widths that there are not."""
    jumps = (widths[:-1] > 0.1 * widths.max()) & (widths[1:] == 0)
    broken = widths.clone()
    broken[1:][jumps] = torch.nan
    return broken


def _collapse_label(collapse: float) -> dict:
    """Return the words beside the line of collapse, on its right: there nothing has a width any more."""
    where = {"x": float(np.log10(collapse)), "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 4}
    return {"text": f"predicted<br>collapse<br>λ = {collapse:.3g}", "showarrow": False, "align": "left", **where}
