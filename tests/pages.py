"""What tests of pages share: the browser's flags, figures that have to be drawn, widgets that have to be hosted."""

import json

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def draw_all(page):
    """Scroll to every figure, and wait until it is drawn. That it has data, the build has seen."""
    for figure in page.locator(".lb-plotly").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".main-svg").first.wait_for()
        figure.and_(page.locator("[data-drawn]")).wait_for()
        assert len(figure.get_attribute("aria-label")) > 20


VIEW = '<script type="application/vnd.jupyter.widget-view+json">{{"model_id": "{id}"}}</script>'
HOSTED = """<!doctype html><title>Widgets</title><body>{views}
<script type="application/vnd.jupyter.widget-state+json">{state}</script><script src="{host}"></script>"""


def hosted(visit, smoke_book, tmp_path, states, views):
    """Open a page with saved widgets, as papermill leaves them."""
    host = (smoke_book.absolute() / "_static" / "host.js").as_uri()
    html = HOSTED.format(
        views="".join(VIEW.format(id=id) for id in views), state=json.dumps({"state": states}), host=host
    )
    (tmp_path / "widget.html").write_text(html)
    return visit("widget", base=tmp_path.as_uri())
