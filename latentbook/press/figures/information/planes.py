"""Measures of a grid of hierarchies, each in the plane of their rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, MUTED, WARM, layout
from latentbook.press.figures.information.names import rate_name
from latentbook.press.figures.parts import MAGNITUDE, expect_shape, layout_axes, stacked, trace_axes
from latentbook.press.numbers import in_figures

__all__ = ["Panel", "planes_figure", "planes_phone"]

COLUMNS, SIZE, GAP, ABOVE, BELOW = 3, 210, 74, 40, 46


class Panel(NamedTuple):
    """One measure.

    Attributes:
        title: With its unit.
        values: Of all cells, ``(A, B)``; nan where a training failed.
        larger: Whether larger is better; None where neither is.
    """

    title: str
    values: Tensor
    larger: bool | None = True


def planes_figure(
    R_2: Tensor, R_1: Tensor, panels: Sequence[Panel], betas: Sequence[float], layers: int = 2
) -> go.Figure:
    """Return one panel for each measure: a dot for each cell at its rates, the brighter the larger the measure.

    Lines join the cells of one weight, in the colour of the layer whose weight changes along them; a ring marks the
    best.

    Args:
        R_2: Rates of the top, ``(A, B)``, in nats; a row has one weight of z_1, a column one of z_2.
        R_1: Rates of z_1, likewise.
        panels: From one to six.
        betas: The weights of rows and columns, for what is said of a dot.
        layers: Of the hierarchies; R_2 is of the uppermost.

    Raises:
        ValueError: If there are more than six panels, or none, or shapes differ.

    Chapter 4.
    """
    if not 1 <= len(panels) <= 6:
        raise ValueError(f"`panels` has {len(panels)} measures: from one to six fit")
    rows = -(-len(panels) // COLUMNS)
    height, places = stacked(rows, SIZE, GAP)
    figure = go.Figure(layout=layout(height=height + ABOVE + BELOW, margin={"l": 46, "r": 10, "t": ABOVE, "b": BELOW}))
    width = (1 - 0.07 * (COLUMNS - 1)) / COLUMNS
    across, up = rate_name(layers, layers), rate_name(1, layers)
    for index, panel in enumerate(panels):
        expect_shape("R_1", R_1, tuple(R_2.shape), "rates of the same cells")
        expect_shape(f"values of {panel.title}", panel.values, tuple(R_2.shape), "one for each cell")
        row, column = divmod(index, COLUMNS)
        left = column * (width + 0.07)
        x, y = layout_axes(index)
        axes = trace_axes(index)
        low = row == rows - 1 or index + COLUMNS >= len(panels)
        figure.update_layout(
            {
                x: {"domain": [left, left + width], "anchor": axes["yaxis"], "title": f"{across}, nats" if low else ""},
                y: {"domain": places[row], "anchor": axes["xaxis"], "title": f"{up}, nats" if not column else ""},
            }
        )
        figure.add_traces([*_net(R_2, R_1, axes), _cells(R_2, R_1, panel, betas, (across, up), axes)])
        figure.add_annotation(_title(panel, axes))
        if panel.larger is not None:
            figure.add_trace(_best(R_2, R_1, panel, axes))
    return figure


def planes_phone(count: int, layers: int = 2) -> dict[str, object]:
    """Return the layout of `planes_figure` on a narrow screen: one panel below the other.

    Args:
        count: Number of panels.
        layers: As there.

    Chapter 4.
    """
    height, places = stacked(count, 240, GAP)
    phone: dict[str, object] = {"height": height + ABOVE + BELOW}
    for index, place in enumerate(places):
        x, y = layout_axes(index)
        # The next panel's title stands where a title of this one's axis would.
        across = f"{rate_name(layers, layers)}, nats" if index == count - 1 else ""
        phone |= {f"{x}.domain": [0, 1], f"{x}.title.text": across}
        phone |= {f"{y}.domain": place, f"{y}.title.text": f"{rate_name(1, layers)}, nats"}
    return phone


def _net(R_2: Tensor, R_1: Tensor, axes: dict[str, str]) -> list[go.Scatter]:
    """Return lines along the rows of the grid, where the top's weight changes, and along its columns."""
    return [_lines(R_2, R_1, WARM, axes), _lines(R_2.T, R_1.T, ACCENT, axes)]


def _lines(R_2: Tensor, R_1: Tensor, colour: str, axes: dict[str, str]) -> go.Scatter:
    """Return one line for each row."""
    xs, ys = [], []
    for across, up in zip(R_2, R_1, strict=True):
        xs += [*across.numpy().round(3), None]
        ys += [*up.numpy().round(3), None]
    line = {"color": colour, "width": 1}
    look = {"line": line, "opacity": 0.55, "hoverinfo": "skip", "connectgaps": False}
    return go.Scatter(x=xs, y=ys, mode="lines", **look, **axes)


def _cells(
    R_2: Tensor, R_1: Tensor, panel: Panel, betas: Sequence[float], names: tuple[str, str], axes: dict[str, str]
) -> go.Scatter:
    across, up = names
    weights = [(in_figures(low), in_figures(high)) for low in betas for high in betas]
    look = {
        "color": panel.values.flatten().numpy().round(4),
        "colorscale": MAGNITUDE,
        "size": 8,
        # The outline keeps dark dots from near black, and light ones from paper.
        "line": {"color": MUTED, "width": 0.8},
    }
    return go.Scatter(
        x=R_2.flatten().numpy().round(3),
        y=R_1.flatten().numpy().round(3),
        mode="markers",
        marker=look,
        customdata=weights,
        hovertemplate=f"{panel.title}: %{{marker.color:.3g}}<br>β₁ = %{{customdata[0]}}, β₂ = %{{customdata[1]}}<br>"
        f"{across} = %{{x:.2f}}, {up} = %{{y:.2f}}<extra></extra>",
        **axes,
    )


def _title(panel: Panel, axes: dict[str, str]) -> dict:
    known = panel.values[~panel.values.isnan()]
    span = f"{in_figures(known.min().item())} to {in_figures(known.max().item())}"
    where = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0, "y": 1, "yshift": 4}
    text = f"<b>{panel.title}</b><br>{span}"
    return {"text": text, "showarrow": False, "align": "left", **where, "xanchor": "left", "yanchor": "bottom"}


def _best(R_2: Tensor, R_1: Tensor, panel: Panel, axes: dict[str, str]) -> go.Scatter:
    values = panel.values.flatten().numpy()
    best = int(np.nanargmax(values) if panel.larger else np.nanargmin(values))
    ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": WARM, "width": 2}}
    x, y = ([rates.flatten()[best].item()] for rates in (R_2, R_1))
    return go.Scatter(x=x, y=y, mode="markers", marker=ring, hoverinfo="skip", **axes)
