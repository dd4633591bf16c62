"""Bounds and rates by dimension, a line for each kind of model."""

import pytest
import torch

from latentbook.press.figures.sphere import dimensions_figure

DIMS = [2, 10, 40]
BOUNDS = {"sphere": torch.tensor([-23.5, -23.7, -26.6]), "normal": torch.tensor([-23.7, -22.7, -22.6])}
RATES = {"sphere": torch.tensor([2.8, 2.7, 0.3]), "normal": torch.tensor([2.5, 4.3, 4.2])}


def test_bounds_are_on_the_left_and_rates_on_the_right():
    figure = dimensions_figure(DIMS, BOUNDS, RATES)
    assert [(trace.name, trace.xaxis) for trace in figure.data] == [
        ("sphere", "x"), ("normal", "x"), ("sphere", "x2"), ("normal", "x2")
    ]  # fmt: skip
    assert [*figure.data[1].y] == pytest.approx([-23.7, -22.7, -22.6])
    assert [*figure.data[2].y] == pytest.approx([2.8, 2.7, 0.3])
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
    assert [note.text for note in figure.layout.annotations] == ["log-likelihood bound (nats)", "rate (nats)"]


def test_a_kind_looks_the_same_in_both_panels_and_dimensions_are_equally_far_apart():
    figure = dimensions_figure(DIMS, BOUNDS, RATES)
    looks = [(trace.line.color, trace.marker.symbol) for trace in figure.data]
    assert looks[:2] == looks[2:]
    assert len(set(looks)) == 2
    assert {(*trace.x,) for trace in figure.data} == {("2", "10", "40")}
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "category"


def test_numbers_are_said_with_a_real_minus():
    figure = dimensions_figure(DIMS, BOUNDS, RATES)
    assert [*figure.data[0].customdata] == ["−23.5", "−23.7", "−26.6"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`bounds` has \\['sphere', 'normal'\\] and `rates` has \\['sphere'\\]"):
        dimensions_figure(DIMS, BOUNDS, {"sphere": RATES["sphere"]})
    three = {**BOUNDS, "third": BOUNDS["sphere"]}
    with pytest.raises(ValueError, match="one or two kinds"):
        dimensions_figure(DIMS, three, three)
    with pytest.raises(ValueError, match="`normal` has shape \\(2,\\)"):
        dimensions_figure(DIMS, BOUNDS, {**RATES, "normal": RATES["normal"][:2]})
