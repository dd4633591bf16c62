"""How many numbers a code has, and how they can be grouped into spheres."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from latentbook.press.figures import ACCENT, layout
from latentbook.press.figures.parts import NEUTRAL
from latentbook.press.figures.sphere.names import manifold_name

__all__ = ["groupings_figure"]

# Pixels of a row, above and below all, and of the two columns in units of a coordinate.
ROW, ABOVE, BELOW = 26, 34, 8
COLUMNS = {"degrees of freedom": 2.2, "κ": 5.0}


def groupings_figure(groupings: Sequence[Sequence[int]]) -> go.Figure:
    """Return a row for each product of spheres: a dot for each coordinate, those of one sphere joined.

    Args:
        groupings: For each product the numbers of its factors' coordinates, 2 or more each.

    Raises:
        ValueError: If there is none, or a factor has fewer than two coordinates.

    Chapter 5.
    """
    if not groupings or min(size for sizes in groupings for size in (*sizes, 2)) < 2:
        raise ValueError(f"`groupings` is {groupings}: give products, each of factors with two coordinates or more")
    most = max(map(sum, groupings))
    names = [manifold_name(",".join(str(size - 1) for size in sizes)) for sizes in groupings]
    rows = {"range": [len(names) - 0.5, -0.5], "tickvals": [*range(len(names))], "ticktext": names}
    figure = go.Figure(
        layout=layout(
            height=ABOVE + BELOW + ROW * len(names),
            margin={"l": 8, "r": 8, "t": ABOVE, "b": BELOW},
            xaxis={"visible": False, "range": [0.4, most + max(COLUMNS.values()) + 1.4]},
            yaxis={**rows, "showline": False, "ticks": "", "ticksuffix": "  "},
        )
    )
    line, marker = {"color": NEUTRAL, "width": 3}, {"color": ACCENT, "size": 9}
    x = [place for sizes in groupings for place in _places(sizes)]
    y = [row for row, sizes in enumerate(groupings) for _ in _places(sizes)]
    figure.add_scatter(x=x, y=y, mode="lines+markers", line=line, marker=marker, hoverinfo="skip")
    for row, sizes in enumerate(groupings):
        for place, number in zip(COLUMNS.values(), (sum(sizes) - len(sizes), len(sizes)), strict=True):
            figure.add_annotation(x=most + place, y=row, text=str(number), showarrow=False)
    for name, place in COLUMNS.items():
        words = name.replace(" ", "<br>", 1)
        figure.add_annotation(x=most + place, y=-0.5, text=words, showarrow=False, yanchor="bottom")
    return figure


def _places(sizes: Sequence[int]) -> list[int | None]:
    """Return where the coordinates are, from 1 on, and after each factor nothing, which lifts the pen."""
    places: list[int | None] = []
    for place, size in enumerate(sizes):
        before = sum(sizes[:place])
        places += [*range(before + 1, before + size + 1), None]
    return places
