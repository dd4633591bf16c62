"""What panels of chapter 5 share: places, titles, lines as one."""

import itertools
import math

import plotly.graph_objects as go
import pytest
import torch

from latentbook.press.figures.sphere.panels import joined, panels_phone, place_panel


def test_a_panel_has_its_place_and_its_title():
    figure = go.Figure()
    place_panel(figure, 1, (0.5, 1.0), "second", {"title": "x"}, {"type": "log"})
    assert figure.layout.xaxis2.domain == (0.5, 1.0)
    assert (figure.layout.xaxis2.anchor, figure.layout.yaxis2.anchor) == ("y2", "x2")
    assert (figure.layout.xaxis2.title.text, figure.layout.yaxis2.type) == ("x", "log")
    (title,) = figure.layout.annotations
    assert (title.text, title.xref, title.yref) == ("second", "x2 domain", "y2 domain")
    # Above the panel, not in it.
    assert (title.y, title.yanchor) == (1, "bottom")


def test_on_a_phone_panels_are_as_wide_as_the_screen_and_do_not_overlap():
    phone = panels_phone(3, 200, 60, 100)
    assert phone["height"] == 3 * 200 + 2 * 60 + 100
    assert [phone[f"xaxis{number}.domain"] for number in ("", 2, 3)] == [[0, 1]] * 3
    places = [phone[f"yaxis{number}.domain"] for number in ("", 2, 3)]
    assert places[0][1] == 1
    assert places[2][0] == pytest.approx(0, abs=1e-9)
    for above, below in itertools.pairwise(places):
        assert above[0] - below[1] == pytest.approx(60 / 720)


def test_lines_are_one_trace_that_lifts_the_pen():
    lines = torch.tensor([[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]])
    trace = joined(lines, {"width": 1}, xaxis="x2")
    assert [None if math.isnan(x) else x for x in trace.x] == [0, 2, None, 4, 6, None]
    assert [None if math.isnan(y) else y for y in trace.y] == [1, 3, None, 5, 7, None]
    assert (trace.mode, trace.hoverinfo, trace.showlegend, trace.xaxis) == ("lines", "skip", False, "x2")
