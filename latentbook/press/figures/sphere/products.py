"""Products of spheres: what each is worth, and which of its factors say anything."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, layout
from latentbook.press.figures.parts import expect_shape, trace_axes
from latentbook.press.figures.sphere.panels import panels_phone, place_panel
from latentbook.press.numbers import in_figures

__all__ = ["PRODUCTS_PHONE", "products_figure"]

# Of the largest factor, the next one, and so on in turn.
TINTS = (1.0, 0.5)
ABOVE, BELOW, ROW = 30, 44, 40

PRODUCTS_PHONE: dict[str, object] = {**panels_phone(2, 200, 76, ABOVE + BELOW), "yaxis2.showticklabels": True}


def products_figure(names: Sequence[str], bounds: Tensor, rates: Sequence[Sequence[float]]) -> go.Figure:
    """Return a row for each manifold: its bound of the log-likelihood, and its rate, made of its factors' rates.

    Args:
        names: Of R manifolds, from the top down.
        bounds: Of the log-likelihood, in nats, ``(R)``.
        rates: For each manifold its factors' rates in nats, in the manifold's order, none below 0.

    Raises:
        ValueError: If shapes do not fit, a manifold has no factor, or a rate is below 0.

    Chapter 5.
    """
    expect_shape("bounds", bounds, (len(names),), "one for each manifold")
    if len(rates) != len(names) or not all(map(len, rates)):
        found = [len(factors) for factors in rates]
        raise ValueError(
            f"`rates` has {found} factors for {len(names)} manifolds: one row for each, of a factor or more"
        )
    least = min(map(min, rates))
    if least < 0:
        raise ValueError(f"`rates` holds {least}: a divergence is not below 0")
    margin = {"l": 8, "r": 12, "t": ABOVE, "b": BELOW}
    figure = go.Figure(layout=layout(height=ABOVE + BELOW + ROW * len(names), margin=margin, barmode="stack"))
    rows = {"type": "category", "range": [len(names) - 0.5, -0.5], "showline": False, "ticks": "", "ticksuffix": "  "}
    place_panel(figure, 0, (0.0, 0.44), "log-likelihood bound", {"title": "nats"}, rows)
    place_panel(figure, 1, (0.5, 1.0), "rate, factor by factor", {"title": "nats"}, {**rows, "showticklabels": False})
    figure.add_scatter(
        x=bounds.numpy().round(4),
        y=[*names],
        mode="markers",
        marker={"color": ACCENT, "size": 10},
        customdata=[in_figures(bound, 4) for bound in bounds.tolist()],
        hovertemplate="%{customdata} nats<extra>%{y}</extra>",
        **trace_axes(0),
    )
    figure.add_traces(_segments(names, rates))
    figure.update_layout(bargap=0.4)
    return figure


def _segments(names: Sequence[str], rates: Sequence[Sequence[float]]) -> list[go.Bar]:
    """Return the largest factors of all manifolds, then the second ones, and so on."""
    found = []
    ordered = [sorted(enumerate(factors, 1), key=lambda factor: -factor[1]) for factors in rates]
    for rank in range(max(map(len, ordered))):
        present = [(name, *factors[rank]) for name, factors in zip(names, ordered, strict=True) if rank < len(factors)]
        rows, numbers, values = zip(*present, strict=True)
        found.append(
            go.Bar(
                x=[round(value, 4) for value in values],
                y=rows,
                orientation="h",
                marker={"color": ACCENT, "opacity": TINTS[rank % len(TINTS)], "line": {"width": 0}},
                customdata=numbers,
                hovertemplate="factor %{customdata}: %{x:.2f} nats<extra>%{y}</extra>",
                **trace_axes(1),
            )
        )
    return found
