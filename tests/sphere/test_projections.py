"""Paths keep to the sphere and to their speed; maps keep areas or angles."""

import math

import pytest
import torch
import torch.nn.functional as F

from latentbook.core import jvp
from latentbook.sphere import (
    UniformSphere,
    hammer_projection,
    inverse_stereographic,
    slerp,
    slerp_factors,
    stereographic,
)
from latentbook.sphere.tangent import across

TIMES = torch.linspace(-0.25, 1.25, 31, dtype=torch.float64)


def angle_between(a, b):
    return 2 * torch.atan2((a - b).norm(dim=-1), (a + b).norm(dim=-1))


@pytest.mark.parametrize("m", [2, 3, 41])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_paths_are_geodesics(m, dtype, device):
    a, b = UniformSphere(m, dtype=dtype, device=device).sample((2, 50))
    t = TIMES[:, None].to(a)
    path, eps = slerp(a, b, t), torch.finfo(dtype).eps
    assert (path.norm(dim=-1) - 1).abs().max() < 64 * eps
    # The speed is constant: equal times are equal angles, before the ends and behind them, too.
    steps = angle_between(path[1:], path[:-1])
    torch.testing.assert_close(steps, (0.05 * angle_between(a, b)).expand_as(steps), atol=200 * eps, rtol=1e-4)
    assert slerp(a, b, 0.0).equal(a)
    assert slerp(a, b, 1.0).equal(b)
    torch.testing.assert_close(slerp(b, a, 1 - t), path, atol=64 * eps, rtol=0)
    if dtype == torch.float64:
        angle = angle_between(a, b)
        by_sines = torch.sin((1 - t) * angle)[..., None] * a + torch.sin(t * angle)[..., None] * b
        # That is not sure of its digits where ends are almost opposite.
        torch.testing.assert_close(path, by_sines / torch.sin(angle)[:, None], atol=1e-9, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_and_almost_equal_ends(dtype):
    a = UniformSphere(3, dtype=dtype).sample((20,)).requires_grad_()
    path = slerp(a, a, TIMES[:, None].to(dtype))
    torch.testing.assert_close(path, a.expand(31, 20, 3))
    of_a = torch.autograd.grad(path.sum(), a)[0]
    assert of_a.isfinite().all()
    # To first order an end moves the middle by half of what it moves across.
    b = a.detach().clone().requires_grad_()
    of_b = torch.autograd.grad(slerp(a.detach(), b, 0.5).sum(), b)[0]
    moved = torch.ones_like(b) - b.detach().sum(-1, keepdim=True) * b.detach()
    torch.testing.assert_close(of_b, moved / 2)
    tiny = F.normalize(a.detach() + 1e-6 * torch.randn(20, 3, dtype=dtype), dim=-1)
    torch.testing.assert_close(slerp(a.detach(), tiny, 0.5), F.normalize(a.detach() + tiny, dim=-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("m", [2, 3, 41])
def test_opposite_and_almost_opposite_ends(m, dtype):
    axes = torch.eye(m, dtype=dtype)
    a = torch.cat([UniformSphere(m, dtype=dtype).sample((20,)), axes]).requires_grad_()
    aside = across(a, torch.randn(20 + m, m, dtype=dtype))[0]
    for b in (-a.detach(), F.normalize(-a.detach() + 1e-4 * aside, dim=-1)):
        path = slerp(a, b, TIMES[:, None].to(dtype))
        assert (path.norm(dim=-1) - 1).abs().max() < 256 * torch.finfo(dtype).eps
        steps = angle_between(path[1:], path[:-1])
        # The middle is known to rounding, over how far from opposite they are; the angle differs from π by as much.
        atol = 8 * torch.finfo(dtype).eps / 1e-4 + 1e-5
        torch.testing.assert_close(steps, torch.full_like(steps, 0.05 * math.pi), atol=atol, rtol=0)
        assert torch.autograd.grad(path.sum(), a)[0].isfinite().all()
    exactly = slerp(a, -a, 0.5)
    assert (exactly * a).sum(-1).abs().max() < 8 * torch.finfo(dtype).eps


def test_factors_move_alone():
    sizes = (3, 2, 3)
    a, b = (torch.cat([UniformSphere(m).sample((5,)) for m in sizes], -1) for _ in range(2))
    path = slerp_factors(a, b, TIMES[:, None], sizes, moving=[1, -1])
    assert path.shape == (31, 5, 8)
    assert path[..., :3].equal(a[:, :3].expand(31, 5, 3))
    torch.testing.assert_close(path[..., 3:5], slerp(a[:, 3:5], b[:, 3:5], TIMES[:, None]))
    torch.testing.assert_close(path[..., 5:], slerp(a[:, 5:], b[:, 5:], TIMES[:, None]))
    assert slerp_factors(a, b, 1.0, sizes, moving=range(3)).equal(b)
    assert slerp_factors(a, b, 0.7, sizes, moving=[]).equal(a)
    with pytest.raises(ValueError, match=r"`sizes` \(3, 2\) add up to 5, but points have 8 coordinates"):
        slerp_factors(a, b, 0.5, (3, 2), moving=[0])
    with pytest.raises(IndexError):
        slerp_factors(a, b, 0.5, sizes, moving=[3])


def tangents(x):
    """Return two unit vectors across each point of S², across each other."""
    u = F.normalize(torch.linalg.cross(x, torch.randn_like(x)), dim=-1)
    return u, torch.linalg.cross(x, u)


def test_hammer_s_map_keeps_areas(device):
    x = UniformSphere(3, device=device).sample((1000,))
    # Unit squares become parallelograms of area 1.
    pushed = [jvp(hammer_projection, x, u)[1] for u in tangents(x)]
    area = pushed[0][:, 0] * pushed[1][:, 1] - pushed[0][:, 1] * pushed[1][:, 0]
    torch.testing.assert_close(area.abs(), torch.ones_like(area), atol=1e-9, rtol=0)
    inside = (hammer_projection(x) / torch.tensor([8**0.5, 2**0.5], device=device)).square().sum(-1)
    assert inside.max() <= 1
    cut = torch.tensor([[-1.0, 1e-12, 0.0], [-1.0, -1e-12, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]], device=device)
    expected = [[8**0.5, 0], [-(8**0.5), 0], [0, -(2**0.5)], [2 / (1 + 0.5**0.5) ** 0.5, 0]]
    torch.testing.assert_close(hammer_projection(cut), torch.tensor(expected, device=device), atol=1e-9, rtol=0)


@pytest.mark.parametrize("m", [2, 3, 10])
def test_stereographic_maps_keep_angles_and_have_an_inverse(m, device):
    poles = [torch.eye(m, device=device)[0], -torch.eye(m, device=device)[-1], torch.eye(m, device=device)[-1]]
    for pole in (*poles, UniformSphere(m, device=device).sample()):
        x = UniformSphere(m, device=device).sample((200,))
        y = stereographic(x, pole)
        assert y.shape == (200, m - 1)
        torch.testing.assert_close(inverse_stereographic(y, pole), x)
        # Every tangent vector becomes 1/(1 - p·x) times as long.
        u = torch.randn_like(x)
        u = u - (u * x).sum(-1, keepdim=True) * x
        pushed = jvp(lambda x: stereographic(x, pole), x, u)[1]  # noqa: B023
        stretch = (pushed.norm(dim=-1) / u.norm(dim=-1)) * (1 - x @ pole)
        torch.testing.assert_close(stretch, torch.ones_like(stretch))
        assert stereographic(-pole, pole).norm() < 1e-12
        torch.testing.assert_close(y.norm(dim=-1) > 1, x @ pole > 0)
    north = torch.tensor([0.0, 0.0, 1.0], device=device)
    x = UniformSphere(3, device=device).sample((5,))
    torch.testing.assert_close(stereographic(x, north), x[:, :2] / (1 - x[:, 2:]))


def test_what_is_refused(unchecked):
    x = UniformSphere(3).sample((5,))
    for call, words in (
        (lambda: slerp(2 * x, x, 0.5), "`a` has a vector of norm 2"),
        (lambda: slerp(x, 2 * x, 0.5), "`b` has a vector of norm 2"),
        (lambda: hammer_projection(3 * x), "`x` has a vector of norm 3"),
        (lambda: hammer_projection(x[:, :2]), r"`x` has shape \(5, 2\), but points of S\^2 in R\^3"),
        (lambda: stereographic(x, 2 * x[0]), "`pole` has a vector of norm 2"),
        (lambda: stereographic(x, x[0, :2]), r"`pole` has shape \(2,\), but points of S\^2 in R\^3"),
        (lambda: inverse_stereographic(x, x[0]), r"`pole` has shape \(3,\), but points of S\^3 in R\^4"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(TypeError, match="`a` must be floating point"):
        slerp(x.long(), x, 0.5)
