"""Drawn strokes become examples as the data sets were made: counted, placed, as thick, and recognised."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from latentbook.learning.data import load

REAL = Path(os.environ.get("LATENTBOOK_DATA", ".")) / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
real = pytest.mark.skipif(not REAL.is_file(), reason="needs LATENTBOOK_DATA=<folder> with MNIST/raw in it")

# Written by hand on the pad, y downwards: a digit is one stroke or two.
# fmt: off
DIGITS = [
    [[[.50, .10], [.36, .16], [.27, .33], [.25, .52], [.30, .74], [.42, .88], [.54, .89], [.67, .78], [.74, .56],
      [.73, .35], [.65, .18], [.50, .10]]],
    [[[.38, .28], [.54, .12], [.53, .45], [.52, .88]]],
    [[[.29, .28], [.36, .15], [.50, .10], [.64, .16], [.69, .30], [.62, .48], [.46, .66], [.27, .87], [.48, .86],
      [.74, .87]]],
    [[[.29, .18], [.42, .10], [.58, .12], [.67, .24], [.62, .38], [.45, .46], [.62, .53], [.71, .67], [.65, .82],
      [.48, .90], [.28, .82]]],
    [[[.44, .10], [.36, .34], [.25, .58], [.50, .58], [.76, .57]], [[.62, .38], [.59, .64], [.57, .90]]],
    [[[.70, .12], [.38, .12], [.34, .45], [.50, .40], [.65, .47], [.71, .62], [.66, .78], [.52, .89], [.30, .84]]],
    [[[.60, .10], [.43, .26], [.32, .48], [.28, .68], [.36, .84], [.51, .89], [.65, .80], [.67, .65], [.57, .54],
      [.42, .57], [.31, .70]]],
    [[[.27, .13], [.50, .13], [.73, .12], [.62, .36], [.51, .62], [.43, .89]]],
    [[[.66, .20], [.52, .11], [.37, .17], [.35, .31], [.48, .44], [.63, .57], [.69, .73], [.58, .87], [.43, .88],
      [.33, .76], [.38, .60], [.52, .46], [.64, .34], [.66, .20]]],
    [[[.68, .30], [.59, .42], [.44, .45], [.33, .35], [.34, .20], [.48, .11], [.62, .16], [.68, .30], [.66, .55],
      [.58, .89]]],
]
# fmt: on
UPRIGHT = [[[0.5, 0.1], [0.5, 0.9]]]
FLAT = [[[0.1, 0.5], [0.9, 0.5]]]
DOT = [[[0.3, 0.7]]]
ODD = [UPRIGHT, FLAT, DOT, DOT + UPRIGHT, [[[0.1, 0.1], [0.9, 0.9]]], [[[0.9, 0.1], [0.1, 0.9]]]]


def ellipse(wide, high, points=200):
    turn = np.linspace(0, 2 * np.pi, points)
    return [np.column_stack([0.5 + wide / 2 * np.cos(turn), 0.5 + high / 2 * np.sin(turn)]).tolist()]


def moved(strokes, matrix=((1, 0), (0, 1)), offset=(0, 0)):
    return [(np.array(stroke) @ np.array(matrix).T + offset).tolist() for stroke in strokes]


@pytest.fixture
def reduced(run):
    """Apply a function of the script to each of many drawings: an array with a row for each."""

    def reduced(name, drawings):
        call = f"(m, drawings) => drawings.map((strokes) => Array.from(m.{name}(strokes)))"
        return np.array(run(["reduce.js"], call, drawings))

    return reduced


@pytest.fixture
def bitmaps(reduced):
    return lambda drawings: reduced("bitmapOf", drawings).reshape(-1, 32, 32)


@pytest.fixture
def digits(reduced):
    return lambda drawings: reduced("reduceDigits", drawings).reshape(-1, 8, 8)


@pytest.fixture
def mnist(reduced):
    return lambda drawings: reduced("reduceMnist", drawings).reshape(-1, 28, 28)


@pytest.fixture(scope="module")
def real_digits():
    data = load_digits()
    return data.images / 16, data.target


@pytest.fixture(scope="module")
def real_mnist():
    data = load("mnist", device="cpu")
    return data.x[:10000, 0].numpy() / 255, data.y[:10000].numpy()


def inked(image):
    """First and last row, first and last column with ink."""
    rows, columns = np.nonzero(image)
    return rows.min(), rows.max(), columns.min(), columns.max()


def sides(image):
    top, bottom, left, right = inked(image)
    return bottom - top + 1, right - left + 1


def centre_of_mass(images):
    rows, columns = np.indices(images.shape[1:])
    mass = images.sum((1, 2))
    return np.stack([(images * rows).sum((1, 2)) / mass, (images * columns).sum((1, 2)) / mass], axis=1)


# ---- numbers ----


def test_a_value_is_the_share_of_ink_in_its_block(digits, bitmaps):
    values, pixels = digits(DIGITS + ODD), bitmaps(DIGITS + ODD)
    assert set(np.unique(pixels)) == {0, 1}
    for value, bitmap in zip(values, pixels, strict=True):
        counts = [[bitmap[y : y + 4, x : x + 4].sum() for x in range(0, 32, 4)] for y in range(0, 32, 4)]
        np.testing.assert_array_equal(value * 16, counts)
    assert (values != values.swapaxes(1, 2)).any(axis=(1, 2))[:10].all()


def test_values_lie_between_paper_and_ink(digits, mnist):
    for values in (digits(DIGITS + ODD), mnist(DIGITS + ODD)):
        assert np.isfinite(values).all()
        assert values.min() == 0
        assert 0.9 < values.max() <= 1


def test_nothing_drawn_is_paper(digits, mnist, bitmaps):
    # A pad that has no size yet gives points that are no numbers.
    nothing = [[], [[]], [[], []], [[[None, 0.5], [float("nan"), float("inf")]]]]
    for reduce, side in [(digits, 8), (mnist, 28), (bitmaps, 32)]:
        np.testing.assert_array_equal(reduce(nothing), np.zeros((4, side, side)))


def test_the_script_joins_the_others(run):
    names = ["mlp.js", "metric.js", "reduce.js"]
    assert run(names, "(m) => [m.Perceptron, m.dot, m.bitmapOf].map((one) => typeof one)") == ["function"] * 3


# ---- placement ----


def test_neither_place_nor_size_matters(bitmaps, mnist):
    # Beside, small, over the edges of the pad, off it.
    moves = [(1, (0.2, -0.05)), (0.3, (0.1, 0.6)), (1.7, (-0.3, -0.4)), (1, (-5, 3))]
    elsewhere = [moved(strokes, np.eye(2) * scale, offset) for scale, offset in moves for strokes in DIGITS]
    # Pixels whose centres lie on the pen's edge may go either way.
    assert np.abs(bitmaps(elsewhere) - bitmaps(DIGITS * 4)).sum((1, 2)).max() <= 2
    assert np.abs(mnist(elsewhere) - mnist(DIGITS * 4)).max() < 0.06


def test_whatever_its_shape_a_digit_fills_20_by_32(bitmaps, real_digits):
    shapes = [ellipse(0.9, 0.9), ellipse(0.5, 0.9), ellipse(0.9, 0.5)]
    for bitmap in bitmaps(shapes):
        top, bottom, left, right = inked(bitmap)
        assert (top, bottom) == (0, 31)
        # A rim of one pixel may be added or taken.
        assert abs(left - 6) <= 1
        assert abs(right - 25) <= 1
    images, _ = real_digits
    assert (images[:, [0, 7]].max(2) > 0).all()
    columns = (images.max(1) > 0).argmax(1), 7 - (images.max(1) > 0)[:, ::-1].argmax(1)
    assert np.median(columns, axis=1).tolist() == [6 // 4, 25 // 4]


def test_digits_stand_upright(bitmaps):
    slanted = [moved(strokes, [[1, slant], [0, 1]]) for slant in (-0.5, 0.5) for strokes in DIGITS]
    for bitmap in bitmaps(DIGITS + slanted):
        # A row is shifted by whole pixels.
        assert abs(bitmap[2].argmax() - bitmap[29].argmax()) <= 1
    for bar in bitmaps([moved(UPRIGHT, [[1, slant], [0, 1]]) for slant in (-0.4, -0.1, 0.1, 0.4)]):
        edges = bar[2:30].argmax(1)
        assert edges.max() - edges.min() <= 2


def test_an_upright_line_is_as_wide_as_the_ones_of_the_data(bitmaps, real_digits):
    images, labels = real_digits
    real_widths = np.median(images[labels == 1].sum(2) * 4, axis=1)
    (bar,) = bitmaps([UPRIGHT])
    assert np.quantile(real_widths, 0.25) <= bar[16].sum() <= np.quantile(real_widths, 0.75)
    (line,) = bitmaps([FLAT])
    assert sides(line)[0] <= 16


def test_in_mnist_the_longer_side_is_20_and_the_shape_stays(mnist):
    for strokes, (wide, high) in [(ellipse(w, h), (w, h)) for w, h in [(0.4, 0.8), (0.8, 0.4), (0.7, 0.7)]]:
        (image,) = mnist([strokes])
        pen = 0.14 / 0.86 * max(wide, high)
        expected = 20 * (np.array([high, wide]) + pen) / (max(wide, high) + pen)
        # A side that ends within a pixel has ink in that pixel too.
        assert (np.abs(sides(image) - np.ceil(expected - 1e-9)) <= [high < wide, wide < high]).all()
    assert {max(sides(image)) for image in mnist(DIGITS + ODD[:2])} == {20}


def test_in_mnist_the_centre_of_mass_is_in_the_middle(mnist):
    # A 7 in an upright box has its mass above the centre of the box, so the two rules differ.
    heavy = [DIGITS[7], DIGITS[6], [*ellipse(0.3, 0.3), [[0.5, 0.65], [0.5, 1.2]]]]
    images = mnist(DIGITS + ODD + heavy)
    assert np.abs(centre_of_mass(images) - 14).max() <= 0.5 + 1e-9
    tops = [inked(image)[0] for image in images[-3:]]
    assert len(set(tops)) > 1


def test_ink_of_mnist_is_the_area_of_the_pen(mnist):
    thick = 0.14 * 20
    # A straight line with round ends, 20 long with them.
    area = thick * (20 - thick) + np.pi * thick**2 / 4
    for image in mnist([UPRIGHT, FLAT]):
        assert image.sum() == pytest.approx(area, rel=0.02)
    slanted = mnist(DIGITS)
    assert len(np.unique(slanted)) > 20


@real
def test_mnist_is_placed_so(real_mnist):
    images, _ = real_mnist
    assert np.mean([max(sides(image)) == 20 for image in images]) > 0.99
    # The grey levels are rounded.
    assert np.abs(centre_of_mass(images) - 14).max() < 0.51


# ---- thickness ----


def test_drawn_digits_have_the_ink_of_the_data(digits, real_digits):
    images, labels = real_digits
    drawn = digits(DIGITS)
    for digit, ink in enumerate(drawn.mean((1, 2))):
        real_ink = images[labels == digit].mean((1, 2))
        assert real_ink.min() <= ink <= real_ink.max()
    assert drawn.mean() == pytest.approx(images.mean(), rel=0.03)
    assert (drawn == 1).mean() == pytest.approx((images == 1).mean(), rel=0.15)


def test_thin_and_thick_drawings_come_to_the_same_ink(bitmaps):
    # Much or little line for the pen: what dilation and erosion are for. Double erosion may end below 256.
    crowded = [[[x, y] for x in np.linspace(0.2, 0.8, 5) for y in (0.1, 0.9)]]
    ink = bitmaps([*DIGITS, crowded, UPRIGHT, ellipse(0.9, 0.5)]).sum((1, 2))
    assert ink.min() >= 200
    assert ink.max() <= 433


@real
def test_drawn_digits_have_the_ink_of_mnist(mnist, real_mnist):
    images, labels = real_mnist
    drawn = mnist(DIGITS).sum((1, 2))
    of_class = [images[labels == digit].sum((1, 2)) for digit in range(10)]
    assert drawn.mean() == pytest.approx(np.mean([ink.mean() for ink in of_class]), rel=0.05)
    for ink, real_ink in zip(drawn, of_class, strict=True):
        assert np.quantile(real_ink, 0.05) < ink < np.quantile(real_ink, 0.95)


def test_a_dot_is_a_small_print_of_the_pen_in_the_middle(bitmaps, mnist):
    trembling = [[[0.3, 0.7], [0.305, 0.706], [0.302, 0.698]]]
    dots = [DOT, trembling, [[[0, 0]]], [[[9, -9]]]]
    # A thinner pen shows here: dilation hides it from what is larger.
    np.testing.assert_allclose(bitmaps(dots).sum((1, 2)), np.pi / 4 * (0.14 * 32) ** 2, atol=2)
    np.testing.assert_allclose(mnist(dots).sum((1, 2)), np.pi / 4 * (0.14 * 20) ** 2, atol=0.5)
    np.testing.assert_allclose(centre_of_mass(bitmaps(dots)), 15.5, atol=0.01)
    np.testing.assert_allclose(centre_of_mass(mnist(dots)), 14, atol=0.51)


# ---- many points ----


def dense(strokes, points):
    """The same lines, with many points to a stroke."""

    def resampled(stroke):
        at = np.linspace(0, len(stroke) - 1, points)
        return np.column_stack([np.interp(at, range(len(stroke)), axis) for axis in np.transpose(stroke)]).tolist()

    return [resampled(stroke) for stroke in strokes]


def test_more_points_on_a_line_change_nothing(bitmaps, mnist):
    # 991 and 1261 points: each corner of the 0 and of the 3 is one of them.
    many = [dense(DIGITS[0], 991), dense(DIGITS[3], 1261)]
    assert np.abs(bitmaps(many) - bitmaps([DIGITS[0], DIGITS[3]])).sum((1, 2)).max() <= 2
    assert np.abs(mnist(many) - mnist([DIGITS[0], DIGITS[3]])).max() < 0.06


def test_it_keeps_up_with_a_hand(run):
    call = """(m, strokes) => [m.reduceDigits, m.reduceMnist].map((reduce) => {
        const times = Array.from({ length: 30 }, () => {
            const start = performance.now();
            reduce(strokes);
            return performance.now() - start;
        });
        return Math.min(...times);
    })"""
    # Some 2 ms on a slow machine; what grew with the square of the points would take a second.
    assert max(run(["reduce.js"], call, dense(DIGITS[3], 1000))) < 10


# ---- what it is all for ----


def hands(strokes):
    """The same digit by others: slanted both ways, broad, slim, turned a little, with a trembling pen."""
    turned = [[[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]] for turn in (-0.12, 0.12)]
    matrices = [[[1, -0.25], [0, 1]], [[1, 0.15], [0, 1]], [[1.25, 0], [0, 1]], [[0.75, 0], [0, 1]], *turned]
    rng = np.random.default_rng(0)
    tremble = [(np.array(stroke) + 0.012 * rng.standard_normal(np.shape(stroke))).tolist() for stroke in strokes]
    return [tremble, *(moved(strokes, matrix) for matrix in matrices)]


def recognised(data, drawn):
    images, labels = data
    nearest = KNeighborsClassifier(1, algorithm="brute").fit(images.reshape(len(images), -1), labels)
    return nearest.predict(drawn.reshape(len(drawn), -1))


def test_digits_are_recognised(digits, real_digits):
    assert recognised(real_digits, digits(DIGITS)).tolist() == list(range(10))
    assert recognised(real_digits, digits([UPRIGHT])).tolist() == [1]
    others = [hand for strokes in DIGITS for hand in hands(strokes)]
    right = recognised(real_digits, digits(others)) == np.repeat(range(10), len(others) // 10)
    assert right.mean() >= 0.9


@real
def test_mnist_is_recognised(mnist, real_mnist):
    assert recognised(real_mnist, mnist(DIGITS)).tolist() == list(range(10))
    assert recognised(real_mnist, mnist([UPRIGHT])).tolist() == [1]
    others = [hand for strokes in DIGITS for hand in hands(strokes)]
    right = recognised(real_mnist, mnist(others)) == np.repeat(range(10), len(others) // 10)
    assert right.mean() >= 0.9
