"""Densities against the angle: as they are given, and off the panel where there is nothing."""

import dataclasses

import pytest
import torch

from latentbook.press.figures.sphere import LAWS_PHONE, LawsPanel, laws_figure

DEGREES = torch.tensor([0.0, 90.0, 180.0])
RATIOS = {"von Mises-Fisher": torch.tensor([100.0, 0.5, 1e-4]), "power spherical": torch.tensor([90.0, 0.1, 0.0])}
PANEL = LawsPanel("S^2", DEGREES, RATIOS)
HIGHER = dataclasses.replace(PANEL, title="S^40", ratios={name: 1e4 * values for name, values in RATIOS.items()})


def test_each_panel_has_its_laws_and_the_uniform_one():
    figure = laws_figure([PANEL, HIGHER])
    assert [trace.name for trace in figure.data] == [*RATIOS, "uniform"] * 2
    assert [trace.xaxis for trace in figure.data] == ["x"] * 3 + ["x2"] * 3
    law, power, uniform = figure.data[:3]
    assert [*law.x] == [0, 90, 180]
    assert [*law.y] == [100, 0.5, 1e-4]
    assert [*uniform.y] == [1, 1]
    assert len({(trace.line.color, trace.line.dash) for trace in (law, power)}) == 2
    assert law.line.dash != power.line.dash
    # A name stands once in the key.
    assert [trace.showlegend for trace in figure.data] == [True] * 3 + [False] * 3
    assert [note.text for note in figure.layout.annotations] == ["S^2", "S^40"]


def test_where_there_is_nothing_a_line_leaves_the_panel():
    figure = laws_figure([PANEL, HIGHER])
    low, high = figure.layout.yaxis.range
    nothing = figure.data[1].y[-1]
    assert 0 < nothing < 10**low * 1e-3
    # What is said of it is the truth all the same.
    assert [*figure.data[1].customdata] == ["90", "0.1", "0"]
    assert low < -4
    assert 2 < high < figure.layout.yaxis2.range[1] - 3
    assert figure.layout.yaxis2.range[0] == low


def test_the_uniform_law_is_always_seen():
    flat = {"von Mises-Fisher": torch.full((3,), 0.5)}
    one = dataclasses.replace(PANEL, ratios=flat)
    assert laws_figure([one, one]).layout.yaxis.range[1] > 0


def test_on_a_phone_every_panel_says_what_goes_upwards():
    words = [LAWS_PHONE[f"yaxis{number}.title.text"] for number in ("", 2, 3)]
    assert words == [laws_figure([PANEL, HIGHER]).layout.yaxis.title.text] * 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`panels` has 1 of them"):
        laws_figure([PANEL])
    for ratios in ({}, {"other": DEGREES}, {str(number): DEGREES for number in range(4)}):
        with pytest.raises(ValueError, match="`ratios` of S\\^2"):
            laws_figure([HIGHER, dataclasses.replace(PANEL, ratios=ratios)])
    with pytest.raises(ValueError, match="`power spherical` has shape"):
        laws_figure([HIGHER, dataclasses.replace(PANEL, ratios={**RATIOS, "power spherical": DEGREES[:2]})])
    for bad in (-1.0, float("nan")):
        ratios = {**RATIOS, "power spherical": torch.tensor([1.0, bad, 0.0])}
        with pytest.raises(ValueError, match=f"holds {bad}"):
            laws_figure([HIGHER, dataclasses.replace(PANEL, ratios=ratios)])
