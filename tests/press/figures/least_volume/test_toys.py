"""Known answers: points and widths as given, what lives counted, sets in space seen from one side."""

import itertools
import math

import numpy as np
import pytest
import torch

from latentbook.press.figures import ACCENT
from latentbook.press.figures.least_volume import toys, toys_figure, toys_phone

POINTS = torch.rand(7, 2, dtype=torch.float64)
# The second dimension is the widest; the third has 1e-6 of its variance.
STD = torch.tensor([0.5, 2.0, 0.002])
CODES = torch.rand(7, 3)
PLANE, SPACE = ("plane", POINTS, CODES, STD), ("space", torch.rand(7, 3), CODES[:, :2], STD[:2])


def test_points_are_drawn_and_coloured_by_the_widest_coordinate():
    points = toys_figure([PLANE]).data[1]
    np.testing.assert_array_equal(points.x, POINTS[:, 0])
    np.testing.assert_array_equal(points.y, POINTS[:, 1])
    np.testing.assert_array_equal(points.marker.color, CODES[:, 1])


def test_widths_are_sorted_shares_of_the_widest():
    dots = toys_figure([PLANE]).data[3]
    np.testing.assert_allclose(dots.x, [1.0, 0.25, 0.001], rtol=1e-6)
    assert list(dots.y) == [1, 2, 3]
    assert list(dots.customdata) == ["2", "0.5", "0.002"]
    assert [colour == ACCENT for colour in dots.marker.color] == [True, True, False]
    # Not by colour alone.
    assert list(dots.marker.symbol) == ["circle", "circle", "circle-open"]


def test_what_lives_is_said():
    figure = toys_figure([PLANE, SPACE])
    assert [label.text for label in figure.layout.annotations] == [
        "<b>plane</b>",
        "2 of 3 alive",
        "flat",
        "<b>space</b>",
        "2 of 2 alive",
        "flat",
    ]


def test_a_name_of_a_data_set_becomes_words():
    figure = toys_figure([("space-curve", *SPACE[1:])])
    assert figure.layout.annotations[0].text == "<b>curve in space</b>"


def test_the_dashed_line_is_where_the_count_ends():
    threshold = toys_figure([PLANE]).data[2]
    just_above, just_below = torch.tensor([1.0, 1.01 * threshold.x[0]]), torch.tensor([1.0, 0.99 * threshold.x[0]])
    for std, count in ((just_above, 2), (just_below, 1)):
        figure = toys_figure([("edge", POINTS, CODES[:, :2], std)])
        assert figure.layout.annotations[1].text == f"{count} of 2 alive"


def test_a_dead_width_of_zero_has_a_place():
    dots = toys_figure([("dead", POINTS, CODES[:, :2], torch.tensor([1.0, 0.0]))]).data[3]
    assert 0 < dots.x[1] < 1e-5


# ---- hairs between neighbours ----


def test_a_line_of_codes_is_joined_in_its_order():
    codes = torch.tensor([[0.3], [0.1], [0.2]]).numpy()
    assert toys._neighbours(codes, codes).tolist() == [[1, 2], [2, 0]]


def test_a_plane_of_codes_is_joined_by_triangles_without_their_long_sides():
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))
    codes = torch.cat([grid, torch.tensor([[40.0, 2.0]])]).double().numpy()
    pairs = toys._neighbours(codes, codes)
    lengths = np.linalg.norm(codes[pairs[:, 0]] - codes[pairs[:, 1]], axis=1)
    # The sides of the squares, and one diagonal each.
    assert sorted(set(lengths.round(6))) == [1.0, round(2**0.5, 6)]
    assert len(pairs) == 2 * 5 * 4 + 16
    assert 25 not in pairs


def test_codes_of_many_dimensions_are_not_joined():
    codes = torch.rand(9, 3).numpy()
    assert len(toys._neighbours(codes, codes)) == 0


def test_hairs_lie_between_points_that_are_drawn():
    mesh, points = toys_figure([SPACE]).data[:2]
    ends = {(round(float(x), 4), round(float(y), 4)) for x, y in zip(mesh.x, mesh.y, strict=True) if x == x}
    assert ends <= {(round(float(x), 4), round(float(y), 4)) for x, y in zip(points.x, points.y, strict=True)}
    assert ends


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
