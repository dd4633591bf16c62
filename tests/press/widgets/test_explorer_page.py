"""The explorer in a page from disk: pointer, finger, keys, slider, pad, themes, a phone; its numbers against torch."""

import base64
import copy
import functools
import re

import numpy as np
import pytest
import torch

from latentbook.core import seeded
from latentbook.learning import data
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.metric import pullback_metric
from latentbook.press.widgets import LatentExplorer
from tests.pages import hosted

LAMBDAS = [0.0, 1.0, 100.0]


def vae(event_shape, seed, size=24):
    """An untrained model whose plane is curved."""
    with seeded(seed):
        encoder = mlp_encoder(event_shape, (size,), 4, torch.nn.Tanh)
        decoder = mlp_decoder(2, (size, size), event_shape, torch.nn.Tanh).append(torch.nn.Sigmoid())
        model = VAE(encoder, decoder)
        for name, parameter in model.named_parameters():
            if name.endswith("weight"):
                parameter.data *= 3
    return model


@functools.cache
def family():
    return [vae((1, 8, 8), seed) for seed in range(3)]


@functools.cache
def digits():
    return data.load("digits", split="test").subset(slice(0, 300, 3))


@functools.cache
def explorer():
    return LatentExplorer(family(), digits(), lam=LAMBDAS, shown=1.0, words=["none", "some", "much"])


def saved(widget):
    """The state of a widget as a notebook keeps it."""
    state, buffer_paths, buffers = _without_buffers(widget.get_state())
    packed = [
        {"path": path, "data": _base64(content), "encoding": "base64"}
        for path, content in zip(buffer_paths, buffers, strict=True)
    ]
    return {"model_module": "anywidget", "state": state, "buffers": packed}


def _without_buffers(state):
    names = [name for name, value in state.items() if isinstance(value, bytes)]
    return {k: v for k, v in state.items() if k not in names}, [[n] for n in names], [state[n] for n in names]


def _base64(content):
    return base64.b64encode(content).decode()


class Shown:
    """An explorer on a page."""

    def __init__(self, page, widget):
        self.page, self.widget = page, widget
        self.rest()

    def rest(self):
        """Wait until nothing moves any more."""
        self.page.locator(".explorer:not([data-busy])").first.wait_for()
        return self

    def js(self, words, argument=None):
        """Evaluate with the explorer as ``e``."""
        return self.page.evaluate(
            f"(given) => {{ const e = document.querySelector('.latent-explorer').explorer; return {words}; }}", argument
        )

    def point(self, name="probe"):
        return self.js(f"e.points.{name}")

    def code(self, name="probe"):
        return self.js(f"e.member.toCode(e.points.{name})")

    def handle(self, name):
        return self.page.locator(f".handle.{name}")

    def plane(self):
        return self.page.locator(".plane").bounding_box()

    def on_screen(self, point):
        """Where a point of the plane is on the screen."""
        x, y = self.js("e.plane.toScreen(given)", point)
        box = self.plane()
        return box["x"] + 1 + x, box["y"] + 1 + y

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def number(self, sign):
        words = self.page.locator(f"dt:text-is('{sign}') + dd").inner_text()
        return words.replace("−", "-")

    def picture(self, selector):
        """A canvas as an image."""
        return self.page.locator(selector).first.evaluate("(canvas) => canvas.toDataURL()")

    def is_blank(self, selector):
        return self.page.locator(selector).first.evaluate(
            """(canvas) => canvas.toDataURL() === Object.assign(document.createElement("canvas"), {
                width: canvas.width, height: canvas.height }).toDataURL()"""
        )

    def drag(self, name, to):
        x, y = self.on_screen(self.point(name))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        target = self.on_screen(to)
        self.page.mouse.move((x + target[0]) / 2, (y + target[1]) / 2)
        self.page.mouse.move(*target)
        return target

    def told(self):
        """Count how often the kernel is told from now on."""
        self.js("(e.model.save_changes = () => (e.told = (e.told ?? 0) + 1), e.told = 0)")
        return lambda: self.js("e.told")


@pytest.fixture
def shown(watch, tmp_path):
    """Show an explorer on a page of its own."""

    def shown(widget=None, *, head="", count=1, **options):
        widget = widget or explorer()
        return Shown(hosted(watch, tmp_path, {"a": saved(widget)}, ["a"] * count, head=head, **options), widget)

    return shown


def near(x, y, tolerance=0.02):
    x, y = (torch.as_tensor(value, dtype=torch.float64) for value in (x, y))
    return (x - y).abs().max() < tolerance


# ---- the pointer ----


def test_the_probe_is_dragged_and_all_follows(shown):
    view = shown()
    image, words = view.picture(".panes figure:last-child canvas"), view.number("area √det G")
    view.drag("probe", [0.5, -0.4])
    view.page.mouse.up()
    view.rest()
    assert near(view.point(), [0.5, -0.4])
    assert view.picture(".panes figure:last-child canvas") != image
    assert view.number("area √det G") != words
    x, y = view.on_screen(view.point())
    box = view.page.locator("ellipse.metric:not(.faint):not(.halo)").bounding_box()
    assert near([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2], [x, y], 1.5)


def test_the_kernel_is_told_on_release_and_not_before(shown):
    view = shown()
    told = view.told()
    view.drag("probe", [0.5, -0.4])
    view.rest()
    assert told() == 0
    view.page.mouse.up()
    assert told() == 1
    assert view.js("e.model.get('probe')") == pytest.approx(view.code())
    assert view.js("e.model.get('example')") is None


def test_a_drag_beyond_the_edge_stays_at_the_edge(shown):
    view = shown()
    view.drag("end", [0.0, 0.0])
    box = view.plane()
    view.page.mouse.move(box["x"] + 2000, box["y"] + 30)
    view.page.mouse.up()
    content = view.widget.content["plane"]
    assert view.point("end")[0] == pytest.approx(content["centre"][0] + content["reach"])


def test_hovering_shows_and_leaving_shows_the_probe_again(shown):
    view = shown()
    before, place = view.number("z"), view.point()
    view.page.mouse.move(*view.on_screen([0.9, 0.9]))
    view.rest()
    assert view.number("z") != before
    assert view.point() == place
    assert "at the pointer" in view.text(".panes")
    view.page.mouse.move(2, 2)
    view.rest()
    assert view.number("z") == before
    assert "at the pointer" not in view.text(".panes")


