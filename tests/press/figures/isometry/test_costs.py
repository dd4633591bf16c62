"""Costs are drawn as measured, against the weight and against each other; estimates by their own percentiles."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.isometry import Spread, costs_figure, probes_figure, trade_figure
from tests.press.figures.isometry.runs import make_run

CODES = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 1.0]], dtype=torch.float64)


def family(scale=1.0):
    return [make_run(lam, (scale * (3.0 - lam), 1.0), CODES) for lam in (0.0, 1.0, 1.5)]


def test_every_score_is_drawn_against_the_weight_and_the_plain_run_as_a_line():
    runs = family()
    figure = costs_figure([runs])
    error, rate, noise, condition, variance, _ = figure.data
    assert list(error.x) == [1.0, 1.5]
    assert list(error.y) == [run.error for run in runs[1:]]
    assert list(rate.y) == [5.0, 5.0]
    assert list(noise.y) == [1.0, 1.0]
    assert list(condition.y) == [float(run.condition.mean) - 1 for run in runs[1:]]
    assert max(variance.y) < 1e-6
    levels = [shape.y0 for shape in figure.layout.shapes]
    assert levels[:4] == [runs[0].error, 5.0, 1.0, float(runs[0].condition.mean) - 1]
    assert error.error_y.array is None


def test_repeats_are_their_mean_with_a_bar_of_one_standard_deviation():
    first, second = family(), family(2.0)
    condition = costs_figure([first, second]).data[3]
    both = np.array([[float(run.condition.mean) - 1 for run in runs[1:]] for runs in (first, second)])
    np.testing.assert_allclose(condition.y, both.mean(0))
    np.testing.assert_allclose(condition.error_y.array, both.std(0, ddof=1))


def test_weights_that_differ_are_refused():
    with pytest.raises(ValueError, match="the same weights"):
        costs_figure([family(), family()[:2]])
    with pytest.raises(ValueError, match="0 among them"):
        costs_figure([family()[1:]])


def test_kinds_are_told_apart_by_more_than_colour():
    figure = trade_figure({str(k): family() for k in range(4)})
    assert len({line.marker.symbol for line in figure.data}) == len({line.line.color for line in figure.data}) == 4
    assert list(figure.data[0].x) == [float(run.condition.mean) - 1 for run in family()]
    with pytest.raises(ValueError, match="from one to 4"):
        trade_figure({str(k): family() for k in range(5)})


def test_a_bar_holds_nine_of_ten_estimates():
    values = torch.linspace(0, 1, 1001)
    figure = probes_figure({"isometry": [Spread("sphere", values, 0.4)]})
    bar, dot, mark = figure.data
    np.testing.assert_allclose(bar.x, [0.05, 0.95], atol=1e-6)
    assert dot.x[0] == pytest.approx(0.5)
    assert mark.x == (0.4,)
    assert list(figure.layout.yaxis.ticktext) == ["sphere"]
    assert [note.text for note in figure.layout.annotations] == ["<b>isometry</b>"]


def test_every_estimate_has_a_line_of_its_own_below_the_name_of_its_group():
    groups = {name: [Spread(kind, torch.rand(9), 0.5) for kind in "ab"] for name in ("one", "two")}
    figure = probes_figure(groups)
    first, second = (note.y for note in figure.layout.annotations)
    places = list(figure.layout.yaxis.tickvals)
    assert first > places[0] > places[1] > second > places[2] > places[3] > figure.layout.yaxis.range[0]
    assert [trace.y[0] for trace in figure.data[1::3]] == places
