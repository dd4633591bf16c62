"""The grid: images and numbers of the cell that is chosen, all ways to choose one, and what it tells and hears."""

import base64
import gzip
import io
import json
import math

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from latentbook.press.widgets import GridMetric, TrainedGrid
from tests.pages import hosted

BETAS_1 = [0.1, 1.0, 3.0, 10.0]
BETAS_2 = [0.1, 0.3, 1.0, 3.0, 10.0]
SHAPE = (len(BETAS_1), len(BETAS_2))
# Row and column of a training that failed.
FAILED = (2, 3)
# Half a step of 63, and a step of 255 lost on the way through a canvas.
STEP = 0.5 / 63 + 1 / 255
THEME = "<style>[data-theme=dark] { --lb-ink: #e6e6e6; --lb-paper: #14161a }</style>"


def failing(values):
    values = values.clone()
    values[FAILED] = math.nan
    return values


def arguments(channels=1, side=8, inputs=8, samples=12, **changes):
    """Return what a grid of 4 x 5 cells is made from, with one that failed."""
    R_2 = torch.linspace(5.0, 0.2, SHAPE[1]) + torch.linspace(0.0, 2.0, SHAPE[0])[:, None]
    R_1 = torch.linspace(4.0, 0.5, SHAPE[0])[:, None] + torch.linspace(0.0, 1.5, SHAPE[1])
    metrics = {
        "psnr": GridMetric("PSNR of reconstructions", failing(12 + R_1 + R_2 / 3), "dB", True),
        "distortion": GridMetric("Distortion", failing(-R_1 - R_2 - 40), "nats", False),
        "units": GridMetric("Active units", failing(R_2.round())),
    }
    made = {
        "betas_1": BETAS_1,
        "betas_2": BETAS_2,
        "metrics": metrics,
        "rates": (failing(R_2), failing(R_1)),
        "inputs": torch.rand(inputs, channels, side, side),
        "reconstructions": failing(torch.rand(*SHAPE, inputs, channels, side, side)),
        "samples": failing(torch.rand(*SHAPE, samples, channels, side, side)),
    }
    return made | changes


@pytest.fixture
def shown(watch, tmp_path):
    """Show a grid, in as many views of one model, on a page of its own."""

    def show(widget, views=1, **options):
        # As papermill writes it; a bare NaN would be no JSON.
        state = json.loads(json.dumps(widget.get_state(), allow_nan=False))
        page = hosted(watch, tmp_path, {"0": {"model_module": "anywidget", "state": state}}, ["0"] * views, **options)
        page.locator(".grid").first.wait_for()
        return page

    return show


MIDDLES = """(parts) => parts.map((one) => one.getBoundingClientRect())
    .map(({ x, y, width, height }) => [x + width / 2, y + height / 2])"""


def cell_of(page, index=0):
    """Return the cell in the ring, by what readers who listen are told of it; see that the sliders say the same."""
    chosen = page.locator(".heat").nth(index).locator("[aria-selected=true]").get_attribute("id")
    assert page.locator(".heat").nth(index).get_attribute("aria-activedescendant") == chosen
    row, column = map(int, chosen.split("-")[1:])
    sliders = [page.get_by_label(name).nth(index).input_value() for name in ("β₁, next", "β₂, the top")]
    assert sliders == [str(row), str(column)]
    ring, cell = page.locator(".heat .ring").nth(index), page.locator(f".heat >> nth={index} >> [id={chosen}]")
    # Both at one moment: the page may still be scrolling.
    first, second = page.evaluate(MIDDLES, [ring.element_handle(), cell.element_handle()])
    assert first == pytest.approx(second, abs=1)
    return row, column


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def cell(page, row, column):
    return page.locator(f"[id=cell-{row}-{column}]").first


