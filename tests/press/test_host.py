"""What `static/host.js` does for figures in space: they turn by key and pointer, and leave the page its scrolling."""

import math

import pytest

from latentbook.press.figures import CONFIG
from tests.pages import drawn

pytestmark = [pytest.mark.browser]

EYE = {"x": 1.2, "y": 0.0, "z": 0.5}
SQUARE = {"x": [0, 1, 1, 0], "y": [0, 0, 1, 1], "z": [0, 0, 0, 0], "i": [0, 0], "j": [1, 2], "k": [2, 3]}


def in_space(**layout):
    """A square on the floor of two scenes, the first seen from where it says, the second from plotly's own place."""
    return {
        "data": [{"type": "mesh3d", **SQUARE}, {"type": "mesh3d", **SQUARE, "scene": "scene2"}],
        "layout": {
            "scene": {"domain": {"x": [0, 0.5]}, "dragmode": "turntable", "camera": {"eye": EYE}},
            "scene2": {"domain": {"x": [0.5, 1]}, "dragmode": "turntable"},
            "height": 400,
            **layout,
        },
        "config": CONFIG,
    }


@pytest.fixture
def space(watch, tmp_path):
    """Open a page with a figure in space, drawn."""

    def space(figure=None, **options):
        page = drawn(watch, tmp_path, {"A square on the floor.": figure or in_space()}, **options)
        page.locator(".lb-plotly[data-drawn]").wait_for()
        return page

    return space


def eye(page, scene="scene"):
    return page.evaluate("scene => document.querySelector('.js-plotly-plot').layout[scene].camera?.eye", scene)


def turned(start, degrees):
    angle = math.radians(degrees)
    x, y = start["x"], start["y"]
    return {
        "x": pytest.approx(x * math.cos(angle) - y * math.sin(angle)),
        "y": pytest.approx(x * math.sin(angle) + y * math.cos(angle)),
        "z": pytest.approx(start["z"]),
    }


def test_keys_turn_all_scenes_and_say_by_how_much(space):
    page = space()
    control = page.get_by_label("turn", exact=True)
    control.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert control.get_attribute("aria-valuetext") == page.locator("output").inner_text() == "30°"
    assert eye(page) == turned(EYE, 30)
    assert eye(page, "scene2") == turned({"x": 1.25, "y": 1.25, "z": 1.25}, 30)
    control.press("Home")
    assert control.get_attribute("aria-valuetext") == "−180°"
    assert eye(page) == turned(EYE, -180)


def test_what_is_drawn_turns_too(space):
    page = space()
    scene = page.locator(".gl-container canvas").first
    before = scene.screenshot()
    page.get_by_label("turn", exact=True).press("End")
    page.wait_for_timeout(300)
    assert scene.screenshot() != before


def test_the_pointer_turns_one_scene_and_keys_go_on_from_there(space):
    page = space()
    box = page.locator(".gl-container canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=5)
    page.mouse.up()
    page.wait_for_function("Math.abs(document.querySelector('.js-plotly-plot').layout.scene.camera.eye.y) > 0.1")
    left = eye(page)
    assert eye(page, "scene2") is None
    page.get_by_label("turn", exact=True).press("ArrowLeft")
    assert eye(page) == turned(left, -3)


def test_a_figure_that_is_painted_anew_stays_turned(space):
    page = space()
    page.get_by_label("turn", exact=True).press("End")
    before = page.evaluate("document.querySelector('.js-plotly-plot').layout.font.color")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    # It is painted, dressed in the ink of the theme, and then turned.
    page.wait_for_function(
        """ink => { const { font, meta } = document.querySelector('.js-plotly-plot').layout;
        return font?.color && font.color !== ink && meta?.turned; }""",
        arg=before,
    )
    assert eye(page) == turned(EYE, 180)
    assert page.locator("output").inner_text() == "180°"


def test_the_wheel_scrolls_the_page_and_zooms_nothing(space):
    page = space()
    box = page.locator(".gl-container canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 100")
    assert eye(page) == EYE


def test_a_finger_on_the_figure_scrolls_the_page(space):
    page = space(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    box = page.locator(".gl-container canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"]
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 13):
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 15 * step}]})
        page.wait_for_timeout(16)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("scrollY > 100")
    assert eye(page) == EYE


FLAT = {"data": [{"type": "scatter", "x": [1, 2], "y": [1, 2]}], "layout": {}}
NO_WEBGL = """<script>const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return /webgl/.test(kind) ? null : get.call(this, kind, ...more); };</script>"""


def test_without_webgl_a_sentence_stands_in_place_of_the_figure(watch, tmp_path):
    watch.expected.append("needs WebGL")
    figures = {"A square on the floor.": in_space(), "Two dots.": FLAT}
    page = drawn(watch, tmp_path, figures, head=NO_WEBGL)
    # What needs none is drawn all the same.
    page.locator(".lb-plotly[data-drawn]").wait_for()
    place = page.locator(".lb-plotly").first
    words = place.locator(".lb-kernel").inner_text()
    assert words.startswith("This figure could not be drawn (it needs WebGL")
    assert words.endswith("It shows: A square on the floor.")
    # The sentence, and no empty place below it.
    assert place.bounding_box()["height"] < 120
    assert place.locator("input").count() == 0


def test_what_is_flat_has_nothing_to_turn(watch, tmp_path):
    page = drawn(watch, tmp_path, {"Two dots.": FLAT})
    page.locator(".lb-plotly[data-drawn]").wait_for()
    assert page.locator("input").count() == 0
