"""The mime plugin leaves plotly's JSON in the page, inert and whole."""

import json
from types import SimpleNamespace

import pytest

from latentbook.press.page import PLOTLY, Plotly


def handle(figure, metadata=None, mime=PLOTLY, inline=False):
    warnings = []
    renderer = SimpleNamespace(logger=SimpleNamespace(warning=lambda text, **_: warnings.append(text)))
    data = SimpleNamespace(mime_type=mime, content=figure, cell_metadata=metadata or {}, line=1)
    return Plotly.handle_mime(renderer, data, inline), warnings


def figure(alt="A line.", **data):
    return {"data": [{"x": [1], **data}], "layout": {"height": 333, "meta": {"alt": alt}}}


def test_the_figure_is_data_with_a_label_and_a_height():
    [node], warnings = handle(figure('Less < more, "quoted".'))
    text = node.astext()
    assert not warnings
    assert 'aria-label="Less &lt; more, &quot;quoted&quot;."' in text
    assert "min-height:333px" in text
    body = text.split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(body) == figure('Less < more, "quoted".')


@pytest.mark.parametrize("name", ["</script><b>", "<!--<script>"])
def test_markup_inside_a_label_stays_data(name):
    [node], _ = handle(figure(name=name))
    assert node.astext().count("</script>") == 1
    assert node.astext().count("<script") == 1
    assert "<!--" not in node.astext()


def test_a_figure_without_alt_text_warns_so_that_the_build_fails():
    assert handle({"data": [], "layout": {}})[1] == ["a plotly figure has no alt text"]
    assert handle({"data": [], "layout": {}}, {"mystnb": {"image": {"alt": "A cell's."}}})[1] == []


@pytest.mark.parametrize("options", [{"mime": "text/plain"}, {"inline": True}])
def test_other_outputs_are_left_to_others(options):
    assert handle(figure(), **options)[0] is None
