"""A dot for each coordinate, those of one sphere joined, and what a grouping has."""

import pytest

from latentbook.press.figures.sphere import groupings_figure

GROUPINGS = [[5], [3, 2], [2, 2]]


def test_coordinates_of_a_factor_are_joined_and_factors_are_not():
    [dots] = groupings_figure(GROUPINGS).data
    assert [*dots.x] == [1, 2, 3, 4, 5, None, 1, 2, 3, None, 4, 5, None, 1, 2, None, 3, 4, None]
    assert [*dots.y] == [0] * 6 + [1] * 7 + [2] * 6
    assert dots.mode == "lines+markers"
    assert not dots.connectgaps


def test_rows_say_the_manifold_its_freedom_and_its_concentrations():
    layout = groupings_figure(GROUPINGS).layout
    assert [*layout.yaxis.ticktext] == ["S⁴", "S² × S¹", "(S¹)²"]
    numbers = {(note.y, note.x): note.text for note in layout.annotations if note.text.isdecimal()}
    assert [numbers[key] for key in sorted(numbers)] == ["4", "1", "3", "2", "2", "2"]
    heads = [note.text for note in layout.annotations if not note.text.isdecimal()]
    assert heads == ["degrees<br>of freedom", "κ"]


@pytest.mark.parametrize("wrong", [[], [[5], [4, 1]]])
def test_what_is_no_product_of_spheres_is_refused(wrong):
    with pytest.raises(ValueError, match="give products, each of factors with two coordinates or more"):
        groupings_figure(wrong)
