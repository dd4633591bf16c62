"""The clock: its images against the decoder, its circles in a page from disk, what it tells and what it hears."""

import math

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from latentbook.core import seeded
from latentbook.press.widgets import Clock
from tests.pages import hosted
from tests.press.widgets.test_explorer_page import saved

# Weights travel in half precision.
ROUNDED = {"atol": 2e-3, "rtol": 0}


def decoder(inputs=4):
    with seeded(0):
        return nn.Sequential(nn.Linear(inputs, 12), nn.Tanh(), nn.Linear(12, 16), nn.Sigmoid())


def clock(**more):
    return Clock(decoder(), shape=(4, 4), **more)


def image(a, b):
    code = torch.tensor([math.cos(a), math.sin(a), math.cos(b), math.sin(b)], dtype=torch.float64)
    return decoder().double()(code).detach()


class Shown:
    """A clock on a page."""

    def __init__(self, page, index=0):
        self.page, self.index = page, index
        self.rest()

    def rest(self):
        self.page.locator(".clock:not([data-busy])").nth(self.index).wait_for()
        return self

    def js(self, words, argument=None):
        """Evaluate with the clock as ``c``."""
        self.rest()
        place = f"document.querySelectorAll('.clock-dials')[{self.index}].clock"
        return self.page.evaluate(f"(given) => {{ const c = {place}; return {words}; }}", argument)

    @property
    def degrees(self):
        return [math.degrees(angle) for angle in self.js("c.angles")]

    def ring(self, which):
        return self.page.locator(".handle").nth(2 * self.index + which)

    def press(self, key, times=1):
        for _ in range(times):
            self.page.keyboard.press(key)
        return self.rest()

    def on_dial(self, which, degrees, share=0.27):
        """Where an angle is on the screen, so far from the middle."""
        box = self.page.locator(".dial").nth(2 * self.index + which).bounding_box()
        angle, radius = math.radians(degrees), share * box["width"]
        return (
            box["x"] + box["width"] / 2 + radius * math.sin(angle),
            box["y"] + box["height"] / 2 - radius * math.cos(angle),
        )


@pytest.fixture
def shown(watch, tmp_path):
    """Show a clock, as often as its model is viewed, on a page of its own."""

    def show(widget=None, views=1, **options):
        page = hosted(watch, tmp_path, {"0": saved(widget or clock())}, ["0"] * views, **options)
        return [Shown(page, index) for index in range(views)] if views > 1 else Shown(page)

    return show


# ---- numbers ----


@pytest.mark.browser
def test_angles_their_codes_and_places(run):
    found = run(["circles.js"], "(m) => [m.codeOf([0.5, -2]), m.onDial(Math.PI / 2), m.onDial(0)]")
    assert found[0] == pytest.approx([math.cos(0.5), math.sin(0.5), math.cos(-2), math.sin(-2)], abs=1e-15)
    # Three o'clock is right, twelve is up.
    assert [*found[1], *found[2]] == pytest.approx([1, 0, 0, 1], abs=1e-15)
    angles = [0.0, 1.0, 3.2, 6.28]
    back = run(["circles.js"], "(m, angles) => angles.map((angle) => m.angleAt(m.onDial(angle)))", angles)
    assert back == pytest.approx(angles, abs=1e-14)
    call = "(m) => [-0.1, 7, 2 * Math.PI].map((angle) => m.onceRound(angle))"
    assert run(["circles.js"], call) == pytest.approx([2 * math.pi - 0.1, 7 - 2 * math.pi, 0], abs=1e-14)
    assert run(["circles.js"], "(m) => [-Math.PI / 2, 2 * Math.PI - 1e-4].map(m.inWholeDegrees)") == [270, 0]


@pytest.mark.browser
def test_all_images_are_the_decoder_s(shown):
    shown_clock = shown(clock(angles=(5.3, 0.9)))
    for _ in range(2):
        a, b = shown_clock.js("c.angles")
        found = torch.tensor(shown_clock.js("[...c.pane.values]"))
        torch.testing.assert_close(found, image(a, b), check_dtype=False, **ROUNDED)
        rims = shown_clock.js("c.rims.map((rim) => rim.map((values) => [...values]))")
        stops = [i * math.pi / 6 for i in range(12)]
        for rim, codes in zip(rims, ([(s, b) for s in stops], [(a, s) for s in stops]), strict=True):
            expected = torch.stack([image(*code) for code in codes])
            torch.testing.assert_close(torch.tensor(rim), expected, check_dtype=False, **ROUNDED)
        # One circle turns; the images around it stay, those around the other one do not.
        shown_clock.page.mouse.click(*shown_clock.on_dial(1, 200))


# ---- the reader ----


