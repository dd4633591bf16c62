"""What isometry costs: error, rate and the two scores of flatness against the weight; and how noisy probes are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.learning.recipes.isometry import Run
from latentbook.press.figures import ACCENT, CLASSES, WARM, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, layout_axes, rule, trace_axes
from latentbook.press.numbers import in_figures

__all__ = ["COSTS_PHONE", "Spread", "above_one", "costs_figure", "excess", "probes_figure", "trade_figure"]


class Score(NamedTuple):
    """One panel: its title, what it shows of a run, and whether its axis is logarithmic."""

    title: str
    of: Callable[[Run], float]
    logarithmic: bool = False


def excess(run: Run) -> float:
    """Return by how much the mean condition number exceeds 1; on a logarithmic axis, at least a millionth.

    Args:
        run: A run; nan if all its points are degenerate.

    Chapter 2.
    """
    return max(float(run.condition.mean) - 1, 1e-6)


def above_one(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what an axis of `excess` needs.

    Args:
        runs: All that are drawn on it.

    Chapter 2.
    """
    values = [excess(run) for run in runs if np.isfinite(excess(run))] or [1.0]
    low, high = math.log10(min(values)), math.log10(max(values))
    return {"type": "log", "range": [low - 0.3, high + 0.3], **_decades(low, high)}


SCORES = (
    Score("squared error", lambda run: run.error),
    Score("rate (nats)", lambda run: run.rate),
    Score("noise σ", lambda run: run.sigma),
    Score("mean κ − 1", excess, logarithmic=True),
    Score("variance of the metric", lambda run: run.variance, logarithmic=True),
    Score("m F − 1", lambda run: run.codes.shape[1] * run.distortion - 1, logarithmic=True),
)
COLUMNS = 3
COLOURS, SYMBOLS = (ACCENT, WARM, CLASSES[9], CLASSES[5]), ("circle", "square", "diamond", "triangle-up")
SMALLEST = 1e-7


def _place(index: int) -> tuple[list[float], list[float]]:
    row, column = divmod(index, COLUMNS)
    left, low = column * 0.36, (0.6, 0.0)[row]
    return [left, left + 0.28], [low, low + 0.36]


COSTS_PHONE: dict[str, object] = {
    "height": 1300,
    **{
        f"{layout_axes(index)[axis]}.domain": domain
        for index in range(len(SCORES))
        for axis, domain in enumerate(([0.0, 1.0], [0.885 - 0.177 * index, 1.0 - 0.177 * index]))
    },
}


def costs_figure(repeats: Sequence[Sequence[Run]]) -> go.Figure:
    """Return six scores against the weight; with repeats, their mean and a bar of one standard deviation.

    The run without penalty is a dashed line: a logarithmic axis has no zero.

    Args:
        repeats: For each seed the runs of all weights, 0 among them, in the same order.

    Raises:
        ValueError: If the weights differ between repeats, or 0 is not among them.

    Chapter 2.
    """
    lams = [run.lam for run in repeats[0]]
    if any([run.lam for run in runs] != lams for runs in repeats) or 0.0 not in lams:
        raise ValueError("`repeats` must have the same weights in the same order, with 0 among them")
    figure = go.Figure(layout=layout(height=480, margin={"l": 44, "r": 8, "t": 30, "b": 44}))
    for index, score in enumerate(SCORES):
        values = np.array([[score.of(run) for run in runs] for runs in repeats])
        if score.logarithmic:
            values = values.clip(min=SMALLEST)
        plain, others = values[:, lams.index(0.0)].mean(), [k for k, lam in enumerate(lams) if lam > 0]
        figure.add_trace(_costs(index, [lams[k] for k in others], values[:, others]))
        if np.isfinite(plain):
            axes = trace_axes(index)
            place = {"xref": f"{axes['xaxis']} domain", "yref": axes["yaxis"]}
            figure.add_shape({**rule(y=float(plain)), **place})
            where = {**place, "x": 1, "y": np.log10(plain) if score.logarithmic else plain}
            figure.add_annotation(text="λ = 0", showarrow=False, **where, xanchor="right", yanchor="bottom")
        figure.add_annotation(_title(index, score.title))
        figure.update_layout(_cell(index, score, lams, values))
    return figure


def trade_figure(families: Mapping[str, Sequence[Run]]) -> go.Figure:
    """Return the error against the condition number, a line for each kind of model.

    Args:
        families: By name, runs in order of the weight; at most four.

    Raises:
        ValueError: If there are more kinds than colours.

    Chapter 2.
    """
    if not 1 <= len(families) <= len(COLOURS):
        raise ValueError(f"`families` has {len(families)} of them: from one to {len(COLOURS)} can be told apart")
    shape = layout(
        height=400,
        margin={"l": 60, "r": 16, "t": 40, "b": 44},
        xaxis={"title": "mean κ − 1", **above_one([run for runs in families.values() for run in runs])},
        yaxis={"title": "squared error", "rangemode": "tozero"},
        **KEY_ABOVE,
    )
    lines = [_kind(index, name, runs) for index, (name, runs) in enumerate(families.items())]
    return go.Figure(lines, shape)


class Spread(NamedTuple):
    """Estimates of one kind.

    Attributes:
        name: How they were made.
        values: Many of them, ``(R,)``.
        exact: What they estimate.
    """

    name: str
    values: Tensor
    exact: float


