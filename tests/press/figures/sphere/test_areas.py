"""Areas of spheres by their dimension."""

import math

import pytest

from latentbook.press.figures.sphere import areas_figure


def test_the_circle_the_largest_and_the_first_below_one():
    figure = areas_figure()
    [trace] = figure.data
    assert trace.x[:2] == (1, 2)
    assert trace.y[:2] == pytest.approx((2 * math.pi, 4 * math.pi), abs=1e-5)
    assert [note.x for note in figure.layout.annotations] == [6, 16]
    assert figure.layout.annotations[0].text == "S<sup>6</sup>, 33.1: the largest"
    assert figure.layout.annotations[1].text == "S<sup>18</sup>, 0.886: first below 1"
    assert trace.y[16] > 1 > trace.y[17]
    # The sphere's own dimension stands below, the space's in the words.
    assert trace.customdata[5] == 7


def test_what_is_named_is_seen():
    assert len(areas_figure(18).data[0].x) == 18
    with pytest.raises(ValueError, match=r"`most` is 17, but the first sphere of an area below 1 is S\^18"):
        areas_figure(17)
