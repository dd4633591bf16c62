"""A row for each model, a mark for each hand that it has."""

import math

import pytest

from latentbook.press.figures.sphere import clocks_figure, clocks_phone

ROWS = {"S¹": (0.3, math.nan), "S¹ × S¹, told": (0.97, 0.94), "R²": (0.45, 0.1)}
HANDS = ["hour hand", "minute hand"]


def test_marks_are_the_correlations_from_the_top_down():
    _, hour, minute = clocks_figure(ROWS, HANDS).data
    assert (hour.name, minute.name) == (*HANDS,)
    assert [*hour.x] == [0.3, 0.97, 0.45]
    assert math.isnan(minute.x[0])
    assert [*minute.x[1:]] == [0.94, 0.1]
    assert [*hour.y] == [*minute.y] == [0, 1, 2]
    assert hour.marker.color != minute.marker.color
    assert hour.marker.symbol != minute.marker.symbol
    assert minute.customdata[1] == "minute hand: 0.94<extra>S¹ × S¹, told</extra>"


def test_the_first_row_is_on_top():
    axis = clocks_figure(ROWS, HANDS).layout.yaxis
    assert [*axis.ticktext] == [*ROWS]
    assert axis.range[0] > axis.range[1]
    phone = clocks_phone(3)["yaxis.range"]
    assert phone[0] > phone[1]


def test_a_line_joins_the_hands_of_a_row():
    lines = clocks_figure(ROWS, HANDS).data[0]
    assert lines.mode == "lines"
    assert [*lines.x[3:5], *lines.x[6:8]] == [0.97, 0.94, 0.45, 0.1]
    assert [*lines.y[3:5], *lines.y[6:8]] == [1, 1, 2, 2]
    # Between two rows there is none.
    assert math.isnan(lines.x[5])


def test_the_axis_holds_all_of_them():
    assert clocks_figure(ROWS, HANDS).layout.xaxis.range[0] == pytest.approx(-0.02)
    below = clocks_figure({"S³": (-0.2, 0.5)}, HANDS).layout.xaxis.range
    assert below[0] < -0.2
    assert below[1] > 1


def test_on_a_phone_names_stand_above_their_rows():
    figure, phone = clocks_figure(ROWS, HANDS), clocks_phone(len(ROWS))
    assert [(note.text, note.y) for note in figure.layout.annotations] == [(name, k) for k, name in enumerate(ROWS)]
    assert not any(note.visible for note in figure.layout.annotations)
    assert all(phone[f"annotations[{place}].visible"] for place in range(3))
    assert phone["yaxis.showticklabels"] is False
    assert phone["height"] > figure.layout.height


def test_one_hand_is_enough():
    figure = clocks_figure({"S¹": [0.9]}, ["hour hand"])
    assert [trace.name for trace in figure.data[1:]] == ["hour hand"]


def test_what_does_not_fit_is_refused():
    for rows, hands in (({}, HANDS), (ROWS, []), (ROWS, ["one", "two", "three"])):
        with pytest.raises(ValueError, match=f"`rows` has {len(rows)} models and `hands` {len(hands)}"):
            clocks_figure(rows, hands)
    with pytest.raises(ValueError, match="`rows` has 1 numbers of R²"):
        clocks_figure({**ROWS, "R²": (0.5,)}, HANDS)