def test_a_click_on_a_point_shows_its_example_and_what_comes_back(shown):
    view = shown()
    view.page.mouse.click(*view.on_screen(view.js("e.member.codeOf(17)")))
    view.rest()
    chosen = view.js("e.model.get('example')")
    # Another point may lie under the pointer too; the one chosen is as near.
    assert near(view.js("e.member.codeOf(17)"), view.js("e.member.codeOf(given)", chosen), 0.1)
    image = view.js("[...e.input().values]")
    np.testing.assert_allclose(image, rows(view.widget)[chosen].flatten(), atol=0.5 / 255)
    assert f"in: {digits().y[order(view.widget)[chosen]].item()}\n" in view.text(".panes")
    assert "what comes back" in view.text(".panes")


def test_a_click_beside_all_points_frees_the_probe(shown):
    view = shown()
    reach = view.widget.content["plane"]["reach"]
    corner = [c + 0.97 * reach for c in view.widget.content["plane"]["centre"]]
    view.page.mouse.click(*view.on_screen(corner))
    view.rest()
    assert near(view.point(), corner, 0.03)
    assert view.js("e.model.get('example')") is None
    assert "at the ring" in view.text(".panes")
    assert view.number("error") == "–"


@pytest.mark.parametrize("name", ["probe", "start", "end"])
@pytest.mark.parametrize("tremble", [0, 2])
def test_a_click_on_a_handle_takes_the_point_under_it(shown, name, tremble):
    view = shown()
    code = view.js("e.member.codeOf(17)")
    view.js("(e.move(given[0], given[1], null), e.settle())", [name, code])
    assert view.rest().js("e.model.get('example')") == (None if name == "probe" else view.js("e.anchors.probe.index"))
    x, y = view.on_screen(code)
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + tremble, y)
    view.page.mouse.up()
    chosen = view.rest().js("e.model.get('example')")
    assert chosen is not None
    # Points that lie on each other are one to the eye.
    assert near(view.js("e.member.codeOf(given)", chosen), code, 0.02)
    assert near(view.point(name), code, 0.02)


def test_a_click_on_a_handle_beside_all_points_changes_nothing(shown):
    view = shown()
    reach = view.widget.content["plane"]["reach"]
    corner = [c + 0.9 * reach for c in view.widget.content["plane"]["centre"]]
    view.js("(e.move('end', given, null), e.settle())", corner)
    before = view.rest().js("[e.points, e.anchors]")
    view.page.mouse.click(*view.on_screen(corner))
    assert view.rest().js("[e.points, e.anchors]") == before


def test_a_drag_from_a_point_does_not_take_it(shown):
    view = shown()
    example = view.js("e.anchors.probe.index")
    view.js("(e.move('end', e.member.codeOf(17), null), e.settle())")
    # From one point to another one.
    target = view.js("e.member.codeOf(5)")
    view.rest().drag("end", target)
    view.page.mouse.up()
    assert near(view.rest().point("end"), target)
    assert view.js("e.anchors.probe.index") == example


def order(widget):
    """Indices of the examples that the points stand for, found by their codes."""
    codes = np.frombuffer(widget.codes, "<f2").reshape(len(LAMBDAS), -1, 2)[0].astype(float)
    with torch.no_grad():
        own = family()[0].encode(digits()[torch.arange(len(digits()))].double()).numpy()
    return [int(np.hypot(*(own - code).T).argmin()) for code in codes]


def rows(widget):
    return digits()[torch.tensor(order(widget))].numpy()


# ---- keys ----


@pytest.mark.parametrize("name", ["probe", "start", "end"])
def test_arrow_keys_move_every_handle(shown, name):
    view = shown()
    told, before = view.told(), np.array(view.point(name))
    step = 0.02 * view.widget.content["plane"]["reach"]
    view.handle(name).press("ArrowRight")
    view.handle(name).press("ArrowUp")
    assert near(view.point(name), before + step, 1e-9)
    view.handle(name).press("Shift+ArrowLeft")
    assert near(view.point(name), np.add(before, [step - 5 * step, step]), 1e-9)
    assert told() == 3
    assert re.fullmatch(r"at -?\d\.\d\d, -?\d\.\d\d", view.rest().handle(name).get_attribute("aria-valuetext"))


def test_keys_do_not_reach_the_page_but_tab_does(shown):
    """The book's theme turns the page at an arrow key outside of a field; a shadow root hides what is a field."""
    view = shown()
    view.page.evaluate("(window.heard = [], document.addEventListener('keydown', (event) => heard.push(event.key)))")
    for part in (".handle.end", ".slider input", ".pad"):
        view.page.locator(part).press("ArrowRight")
    view.page.locator(".pad").press("Tab")
    assert view.page.evaluate("heard") == ["Tab"]


def test_keys_end_a_hover_and_move_what_is_shown(shown):
    view = shown()
    view.page.mouse.move(*view.on_screen([0.9, 0.9]))
    assert "at the pointer" in view.rest().text(".panes")
    view.handle("probe").press("Shift+ArrowUp")
    assert "at the pointer" not in view.rest().text(".panes")
    assert near([float(part) for part in view.number("z").split(",")], view.code(), 0.0051)


def test_a_key_that_is_let_go_elsewhere_is_told_too(shown):
    view = shown()
    told = view.told()
    view.handle("end").focus()
    view.page.keyboard.down("ArrowLeft")
    view.page.keyboard.press("Tab")
    assert told() == 1
    assert view.js("e.model.get('end')") == pytest.approx(view.code("end"))


@pytest.mark.parametrize(("key", "side"), [("Home", -1), ("End", 1)])
def test_home_and_end_go_to_the_edges(shown, key, side):
    view = shown()
    height = view.point("start")[1]
    view.handle("start").press(key)
    content = view.widget.content["plane"]
    assert view.point("start") == pytest.approx([content["centre"][0] + side * content["reach"], height])
    low, high = (float(view.handle("start").get_attribute(f"aria-value{end}")) for end in ("min", "max"))
    assert low <= float(view.rest().handle("start").get_attribute("aria-valuenow")) <= high


