"""Pruning in pictures: what becomes of images when narrow dimensions go, and the cost against its bound."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures import ACCENT, with_frames
from latentbook.press.figures.pairs import DECODED, Pairs
from latentbook.press.figures.parts import NEUTRAL, expect_shape

__all__ = ["PRUNING_PHONE", "pruning_slider"]

COLUMNS = 5

# Where the images and the curve are on a wide screen, and on a phone.
WIDE = {"xaxis": (0.0, 0.5), "yaxis": (0.0, 1.0), "xaxis2": (0.64, 1.0), "yaxis2": (0.0, 1.0)}
NARROW = {"xaxis": (0.0, 1.0), "yaxis": (0.46, 1.0), "xaxis2": (0.0, 1.0), "yaxis2": (0.0, 0.39)}
PRUNING_PHONE = {
    "height": 540,
    "margin.l": 60,
    "margin.b": 40,
    **{f"{axis}.domain": list(place) for axis, place in NARROW.items()},
}


def pruning_slider(images: Tensor, decoded: Tensor, error: Tensor, bound: Tensor, active: int) -> go.Figure:
    """Return what becomes of images when the narrowest dimensions are fixed to their means, and what that costs.

    Args:
        images: Originals, ``(N, H, W)`` or ``(N, C, H, W)`` with C 1 or 3, values in [0, 1].
        decoded: Their reconstructions after pruning the k narrowest dimensions, for k = 0 to m, ``(m + 1, N, ...)``.
        error: Mean L2 error on the training data, for k = 0 to m, ``(m + 1,)``.
        bound: The most that it can be, ``(m + 1,)``.
        active: The k that is shown first.

    Raises:
        ValueError: If shapes do not fit, or there is no such k.

    Chapter 1.
    """
    _check(images, decoded, error, bound, active)
    height, width = images.shape[-2:]
    pairs = Pairs(len(images), height, width, COLUMNS)
    frames = [_frame(k, pairs.picture(decoded[k], DECODED), error, bound) for k in range(len(error))]
    panels = {axis: {"domain": place} for axis, place in WIDE.items()}
    figure = with_frames(
        frames,
        active,
        "pruned = ",
        fixed=_curves(error, bound),
        height=330,
        margin={"l": 60, "r": 12, "t": 40, "b": 44},
        xaxis={**panels["xaxis"], **pairs.horizontal()},
        yaxis={**panels["yaxis"], **pairs.vertical()},
        xaxis2={
            **panels["xaxis2"],
            "anchor": "y2",
            "title": {"text": "narrowest dimensions pruned", "standoff": 4},
            "range": [-0.02 * len(error), 1.02 * (len(error) - 1)],
        },
        yaxis2={
            **panels["yaxis2"],
            "anchor": "x2",
            "title": "training error (mean L2)",
            "range": [0, _top(bound)],
            "nticks": 5,
        },
    )
    pairs.keep_originals(figure, images)
    return figure


def _check(images: Tensor, decoded: Tensor, error: Tensor, bound: Tensor, active: int) -> None:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[1] not in (1, 3)):
        raise ValueError(f"`images` has shape {tuple(images.shape)}, not (N, H, W), (N, 1, H, W) or (N, 3, H, W)")
    expect_shape("error", error, (None,), "one number for each k from 0 to m")
    expect_shape("bound", bound, (len(error),), "one number for each of `error`")
    expect_shape("decoded", decoded, (len(error), *images.shape), "all of `images`, for each of `error`")
    if not 0 <= active < len(error):
        raise ValueError(f"`active` is {active}, but k goes from 0 to {len(error) - 1}")


def _frame(k: int, picture: dict, error: Tensor, bound: Tensor) -> go.Frame:
    dot = go.Scatter(
        x=[k], y=[float(error[k])], mode="markers", marker={"color": ACCENT, "size": 13}, hoverinfo="skip", **_CURVES
    )
    own = {"annotations": [_words(k, error, bound), *_names(error, bound)], "images": [picture]}
    return go.Frame(data=[dot], name=str(k), layout=own)


_CURVES = {"xaxis": "x2", "yaxis": "y2", "cliponaxis": False}


def _curves(error: Tensor, bound: Tensor) -> list[go.Scatter]:
    k = np.arange(len(error))
    return [
        go.Scatter(
            x=k,
            y=values.numpy(),
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"%{{x}} pruned: {name} %{{y:.3g}}<extra></extra>",
            **_CURVES,
        )
        for name, values, colour in (("at most", bound, NEUTRAL), ("error", error, ACCENT))
    ]


def _top(bound: Tensor) -> float:
    return 1.12 * float(bound.max())


def _words(k: int, error: Tensor, bound: Tensor) -> dict:
    """Return what a frame shows, in words: JupyterLab has it inside the figure, the page beside the slider."""
    m = len(error) - 1
    words = f"<b>{m - k} of {m} dimensions left</b>, error {float(error[k]):.2f}"
    if k:
        words += f" (the bound: {float(bound[k]):.2f})"
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 10}
    return {"name": "words", "text": words, **place, "showarrow": False, "font": {"size": 15}}


def _names(error: Tensor, bound: Tensor) -> list[dict]:
    """Return the lines' names. Neither line falls: above the one and below the other there is room."""
    last = len(error) - 1
    high = next((k for k in range(last) if k >= 0.35 * last and error[k] >= 0.15 * _top(bound)), last)
    above = {"x": round(0.6 * last), "y": float(bound[round(0.6 * last)]), "xanchor": "right", "yanchor": "bottom"}
    below = {"x": high, "y": float(error[high]), "xanchor": "left", "yanchor": "top", "yshift": -4}
    both: Mapping[str, dict] = {"bound": above, "measured": below}
    return [{"text": name, "showarrow": False, "xref": "x2", "yref": "y2", **where} for name, where in both.items()]
