"""Strips of images stand below each other under their names."""

import pytest
import torch

from latentbook.press.figures.strips import strips_figure, strips_phone
from tests.press.figures.test_parts import pixels


def test_every_image_stands_in_its_row_and_column():
    strips = torch.zeros(2, 3, 3, 8, 8)
    strips[1, 2, 0] = 1  # the last of the second strip is red
    figure = strips_figure(strips, ["x", "angle"])
    (picture,) = figure.layout.images
    shown = pixels(picture.source)
    scale = shown.shape[0] // 17
    assert (picture.sizex, picture.sizey) == (3 * 9 - 1, 2 * 9 - 1)
    red = shown[..., 0] == 255
    assert red[9 * scale :, 18 * scale :].all()
    assert not red[: 9 * scale].any()
    assert not red[:, : 18 * scale].any()
    assert list(figure.layout.yaxis.ticktext) == ["x", "angle"]
    assert list(figure.layout.yaxis.tickvals) == [3.5, 12.5]


def test_narrow_strips_are_as_much_lower():
    """Beside their margins, 2 x 8 and a gap by 3 x 8 and two gaps, wherever they stand."""
    strips = torch.zeros(2, 3, 1, 8, 8)
    assert strips_figure(strips, ["x", "angle"]).layout.height == 20 + round(560 * 17 / 26)
    assert strips_phone(strips)["height"] == 20 + round(270 * 17 / 26)


def test_a_name_for_each_strip():
    with pytest.raises(ValueError, match="one strip for each of `names`"):
        strips_figure(torch.zeros(2, 3, 1, 8, 8), ["x"])