def test_escape_ends_a_drag_where_it_began(shown):
    view = shown()
    place = view.point("end")
    view.drag("end", [0.0, 0.5])
    view.page.keyboard.press("Escape")
    assert view.point("end") == place
    view.page.mouse.up()
    assert view.rest().point("end") == place


def test_shortcuts_of_the_page_reach_it(shown):
    view = shown()
    view.page.evaluate("(window.heard = [], document.addEventListener('keydown', (event) => heard.push(event.key)))")
    view.handle("end").press("Control+k")
    assert view.page.evaluate("heard") == ["Control", "k"]


def test_a_tick_gives_its_focus_to_the_slider(shown):
    view = shown()
    view.page.locator(".tick").last.click()
    assert view.js("e.root.getRootNode().activeElement.type") == "range"


def test_enter_takes_the_nearest_point(shown):
    view = shown()
    view.handle("probe").press("ArrowRight")
    assert view.js("e.anchors.probe") is None
    view.handle("probe").press("Enter")
    index = view.js("e.anchors.probe.index")
    assert view.js("e.model.get('example')") == index
    assert view.point() == view.js("e.member.codeOf(e.anchors.probe.index)")


def test_every_control_is_reached_by_tab(shown):
    view = shown()
    focused = "((a) => a?.dataset.name ?? (a?.type || a?.className))(e.root.getRootNode().activeElement)"
    reached = []
    for _ in range(8):
        view.page.keyboard.press("Tab")
        reached.append(view.js(focused))
    # The clear button is the last one: then the page ends.
    assert reached == ["range", "radio", "checkbox", "probe", "start", "end", "pad drawable", "button"]


def test_tab_follows_what_is_seen_on_a_phone(touched):
    stops = []
    for _ in range(8):
        touched.page.keyboard.press("Tab")
        stops.append(
            touched.js("""((part) => [
            part.dataset.name ?? part.type ?? "pad",
            part.getBoundingClientRect().top + scrollY,
        ])(e.root.getRootNode().activeElement)""")
        )
    names, tops = zip(*stops, strict=True)
    assert names == ("probe", "start", "end", "pad", "button", "range", "radio", "checkbox")
    # Handles are anywhere in the plane; whatever is below it comes after it, and after each other.
    assert min(tops[3:]) > max(tops[:3])
    assert list(tops[3:]) == sorted(tops[3:])


def test_a_wide_page_has_its_controls_first_again(touched):
    touched.page.locator(".slider input").focus()
    touched.page.set_viewport_size({"width": 900, "height": 700})
    touched.page.wait_for_function(
        "document.querySelector('.latent-explorer').explorer.root.firstChild.className === 'controls'"
    )
    assert touched.js("e.root.getRootNode().activeElement.type") == "range"


def test_what_has_changed_is_said_to_who_cannot_see_it(shown):
    view = shown()
    assert view.page.locator(".spoken").get_attribute("aria-live") == "polite"
    assert view.page.locator(".spoken").text_content() == ""
    view.handle("probe").press("ArrowUp")
    after = view.rest().page.locator(".spoken").text_content()
    assert re.search(r"z = .*, area scale .*, condition number .*straight from A to B .*, geodesic ", after)
    # Not on every move, which would never be read to its end.
    view.drag("probe", [0.3, 0.3])
    assert view.rest().page.locator(".spoken").text_content() == after
    view.page.mouse.up()
    assert view.rest().page.locator(".spoken").text_content() != after


# ---- λ ----


def test_the_slider_goes_to_another_model(shown):
    view = shown()
    told = view.told()
    view.page.locator(".slider input").press("ArrowRight")
    assert view.rest().js("e.index") == 2
    assert view.text(".slider .head") == "λ = 100\nmuch"
    assert told() == 1
    assert view.js("e.model.get('lam')") == 100.0
    assert view.page.locator(".slider input").get_attribute("aria-valuetext") == "λ = 100. much"


def test_handles_that_stand_on_examples_go_with_them_and_others_stay(shown):
    view = shown()
    index = view.js("e.anchors.start.index")
    view.handle("end").press("ArrowUp")
    free = view.point("end")
    view.page.locator(".tick").last.click()
    view.rest()
    assert view.point("start") == view.js(f"e.member.codeOf({index})")
    assert view.point("end") == free


def test_models_turn_into_each_other_on_the_way(shown):
    view = shown()
    frames = view.js("""new Promise((done) => {
        const [before, frames] = [e.shown.codes[0], []];
        const paint = e.plane.paint.bind(e.plane);
        e.plane.paint = (scene) => (frames.push([scene.codes[0], scene.ellipses[112].shape?.[0]]), paint(scene));
        e.goTo(2);
        setTimeout(() => done([before, frames, e.member.codes[0], e.fields.ellipses('grid', 2)[112].shape[0]]), 600);
    })""")
    before, way, after, ellipse = frames
    codes, ellipses = zip(*way, strict=True)
    assert codes[-1] == after
    assert ellipses[-1] == ellipse
    between = [code for code in codes if min(before, after) < code < max(before, after)]
    assert len(between) >= 2
    assert between == sorted(between, reverse=before > after)


def test_nothing_moves_by_itself_for_readers_who_want_less_motion(shown):
    view = shown(reduced_motion="reduce")
    shares = view.js("""new Promise((done) => {
        const seen = [];
        const paint = e.plane.paint.bind(e.plane);
        e.plane.paint = (scene) => (seen.push(scene.codes[0]), paint(scene));
        e.goTo(2);
        setTimeout(() => done(seen.filter((code) => code !== e.member.codes[0]).length), 400);
    })""")
    assert shares == 0


# ---- fields ----


def test_ellipses_and_area_scale_are_switched(shown):
    view = shown()
    grid = view.picture(".cloud")
    view.page.locator("input[value=none]").check()
    bare = view.rest().picture(".cloud")
    view.page.locator("input[value=codes]").check()
    at_codes = view.rest().picture(".cloud")
    assert grid != bare != at_codes != grid
    view.page.locator("input[type=checkbox]").check()
    assert view.rest().picture(".cloud") != at_codes
    assert view.js("e.model.get('ellipses') + e.model.get('magnification')") == "codestrue"
    low, high = view.page.locator(".legend span:not(.bar)").all_inner_texts()
    assert 0 < float(low) < float(high)


