"""Means of draws around the line on which they should lie."""

import dataclasses

import pytest
import torch

from latentbook.press.figures.sphere import DrawsPanel, draws_figure

KAPPA = torch.tensor([1.0, 10.0, 100.0])
MEANS = {"published": torch.tensor([0.1, 0.0, 0.9]), "exact draws": torch.tensor([0.1, 0.3, 0.9])}
PANEL = DrawsPanel("S^40", KAPPA, torch.tensor([0.1, 0.3, 0.9]), MEANS)


def test_each_panel_has_a_line_and_its_draws():
    figure = draws_figure([PANEL, dataclasses.replace(PANEL, title="S^9")])
    assert [trace.name for trace in figure.data] == ["exact", "published", "exact draws"] * 2
    assert [trace.mode for trace in figure.data[:3]] == ["lines", "markers", "markers"]
    assert figure.data[1].y == pytest.approx([0.1, 0.0, 0.9])
    assert {trace.xaxis for trace in figure.data[3:]} == {"x2"}
    # A name stands once in the key.
    assert [trace.showlegend for trace in figure.data] == [True] * 3 + [False] * 3
    assert [note.text for note in figure.layout.annotations] == ["S^40", "S^9"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`panels` has 1 of them"):
        draws_figure([PANEL])
    three = {**MEANS, "third": KAPPA}
    with pytest.raises(ValueError, match="`means` has 3 kinds"):
        draws_figure([PANEL, dataclasses.replace(PANEL, means=three)])
    with pytest.raises(ValueError, match="theory"):
        draws_figure([PANEL, dataclasses.replace(PANEL, theory=KAPPA[:2])])
