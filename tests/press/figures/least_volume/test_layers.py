"""Layers' norms are drawn as given, each in its row, around the line at 1."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.least_volume import layer_norms_figure, layer_norms_phone

NAIVE, EXACT = torch.tensor([1.6, 0.7]), torch.tensor([1.0, 0.9999])


def test_norms_are_drawn_as_given():
    figure = layer_norms_figure(["first", "second"], NAIVE, EXACT)
    _, naive, exact = figure.data
    np.testing.assert_array_equal(naive.x, NAIVE)
    np.testing.assert_array_equal(exact.x, EXACT)
    assert list(figure.layout.yaxis.ticktext) == ["first", "second"]
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 1
    low, high = figure.layout.xaxis.range
    assert low < 0.7
    assert high > 1.6
    # Not by colour alone.
    assert naive.marker.symbol != exact.marker.symbol


def test_names_move_above_their_lines_on_a_phone():
    figure, phone = layer_norms_figure(["first", "second"], NAIVE, EXACT), layer_norms_phone(2)
    assert [(label.text, label.y, label.visible) for label in figure.layout.annotations] == [
        ("first", 0, False),
        ("second", 1, False),
    ]
    assert phone["yaxis.showticklabels"] is False
    assert {path for path, value in phone.items() if value is True} == {
        "annotations[0].visible",
        "annotations[1].visible",
    }


@pytest.mark.parametrize("name", ["naive", "exact"])
def test_other_numbers_of_layers_are_refused(name):
    norms = {"naive": NAIVE, "exact": EXACT, name: torch.ones(3)}
    with pytest.raises(ValueError, match=f"`{name}`"):
        layer_norms_figure(["first", "second"], **norms)
