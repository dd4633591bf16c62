"""The built pages in Chromium: whole without network, from disk and over http, by keyboard, on a phone, in the dark."""

import contextlib
import functools
import gzip
import http.server
import json
import os
import re
import shutil
import threading
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from playwright.sync_api import sync_playwright

from latentbook.press import claims

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PAGES = ["index", "book/intro", "book/1-least-volume", "book/references", "book/status"]
CHAPTER = "book/1-least-volume"

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


@pytest.fixture(scope="session")
def browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("LATENTBOOK_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium: apt-get install chromium, or set LATENTBOOK_CHROMIUM=/path/to/chrome"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, smoke_book):
    """Open a page of the smoke book; the test fails on any request off the machine and on any error in the console."""
    faults, contexts = [], []

    def visit(name, *, base=None, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        local = ("file:", "blob:", "data:", "http://127.0.0.1:")

        def route(route):
            if route.request.url.startswith(local):
                route.continue_()
            else:
                faults.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
        page.goto(f"{base or smoke_book.absolute().as_uri()}/{name}.html")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture(scope="module")
def server(smoke_book):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(smoke_book))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def draw_all(page):
    """Scroll to every figure, and wait until it is drawn with marks in it."""
    for figure in page.locator(".lb-plotly").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".main-svg").first.wait_for()
        figure.and_(page.locator("[data-drawn]")).wait_for()
        assert figure.locator(".trace, .hm, .points path, .bars path").count() > 0
        assert len(figure.get_attribute("aria-label")) > 20


