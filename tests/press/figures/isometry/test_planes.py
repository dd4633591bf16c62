"""Planes show the codes where they are, and ellipses of the right size and place."""

import numpy as np
import pytest
import torch

from latentbook.press.figures import CLASSES
from latentbook.press.figures.isometry import Plane, planes_figure, planes_phone
from latentbook.press.figures.isometry.planes import cloud, names_of_classes, outlines, some_of_each, spread_out

AXES = {"xaxis": "x2", "yaxis": "y2"}
CODES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [10.0, 10.0]])
LABELS = torch.tensor([3, 3, 3, 7])


def test_dots_are_codes_in_the_colour_of_their_class():
    dots = cloud(CODES, LABELS, **AXES)
    np.testing.assert_allclose(np.stack([dots.x, dots.y], 1), CODES)
    assert list(dots.marker.color) == [CLASSES[3]] * 3 + [CLASSES[7]]
    assert list(dots.customdata) == ["3", "3", "3", "7"]
    assert (dots.xaxis, dots.yaxis) == ("x2", "y2")


def test_an_ellipse_has_the_axes_of_its_metric():
    """G = diag(4, 1) at (5, 1) with radius 2: half axes 1 and 2, and then the pen is lifted."""
    plane = Plane(torch.tensor([[5.0, 1.0]]), torch.diag(torch.tensor([4.0, 1.0]))[None])
    line = outlines(plane, 2.0)
    x, y = np.array(line.x, dtype=float), np.array(line.y, dtype=float)
    np.testing.assert_allclose([np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)], [4, 6, -1, 3], atol=2e-2)
    assert np.isnan(x[-1])


def test_a_class_is_named_at_the_median_of_its_codes():
    first, second = names_of_classes(CODES, LABELS, **AXES)
    assert (first["text"], first["x"], first["y"]) == ("<b>3</b>", 0.0, 0.0)
    assert (second["text"], second["x"], second["xref"]) == ("<b>7</b>", 10.0, "x2")
    assert names_of_classes(CODES, LABELS, [*"abcdefgh"], **AXES)[1]["text"] == "<b>h</b>"


def test_some_of_each_class_go_through_all_of_it():
    labels = torch.tensor([0] * 100 + [1] * 3)
    index = some_of_each(labels, 4)
    assert index.tolist() == [0, 25, 50, 75, 100, 101, 102]


def test_points_that_are_spread_out_begin_in_the_middle_and_then_are_far():
    assert spread_out(CODES, 2).tolist() == [0, 3]
    assert sorted(spread_out(CODES, 9).tolist()) == [0, 1, 2, 3]


def test_planes_stand_side_by_side_each_with_its_own():
    metric = torch.eye(2).expand(4, 2, 2)
    figure = planes_figure([("one", CODES, metric), ("two", 2 * CODES, None)], LABELS)
    dots, rings, others = figure.data
    assert (dots.xaxis, rings.xaxis, others.xaxis) == ("x", "x", "x2")
    assert sorted(others.x) == [0.0, 0.0, 2.0, 20.0]
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["one", "<b>3</b>", "<b>7</b>", "two", "<b>3</b>", "<b>7</b>"]
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor) == ("x", "x2")
    for axes in (figure.layout.xaxis, figure.layout.yaxis):
        assert axes.range[1] - axes.range[0] == pytest.approx(11.2, abs=1e-2)


def test_on_a_phone_planes_stand_below_each_other():
    phone = planes_phone(3)
    assert phone["yaxis.domain"][0] > phone["yaxis2.domain"][1] > phone["yaxis3.domain"][1] > 0
    assert phone["xaxis3.domain"] == [0, 1]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="from one to four"):
        planes_figure([], LABELS)
    with pytest.raises(ValueError, match="codes of one"):
        planes_figure([("one", CODES[:3], None)], LABELS)
