"""The built pages in a reader's hands: narrow, by finger, by keyboard, in the dark; what is cut shows that it is."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pages import draw_all

BOOK = Path(__file__).parents[1] / "book"
CHAPTER = "book/1-least-volume"
PHONE = {"viewport": {"width": 390, "height": 800}}

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


@pytest.fixture
def phone(visit):
    return visit(CHAPTER, **PHONE)


# ---- what is too wide ----


def test_numbered_formulas_fit_a_phone_and_their_numbers_take_no_width(phone):
    phone.locator("mjx-container").first.wait_for()
    formulas = phone.locator("div.math", has=phone.locator(".eqno")).all()
    assert len(formulas) >= 3
    for formula in formulas:
        assert formula.locator("mjx-container").evaluate("it => it.scrollWidth - it.clientWidth") <= 0
        drawn, number = formula.locator("svg").first.bounding_box(), formula.locator(".eqno").bounding_box()
        assert number["y"] >= drawn["y"] + drawn["height"] - 1
        assert drawn["x"] >= 0
        assert drawn["x"] + drawn["width"] <= 390


def edges(element):
    """Mean brightness at the left and at the right edge of what is drawn, from 0 to 1."""
    pixels = np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("L")) / 255
    return pixels[:, 2].mean(), pixels[:, -3].mean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wide_code_is_shaded_where_there_is_more_of_it(visit, scheme):
    page = visit(CHAPTER, color_scheme=scheme, viewport={"width": 390, "height": 800})
    # Empty, so that only its ground is seen.
    page.add_style_tag(
        content=".cell_input pre { color: transparent !important } .cell_input pre * { color: inherit !important }"
    )
    code = page.locator(".cell.tag_parameters pre")
    assert code.evaluate("it => it.scrollWidth > it.clientWidth + 20")
    paper = edges(page.locator("article h1"))[1]
    left, right = edges(code)
    assert abs(left - paper) < 0.02
    assert abs(right - paper) > 0.05
    code.evaluate("it => it.scrollLeft = it.scrollWidth")
    left, right = edges(code)
    assert abs(left - paper) > 0.05
    assert abs(right - paper) < 0.02


def test_results_in_text_wrap_on_a_phone(phone):
    assert phone.locator(".cell_output pre").count() >= 5
    assert phone.evaluate(
        "[...document.querySelectorAll('.cell_output pre')].every(it => it.scrollWidth <= it.clientWidth)"
    )


def test_what_training_said_is_in_the_fold_and_wraps_on_a_phone(phone):
    notes = phone.locator(".lb-progress")
    folded = phone.locator("details .lb-progress")
    assert folded.count() >= 4
    assert not folded.first.is_visible()
    phone.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    for note in notes.all():
        box = note.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert note.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_every_cell_of_the_status_table_is_on_a_phone_s_screen(visit):
    page = visit("book/status", **PHONE)
    cells, rows = page.locator("#status td").all(), page.locator("#status tbody tr").count()
    assert rows == len(list(BOOK.glob("*.ipynb")))
    assert len(cells) == 9 * rows
    for cell in cells:
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= 390
    assert "claims" in page.locator("#status thead th").nth(1).text_content()


def test_a_claim_s_band_says_what_it_is(visit):
    for width, shown in ((390, True), (1280, False)):
        page = visit(CHAPTER, viewport={"width": width, "height": 800})
        words = page.locator(".lb-claim-word")
        assert words.count() == page.locator('.lb-claim[data-verdict="inside"]').count() > 0
        assert all(word.is_visible() == shown for word in words.all())


# ---- order, names and stops ----


def test_no_formula_is_a_stop_of_the_tab_key(visit):
    page = visit(CHAPTER)
    page.locator("mjx-container").first.wait_for()
    page.wait_for_function("document.querySelectorAll('mjx-container').length > 30")
    assert page.locator("mjx-container[tabindex]").count() == 0
    # What a screen reader reads is still there.
    assert page.locator("mjx-assistive-mml math").count() == page.locator("mjx-container").count()


def test_a_figure_comes_before_its_code(visit):
    page = visit(CHAPTER)
    cells = page.locator(".cell.tag_hide-input:has(.lb-plotly)").all()
    assert len(cells) == page.locator(".lb-plotly").count()
    for cell in cells:
        first = "it => it.querySelector('.lb-plotly').compareDocumentPosition(it.querySelector('summary'))"
        assert cell.evaluate(first) == 4  # DOCUMENT_POSITION_FOLLOWING
        figure, fold = cell.locator(".lb-plotly").bounding_box(), cell.locator("summary").bounding_box()
        assert fold["y"] >= figure["y"] + figure["height"]


def test_a_fold_says_what_is_in_it(visit):
    page = visit(CHAPTER)
    for kind, prompt in (("hide-input", "Show the code"), ("hide-cell", "Show a solution")):
        folds = page.locator(f".cell.tag_{kind} summary").all()
        assert folds
        assert {fold.inner_text() for fold in folds} == {prompt}
        # No other name stands over the words.
        assert page.locator(f".cell.tag_{kind} summary[aria-label]").count() == 0


def test_a_panel_is_one_line(visit):
    page = visit(CHAPTER)
    assert page.locator(".lb-panel").inner_text() == "This cell shows a panel in JupyterLab."
    assert "retraining_panel" not in page.locator("article").inner_text()


# ---- drawers, sliders, colours ----


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_a_drawer_closes_on_a_link_and_on_escape(phone, side):
    drawer = phone.locator(f"#pst-{side}-sidebar-modal")
    toggle = phone.locator(f".{side}-toggle:visible").first
    toggle.click()
    assert drawer.evaluate("it => it.open")
    phone.keyboard.press("Escape")
    assert not drawer.evaluate("it => it.open")
    toggle.click()
    drawer.locator("a[href^='#']").last.click()
    assert not drawer.evaluate("it => it.open")
    if side == "secondary":
        heading = phone.locator(f"{phone.evaluate('location.hash')} h2")
        phone.wait_for_function("scrollY > 500")
        assert 0 <= heading.bounding_box()["y"] < 400


def swipe(page, start, by):
    """Draw a finger over the page, as the browser's own protocol does it."""
    touch = page.context.new_cdp_session(page)
    places = [{"x": start[0] + by[0] * k / 10, "y": start[1] + by[1] * k / 10} for k in range(11)]
    for kind, place in zip(["touchStart", *["touchMove"] * 10], places, strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        page.wait_for_timeout(16)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)