def table(page):
    rows = page.locator("tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in rows}


def best_of(page):
    """Return the cell below the star of the map, None without one."""
    if page.locator(".heat > g > .best").get_attribute("visibility") == "hidden":
        return None
    at = middle(page.locator(".heat > g > .best"))
    places = {(row, column): middle(cell(page, row, column)) for row in range(SHAPE[0]) for column in range(SHAPE[1])}
    return min(places, key=lambda key: math.dist(places[key], at))


def pixels(page, which):
    """Return the canvases of one kind, in [0, 1]: densities of the ink where they are grey."""
    found = page.evaluate(
        """(which) => { const sheet = document.querySelector(".trained-grid").grid.pictures[which];
        return sheet.canvases.map((canvas) =>
            [...canvas.getContext("2d").getImageData(0, 0, sheet.width, sheet.height).data]); }""",
        which,
    )
    values = torch.tensor(found).reshape(len(found), 8, 8, 4) / 255
    return values.permute(0, 3, 1, 2)


def densities(page, which):
    """Return values of grey images from how dense their ink is, which goes from a tenth to all of it."""
    return (pixels(page, which)[:, 3:] - 0.1) / 0.9


def hear(page):
    """Count how often the kernel is told something."""
    page.evaluate("""() => { const { model } = document.querySelector(".trained-grid").grid;
        const save = model.save_changes.bind(model);
        window.told = 0;
        model.save_changes = () => { window.told++; save(); }; }""")


def traits(page):
    return page.evaluate("""() => { const { model } = document.querySelector(".trained-grid").grid;
        return [model.get("beta_1"), model.get("beta_2"), model.get("metric")]; }""")


# ---- what a cell shows ----


@pytest.mark.browser
@pytest.mark.parametrize("place", [(1, 2), (0, 4), (3, 0)])
def test_images_are_those_of_the_cell(shown, place):
    given = arguments()
    page = shown(TrainedGrid(**given, beta_1=BETAS_1[place[0]], beta_2=BETAS_2[place[1]]))
    page.wait_for_function("document.querySelector('.trained-grid').grid.pictures.samples.image.complete")
    assert cell_of(page) == place
    expected = {"inputs": given["inputs"]} | {which: given[which][place] for which in ("reconstructions", "samples")}
    for which, images in expected.items():
        torch.testing.assert_close(densities(page, which), images.float(), atol=STEP / 0.9, rtol=0, check_dtype=False)


@pytest.mark.browser
def test_images_have_colours(shown):
    given = arguments(channels=3)
    page = shown(TrainedGrid(**given))
    cell(page, 3, 4).click()
    for which in ("reconstructions", "samples"):
        found = pixels(page, which)
        assert (found[:, 3] == 1).all()
        torch.testing.assert_close(found[:, :3], given[which][3, 4].float(), atol=STEP, rtol=0, check_dtype=False)


@pytest.mark.browser
def test_grey_images_are_in_the_ink_of_the_theme(shown):
    page = shown(TrainedGrid(**arguments(inputs=2)), head=THEME)
    light = pixels(page, "inputs")
    page.evaluate("document.documentElement.dataset.theme = 'dark'; document.body.style.color = '#e6e6e6'")
    page.wait_for_function("document.querySelector('.trained-grid').grid.root.style.colorScheme === 'dark'")
    dark = pixels(page, "inputs")
    assert torch.equal(light[:, 3], dark[:, 3])
    dense = light[:, 3] > 0.5
    assert light[:, 0][dense].max() < 0.2
    assert dark[:, 0][dense].min() > 0.8


@pytest.mark.browser
def test_numbers_are_those_of_the_cell(shown):
    given = arguments()
    page = shown(TrainedGrid(**given))
    cell(page, 3, 1).click()
    psnr, distortion, units = (metric.values[3, 1].item() for metric in given["metrics"].values())
    assert table(page) == {
        "PSNR of reconstructions": f"{psnr:.1f}\u00a0dB",
        "Distortion": f"−{-distortion:.1f}\u00a0nats",
        "Active units": f"{units:.2f}",
    }
    R_2, R_1 = (rate[3, 1].item() for rate in given["rates"])
    page.mouse.move(1, 1)
    assert page.locator(".map .readout").inner_text() == f"β₁ = 10, β₂ = 0.3: {psnr:.1f}\u00a0dB"
    words = f"R(z₂) {R_2:.2f} + R(z₁ | z₂) {R_1:.3f} = {R_2 + R_1:.2f} nats"
    assert page.locator(".plane .readout").inner_text() == words
    assert words in page.locator(".dots").get_attribute("aria-label")


@pytest.mark.browser
def test_colours_grow_with_the_values(shown):
    given = arguments()
    page = shown(TrainedGrid(**given))
    values = given["metrics"]["psnr"].values
    ends = page.locator(".legend > span").all_inner_texts()
    low, high = values[~values.isnan()].aminmax()
    assert [ends[0], ends[2]] == [f"{low:.1f}", f"{high:.1f}\u00a0dB"]
    fills = page.locator(".heat .cell").evaluate_all(
        "(cells) => cells.map((one) => [one.id, getComputedStyle(one).fill])"
    )
    found = {tuple(map(int, key.split("-")[1:])): fill for key, fill in fills}
    assert "failed" in found.pop(FAILED)
    # Cividis is one scale of lightness.
    lightness = {key: np.dot([0.2126, 0.7152, 0.0722], _channels(fill)) for key, fill in found.items()}
    by_value = sorted(lightness, key=lambda key: values[key].item())
    assert np.diff([lightness[key] for key in by_value]).min() > -1e-6
    assert lightness[by_value[-1]] - lightness[by_value[0]] > 0.5


def _channels(fill):
    return [float(word) for word in fill.removeprefix("color(srgb ").removesuffix(")").split()]


@pytest.mark.browser
def test_dots_stand_at_the_rates(shown):
    given = arguments()
    page = shown(TrainedGrid(**given))
    assert page.locator(".dots .cell").count() == SHAPE[0] * SHAPE[1] - 1
    found = page.evaluate("document.querySelector('.trained-grid').grid.plane.places")
    R_2, R_1 = given["rates"]
    places = {(r, c): found[r][c] for r in range(SHAPE[0]) for c in range(SHAPE[1]) if (r, c) != FAILED}
    x, y = np.array(list(places.values())).T
    for at, rates in ((x, R_2), (-y, R_1)):
        expected = np.array([rates[key].item() for key in places])
        slope, offset = np.polyfit(expected, at, 1)
        assert slope > 0
        assert at == pytest.approx(slope * expected + offset, abs=0.01)
    assert found[FAILED[0]][FAILED[1]] is None
    # The bright lines, of the cells with the same β₁ and with the same β₂, have a gap where a training failed.
    cell(page, *FAILED).click()
    drawn = [page.locator(f"path.{kind}:not(.net)").get_attribute("d") for kind in ("below", "above")]
    assert [line.count("M") for line in drawn] == [2, 2]
    assert [line.count("L") for line in drawn] == [SHAPE[1] - 3, SHAPE[0] - 3]


# ---- the ways to choose ----


@pytest.mark.browser
def test_sliders_by_key_and_by_pointer(shown):
    page = shown(TrainedGrid(**arguments()))
    assert cell_of(page) == (1, 2)
    slider = page.get_by_label("β₁, next to the data")
    slider.press("ArrowRight")
    assert cell_of(page) == (2, 2)
    assert slider.get_attribute("aria-valuetext") == "β₁ = 3.00"
    box = page.get_by_label("β₂, the top layer").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    assert cell_of(page) == (2, 4)
    page.locator(".tick", has_text="0.3").click()
    assert cell_of(page) == (2, 1)
    assert traits(page) == [3.0, 0.3, "psnr"]


@pytest.mark.browser
def test_the_map_by_click_and_by_drag(shown):
    page = shown(TrainedGrid(**arguments()))
    cell(page, 0, 1).click()
    assert cell_of(page) == (0, 1)
    # The first row is the lowest one.
    assert middle(cell(page, 0, 1))[1] > middle(cell(page, 3, 1))[1]
    page.mouse.move(*middle(cell(page, 0, 0)))
    page.mouse.down()
    page.mouse.move(*middle(cell(page, 3, 4)), steps=8)
    assert cell_of(page) == (3, 4)
    # Beside the map there is no cell.
    x, y = middle(cell(page, 3, 4))
    page.mouse.move(x + 300, y)
    page.mouse.up()
    assert cell_of(page) == (3, 4)
    assert traits(page)[:2] == [10.0, 10.0]
    # The right button is the browser's.
    cell(page, 0, 0).click(button="right")
    assert cell_of(page) == (3, 4)


@pytest.mark.browser
def test_the_map_by_keys(shown):
    page = shown(TrainedGrid(**arguments()))
    page.locator(".heat").focus()
    where = {"ArrowUp": (2, 2), "ArrowRight": (2, 3), "End": (2, 4), "ArrowDown": (1, 4), "ArrowLeft": (1, 3)}
    where |= {"Home": (1, 0), "PageUp": (3, 0), "PageDown": (0, 0)}
    for key, place in where.items():
        page.keyboard.press(key)
        assert cell_of(page) == place, key
    for key in ("ArrowLeft", "ArrowDown", "a", "Control+ArrowUp"):
        page.keyboard.press(key)
        assert cell_of(page) == (0, 0), key
    assert traits(page)[:2] == [0.1, 0.1]
    assert page.locator(".spoken").text_content().startswith("β₁ = 0.1, β₂ = 0.1: PSNR of reconstructions 1")


@pytest.mark.browser
def test_a_dot_of_the_rate_plane(shown):
    page = shown(TrainedGrid(**arguments()))
    for place in ((0, 0), (3, 4)):
        page.mouse.click(*middle(page.locator(".dots .cell").nth(place[0] * SHAPE[1] + place[1] - (place > FAILED))))
        assert cell_of(page) == place
        ring, dot = page.locator(".dots .ring"), page.locator(".dots .cell").last
    assert middle(ring) == pytest.approx(middle(dot), abs=1)
    # Far from all dots nothing is chosen.
    box = page.locator(".dots").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + 12)
    assert cell_of(page) == (3, 4)


