"""The built pages in Chromium: whole without network, from disk and over http, by keyboard, on a phone, in the dark."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from playwright.sync_api import expect

from latentbook.press import claims
from tests.pages import draw_all, hosted

BOOK = Path(__file__).parents[1] / "book"
PAGES = ["book/status", *(f"book/{file.stem}" for file in sorted(BOOK.glob("*.md")))]
CHAPTERS = [f"book/{file.stem}" for file in sorted(BOOK.glob("*.ipynb"))]
PAGES += CHAPTERS
CHAPTER, ISOMETRY, SPHERES = "book/1-least-volume", "book/2-isometry-ellipses", "book/5-hyperspherical-latents"

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


@pytest.mark.parametrize("carrier", ["disk", "http"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_network(visit, server, name, carrier):
    page = visit(name, base=server if carrier == "http" else None)
    draw_all(page)
    page.wait_for_load_state("load")
    # Formulas are set after that.
    page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
    assert page.locator("mjx-merror").count() == 0
    assert page.locator(".lb-kernel").count() == 0
    assert page.locator("article h1").count() == 1


@pytest.mark.parametrize("carrier", ["disk", "http"])
def test_the_index_leads_to_the_front_page(visit, server, carrier):
    page = visit("index", base=server if carrier == "http" else None)
    page.wait_for_url("**/book/intro.html")
    page.locator("article h1").wait_for()


def test_the_chapter_has_equations_figures_and_claims(visit):
    page = visit(CHAPTER)
    page.locator("mjx-container").first.wait_for()
    assert page.locator(".lb-plotly").count() == 13
    assert page.locator(".lb-claim").count() == 18
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


STATE = re.compile(r'<script type="application/vnd.jupyter.widget-state\+json">.*?</script>', re.DOTALL)


def packed(content):
    return len(gzip.compress(content, 6))


@pytest.mark.parametrize("name", PAGES)
def test_a_first_visit_is_at_most_three_and_a_half_megabytes(visit, name):
    page = visit(name)
    draw_all(page)
    if page.locator(".math").count():
        page.locator("mjx-container").first.wait_for()
    files = {Path(unquote(urlparse(url).path)) for url in page.requested if url.startswith("file:")}
    text = next(file for file in files if file.suffix == ".html").read_text()
    # What lives in the page weighs too, and is counted apart.
    bare = STATE.sub("", text).encode()
    assert packed(bare) + sum(packed(file.read_bytes()) for file in files if file.suffix != ".html") <= 3.5e6
    assert packed(text.encode()) - packed(bare) <= 0.9e6


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


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_lead_stands_above_the_fold(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 800})
    picture = page.locator(
        ".tag_lead :is(.lb-plotly[data-drawn] .main-svg, .explorer:not([data-busy]) .plane, .trader .dot,"
        " .sphere:not([data-busy]) .plane),"
        " .lb-lead .plane"
    )
    picture.first.wait_for()
    box = picture.first.bounding_box()
    assert box["y"] + box["height"] <= 800


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
    assert reading(figure)[0] == "0.5"
    assert "collapsed" in reading(figure)[1]
    control.press("Home")
    assert reading(figure)[0] == "0.003"


def test_the_slider_answers_the_pointer(slider):
    page, figure, control = slider
    figure.locator(".lb-tick", has_text=re.compile("^0.05$")).click()
    assert control.evaluate("(element) => element === document.activeElement")
    assert reading(figure)[0] == "0.05"
    box = control.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    assert reading(figure)[0] == "0.5"


def test_the_pruning_slider_answers_too(visit, smoke_notebooks):
    """Its first state is the model of the chapter, its last the mean image."""
    page = visit(CHAPTER)
    draw_all(page)
    figure = page.locator(".lb-plotly").filter(has=page.get_by_label("pruned", exact=True))
    said = {name: value for _, name, value in claims.record(smoke_notebooks["1-least-volume"])}
    assert reading(figure)[1].startswith(f"{said['least-volume-dimensions']:.0f} of 32 dimensions left")
    control = figure.locator(".lb-range")
    control.press("End")
    assert reading(figure) == ("32", reading(figure)[1])
    assert reading(figure)[1].startswith("0 of 32 dimensions left")
    box = control.bounding_box()
    page.mouse.click(box["x"] + 6, box["y"] + box["height"] / 2)
    assert reading(figure)[1].startswith("32 of 32 dimensions left")


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
    page.wait_for_function("document.querySelectorAll('.lb-plotly .bars path').length === 32")
    page.wait_for_function("document.querySelector('.lb-plotly .js-plotly-plot')._transitioning !== true")
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


def isometry_slider(visit):
    page = visit(ISOMETRY)
    figure = page.locator(".lb-plotly[aria-label^='A plane of codes in the colours']")
    figure.scroll_into_view_if_needed()
    figure.and_(page.locator("[data-drawn]")).wait_for()
    return page, figure


def test_the_isometry_slider_moves_codes_ellipses_and_strip_together(visit):
    page, figure = isometry_slider(visit)
    state = """() => { const plot = document.querySelector('.lb-plotly:has(.lb-range) .js-plotly-plot');
        return [...[0, 1, 2].map(k => JSON.stringify(plot.data[k].x)), plot.layout.images[0].source]; }"""
    control, before = figure.locator(".lb-range"), page.evaluate(state)
    assert reading(figure)[0] == "100"
    control.focus()
    control.press("Home")
    assert reading(figure)[0] == "0"
    assert control.get_attribute("aria-valuetext").startswith("λ = 0. condition number ")
    page.wait_for_function(f"before => ({state})().every((now, k) => now !== before[k])", arg=before)
    figure.locator(".lb-tick", has_text=re.compile("^100000$")).click()
    assert reading(figure)[0] == "100000"
    page.wait_for_function(f"before => ({state})().every((now, k) => now !== before[k])", arg=before)


def test_the_words_say_what_the_isometry_chapter_measured(visit, smoke_notebooks):
    _, figure = isometry_slider(visit)
    said = {name: value for _, name, value in claims.record(smoke_notebooks["2-isometry-ellipses"])}
    words = reading(figure)[1]
    assert words.startswith(f"condition number {said['isometry-condition']:.2f}")
    assert f"error {said['isometry-error']:.4f}" in words


# ---- the explorer, where the book has it ----


@pytest.mark.parametrize("name", ["book/intro", ISOMETRY])
@pytest.mark.parametrize("carrier", ["disk", "http"])
def test_the_explorer_lives_in_the_book(visit, server, name, carrier):
    page = visit(name, base=server if carrier == "http" else None)
    explorer = page.locator(".latent-explorer").first
    explorer.locator(".explorer:not([data-busy])").wait_for()
    z = explorer.locator("dd").first
    before = z.inner_text()
    explorer.locator(".handle.probe").press("ArrowRight")
    explorer.locator(".explorer:not([data-busy])").wait_for()
    assert z.inner_text() != before
    slider = explorer.locator("input[type=range]")
    assert slider.get_attribute("aria-valuetext").startswith("λ = 100. mean κ ")
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext").startswith("λ = 0. mean κ ")
    box, plane = (explorer.locator(part).bounding_box() for part in (".explorer", ".plane"))
    # Wider than the text, as figures are.
    assert box["width"] > 700
    assert plane["width"] > 350


def test_the_front_page_has_the_chapter_s_models(smoke_book):
    states = [
        json.loads(STATE.search((smoke_book / f"{name}.html").read_text())[0].partition(">")[2].rpartition("<")[0])[
            "state"
        ]
        for name in ("book/intro", ISOMETRY)
    ]
    (shown,) = states[0].items()
    assert states[1][shown[0]] == shown[1]


def test_the_readers_own_decoder_lives_in_the_chapter(visit):
    page = visit(ISOMETRY)
    explorer = page.locator(".latent-explorer").nth(1)
    explorer.scroll_into_view_if_needed()
    explorer.locator(".explorer:not([data-busy])").wait_for()
    assert explorer.locator(".pane").count() == 1
    assert "1,000" not in explorer.locator(".notes").inner_text()


# ---- the globe and the clock, where the book has them ----


def test_the_globes_live_in_the_chapter(visit):
    page = visit(SPHERES)
    for index, canvases in enumerate((1, 3)):
        globe = page.locator(".sphere").nth(index)
        globe.scroll_into_view_if_needed()
        globe.and_(page.locator(":not([data-busy])")).wait_for()
        slider = globe.locator("input[type=range]").first
        slider.press("Home")
        expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^κ = 0\."))
        slider.press("ArrowRight")
        expect(slider).not_to_have_attribute("aria-valuetext", re.compile(r"^κ = 0\."))
        # Its own, and what is decoded.
        assert globe.locator("canvas").count() == canvases


def test_the_clock_turns_in_the_chapter(visit):
    page = visit(SPHERES)
    clock = page.locator(".clock").first
    clock.scroll_into_view_if_needed()
    clock.and_(page.locator(":not([data-busy])")).wait_for()
    ring = clock.locator(".handle").first
    before = ring.get_attribute("aria-valuetext")
    ring.press("ArrowRight")
    expect(ring).not_to_have_attribute("aria-valuetext", before)


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


def test_keys_faster_than_frames_leave_the_picture_at_the_last_one(slider):
    page, figure, _ = slider
    page.evaluate(
        """() => { const input = document.querySelector(".lb-range");
        for (let value = 0; value < 8; value++) { input.value = value; input.dispatchEvent(new Event("input")); } }"""
    )
    assert reading(figure)[0] == "0.5"
    page.wait_for_function(
        """() => { const figure = JSON.parse(document.querySelector('.lb-plotly script').textContent);
        const frame = figure.frames.at(-1).data[0].marker.color.map(colour => figure.layout.meta.colours[colour][0]);
        const drawn = document.querySelector('.lb-plotly .js-plotly-plot').data[0].marker.color;
        return JSON.stringify(frame) === JSON.stringify(drawn); }"""
    )


FIGURE_PAGE = """<!doctype html><title>Figures</title><body><div class="lb-plotly" aria-label="A dot on a plain.">
<script type="application/json">{figure}</script></div><script src="{host}"></script>"""


@pytest.mark.parametrize(
    "layout",
    [{}, {"height": 300}, {"sliders": [{"steps": [{"label": "a", "method": "restyle", "args": ["opacity", 1]}]}]}],
    ids=["bare", "height only", "slider without frames"],
)
def test_plain_figures_are_drawn_too(visit, smoke_book, tmp_path, layout):
    figure = json.dumps({"data": [{"type": "scatter", "x": [1, 2], "y": [1, 2]}], "layout": layout})
    host = (smoke_book.absolute() / "_static" / "host.js").as_uri()
    (tmp_path / "figure.html").write_text(FIGURE_PAGE.format(figure=figure, host=host))
    page = visit("figure", base=tmp_path.as_uri())
    page.locator(".lb-plotly[data-drawn] .main-svg").first.wait_for()
    assert page.locator(".lb-plot").bounding_box()["height"] > 100


# ---- widgets: the host mounts what a kernel would have saved ----

WIDGET = """
export default { render({ model, el }) {
  const button = document.createElement("button");
  const bytes = () => new Uint8Array(model.get("data").buffer).join();
  const say = () => button.textContent = `count ${model.get("count")} bytes ${bytes()}`;
  const deaf = () => button.textContent = "should have been switched off";
  for (const event of ["change:count", "change:data"]) model.on(event, deaf);
  model.off("change:count", deaf); model.off("change:data");
  model.on("change:count", say);
  button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
  say(); el.append(button);
} };"""
BROKEN = "export default { render() { throw new Error('out of order'); } };"


def anywidget(source):
    buffers = [{"path": ["data"], "data": "AQID", "encoding": "base64"}]
    return {"model_module": "anywidget", "state": {"_esm": source, "count": 3, "data": None}, "buffers": buffers}


def test_a_saved_anywidget_lives_and_its_views_share_a_state(watch, tmp_path):
    page = hosted(watch, tmp_path, {"a": anywidget(WIDGET)}, ["a", "a"])
    first, second = page.locator(".lb-widget button").first, page.locator(".lb-widget button").last
    page.wait_for_function("document.querySelectorAll('.lb-widget button').length === 2")
    assert first.inner_text() == "count 3 bytes 1,2,3"
    first.click()
    assert first.inner_text() == second.inner_text() == "count 4 bytes 1,2,3"


def test_other_widgets_say_what_they_need(watch, tmp_path):
    other = {"model_module": "@jupyter-widgets/controls", "state": {}}
    page = hosted(watch, tmp_path, {"b": other, "a": anywidget(WIDGET)}, ["b", "a"])
    page.locator(".lb-widget button").wait_for()
    assert "needs a running kernel" in page.locator(".lb-kernel").inner_text()


def test_a_broken_widget_says_so_and_the_next_one_lives(watch, tmp_path):
    watch.expected.append("out of order")
    page = hosted(watch, tmp_path, {"c": anywidget(BROKEN), "a": anywidget(WIDGET)}, ["c", "a"])
    page.locator(".lb-widget button").wait_for()
    assert "could not be shown (out of order)" in page.locator(".lb-kernel").inner_text()
