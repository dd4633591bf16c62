"""What is drawn is the curve, its control points and its knots, all at one scale."""

import numpy as np
import pytest
import torch

from latentbook.geodesics import CubicBSpline
from latentbook.press.figures.geodesics import splines_figure, splines_phone

POINTS = torch.tensor([[0.0, 0.0], [1.0, 2.0], [2.0, 2.0], [3.0, -1.0], [4.0, 0.0]], dtype=torch.float64)
FIRST = CubicBSpline(POINTS)
FINER = FIRST.insert_knot(0.25)
FAR = CubicBSpline(3 * POINTS)


def points(trace):
    return np.stack([trace.x, trace.y], -1)


def test_rings_are_control_points_dots_are_knots_and_the_line_is_the_curve():
    figure = splines_figure({"one": FIRST, "finer": FINER})
    for curve, (rings, line, dots) in zip((FIRST, FINER), (figure.data[:3], figure.data[3:]), strict=True):
        # Rounded to four digits after the point.
        np.testing.assert_allclose(points(rings), curve.points, atol=6e-5)
        np.testing.assert_allclose(points(line), curve(torch.linspace(0, 1, len(line.x))), atol=6e-5)
        np.testing.assert_allclose(points(dots), curve(curve.breaks), atol=6e-5)
        assert (rings.mode, line.mode, dots.mode) == ("lines+markers", "lines", "markers")
        assert rings.marker.symbol == "circle-open"


def test_curves_stand_side_by_side_at_one_scale_that_holds_all_of_them():
    figure = splines_figure({"one": FIRST, "far": FAR})
    assert [note.text for note in figure.layout.annotations] == ["one", "far"]
    assert [note.xref for note in figure.layout.annotations] == ["x domain", "x2 domain"]
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.layout.xaxis.range[0] < 0 < 12 < figure.layout.xaxis.range[1]
    assert figure.layout.yaxis.range[0] < -3 < 6 < figure.layout.yaxis.range[1]
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor) == ("x", "x2")
    assert [trace.xaxis for trace in figure.data] == ["x"] * 3 + ["x2"] * 3


def test_on_a_phone_curves_stand_below_each_other_under_their_titles():
    phone = splines_phone(3)
    places = [phone[f"{axis}.domain"] for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert places[0][1] == 1
    assert places[0][0] > places[1][1] > places[1][0] > places[2][1] > places[2][0] >= 0
    assert [phone[f"annotations[{k}].y"] for k in range(3)] == [place[1] for place in places]
    assert phone["xaxis3.domain"] == [0, 1]


def test_curves_that_are_trained_can_be_drawn():
    splines_figure({"one": CubicBSpline(POINTS.clone().requires_grad_())})


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`curves` is empty"):
        splines_figure({})
    with pytest.raises(ValueError, match=r"`points of many` has shape \(2, 5, 2\)"):
        splines_figure({"one": FIRST, "many": CubicBSpline(torch.zeros(2, 5, 2))})
