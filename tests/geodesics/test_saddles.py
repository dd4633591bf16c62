"""Lowest curvatures against those of matrices that are known."""

import pytest
import torch

from latentbook.geodesics.saddles import lowest_curvature


def quadratic(spectrum, B=7):
    """Return the gradients of B quadratic functions with these curvatures, and the directions that have them."""
    k = len(spectrum)
    Q = torch.linalg.qr(torch.randn(B, k, k)).Q
    H = Q @ torch.diag(torch.tensor(spectrum)) @ Q.mT
    return lambda y: (H @ y[..., None]).squeeze(-1), Q


def look(gradient, Q, steps, scale=1.0):
    B, k = Q.shape[:2]
    point = torch.randn(B, k)
    scales = torch.full((B,), scale)
    return lowest_curvature(gradient, point, gradient(point), torch.randn(B, k), scale=scales, steps=steps)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_with_as_many_steps_as_numbers_it_is_the_lowest_of_all(scale):
    gradient, Q = quadratic([-0.5, 0.3, 1.0, 2.0, 30.0])
    value, direction = look(gradient, Q, 5, scale)
    # Differences of the linear gradients of points of size 1 are exact up to rounding, 1e-16 / 1e-4 of the scale.
    torch.testing.assert_close(value, torch.full((7,), -0.5), rtol=0, atol=1e-8 / min(scale, 1))
    torch.testing.assert_close((direction * Q[..., 0]).sum(-1).abs(), torch.ones(7), rtol=0, atol=1e-6)


def test_few_steps_find_one_that_stands_apart():
    gradient, Q = quadratic([-0.3, *torch.linspace(1, 4, 95).tolist()], B=50)
    value, direction = look(gradient, Q, 8)
    assert (value < 0).float().mean() > 0.9
    torch.testing.assert_close((direction * gradient(direction)).sum(-1), value, rtol=0, atol=1e-8)
    torch.testing.assert_close(direction.norm(dim=-1), torch.ones(50))


def test_it_is_never_lower_than_the_lowest():
    gradient, Q = quadratic([0.7, *torch.linspace(1, 40, 30).tolist()], B=50)
    for steps in (1, 2, 5, 31):
        assert (look(gradient, Q, steps)[0] >= 0.7 - 1e-8).all()


def test_directions_that_say_all_before_the_last_step():
    """Equal curvatures: the first product is the start again, and nothing is left to look at."""
    gradient, Q = quadratic([2.0] * 6)
    value, direction = look(gradient, Q, 4)
    torch.testing.assert_close(value, torch.full((7,), 2.0))
    torch.testing.assert_close(direction.norm(dim=-1), torch.ones(7))
    gradient, Q = quadratic([-1.0, *[2.0] * 5])
    torch.testing.assert_close(look(gradient, Q, 5)[0], torch.full((7,), -1.0))


def test_a_function_does_not_know_the_others_and_none_is_lost_to_infinity():
    gradient, _ = quadratic([-0.5, 1.0, 2.0])
    point, start = torch.randn(2, 7, 3)

    def walled(y):
        turned = gradient(y)
        turned[3] = torch.inf
        return turned

    scale = torch.ones(7)
    value, _ = lowest_curvature(walled, point, gradient(point), start, scale=scale, steps=3)
    others = torch.arange(7) != 3
    torch.testing.assert_close(value[others], torch.full((6,), -0.5), rtol=0, atol=1e-8)
    assert value[3] == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_points(dtype, device):
    gradient, _ = quadratic([-0.5, 1.0, 2.0])
    point, start = torch.randn(2, 7, 3, dtype=dtype, device=device)

    def typed(y):
        return gradient(y.double().cpu()).to(y)

    scale = torch.ones(7, dtype=dtype, device=device)
    value, direction = lowest_curvature(typed, point, typed(point), start, scale=scale, steps=3)
    assert value.dtype == direction.dtype == dtype
    assert direction.device == point.device
    # The fourth root of the rounding error, as the step is, in float32.
    torch.testing.assert_close(value.double().cpu(), torch.full((7,), -0.5), rtol=0, atol=1e-4)
