"""What more dimensions are worth: bounds of log-likelihoods, and rates, of models by their latent dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import expect_shape, trace_axes
from latentbook.press.figures.sphere.panels import KEY_ON_TOP, panels_phone, place_panel
from latentbook.press.numbers import in_figures

__all__ = ["DIMENSIONS_PHONE", "dimensions_figure"]

LOOKS = ((ACCENT, "circle"), (WARM, "square"))
ABOVE, BELOW = 66, 48

DIMENSIONS_PHONE: dict[str, object] = panels_phone(2, 210, 80, ABOVE + BELOW)


def dimensions_figure(dims: Sequence[int], bounds: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> go.Figure:
    """Return bounds of the log-likelihood and rates against the dimension of the latent space.

    Args:
        dims: D dimensions, ascending; they are equally far apart.
        bounds: By the kind of model, one or two: bounds in nats, ``(D)``.
        rates: Of the same kinds: rates in nats, ``(D)``.

    Raises:
        ValueError: If kinds are more than two or not the same, or shapes do not fit.

    Chapter 5.
    """
    if not 1 <= len(bounds) <= len(LOOKS) or [*bounds] != [*rates]:
        kinds = f"`bounds` has {[*bounds]} and `rates` has {[*rates]}"
        raise ValueError(f"{kinds}: give one or two kinds of models, in both the same")
    margin = {"l": 48, "r": 10, "t": ABOVE, "b": BELOW}
    figure = go.Figure(layout=layout(height=360, margin=margin, **KEY_ON_TOP))
    panels = ((bounds, "log-likelihood bound (nats)", {}), (rates, "rate (nats)", {"rangemode": "tozero"}))
    for index, (values, title, y) in enumerate(panels):
        _add_lines(figure, index, dims, values)
        left = 0.54 * index
        x = {"type": "category", "title": "dimension d"}
        place_panel(figure, index, (left, left + 0.46), title, x, y)
    return figure


def _add_lines(figure: go.Figure, index: int, dims: Sequence[int], lines: Mapping[str, Tensor]) -> None:
    for (name, values), (colour, symbol) in zip(lines.items(), LOOKS, strict=False):
        expect_shape(name, values, (len(dims),), "one for each dimension")
        figure.add_scatter(
            x=[str(dim) for dim in dims],
            y=values.numpy().round(4),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 8},
            name=name,
            legendgroup=name,
            showlegend=index == 0,
            customdata=[in_figures(value, 4) for value in values.tolist()],
            hovertemplate=f"{name}: %{{customdata}} nats at d = %{{x}}<extra></extra>",
            **trace_axes(index),
        )