def test_the_field_is_the_room_s_metric(shown):
    view = shown()
    cells, levels = view.js("[e.shades.cells, (e.shades.advance(1, 1e4), [...e.shades.fine[1].levels])]")
    turn = torch.tensor(view.js("e.member.turn"))
    codes = torch.tensor(cells) @ turn.T
    G = pullback_metric(rounded(family()[1].decoder), codes)
    np.testing.assert_allclose(levels, torch.linalg.det(G).sqrt().log().numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["grid", "codes"])
def test_ellipses_are_the_room_s_where_they_stand(shown, kind):
    view = shown()
    ovals = view.js(f"e.fields.ellipses({kind!r}, 1).map(({{ at, shape }}) => [at, shape])")
    places, shapes = (torch.tensor(column) for column in zip(*ovals, strict=True))
    turn = torch.tensor(view.js("e.member.turn"))
    G = turn.T @ pullback_metric(rounded(family()[1].decoder), places @ turn.T) @ turn
    root = torch.stack([shapes[:, :2], shapes[:, 1:]], 1)
    # The matrix S takes the unit circle to the ellipse: Sᵀ G S = ρ² I.
    expected = view.widget.content["radius"] ** 2 * torch.eye(2).expand(len(G), 2, 2)
    torch.testing.assert_close(root @ G @ root, expected, rtol=0, atol=1e-4 * expected.max().item())


# How often the decoder of the model shown is asked, by way, while something is done.
COUNTED = """(e) => {
    const { decoder, encoder } = e.member;
    const asked = { forward: 0, differentiate: 0, encode: 0, clouds: 0 };
    const count = (object, name, as) => {
        const own = object[name].bind(object);
        object[name] = (...given) => (asked[as]++, own(...given));
    };
    count(decoder, "forward", "forward");
    count(decoder, "differentiate", "differentiate");
    count(encoder, "forward", "encode");
    count(e.plane, "paint", "clouds");
    return asked;
}"""


def test_a_frame_computes_what_has_changed_and_that_once(shown):
    """A frame by hand: nothing comes between."""
    view = shown()
    asked = view.js(f"""(() => {{
        const asked = ({COUNTED})(e);
        const frame = (change) => {{
            for (const name in asked) asked[name] = 0;
            change();
            e.frame(performance.now());
            return {{ ...asked }};
        }};
        const [x, y] = e.points.probe;
        return [
            frame(() => {{}}),
            frame(() => e.move("probe", [x + 0.1, y], null)),
            frame(() => e.hover([0.2, 0.3])),
            frame(() => e.hover(null)),
            frame(() => e.move("probe", e.member.codeOf(3), {{ index: 3 }})),
        ];
    }})()""")
    nothing = {"forward": 0, "differentiate": 0, "encode": 0, "clouds": 0}
    once = {**nothing, "differentiate": 1}
    assert asked == [nothing, once, once, nothing, {**once, "encode": 1}]


def test_dragging_an_end_leaves_the_probe_and_the_cloud(shown):
    view = shown()
    values, clouds = view.js("""(() => {
        let clouds = 0;
        const paint = e.plane.paint.bind(e.plane);
        e.plane.paint = (scene) => (clouds++, paint(scene));
        const before = e.output.values;
        e.move("end", [0.2, 0.3], null);
        e.frame(performance.now());
        return [e.output.values === before, clouds];
    })()""")
    assert (values, clouds) == (True, 0)


def test_shades_are_seen_at_once_and_get_finer(shown):
    view = shown()
    view.page.locator("input[type=checkbox]").check()
    view.rest()
    first, coarse, fine = view.js("""(() => {
        const seen = [];
        e.easing.milliseconds = e.shades.easing.milliseconds = 0;
        e.goTo(2);
        // The budget of a frame is spent otherwise.
        e.shades.show(2, performance.now(), true);
        seen.push(e.shades.fine[2].done, [...e.shades.levels]);
        while (e.shades.advance(2, 100));
        e.shades.show(2, performance.now(), false);
        return [...seen, [...e.shades.levels]];
    })()""")
    assert first == 0
    # A grid of 15 x 15 between its cells: as a picture it is the same but for details.
    assert np.corrcoef(coarse, fine)[0, 1] > 0.95
    assert coarse != fine


def test_shades_of_one_model_turn_into_those_of_another(shown):
    view = shown()
    view.page.locator("input[type=checkbox]").check()
    view.rest()
    before, way, after = view.js("""(() => {
        const { shades } = e;
        const from = shades.levels[0];
        shades.show(2, performance.now(), true);
        const { began, milliseconds } = shades.easing;
        const way = [0, 0.5, 1].map((share) => (shades.show(2, began + share * milliseconds, true), shades.levels[0]));
        return [from, way, shades.coarse(2)[0]];
    })()""")
    assert way == pytest.approx([before, (before + after) / 2, after])
    assert before != after


def test_a_second_curve_is_tried_where_decoding_costs_little(shown):
    view = shown()
    tried, none, dragged = view.js("""(() => {
        const { paths } = e;
        const tried = [];
        paths.challenge = function () {
            tried.push(this.untried);
            Object.getPrototypeOf(this).challenge.call(this);
        };
        const relaxed = () => {
            while (paths.isMoving) paths.step();
            return tried.splice(0);
        };
        const { start, end } = e.points;
        paths.start(1, start, end);
        const first = relaxed();
        paths.decoders[1].size = 3e5;
        paths.start(1, start, end);
        const second = relaxed();
        paths.carry(start, [end[0] - 0.1, end[1]]);
        const carried = relaxed();
        paths.check();
        return [first, second, [carried, relaxed()]];
    })()""")
    assert (tried, none) == ([1], [])
    # What was dragged is compared with a new start, once it is let go.
    assert dragged == [[], [0]]


def test_numbers_on_a_grid_are_enlarged_by_planes(shown):
    view = shown()
    enlarge = view.js("""(() => {
        const level = (x, y) => 2 * x - 3 * y + 1;
        const middle = (i, n) => (i + 0.5) / n;
        const at = (n) => (_, i) => level(middle(i % n, n), middle(Math.floor(i / n), n));
        const cells = (n) => Array.from({ length: n * n }, at(n));
        const rough = { index: 1, metrics: () => cells(15).map((l) => [Math.exp(l), 0, Math.exp(l)]) };
        const shades = Object.create(e.shades, { fields: { value: rough }, rough: { value: null, writable: true } });
        return [[...shades.coarse(1)], cells(40)];
    })()""")
    # Bilinear interpolation keeps a plane, but for half a coarse cell at the edge, where it has no neighbours.
    found, expected = (np.reshape(levels, (40, 40))[2:-2, 2:-2] for levels in enlarge)
    np.testing.assert_allclose(found, expected, atol=1e-9)