@pytest.mark.browser
def test_hovering_says_what_is_there_and_chooses_nothing(shown):
    given = arguments()
    page = shown(TrainedGrid(**given))
    own = page.locator(".map .readout").inner_text()
    cell(page, 3, 4).hover()
    value = given["metrics"]["psnr"].values[3, 4]
    assert page.locator(".map .readout").inner_text() == f"β₁ = 10, β₂ = 10: {value:.1f}\u00a0dB"
    assert page.locator(".dots .hovered").is_visible()
    assert cell_of(page) == (1, 2)
    page.mouse.move(1, 1)
    assert page.locator(".map .readout").inner_text() == own
    assert not page.locator(".dots .hovered").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize(("metric", "best"), [("psnr", (0, 0)), ("distortion", (1, 0)), ("units", None)])
def test_the_best_cell_has_the_star(shown, metric, best):
    given = arguments()
    given["metrics"]["distortion"].values[1, 0] = -99.0
    given["metrics"]["psnr"].values[0, 0] = 99.0
    page = shown(TrainedGrid(**given))
    page.get_by_label("Map of which metric").select_option(metric)
    assert best_of(page) == best
    assert traits(page)[2] == metric
    assert page.locator("tr[data-active] th").inner_text() == given["metrics"][metric].label
    button = page.locator(".to-best")
    assert button.is_visible() == (best is not None)
    if best:
        assert "the best" in cell(page, *best).get_attribute("aria-label")
        button.click()
        assert cell_of(page) == best
        assert page.locator("tr[data-active] .star").is_visible()


