"""Roots in closed form, each found as if it were alone, and by few calls."""

import pytest
import torch

from latentbook.geodesics.roots import find_roots


def circle_and_line(x, rows):
    """A circle of radius 2 and a line through the origin whose slope is the system's number."""
    return torch.stack([x.square().sum(-1) - 4, x[:, 1] - rows * x[:, 0]], -1)


def test_intersections():
    start = torch.tensor([[1.0, 0.5], [1.0, 1.5], [0.5, 3.0], [-1.0, -2.0]])
    roots, rest = find_roots(circle_and_line, start, tol=1e-12)
    slope = torch.arange(4.0)
    x = 2 / (1 + slope**2).sqrt() * torch.tensor([1.0, 1, 1, -1])
    torch.testing.assert_close(roots, torch.stack([x, slope * x], -1), rtol=0, atol=1e-11)
    assert (rest <= 1e-12).all()


def test_linear_systems_take_one_step():
    A, b, calls = torch.randn(6, 5, 5) + 4 * torch.eye(5), torch.randn(6, 5), []

    def system(x, rows):
        calls.append(len(x))
        return (A[rows] @ x[..., None]).squeeze(-1) - b[rows]

    roots, _ = find_roots(system, torch.zeros(6, 5), tol=1e-6)
    torch.testing.assert_close(roots, torch.linalg.solve(A, b), rtol=0, atol=1e-6)
    # The start, five differences of each, and a step.
    assert calls == [6, 30, 6]


def test_slopes_are_measured_once_where_it_goes_well():
    calls = []

    def system(x, rows):
        calls.append(len(x))
        return x + 0.2 * x.sin().flip(-1) - 1

    find_roots(system, torch.zeros(1, 8), tol=1e-10)
    assert calls.count(8) == 1
    assert len(calls) < 12


def test_slopes_learn_from_every_step():
    """With the slopes of the start alone, this takes 31 calls to the same tolerance, and does not reach it."""
    A, calls = torch.tensor([[2.0, 1.0], [0.0, 1.0]]), []

    def system(x, rows):
        calls.append(len(x))
        return x @ A.T + 0.3 * x.square().sum(-1, keepdim=True) - 1

    _, rest = find_roots(system, torch.zeros(1, 2), tol=1e-10)
    assert rest <= 1e-10
    assert calls.count(2) == 1
    assert len(calls) < 12


def test_a_long_step_is_shortened():
    """Newton's method alone diverges from here: the inverse tangent is flat far out."""
    roots, rest = find_roots(lambda x, rows: x.atan(), torch.tensor([[3.0], [-20.0], [0.0]]), tol=1e-10)
    assert (rest <= 1e-10).all()
    assert roots.abs().max() < 1e-9


def test_values_that_are_not_finite_are_far_away():
    """The logarithm's first step from 4 leads below 0, where there is none."""
    roots, rest = find_roots(lambda x, rows: x.log(), torch.tensor([[4.0], [-1.0]]), tol=1e-10)
    assert roots[0].item() == pytest.approx(1)
    assert rest[1] == torch.inf
    assert roots[1] == -1


def test_no_root_is_told_and_the_best_is_kept():
    roots, rest = find_roots(lambda x, rows: x**2 + 1, torch.tensor([[2.0]]), tol=1e-6)
    assert rest.item() == pytest.approx(roots.item() ** 2 + 1)
    assert 1 <= rest < 5


def test_each_is_found_as_if_it_were_alone():
    start = torch.tensor([[1.0, 0.5], [1.0, 1.5], [0.5, 3.0], [-1.0, -2.0]])
    together = find_roots(circle_and_line, start, tol=1e-6)[0]
    for i in range(4):
        alone = find_roots(lambda x, rows, i=i: circle_and_line(x, rows + i), start[i : i + 1], tol=1e-6)[0]
        torch.testing.assert_close(alone[0], together[i], rtol=0, atol=1e-14)


def test_nothing_to_find():
    assert find_roots(lambda x, rows: x, torch.zeros(0, 3), tol=1e-6)[0].shape == (0, 3)
    start = torch.randn(4, 3)
    assert find_roots(lambda x, rows: x, start, tol=1e-6, rounds=0)[0].equal(start)
    with pytest.raises(ValueError, match="`rounds` is -1, but cannot be negative: pass 0 or more"):
        find_roots(lambda x, rows: x, start, tol=1e-6, rounds=-1)