@pytest.mark.parametrize("carrier", ["disk", "http"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_network(visit, server, name, carrier):
    page = visit(name, base=server if carrier == "http" else None)
    draw_all(page)
    page.wait_for_load_state("networkidle")
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("article h1").count() == 1


def test_the_chapter_has_equations_figures_and_claims(visit):
    page = visit(CHAPTER)
    page.locator("mjx-container").first.wait_for()
    assert page.locator(".lb-plotly").count() == 3
    assert page.locator(".lb-claim").count() == 5
    assert page.locator(".lb-provenance").count() == 1
    assert "steps in" in page.locator("body").inner_text()
    assert page.locator("text=Injected").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_images_have_alt_text(visit, name):
    page = visit(name)
    for image in page.locator("article img, article figure svg").all():
        named = (
            image.get_attribute("alt") or image.get_attribute("aria-label") or image.get_attribute("aria-labelledby")
        )
        assert named


@pytest.mark.parametrize("name", PAGES)
def test_a_first_visit_is_at_most_three_and_a_half_megabytes(visit, name):
    page = visit(name)
    draw_all(page)
    page.wait_for_load_state("networkidle")
    files = {Path(unquote(urlparse(url).path)) for url in page.requested if url.startswith("file:")}
    weight = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    assert weight <= 3.5e6


# ---- the slider ----


@pytest.fixture
def slider(visit):
    page = visit(CHAPTER)
    figure = page.locator(".lb-plotly").first
    figure.locator(".main-svg").first.wait_for()
    figure.and_(page.locator("[data-drawn]")).wait_for()
    return page, figure, figure.locator(".lb-range")


def reading(figure):
    return figure.locator("output").inner_text(), figure.locator(".lb-words").inner_text()


def bars(page):
    return page.evaluate("[...document.querySelector('.lb-plotly .js-plotly-plot').data[0].marker.color]")


def test_the_slider_stands_above_the_fold_with_its_picture(slider):
    _, figure, control = slider
    assert control.bounding_box()["y"] < 400
    box = figure.bounding_box()
    assert box["y"] + box["height"] <= 800 + 60


def test_the_slider_answers_the_keyboard(slider):
    page, figure, control = slider
    assert reading(figure)[0] == "0.03"
    control.focus()
    before = bars(page)
    for key in ("ArrowRight", "ArrowRight"):
        control.press(key)
    assert reading(figure)[0] == "0.1"
    assert control.get_attribute("aria-valuetext").startswith("λ = 0.1. ")
    page.wait_for_function(
        "before => JSON.stringify(before) !== "
        "JSON.stringify(document.querySelector('.lb-plotly .js-plotly-plot').data[0].marker.color)",
        arg=before,
    )
    control.press("End")
    assert reading(figure)[0] == "0.3"
    assert "collapsed" in reading(figure)[1]
    control.press("Home")
    assert reading(figure)[0] == "0.003"


def test_the_slider_answers_the_pointer(slider):
    page, figure, control = slider
    figure.locator(".lb-tick", has_text=re.compile("^0.05$")).click()
    assert reading(figure)[0] == "0.05"
    box = control.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    assert reading(figure)[0] == "0.3"


def test_the_words_say_what_the_chapter_measured(slider, smoke_notebooks):
    _, figure, _ = slider
    said = {name: value for _, name, value in claims.record(smoke_notebooks["1-least-volume"])}
    words = reading(figure)[1]
    assert words.startswith(f"{said['least-volume-dimensions']:.0f} of 32 dimensions")
    assert f"error {said['least-volume-error']:.2f}" in words


def test_drawn_bars_are_the_widths_of_the_frame(slider):
    """The heights on screen are proportional to the numbers of the frame that the slider names."""
    page, _, control = slider
    control.press("Home")
    page.wait_for_timeout(200)
    heights = page.evaluate("[...document.querySelectorAll('.lb-plotly .bars path')].map(p => p.getBBox().height)")
    values = page.evaluate(
        """() => { const f = JSON.parse(document.querySelector('.lb-plotly script').textContent).frames[0].data[0].y;
        if (Array.isArray(f)) return f;
        const raw = Uint8Array.from(atob(f.bdata), c => c.charCodeAt(0)).buffer;
        return [...(f.dtype === 'f8' ? new Float64Array(raw) : new Float32Array(raw))]; }"""
    )
    assert len(heights) == len(values) == 32
    scale = heights[0] / values[0]
    for height, value in zip(heights, values, strict=True):
        assert abs(height - scale * value) < 1.0


# ---- themes and narrow screens ----


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(visit, name):
    page = visit(name, viewport={"width": 390, "height": 800})
    draw_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_phone_has_its_own_shape_of_the_figure(visit):
    page = visit(CHAPTER, viewport={"width": 390, "height": 800})
    draw_all(page)
    domain = "document.querySelector('.lb-plotly .js-plotly-plot').layout.xaxis.domain[1]"
    assert page.evaluate(domain) == 1
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(f"{domain} < 0.6")


def test_a_window_that_narrows_does_not_scroll_sideways(visit):
    page = visit(CHAPTER)
    draw_all(page)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_figures_take_the_ink_of_the_theme(visit):
    page = visit(CHAPTER, color_scheme="dark")
    draw_all(page)
    ink = "document.querySelector('.lb-plotly .js-plotly-plot').layout.font.color"
    dark = page.evaluate(ink)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(f"{ink} !== '{dark}'")


def test_every_control_is_reached_by_the_tab_key(visit):
    page = visit(CHAPTER)
    draw_all(page)
    page.evaluate("scrollTo(0, 0)")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.className"))
    assert any("lb-range" in name for name in seen)
    assert any("theme-switch" in name for name in seen)


# ---- widgets: the host mounts what a kernel would have saved ----

WIDGET = """
export default { render({ model, el }) {
  const button = document.createElement("button");
  const bytes = () => new Uint8Array(model.get("data").buffer).join();
  const say = () => button.textContent = `count ${model.get("count")} bytes ${bytes()}`;
  model.on("change:count", say);
  button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
  say(); el.append(button);
} };"""
HOSTED = """<!doctype html><title>Widgets</title><body>
<script type="{view}">{{"model_id": "a"}}</script><script type="{view}">{{"model_id": "b"}}</script>
<script type="application/vnd.jupyter.widget-state+json">{state}</script><script src="{host}"></script>"""


def test_a_saved_anywidget_lives_and_others_say_what_they_need(visit, smoke_book, tmp_path):
    alive = {
        "model_module": "anywidget",
        "state": {"_esm": WIDGET, "count": 3, "data": None},
        "buffers": [{"path": ["data"], "data": "AQID", "encoding": "base64"}],
    }
    other = {"model_module": "@jupyter-widgets/controls", "state": {}}
    state = json.dumps({"state": {"a": alive, "b": other}})
    host = (smoke_book.absolute() / "_static" / "host.js").as_uri()
    (tmp_path / "widget.html").write_text(
        HOSTED.format(state=state, host=host, view="application/vnd.jupyter.widget-view+json")
    )
    page = visit("widget", base=tmp_path.as_uri())
    button = page.locator(".lb-widget button")
    button.wait_for()
    assert button.inner_text() == "count 3 bytes 1,2,3"
    button.click()
    assert button.inner_text() == "count 4 bytes 1,2,3"
    assert "needs a running kernel" in page.locator(".lb-kernel").inner_text()


def test_the_pages_of_make_book_are_left_alone(smoke_book):
    """Tests build beside them: the two links never point to one tree."""
    html = smoke_book.with_name("html")
    with contextlib.suppress(FileNotFoundError):
        assert html.readlink() != smoke_book.readlink()
    assert smoke_book.readlink().name.startswith("smoke-")
