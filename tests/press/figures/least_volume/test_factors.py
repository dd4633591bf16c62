"""Free factors against dimensions found: drawn as given, and named clear of the line where both agree."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.least_volume import factors_figure


def test_factors_are_drawn_as_given_with_the_line_where_they_agree():
    figure = factors_figure(torch.tensor([1, 3]), torch.tensor([1, 4]), ["size", "position, size"])
    diagonal, dots = figure.data
    assert list(diagonal.x) == list(diagonal.y)
    np.testing.assert_array_equal(dots.x, [1, 3])
    np.testing.assert_array_equal(dots.y, [1, 4])
    assert list(dots.customdata) == ["size", "position, size"]
    assert {label.text for label in figure.layout.annotations} == {"size", "position, size"}


def test_a_name_that_continues_the_one_before_says_what_it_adds():
    figure = factors_figure(torch.tensor([1, 2, 3]), torch.tensor([2, 2, 3]), ["x", "x, y", "size, x, y"])
    assert {label.x: label.text for label in figure.layout.annotations} == {1: "x", 2: "+ y", 3: "size, x, y"}


def test_a_name_that_comes_again_is_written_once():
    figure = factors_figure(torch.tensor([2, 2]), torch.tensor([2, 3]), ["position", "position"])
    assert [label.y for label in figure.layout.annotations] == [2]


def test_labels_keep_clear_of_the_line():
    """Above it they go up and left, below it down and right."""
    figure = factors_figure(torch.tensor([6, 6]), torch.tensor([7, 4]), ["above", "below"])
    sides = {label.text: (label.xanchor, label.yanchor) for label in figure.layout.annotations}
    assert sides == {"above": ("right", "bottom"), "below": ("left", "top")}


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`found`"):
        factors_figure(torch.tensor([1, 2]), torch.tensor([1]), ["a", "b"])
    with pytest.raises(ValueError, match="`names` has 1 names for 2 sets"):
        factors_figure(torch.tensor([1, 2]), torch.tensor([1, 2]), ["a"])
