"""Chapter 4 as its readers run it: refusals, other parameters, the numbers it says."""

import pytest
import torch

from latentbook.learning.recipes import information
from latentbook.learning.sweep import run_all
from latentbook.press import claims
from tests.chapters.execution import SMOKE, execute, require_refusal

CHAPTER = "4-information-trading"

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beta_1": -1.0}, "`beta_1` is -1.0"),
        ({"layers": 1}, "`layers` is 1"),
        ({"likelihood": "poisson"}, "'bernoulli'"),
        ({"inference": "bottom-up"}, "bottom-up only the sum is a rate"),
        ({"dataset": "curve"}, "'cifar10'"),
    ],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    require_refusal(CHAPTER, tmp_path, message, **SMOKE, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"inference": "ladder", "likelihood": "bernoulli", "beta_2": 3.0},
        {"layers": 3, "likelihood": "learned-gaussian", "posterior": "categorical", "latent_dim": 5},
        {"conv_channels": 2, "latent_dim": 3},
    ],
    ids=str,
)
def test_the_chapter_gets_to_its_end_with_other_parameters(tmp_path, values):
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, steps=5, batch_size=32, **values)
    assert report.error == ""
    rows = [output.data["text/plain"] for output, _, _ in claims.record(ran)]
    assert len(rows) > 25
    assert all(row.startswith("no band") for row in rows)


def test_a_sweep_feeds_the_chapter(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    torch.set_default_dtype(torch.float32)
    short = {"steps": 5, "batch_size": 32}
    weights = list(information.settings(**SMOKE).weights)
    grid = {"beta_1": weights, "beta_2": weights, **{name: [value] for name, value in {**SMOKE, **short}.items()}}
    run_all("information", grid, label="mine")
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, **short, trained="mine")
    assert report.error == ""
    assert "2 hierarchies as one" in str(ran)
    assert "9 hierarchies as one: 5 steps" not in str(ran)


def test_the_chapter_says_what_its_recipe_measures(smoke_notebooks, device):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    settings = information.settings(scale="smoke", device=str(device))
    run = information.train(settings)
    [found] = information.evaluate(run, ["rates"], data=information.load_data(settings))
    said = {name: value for _, name, value in claims.record(smoke_notebooks[CHAPTER])}
    # There it is one of nine that are trained as one: sums in another order, over 200 steps in single precision.
    assert said["information-elbo-digits"] == pytest.approx(found["elbo"], abs=0.05)
    assert said["information-total"] == pytest.approx(found["R_1"] + found["R_2"], abs=0.02)
