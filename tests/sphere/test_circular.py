"""The correlation of angles: by its definition over pairs, whatever either angle counts from."""

import math

import pytest
import torch

from latentbook.sphere import circular_correlation


def by_definition(a, b):
    """All pairs, each once."""
    first, second = torch.triu_indices(len(a), len(a), 1)
    of_a, of_b = (a[first] - a[second]).sin(), (b[first] - b[second]).sin()
    return (of_a * of_b).sum() / (of_a.square().sum() * of_b.square().sum()).sqrt()


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 10.0])
def test_sums_over_examples_are_those_over_pairs(noise):
    a = 2 * math.pi * torch.rand(60)
    b = a + noise * torch.randn(60)
    torch.testing.assert_close(circular_correlation(a, b), by_definition(a, b))


@pytest.mark.parametrize("turn", [0.0, 1.0, math.pi, 1e3])
def test_where_angles_count_from_changes_nothing(turn):
    a = 2 * math.pi * torch.rand(500)
    b = a + 0.5 * torch.randn(500)
    torch.testing.assert_close(circular_correlation(a + turn, b), circular_correlation(a, b))
    torch.testing.assert_close(circular_correlation(a, b - turn), circular_correlation(a, b))
    torch.testing.assert_close(circular_correlation(a, a + turn), torch.ones(()))
    torch.testing.assert_close(circular_correlation(a, turn - a), -torch.ones(()))


def test_independent_angles_and_those_that_turn_twice():
    """Of n independent uniform pairs, n times the correlation tends to Laplace's law: above 10 with 5e-5."""
    a, b = 2 * math.pi * torch.rand(2, 100_000)
    assert abs(circular_correlation(a, b).item()) < 10 / 100_000
    assert abs(circular_correlation(a, 2 * a).item()) < 10 / 100_000


def test_half_turns_of_either_make_no_independent_noise():
    """Of a share p of angles the opposite is taken: both means are multiplied by 1 - 2p, their squares by its own."""
    a = 2 * math.pi * torch.rand(200_000)
    flipped = a + math.pi * (torch.rand_like(a) < 0.1)
    # The standard error of the mean is 1e-3.
    assert circular_correlation(a, flipped).item() == pytest.approx(0.8**2, abs=1e-2)


def test_batches():
    a, b = 2 * math.pi * torch.rand(2, 3, 4, 50)
    found = circular_correlation(a, b)
    assert found.shape == (3, 4)
    torch.testing.assert_close(found[1, 2], circular_correlation(a[1, 2], b[1, 2]))
    pairs = circular_correlation(a[:, :1], b[:1])
    torch.testing.assert_close(pairs[2, 3], circular_correlation(a[2, 0], b[0, 3]))


def test_on_a_line_there_is_none():
    a = math.pi * torch.randint(2, (50,)).double()
    assert circular_correlation(a, torch.rand(50)).isnan()
    assert circular_correlation(torch.rand(50), a).isnan()


@pytest.mark.usefixtures("unchecked")
def test_one_pair_is_refused():
    with pytest.raises(ValueError, match="`a` has 1 angles"):
        circular_correlation(torch.rand(1), torch.rand(1))
