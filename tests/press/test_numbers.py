"""Numbers as they are written: significant figures, a real minus, powers of ten, singular and plural."""

import pytest

from latentbook.press.numbers import counted, in_figures


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (-4.567, "−4.57"),
        (0.0001234, "0.000123"),
        (1e-5, "10⁻⁵"),
        (-1e-5, "−10⁻⁵"),
        (3.204e-5, "3.2 × 10⁻⁵"),
        (-7.7512e-7, "−7.75 × 10⁻⁷"),
        (123456.0, "1.23 × 10⁵"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_have_three_figures(value, words):
    assert in_figures(value) == words


def test_figures_can_be_fewer():
    assert in_figures(0.123456, 1) == "0.1"


@pytest.mark.parametrize(("count", "words"), [(0, "0 dimensions"), (1, "1 dimension"), (2.0, "2 dimensions")])
def test_one_is_singular(count, words):
    assert counted(count, "dimension") == words
