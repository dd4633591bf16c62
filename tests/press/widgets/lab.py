"""A JupyterLab of a test's own, and its notebook in the browser."""

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

# In milliseconds: beside other tests, a kernel that imports torch has taken more than a minute.
PATIENCE = 240_000


@contextlib.contextmanager
def notebook_in_lab(folder, *sources):
    """Yield the address of a JupyterLab of its own, with one notebook of these cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "notebook.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"--no-browser --allow-root --ip=127.0.0.1 --port={port} --IdentityProvider.token= --ServerApp.password="
    # Nothing of a reader's own settings, and no news from the network.
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "RUNTIME")}
    settings = folder / "CONFIG" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words.split(), f"--ServerApp.root_dir={folder}"],
        env={**os.environ, **places, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: urllib.request.urlopen(f"{address}/api", timeout=1))
        yield f"{address}/lab/tree/notebook.ipynb"
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