# The long axis of the ellipse of this matrix points up and to the right.
TILTED = [0.5, 0.3, 0.5]


def test_ellipses_on_the_canvas_are_tilted_as_in_the_plane(shown, watch):
    # What reads pixels is this test.
    watch.expected.append("willReadFrequently")
    view = shown()
    there, mirrored = view.js(
        """(() => {
        const [x, y] = e.content.plane.centre;
        const ovals = [{ at: [x, y], shape: given, faint: false }];
        const classes = [], codes = [];
        e.plane.paint({ codes, classes, ellipses: ovals, background: null, classOf: () => 0, theme: e.theme });
        const pixels = ([x, y]) => e.plane.sheet.context.getImageData(x - 2, y - 2, 5, 5).data;
        const inked = (place) => pixels(place).some(Boolean);
        const end = 0.8 / Math.SQRT2;
        return [inked(e.plane.toScreen([x + end, y + end])), inked(e.plane.toScreen([x + end, y - end]))];
    })()""",
        TILTED,
    )
    assert there
    assert not mirrored


@pytest.mark.parametrize("name", ["ellipse", "hovered", "posterior"])
def test_ellipses_over_the_canvas_are_tilted_as_in_the_plane(shown, name):
    view = shown()
    found, expected = view.js(
        f"""(() => {{
        const [x, y] = e.content.plane.centre;
        e.plane.oval({name!r}, [x, y], given);
        const [, layer] = e.plane.layers.{name};
        const tip = new DOMPoint(layer.cx.baseVal.value + layer.rx.baseVal.value, layer.cy.baseVal.value);
        const on = tip.matrixTransform(layer.transform.baseVal.consolidate().matrix);
        return [[on.x, on.y], e.plane.toScreen([x + 0.8 / Math.SQRT2, y + 0.8 / Math.SQRT2])];
    }})()""",
        TILTED,
    )
    assert near(found, expected, 0.01)


def rounded(module):
    """A network with its weights in half precision and back."""
    module = copy.deepcopy(module).double()
    for parameter in module.parameters():
        parameter.data = parameter.data.half().double()
    return module


# ---- numbers ----


def test_what_is_said_of_the_probe_is_torch_s(shown):
    view = shown()
    code = torch.tensor(view.code())
    decoder = rounded(family()[1].decoder)
    G = pullback_metric(decoder, code)
    larger, smaller = torch.linalg.eigvalsh(G).flip(0).tolist()
    z1, z2 = (float(part) for part in view.number("z").strip("()").replace(" ", "").split(","))
    assert near([z1, z2], code.numpy(), 0.0051)
    assert float(view.number("area √det G")) == pytest.approx((larger * smaller) ** 0.5, rel=6e-3)
    assert float(view.number("condition κ")) == pytest.approx(larger / smaller, rel=6e-3)
    x = torch.tensor(view.js("[...e.input().values]"))
    error = (decoder(code).flatten() - x).square().mean().item()
    assert float(view.number("error")) == pytest.approx(error, rel=6e-3, abs=6e-5)
    spread = rounded(family()[1].encoder)(x.reshape(1, 8, 8))[2:].exp().tolist()
    assert [float(part) for part in view.number("encoder ±").split(",")] == pytest.approx(spread, rel=6e-3, abs=6e-5)


def test_lengths_are_torch_s_and_the_geodesic_is_shorter(shown):
    view = shown()
    straight = float(view.text(".way.line span").split()[-1])
    found = re.fullmatch(
        r"geodesic ([\d.]+)(?: \((less than )?(\d+) % shorter\))?", view.text(".way.curve span").strip()
    )
    a, b = (torch.tensor(view.code(name)) for name in ("start", "end"))
    decoder = rounded(family()[1].decoder)
    line = a + torch.linspace(0, 1, 2001)[:, None] * (b - a)
    length = decoder(line).flatten(1).diff(dim=0).norm(dim=1).sum().item()
    assert straight == pytest.approx(length, rel=6e-3)
    assert float(found[1]) <= straight
    along = torch.tensor(view.js("e.paths.geodesic.curve(2001).map((point) => e.member.toCode(point))"))
    assert float(found[1]) == pytest.approx(decoder(along).flatten(1).diff(dim=0).norm(dim=1).sum().item(), rel=1e-2)
    if found[3]:
        assert float(found[3]) == pytest.approx(100 * (1 - float(found[1]) / straight), abs=1.1)


@pytest.mark.parametrize(
    ("length", "straight", "words"),
    [
        (0.9, 1.0, " (10 % shorter)"),
        (1.564, 1.566, " (less than 1 % shorter)"),
        (1.5661, 1.5664, ""),
        (1.0, 0.9, ""),
        (0.0, 0.0, ""),
    ],
)
def test_a_gain_is_told_where_the_lengths_show_it(run, length, straight, words):
    """What is shown as 1.57 and 1.56 may differ by a thousandth: a number for it would contradict them."""
    assert (
        run(["page.js", "paths.js"], "(m, length, straight) => m.shorter(length, straight)", length, straight) == words
    )


def test_strips_show_both_ways(shown):
    view = shown()
    line, curve = view.js("[e.paths.strips.line.list.map((v) => [...v]), e.paths.strips.curve.list.map((v) => [...v])]")
    a, b = (torch.tensor(view.code(name)) for name in ("start", "end"))
    points = a + torch.linspace(0, 1, 9)[:, None] * (b - a)
    expected = rounded(family()[1].decoder)(points).flatten(1).detach().numpy()
    np.testing.assert_allclose(line, expected, atol=1e-5)
    np.testing.assert_allclose([curve[0], curve[-1]], expected[[0, -1]], atol=1e-5)
    assert not view.is_blank(".way.line canvas")
    assert not view.is_blank(".way.curve canvas")


