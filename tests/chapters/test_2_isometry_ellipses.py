"""Chapter 2 as its readers run it: refusals, other parameters, finished runs, the numbers it says."""

import pytest
import torch

from latentbook.learning.recipes import isometry
from latentbook.press import claims
from tests.chapters.execution import SMOKE, execute, require_refusal

CHAPTER = "2-isometry-ellipses"

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"digits": 15}, "`-r digits 015`"),
        ({"digits": "0x"}, "at least two different digits"),
        ({"validation_digits": 1}, "`-r validation_digits 015`"),
        ({"lam": -1.0}, "`lam` is -1.0"),
        ({"model": "vae"}, "'irvae'"),
    ],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    require_refusal(CHAPTER, tmp_path, message, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"model": "fmvae", "digits": "015", "validation_digits": "0157", "eta": None},
        {"model": "irae", "latent_dim": 3},
        {"lam": 0.0, "latent_dim": 4},
    ],
)
def test_the_chapter_gets_to_its_end_with_other_parameters(tmp_path, values):
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, steps=30, **values)
    assert report.error == ""
    rows = [output.data["text/plain"] for output, _, _ in claims.record(ran)]
    assert len(rows) == 26
    assert all(row.startswith("no band") for row in rows)


def test_the_chapter_says_what_its_recipe_measures(smoke_notebooks, device):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    runs = isometry.family(isometry.settings(scale="smoke", device=str(device)))
    [found] = [run for run in runs if run.lam == 100]
    said = {name: value for _, name, value in claims.record(smoke_notebooks[CHAPTER])}
    assert said["isometry-error"] == pytest.approx(found.error, rel=1e-3)
    assert said["isometry-condition"] == pytest.approx(float(found.condition.mean), rel=1e-2)
    assert said["isometry-condition-plain"] == pytest.approx(float(runs[0].condition.mean), rel=1e-2)


def test_the_example_of_a_reader_s_decoder_becomes_an_isometry(smoke_notebooks):
    [cell] = [cell for cell in smoke_notebooks[CHAPTER].cells if "yours = nn.Sequential" in cell.source]
    _, before, after = cell.outputs[-1].data["text/plain"].splitlines()
    assert float(before.split()[1]) > 2
    assert float(after.split()[1]) < 1.2
    assert float(after.split()[2]) < 0.05
