"""Means and percentiles are those of the pairs, and the dashed line is the best single factor."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.geodesics import best_factor, distances_figure, distances_phone, over_lambda_figure

LAMBDAS = [0.0, 1.0, 100.0]


def test_means_and_bars_are_those_of_each_weight():
    improvements = torch.rand(3, 101)
    bars, means = over_lambda_figure(LAMBDAS, improvements).data
    # Rounded to three digits after the point.
    np.testing.assert_allclose(means.y, 100 * improvements.mean(1), atol=6e-4)
    # Of 101 sorted values, those at 10 and at 90.
    ordered = 100 * improvements.sort(1).values
    for k, (low, high, lifted) in enumerate(np.reshape(bars.y, (3, 3))):
        assert (low, high) == (
            pytest.approx(ordered[k, 10].item(), abs=6e-4),
            pytest.approx(ordered[k, 90].item(), abs=6e-4),
        )
        assert np.isnan(lifted)
    np.testing.assert_array_equal(np.reshape(bars.x, (3, 3))[:, 0], means.x)


def test_a_mean_outside_of_its_bar_is_drawn_where_it_is():
    improvements = torch.zeros(1, 100)
    improvements[0, 0] = 1.0
    bars, means = over_lambda_figure([0.0], improvements).data
    assert means.y[0] == 1.0
    assert bars.y[1] == 0.0


def test_weights_are_named_at_equal_distances():
    axis = over_lambda_figure(LAMBDAS, torch.rand(3, 5)).layout.xaxis
    assert list(axis.tickvals) == [0, 1, 2]
    assert list(axis.ticktext) == ["0", "1", "100"]


def test_the_best_factor_leaves_an_error_across_the_straight_distances():
    straight, geodesic = torch.rand(50), torch.rand(50)
    factor = best_factor(straight, geodesic)
    assert ((geodesic - factor * straight) * straight).sum().abs() < 1e-12
    assert best_factor(straight, 3 * straight).item() == pytest.approx(3)


def test_dots_are_pairs_and_the_line_goes_through_the_origin():
    straight = torch.tensor([1.0, 2.0, 4.0])
    figure = distances_figure({"one": (straight, 2 * straight), "two": (straight, straight + 1)})
    dots, line, others, _ = figure.data
    np.testing.assert_allclose(dots.x, straight)
    np.testing.assert_allclose(dots.y, 2 * straight)
    np.testing.assert_allclose(others.y, straight + 1)
    np.testing.assert_allclose([line.x, line.y], [[0, 4], [0, 8]])
    assert (dots.mode, line.mode, line.line.dash) == ("markers", "lines", "dash")
    assert (dots.xaxis, others.xaxis) == ("x", "x2")


def test_panels_stand_side_by_side_at_one_height_with_their_titles():
    straight = torch.tensor([1.0, 2.0, 4.0])
    figure = distances_figure({"one": (straight, 2 * straight), "two": (straight, straight + 1)})
    assert list(figure.layout.yaxis.range) == list(figure.layout.yaxis2.range)
    assert figure.layout.yaxis.range[0] == 0
    assert figure.layout.yaxis.range[1] > 8
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert figure.layout.xaxis2.domain[1] == pytest.approx(1)
    assert [(note.text, note.xref) for note in figure.layout.annotations] == [("one", "x domain"), ("two", "x2 domain")]


def test_on_a_phone_panels_stand_below_each_other_with_room_for_titles():
    phone = distances_phone(2)
    first, second = phone["yaxis.domain"], phone["yaxis2.domain"]
    assert (first[1], second[0]) == (1, 0)
    assert first[1] - first[0] == pytest.approx(second[1] - second[0])
    # Ticks, the title of the axis below, and the title of the next panel are 70 pixels.
    assert (first[0] - second[1]) * (phone["height"] - 74) >= 70
    assert phone["xaxis2.domain"] == [0, 1]
    assert phone["yaxis2.title.text"] == "geodesic distance"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`improvements` has shape \(2, 5\)"):
        over_lambda_figure(LAMBDAS, torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"`distances` has shape \(2,\)"):
        distances_figure({"one": (torch.ones(3), torch.ones(2))})
    with pytest.raises(ValueError, match="`planes` is empty"):
        distances_figure({})
