"""Figures: one template and palette for all, a slider over frames, and how a figure is shown."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

__all__ = ["ACCENT", "CLASSES", "MUTED", "THEMED", "WARM", "caption_output", "layout", "show", "slider", "with_frames"]

ACCENT = "#1098ad"
WARM = "#e8590c"
MUTED = "#868e96"
HAIR = "rgba(128,128,128,0.5)"
# JupyterLab has both themes and draws a figure as it is, so that a colour has to show on both: at 3 : 1, it can. In the
# page these stand for it, the first on paper, the second on near black, at 4.5 : 1 or more.
THEMED = {
    ACCENT: ("#0b7285", "#4fb3c4"),
    WARM: ("#c2410c", "#f0763f"),
    MUTED: ("#6c737a", "#8d959d"),
    "#4477AA": ("#3d6f9f", "#5f93c9"),
    "#EE6677": ("#c83c50", "#ee7a89"),
    "#AA3377": ("#9d3072", "#d46ba4"),
    "#999933": ("#76761c", "#b3b34d"),
}
# Nothing can be dragged, so nothing needs to be zoomed or reset.
UNUSED_BUTTONS = "zoom pan select lasso zoomin zoomout autoscale resetscale".split()
CLASSES = "#4477AA #EE6677 #228833 #CCBB44 #66CCEE #AA3377 #BBBBBB #EE8866 #44BB99 #999933".split()
FONT = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

# Between plotly's default inks for paper white and for near black: JupyterLab has both themes, and no host.js.
INK = "#757c83"
# Height that plotly's own slider takes in JupyterLab; the page has a control of its own.
SLIDER_HEIGHT = 96

# Uploads a reader's figure to a server: off. No `responsive`: in JupyterLab it lets a figure with a slider collapse.
# The wheel scrolls the page, also over a figure in space.
CONFIG = {"showSendToCloud": False, "displaylogo": False, "plotlyServerURL": "", "scrollZoom": False}


def layout(*, height: int = 420, **more: object) -> go.Layout:
    """Return the layout that every figure of the book starts from: no background, no box, hair-thin axes.

    Args:
        height: In CSS pixels.
        more: Anything else that plotly's layout takes; axes by name are merged with the book's.

    All chapters.
    """
    base = go.Layout(
        height=height,
        autosize=True,
        showlegend=False,
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 48, "r": 16, "t": 32, "b": 44},
        hoverlabel={"font": {"family": FONT, "size": 13}},
        dragmode=False,
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": HAIR, "activecolor": ACCENT, "remove": UNUSED_BUTTONS},
    )
    axis = {
        "showgrid": False,
        "zeroline": False,
        "linecolor": HAIR,
        "linewidth": 1,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": HAIR,
        "title": {"standoff": 8, "font": {"size": 13}},
        "automargin": True,
    }
    base.template = go.layout.Template(layout={"xaxis": axis, "yaxis": axis, "colorway": CLASSES})
    return base.update(more)


def slider(labels: Sequence[str], active: int, prefix: str) -> dict:
    """Return a slider over frames named by their labels; the page replaces it by a control of its own.

    Args:
        labels: One for each frame.
        active: Index of the frame that is shown first.
        prefix: What the labels are values of, as in ``"λ = "``.

    All chapters.
    """
    now = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"method": "animate", "label": label, "args": [[label], now]} for label in labels]
    look = {"bgcolor": "#adb5bd", "activebgcolor": ACCENT, "borderwidth": 0, "tickcolor": HAIR}
    return {"active": active, "steps": steps, "currentvalue": {"prefix": prefix}, "pad": {"t": 16, "b": 12}, **look}


def with_frames(
    frames: Sequence[go.Frame], active: int, prefix: str, *, fixed: Sequence[Any] = (), **shape: Any
) -> go.Figure:
    """Return a figure that a slider steps through.

    Args:
        frames: The traces of every state, and what is its own of the layout: annotations, images.
        active: Index of the state that is shown first.
        prefix: What the frames' names are values of.
        fixed: Traces under those of the frames, the same in every state: the page carries them once.
        shape: Keywords of `layout`; `height` is without the slider.

    All chapters.
    """
    labels = [str(frame.name) for frame in frames]
    first = frames[active].to_plotly_json()
    shape["height"] = shape.get("height", 420) + SLIDER_HEIGHT
    base = layout(sliders=[slider(labels, active, prefix)], **first["layout"], **shape)
    base.meta = {"slider_height": SLIDER_HEIGHT}
    for frame in frames:
        # Without indices, plotly gives a frame's traces to the first ones of the figure.
        frame.traces = list(range(len(fixed), len(fixed) + len(tuple(frame.data or ()))))
    return go.Figure(data=[*fixed, *first["data"]], frames=frames, layout=base)


def show(figure: go.Figure, *, alt: str, caption: str = "", phone: Mapping[str, object] | None = None) -> None:
    """Display a figure, and under it its caption.

    Args:
        figure: The figure; Unicode, not LaTeX, in its labels.
        alt: What the figure shows, for whoever cannot see it.
        caption: A sentence or two, beginning with what to see; inline HTML is allowed.
        phone: Layout that differs on a narrow screen, as ``{"xaxis.domain": [0, 1], "height": 560}``.

    Raises:
        ValueError: If there is no alt text.

    All chapters.
    """
    from IPython.display import display

    if not alt.strip():
        raise ValueError("`alt` is empty: say in a sentence what the figure shows, for whoever cannot see it")
    content = {**json.loads(figure.to_json() or ""), "config": CONFIG}
    page = {"alt": alt, "phone": dict(phone or {}), "colours": THEMED}
    content["layout"]["meta"] = {**content["layout"].get("meta", {}), **page}
    display({"application/vnd.plotly.v1+json": content, "text/plain": alt}, raw=True)
    if caption:
        display(caption_output(caption), raw=True)


def caption_output(caption: str) -> dict[str, str]:
    """Return the output that says something under a figure or a table.

    Args:
        caption: Inline HTML.

    All chapters.
    """
    return {"text/html": f'<p class="lb-caption">{caption}</p>', "text/plain": html.unescape(caption)}
