"""The explorer in JupyterLab: dragged there and read in the kernel, set in the kernel and seen to move."""

import re

import pytest

from tests.press.widgets.lab import PATIENCE, Notebook, notebook_in_lab

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


@pytest.fixture
def lab(tmp_path):
    with notebook_in_lab(tmp_path, MAKE, READ, WRITE) as address:
        yield address


class Explored(Notebook):
    """The notebook with its explorer."""

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
    notebook = Explored(page)
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
