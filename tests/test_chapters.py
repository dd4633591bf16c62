"""Every chapter, executed once at smoke scale: its claims, its alternatives, its refusals."""

from pathlib import Path

import nbformat
import pytest
import torch

from latentbook.learning.recipes import least_volume
from latentbook.press import claims, notebooks
from latentbook.press.execute import Job, Workers, run

BOOK = Path(__file__).parents[1] / "book"
CHAPTERS = [path.stem for path in sorted(BOOK.glob("*.ipynb"))]
KNOWN = claims.load(BOOK / "claims.yml")

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_says_each_of_its_claims_once(smoke_notebooks, name):
    said = [claim for _, claim, _ in claims.record(smoke_notebooks[name])]
    assert sorted(said) == sorted(claim for claim, entry in KNOWN.items() if entry.chapter == name)


@pytest.mark.parametrize("name", CHAPTERS)
def test_smoke_claims_are_in_their_bands(smoke_notebooks, name):
    run = {"scale": "smoke", "dataset": "digits", "changed": {}}
    verdicts = {seen.claim.name: seen.verdict for seen in claims.rows(name, smoke_notebooks[name], KNOWN, run)}
    assert set(verdicts.values()) <= {"inside", "no band"}, verdicts


def test_every_claim_has_a_band_where_the_book_is_read():
    for name, entry in KNOWN.items():
        assert "digits" in entry.bands.get("book", {}), name


@pytest.mark.parametrize("name", CHAPTERS)
def test_parameters_have_help_and_literal_defaults(name):
    values = notebooks.defaults(nbformat.read(BOOK / f"{name}.ipynb", 4))
    assert list(values)[:4] == ["scale", "dataset", "seed", "device"]
    assert values["scale"] == "book"


@pytest.mark.parametrize(
    ("values", "message"),
    [({"dataset": 15}, "`-r dataset 15`"), ({"lam": "much"}, "`-p lam <number>`"), ({"scale": "tiny"}, "'smoke'")],
)
def test_a_wrong_parameter_stops_the_chapter_before_training(tmp_path, values, message):
    job = Job(str(BOOK / "1-least-volume.ipynb"), str(tmp_path / "out.ipynb"), values, 120.0)
    report = run(job, Workers())
    assert message in report.error
    ran = nbformat.read(job.output, 4)
    assert not list(claims.record(ran))
    assert "steps in" not in str(ran)


# ---- chapter 1 ----


def test_least_volume_prunes_a_reader_s_own_decoder(smoke_notebooks):
    """The page's example is a plane of 3 dimensions: it needs 3."""
    [cell] = [cell for cell in smoke_notebooks["1-least-volume"].cells if "your encoder" in cell.source]
    assert cell.outputs[-1].data["text/plain"] == "3"


def test_least_volume_says_what_its_recipe_measures(smoke_notebooks):
    """The same settings, trained here, give the numbers that the chapter claims."""
    torch.set_default_dtype(torch.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run = least_volume.train(least_volume.settings(scale="smoke", device="cpu"), 0.03)
    torch.set_num_threads(threads)
    said = {name: value for _, name, value in claims.record(smoke_notebooks["1-least-volume"])}
    assert said["least-volume-error"] == pytest.approx(run.error, rel=1e-4)
    assert said["least-volume-dimensions"] == run.dimensions