def test_the_strip_of_the_geodesic_is_decoded_on_it(shown):
    view = shown()
    view.drag("end", [1.4, -0.9])
    view.page.mouse.up()
    line, curve, stops = view.rest().js("""[
        e.paths.strips.line.list.map((v) => [...v]),
        e.paths.strips.curve.list.map((v) => [...v]),
        e.paths.geodesic.stops(9).map((point) => e.member.toCode(point)),
    ]""")
    expected = rounded(family()[1].decoder)(torch.tensor(stops)).flatten(1).detach().numpy()
    np.testing.assert_allclose(curve, expected, atol=1e-5)
    assert np.abs(np.array(curve) - line).max() > 1e-3


@pytest.mark.parametrize(("carried", "fresh", "kept"), [(2.0, 1.0, 1.0), (1.0, 2.0, 1.0), (1.0, 0.9999, 1.0)])
def test_the_shorter_one_of_two_curves_is_kept(shown, carried, fresh, kept):
    """One that was dragged along, and one from the straight line; what differs by less than a thousandth stays."""
    view = shown()
    found = view.js(
        """(() => {
        const paths = Object.create(e.paths, { geodesics: { value: [{}, {}] }, index: { value: 1, writable: true } });
        paths.geodesics[1] = { curve: { length: given[0] }, rival: { length: given[1] } };
        paths.decide();
        return [paths.geodesic.length, paths.rival];
    })()""",
        [carried, fresh],
    )
    assert found == [kept, None]


def test_a_curve_that_was_dragged_settles_where_a_new_one_would(shown):
    view = shown()
    view.drag("end", [-0.6, 0.8])
    view.page.mouse.up()
    view.rest()
    dragged = view.js("e.paths.geodesic.length")
    view.js("e.restart()")
    fresh = view.rest().js("e.paths.geodesic.length")
    assert dragged <= fresh * 1.002


# ---- the pad ----

SEVEN = [[(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]]


def draw(view, strokes):
    box = view.page.locator(".pad").bounding_box()
    for first, *others in strokes:
        view.page.mouse.move(box["x"] + first[0] * box["width"], box["y"] + first[1] * box["height"])
        view.page.mouse.down()
        for x, y in others:
            view.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        view.page.mouse.up()


def test_a_drawing_is_encoded_as_torch_would(shown):
    view = shown()
    draw(view, SEVEN)
    view.rest()
    x = torch.tensor(view.js("[...e.input().values]"))
    assert 5 < x.sum() < 40
    assert ((16 * x) % 1 == 0).all()
    mean, log_std = rounded(family()[1].encoder)(x.reshape(1, 8, 8)).detach().chunk(2)
    assert near(view.code(), mean, 1e-5)
    assert "your drawing" in view.text(".panes")
    assert view.js("e.model.get('probe')") == pytest.approx(view.code())
    covariance = view.js("e.input().answer.covariance")
    turn = torch.tensor(view.js("e.member.turn"))
    expected = turn.T @ torch.diag((2 * log_std).exp()) @ turn
    assert near(covariance, [expected[0, 0], expected[0, 1], expected[1, 1]], 1e-6)
    assert view.page.locator("ellipse.posterior:not(.halo)").is_visible()
    axes = [float(view.page.locator("ellipse.posterior:not(.halo)").get_attribute(name)) for name in ("rx", "ry")]
    scale = view.plane()["width"] / (2 * view.widget.content["plane"]["reach"])
    assert near(axes, 3 * scale * log_std.exp().sort(descending=True).values, 0.06 * axes[0])


def test_the_pad_shows_first_the_hand_and_then_what_was_made_of_it(shown):
    view = shown()
    draw(view, SEVEN)
    assert not view.is_blank(".pad .ink")
    view.page.wait_for_function("!document.querySelector('.latent-explorer').explorer.pad.handwriting")
    assert view.is_blank(".pad .ink")
    assert max(view.js("[...e.pad.pane.values]")) == 1


def test_a_drawing_goes_with_the_slider(shown):
    view = shown()
    draw(view, SEVEN)
    x = torch.tensor(view.rest().js("[...e.input().values]"))
    view.page.locator(".tick").first.click()
    view.rest()
    assert near(view.code(), rounded(family()[0].encoder)(x.reshape(1, 8, 8))[:2].detach(), 1e-5)


def test_what_is_drawn_beyond_the_edge_counts_at_the_edge(shown):
    view = shown()
    draw(view, [[(0.5, 0.2), (0.5, 1.6)]])
    assert max(y for stroke in view.rest().js("e.pad.strokes") for _, y in stroke) == 1


def test_clearing_while_drawing_ends_the_stroke(shown):
    view = shown()
    box = view.page.locator(".pad").bounding_box()
    view.page.mouse.move(box["x"] + 40, box["y"] + 40)
    view.page.mouse.down()
    view.page.locator(".pad").press("Delete")
    view.page.mouse.move(box["x"] + 60, box["y"] + 60)
    view.page.mouse.up()
    assert view.rest().js("[e.pad.strokes.length, e.input()]") == [0, None]


def test_clearing_frees_the_probe_where_it_is(shown):
    view = shown()
    draw(view, SEVEN)
    place = view.rest().point()
    view.page.locator(".clear").click()
    view.rest()
    assert view.point() == place
    assert view.js("e.input()") is None
    assert "draw a digit" in view.text(".pad")


def test_the_pad_is_drawn_on_by_keys(shown):
    view = shown()
    pad = view.page.locator(".pad")
    said = view.page.locator(".pad .said[aria-live=polite]")
    pad.press("Space")
    assert said.text_content() == "pen down, column 12, row 7"
    for _ in range(12):
        pad.press("ArrowDown")
    assert said.text_content() == "column 12, row 19"
    pad.press("Space")
    assert said.text_content() == "pen up, column 12, row 19"
    view.rest()
    assert "your drawing" in view.text(".panes")
    drawn = np.reshape(view.js("[...e.input().values]"), (8, 8))
    assert drawn.sum(1).min() > 0
    assert drawn[:, :2].sum() == drawn[:, -2:].sum() == 0
    pad.press("Delete")
    assert view.rest().js("e.input()") is None


# ---- fingers ----


@pytest.fixture
def touched(shown):
    view = shown(
        viewport={"width": 390, "height": 700},
        has_touch=True,
        is_mobile=True,
        head="<div style='height:40px'></div>",
    )
    view.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div style=\"height:2000px\"></div>')")
    view.session = view.page.context.new_cdp_session(view.page)

    def swipe(start, end, steps=8):
        def send(kind, points):
            view.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        send("touchStart", [{"x": start[0], "y": start[1]}])
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
            send("touchMove", [{"x": x, "y": y}])
        send("touchEnd", [])

    view.swipe = swipe
    return view


