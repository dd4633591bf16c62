"""How the page shows an output: a myst-nb plugin for plotly, and a Sphinx extension with the page's own files."""

from __future__ import annotations

import html
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeRenderPlugin
from myst_nb.sphinx_ import HideCodeCellNode

from latentbook.press.cells import CodeLast, close_fold, open_fold

__all__ = ["Plotly", "setup"]

PLOTLY = "application/vnd.plotly.v1+json"
STATIC = Path(__file__).parent / "static"
SHEETS = ("theme.css", "cells.css")


class Plotly(MimeRenderPlugin):
    """Plotly's JSON, as JupyterLab shows it, left in the page as inert data for ``host.js`` to draw."""

    mime_priority_overrides = [("html", PLOTLY, 5)]  # noqa: RUF012  (myst-nb's own contract)

    @staticmethod
    def handle_mime(renderer, data, inline):
        """Return the figure's place in the page, or None for other outputs."""
        if inline or data.mime_type != PLOTLY:
            return None
        figure: Any = data.content
        layout = figure.get("layout", {})
        alt = data.cell_metadata.get("mystnb", {}).get("image", {}).get("alt") or (layout.get("meta") or {}).get("alt")
        if not alt:
            renderer.logger.warning("a plotly figure has no alt text", subtype="alt", line=data.line)
        label = html.escape(alt or "figure", quote=True)
        # "</script>" inside the JSON would end the element, "<!--<script>" would keep it from ending.
        body = json.dumps(figure, separators=(",", ":")).replace("<", r"\u003c")
        return [
            nodes.raw(
                format="html",
                text=f'<div class="lb-plotly" role="figure" aria-label="{label}" '
                f'style="min-height:{layout.get("height", 420)}px">'
                f'<script type="application/json">{body}</script><noscript>{label}</noscript></div>',
            )
        ]


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", _add_files)
    app.add_post_transform(CodeLast)
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_files(app):
    """Serve the book's script and sheets, and plotly and MathJax out of the packages that are installed."""
    plotly = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
    mathjax = distribution("sphinx-mathjax-offline").locate_file(
        "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"
    )
    own = [STATIC / name for name in ("host.js", *SHEETS)]
    app.config.html_static_path += [str(file) for file in (*own, plotly, mathjax)]
    app.add_js_file("host.js")
    for sheet in SHEETS:
        app.add_css_file(sheet)