@pytest.mark.browser
def test_a_training_that_failed_says_so(shown):
    page = shown(TrainedGrid(**arguments(), beta_1=3.0, beta_2=3.0))
    assert cell_of(page) == FAILED
    assert set(table(page).values()) == {"failed"}
    page.get_by_text("No samples: this training failed").wait_for()
    assert page.locator(".map .readout").inner_text() == "β₁ = 3, β₂ = 3: no value, the training failed"
    assert page.locator(".plane .readout").inner_text() == "no rates: the training failed"
    assert not page.locator(".dots .ring").is_visible()
    assert (pixels(page, "samples") == 0).all()
    assert page.locator(".legend i").is_hidden()
    cell(page, 0, 0).click()
    assert "failed" not in page.locator(".grid").inner_text()
    page.keyboard.press("Home")
    cell(page, *FAILED).click()
    assert "the training failed" in page.locator(".spoken").text_content()


# ---- the kernel, other views ----


@pytest.mark.browser
def test_the_kernel_is_told_once_the_reader_lets_go(shown):
    page = shown(TrainedGrid(**arguments()))
    hear(page)
    page.mouse.move(*middle(cell(page, 0, 0)))
    page.mouse.down()
    page.mouse.move(*middle(cell(page, 3, 4)), steps=10)
    assert page.evaluate("told") == 0
    page.mouse.up()
    assert page.evaluate("told") == 1
    page.locator(".heat").focus()
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    assert page.evaluate("told") == 1
    page.keyboard.up("ArrowLeft")
    assert page.evaluate("told") == 2
    assert traits(page)[:2] == [10.0, 1.0]
    # What is known already is not told.
    cell(page, 3, 2).click()
    assert page.evaluate("told") == 2


