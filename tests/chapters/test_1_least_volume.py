"""Chapter 1 as its readers run it: refusals, other parameters, its own example, the numbers it says."""

import math

import pytest
import torch

from latentbook.learning.recipes import least_volume
from latentbook.press import claims
from tests.chapters.execution import SMOKE, execute, require_refusal

CHAPTER = "1-least-volume"

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("values", "message"),
    [({"dataset": 15}, "`-r dataset 15`"), ({"lam": "much"}, "`-p lam <number>`"), ({"scale": "tiny"}, "'smoke'")],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    require_refusal(CHAPTER, tmp_path, message, **values)


def test_another_weight_from_finished_runs_is_judged_by_no_band(tmp_path, monkeypatch):
    """As with papermill's `-p lam 0.6 -r trained mine`: the numbers are those of the runs, and the rows say so.

    At this weight all is lost, and the chapter has to get to its end without a correlation and without a short code.
    """
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    made = {run.lam: run for run in least_volume.family(least_volume.settings(**SMOKE, lam=0.6), label="mine")}
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, lam=0.6, trained="mine")
    assert report.error == ""
    assert "autoencoders as one" not in str(ran.cells[:14])
    said = {name: value for _, name, value in claims.record(ran)}
    assert said["least-volume-error"] == pytest.approx(made[0.6].error, rel=1e-6)
    assert said["least-volume-dimensions"] == 0
    assert math.isnan(said["least-volume-correlation"])
    rows = [output.data["text/plain"] for output, _, _ in claims.record(ran)]
    assert len(rows) == 18
    assert all(row.startswith("no band") and "at lam = 0.6" in row for row in rows)


def test_a_label_that_nobody_gave_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    report, _ = execute(CHAPTER, tmp_path, **SMOKE, trained="theirs")
    assert "no finished run has the id or label 'theirs'" in report.error


def test_least_volume_trains_a_reader_s_own_autoencoder(smoke_notebooks):
    """The page's example is a plane of 3 dimensions: it needs 3."""
    [cell] = [cell for cell in smoke_notebooks[CHAPTER].cells if "yours = Autoencoder" in cell.source]
    assert cell.outputs[-1].data["text/plain"] == "3"


def test_least_volume_says_what_its_recipe_measures(smoke_notebooks, device):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    runs = least_volume.family(least_volume.settings(scale="smoke", device=str(device)))
    [run] = [run for run in runs if run.lam == 0.03]
    said = {name: value for _, name, value in claims.record(smoke_notebooks[CHAPTER])}
    assert said["least-volume-error"] == pytest.approx(run.error, rel=1e-4)
    assert said["least-volume-dimensions"] == run.dimensions
