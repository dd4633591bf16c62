"""What tests of pages share: the browser's flags, figures that have to be drawn, widgets that have to be hosted."""

import json
from importlib.metadata import distribution
from pathlib import Path

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


# What Chromium remarks on drawing in space: plotly reads its canvases back, which is slow where there is no GPU.
HINTS = ("Canvas2D: Multiple readback operations", "GPU stall due to ReadPixels")


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


DRAWN = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="theme.css">
<link rel="stylesheet" href="cells.css">{head}<body><article class="bd-article">{figures}</article>
<div style="height: 3000px"></div><script src="host.js"></script>"""
PLACE = """<div class="lb-plotly" role="figure" aria-label="{alt}" style="min-height: 420px">
<script type="application/json">{figure}</script></div>"""


def drawn(watch, folder, figures, *, head="", **options):
    """Open a page with figures alone, plotly's JSON by alt text, over a long empty piece to scroll over."""
    plotly = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
    for file in (*(STATIC / name for name in ("host.js", "theme.css", "cells.css")), Path(str(plotly))):
        (folder / file.name).symlink_to(file)
    places = "".join(PLACE.format(alt=alt, figure=json.dumps(figure)) for alt, figure in figures.items())
    (folder / "figures.html").write_text(DRAWN.format(head=head, figures=places))
    return watch((folder / "figures.html").as_uri(), **options)
