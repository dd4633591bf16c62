"""Chapter 5 as its readers run it: refusals, other parameters, the numbers it says."""

import pytest
import torch

from latentbook.learning.recipes import hyperspherical
from latentbook.learning.sweep import run_all
from latentbook.press import claims
from tests.chapters.execution import SMOKE, execute, require_refusal

CHAPTER = "5-hyperspherical-latents"

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"manifold": "S9"}, "`manifold` is 'S9': write dimensions of at least 1, as in '9' or '4,4'"),
        ({"distribution": "normal"}, "`distribution` is 'normal': choose vmf, power or cauchy"),
        ({"covariance": "tied"}, "'diagonal'"),
        ({"h_dims": "256;128"}, "`h_dims` is '256;128'"),
        ({"dataset": "curve"}, "'caltech101'"),
    ],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    require_refusal(CHAPTER, tmp_path, message, **SMOKE, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"distribution": "power", "manifold": "9", "h_dims": "32,16"},
        {"distribution": "cauchy", "manifold": "3,2,3", "kl_warmup": 2, "covariance": "full"},
    ],
    ids=str,
)
def test_the_chapter_gets_to_its_end_with_other_parameters(tmp_path, values):
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, steps=5, **values)
    assert report.error == ""
    rows = [output.data["text/plain"] for output, _, _ in claims.record(ran)]
    assert len(rows) > 40
    assert all(row.startswith("no band") for row in rows)


def test_a_sweep_feeds_the_chapter(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    torch.set_default_dtype(torch.float32)
    own = {name: [value] for name, value in {**SMOKE, "steps": 5}.items()}
    run_all(
        "hyperspherical",
        {"manifold": list(hyperspherical.DIMS), "distribution": ["vmf", "normal"], **own},
        label="mine",
    )
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, steps=5, trained="mine")
    assert report.error == ""
    said = "".join(str(cell.get("outputs")) for cell in ran.cells)
    assert "five spheres" not in said
    assert "products in R⁴⁰" in said


def test_the_chapter_says_what_its_recipe_measures(smoke_notebooks, device):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    said = {name: value for _, name, value in claims.record(smoke_notebooks[CHAPTER])}
    for name, distribution in (("sphere-s2", "vmf"), ("sphere-r2", "normal")):
        settings = hyperspherical.settings(scale="smoke", device=str(device), manifold="2", distribution=distribution)
        # Single precision over 200 steps, maybe with other sums.
        found = hyperspherical.train(settings).measures.log_likelihood
        assert said[name] == pytest.approx(found, abs=0.02)
