"""Widths in pictures: as given, sorted where dimensions have no order, and refused where an axis has no place."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.least_volume import importance_figure, linear_figure, widths_figure


def test_widths_are_sorted_and_labelled():
    figure = widths_figure({"a": torch.tensor([0.1, 2.0]), "b": torch.tensor([0.0, 1.0])})
    np.testing.assert_allclose(figure.data[0].y, [2.0, 0.1])
    # A dead dimension has no place on a logarithmic axis: it lies at the floor.
    np.testing.assert_allclose(figure.data[1].y, [1.0, 1e-6])
    assert [line.name for line in figure.data] == ["a", "b"]
    assert figure.layout.showlegend
    # What it is, and not where it is drawn.
    assert list(figure.data[1].customdata) == ["1", "0"]


def test_no_run_is_left_out_in_silence():
    runs = {str(k): torch.tensor([1.0, 0.5]) for k in range(5)}
    assert len(widths_figure(dict([*runs.items()][:4])).data) == 4
    with pytest.raises(ValueError, match="`widths` has 5 runs"):
        widths_figure(runs)


# ---- the closed form ----

P = torch.tensor([1.0, 0.5])
LINEAR = {
    "p": P,
    "lambdas": torch.tensor([0.01, 0.1, 1.0]),
    "predicted": torch.tensor([[0.99, 0.48], [0.9, 0.0], [0.0, 0.0]]),
    "trained_lambdas": torch.tensor([0.02, 0.2]),
    # Of a trained model, the second dimension may be the wider one.
    "trained": torch.tensor([[0.47, 0.98], [0.0, 0.8]]),
    "collapse": 0.7,
}


def test_lines_are_the_closed_form_and_dots_the_runs():
    principal, *rest = linear_figure(**LINEAR).data
    lines, dots = rest[:2], rest[2:]
    np.testing.assert_array_equal(principal.y[::3], P)
    for dimension in range(2):
        np.testing.assert_array_equal(lines[dimension].x, LINEAR["lambdas"])
    # After a jump a line ends.
    np.testing.assert_allclose(lines[0].y, [0.99, 0.9, np.nan], rtol=1e-6)
    np.testing.assert_allclose(lines[1].y, [0.48, np.nan, 0.0], rtol=1e-6)
    for dimension in range(2):
        np.testing.assert_array_equal(dots[dimension].x, LINEAR["trained_lambdas"])
    np.testing.assert_allclose(dots[0].y, [0.98, 0.8], rtol=1e-6)
    np.testing.assert_allclose(dots[1].y, [0.47, 0.0], rtol=1e-6)


def test_a_line_that_comes_to_zero_step_by_step_is_whole():
    falling = torch.tensor([[0.99, 0.3], [0.95, 0.05], [0.9, 0.0]])
    lines = linear_figure(**{**LINEAR, "predicted": falling}).data[1:3]
    np.testing.assert_array_equal(lines[1].y, falling[:, 1])


def test_a_dot_at_zero_is_above_the_axis():
    low, high = linear_figure(**LINEAR).layout.yaxis.range
    assert -0.1 < low < 0
    assert high > 0.99


def test_collapse_stands_at_its_weight():
    figure = linear_figure(**LINEAR)
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 0.7
    assert figure.layout.annotations[0].x == pytest.approx(np.log10(0.7))
    assert "λ = 0.7" in figure.layout.annotations[0].text


def test_the_key_names_each_kind_once():
    named = [trace.name for trace in linear_figure(**LINEAR).data if trace.showlegend is not False]
    assert named == ["principal std", "closed form", "trained"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("p", torch.ones(1, 2)),
        ("predicted", torch.ones(3, 3)),
        ("trained", torch.ones(3, 2)),
        ("lambdas", torch.tensor([0.0, 0.1, 1.0])),
        ("trained_lambdas", torch.tensor([-0.1, 0.1])),
        ("collapse", 0.0),
    ],
)
def test_what_has_no_place_is_refused_by_name(name, wrong):
    with pytest.raises(ValueError, match=f"`{name}`"):
        linear_figure(**{**LINEAR, name: wrong})


# ---- importance ----


@pytest.mark.parametrize(("correlation", "said"), [(0.987, "0.99"), (-0.5, "−0.50"), (float("nan"), "undefined")])
def test_importance_is_drawn_as_given_and_its_correlation_said(correlation, said):
    std, explained = torch.tensor([0.1, 0.9]), torch.tensor([0.02, 0.7])
    figure = importance_figure(std, explained, correlation)
    np.testing.assert_array_equal(figure.data[0].x, std)
    np.testing.assert_array_equal(figure.data[0].y, explained)
    assert figure.layout.annotations[0].text == f"Pearson correlation <b>{said}</b>"


def test_importance_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="`explained`"):
        importance_figure(torch.ones(3), torch.ones(2), 0.5)
    with pytest.raises(ValueError, match=r"`correlation` is 1\.5"):
        importance_figure(torch.ones(3), torch.ones(3), 1.5)
