"""Measures in the plane of rates: every cell at its rates, in the brightness of its measure, the best one ringed."""

import itertools

import pytest
import torch

from latentbook.press.figures import ACCENT, WARM
from latentbook.press.figures.information import Panel, planes_figure, planes_phone

R_2 = torch.tensor([[3.0, 0.5], [7.0, 2.0]], dtype=torch.float64)
R_1 = torch.tensor([[9.0, 11.0], [1.0, 0.2]], dtype=torch.float64)
VALUES = torch.tensor([[20.0, 21.0], [float("nan"), 15.0]]).double()
BETAS = [0.1, 10.0]


def parts(figure, index):
    """Return net, cells and ring of a panel."""
    name = "x" if index == 0 else f"x{index + 1}"
    return [trace for trace in figure.data if trace.xaxis == name]


def test_cells_are_at_their_rates():
    *_, cells, _ = parts(planes_figure(R_2, R_1, [Panel("PSNR", VALUES)], BETAS), 0)
    assert [*cells.x] == [3, 0.5, 7, 2]
    assert [*cells.y] == [9, 11, 1, 0.2]
    assert [*cells.marker.color][:2] == [20, 21]
    assert [*map(tuple, cells.customdata)] == [("0.1", "0.1"), ("0.1", "10"), ("10", "0.1"), ("10", "10")]


@pytest.mark.parametrize(("larger", "place"), [(True, (0.5, 11)), (False, (2, 0.2))])
def test_the_best_is_ringed(larger, place):
    *_, ring = parts(planes_figure(R_2, R_1, [Panel("PSNR", VALUES, larger)], BETAS), 0)
    assert (ring.x[0], ring.y[0]) == place


def test_where_neither_is_better_nothing_is_ringed():
    assert len(parts(planes_figure(R_2, R_1, [Panel("PSNR", VALUES, None)], BETAS), 0)) == 3


def test_lines_join_cells_of_one_weight():
    above, below, *_ = parts(planes_figure(R_2, R_1, [Panel("PSNR", VALUES)], BETAS), 0)
    assert [*above.x] == [3, 0.5, None, 7, 2, None]
    assert [*below.x] == [3, 7, None, 0.5, 2, None]
    # Along a row the weight of z_2 changes.
    assert (above.line.color, below.line.color) == (WARM, ACCENT)


def test_on_a_phone_the_last_panel_alone_says_what_goes_across():
    phone = planes_phone(5)
    assert [phone[f"xaxis{n}.title.text"] for n in ("", 2, 3, 4, 5)] == ["", "", "", "", "R(z₂), nats"]


def test_axes_are_called_after_the_layers():
    figure = planes_figure(R_2, R_1, [Panel("PSNR", VALUES)], BETAS, layers=3)
    assert figure.layout.xaxis.title.text == "R(z₃), nats"
    assert figure.layout.yaxis.title.text == "R(z₁ | z₂, z₃), nats"
    assert "R(z₃) = %{x:.2f}, R(z₁ | z₂, z₃) = " in parts(figure, 0)[2].hovertemplate
    assert planes_phone(1, layers=3)["yaxis.title.text"] == "R(z₁ | z₂, z₃), nats"


def test_titles_say_the_range():
    figure = planes_figure(R_2, R_1, [Panel("PSNR (dB)", VALUES)], BETAS)
    assert figure.layout.annotations[0].text == "<b>PSNR (dB)</b><br>15 to 21"


@pytest.mark.parametrize("count", [1, 3, 6])
def test_panels_do_not_overlap(count):
    figure = planes_figure(R_2, R_1, [Panel(str(k), VALUES) for k in range(count)], BETAS)
    names = ["" if k == 0 else str(k + 1) for k in range(count)]
    places = [(figure.layout[f"xaxis{n}"].domain, figure.layout[f"yaxis{n}"].domain) for n in names]
    for one in range(count):
        for other in range(one):
            (a, b), (c, d) = places[one], places[other]
            apart = a[0] >= c[1] or c[0] >= a[1] or b[0] >= d[1] or d[0] >= b[1]
            assert apart
    phone = planes_phone(count)
    lows = [phone[f"yaxis{n}.domain"] for n in names]
    assert all(below[1] <= above[0] for above, below in itertools.pairwise(lows))


def test_wrong_shapes_and_counts_are_refused():
    with pytest.raises(ValueError, match="`panels` has 0"):
        planes_figure(R_2, R_1, [], BETAS)
    with pytest.raises(ValueError, match="values of PSNR"):
        planes_figure(R_2, R_1, [Panel("PSNR", VALUES[:1])], BETAS)
    with pytest.raises(ValueError, match="R_1"):
        planes_figure(R_2, R_1[:1], [Panel("PSNR", VALUES)], BETAS)
