"""The trader: its numbers against the package's, its controls in a page from disk, what it tells and what it hears."""

import itertools
import math

import pytest
import traitlets

from latentbook.information import linear_gaussian
from latentbook.press.widgets import RateTrader
from tests.pages import hosted

WEIGHTS = [0.1, 0.4, 1.0, 3.0, 10.0]
NAMES = ("R2", "R1", "D")


@pytest.fixture
def shown(watch, tmp_path):
    """Show traders, views of one model each time it is named, on a page of their own."""

    def show(*widgets, views=None, **options):
        widgets = widgets or (RateTrader(),)
        states = {str(i): {"model_module": "anywidget", "state": w.get_state()} for i, w in enumerate(widgets)}
        page = hosted(watch, tmp_path, states, views or list(states), **options)
        page.locator(".trader").first.wait_for()
        return page

    return show


def numbers(page, index=0):
    return [float(words) for words in page.locator(".shares").nth(index).locator("dd").all_inner_texts()]


def slider(page, name, index=0):
    return page.get_by_label(name).nth(index)


def dot(page, index=0):
    circle = page.locator("svg .dot").nth(index)
    return float(circle.get_attribute("cx")), float(circle.get_attribute("cy"))


# ---- numbers ----


@pytest.mark.browser
@pytest.mark.parametrize("v", [0.5, 3.0, 6.0])
def test_the_page_computes_what_the_package_does(run, v):
    cells = list(itertools.product(WEIGHTS, WEIGHTS))
    found = run(["exact.js"], "(m, cells, v) => cells.map(([b, c]) => m.linearGaussian(b, c, v))", cells, v)
    for (beta_1, beta_2), terms in zip(cells, found, strict=True):
        expected = [value.item() for value in linear_gaussian(beta_1, beta_2, v).values()]
        assert [terms[name] for name in NAMES] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.browser
def test_weights_are_at_equal_ratios(run):
    found = run(["exact.js"], "(m) => m.weightsBetween([0.1, 10], 5)")
    assert found == pytest.approx([0.1, 10**-0.5, 1, 10**0.5, 10])
    assert run(["exact.js"], "(m) => m.dataEntropy(3)") == pytest.approx(1.968245, abs=6e-7)


@pytest.mark.browser
def test_what_is_shown_is_the_closed_form(shown):
    page = shown(RateTrader(10.0, 1.0))
    terms = [value.item() for value in linear_gaussian(10.0, 1.0).values()]
    # Three figures.
    assert numbers(page) == pytest.approx([*terms, sum(terms)], rel=5e-3)
    assert "0.425" in page.locator(".trader svg").get_attribute("aria-label")
    boxes = [page.locator(f".bar .{name}").bounding_box()["width"] for name in NAMES]
    total = sum(terms)
    # Within two pixels, which part them.
    assert boxes == pytest.approx([sum(boxes) * term / total for term in terms], abs=2)
    mark = page.locator(".mark").bounding_box()["x"] - page.locator(".bar").bounding_box()["x"]
    assert mark < sum(boxes)


# ---- the reader ----


@pytest.mark.browser
def test_a_slider_moves_the_point_by_key_and_by_pointer(shown):
    page = shown()
    before, (x, y) = numbers(page), dot(page)
    lines = {name: page.locator(f"polyline.{name}:not(.net)") for name in ("above", "below")}
    drawn = {name: line.get_attribute("points") for name, line in lines.items()}
    beta_1 = slider(page, "β₁, next to the data")
    beta_1.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert float(beta_1.get_attribute("aria-valuetext").split(" = ")[1]) == pytest.approx(10**0.5, rel=5e-3)
    after = numbers(page)
    # Information is traded: less below, more above.
    assert after[0] > before[0]
    assert after[1] < before[1]
    assert dot(page)[0] > x
    assert dot(page)[1] > y
    box = slider(page, "β₂, the top layer").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    assert numbers(page)[0] < 0.1
    assert len(page.locator(".trail").get_attribute("points").split()) > 20
    for name, line in lines.items():
        points = line.get_attribute("points")
        assert points != drawn[name]
        # The point lies on both curves, between two of their corners.
        corners = [tuple(map(float, pair.split(","))) for pair in points.split()]
        assert min(math.dist(corner, dot(page)) for corner in corners) < 25


