"""A row for each manifold: its bound, and its factors' rates from the largest down."""

import itertools

import pytest
import torch

from latentbook.press.figures.sphere import PRODUCTS_PHONE, products_figure

NAMES = ["S³⁹", "S⁹ × 4", "S¹⁹ × 2"]
BOUNDS = torch.tensor([-26.6, -23.8, -25.2])
RATES = [[0.3], [0.05, 2.66, 0.04, 0.06], [1.4, 0.03]]


def test_bounds_are_dots_beside_their_manifolds():
    dots = products_figure(NAMES, BOUNDS, RATES).data[0]
    assert ([*dots.x], [*dots.y]) == (pytest.approx([-26.6, -23.8, -25.2]), NAMES)
    assert [*dots.customdata] == ["−26.6", "−23.8", "−25.2"]


def test_segments_are_the_factors_from_the_largest_down():
    first, second, third, fourth = products_figure(NAMES, BOUNDS, RATES).data[1:]
    assert ([*first.x], [*first.y]) == ([0.3, 2.66, 1.4], NAMES)
    assert ([*second.x], [*second.y]) == ([0.06, 0.03], NAMES[1:])
    assert ([*third.x], [*fourth.x]) == ([0.05], [0.04])
    # Which factor it is: its place in the manifold.
    assert [[*bars.customdata] for bars in (first, second, third, fourth)] == [[1, 2, 1], [4, 2], [1], [3]]
    assert {bars.xaxis for bars in (first, second, third, fourth)} == {"x2"}


def test_neighbours_are_told_apart():
    opacities = [bars.marker.opacity for bars in products_figure(NAMES, BOUNDS, RATES).data[1:]]
    assert all(one != other for one, other in itertools.pairwise(opacities))
    assert opacities[0] == 1


def test_both_panels_have_the_same_rows_from_the_top_down():
    layout = products_figure(NAMES, BOUNDS, RATES).layout
    assert layout.barmode == "stack"
    assert layout.yaxis.range == layout.yaxis2.range == (2.5, -0.5)
    # Beside each other, names stand once; one below the other, twice.
    assert layout.yaxis2.showticklabels is False
    assert PRODUCTS_PHONE["yaxis2.showticklabels"] is True


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="bounds"):
        products_figure(NAMES, BOUNDS[:2], RATES)
    for rates in (RATES[:2], [*RATES[:2], []]):
        with pytest.raises(ValueError, match=r"`rates` has \[1, 4.* factors for 3 manifolds"):
            products_figure(NAMES, BOUNDS, rates)
    with pytest.raises(ValueError, match=r"`rates` holds -0\.1"):
        products_figure(NAMES, BOUNDS, [*RATES[:2], [1.0, -0.1]])
