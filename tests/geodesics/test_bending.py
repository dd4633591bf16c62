"""Laws of the energy as a function of how splines are bent."""

import pytest
import torch

from latentbook.geodesics import energy, straight_line
from latentbook.geodesics.bending import Bending
from latentbook.geodesics.descent import minimise
from latentbook.geodesics.lengths import space_of
from tests.surfaces import DECODERS, SURFACES, Counting, M, orthonormal_columns


def bent(f, B=4, n=8, metric=None, m=2):
    a, b = 0.5 + torch.rand(2, B, m)
    curve = straight_line(a, b, n)
    return Bending(space_of(f, metric), curve)


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("how", ["decoder", "metric"])
def test_the_gradient_is_that_of_the_value(name, how):
    f, metric = SURFACES[name]
    bending = bent(f) if how == "decoder" else bent(None, metric=metric)
    y, step, rows, h = 0.05 * torch.randn(4, 12), torch.randn(4, 12), torch.arange(4), 1e-5
    with torch.no_grad():
        slope = (bending.energy(y, rows)[1] * step).sum(-1)
        rise = (bending.value(y + h * step) - bending.value(y - h * step)) / (2 * h)
    torch.testing.assert_close(slope, rise, rtol=1e-5, atol=1e-7)


def test_the_energy_is_that_of_the_curve():
    f = SURFACES["torus"][0]
    bending = bent(f, n=40)
    expected = energy(f, bending.curve)
    # 111 chords, plain: their error is of the second order.
    torch.testing.assert_close(bending.value(bending.start), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_the_energy_of_a_linear_decoder_is_round(m):
    """There the coordinates are those in which the energy is the squared distance from the straight line's."""
    A = orthonormal_columns(9, m) @ torch.diag(torch.logspace(0, 1, m))
    bending = bent(lambda z: z @ A.T, m=m)
    y = torch.randn(4, 6 * m)
    gained = bending.value(y) - bending.value(bending.start)
    # The metric is lifted by a thousandth of its mean, which tells where an axis is ten times shorter.
    torch.testing.assert_close(gained, y.square().sum(-1), rtol=0.06, atol=0)
    torch.testing.assert_close(bending.value(bending.start), bending.scale**2, rtol=0.06, atol=0)


def test_ends_stay():
    bending = bent(torch.sin)
    moved = bending.points(torch.randn(4, 12))
    assert moved[:, [0, -1]].equal(bending.curve.points[:, [0, -1]])


def test_many_curves_in_parts_are_those_curves():
    f = Counting()
    bending = bent(f, B=200)
    y, rows = 0.1 * torch.randn(200, 12), torch.arange(200)
    value, gradient = bending.energy(y, rows)
    assert max(f.seen) <= 1024
    some = torch.tensor([150, 3])
    alone = bending.energy(y[some], some)
    torch.testing.assert_close(alone[0], value[some])
    torch.testing.assert_close(alone[1], gradient[some])


def hill(z):
    return torch.cat([z, 1.5 * (-4 * z.square().sum(-1, keepdim=True)).exp()], -1)


def descended(f, a, b):
    bending = Bending(space_of(f), straight_line(a, b, 8))
    found = minimise(bending.energy, bending.start, scale=bending.scale, tol=1e-3, max_steps=100)
    return bending, found


def test_beside_a_ridge_it_is_lower_and_beside_a_valley_not():
    ends = torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    for f, expected in ((hill, True), (lambda z: z, False)):
        bending, found = descended(f, *ends)
        beside, lower = bending.beside(found)
        assert lower.item() == expected
        assert (bending.value(beside) < found.value).item() == expected
        # Of the steps that are tried the longest gains most on this hill; beside a valley none is taken.
        step = (beside - found.point).norm() / bending.scale
        assert step.item() == pytest.approx(0.1 if expected else 0, abs=1e-9)


@pytest.mark.parametrize("m", [2, 3, 16])
def test_the_one_direction_in_which_a_meridian_is_no_minimum(m):
    """A paraboloid in two of m dimensions, turned: between opposite points far out, the meridian is left sideways."""
    for radius, expected in ((1.0, True), (0.5, False)):
        Q = torch.linalg.qr(torch.randn(10, m, m)).Q

        for axes in Q:

            def bowl(z, axes=axes):
                w = z @ axes
                return torch.cat([w, w[..., :2].square().sum(-1, keepdim=True)], -1)

            end = radius * axes[:, :1].T
            bending, found = descended(bowl, -end, end)
            beside, lower = bending.beside(found)
            assert lower.item() == expected
            if expected:
                aside = bending.points(beside)[0] @ axes
                # Into the second of the turned axes; five products leave a part of what they began with.
                assert aside[:, 1].norm() > 10 * aside[:, 2:].norm()


def test_a_frame_that_is_given_is_used():
    f = Counting(SURFACES["torus"][0])
    bending = bent(f)
    f.seen.clear()
    finer = Bending(bending.space, bending.curve.refine(), (bending.frame, bending.across))
    assert not f.seen
    assert finer.scale.equal(bending.scale)
    assert finer.points(finer.start).equal(finer.curve.points)


def test_a_decoder_that_says_nothing_about_a_direction(device):
    bending = bent(lambda z: z[:, :1])
    assert bending.frame.isfinite().all()
    still = bent(lambda z: 0 * z)
    assert still.frame.isfinite().all()
    assert still.value(still.start).eq(0).all()


@pytest.mark.parametrize("name", DECODERS)
def test_any_decoder(name):
    f = DECODERS[name]()
    bending = bent(f, m=M)
    value, gradient = bending.energy(bending.start, torch.arange(4))
    assert value.isfinite().all()
    assert gradient.isfinite().all()
    # What is wanted is the gradient of the curve: the decoder's parameters get none.
    assert all(p.grad is None for p in f.parameters())