def test_a_finger_drags_a_handle(touched):
    target = touched.on_screen([0.0, -0.5])
    touched.swipe(touched.on_screen(touched.point("start")), target)
    touched.rest()
    assert near(touched.point("start"), [0.0, -0.5], 0.06)
    assert touched.page.evaluate("scrollY") == 0


@pytest.mark.parametrize("to", [(0, -60), (-40, 40)], ids=["up", "diagonal"])
def test_a_finger_drags_a_handle_any_way(touched, to):
    x, y = touched.on_screen(touched.point("start"))
    before = touched.point("start")
    touched.swipe((x, y), (x + to[0], y + to[1]), steps=20)
    assert touched.rest().page.evaluate("scrollY") == 0
    moved = np.array(touched.point("start")) - before
    scale = touched.plane()["width"] / (2 * touched.widget.content["plane"]["reach"])
    assert near(moved * scale, [to[0], -to[1]], 6)


def test_a_second_finger_does_nothing(touched):
    x, y = touched.on_screen(touched.point("start"))
    fingers = [{"x": x, "y": y, "id": 0}, {"x": 60, "y": 120, "id": 1}]
    send = touched.session.send
    before = touched.point()
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[:1]})
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
    fingers[0] = {"x": x + 30, "y": y, "id": 0}
    send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touched.rest()
    assert touched.point() == before
    assert touched.on_screen(touched.point("start"))[0] == pytest.approx(x + 30, abs=3)


def test_scrolling_over_the_plane_leaves_a_drawing(touched):
    touched.page.locator(".pad").scroll_into_view_if_needed()
    box = touched.page.locator(".pad").bounding_box()
    touched.swipe((box["x"] + 60, box["y"] + 12), (box["x"] + 60, box["y"] + 90))
    drawn = touched.rest().js("[...e.input().values]")
    touched.page.evaluate("scrollTo(0, 0)")
    x, y = touched.on_screen([0.3, 0.0])
    touched.swipe((x, y), (x + 3, y - 200))
    touched.page.wait_for_function("scrollY > 80")
    assert touched.rest().js("[...e.input().values]") == drawn
    assert max(touched.js("[...e.pad.example]")) == 1


def test_a_tap_moves_the_probe(touched):
    touched.page.touchscreen.tap(*touched.on_screen([0.0, -0.5]))
    touched.rest()
    # Fingers are broad: a point nearby may have been meant.
    assert near(touched.point(), [0.0, -0.5], 0.3)


def test_a_finger_that_scrolls_moves_nothing(touched):
    before = {name: touched.point(name) for name in ("probe", "start", "end")}
    x, y = touched.on_screen([0.3, 0.0])
    touched.swipe((x, y), (x + 3, y - 250))
    touched.page.wait_for_function("scrollY > 100")
    touched.rest()
    assert {name: touched.point(name) for name in before} == before


def test_a_finger_draws_and_the_page_stays(touched):
    touched.page.locator(".pad").scroll_into_view_if_needed()
    top = touched.page.evaluate("scrollY")
    box = touched.page.locator(".pad").bounding_box()
    middle = box["x"] + box["width"] / 2
    touched.swipe((middle, box["y"] + 12), (middle, box["y"] + box["height"] - 12))
    touched.rest()
    assert "your drawing" in touched.text(".panes")
    assert touched.page.evaluate("scrollY") == top


def test_a_finger_that_scrolls_over_the_slider_leaves_it(touched):
    box = touched.page.locator(".slider input").bounding_box()
    x, y = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
    touched.swipe((x, y), (x - 2, y - 250))
    touched.page.wait_for_function("scrollY > 100")
    assert touched.rest().js("[e.index, e.controls.slider.input.value]") == [1, "1"]


def test_handles_are_large_enough_for_fingers(touched):
    for handle in touched.page.locator(".handle .reach").all():
        box = handle.bounding_box()
        assert min(box["width"], box["height"]) >= 24


# ---- screens and themes ----


def test_a_phone_has_one_column_and_no_sideways_scrolling(touched):
    assert touched.page.evaluate("document.documentElement.scrollWidth") == 390
    plane, panes = touched.plane(), touched.page.locator(".panes").bounding_box()
    assert panes["y"] > plane["y"] + plane["height"]
    assert plane["width"] > 300
    # What is dragged and what it changes are seen together; the page's own head is 40 px here.
    assert panes["y"] + panes["height"] <= 700


def test_all_of_it_fits_a_laptop_s_window(shown):
    view = shown(viewport={"width": 960, "height": 640})
    box = view.page.locator(".explorer").bounding_box()
    assert box["height"] <= 640


def test_the_theme_changes_what_is_drawn(shown):
    view = shown(head="<style>[data-theme=dark] { --lb-ink: #e6e6e6; --lb-accent: #4fb3c4 }</style>")
    light = view.picture(".cloud")
    view.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    view.page.wait_for_function("document.querySelector('.latent-explorer').explorer.theme.dark")
    assert view.rest().picture(".cloud") != light
    assert view.js("getComputedStyle(e.controls.shades.input).colorScheme") == "dark"


def test_read_outs_do_not_jump(shown):
    view = shown()
    places = """[...e.root.querySelectorAll('dd, .pane, .strip, figcaption')].map((part) => {
        const { x, y, width, height } = part.getBoundingClientRect();
        return [x, y, width, height];
    })"""
    before = view.js(places)
    for to in ([0.5, 0.5], [-0.9, 0.1], [0.0, -0.7]):
        view.drag("probe", to)
        view.page.mouse.up()
        assert view.rest().js(places) == before
    view.page.locator(".tick").first.click()
    assert view.rest().js(places) == before


# ---- hosts ----


def test_two_views_share_their_state(shown):
    view = shown(count=2)
    view.page.wait_for_function("document.querySelectorAll('.latent-explorer').length === 2")
    second = "document.querySelectorAll('.latent-explorer')[1].explorer"
    view.page.locator(".handle.end").first.press("ArrowLeft")
    view.page.locator(".tick").first.click()
    assert view.page.evaluate(f"{second}.points.end") == pytest.approx(view.point("end"))
    assert view.page.evaluate(f"{second}.index") == 0


