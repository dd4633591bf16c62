"""What compactness costs: curves as given, told apart by more than colour."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.least_volume import knn_figure, trade_figure

PCA = torch.tensor([2.0, 1.0, 0.5])


def curves(count):
    return {f"penalty {k}": (torch.tensor([2, 1, 0]), torch.tensor([0.4, 0.9, 2.0]) + 0.1 * k) for k in range(count)}


def test_every_penalty_is_drawn_beside_principal_components():
    figure = trade_figure(curves(4), PCA)
    components, *lines = figure.data
    np.testing.assert_array_equal(components.y, PCA)
    np.testing.assert_array_equal(components.x, [0, 1, 2])
    for line, (name, (dimensions, error)) in zip(lines, curves(4).items(), strict=True):
        assert line.name == name
        np.testing.assert_array_equal(line.x, dimensions)
        np.testing.assert_array_equal(line.y, error)
        assert list(line.customdata) == ["2 dimensions", "1 dimension", "0 dimensions"]


def test_penalties_differ_in_shape_and_in_colour():
    lines = trade_figure(curves(6), PCA).data[1:]
    assert len({line.marker.symbol for line in lines}) == len({line.line.color for line in lines}) == 6


def test_penalties_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`curves` has 7 lines"):
        trade_figure(curves(7), PCA)
    with pytest.raises(ValueError, match="`pca`"):
        trade_figure(curves(1), PCA[None])
    with pytest.raises(ValueError, match=r"`curves\['L1'\]`"):
        trade_figure({"L1": (torch.ones(3), torch.ones(2))}, PCA)


def test_accuracy_is_drawn_in_order_of_the_dimensions():
    figure = knn_figure(torch.tensor([32, 4, 11]), torch.tensor([0.96, 0.9, 0.97]), raw=0.98, chance=0.1)
    np.testing.assert_array_equal(figure.data[0].x, [4, 11, 32])
    np.testing.assert_allclose(figure.data[0].y, [0.9, 0.97, 0.96])
    assert [shape.y0 for shape in figure.layout.shapes] == [0.98, 0.1]
    assert [label.text for label in figure.layout.annotations] == ["raw pixels, 98%", "chance, 10%"]
    low, high = figure.layout.yaxis.range
    assert low < 0.1
    assert high > 0.98


def test_where_every_run_has_collapsed_the_level_is_left():
    figure = knn_figure(torch.tensor([], dtype=torch.long), torch.tensor([]), raw=0.9)
    assert len(figure.data[0].x) == 0
    assert "raw pixels, 90%" in figure.layout.annotations[0].text


def test_without_chance_there_is_one_level():
    figure = knn_figure(torch.tensor([4, 8]), torch.tensor([0.9, 0.95]), raw=0.93)
    assert [shape.y0 for shape in figure.layout.shapes] == [0.93]


def test_accuracies_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`accuracy`"):
        knn_figure(torch.tensor([4, 8]), torch.tensor([0.9]), raw=0.9)
    with pytest.raises(ValueError, match="shares from 0 to 1"):
        knn_figure(torch.tensor([4]), torch.tensor([97.0]), raw=0.9)
