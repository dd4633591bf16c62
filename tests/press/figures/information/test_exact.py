"""The figure of the exact hierarchy shows the closed form."""

import pytest

from latentbook.information import linear_gaussian
from latentbook.press.figures.information import exact_figure


def test_every_line_is_the_closed_form():
    above = [0.1, 1.0, 10.0]
    figure = exact_figure(above)
    assert len(figure.data) == 9
    for index, trace in enumerate(figure.data):
        name = ("R_2", "R_1", "D")[index % 3]
        for at in (0, 30, 60):
            exact = linear_gaussian(trace.x[at], above[index // 3])[name].item()
            # Four digits are drawn, of the weight too.
            assert trace.y[at] == pytest.approx(exact, abs=2e-3)


def test_panels_say_which_weight_is_theirs():
    texts = [note.text for note in exact_figure([0.1, 1.0, 10.0]).layout.annotations]
    assert texts == ["β₂ = 0.1", "β₂ = 1", "β₂ = 10"]


def test_each_line_is_named_once():
    named = [trace.name for trace in exact_figure([0.1, 1.0, 10.0]).data if trace.showlegend]
    assert named == ["R(z₂)", "R(z₁ | z₂)", "D"]


def test_three_weights_are_needed():
    with pytest.raises(ValueError, match="`above` has 2 weights"):
        exact_figure([1.0, 2.0])
