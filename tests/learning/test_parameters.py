"""Wrong parameters stop, with the right ones listed and papermill's flag named."""

import pytest

from latentbook.learning.parameters import check_choice, check_device, check_digits, check_integer, check_number


def test_an_integer_for_a_string_names_the_flag():
    with pytest.raises(TypeError, match=r"`digits` is 15 \(int\), but must be a string.*`-r digits 15`"):
        check_choice("digits", 15, ["015", "all"])


def test_an_unknown_string_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"`scale` is 'big', but must be one of \['smoke', 'book'\]"):
        check_choice("scale", "big", ["smoke", "book"])


@pytest.mark.parametrize("value", ["0.1", None, True, [1]])
def test_a_number_must_be_one(value):
    with pytest.raises(TypeError, match=r"`lam` is .*must be a number.*`-p lam <number>`"):
        check_number("lam", value, 0.0)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_number_must_be_in_range(value):
    with pytest.raises(ValueError, match=r"`lam` is .*finite number from 0.0"):
        check_number("lam", value, 0.0)


def test_an_integer_will_do_for_a_number():
    assert check_number("lam", 1, 0.0) == 1.0


@pytest.mark.parametrize(("value", "error"), [(1.0, TypeError), ("1", TypeError), (True, TypeError), (0, ValueError)])
def test_integers(value, error):
    with pytest.raises(error, match="`m` is "):
        check_integer("m", value, 1, 9)


def test_a_device_is_one_of_this_machine(device):
    assert check_device("device", str(device)) == device
    with pytest.raises(ValueError, match=r"`device` is 'tpu', but must be one of \['auto', 'cpu', 'cuda'"):
        check_device("device", "tpu")
    with pytest.raises(TypeError, match=r"`device` is 0 \(int\), but must be a string"):
        check_device("device", 0)


def test_digits_are_sorted_text():
    assert check_digits("digits", "310") == "013"
    with pytest.raises(TypeError, match=r"`digits` is 15 \(int\), but must be a string of digits.*`-r digits 015`"):
        check_digits("digits", 15)


@pytest.mark.parametrize("value", ["", "3", "33", "1a", "12 ", "١٢"])
def test_digits_are_two_different_ones_at_least(value):
    with pytest.raises(ValueError, match=r"`digits` is .*at least two different digits"):
        check_digits("digits", value)
