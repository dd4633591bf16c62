"""Pruning in pictures: every k a frame with its own images and numbers, drawn in the page by key and by pointer."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from latentbook.press.figures.least_volume import PRUNING_PHONE, pruning_slider
from latentbook.press.figures.pairs import ENLARGED
from latentbook.press.page import PLOTLY, Plotly
from tests.press.figures.test_parts import STEPS, pixels

M, N, SIZE = 3, 10, 6


def pruned(channels=None):
    """Return arguments of the slider: images, what is decoded for each k, errors, their bound."""
    event = (SIZE, SIZE) if channels is None else (channels, SIZE, SIZE)
    images, decoded = torch.rand(N, *event), torch.rand(M + 1, N, *event)
    return images, decoded, torch.tensor([0.5, 0.6, 1.0, 2.0]), torch.tensor([0.5, 1.0, 1.5, 2.5])


def originals(figure):
    """Return the picture that plotly adds to those of every frame."""
    (picture,) = figure.layout.template.layout.images
    return picture


def decoded_picture(figure, k):
    (picture,) = figure.frames[k].layout.images
    return picture


def drawn(picture, height, width):
    """Return a picture's pixels on the canvas of both, ``(height, width, 4)``."""
    pixel = -(-ENLARGED // SIZE)
    canvas = np.zeros((height, width, 4), dtype=np.uint8)
    canvas[int(picture.y + 0.5) :] = pixels(picture.source)[::pixel, ::pixel]
    return canvas


def test_every_k_is_a_frame_that_a_labelled_step_leads_to():
    figure = pruning_slider(*pruned(), active=2)
    assert [frame.name for frame in figure.frames] == ["0", "1", "2", "3"]
    assert [step.label for step in figure.layout.sliders[0].steps] == ["0", "1", "2", "3"]
    assert figure.layout.sliders[0].active == 2


def test_the_first_state_is_the_active_frame_over_what_stays():
    images, decoded, error, bound = pruned()
    figure = pruning_slider(images, decoded, error, bound, active=2)
    most, measured, dot = figure.data
    np.testing.assert_array_equal(most.y, bound)
    np.testing.assert_array_equal(measured.y, error)
    assert (dot.x[0], dot.y[0]) == (2, error[2])
    assert [image.source for image in figure.layout.images] == [decoded_picture(figure, 2).source]
    # What stays is not among the traces that a frame replaces.
    assert all(tuple(frame.traces) == (2,) for frame in figure.frames)


def test_every_dot_lies_on_the_measured_line():
    _, _, error, _ = arguments = pruned()
    figure = pruning_slider(*arguments, active=0)
    dots = [(frame.data[0].x[0], frame.data[0].y[0]) for frame in figure.frames]
    assert dots == list(enumerate(error.tolist()))


@pytest.mark.parametrize("channels", [None, 1])
def test_what_is_decoded_stands_below_its_original(channels):
    images, decoded, error, bound = pruned(channels)
    figure = pruning_slider(images, decoded, error, bound, active=0)
    extent = round(figure.layout.yaxis.range[0] + 0.5), round(figure.layout.xaxis.range[1] + 0.5)
    above, below = (drawn(picture, *extent)[..., 3] for picture in (originals(figure), decoded_picture(figure, 1)))
    tops = [value - (SIZE - 1) / 2 for value in figure.layout.yaxis.tickvals]
    assert list(figure.layout.yaxis.ticktext) == ["original"] * 2 + ["decoded"] * 2
    for index in range(N):
        row, left = index // 5, index % 5 * (SIZE + 1)
        for picture, line, values in ((above, 0, images), (below, 2, decoded[1])):
            top = int(tops[line + row])
            density = picture[top : top + SIZE, left : left + SIZE] / 255
            expected = values[index].reshape(SIZE, SIZE)
            np.testing.assert_allclose((density - 0.1) / 0.9, expected, atol=0.5 / STEPS + 0.003)
    # Each is bare where the other is drawn.
    assert not (above.astype(bool) & below.astype(bool)).any()


def test_colours_are_kept():
    images, decoded, error, bound = pruned(channels=3)
    figure = pruning_slider(images, decoded, error, bound, active=0)
    pixel = -(-ENLARGED // SIZE)
    first = pixels(decoded_picture(figure, 3).source)[::pixel, ::pixel][:SIZE, :SIZE, :3] / 255
    np.testing.assert_allclose(first, decoded[3, 0].permute(1, 2, 0), atol=0.5 / STEPS + 0.003)


def test_plotly_can_tell_the_two_pictures_apart():
    """Two images of one size at one place are one to plotly."""
    figure = pruning_slider(*pruned(), active=0)
    places = {(image.x, image.sizex, image.y, image.sizey) for image in (originals(figure), decoded_picture(figure, 0))}
    assert len(places) == 2


def test_the_words_are_the_numbers():
    figure = pruning_slider(*pruned(), active=0)
    words = [frame.layout.annotations[0].text for frame in figure.frames]
    assert words[0] == "<b>3 of 3 dimensions left</b>, error 0.50"
    assert words[2] == "<b>1 of 3 dimensions left</b>, error 1.00 (the bound: 1.50)"


@pytest.mark.parametrize(
    ("name", "position", "wrong"),
    [
        ("images", 0, torch.zeros(N, 2, SIZE, SIZE)),
        ("decoded", 1, torch.zeros(M, N, SIZE, SIZE)),
        ("decoded", 1, torch.zeros(M + 1, N, SIZE, SIZE + 1)),
        ("error", 2, torch.zeros(M + 1, 1)),
        ("bound", 3, torch.zeros(M)),
        ("active", 4, M + 1),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name, position, wrong):
    arguments = [*pruned(), 0]
    arguments[position] = wrong
    with pytest.raises(ValueError, match=f"`{name}`"):
        pruning_slider(*arguments)


def test_a_page_of_mnist_stays_light():
    """Noise is the worst that can be compressed; 33 states of ten 28 x 28 images stay far under 1.5 MB."""
    error = torch.linspace(1, 2, 33)
    figure = pruning_slider(torch.rand(10, 28, 28), torch.rand(33, 10, 28, 28), error, error, active=0)
    assert len(figure.to_json()) < 0.7e6


# ---- in the page ----

HOSTED = """<!doctype html><title>Pruning</title><body>{figure}<script src="{host}"></script>"""
WATCH = """() => {
  window.fewest = Infinity;
  const look = () => {
    window.fewest = Math.min(window.fewest, document.querySelectorAll("image").length);
    requestAnimationFrame(look);
  };
  look();
}"""
DRAWN = "document.querySelector('.js-plotly-plot')"


@pytest.fixture
def slider(visit, smoke_book, tmp_path):
    """A page with the slider alone, as the press would write it."""
    figure = pruning_slider(*pruned(), active=1)
    content = json.loads(figure.to_json())
    content["layout"]["meta"] |= {"alt": "Images, pruned.", "phone": PRUNING_PHONE}
    output = SimpleNamespace(mime_type=PLOTLY, content=content, cell_metadata={})
    (node,) = Plotly.handle_mime(None, output, inline=False)
    host = (smoke_book.absolute() / "_static" / "host.js").as_uri()
    (tmp_path / "pruning.html").write_text(HOSTED.format(figure=node.astext(), host=host))

    def open_page(**options):
        page = visit("pruning", base=tmp_path.as_uri(), **options)
        page.locator(".lb-plotly[data-drawn]").wait_for()
        return page

    return figure, open_page


@pytest.mark.browser
@pytest.mark.kernel
def test_keys_and_pointer_change_the_picture_and_move_the_dot(slider):
    figure, open_page = slider
    page = open_page()
    control = page.locator(".lb-range")
    shown = (
        "({source, dot}) => [...document.querySelectorAll('image')].some(i => i.href.baseVal === source)"
        f" && {DRAWN}.data[2].x[0] === dot"
    )
    state = [{"source": decoded_picture(figure, k).source, "dot": k} for k in range(M + 1)]
    page.wait_for_function(shown, arg=state[1])
    page.evaluate(WATCH)
    control.press("ArrowRight")
    page.wait_for_function(shown, arg=state[2])
    assert control.get_attribute("aria-valuetext").startswith("pruned = 2. 1 of 3 dimensions left")
    page.locator(".lb-tick").first.click()
    page.wait_for_function(shown, arg=state[0])
    # The originals stay, and neither picture is ever taken off: that would flicker.
    assert page.evaluate(shown, {"source": originals(figure).source, "dot": 0})
    assert page.evaluate("fewest") == 2


@pytest.mark.browser
@pytest.mark.kernel
def test_on_a_phone_the_curve_goes_below_the_images(slider):
    _, open_page = slider
    page = open_page(viewport={"width": 390, "height": 800})
    boxes = [
        page.locator(f".lb-plot .{name}").first.bounding_box() for name in ("layer-above image", "scatterlayer .trace")
    ]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
