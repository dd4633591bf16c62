"""Freezing in a picture: the dimensions that are left, and the error under its budget, as the training goes."""

from __future__ import annotations

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, layout
from latentbook.press.figures.parts import NEUTRAL, expect_shape
from latentbook.press.numbers import counted

__all__ = ["BUDGET_PHONE", "budget_figure"]

# Where the two panels are on a wide screen, and on a phone.
WIDE = {"xaxis": (0.0, 0.43), "yaxis": (0.0, 1.0), "xaxis2": (0.57, 1.0), "yaxis2": (0.0, 1.0)}
NARROW = {"xaxis": (0.0, 1.0), "yaxis": (0.6, 1.0), "xaxis2": (0.0, 1.0), "yaxis2": (0.0, 0.4)}
BUDGET_PHONE = {
    "height": 500,
    "margin.l": 56,
    **{f"{axis}.domain": list(place) for axis, place in NARROW.items()},
}


def budget_figure(steps: Tensor, active: Tensor, error: Tensor, budget: float) -> go.Figure:
    """Return the dimensions that are not frozen, and the error beside its budget, against the training step.

    Args:
        steps: When it was looked at, ``(T,)``.
        active: Dimensions that were left, ``(T,)``.
        error: Running root mean squared error of an example, ``(T,)``.
        budget: What it may be for a dimension to be frozen.

    Raises:
        ValueError: If shapes do not fit.

    Chapter 1.
    """
    expect_shape("steps", steps, (None,), "one number for each look at the training")
    expect_shape("active", active, (len(steps),), "one number for each of `steps`")
    expect_shape("error", error, (len(steps),), "one error for each of `steps`")
    places = {axis: {"domain": place} for axis, place in WIDE.items()}
    line = {"color": ACCENT, "width": 2}
    left = go.Scatter(
        x=steps.numpy(),
        y=active.numpy(),
        mode="lines",
        line={**line, "shape": "hv"},
        customdata=[counted(count, "dimension") for count in active.tolist()],
        hovertemplate="after %{x} steps: %{customdata}<extra></extra>",
    )
    right = go.Scatter(
        x=steps.numpy(),
        y=error.numpy(),
        mode="lines",
        line=line,
        xaxis="x2",
        yaxis="y2",
        hovertemplate="after %{x} steps: error %{y:.3g}<extra></extra>",
    )
    dashes = {"type": "line", "xref": "x2 domain", "x0": 0, "x1": 1, "yref": "y2", "y0": budget, "y1": budget}
    word = {"text": f"budget {budget:.3g}", "showarrow": False, "xref": "x2 domain", "x": 1, "yref": "y2", "y": budget}
    shape = layout(
        height=320,
        margin={"l": 56, "r": 16, "t": 16, "b": 44},
        xaxis={**places["xaxis"], "title": "training step", "nticks": 5},
        yaxis={**places["yaxis"], "title": "dimensions left", "range": [0, 1.06 * float(active.max())]},
        xaxis2={**places["xaxis2"], "anchor": "y2", "title": "training step", "nticks": 5},
        yaxis2={
            **places["yaxis2"],
            "anchor": "x2",
            "title": "error (root mean square)",
            "range": [0, 1.06 * max(budget, float(error.max()))],
        },
        shapes=[{**dashes, "line": {"color": NEUTRAL, "width": 1.5, "dash": "dash"}}],
        annotations=[{**word, "xanchor": "right", "yanchor": "bottom"}],
    )
    return go.Figure([left, right], shape)
