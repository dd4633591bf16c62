"""The explorer in JupyterLab: dragged there and read in the kernel, set in the kernel and seen to move."""

import json
import math
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

MAKE = """\
import torch
from torch import nn
from latentbook.press.widgets import LatentExplorer
torch.set_num_threads(1)
torch.manual_seed(0)
models = [nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 20)) for _ in range(2)]
explorer = LatentExplorer(models, torch.randn(60, 2), torch.arange(60) % 3, lam=[0, 1])
explorer"""
READ = "print('read', explorer.lam, explorer.probe, explorer.ellipses)"
WRITE = "explorer.lam = 1\nexplorer.probe = [0.25, -0.5]"

# In milliseconds: beside other tests, a kernel that imports torch has taken more than a minute.
PATIENCE = 240_000


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab of its own, with one notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (MAKE, READ, WRITE)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "explore.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"--no-browser --allow-root --ip=127.0.0.1 --port={port} --IdentityProvider.token= --ServerApp.password="
    # Nothing of a reader's own settings, and no news from the network.
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    settings = tmp_path / "CONFIG" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words.split(), f"--ServerApp.root_dir={tmp_path}"],
        env={**os.environ, **places, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: urllib.request.urlopen(f"{address}/api", timeout=1))
        yield f"{address}/lab/tree/explore.ipynb"
    finally:
        server.terminate()
        server.wait()


def _wait(question, seconds=60):
    until = time.monotonic() + seconds
    while True:
        try:
            return question()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


class Notebook:
    """The notebook, in the browser."""

    def __init__(self, page):
        self.page = page
        page.locator(".jp-Cell").nth(2).wait_for(timeout=PATIENCE)
        # Only an idle kernel runs what is asked: before it has started, the question is dropped.
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(timeout=PATIENCE)

    def cell(self, index):
        return self.page.locator(".jp-Cell").nth(index)

    def run(self, index):
        """Run a cell, and wait until it has.

        Where the kernel has not started yet, on a machine with much else to do, JupyterLab asks which one to take: the
        notebook's own. Then the cell is run again.
        """
        cell = self.cell(index)
        prompt = cell.locator(".jp-InputPrompt")
        before, asked, start = prompt.inner_text(), -math.inf, time.monotonic()
        while (words := prompt.inner_text()) == before or not any(map(str.isdigit, words)):
            now = time.monotonic()
            assert now - start < PATIENCE / 1000, f"cell {index} has not run, and shows {words!r}"
            # A star says that the kernel has been asked; the first time it imports torch.
            choice = self.page.locator(".jp-Dialog .jp-mod-accept")
            if choice.count():
                choice.first.click()
                asked = -math.inf
            elif now - asked > (90 if "*" in words else 15):
                cell.locator(".cm-content").click()
                self.page.keyboard.press("Control+Enter")
                asked = now
            self.page.wait_for_timeout(200)
        return cell.locator(".jp-OutputArea").inner_text()

    def js(self, words):
        return self.page.evaluate(
            f"(() => {{ const e = document.querySelector('.latent-explorer').explorer; return {words}; }})()"
        )

    def rest(self):
        self.page.locator(".explorer:not([data-busy])").wait_for(timeout=PATIENCE)


def read(words):
    lam, z1, z2, ellipses = re.search(r"read (\S+) \[(\S+), (\S+)\] (\w+)", words).groups()
    return float(lam), [float(z1), float(z2)], ellipses


def test_dragged_in_jupyterlab_read_in_the_kernel_and_back(lab, browser):
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(lab)
    notebook = Notebook(page)
    notebook.run(0)
    notebook.rest()

    # By pointer, there.
    box = page.locator(".handle.probe .dot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y - 20, steps=5)
    page.mouse.up()
    page.locator("input[value=codes]").check()
    dragged = notebook.js("e.member.toCode(e.points.probe)")
    assert read(notebook.run(1)) == (0.0, pytest.approx(dragged), "codes")

    # By keys, of which none is a shortcut of the notebook's.
    cells = page.locator(".jp-Cell").count()
    notebook.js("e.plane.handles.end.focus()")
    for key in ("ArrowUp", "a", "d", "d", "ArrowUp"):
        page.keyboard.press(key)
    notebook.rest()
    assert page.locator(".jp-Cell").count() == cells
    assert notebook.js("e.root.getRootNode().activeElement.dataset.name") == "end"

    # By the kernel, here.
    notebook.run(2)
    notebook.page.wait_for_function("document.querySelector('.latent-explorer').explorer.index === 1")
    notebook.rest()
    assert notebook.js("e.member.toCode(e.points.probe)") == pytest.approx([0.25, -0.5])
    assert read(notebook.run(1))[:2] == (1.0, pytest.approx([0.25, -0.5]))

    assert page.locator(".explorer canvas").first.bounding_box()["width"] > 200
    context.close()
    assert not faults
