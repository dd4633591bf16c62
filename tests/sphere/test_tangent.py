"""Points with given cosines: on the sphere, uniform across the direction, with the gradients of a rotation."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from latentbook.sphere.tangent import across, compose, one_minus_cosine
from latentbook.sphere.uniform import uniform_directions

DIMENSIONS = [2, 3, 5, 11, 12, 41, 500]


def drawn(m, n, dtype=torch.float64, device="cpu"):
    like = torch.zeros((), dtype=dtype, device=device)
    cosine = 2 * torch.rand(n, dtype=dtype, device=device)
    return uniform_directions((n, m), like), cosine, torch.randn(n, m, dtype=dtype, device=device)


@pytest.mark.parametrize("m", DIMENSIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_lie_on_the_sphere_and_have_their_cosines(m, dtype, device):
    loc, one_minus_w, gaussian = drawn(m, 2_000_000 // m, dtype, device)
    z = compose(loc, one_minus_w, across(loc, gaussian)[0])
    # Norms and cosines are sums of m products: a few roundings, however parallel a Gaussian was.
    assert (z.norm(dim=-1) - 1).abs().max() < 16 * torch.finfo(dtype).eps
    assert ((z * loc).sum(-1) + one_minus_w - 1).abs().max() < 16 * torch.finfo(dtype).eps


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_gaussian_along_the_direction_does_no_harm(m):
    loc = uniform_directions((1000, m), torch.zeros((), dtype=torch.float32))
    # One projection leaves a hundredth of rounding error here.
    noise = 1e-5 * torch.randn(1000, m, dtype=torch.float32)
    z = compose(loc, torch.full((1000,), 0.5, dtype=torch.float32), across(loc, loc + noise)[0])
    assert (z.norm(dim=-1) - 1).abs().max() < 1e-6
    v, length = across(loc, torch.zeros_like(loc))
    assert v.isfinite().all()
    assert length.equal(torch.zeros(1000, dtype=torch.float32))


def test_on_the_circle_nothing_is_lost_even_exactly_along_the_direction():
    """Of a projection only rounding error would be left, or nothing."""
    loc = uniform_directions((1000, 2), torch.zeros((), dtype=torch.float32))
    for gaussian in (3 * loc, loc + 1e-7 * torch.randn(1000, 2, dtype=torch.float32)):
        v, _ = across(loc, gaussian)
        assert (v.norm(dim=-1) - 1).abs().max() < 1e-6
        assert (v * loc).sum(-1).abs().max() < 1e-6


@pytest.mark.parametrize("m", [2, 3, 5, 41])
def test_what_is_across_is_uniform(m, device):
    n = 20_000
    loc = uniform_directions((m,), torch.zeros((), device=device))
    v, length = across(loc.expand(n, m), torch.randn(n, m, device=device))
    fixed = torch.randn(m, device=device)
    fixed = F.normalize(fixed - (fixed @ loc) * loc, dim=0)
    cosine = (v @ fixed).cpu()
    # At the thresholds of this test chance is 0.3 % or less.
    assert stats.kstest(length.cpu(), stats.chi(m - 1).cdf).statistic < 1.9 / math.sqrt(n)
    assert abs(stats.spearmanr(length.cpu(), cosine).statistic) < 3 / math.sqrt(n)
    if m == 2:
        # Left and right alike: the share is binomial.
        assert abs((cosine > 0).double().mean() - 0.5) < 1.5 / math.sqrt(n)
    else:
        beta = stats.beta(m / 2 - 1, m / 2 - 1)
        assert stats.kstest((1 + cosine) / 2, beta.cdf).statistic < 1.9 / math.sqrt(n)


@pytest.mark.parametrize("m", DIMENSIONS[:-1])
def test_gradients_are_those_of_the_smallest_rotation(m):
    """By finite differences: the direction is rotated in the plane of a tangent, and the point with it."""
    loc, one_minus_w, gaussian = drawn(m, 50)
    tangent = torch.randn(50, m)
    tangent = tangent - (tangent * loc).sum(-1, keepdim=True) * loc
    length = tangent.norm(dim=-1, keepdim=True)
    v = across(loc, gaussian)[0]
    z = compose(loc.requires_grad_(), one_minus_w.requires_grad_(), v)
    weights = torch.randn(50, m)
    of_loc, of_cosine = torch.autograd.grad((z * weights).sum(), (loc, one_minus_w))
    loc, z, one_minus_w = loc.detach(), z.detach(), one_minus_w.detach()

    def turned(angle):
        unit = tangent / length
        along, up = (z * loc).sum(-1, keepdim=True), (z * unit).sum(-1, keepdim=True)
        c, s = (angle * length).cos() - 1, (angle * length).sin()
        return z + (c * along - s * up) * loc + (s * along + c * up) * unit

    h = 1e-5
    slope = (weights * (turned(h) - turned(-h))).sum(-1) / (2 * h)
    # Central differences: h² and rounding over h.
    torch.testing.assert_close((of_loc * tangent).sum(-1), slope, atol=1e-8, rtol=1e-8)
    up, down = (compose(loc, one_minus_w + h * side, v) for side in (1, -1))
    inside = (one_minus_w * (2 - one_minus_w)) > 1e-2
    torch.testing.assert_close(
        of_cosine[inside], ((weights * (up - down)).sum(-1) / (2 * h))[inside], atol=1e-5, rtol=1e-5
    )


def test_gradients_are_bounded_at_every_direction_and_finite_at_both_ends():
    """Reflections of a pole have gradients like one over the distance from it."""
    for loc in ([1.0, 0.0, 0.0], [1.0, 1e-8, 0.0], [-1.0, 0.0, 0.0]):
        loc = torch.tensor(loc).repeat(1000, 1).requires_grad_()
        z = compose(loc, torch.rand(1000), across(loc, torch.randn(1000, 3))[0])
        grad = torch.autograd.grad(z.sum(), loc)[0]
        assert grad.norm(dim=-1).max() <= 2 * math.sqrt(3)
    for dtype in (torch.float32, torch.float64):
        loc = torch.eye(4, dtype=dtype).requires_grad_()
        ends = torch.tensor([0.0, 2.0, 1e-30, 1e-38], dtype=dtype).requires_grad_()
        compose(loc, ends, across(loc, torch.randn(4, 4, dtype=dtype))[0]).sum().backward()
        assert loc.grad.isfinite().all()
        assert ends.grad.isfinite().all()


def test_transforms_and_second_derivatives():
    loc, one_minus_w, gaussian = drawn(5, 7)

    def height(loc, one_minus_w, gaussian):
        return compose(loc, one_minus_w, across(loc, gaussian)[0])[..., 0].square().sum()

    each = torch.func.vmap(torch.func.grad(height, (0, 1)))(loc, one_minus_w, gaussian)
    whole = torch.func.grad(height, (0, 1))(loc, one_minus_w, gaussian)
    torch.testing.assert_close(each, whole)
    loc.requires_grad_()
    first = torch.autograd.grad(height(loc, one_minus_w, gaussian), loc, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_one_minus_cosine():
    loc, other = uniform_directions((2, 1000, 41), torch.zeros(()))
    torch.testing.assert_close(one_minus_cosine(other, loc), 1 - (other * loc).sum(-1))
    a = torch.tensor([1.0, 0.0], dtype=torch.float32)
    b = torch.tensor([1.0, 1e-6], dtype=torch.float32)
    # Of 1 - cos nothing would be left in single precision.
    assert one_minus_cosine(b, a).item() == pytest.approx(5e-13, rel=1e-6)
    assert one_minus_cosine(b, -a).item() == 2