def probes_figure(groups: Mapping[str, Sequence[Spread]]) -> go.Figure:
    """Return how estimates scatter: a bar from the 5th to the 95th percentile, their mean, and what they estimate.

    Args:
        groups: By name, estimates of one quantity made in several ways.

    Chapter 2.
    """
    # A group is a line for its name, one for each way, and half a line of air.
    starts = np.cumsum([0, *(len(spreads) + 1.5 for spreads in groups.values())])
    rows = [
        (-(start + 1 + row), spread)
        for start, spreads in zip(starts, groups.values(), strict=False)
        for row, spread in enumerate(spreads)
    ]
    shape = layout(
        height=round(60 + 22 * starts[-1]),
        margin={"l": 96, "r": 16, "t": 8, "b": 44},
        xaxis={"title": "estimate of the distortion", "type": "log", "tickvals": [0.125, 0.25, 0.5, 1, 2, 4, 8, 16]},
        yaxis={
            "tickvals": [place for place, _ in rows],
            "ticktext": [spread.name for _, spread in rows],
            "range": [0.8 - starts[-1], 0.8],
            "showline": False,
            "ticks": "",
        },
        annotations=[_group(name, -start) for name, start in zip(groups, starts, strict=False)],
    )
    figure = go.Figure(layout=shape)
    for place, spread in rows:
        low, high = torch.quantile(spread.values.double(), torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
        words = f"mean {spread.values.mean():.3f}, 5 % below {low:.3f}, 5 % above {high:.3f}<extra></extra>"
        look = {"mode": "lines", "line": {"color": ACCENT, "width": 5}, "hovertemplate": words}
        figure.add_trace(go.Scatter(x=[low, high], y=[place, place], **look))
        dot = {"mode": "markers", "marker": {"color": ACCENT, "size": 11}, "hovertemplate": words}
        figure.add_trace(go.Scatter(x=[float(spread.values.mean())], y=[place], **dot))
        mark = {"mode": "markers", "marker": {"symbol": "line-ns", "size": 16, "line": {"color": NEUTRAL, "width": 2}}}
        figure.add_trace(go.Scatter(x=[spread.exact], y=[place], hoverinfo="skip", **mark))
    return figure


def _group(name: str, place: float) -> dict[str, Any]:
    where = {"xref": "paper", "x": 0, "y": place, "xanchor": "left"}
    return {"text": f"<b>{name}</b>", "showarrow": False, **where}


def _costs(index: int, lams: Sequence[float], values: np.ndarray) -> go.Scatter:
    bars = {"type": "data", "array": values.std(0, ddof=1).tolist()} if len(values) > 1 else None
    return go.Scatter(
        x=lams,
        y=values.mean(0).tolist(),
        error_y=bars,
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 7},
        hovertemplate="λ = %{x}: %{y:.4g}<extra></extra>",
        **trace_axes(index),
    )


def _kind(index: int, name: str, runs: Sequence[Run]) -> go.Scatter:
    return go.Scatter(
        x=[excess(run) for run in runs],
        y=[run.error for run in runs],
        mode="lines+markers",
        name=name,
        line={"color": COLOURS[index], "width": 2},
        marker={"symbol": SYMBOLS[index], "size": 8},
        customdata=[(f"{run.lam:g}", f"{float(run.condition.mean):.3f}") for run in runs],
        hovertemplate=f"{name}, λ = %{{customdata[0]}}: mean κ %{{customdata[1]}}, error %{{y:.4f}}<extra></extra>",
    )


def _title(index: int, words: str) -> dict[str, Any]:
    """Return the name of a panel, above it on the left."""
    axes = trace_axes(index)
    place = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0, "y": 1}
    return {"text": words, "showarrow": False, **place, "xanchor": "left", "yanchor": "bottom", "yshift": 6}


def _decades(low: float, high: float, most: int = 6) -> dict[str, Any]:
    """Return ticks at powers of ten between two logarithms, every second one where there would be too many."""
    powers = range(math.floor(low), math.ceil(high) + 1, 1 if high - low <= most else 2)
    return {"tickvals": [10.0**power for power in powers], "ticktext": [_power(power) for power in powers]}


def _power(power: int) -> str:
    """Return a power of ten, with its zeros where there are few."""
    return f"{10.0**power:g}" if -3 <= power <= 3 else in_figures(10.0**power, 1)


def _cell(index: int, score: Score, lams: Sequence[float], values: np.ndarray) -> dict[str, Any]:
    """Return the axes of one panel."""
    (x, y), axes, (across, upright) = layout_axes(index), trace_axes(index), _place(index)
    drawn = [lam for lam in lams if lam > 0]
    ticks = _decades(math.log10(min(drawn)), math.log10(max(drawn)), 3)
    weights = {"type": "log", "tickangle": 0, **ticks, "anchor": axes["yaxis"], "domain": across, "title": "weight λ"}
    kind: dict[str, Any] = {"rangemode": "tozero", "nticks": 5}
    finite = values[np.isfinite(values)]
    if score.logarithmic and len(finite):
        kind = {"type": "log", **_decades(math.log10(finite.min()), math.log10(finite.max()))}
    return {x: weights, y: {**kind, "anchor": axes["xaxis"], "domain": upright}}
