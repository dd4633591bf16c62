"""Claims: the file, the verdicts, the row that a notebook displays, what the check calls broken."""

import math

import nbformat
import pytest
from nbformat.v4 import new_notebook, new_output

from latentbook.press import claims
from latentbook.press.claims import claim, find, finding, load, record, refresh, row_html, row_text, rows
from tests.press.conftest import CLAIMS, code

RUN = {"scale": "book", "dataset": "digits", "changed": {}}


@pytest.fixture
def known(tmp_path):
    (tmp_path / "claims.yml").write_text(CLAIMS)
    return load(tmp_path / "claims.yml")


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What `claim` displays, in a folder that has a claims file."""
    (tmp_path / "claims.yml").write_text(CLAIMS)
    monkeypatch.chdir(tmp_path)
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: outputs.append((data, options)))
    return outputs


def said(name, value):
    cell = code("claim()")
    output = new_output("display_data", {"text/html": "old", "text/plain": "old"})
    output.metadata["latentbook"] = {"claim": name, "value": value}
    cell.outputs = [output]
    return new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("value", "run", "verdict"),
    [
        (2.0, {}, "inside"),
        (2.1, {}, "outside"),
        (None, {}, "missing"),
        (2.0, {"scale": "paper"}, "no band"),
        (2.0, {"dataset": "mnist"}, "no band"),
        (99.0, {"changed": {"lam": 0.5}}, "no band"),
    ],
)
def test_verdicts(known, value, run, verdict):
    assert finding(known["one"], value, **{**RUN, **run}).verdict == verdict


def test_why_there_is_no_band_is_said(known):
    assert "lam = 0.5" in row_text(finding(known["one"], 2.0, **{**RUN, "changed": {"lam": 0.5}}))
    assert "mnist at scale book" in row_text(finding(known["one"], 2.0, **{**RUN, "dataset": "mnist"}))


def test_claim_displays_a_row_and_puts_name_and_value_in_the_metadata(shown):
    claim("one", 2)
    [(data, options)] = shown
    assert options["metadata"] == {"latentbook": {"claim": "one", "value": 2.0}}
    assert 'data-verdict="inside"' in data["text/html"]
    assert data["text/plain"].startswith("inside")


def test_a_tensor_of_one_number_is_a_number(shown):
    import torch

    claim("one", torch.tensor(2.0))
    assert shown[0][1]["metadata"]["latentbook"]["value"] == 2.0


def test_bands_hold_at_what_was_published_not_at_what_a_reader_saved(tmp_path):
    """JupyterLab saves a changed parameters cell by itself."""
    chapter = tmp_path / "1-small.ipynb"
    saved = {"lam": 0.5}
    assert claims.held_at(chapter, saved) == saved
    (tmp_path / "claims.yml").write_text(f"parameters:\n  1-small:\n    lam: null\n{CLAIMS}")
    assert claims.held_at(chapter, saved) == {"lam": None}
    assert list(load(tmp_path / "claims.yml")) == ["one"]


def test_what_is_undefined_is_said_and_lies_outside_of_every_band(shown, known):
    """A collapsed code has no correlation: the chapter goes on, and JSON has no nan."""
    claim("one", math.nan)
    data, options = shown[0]
    assert options["metadata"]["latentbook"]["value"] is None
    assert 'data-verdict="outside"' in data["text/html"]
    assert "undefined" in data["text/plain"]
    [seen] = rows("1-small", said("one", None), known, RUN)
    assert math.isnan(seen.value)
    assert seen.verdict == "outside"


@pytest.mark.usefixtures("shown", "unchecked")
@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("two", 2.0, ValueError, r"'two' is not in book/claims.yml, which lists \['one'\]"),
        ("one", float("inf"), ValueError, "'one' was given inf"),
        ("one", "much", TypeError, "'one' was given 'much', but needs one number"),
    ],
)
def test_a_wrong_claim_is_named(name, value, error, message):
    with pytest.raises(error, match=message):
        claim(name, value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("one: {chapter: x, unit: '', source: s, bands: {}}", r"'one' .* lacks \['sentence'\]"),
        (CLAIMS.replace("[2, 2]", "[3, 2]"), r"'one' has the band \[3, 2\]"),
        (CLAIMS.replace("[2, 2]", "2"), r"'one' has the band 2"),
        (CLAIMS.replace("[2, 2]", "[null, null]"), r"'one' has the band \[None, None\]"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, content, message):
    (tmp_path / "claims.yml").write_text(content)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "claims.yml")


def test_the_check_names_what_is_missing_and_what_nobody_listed(known):
    found = {seen.claim.name: seen.verdict for seen in rows("1-small", said("three", 3.0), known, RUN)}
    assert found == {"one": "missing", "three": "unlisted"}


def test_a_failed_chapter_misses_its_claims(known):
    assert [seen.verdict for seen in rows("1-small", None, known, RUN)] == ["missing"]


def test_another_chapter_owes_nothing(known):
    assert rows("2-small", new_notebook(), known, RUN) == []


def test_rows_are_written_anew_from_the_file_of_today(known):
    notebook = said("one", 2.5)
    refresh(notebook, known, RUN)
    [(output, name, value)] = record(notebook)
    assert (name, value) == ("one", 2.5)
    assert 'data-verdict="outside"' in output.data["text/html"]
    assert nbformat.validate(notebook) is None


def test_a_row_that_nobody_lists_any_more_says_so(known):
    notebook = said("gone", 2.5)
    refresh(notebook, known, RUN)
    [(output, _, _)] = record(notebook)
    assert 'data-verdict="unlisted"' in output.data["text/html"]
    assert "gone is not in book/claims.yml" in output.data["text/html"]


def test_a_row_is_safe_html(known):
    risky = claims.Claim("x", "c", "a < b & c", "", "<s>", {})
    row = row_html(finding(risky, 1.0, **RUN))
    assert "a &lt; b &amp; c" in row
    assert "<s>" not in row


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (11.0, "11"),
        (-3.0, "−3"),
        (0.8574, "0.857"),
        (1234.0, "1,234"),
        (-1548.3, "−1,548"),
        (1234567.8, "1.23 × 10⁶"),
        (1e-5, "10⁻⁵"),
        (None, "nothing"),
    ],
)
def test_numbers_have_three_figures(value, words):
    assert claims.figure(value) == words


def test_a_band_is_said_and_one_of_a_single_value_is_that_value(known):
    one = known["one"]
    wide = finding(claims.Claim("x", "c", "s", "", "", {"book": {"digits": (13.0, 21.0)}}), 17.0, **RUN)
    assert claims.band_text(finding(one, 2.0, **RUN)) == "2"
    assert claims.band_text(wide) == "13 to 21"
    assert '<span class="lb-claim-word">expected </span>13 to 21' in row_html(wide)
    assert "expected" not in row_html(finding(one, 2.0, **{**RUN, "scale": "paper"}))


@pytest.mark.parametrize(
    ("band", "value", "verdict", "words"),
    [
        ("[null, 4]", -1000.0, "inside", "at most 4"),
        ("[null, 4]", 4.1, "outside", "at most 4"),
        ("[0.5, null]", 1e9, "inside", "at least 0.5"),
        ("[0.5, null]", 0.4, "outside", "at least 0.5"),
    ],
)
def test_a_band_may_have_one_end(tmp_path, band, value, verdict, words):
    (tmp_path / "claims.yml").write_text(CLAIMS.replace("[2, 2]", band))
    seen = finding(load(tmp_path / "claims.yml")["one"], value, **RUN)
    assert (seen.verdict, claims.band_text(seen)) == (verdict, words)


@pytest.mark.parametrize(
    ("band", "value", "words"),
    [
        ((-1.968246, -1.968244), -1.96824512, ("−1.968245", "−1.968246 to −1.968244")),
        ((0.0, 1e-5), 3.14159e-6, ("3.14 × 10⁻⁶", "0 to 10⁻⁵")),
        ((13.0, 13.0), 13.04321, ("13", "13")),
    ],
)
def test_a_value_is_said_as_exactly_as_its_band(band, value, words):
    seen = finding(claims.Claim("x", "c", "s", "", "", {"book": {"digits": band}}), value, **RUN)
    assert (claims.value_text(seen), claims.band_text(seen)) == words


def test_find_lists_what_there_is(known):
    with pytest.raises(ValueError, match=r"lists \['one'\]"):
        find(known, "other")
