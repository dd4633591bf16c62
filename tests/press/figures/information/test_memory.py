"""Estimates against the width of posteriors."""

import math

import pytest
import torch

from latentbook.press.figures.information import memory_figure

WIDTHS = torch.tensor([0.1, 1.0, 10.0]).double()


def test_curves_are_drawn_and_named():
    curves = {"estimate": torch.tensor([2.3, 1.0, 0.1]), "bound": torch.tensor([0.0, -0.1, 0.0])}
    figure = memory_figure(WIDTHS, curves, math.log(10))
    assert [trace.y.tolist() for trace in figure.data] == [pytest.approx([2.3, 1, 0.1]), pytest.approx([0, -0.1, 0])]
    assert [trace.name for trace in figure.data] == ["estimate", "bound"]
    [entropy] = figure.layout.annotations
    assert (entropy.text, entropy.y) == ("H(l)", math.log(10))
    assert [*figure.layout.xaxis.range] == pytest.approx([-1, 1])
    assert figure.layout.shapes[0].y0 == math.log(10)


def test_wrong_curves_are_refused():
    with pytest.raises(ValueError, match="`curves` has 3"):
        memory_figure(WIDTHS, dict.fromkeys("abc", WIDTHS), 1.0)
    with pytest.raises(ValueError, match="estimate"):
        memory_figure(WIDTHS, {"estimate": WIDTHS[:2]}, 1.0)
