"""Originals above what is decoded from them: where each image stands, and that both lines share one canvas."""

import numpy as np
import torch

from latentbook.press.figures.pairs import DECODED, ORIGINAL, Pairs
from tests.press.figures.test_parts import pixels

# Two rows of pairs: three images, two in a row, 14 pixels high and wide with gaps of one.
PAIRS = Pairs(3, 14, 14, columns=2)


def density(picture):
    """The density of a picture's ink at the resolution of its images."""
    drawn = pixels(picture["source"])[..., 3]
    return drawn[:: drawn.shape[0] // int(picture["sizey"]), :: drawn.shape[1] // int(picture["sizex"])]


def test_every_image_stands_in_its_place_and_the_rest_is_bare():
    images = torch.ones(3, 1, 14, 14)
    original, decoded = (PAIRS.picture(images, line) for line in (ORIGINAL, DECODED))
    for picture, tops in ((original, (0, 32)), (decoded, (15, 47))):
        assert picture["y"] == tops[0] - 0.5
        expected = np.zeros((61, 29), dtype=bool)
        for index in range(3):
            top, left = tops[index // 2], index % 2 * 15
            expected[top : top + 14, left : left + 14] = True
        np.testing.assert_array_equal(density(picture) > 0, expected[tops[0] :])


def test_the_lines_are_named_at_their_middles():
    axis = PAIRS.vertical()
    assert axis["tickvals"] == [6.5, 38.5, 21.5, 53.5]
    assert axis["ticktext"] == ["original"] * 2 + ["decoded"] * 2
    assert axis["range"] == [60.5, -0.5]
    assert PAIRS.horizontal()["range"] == [-0.5, 28.5]
