"""What tests of pages share: the browser's flags, figures that have to be drawn, widgets that have to be hosted."""

import json
from pathlib import Path

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


STATIC = Path(__file__).parents[1] / "latentbook" / "press" / "static"
VIEW = '<script type="application/vnd.jupyter.widget-view+json">{{"model_id": "{id}"}}</script>'
HOSTED = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>Widgets</title>
<meta name="viewport" content="width=device-width"><body>{head}{views}
<script type="application/vnd.jupyter.widget-state+json">{state}</script><script src="{host}"></script>"""


def hosted(watch, folder, states, views, *, head="", **options):
    """Open a page with saved widgets, as papermill leaves them."""
    shown = "".join(VIEW.format(id=id) for id in views)
    # As in a notebook: nothing in the state ends the element that it stands in.
    state = json.dumps({"state": states}).replace("</", r"<\/")
    file = folder / "widget.html"
    file.write_text(HOSTED.format(head=head, views=shown, state=state, host=(STATIC / "host.js").as_uri()))
    return watch(file.as_uri(), **options)
