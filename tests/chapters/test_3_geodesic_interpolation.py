"""Chapter 3 as its readers run it: refusals, other parameters, the numbers it says."""

import pytest
import torch

from latentbook.learning.recipes import geodesics
from latentbook.press import claims
from tests.chapters.execution import SMOKE, execute, require_refusal

CHAPTER = "3-geodesic-interpolation"

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"digits": 15}, "`-r digits 015`"),
        ({"model": "gan"}, "'bigan'"),
        ({"latent_dim": 0}, "`latent_dim` is 0"),
        ({"feature_map": "vgg"}, "'vgg19'"),
        ({"step_size": 0}, "`step_size` is 0"),
    ],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    require_refusal(CHAPTER, tmp_path, message, **values)


def test_the_chapter_gets_to_its_end_with_other_parameters(tmp_path):
    values = {"model": "bigan", "latent_dim": 3, "digits": "017", "feature_map": "logistic", "n_pairs": 4}
    report, ran = execute(CHAPTER, tmp_path, **SMOKE, steps=30, **values)
    assert report.error == ""
    rows = [output.data["text/plain"] for output, _, _ in claims.record(ran)]
    assert len(rows) > 40
    assert all(row.startswith("no band") for row in rows)


def test_the_chapter_says_what_its_recipe_measures(smoke_notebooks, device):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    settings = geodesics.settings(scale="smoke", device=str(device))
    found = geodesics.improvement_along_largest_eigenvector(
        geodesics.train(settings).model.decode, settings.latent_dim, count=settings.n_pairs
    )
    said = {name: value for _, name, value in claims.record(smoke_notebooks[CHAPTER])}
    # The curves are found to 1e-4 of their length.
    assert said["geodesics-vae-steps"] == pytest.approx(found.improvement.mean().item(), abs=5e-4)
