"""Tables say the same in HTML and in text, and refuse rows that do not fit."""

import pytest

from latentbook.press.tables import table


@pytest.fixture
def shown(monkeypatch):
    """What `table` displays."""
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    return outputs


def test_every_value_stands_under_its_title(shown):
    table(["error", "rate"], {"exact": [0.5, "12.25"], "a < b": ["1", 2]})
    (data,) = shown
    assert data["text/plain"].splitlines() == ["       error   rate", "exact    0.5  12.25", "a < b      1      2"]
    assert '<th scope="row">exact</th><td>0.5</td><td>12.25</td>' in data["text/html"]
    assert '<th scope="col">error</th><th scope="col">rate</th>' in data["text/html"]


def test_numbers_below_zero_have_a_real_minus(shown):
    table(["x", "y", "z", "range"], {"a": [-0.5, "-.25", "-", "1-2"]})
    assert [word for word in shown[0]["text/plain"].split()[4:]] == ["a", "−0.5", "−.25", "-", "1-2"]
    assert "<td>−0.5</td><td>−.25</td><td>-</td><td>1-2</td>" in shown[0]["text/html"]


def test_names_are_no_markup(shown):
    table(["x"], {"a < b": [1]})
    assert "a &lt; b" in shown[0]["text/html"]


def test_a_caption_stands_below(shown):
    table(["x"], {"a": [1]}, caption="Seen <b>twice</b>.")
    assert shown[1]["text/html"] == '<p class="lb-caption">Seen <b>twice</b>.</p>'


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"`rows\['exact'\]` has 1 values for 2 `columns`"):
        table(["error", "rate"], {"exact": [1]})