def test_a_finger_that_scrolls_over_a_slider_leaves_its_value(visit):
    page = visit(CHAPTER, has_touch=True, is_mobile=True, **PHONE)
    page.locator(".lb-plotly[data-drawn]").first.wait_for()
    slider, output = page.locator(".lb-range").first, page.locator(".lb-slider output").first
    box, before = slider.bounding_box(), slider.input_value()
    start = (box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    swipe(page, start, (0, -150))
    page.wait_for_function("scrollY > 50")
    assert slider.input_value() == before
    assert output.inner_text() == "0.03"
    page.evaluate("scrollTo(0, 0)")
    swipe(page, start, (50, 0))
    assert slider.input_value() != before


def test_no_buttons_appear_over_a_figure(visit):
    page = visit(CHAPTER)
    draw_all(page)
    box = page.locator(".lb-plotly .main-svg").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    assert page.locator(".modebar-btn").count() == 0


def test_figures_take_the_colours_of_the_theme_and_keep_their_frame(visit):
    page = visit(CHAPTER, color_scheme="light")
    page.locator(".lb-plotly[data-drawn]").first.wait_for()
    page.locator(".lb-range").first.press("Home")
    bar = "getComputedStyle(document.querySelector('.lb-plotly .bars path')).fill"
    drawn = "JSON.stringify(document.querySelector('.lb-plotly .js-plotly-plot').data[0].y)"
    page.wait_for_function(f"{bar} === 'rgb(11, 114, 133)'")
    page.wait_for_function("document.querySelector('.lb-plotly .js-plotly-plot')._transitioning !== true")
    before = page.evaluate(drawn)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{bar} === 'rgb(79, 179, 196)'")
    page.wait_for_function(f"{drawn} === {before!r}")
    assert page.locator(".lb-slider output").first.inner_text() == "0.003"


def test_the_skip_link_has_the_book_s_accent(visit):
    page = visit(CHAPTER)
    accent = "rgb(11, 114, 133)"
    assert page.locator(".skip-link").evaluate("it => getComputedStyle(it).backgroundColor") == accent
