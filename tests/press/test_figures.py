"""Figures: the shared shape, sliders over frames, rows of images, and what `show` refuses."""

import plotly.graph_objects as go
import pytest

from latentbook.press.figures import SLIDER_HEIGHT, THEMED, layout, show, slider, with_frames

PAPER, NEAR_BLACK = "#fffdf9", "#14161a"


@pytest.fixture
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    return outputs


def test_show_displays_plotly_s_mime_with_alt_text_and_no_upload_button(shown):
    show(go.Figure(go.Scatter(x=[1], y=[2])), alt="A dot.", caption="See <b>it</b>.", phone={"height": 300})
    figure, caption = shown
    content = figure["application/vnd.plotly.v1+json"]
    meta = content["layout"]["meta"]
    assert (meta["alt"], meta["phone"]) == ("A dot.", {"height": 300})
    assert content["config"]["showSendToCloud"] is False
    # JupyterLab has no host.js, and would let the wheel zoom a figure in space.
    assert content["config"]["scrollZoom"] is False
    assert figure["text/plain"] == "A dot."
    assert caption["text/html"] == '<p class="lb-caption">See <b>it</b>.</p>'


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_needs_alt_text(alt):
    with pytest.raises(ValueError, match="`alt` is empty"):
        show(go.Figure(), alt=alt)


def test_a_slider_steps_through_the_frames_by_name():
    control = slider(["a", "b"], 1, "λ = ")
    assert control["active"] == 1
    assert [step["args"][0] for step in control["steps"]] == [["a"], ["b"]]
    assert {step["method"] for step in control["steps"]} == {"animate"}


def test_the_first_state_is_the_active_frame():
    frames = [
        go.Frame(data=[go.Scatter(y=[k])], name=str(k), layout={"annotations": [{"text": f"at {k}"}]}) for k in range(3)
    ]
    figure = with_frames(frames, 2, "k = ", height=333)
    assert figure.data[0].y == (2,)
    assert figure.layout.annotations[0].text == "at 2"
    assert figure.layout.height == 333 + SLIDER_HEIGHT
    assert figure.layout.meta == {"slider_height": SLIDER_HEIGHT}
    assert len(figure.frames) == 3


def test_what_is_fixed_lies_under_the_frames_and_is_carried_once():
    frames = [
        go.Frame(data=[go.Scatter(y=[k])], name=str(k), layout={"annotations": [{"text": "k"}]}) for k in range(3)
    ]
    figure = with_frames(frames, 1, "k = ", fixed=[go.Scatter(y=[7]), go.Scatter(y=[8])])
    assert [trace.y for trace in figure.data] == [(7,), (8,), (1,)]
    assert [tuple(frame.traces) for frame in figure.frames] == [(2,)] * 3


def test_axes_are_merged_with_the_book_s():
    shape = layout(xaxis={"title": "x"})
    assert shape.xaxis.title.text == "x"
    assert shape.template.layout.xaxis.showgrid is False
    assert shape.paper_bgcolor == "rgba(0,0,0,0)"


# ---- colours ----


def luminance(colour):
    """The relative luminance of WCAG 2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted(luminance(colour) + 0.05 for colour in (one, other))
    return high / low


def test_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", THEMED)
def test_colours_stand_out_in_either_theme_and_in_jupyterlab(colour):
    light, dark = THEMED[colour]
    assert contrast(light, PAPER) >= 4.5
    assert contrast(dark, NEAR_BLACK) >= 4.5
    # One colour for both of JupyterLab's themes: 4.6 : 1 on both is the most there is, 3 : 1 is what graphics need.
    assert min(contrast(colour, "#ffffff"), contrast(colour, "#111111")) >= 3


def test_no_colour_stands_for_another_one_that_is_replaced_too():
    assert not set(THEMED) & {stand_in for pair in THEMED.values() for stand_in in pair}