def test_a_view_that_is_made_before_it_is_on_the_page_comes_to_life_there(shown):
    """JupyterLab makes the outputs of cells that are scrolled out of sight without attaching them."""
    view = shown()
    view.page.evaluate("""async () => {
        document.documentElement.style.setProperty("--lb-ink", "rgb(230, 230, 230)");
        const { model } = document.querySelector(".latent-explorer").explorer;
        const module = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
        window.late = document.createElement("div");
        (await import(module)).default.render({ model, el: late });
        await new Promise((done) => setTimeout(done, 100));
        document.body.replaceChildren(late);
    }""")
    view.page.wait_for_function("late.firstChild.explorer.theme.dark")
    view.rest()
    assert not view.is_blank(".cloud")
    assert not view.is_blank(".way.curve canvas")
    assert view.page.evaluate("late.firstChild.explorer.theme.ink") == "rgb(230, 230, 230)"


def test_a_view_that_is_gone_is_silent(shown):
    view = shown()
    view.js(
        "(e.close(), e.model.set('probe', [0.1, 0.1]), e.model.set('lam', 100), e.model.set('magnification', true))"
    )
    view.page.wait_for_timeout(100)
    assert view.page.locator(".explorer").count() == 0
    assert view.js("e.index") == 1


def test_a_drawing_in_one_of_two_views_outlives_the_slider(shown):
    view = shown(count=2)
    view.page.wait_for_function("document.querySelectorAll('.latent-explorer').length === 2")
    box = view.page.locator(".pad").first.bounding_box()
    view.page.mouse.move(box["x"] + 60, box["y"] + 30)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 60, box["y"] + 120, steps=5)
    view.page.mouse.up()
    view.page.locator(".tick").first.click()
    # The other view answers in a moment of its own.
    view.page.wait_for_timeout(200)
    assert view.js("Boolean(e.anchors.probe?.drawn)")
    assert view.js("e.model.get('probe')") == pytest.approx(view.code())


def test_a_kernel_that_chooses_a_model_learns_where_the_handles_are_in_it(shown):
    view = shown()
    view.js("e.model.set('lam', 100)")
    view.page.wait_for_function(
        "(() => { const e = document.querySelector('.latent-explorer').explorer;"
        "return e.model.get('end').every((x, i) => Math.abs(x - e.member.toCode(e.points.end)[i]) < 1e-9); })()"
    )
    assert view.js("e.index") == 2


def test_the_kernel_moves_the_probe(shown):
    view = shown()
    view.js("e.model.set('probe', [0.25, -0.5])")
    assert view.rest().code() == pytest.approx([0.25, -0.5])
    view.js("(e.model.set('lam', 100), e.model.set('example', 3))")
    assert view.rest().js("[e.index, e.anchors.probe.index]") == [2, 3]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"weights": b""}, "saved without its data: run its cell again"),
        ({"content": {}}, "saved without its data: run its cell again"),
    ],
)
def test_a_notebook_saved_without_data_says_so(watch, tmp_path, state, words):
    kept = saved(explorer())
    for name, value in state.items():
        kept["buffers"] = [one for one in kept["buffers"] if one["path"] != [name]]
        kept["state"][name] = None if value == b"" else value
    page = hosted(watch, tmp_path, {"a": kept}, ["a"])
    assert words in page.locator(".lb-kernel").inner_text()


def test_an_old_browser_is_told_what_it_lacks(watch, tmp_path):
    page = hosted(
        watch, tmp_path, {"a": saved(explorer())}, ["a"], head="<script>delete window.ResizeObserver</script>"
    )
    assert "it has no ResizeObserver" in page.locator(".lb-kernel").inner_text()


# ---- other data ----


def decoder_of(outputs, seed=0):
    with seeded(seed):
        return torch.nn.Sequential(torch.nn.Linear(2, 12), torch.nn.SiLU(), torch.nn.Linear(12, outputs))


@pytest.mark.parametrize(
    ("kind", "outputs", "options"),
    [
        ("curve", 30, {}),
        ("skeleton", 8, {"shape": (4, 2), "bones": [(0, 1), (1, 2), (2, 3)]}),
        ("image", 3 * 5 * 4, {"shape": (3, 5, 4)}),
        ("image", 35, {"shape": (7, 5)}),
    ],
)
def test_decoders_alone_draw_whatever_they_decode(shown, kind, outputs, options):
    view = shown(LatentExplorer(decoder_of(outputs), torch.randn(40, 2), **options))
    assert view.widget.content["event"]["kind"] == kind
    first = view.picture(".panes canvas")
    assert not view.is_blank(".panes canvas")
    view.drag("probe", [1.0, 1.0])
    view.page.mouse.up()
    assert view.rest().picture(".panes canvas") != first
    assert view.page.locator(".pad").count() == view.page.locator(".slider").count() == 0


def test_colours_are_red_green_and_blue(shown, watch):
    watch.expected.append("willReadFrequently")
    decoder = decoder_of(3 * 4)
    for parameter in decoder.parameters():
        parameter.data *= 0
    # All red, half green, no blue, in the order of torch: a plane for each colour.
    decoder[-1].bias.data = torch.tensor([1.0, 0.5, 0.0]).repeat_interleave(4)
    view = shown(LatentExplorer(decoder, shape=(3, 2, 2)))
    pixel = view.js("[...e.output.context.getImageData(5, 5, 1, 1).data]")
    assert pixel == [255, pytest.approx(128, abs=1), 0, 255]


def test_a_plane_without_points_and_one_class(shown, tmp_path):
    view = shown(LatentExplorer(decoder_of(10)))
    assert view.page.locator("input[value=codes]").count() == 0
    one = Dataset(torch.rand(20, 6), torch.zeros(20, dtype=torch.long))
    model = (mlp_encoder((6,), (5,), 4, torch.nn.Tanh), mlp_decoder(2, (5,), (6,), torch.nn.Tanh))
    other = shown(LatentExplorer(model, one))
    assert not other.is_blank(".cloud")


def test_thinned_points_are_said(shown):
    view = shown(LatentExplorer(decoder_of(5), torch.randn(10_000, 2)))
    assert "1,000 of 10,000 points are shown" in view.text(".notes")
