"""The picture of freezing shows the numbers that it is given."""

import pytest
import torch

from latentbook.press.figures.least_volume import budget_figure


def test_both_lines_and_the_budget():
    steps, active, error = torch.tensor([10, 20, 30]), torch.tensor([8, 8, 5]), torch.tensor([2.0, 0.9, 1.0])
    figure = budget_figure(steps, active, error, budget=1.2)
    left, right = figure.data
    assert (list(left.x), list(left.y)) == ([10, 20, 30], [8, 8, 5])
    assert list(right.y) == pytest.approx([2.0, 0.9, 1.0])
    (dashes,) = figure.layout.shapes
    assert (dashes.y0, dashes.y1, dashes.yref) == (1.2, 1.2, "y2")
    assert figure.layout.yaxis2.range[1] > 2.0
    assert "budget 1.2" in figure.layout.annotations[0].text


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`error` has shape \(2,\).*each of `steps`"):
        budget_figure(torch.arange(3), torch.arange(3), torch.zeros(2), 1.0)
