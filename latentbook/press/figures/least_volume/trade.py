"""What compactness costs, in pictures: error and accuracy against the dimensions that are kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, CLASSES, layout
from latentbook.press.figures.parts import KEY_ABOVE, NEUTRAL, expect_shape, rule
from latentbook.press.numbers import counted

__all__ = ["knn_figure", "trade_figure"]

# The chapter's own penalty first. The others are the classes' colours that stand out on paper and on near black.
COLOURS = [ACCENT, CLASSES[1], CLASSES[9], CLASSES[5], CLASSES[0], CLASSES[7]]
SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x"]


def trade_figure(curves: Mapping[str, tuple[Tensor, Tensor]], pca: Tensor) -> go.Figure:
    """Return the error against the dimensions kept, a line a kind of run, and a grey one for PCA.

    Args:
        curves: By its name, a penalty or what was changed, dimensions kept and errors of its runs, ``(L,)`` each,
            in order of the weight; at most six.
        pca: Errors of 0 to m principal components, ``(m + 1,)``.

    Raises:
        ValueError: If shapes do not fit, or there are more lines than colours.

    Chapter 1.
    """
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"`curves` has {len(curves)} lines: from one to {len(COLOURS)} can be told apart")
    expect_shape("pca", pca, (None,), "one error for each number of components")
    for name, (dimensions, error) in curves.items():
        expect_shape(f"curves[{name!r}]", dimensions, (None,), "dimensions kept, one for each weight")
        expect_shape(f"curves[{name!r}]", error, (len(dimensions),), "an error for each number of dimensions")
    shape = layout(
        height=420,
        margin={"l": 56, "r": 16, "t": 40, "b": 44},
        xaxis={"title": "dimensions kept", "range": [-0.02 * len(pca), 1.02 * (len(pca) - 1)]},
        yaxis={"title": "test error (mean L2)", "rangemode": "tozero"},
        **KEY_ABOVE,
    )
    lines = [_penalty(index, name, *curve) for index, (name, curve) in enumerate(curves.items())]
    return go.Figure([_components(pca), *lines], shape)


def knn_figure(dimensions: Tensor, accuracy: Tensor, raw: float, chance: float | None = None) -> go.Figure:
    """Return the accuracy of nearest neighbours on the kept codes, beside that on raw pixels.

    Args:
        dimensions: Dimensions kept, ``(L,)``, in any order; none where every run has collapsed.
        accuracy: Share of test examples whose 5 nearest neighbours vote for the right class, ``(L,)``.
        raw: The same on raw pixels.
        chance: Accuracy of a guess.

    Raises:
        ValueError: If shapes do not fit, or an accuracy is no share.

    Chapter 1.
    """
    expect_shape("dimensions", dimensions, (None,), "one number for each run")
    expect_shape("accuracy", accuracy, (len(dimensions),), "one share for each of `dimensions`")
    levels = {"raw pixels": raw} if chance is None else {"raw pixels": raw, "chance": chance}
    values = np.array([*accuracy.tolist(), *levels.values()])
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"`accuracy`, `raw` and `chance` are shares from 0 to 1, not {values.min()} to {values.max()}")
    order = dimensions.argsort(stable=True)
    line = go.Scatter(
        x=dimensions[order].numpy(),
        y=accuracy[order].numpy(),
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 8},
        cliponaxis=False,
        customdata=[counted(number, "dimension") for number in dimensions[order].tolist()],
        hovertemplate="%{customdata}: %{y:.1%}<extra></extra>",
    )
    room = 0.08 * max(np.ptp(values), 0.02)
    last = float(dimensions.max()) if len(dimensions) else 1.0
    end = float(accuracy[order][-1]) if len(dimensions) else 0.0
    shape = layout(
        height=360,
        margin={"l": 60, "r": 16, "t": 20, "b": 44},
        xaxis={"title": "dimensions kept", "range": [-0.02 * last, 1.04 * last]},
        yaxis={
            "title": "5-NN accuracy",
            "tickformat": ".0%" if np.ptp(values) > 0.05 else ".1%",
            "range": [values.min() - room, values.max() + 1.5 * room],
        },
        shapes=[rule(y=level) for level in levels.values()],
        annotations=[_level_label(name, level, end) for name, level in levels.items()],
    )
    return go.Figure(line, shape)


def _penalty(index: int, name: str, dimensions: Tensor, error: Tensor) -> go.Scatter:
    return go.Scatter(
        x=dimensions.numpy(),
        y=error.numpy(),
        mode="lines+markers",
        name=name,
        line={"color": COLOURS[index], "width": 2.5 if index == 0 else 1.5},
        marker={"symbol": SYMBOLS[index], "size": 8},
        cliponaxis=False,
        customdata=[counted(number, "dimension") for number in dimensions.tolist()],
        hovertemplate=f"{name}: %{{customdata}}, error %{{y:.3g}}<extra></extra>",
    )


def _components(pca: Tensor) -> go.Scatter:
    return go.Scatter(
        x=np.arange(len(pca)),
        y=pca.numpy(),
        mode="lines",
        name="PCA",
        line={"color": NEUTRAL, "width": 2},
        customdata=[counted(number, "principal component") for number in range(len(pca))],
        hovertemplate="%{customdata}: error %{y:.3g}<extra></extra>",
    )


def _level_label(name: str, level: float, last: float) -> dict:
    """Return the name of a horizontal line, at its right end, on the side where the last accuracy is not."""
    where = {"x": 1, "xref": "paper", "y": level, "xanchor": "right", "yanchor": "top" if last > level else "bottom"}
    if name == "chance":
        where["yanchor"] = "bottom"
    return {"text": f"{name}, {100 * level:.3g}%", "showarrow": False, **where}
