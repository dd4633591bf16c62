"""Relative errors of two ways over dimension and concentration."""

import math

import pytest
import torch

from latentbook.press.figures import WARM
from latentbook.press.figures.sphere import errors_figure

KAPPA = torch.tensor([0.1, 1.0, 10.0])
USUAL = torch.tensor([[1e-7, 1e-3, math.inf], [math.nan, 5.0, 0.0]])


def test_errors_are_powers_of_ten_and_what_is_missing_is_told_apart():
    figure = errors_figure([3, 100], KAPPA, {"usual": USUAL, "ours": torch.full((2, 3), 1e-6)})
    broken, errors, nothing, ours = figure.data
    assert [[value == 1 for value in row] for row in broken.z] == [[False, False, True], [True, False, False]]
    assert broken.colorscale[0][1] == WARM
    assert [errors.z[0][:2], errors.z[1][1:]] == [pytest.approx([-7, -3]), [0, -8]]
    assert math.isnan(errors.z[1][0])
    assert not any(value == 1 for row in nothing.z for value in row)
    assert ours.z[0] == pytest.approx([-6] * 3)
    assert [note.text for note in figure.layout.annotations] == ["usual", "ours"]
    assert [*errors.y] == ["3", "100"]
    # One bar is for both.
    assert [trace.showscale for trace in figure.data] == [False, True, False, False]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="`errors` has 1 of them"):
        errors_figure([3, 100], KAPPA, {"usual": USUAL})
    with pytest.raises(ValueError, match="ours"):
        errors_figure([3, 100], KAPPA, {"usual": USUAL, "ours": USUAL[:1]})