@pytest.mark.browser
@pytest.mark.parametrize(("below", "above"), [("Home", "Home"), ("Home", "End"), ("End", "Home"), ("End", "End")])
def test_all_weights_are_within_the_drawing(shown, below, above):
    page = shown()
    slider(page, "β₁, next to the data").press(below)
    slider(page, "β₂, the top layer").press(above)
    ends = {"Home": 0.1, "End": 10.0}
    terms = [value.item() for value in linear_gaussian(ends[below], ends[above]).values()]
    assert numbers(page) == pytest.approx([*terms, sum(terms)], rel=5e-3, abs=6e-5)
    frame, point = page.locator(".trader svg").bounding_box(), page.locator(".dot").bounding_box()
    assert frame["x"] <= point["x"]
    assert point["x"] + point["width"] <= frame["x"] + frame["width"]
    assert frame["y"] <= point["y"]
    shares, filled = page.locator(".bar").bounding_box(), page.locator(".part.D").bounding_box()
    assert filled["x"] + filled["width"] <= shares["x"] + shares["width"] + 0.5


@pytest.mark.browser
def test_keys_stay_in_the_widget(shown):
    page = shown()
    page.evaluate("addEventListener('keydown', () => (window.heard = true))")
    slider(page, "β₁, next to the data").press("ArrowRight")
    assert page.evaluate("window.heard") is None


@pytest.mark.browser
def test_the_kernel_is_told_once_the_reader_lets_go(shown):
    page = shown()
    told = """(words) => { const { trader } = document.querySelector(".rate-trader");
        const save = trader.model.save_changes.bind(trader.model);
        trader.model.save_changes = () => { window.told = (window.told ?? 0) + 1; save(); }; }"""
    page.evaluate(told)
    box = slider(page, "β₁, next to the data").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(10):
        page.mouse.move(box["x"] + box["width"] / 2 + 5 * step, box["y"] + box["height"] / 2)
    assert page.evaluate("window.told") is None
    page.mouse.up()
    assert page.evaluate("window.told") == 1
    assert "rate of the top layer" in page.locator(".spoken").text_content()


@pytest.mark.browser
def test_two_views_of_one_model_follow_each_other(shown):
    page = shown(RateTrader(), views=["0", "0"])
    slider(page, "β₂, the top layer", 1).press("ArrowLeft")
    assert numbers(page, 0) == numbers(page, 1)
    assert dot(page, 0) == dot(page, 1)
    page.evaluate("""(window.gone = document.querySelector(".rate-trader").trader).close()""")
    before = page.evaluate("gone.weights.beta_2")
    slider(page, "β₂, the top layer").press("ArrowLeft")
    assert page.locator(".trader").count() == 1
    assert page.evaluate("gone.weights.beta_2") == before


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(shown, width, scheme):
    page = shown(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for thumb in page.locator("input[type=range]").all():
        assert thumb.bounding_box()["height"] >= 24
    plane, side = page.locator(".trader svg").bounding_box(), page.locator(".side").bounding_box()
    assert (plane["y"] >= side["y"] + side["height"]) == (width == 390)


@pytest.mark.browser
def test_without_its_data_it_says_so(watch, tmp_path):
    state = {"model_module": "anywidget", "state": RateTrader().get_state() | {"content": {}}}
    page = hosted(watch, tmp_path, {"0": state}, ["0"])
    page.get_by_text("This trader was saved without its data: run its cell again.").wait_for()


# ---- Python ----


def test_weights_are_within_the_span():
    trader = RateTrader(0.5, 2.0, span=(0.5, 2.0))
    trader.beta_1 = 2
    assert (trader.beta_1, trader.beta_2) == (2.0, 2.0)
    with pytest.raises(traitlets.TraitError, match=r"`beta_1` is 2.5, but the sliders go from 0.5 to 2.0"):
        trader.beta_1 = 2.5
    with pytest.raises(traitlets.TraitError, match="`beta_2` is nan"):
        RateTrader(1.0, float("nan"))


@pytest.mark.parametrize("span", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (1.0, float("inf"))])
def test_a_span_that_is_none_is_refused(span):
    with pytest.raises(ValueError, match=r"`span` is .* but goes from a weight above 0 to a larger, finite one"):
        RateTrader(span=span)


@pytest.mark.parametrize("variance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_variance_that_is_none_is_refused(variance):
    with pytest.raises(ValueError, match="`data_variance` is"):
        RateTrader(data_variance=variance)
