"""The globe and the clock in JupyterLab: moved there and read in the kernel, set in the kernel and seen to move."""

import pytest

from tests.press.widgets.lab import Notebook, notebook_in_lab

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

MAKE = """\
import torch
from torch import nn
from latentbook.press.widgets import Clock, Globe
torch.set_num_threads(1)
torch.manual_seed(0)
decoder = lambda inputs: nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, 16), nn.Sigmoid())
globe = Globe(decoder=decoder(3), shape=(4, 4), loc=(1, 0, 0), view=(0, 0))
clock = Clock(decoder(4), (0, 1), shape=(4, 4))
display(globe, clock)"""
READ = "print(globe.law, globe.kappa, globe.samples, *map(round, globe.view), *(round(x, 3) for x in globe.loc))"
ANGLES = "print(*(round(angle, 3) for angle in clock.angles))"
WRITE = "globe.kappa, globe.law, globe.loc, globe.view = 100, 'cauchy', [0, 0, 1], [30, 40]\nclock.angles = [3, 2]"


def test_moved_in_jupyterlab_read_in_the_kernel_and_back(tmp_path, browser):
    with notebook_in_lab(tmp_path, MAKE, READ, ANGLES, WRITE) as address:
        context = browser.new_context(viewport={"width": 1200, "height": 2000})
        page = context.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        notebook = Notebook(page)
        notebook.run(0)
        globe, clock = page.locator("div.globe"), page.locator(".clock-dials")

        # By keys, there. Keys that are shortcuts of the notebook's stay in the widgets.
        cells = page.locator(".jp-Cell").count()
        globe.get_by_label("concentration κ").focus()
        for key in ("a", "d", "d", "End"):
            page.keyboard.press(key)
        globe.get_by_role("radio", name="Power").check()
        globe.get_by_label("200", exact=True).check()
        globe.locator("circle.globe").focus()
        page.keyboard.press("ArrowRight")
        globe.locator(".handle").focus()
        for _ in range(10):
            page.keyboard.press("ArrowUp")
        clock.locator(".handle").first.focus()
        page.keyboard.press("PageUp")
        assert page.locator(".jp-Cell").count() == cells
        assert notebook.run(1).split() == ["power", "1000.0", "200", "6", "0", "0.866", "0.0", "0.5"]
        assert notebook.run(2).split() == ["0.524", "1.0"]

        # By the kernel, here.
        notebook.run(3)
        page.wait_for_function("document.querySelector('div.globe').globe.now.loc[2] === 1")
        page.wait_for_function("document.querySelector('.clock-dials').clock.angles[0] === 3")
        page.locator(".sphere:not([data-busy])").wait_for()
        assert globe.get_by_label("concentration κ").get_attribute("aria-valuetext").startswith("κ = 100")
        assert "ρ = 0.944" in globe.locator(".formula").inner_text()
        seen = globe.locator("circle.globe").get_attribute("aria-valuetext")
        assert seen == "seen from longitude 30°, latitude 40°"
        assert clock.locator(".handle").nth(1).get_attribute("aria-valuetext") == "115°"
        for place in (globe.locator(".plane"), clock.locator(".dial").first):
            assert place.bounding_box()["width"] > 200
        context.close()
    assert not faults