@pytest.mark.browser
def test_two_views_follow_each_other(shown):
    page = shown(TrainedGrid(**arguments()), views=2)
    cell(page, 3, 0).click()
    page.get_by_label("Map of which metric").nth(1).select_option("units")
    assert cell_of(page, 0) == cell_of(page, 1) == (3, 0)
    assert page.get_by_label("Map of which metric").nth(0).input_value() == "units"
    page.evaluate("(window.gone = document.querySelector('.trained-grid').grid).close()")
    page.get_by_label("β₂, the top layer").press("End")
    assert page.locator(".grid").count() == 1
    assert page.evaluate("gone.cell") == [3, 0]


@pytest.mark.browser
def test_the_kernel_chooses(shown):
    page = shown(TrainedGrid(**arguments()))
    page.evaluate("""() => { const { model } = document.querySelector(".trained-grid").grid;
        model.set("beta_2", 0.1); model.set("metric", "distortion"); }""")
    assert cell_of(page) == (1, 0)
    assert page.get_by_label("Map of which metric").input_value() == "distortion"
    assert page.locator(".heat").get_attribute("aria-label") == "Distortion of all cells"


@pytest.mark.browser
def test_keys_stay_in_the_widget(shown):
    page = shown(TrainedGrid(**arguments()))
    page.evaluate("addEventListener('keydown', () => (window.heard = true))")
    page.locator(".heat").press("ArrowRight")
    assert page.evaluate("window.heard") is None


# ---- places ----


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 390, 700, 1000])
def test_it_fits(shown, width):
    page = shown(TrainedGrid(**arguments()), viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    names = (".sliders", ".map", ".images", ".numbers", ".plane", ".notes")
    boxes = [page.locator(name).bounding_box() for name in names]
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    if width < 600:
        assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)
    for target in page.locator("input, select, button:visible").all():
        assert target.bounding_box()["height"] >= 24
    assert min(page.locator("canvas").first.bounding_box().values()) >= 0
    assert page.locator("canvas").first.bounding_box()["width"] >= 40


