"""Parts of figures: what is refused, where labels stand, and images that survive their way into the page."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from latentbook.press.figures.parts import STEPS, corner_label, end_label, expect_shape, png, rule, stacked


def pixels(source):
    """Return a picture as red, green, blue and density, ``(H, W, 4)``."""
    head, body = source.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA"))


def test_a_grey_picture_is_ink_of_the_brightness_s_density():
    canvas = torch.linspace(0, 1, 12).reshape(3, 4, 1).numpy()
    drawn = pixels(png(canvas, (10, 20, 30)))
    assert (drawn[..., :3] == [10, 20, 30]).all()
    # One step of the ink, and one of the 255 that a PNG knows.
    np.testing.assert_allclose((drawn[..., 3] / 255 - 0.1) / 0.9, canvas[..., 0], atol=0.5 / STEPS + 0.5 / 255 / 0.9)


def test_a_coloured_picture_keeps_its_colours():
    canvas = torch.rand(5, 4, 3).numpy()
    drawn = pixels(png(canvas, (0, 0, 0)))
    np.testing.assert_allclose(drawn[..., :3] / 255, canvas, atol=0.5 / STEPS + 0.5 / 255)
    assert (drawn[..., 3] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_is_seen_through_and_values_are_clipped(channels):
    canvas = np.array([[np.nan, -1.0, 2.0]])[..., None].repeat(channels, -1)
    drawn = pixels(png(canvas, (255, 255, 255)))
    assert drawn[0, 0, 3] == 0
    whole = drawn[0, :, 3] if channels == 1 else drawn[0, :, 0]
    assert whole[2] == 255
    assert whole[1] == (round(25.5) if channels == 1 else 0)


def test_pixels_are_enlarged_to_squares():
    canvas = torch.rand(3, 4, 1).numpy()
    small, large = pixels(png(canvas, (0, 0, 0))), pixels(png(canvas, (0, 0, 0), enlarge=3))
    np.testing.assert_array_equal(large, small.repeat(3, 0).repeat(3, 1))


@pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 3), (3, 4, 1)])
def test_another_shape_is_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"`codes` has shape .*, not \(3, 4\): one row each"):
        expect_shape("codes", torch.zeros(shape), (3, 4), "one row each")


def test_a_size_of_none_is_any():
    expect_shape("codes", torch.zeros(3, 7), (3, None), "one row each")


def test_labels_stand_beside_lines_and_in_corners():
    assert end_label("here", 3.0, 4.0).items() >= {"text": "here", "x": 3.0, "y": 4.0, "xanchor": "left"}.items()
    corner = corner_label("there", "top", "right")
    assert (corner["x"], corner["y"], corner["xanchor"], corner["yanchor"]) == (1.0, 1.0, "right", "top")
    assert corner["xshift"] < 0


def test_rules_cross_the_whole_plot():
    upright, level = rule(x=2.0), rule(y=3.0)
    assert (upright["x0"], upright["x1"], upright["yref"]) == (2.0, 2.0, "paper")
    assert (level["y0"], level["y1"], level["xref"]) == (3.0, 3.0, "paper")


def test_stacked_panels_are_so_many_pixels_high_and_apart():
    height, places = stacked(3, 200, 50)
    assert height == 700
    np.testing.assert_allclose(np.array(places) * height, [[500, 700], [250, 450], [0, 200]], atol=1e-9)
    # Plotly takes no place below 0, not even by rounding.
    assert min(low for count in range(1, 9) for low, _ in stacked(count, 173, 31)[1]) >= 0
    assert stacked(1, 200, 50) == (200, [[0.0, 1.0]])
