"""A timeline of a sweep: a row for each process, bars where they were, a mark where one was killed."""

import pytest

from latentbook.press.figures import WARM
from latentbook.press.figures.timeline import Bar, timeline_figure

BARS = [Bar("two", 3.0, 4.0, "c"), Bar("one", 0.5, 2.0, "a"), Bar("one", 2.0, 5.0, "b")]


def test_bars_are_where_they_were_in_the_order_in_which_processes_began():
    figure = timeline_figure(BARS)
    [bars] = figure.data
    assert [*zip(bars.y, bars.base, bars.x, strict=True)] == [("one", 0.5, 1.5), ("one", 2.0, 3.0), ("two", 3.0, 1.0)]
    # Plotly counts rows from below.
    assert [*figure.layout.yaxis.categoryarray] == ["two", "one"]
    assert not figure.layout.shapes


def test_where_one_was_killed_there_is_a_cross():
    figure = timeline_figure(BARS, ("one", 2.5))
    cross = figure.data[1]
    assert ([*cross.x], [*cross.y], cross.marker.color) == ([2.5], ["one"], WARM)
    assert figure.layout.shapes[0].x0 == 2.5


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="`bars` is empty"):
        timeline_figure([])