@pytest.mark.browser
def test_a_finger_that_scrolls_gives_back_what_it_has_chosen(shown):
    page = shown(
        TrainedGrid(**arguments()),
        viewport={"width": 390, "height": 500},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    hear(page)
    finger = page.context.new_cdp_session(page)

    def swipe(start, step):
        x, y = start
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        page.wait_for_timeout(60)
        during = cell_of(page)
        for count in range(1, 9):
            point = {"x": x + count * step[0], "y": y + count * step[1]}
            finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
            page.wait_for_timeout(20)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(60)
        return during

    page.evaluate("scrollTo(0, 150)")
    assert swipe(middle(cell(page, 2, 1)), (0, -12)) == (2, 1)
    assert page.evaluate("scrollY") > 180
    assert cell_of(page) == (1, 2)
    assert page.evaluate("told") == 0
    # Across, a finger drags.
    page.evaluate("scrollTo(0, 150)")
    x, y = middle(cell(page, 2, 0))
    swipe((x, y), ((middle(cell(page, 2, 4))[0] - x) / 8, 0))
    assert cell_of(page) == (2, 4)
    assert page.evaluate("told") == 1


@pytest.mark.browser
def test_without_its_data_it_says_so(watch, tmp_path):
    state = TrainedGrid(**arguments()).get_state() | {"content": {}}
    page = hosted(watch, tmp_path, {"0": {"model_module": "anywidget", "state": state}}, ["0"])
    page.get_by_text("This grid was saved without its data: run its cell again.").wait_for()


# ---- numbers ----


@pytest.mark.browser
@pytest.mark.parametrize(
    ("count", "named"),
    [(1, [0]), (2, [0, 1]), (4, [0, 1, 2, 3]), (7, [*range(7)]), (9, [*range(9)]), (21, [0, 5, 10, 15, 20])],
)
def test_stops_that_are_named(run, count, named):
    assert run(["weights.js"], "(m, count) => m.namedStops(count)", count) == named


@pytest.mark.browser
def test_ticks_and_reach_of_the_rate_plane(run):
    for most in (0.3, 1.0, 2.6, 7.0, 49.0, 51.0, 1234.0):
        step = run(["cells.js"], "(m, most) => m.tickStep(most)", most)
        assert 2 <= most / step <= 5
        assert float(f"{step:.0e}") == pytest.approx(step)
        assert f"{step:e}"[0] in "125"
    reach = "(m, rates) => m.reachOf(rates)"
    assert run(["cells.js"], reach, [[[1.0, None]], [[1.5, 0.2]]]) == pytest.approx([1.575, 1.575])
    assert run(["cells.js"], reach, [[[1.0]], [[30.0]]]) == pytest.approx([1.05, 31.5])
    assert run(["cells.js"], reach, [[[None]], [[None]]]) == [1, 1]


@pytest.mark.browser
@pytest.mark.parametrize(("value", "words"), [(-85.31, "−85.3"), (0, "0.00"), (1234, "1,230")])
def test_numbers_are_written_with_sign_and_unit(run, value, words):
    assert run(["page.js", "cells.js"], "(m, value) => m.inUnits(value, 'nats')", value) == f"{words}\u00a0nats"


# ---- Python ----


def decoded(sheet):
    return Image.open(io.BytesIO(base64.b64decode(sheet["source"].split(",")[1])))


def test_sheets_are_one_line_of_images_for_each_row_of_cells():
    images = TrainedGrid(**arguments(side=8, inputs=3, samples=2)).content["images"]
    assert {name: images[name]["count"] for name in ("inputs", "reconstructions", "samples")} == {
        "inputs": 3,
        "reconstructions": 3,
        "samples": 2,
    }
    assert decoded(images["inputs"]).size == (3 * 8, 8)
    assert decoded(images["reconstructions"]).size == (5 * 3 * 8, 4 * 8)


def test_a_grid_of_49_cells_is_a_small_part_of_a_page():
    betas = torch.logspace(-1, 1, 7)
    values = torch.rand(7, 7)
    # Noise, which no file is smaller for.
    images = {name: torch.rand(7, 7, count, 1, 8, 8) for name, count in (("reconstructions", 8), ("samples", 12))}
    metrics = {str(i): GridMetric(f"Metric {i}", values, "nats", True) for i in range(8)}
    grid = TrainedGrid(betas, betas, metrics, rates=(values, values), inputs=torch.rand(8, 1, 8, 8), **images)
    assert len(gzip.compress(json.dumps(grid.get_state()).encode(), 6)) < 120_000


def test_the_nearest_trained_weight_is_shown_first():
    grid = TrainedGrid(**arguments(), beta_1=1.9, beta_2=0.6, metric="units")
    # By ratio: 1.9 is nearer to 3, 0.6 to 1.
    assert (grid.beta_1, grid.beta_2, grid.metric) == (3.0, 1.0, "units")
    assert TrainedGrid(**arguments()).metric == "psnr"


def test_traits_are_of_the_grid():
    grid = TrainedGrid(**arguments(betas_1=torch.tensor(BETAS_1, dtype=torch.float32)))
    grid.beta_1 = 0.1
    assert grid.beta_1 == grid.content["betas"][0][0]
    with pytest.raises(traitlets.TraitError, match=r"`beta_2` is 0\.5, but was trained at \[0\.1, 0\.3"):
        grid.beta_2 = 0.5
    with pytest.raises(traitlets.TraitError, match=r"`beta_1` is nan, but"):
        grid.beta_1 = float("nan")
    with pytest.raises(
        traitlets.TraitError, match=r"`metric` is 'loss', but there are \['psnr', 'distortion', 'units'\]"
    ):
        grid.metric = "loss"


@pytest.mark.parametrize(
    "betas", [[], [1.0, 1.0, 2.0, 3.0], [2.0, 1.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0], [-1.0, 1.0, 2.0, 3.0]]
)
def test_weights_that_do_not_increase_from_above_zero_are_refused(betas):
    with pytest.raises(ValueError, match=r"`betas_1` is .*(sort the grid by them|pass the weights)"):
        TrainedGrid(**arguments(betas_1=betas))


@pytest.mark.parametrize("end", [math.inf, math.nan])
def test_weights_that_are_not_finite_are_refused(end):
    with pytest.raises(ValueError, match=r"`betas_2` is .*, but weights are finite"):
        TrainedGrid(**arguments(betas_2=[*BETAS_2[:-1], end]))


@pytest.mark.parametrize("name", ["reconstructions", "samples"])
def test_images_that_do_not_fit_are_refused(name):
    given = arguments()
    with pytest.raises(ValueError, match=rf"`{name}` has shape .*one row for each of `betas_1`"):
        TrainedGrid(**given | {name: given[name].transpose(0, 1)})
    with pytest.raises(ValueError, match=rf"`{name}` has shape .*images as those of `inputs`"):
        TrainedGrid(**given | {name: given[name][..., :-1]})


def test_reconstructions_are_one_for_each_input():
    given = arguments()
    with pytest.raises(ValueError, match="`reconstructions` has shape"):
        TrainedGrid(**given | {"reconstructions": given["reconstructions"][:, :, :-1]})


@pytest.mark.parametrize("shape", [(8, 8), (4, 2, 8, 8), (0, 1, 8, 8)])
def test_inputs_are_images(shape):
    with pytest.raises(ValueError, match="`inputs` has shape"):
        TrainedGrid(**arguments() | {"inputs": torch.rand(shape)})


def test_no_samples_are_refused():
    given = arguments()
    with pytest.raises(ValueError, match=r"`samples` has shape .*: pass at least one"):
        TrainedGrid(**given | {"samples": given["samples"][:, :, :0]})


@pytest.mark.parametrize("name", ["inputs", "reconstructions", "samples"])
@pytest.mark.parametrize("value", [-0.01, 1.01, math.inf])
def test_images_outside_the_range_are_refused(name, value):
    given = arguments()
    given[name][(0,) * given[name].ndim] = value
    with pytest.raises(ValueError, match=rf"`{name}` has values from .* is in \[0, 1\]: clamp it"):
        TrainedGrid(**given)
    given[name][(0,) * given[name].ndim] = 1 + 9e-7
    TrainedGrid(**given)


def test_inputs_have_no_gaps():
    given = arguments()
    given["inputs"][0, 0, 0, 0] = math.nan
    with pytest.raises(ValueError, match="`inputs` has values that are nan"):
        TrainedGrid(**given)


def test_metrics_that_do_not_fit_are_refused():
    given = arguments()
    with pytest.raises(ValueError, match="`metrics` is empty"):
        TrainedGrid(**given | {"metrics": {}})
    with pytest.raises(ValueError, match=r"`metric` is 'loss', but `metrics` has \['psnr', 'distortion', 'units'\]"):
        TrainedGrid(**given, metric="loss")
    wrong = {"psnr": GridMetric("PSNR", torch.rand(5, 4))}
    with pytest.raises(ValueError, match=r"`metrics\['psnr'\].values` has shape \(5, 4\), not \(4, 5\)"):
        TrainedGrid(**given | {"metrics": wrong})
    infinite = {"psnr": GridMetric("PSNR", torch.full(SHAPE, math.inf))}
    with pytest.raises(ValueError, match=r"`metrics\['psnr'\].values` has infinite values: pass nan"):
        TrainedGrid(**given | {"metrics": infinite})


def test_rates_that_do_not_fit_are_refused():
    given = arguments()
    R_2, R_1 = given["rates"]
    with pytest.raises(ValueError, match=r"`rates\[1\]` has shape \(5, 4\)"):
        TrainedGrid(**given | {"rates": (R_2, R_1.T)})
    with pytest.raises(ValueError, match=r"`rates\[0\]` has a rate of -3, but a rate is"):
        TrainedGrid(**given | {"rates": (torch.full(SHAPE, -3.0), R_1)})
    with pytest.raises(ValueError, match=r"`rates\[1\]` has infinite values"):
        TrainedGrid(**given | {"rates": (R_2, torch.full(SHAPE, math.inf))})


@pytest.mark.parametrize("beta", [0.0, -1.0, math.inf, math.nan])
def test_a_first_weight_that_is_none_is_refused(beta):
    with pytest.raises(ValueError, match=r"`beta_1` is .* but a weight is a finite number above 0"):
        TrainedGrid(**arguments(), beta_1=beta)
