"""Laws of the batched descent: it finds what closed forms say, and each function goes its own way."""

import itertools

import pytest
import torch

from latentbook.geodesics.descent import minimise, relative_norm


def quadratics(B=6, k=5, spread=100.0):
    """Return an objective of B quadratic functions of condition `spread`, and where they are least."""
    Q = torch.linalg.qr(torch.randn(B, k, k)).Q
    H = Q @ torch.diag(torch.logspace(0, torch.tensor(spread).log10(), k)) @ Q.mT
    least = torch.randn(B, k)

    def objective(y, rows):
        d = y - least[rows]
        slope = (H[rows] @ d[..., None]).squeeze(-1)
        return 1 + (d * slope).sum(-1) / 2, slope

    return objective, least


def rosenbrock(y, rows):
    with torch.enable_grad():
        leaf = y.detach().requires_grad_()
        x, z = leaf.unbind(-1)
        value = 1 + (1 - x) ** 2 + (rows + 1) * (z - x**2) ** 2
        return value.detach(), torch.autograd.grad(value.sum(), leaf)[0]


def test_the_minima_of_quadratic_functions(device):
    objective, least = quadratics()
    found = minimise(objective, torch.zeros_like(least), scale=torch.ones(6), tol=1e-9, max_steps=200)
    torch.testing.assert_close(found.point, least, rtol=0, atol=1e-8)
    assert (found.gradient_norm <= 1e-9).all()
    torch.testing.assert_close(found.value, torch.ones(6))


def test_curved_valleys():
    start = torch.tensor([-1.2, 1.0]).expand(40, 2).clone()
    found = minimise(rosenbrock, start, scale=torch.ones(40), tol=1e-8, max_steps=300)
    torch.testing.assert_close(found.point, torch.ones(40, 2), rtol=0, atol=1e-6)


def test_a_function_does_not_know_the_others():
    start = torch.randn(5, 2)
    together = minimise(rosenbrock, start, scale=torch.ones(5), tol=1e-8, max_steps=300)
    for i in range(5):

        def alone(y, rows, i=i):
            return rosenbrock(y, rows + i)

        found = minimise(alone, start[i : i + 1], scale=torch.ones(1), tol=1e-8, max_steps=300)
        assert found.point[0].equal(together.point[i])


def test_values_never_rise_and_infinite_ones_are_walked_around():
    """Beyond a wall the value is infinite; the minimum lies close before it."""

    def walled(y, rows):
        value, slope = 2 + (y - 0.99).square().sum(-1), 2 * (y - 0.99)
        return torch.where((y > 1).any(-1), torch.inf, value), slope

    values = []
    for steps in range(12):
        found = minimise(walled, torch.full((1, 2), -30.0), scale=torch.full((1,), 40.0), tol=1e-6, max_steps=steps)
        values.append(found.value.item())
    assert all(later <= earlier for earlier, later in itertools.pairwise(values))
    assert found.point.allclose(torch.tensor(0.99), atol=1e-5)


def test_a_step_is_no_longer_than_the_scale():
    found = minimise(
        lambda y, _: (1e4 - y.sum(-1), -torch.ones_like(y)),
        torch.zeros(3, 4),
        scale=torch.ones(3),
        tol=0.0,
        max_steps=1,
    )
    assert (found.point.norm(dim=-1) <= 1 + 1e-12).all()


def test_a_start_at_the_minimum_stays_there():
    objective, least = quadratics()
    found = minimise(objective, least.clone(), scale=torch.ones(6), tol=1e-9, max_steps=5)
    assert found.point.equal(least)


def test_without_steps_nothing_moves_and_no_function_needs_none():
    objective, least = quadratics()
    found = minimise(objective, torch.zeros_like(least), scale=torch.ones(6), tol=1e-9, max_steps=0)
    assert found.point.eq(0).all()
    assert (found.gradient_norm > 1e-9).all()


def test_a_wrong_slope_is_given_up():
    """Where no step along the slope makes the value smaller, the search ends, and its gradient says so."""
    calls = []

    def wrong(y, rows):
        calls.append(len(y))
        return 1 + y.square().sum(-1), -2 * y

    found = minimise(wrong, torch.ones(2, 3), scale=torch.ones(2), tol=1e-6, max_steps=1000)
    assert found.point.eq(1).all()
    assert (found.gradient_norm > 1e-6).all()
    assert len(calls) < 100


def test_the_square_of_a_relative_gradient_is_what_can_be_gained():
    d = torch.randn(4, 3)
    value = 5 + 0.01 * d.square().sum(-1)
    norm = relative_norm(value, 0.02 * d, (value / 0.01).sqrt())
    torch.testing.assert_close(norm**2, (value - 5) / value)
    assert relative_norm(torch.zeros(1), torch.zeros(1, 2), torch.ones(1)).item() == 0


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="`max_steps` is -1, but cannot be negative: pass 0"):
        minimise(rosenbrock, torch.ones(1, 2), scale=torch.ones(1), tol=1e-3, max_steps=-1)
