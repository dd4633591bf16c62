"""Two ways to compute one thing, side by side over dimension and concentration: how wrong, and where not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import torch
from torch import Tensor

from latentbook.press.figures import WARM, layout
from latentbook.press.figures.parts import MAGNITUDE, expect_shape, layout_axes, trace_axes
from latentbook.press.figures.sphere.panels import place_panel

__all__ = ["ERRORS_PHONE", "errors_figure"]

# Orders of magnitude of an error, from the last digit of a float to all of them.
LEAST, MOST = -8, 0
WIDTH = 0.46

ERRORS_PHONE: dict[str, object] = {
    "height": 700,
    **{f"{layout_axes(index)[0]}.domain": [0, 1] for index in range(2)},
    **{f"{layout_axes(index)[1]}.domain": [0.56 - 0.56 * index, 0.96 - 0.56 * index] for index in range(2)},
}


def errors_figure(m: Sequence[int], kappa: Tensor, errors: Mapping[str, Tensor]) -> go.Figure:
    """Return relative errors over dimension and concentration, a panel for each way to compute.

    Args:
        m: M ambient dimensions, ascending.
        kappa: K concentrations, ascending, above 0.
        errors: By name, two of them: relative errors ``(M, K)``; where nothing came out, nan or infinite.

    Raises:
        ValueError: If there are not two, or shapes do not fit.

    Chapter 5.
    """
    if len(errors) != 2:
        raise ValueError(f"`errors` has {len(errors)} of them, but there are two panels")
    figure = go.Figure(layout=layout(height=380, margin={"l": 46, "r": 12, "t": 34, "b": 90}))
    for index, (name, values) in enumerate(errors.items()):
        expect_shape(name, values, (len(m), len(kappa)), "one for each dimension and concentration")
        axes = trace_axes(index)
        common = {"x": kappa.tolist(), "y": [str(one) for one in m], **axes}
        _add_broken(figure, values, common)
        _add_errors(figure, values, common, with_bar=index == 0)
        left = index * (1 - WIDTH)
        y = {"type": "category", "title": "" if index else "m"}
        place_panel(figure, index, (left, left + WIDTH), name, {"type": "log", "title": "κ"}, y)
    return figure


def _add_broken(figure: go.Figure, values: Tensor, common: dict) -> None:
    """Draw where nothing came out."""
    broken = torch.where(values.isfinite(), torch.nan, 1.0)
    words = "nothing at m = %{y}, κ = %{x:.3g}<extra></extra>"
    scale = [[0, WARM], [1, WARM]]
    figure.add_heatmap(z=broken.tolist(), colorscale=scale, showscale=False, hovertemplate=words, **common)


def _add_errors(figure: go.Figure, values: Tensor, common: dict, with_bar: bool) -> None:
    powers = values.double().log10().clamp(LEAST, MOST)
    powers = torch.where(values.isfinite(), powers, torch.nan)
    bar = {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": -0.24,
        "yanchor": "top",
        "thickness": 10,
        "len": 0.5,
        "title": {"text": "relative error", "side": "bottom", "font": {"size": 13}},
        "tickvals": [-8, -6, -4, -2, 0],
        "ticktext": ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "all"],
        "tickangle": 0,
    }
    words = "an error of 1e%{z:.1f} at m = %{y}, κ = %{x:.3g}<extra></extra>"
    colours = {"colorscale": MAGNITUDE, "zmin": LEAST, "zmax": MOST, "showscale": with_bar, "colorbar": bar}
    figure.add_heatmap(z=powers.tolist(), hovertemplate=words, **colours, **common)
