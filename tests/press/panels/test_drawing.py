"""A panel's drawing is XML, shows the numbers that it is given, and its images keep their pixels."""

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from latentbook.press.panels.drawing import GREY, TEAL, widths_and_images

SVG = "{http://www.w3.org/2000/svg}"
STD = torch.tensor([0.25, 1.5, 0.0, 1.0])


def draw(std=STD, kept=2, images=None, alt="Widths & images"):
    images = torch.rand(3, 1, 8, 8) if images is None else images
    return ElementTree.fromstring(
        widths_and_images(std, kept, {"original": (images, GREY), "decoded": (1 - images, TEAL)}, alt)
    )


def bars(drawing):
    return drawing.findall(f"{SVG}rect")


def pixels(image):
    kind, _, content = image.get("href").partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_bars_stand_in_order_and_in_proportion():
    heights = [float(bar.get("height")) for bar in bars(draw())]
    # Coordinates are written with two digits.
    assert np.array(heights) / heights[0] == pytest.approx([1, 1 / 1.5, 0.25 / 1.5, 0], abs=1e-4)
    places = [float(bar.get("x")) for bar in bars(draw())]
    assert places == sorted(places)


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_the_widest_dimensions_are_those_that_are_kept(kept):
    assert [bar.get("class") for bar in bars(draw(kept=kept))] == ["kept"] * kept + ["given-up"] * (4 - kept)


def test_the_axis_reaches_the_next_round_number():
    assert [text.text for text in draw().findall(f"{SVG}text")][:2] == ["2", "0"]
    assert draw(torch.zeros(4)).findtext(f"{SVG}text") == "0.1"


def test_bars_stay_inside_the_drawing():
    for std in (STD, torch.full((300,), 42.0)):
        drawing = draw(std)
        width = float(drawing.get("viewBox").split()[2])
        for bar in bars(drawing):
            assert float(bar.get("y")) >= 0
            assert 0 <= float(bar.get("x")) < float(bar.get("x")) + float(bar.get("width")) <= width


@pytest.mark.parametrize("m", [2, 300, 4096])
def test_the_axis_labels_stay_inside_the_drawing(m):
    drawing = draw(torch.ones(m))
    width = float(drawing.get("viewBox").split()[2])
    last = next(text for text in drawing.findall(f"{SVG}text") if text.text == str(m))
    assert last.get("text-anchor") == "middle"
    # A digit of 13 pixels is about 8 wide.
    assert float(last.get("x")) + 4 * len(last.text) <= width


def test_a_grey_image_is_ink_on_nothing():
    images = torch.rand(3, 1, 8, 8)
    drawn = draw(images=images).findall(f"{SVG}image")
    assert len(drawn) == 6
    above, below = pixels(drawn[1]), pixels(drawn[4])
    assert (above[0, 0, :3].tolist(), below[0, 0, :3].tolist()) == (list(GREY), list(TEAL))
    np.testing.assert_allclose(above[..., 3] / 255, 0.1 + 0.9 * images[1, 0], atol=1 / 255)
    np.testing.assert_allclose(below[..., 3] / 255, 1 - 0.9 * images[1, 0], atol=1 / 255)


def test_a_colour_image_keeps_its_colours():
    images = torch.rand(10, 3, 32, 32)
    drawn = pixels(draw(images=images).findall(f"{SVG}image")[7])
    np.testing.assert_allclose(drawn / 255, images[7].permute(1, 2, 0), atol=1 / 255)


def test_values_outside_the_scale_are_clipped():
    image = torch.tensor([-3.0, 3.0]).reshape(1, 1, 1, 2)
    assert pixels(draw(images=image).find(f"{SVG}image"))[0, :, 3].tolist() == [26, 255]


def test_it_is_named_for_whoever_cannot_see_it():
    drawing = draw(alt='Widths & "images"')
    assert (drawing.get("role"), drawing.get("aria-label")) == ("img", 'Widths & "images"')
