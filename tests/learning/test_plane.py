"""Planes as images: dots where they belong, in their colours, and lines without holes."""

import pytest
import torch

from latentbook.learning.plane import COLOURS, MARGIN, draw_plane

WHITE, GREY = [1.0] * 3, [0.25] * 3


def colour(label):
    word = COLOURS[label % 10]
    return [int(word[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def draw(points, labels=None, outlines=None, size=100, **options):
    points = torch.tensor(points, **options)
    labels = torch.zeros(len(points), dtype=torch.long) if labels is None else torch.tensor(labels)
    return draw_plane(points, labels, None if outlines is None else torch.tensor(outlines, **options), size)


def pixels(image, wanted):
    """Return rows and columns of one colour, sorted."""
    same = (image - torch.tensor(wanted)[:, None, None]).abs().amax(0) < 1e-6
    return same.nonzero()


def middle(image, label):
    """Return where a dot lies, as shares of the square to the right and upwards."""
    row, column = (pixels(image, colour(label)) + 0.5).mean(0).tolist()
    return column / image.shape[2], 1 - row / image.shape[1]


def test_a_dot_is_three_pixels_wide_and_all_else_is_white():
    image = draw([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    assert image.shape == (3, 100, 100)
    assert len(pixels(image, colour(0))) == len(pixels(image, colour(1))) == 9
    assert len(pixels(image, WHITE)) == 100 * 100 - 18


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (-70.0, 0.25), (1e4, 1e3), (0.0, 1e-20)])
def test_dots_lie_where_they_belong_whatever_the_range(shift, scale, dtype):
    """The first coordinate to the right, the second upwards, with a margin around all.

    To half a pixel of 200, and what single precision leaves of a range of 0.25 at 70.
    """
    places = [[0.0, 0.0], [1.0, 0.25], [0.5, 1.0]]
    points = [[shift + scale * a for a in place] for place in places]
    image = draw(points, [0, 1, 2], size=200, dtype=dtype)
    for label, place in enumerate(places):
        expected = [(MARGIN + a) / (1 + 2 * MARGIN) for a in place]
        assert middle(image, label) == pytest.approx(expected, abs=0.5 / 200 + 1e-4)


def test_one_unit_is_as_long_in_both_directions():
    """Four times as wide as high: the shorter direction is in the middle, to half a pixel."""
    image = draw([[0.0, 0.0], [4.0, 1.0]], [0, 1], size=400)
    (left, low), (right, high) = middle(image, 0), middle(image, 1)
    assert right - left == pytest.approx(4 * (high - low), abs=2.5 / 400)
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.5 / 400)


def test_ten_labels_have_ten_colours_and_then_they_repeat():
    image = draw([[float(k), 0.0] for k in range(12)], list(range(12)))
    assert len({tuple(colour(label)) for label in range(10)}) == 10
    for label in range(10):
        assert len(pixels(image, colour(label))) == (18 if label < 2 else 9)


@pytest.mark.parametrize("place", [0.0, 3.0, -1e8])
def test_points_that_are_all_the_same_lie_in_the_middle(place):
    """What a decoder that forgot its codes leaves of them."""
    image = draw([[place, 2 * place]] * 5)
    assert middle(image, 0) == pytest.approx((0.5, 0.5), abs=1 / 100)


def test_points_a_rounding_apart_are_all_drawn():
    points = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    points[1] = torch.nextafter(points[1], torch.tensor(2.0))
    image = draw_plane(points, torch.tensor([0, 1]), size=100)
    assert len(pixels(image, colour(0))) == len(pixels(image, colour(1))) == 9


FRAME = [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("reach", "columns"), [(0.5, range(17, 283)), (1.5, range(1, 299))])
def test_a_line_has_no_holes(reach, columns, dtype):
    """Through the middle, from within the margins and from beyond: a pixel in every column, to a pixel at its height.

    Of 300 pixels a margin has 300 * 0.06 / 1.12 = 16.07.
    """
    line = [[[0.5 - reach, 0.5 - reach / 4], [0.5 + reach, 0.5 + reach / 4]]]
    row, column = pixels(draw(FRAME, outlines=line, size=300, dtype=dtype), GREY).T
    assert set(columns) <= set(column.tolist())
    assert ((299 - row - 149.5) - (column - 149.5) / 4).abs().max() <= 1


def test_lines_lie_over_dots():
    image = draw([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]], [0, 1, 2], [[[0.0, 0.5], [1.0, 0.5]]])
    # A row of a dot's three is covered.
    assert len(pixels(image, colour(1))) == 6


def test_every_outline_is_drawn_to_its_last_corner():
    """Two open lines of three corners: nothing joins the end of one and the beginning of the next."""
    lines = [[[0.0, 0.0], [0.5, 0.0], [0.5, 0.25]], [[0.0, 1.0], [0.5, 1.0], [0.5, 0.75]]]
    found = pixels(draw(FRAME, outlines=lines, size=112), GREY)
    rows = 112 - found[:, 0]
    assert ((rows <= 6 + 25 + 1) | (rows >= 6 + 75)).all()
    # The length of each, and its last corner; rounding may take or give two pixels.
    assert len(found) == pytest.approx(2 * (50 + 25), abs=4)
    assert abs(rows[rows < 50].max() - 31) <= 1
    assert abs(rows[rows > 50].min() - 81) <= 1


def test_what_is_outside_or_not_finite_is_left_out():
    nan, inf = float("nan"), float("inf")
    far = [[[2.0, 2.0], [3.0, 3.0]], [[nan, nan], [nan, nan]], [[0.5, 0.5], [inf, 0.5]], [[0.5, nan], [0.5, 0.5]]]
    plain = draw(FRAME)
    assert draw(FRAME, outlines=far).equal(plain)
    # A line that leaves the square is drawn as far as it goes.
    assert len(pixels(draw(FRAME, outlines=[[[0.5, 0.5], [3.0, 0.5]]]), GREY)) == 50
    # Half a pixel beyond the left edge, which a margin of 6 pixels of 0.01 makes, and below the lower one.
    beside = [[[-0.065, 0.2], [-0.065, 0.8]], [[0.2, -0.065], [0.8, -0.065]]]
    assert draw(FRAME, outlines=beside, size=112).equal(draw(FRAME, size=112))


def test_no_outlines_are_none():
    assert draw_plane(torch.tensor(FRAME), torch.tensor([0, 0]), torch.zeros(0, 5, 2)).equal(draw(FRAME, size=384))


def test_tensors_may_lie_anywhere(device):
    points, labels = torch.randn(50, 2), torch.arange(50)
    lines = torch.randn(3, 8, 2)
    there = draw_plane(points.to(device), labels.to(device), lines.to(device))
    assert there.device.type == "cpu"
    assert there.equal(draw_plane(points, labels, lines))
    assert 0 <= there.min() <= there.max() <= 1
