"""Layers' rates as bars: each layer a colour, the top on the left."""

import pytest

from latentbook.press.figures.information import shares_figure


def test_bars_are_the_rates_from_the_top_down():
    figure = shares_figure({"two": [1.0, 2.0], "three": [3.0, 4.0, 5.0]})
    assert [trace.name for trace in figure.data] == ["R(z₃)", "R(z₂ | z₃)", "R(z₁ | z₂, z₃)"]
    assert [[*trace.x] for trace in figure.data] == [[0, 5], [2, 4], [1, 3]]
    assert all([*trace.y] == ["two", "three"] for trace in figure.data)
    assert len({trace.marker.color for trace in figure.data}) == 3


def test_nothing_and_too_much_are_refused():
    for rows in ({}, {"five": [1.0] * 5}):
        with pytest.raises(ValueError, match="`rows`"):
            shares_figure(rows)
