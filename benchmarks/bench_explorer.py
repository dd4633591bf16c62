"""The latent explorer in Chromium: a move of the pointer, a change of the model, a geodesic from the straight line."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from ipywidgets.embed import embed_data
from playwright.sync_api import Page, sync_playwright
from timing import Row

from latentbook.core import seeded
from latentbook.learning.nets import mlp_decoder
from latentbook.learning.recipes import isometry
from latentbook.metric import pullback_metric
from latentbook.press.widgets import LatentExplorer

HOST = Path(__file__).parents[1] / "latentbook" / "press" / "static" / "host.js"
VIEW, STATE = (f"application/vnd.jupyter.widget-{kind}+json" for kind in ("view", "state"))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]

# Milliseconds: of the numbers under the pointer, of what the next frame does after a change, and as a reader waits for
# a geodesic, frames and all, until nothing moves any more. Members are visited once each, so that no field is known.
MEASURE = """async () => {
    const e = document.querySelector(".latent-explorer").explorer;
    const { reach } = e.content.plane;
    const place = () => [0, 1].map(() => reach * (Math.random() - 0.5));
    const timed = (work) => { const start = performance.now(); work(); return performance.now() - start; };
    const rest = async () => { while ("busy" in e.root.dataset) await new Promise(requestAnimationFrame); };
    await rest();
    // The clock of a page ticks every 0.1 ms: ten at a time.
    const ten = () => timed(() => { for (let k = 0; k < 10; k++) e.member.ruler.at(place()); }) / 10;
    const pointer = Array.from({ length: 60 }, ten).slice(20);
    const moves = Array.from({ length: 60 }, () => timed(() => {
        e.move("probe", place(), null);
        e.frame(performance.now());
    })).slice(20);
    const changes = [];
    for (let index = 0; index < e.members.length; index++) {
        if (index === e.index) continue;
        changes.push(timed(() => { e.goTo(index); e.frame(performance.now()); }));
        await rest();
    }
    // At the smallest weight, where geodesics bend most.
    e.goTo(0);
    await rest();
    const settled = [];
    for (let trial = 0; trial < 24; trial++) {
        Object.assign(e.points, { start: place(), end: place() });
        const start = performance.now();
        e.restart();
        await rest();
        settled.push(performance.now() - start);
    }
    return { pointer, moves, changes, settled };
}"""


def measure() -> list[Row]:
    """Return rows for the family of chapter 2's networks, and for one decoder of larger images."""
    torch.manual_seed(0)
    chosen = isometry.settings(scale="book", device="cpu")
    data = isometry.load_data(chosen)
    runs = isometry.family(chosen, data=data)
    small = LatentExplorer([run.model for run in runs], data[1], lam=[run.lam for run in runs])
    # All that a reader can switch on.
    small.ellipses, small.magnification = "grid", True
    with seeded(0):
        large = mlp_decoder(2, (256, 256), (1, 28, 28), torch.nn.Tanh).append(torch.nn.Sigmoid())
    for parameter in large.parameters():
        # As curved as a trained one: with weights as they are drawn first, every geodesic is a straight line.
        parameter.data *= 4
    return [
        *_rows("8 members, 2-128-128-64", small, runs[0].model.decoder),
        *_rows("2-256-256-784", LatentExplorer(large, torch.randn(500, 2)), large),
    ]


def _rows(name: str, explorer: LatentExplorer, decoder: torch.nn.Module) -> list[Row]:
    with _shown(explorer) as page:
        found = page.evaluate(MEASURE)
    decoded = statistics.median(found["pointer"]) / 1e3
    rows = [
        Row(f"{name}: image and metric", decoded, _in_torch(decoder), "torch, one point", asked="1 ms"),
        Row(f"{name}: a move of the probe, drawn", statistics.median(found["moves"]) / 1e3),
        *_slowest(f"{name}: a geodesic between new ends", found["settled"], "250 ms"),
    ]
    if found["changes"]:
        rows += _slowest(f"{name}: another λ, 225 ellipses and shades anew", found["changes"], "50 ms")
    return rows


def _slowest(name: str, times: list[float], asked: str) -> list[Row]:
    """Return the median and the largest of some milliseconds: the largest is what was asked for."""
    return [Row(name, statistics.median(times) / 1e3), Row(f"{name}, slowest", max(times) / 1e3, asked=asked)]


@contextmanager
def _shown(explorer: LatentExplorer) -> Iterator[Page]:
    """Open a page with the explorer, as the book has it."""
    content: Any = embed_data(views=[explorer], drop_defaults=False)
    scripts = _script(VIEW, content["view_specs"][0]) + _script(STATE, content["manager_state"])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "page.html")
        file.write_text(f'<!doctype html><meta charset="utf-8"><body>{scripts}<script src="{HOST.as_uri()}"></script>')
        chromium = os.environ.get("LATENTBOOK_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 760})
        page.goto(file.as_uri())
        page.locator(".explorer").wait_for()
        yield page
        browser.close()


def _script(kind: str, content: Any) -> str:
    safe = json.dumps(content).replace("</", r"<\/")
    return f'<script type="{kind}">{safe}</script>'


@torch.no_grad()
def _in_torch(decoder: torch.nn.Module) -> float:
    """Return the seconds of an image and its metric at one point, as a kernel would compute them."""
    times = []
    for _ in range(30):
        z = torch.randn(1, 2)
        start = time.perf_counter()
        decoder(z)
        pullback_metric(decoder, z)
        times.append(time.perf_counter() - start)
    return statistics.median(times[10:])
