"""Every chapter, executed once at smoke scale: parameters and claims. One chapter's own tests are in tests/chapters."""

from pathlib import Path

import nbformat
import pytest

from latentbook.press import claims, notebooks

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
    dataset = notebooks.defaults(smoke_notebooks[name])["dataset"]
    run = {"scale": "smoke", "dataset": dataset, "changed": {}}
    verdicts = {seen.claim.name: seen.verdict for seen in claims.rows(name, smoke_notebooks[name], KNOWN, run)}
    assert set(verdicts.values()) <= {"inside", "no band"}, verdicts


def test_every_claim_has_a_band_where_the_book_is_read():
    for name, entry in KNOWN.items():
        dataset = notebooks.defaults(nbformat.read(BOOK / f"{entry.chapter}.ipynb", 4))["dataset"]
        assert dataset in entry.bands.get("book", {}), name


@pytest.mark.parametrize("name", CHAPTERS)
def test_bands_hold_at_the_parameters_that_are_published(name):
    published = notebooks.defaults(nbformat.read(BOOK / f"{name}.ipynb", 4))
    stated = claims.held_at(BOOK / f"{name}.ipynb", {})
    assert stated == {key: value for key, value in published.items() if key not in claims.BANDED}


@pytest.mark.parametrize("name", CHAPTERS)
def test_parameters_have_help_and_literal_defaults(name):
    values = notebooks.defaults(nbformat.read(BOOK / f"{name}.ipynb", 4))
    assert list(values)[:4] == ["scale", "dataset", "seed", "device"]
    assert values["scale"] == "book"
