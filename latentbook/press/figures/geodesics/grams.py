"""How alike the images of two sequences are: matrices of cosines, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import torch
from plotly.colors import sequential
from torch import Tensor
from torch.nn.functional import normalize

from latentbook.press.figures import layout
from latentbook.press.figures.parts import expect_shape, layout_axes, stacked, trace_axes

__all__ = ["cosines", "grams_figure", "grams_phone", "mean_cosine"]

GAP, ABOVE, BELOW = 0.06, 30, 8


def cosines(sequence: Tensor) -> Tensor:
    """Return the cosines between all members of a sequence, each taken as one vector.

    Args:
        sequence: ``(T, *event)``.

    Returns:
        ``(T, T)``; nan where a member is zero.

    Chapter 3.
    """
    rows = normalize(sequence.flatten(1), dim=1)
    return rows @ rows.T


def grams_figure(matrices: Mapping[str, Tensor]) -> go.Figure:
    """Return matrices of cosines on one scale, the first row on top.

    Args:
        matrices: By title, ``(T, T)``; from one to four.

    Raises:
        ValueError: If there are more than four, or none, or one is not square.

    Chapter 3.
    """
    count = len(matrices)
    if not 1 <= count <= 4:
        raise ValueError(f"`matrices` has {count} of them: from one to four fit side by side")
    for title, matrix in matrices.items():
        expect_shape(f"matrix of {title}", matrix, (len(matrix), len(matrix)), "each member with each")
    low = min(float(matrix.min()) for matrix in matrices.values())
    figure = go.Figure(
        layout=layout(
            height=ABOVE + BELOW + round(680 / count - 8 * count), margin={"l": 8, "r": 64, "t": ABOVE, "b": BELOW}
        )
    )
    width = (1 - GAP * (count - 1)) / count
    for index, (title, matrix) in enumerate(matrices.items()):
        axes = trace_axes(index)
        values = matrix.detach().cpu().double().numpy().round(3)
        words = "images %{x} and %{y}: %{z:.2f}<extra></extra>"
        look: dict[str, Any] = {
            "colorscale": sequential.Cividis,
            "zmin": low,
            "zmax": 1,
            "showscale": index == count - 1,
        }
        bar = {"thickness": 10, "outlinewidth": 0, "nticks": 5, "title": {"text": "cosine"}, "len": 1, "ypad": 0}
        figure.add_trace(go.Heatmap(z=values, hovertemplate=words, colorbar=bar, **look, **axes))
        (x, y), left = layout_axes(index), index * (width + GAP)
        common = {"showticklabels": False, "ticks": "", "showline": False, "constrain": "domain"}
        # Below its title, also where the squares are smaller than their place.
        upright = {**common, "anchor": axes["xaxis"], "autorange": "reversed", "constraintoward": "top"}
        upright["scaleanchor"] = axes["xaxis"]
        figure.update_layout({x: {**common, "domain": [left, left + width], "anchor": axes["yaxis"]}, y: upright})
        where = {"xref": f"{axes['xaxis']} domain", "yref": f"{axes['yaxis']} domain", "x": 0.5, "y": 1}
        figure.add_annotation(text=title, showarrow=False, **where, yanchor="bottom", yshift=4)
    return figure


def grams_phone(count: int) -> dict[str, object]:
    """Return the layout of `grams_figure` on a narrow screen: two in a row.

    Args:
        count: Number of matrices.

    Chapter 3.
    """
    columns = min(count, 2)
    height, places = stacked(-(-count // 2), 288 // columns - 8, 34)
    phone: dict[str, object] = {"height": height + ABOVE + BELOW, "margin.r": 60}
    for index in range(count):
        x, y = layout_axes(index)
        left = 0.53 * (index % 2)
        across = [left, left + 0.47] if columns == 2 else [0, 1]
        phone |= {f"{x}.domain": across, f"{y}.domain": places[index // 2]}
    return phone


def mean_cosine(matrix: Tensor) -> float:
    """Return the mean cosine of two different members.

    Args:
        matrix: From `cosines`.

    Chapter 3.
    """
    apart = ~torch.eye(len(matrix), dtype=torch.bool, device=matrix.device)
    return float(matrix[apart].mean())
