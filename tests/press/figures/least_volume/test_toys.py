"""Known answers: points and widths as given, what lives counted, sets in space seen from one side."""

import itertools
import math

import numpy as np
import pytest
import torch

from latentbook.press.figures import ACCENT
from latentbook.press.figures.least_volume import factors_figure, toys, toys_figure, toys_phone

POINTS = torch.rand(7, 2, dtype=torch.float64)
# The second dimension is the widest; the third has 1e-6 of its variance.
STD = torch.tensor([0.5, 2.0, 0.002])
CODES = torch.rand(7, 3)
PLANE, SPACE = ("plane", POINTS, CODES, STD), ("space", torch.rand(7, 3), CODES[:, :2], STD[:2])


def test_points_are_drawn_and_coloured_by_the_widest_coordinate():
    points = toys_figure([PLANE]).data[0]
    np.testing.assert_array_equal(points.x, POINTS[:, 0])
    np.testing.assert_array_equal(points.y, POINTS[:, 1])
    np.testing.assert_array_equal(points.marker.color, CODES[:, 1])


def test_widths_are_sorted_shares_of_the_widest():
    bars = toys_figure([PLANE]).data[1]
    np.testing.assert_allclose(bars.y, [1.0, 0.25, 0.001], rtol=1e-6)
    np.testing.assert_allclose(bars.customdata, [2.0, 0.5, 0.002], rtol=1e-6)
    assert [colour == ACCENT for colour in bars.marker.color] == [True, True, False]


def test_what_lives_is_said():
    figure = toys_figure([PLANE, SPACE])
    assert [label.text for label in figure.layout.annotations] == [
        "<b>plane</b>",
        "2 of 3 alive",
        "<b>space</b>",
        "2 of 2 alive",
    ]


def test_the_dashed_line_is_where_the_count_ends():
    threshold = toys_figure([PLANE]).data[2]
    just_above, just_below = torch.tensor([1.0, 1.01 * threshold.y[0]]), torch.tensor([1.0, 0.99 * threshold.y[0]])
    for std, count in ((just_above, 2), (just_below, 1)):
        figure = toys_figure([("edge", POINTS, CODES[:, :2], std)])
        assert figure.layout.annotations[1].text == f"{count} of 2 alive"


def test_a_dead_width_of_zero_has_a_place():
    bars = toys_figure([("dead", POINTS, CODES[:, :2], torch.tensor([1.0, 0.0]))]).data[1]
    assert 0 < bars.y[1] < 1e-5


def test_space_is_seen_without_stretching():
    """An orthographic view keeps lengths across the line of sight and loses those along it."""
    axes = toys._projected(torch.eye(3))
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    sight = np.array([math.cos(toys.AZIMUTH), math.sin(toys.AZIMUTH), math.tan(toys.ELEVATION)])
    np.testing.assert_allclose(sight @ axes, 0, atol=1e-12)


def test_every_toy_has_a_place_of_its_own_on_a_phone():
    phone = toys_phone(3)
    figure = toys_figure([PLANE, SPACE, PLANE])
    for path in phone:
        axis = path.split(".")[0]
        assert axis in ("height", "margin") or axis in figure.layout
    rows = [phone[f"yaxis{axis}.domain"] for axis in ("", "3", "5")]
    assert rows[0][1] == 1
    assert rows[-1][0] == 0
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(rows))


@pytest.mark.parametrize(
    ("name", "toy"),
    [
        ("points", ("flat", torch.rand(7, 4), CODES, STD)),
        ("codes of flat", ("flat", POINTS, CODES[:6], STD)),
        ("std of flat", ("flat", POINTS, CODES, STD[:2])),
    ],
)
def test_toys_that_do_not_fit_are_refused(name, toy):
    with pytest.raises(ValueError, match=f"`{name}`"):
        toys_figure([toy])


def test_no_toys_are_refused():
    with pytest.raises(ValueError, match="`toys` is empty"):
        toys_figure([])


# ---- free factors ----


def test_factors_are_drawn_as_given_with_the_line_where_they_agree():
    figure = factors_figure(torch.tensor([1, 3]), torch.tensor([1, 4]), ["size", "position, size"])
    diagonal, dots = figure.data
    assert list(diagonal.x) == list(diagonal.y)
    np.testing.assert_array_equal(dots.x, [1, 3])
    np.testing.assert_array_equal(dots.y, [1, 4])
    assert list(dots.customdata) == ["size", "position, size"]
    assert {label.text for label in figure.layout.annotations} == {"size", "position, size"}


def test_a_name_that_comes_again_is_written_once():
    figure = factors_figure(torch.tensor([2, 2]), torch.tensor([2, 3]), ["position", "position"])
    assert [label.y for label in figure.layout.annotations] == [2]


def test_labels_keep_clear_of_the_line():
    """Above it they go up and left, below it down and right."""
    figure = factors_figure(torch.tensor([6, 6]), torch.tensor([7, 4]), ["above", "below"])
    sides = {label.text: (label.xanchor, label.yanchor) for label in figure.layout.annotations}
    assert sides == {"above": ("right", "bottom"), "below": ("left", "top")}


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`found`"):
        factors_figure(torch.tensor([1, 2]), torch.tensor([1]), ["a", "b"])
    with pytest.raises(ValueError, match="`names` has 1 names for 2 sets"):
        factors_figure(torch.tensor([1, 2]), torch.tensor([1, 2]), ["a"])
