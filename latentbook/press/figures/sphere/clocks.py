"""How well the hands of clocks are read off codes: a row for each model, a mark for each hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import torch

from latentbook.press.figures import ACCENT, WARM, layout
from latentbook.press.figures.parts import NEUTRAL
from latentbook.press.figures.sphere.panels import KEY_ON_TOP, joined
from latentbook.press.numbers import in_figures

__all__ = ["clocks_figure", "clocks_phone"]

LOOKS = ((ACCENT, "circle"), (WARM, "diamond"))
ABOVE, BELOW, ROW, PHONE_ROW = 34, 48, 32, 46


def clocks_figure(rows: Mapping[str, Sequence[float]], hands: Sequence[str]) -> go.Figure:
    """Return a row for each model: how closely its codes go with the angle of each hand.

    Args:
        rows: By the name of a model, from the top down: circular correlations, one for each hand, at most 1; nan where
            a model has no such hand.
        hands: What the hands are called, one or two.

    Raises:
        ValueError: If there is no row, hands are more than two, or a row has not one number for each hand.

    Chapter 5.
    """
    if not rows or not 1 <= len(hands) <= len(LOOKS):
        raise ValueError(f"`rows` has {len(rows)} models and `hands` {len(hands)}: give a model, and one or two hands")
    for name, values in rows.items():
        if len(values) != len(hands):
            raise ValueError(f"`rows` has {len(values)} numbers of {name}, but there are {len(hands)} hands")
    found = torch.tensor([[*values] for values in rows.values()], dtype=torch.float64)
    places = torch.arange(len(rows), dtype=found.dtype)
    shape = layout(
        height=ABOVE + BELOW + ROW * len(rows),
        margin={"l": 8, "r": 16, "t": ABOVE, "b": BELOW},
        xaxis={"title": "circular correlation", "range": [float(found.nan_to_num().min().clamp_max(0)) - 0.02, 1.02]},
        yaxis={
            "tickvals": places.tolist(),
            "ticktext": [*rows],
            "range": [len(rows) - 0.5, -0.5],
            "showline": False,
            "ticks": "",
            "ticksuffix": "  ",
        },
        **KEY_ON_TOP,
    )
    figure = go.Figure(layout=shape)
    pairs = torch.stack([found, places.unsqueeze(1).expand_as(found)], -1)
    for place, name in enumerate(rows):
        figure.add_annotation(_name_above(name, place))
    figure.add_trace(joined(pairs, {"color": NEUTRAL, "width": 1}))
    for hand, values, (colour, symbol) in zip(hands, found.T, LOOKS, strict=False):
        figure.add_scatter(
            x=values.numpy().round(4),
            y=places.numpy(),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            name=hand,
            cliponaxis=False,
            customdata=[
                f"{hand}: {in_figures(value)}<extra>{name}</extra>"
                for name, value in zip(rows, values.tolist(), strict=True)
            ],
            hovertemplate="%{customdata}",
        )
    return figure


def clocks_phone(count: int) -> dict[str, object]:
    """Return the layout of `clocks_figure` on a narrow screen: names of models above their rows.

    Args:
        count: Number of models.

    Chapter 5.
    """
    return {
        "height": ABOVE + BELOW + PHONE_ROW * count,
        "yaxis.showticklabels": False,
        "yaxis.range": [count - 0.65, -0.65],
        **{f"annotations[{place}].visible": True for place in range(count)},
    }


def _name_above(name: str, place: int) -> dict[str, object]:
    """Return a model's name above its row, which is for narrow screens alone."""
    where = {"xref": "paper", "x": 0, "xanchor": "left", "align": "left", "y": place, "yanchor": "bottom", "yshift": 6}
    return {"text": name, "showarrow": False, "visible": False, **where}
