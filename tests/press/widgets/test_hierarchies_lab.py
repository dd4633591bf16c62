"""The trader and the grid in JupyterLab: moved there and read in the kernel, set in the kernel and seen to move."""

import pytest

from tests.press.widgets.lab import Notebook, notebook_in_lab

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

MAKE = """\
import torch
from latentbook.press.widgets import GridMetric, RateTrader, TrainedGrid
torch.set_num_threads(1)
trader = RateTrader()
betas, values = [0.1, 1.0, 10.0], torch.arange(9.0).reshape(3, 3)
images = {name: torch.rand(3, 3, 8, 1, 8, 8) for name in ("reconstructions", "samples")}
metrics = {"psnr": GridMetric("PSNR", values, "dB", True), "units": GridMetric("Active units", values)}
grid = TrainedGrid(betas, betas, metrics, rates=(values, values.T), inputs=torch.rand(8, 1, 8, 8), **images)
display(trader, grid)"""
READ = "print(trader.beta_1, trader.beta_2, grid.beta_1, grid.beta_2, grid.metric)"
WRITE = "trader.beta_1 = 0.5\ngrid.beta_2 = 10.0\ngrid.metric = 'psnr'"


def test_moved_in_jupyterlab_read_in_the_kernel_and_back(tmp_path, browser):
    with notebook_in_lab(tmp_path, MAKE, READ, WRITE) as address:
        context = browser.new_context(viewport={"width": 1200, "height": 1600})
        page = context.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        notebook = Notebook(page)
        notebook.run(0)
        trader, grid = page.locator(".rate-trader"), page.locator(".trained-grid")

        # By keys and by pointer, there. Keys that are shortcuts of the notebook's stay in the widgets.
        cells = page.locator(".jp-Cell").count()
        slider = trader.get_by_label("β₂, the top layer")
        slider.focus()
        for key in ("a", "d", "d", "End"):
            page.keyboard.press(key)
        grid.locator("[id=cell-2-1]").click()
        page.keyboard.press("ArrowLeft")
        grid.get_by_label("Map of which metric").select_option("units")
        assert page.locator(".jp-Cell").count() == cells
        assert notebook.run(1).split() == ["1.0", "10.0", "10.0", "0.1", "units"]

        # By the kernel, here.
        notebook.run(2)
        page.wait_for_function("document.querySelector('.rate-trader').trader.weights.beta_1 === 0.5")
        page.wait_for_function("document.querySelector('.trained-grid').grid.traits.values.metric === 'psnr'")
        assert trader.get_by_label("β₁, next").get_attribute("aria-valuetext") == "β₁ = 0.500"
        assert grid.locator(".heat [aria-selected=true]").get_attribute("id") == "cell-2-2"
        assert "PSNR" in grid.locator("tr[data-active]").inner_text()

        # Both are seen: the plane of the rates, and images in the ink of the page.
        for place in (trader.locator("svg").first, grid.locator(".heat"), grid.locator(".dots")):
            assert place.bounding_box()["width"] > 200
        densities = page.evaluate("""() => [...document.querySelector(".trained-grid").grid.pictures.samples.canvases[0]
            .getContext("2d").getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 3)""")
        assert len(set(densities)) > 20
        context.close()
    assert not faults