@pytest.mark.browser
def test_a_circle_is_turned_by_pointer_and_the_other_stays(shown):
    one = shown(clock(angles=(0.0, 1.0)))
    one.js("(c.model.save_changes = () => (window.told = (window.told ?? 0) + 1), 0)")
    one.page.mouse.move(*one.on_dial(0, 0))
    one.page.mouse.down()
    one.page.mouse.move(*one.on_dial(0, 60), steps=5)
    # Further out and further in the angle is the same.
    one.page.mouse.move(*one.on_dial(0, 120, share=0.45), steps=5)
    assert one.page.evaluate("window.told") is None
    one.page.mouse.up()
    assert one.degrees == pytest.approx([120, math.degrees(1)], abs=1)
    assert one.page.evaluate("window.told") == 1
    assert one.ring(0).get_attribute("aria-valuetext") == "120°"
    assert "120°" in one.page.locator(".spoken").text_content()
    dot = one.ring(0).locator(".dot").bounding_box()
    middle = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    assert middle == pytest.approx(one.on_dial(0, 120), abs=2)
    # A click goes where it is, on the images around the circle too; one on the ring nowhere.
    one.page.mouse.click(*one.on_dial(1, 270, share=0.42))
    assert one.degrees[1] == pytest.approx(270, abs=1)
    one.page.mouse.click(*one.on_dial(1, 274))
    assert one.degrees[1] == pytest.approx(270, abs=1)


@pytest.mark.browser
def test_a_circle_is_turned_by_keys(shown):
    one = shown(clock(angles=(0.0, 1.0)))
    one.page.evaluate("addEventListener('keydown', ({ key }) => (window.heard ||= key !== 'Tab'))")
    one.ring(0).focus()
    one.press("ArrowLeft").press("Shift+ArrowUp").press("PageUp")
    assert one.degrees == pytest.approx([40, math.degrees(1)])
    one.press("Tab").press("ArrowRight", 2)
    assert one.degrees == pytest.approx([40, 67])
    assert one.press("Home").degrees == pytest.approx([40, 0])
    assert not one.page.evaluate("window.heard")
    assert one.js("c.model.get('angles')") == one.js("c.angles")
    assert one.ring(1).evaluate("(e) => getComputedStyle(e.querySelector('.reach')).stroke") != "none"


@pytest.mark.browser
def test_a_touch_that_becomes_a_scroll_is_taken_back(shown):
    one = shown(viewport={"width": 390, "height": 800}, has_touch=True)
    assert one.page.locator(".dial").first.evaluate("(e) => getComputedStyle(e).touchAction") == "pan-y"
    assert one.ring(0).evaluate("(e) => getComputedStyle(e).touchAction") == "none"
    before = one.degrees
    touch = """(c.dials[0].place.dispatchEvent(new PointerEvent(given[0],
        { pointerId: 7, clientX: given[1], clientY: 300, bubbles: true, pointerType: "touch" })), 0)"""
    one.js(touch, ["pointerdown", 50])
    one.js(touch, ["pointermove", 90])
    assert one.degrees != before
    one.js(touch, ["pointercancel", 90])
    assert one.degrees == before


@pytest.mark.browser
def test_two_views_of_one_model_follow_each_other_and_the_kernel(shown):
    one, other = shown(views=2)
    other.page.mouse.click(*other.on_dial(0, 90))
    assert one.degrees == other.rest().degrees
    assert one.degrees[0] == pytest.approx(90, abs=1)
    one.js("c.model.set('angles', [1, -1])")
    assert other.degrees == pytest.approx([math.degrees(1), -math.degrees(1)])
    assert other.ring(1).get_attribute("aria-valuetext") == "303°"
    other.page.evaluate("(window.gone = document.querySelector('.clock-dials').clock).close()")
    Shown(other.page).ring(0).press("ArrowRight")
    assert other.page.evaluate("gone.angles") == [1, -1]
    assert other.page.locator(".clock").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(shown, width, scheme):
    one = shown(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.page.locator(f".{name}").first.bounding_box() for name in ("dial", "middle")]
    assert (boxes[1]["y"] + boxes[1]["height"] <= boxes[0]["y"]) == (width == 390)
    for reach in one.page.locator(".reach").all():
        assert reach.bounding_box()["height"] >= 24
    # Something is drawn on each canvas.
    for canvas in one.page.locator(".clock canvas").all():
        drawn = """(canvas) => new Set(canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 3)).size"""
        assert canvas.evaluate(drawn) > 8


@pytest.mark.browser
def test_without_its_data_it_says_so(watch, tmp_path):
    state = saved(clock())
    state["state"]["content"] = {}
    page = hosted(watch, tmp_path, {"0": state}, ["0"])
    page.get_by_text("This clock was saved without its data: run its cell again.").wait_for()


# ---- Python ----


def test_angles_are_two_numbers(unchecked):
    one = clock(angles=np.array([1.0, 2.0]))
    one.angles = torch.tensor([0.5, -4.0])
    assert one.angles == [0.5, -4.0]
    for value in ([1.0], [1.0, math.nan], "ab", [[1.0], [2.0, 3.0]]):
        with pytest.raises(traitlets.TraitError, match=r"`angles` is .* but there are two circles"):
            one.angles = value


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`decoder` takes 2 numbers, but a point of S\^1 x S\^1 is 2 \+ 2"):
        Clock(decoder(2), shape=(4, 4))
    with pytest.raises(ValueError, match="which is no image"):
        Clock(decoder())
    with pytest.raises(ValueError, match=r"`names` is .* but there are two circles"):
        clock(names=("one", "two", "three"))
    with pytest.raises(TypeError, match="`decoder` is of type NoneType"):
        Clock(None)
