"""Accuracies against rates: the curve is the bound, and dots are where they are."""

import numpy as np
import pytest
import torch

from latentbook.information import accuracy_bound
from latentbook.press.figures.information import Codes, bound_figure

CLASSES = torch.full((10,), 0.1).double()
RATES = torch.tensor([1e-5, 0.1, 2.0, 30.0]).double()
DRAWN = {"knn": torch.tensor([0.1, 0.2, 0.8, 0.97]).double()}
MEANS = {"knn": torch.tensor([0.4, 0.5, 0.9, 0.97]).double()}


def codes(title="R(z₂)"):
    return Codes(title, RATES, DRAWN, MEANS)


def test_the_curve_is_the_bound():
    curve = bound_figure([codes(), codes()], CLASSES).data[0]
    at = [0, 50, 100, 159]
    expected = accuracy_bound(torch.tensor(np.array(curve.x)[at]), CLASSES)
    assert np.array(curve.y)[at] == pytest.approx(expected.numpy(), abs=1e-4)


def test_dots_are_where_they_are_and_small_rates_at_the_edge():
    drawn = next(trace for trace in bound_figure([codes(), codes()], CLASSES).data if trace.name == "drawn codes")
    assert [*drawn.x] == [1e-3, 0.1, 2.0, 30.0]
    assert [*drawn.y] == [0.1, 0.2, 0.8, 0.97]


@pytest.mark.parametrize(("least", "start"), [(1e-9, 1e-3), (0.5, 0.1), (2.0, 1.0)])
def test_an_axis_begins_at_the_decade_below_all_rates(least, start):
    figure = bound_figure([codes(), codes()._replace(rates=RATES.clamp_min(least))], CLASSES)
    assert figure.layout.xaxis.range[0] == pytest.approx(np.log10(0.8e-3))
    assert figure.layout.xaxis2.range[0] == pytest.approx(np.log10(0.8 * start))


def test_each_kind_of_code_is_named_once():
    figure = bound_figure([codes(), codes("both")], CLASSES)
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(named) == ["drawn codes", "most probable codes", "the bound f⁻¹(R)"]
    assert [figure.layout.xaxis.title.text, figure.layout.xaxis2.title.text] == ["R(z₂)", "both"]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="`layers` has 1"):
        bound_figure([codes()], CLASSES)
    with pytest.raises(ValueError, match="accuracies of knn"):
        bound_figure([codes()._replace(rates=RATES[:2]), codes()], CLASSES)
