"""Starts that are stationary by symmetry, and the ways down from them."""

import math

import pytest
import torch

from latentbook.geodesics import geodesic, straight_line
from tests.geodesics.test_solver import PI, ROOT, bowl


def test_the_symmetric_start_is_left_to_either_side():
    """On the bowl the meridian between opposite points far out is a geodesic, but not a shortest one (R6b)."""
    angles = torch.arange(12.0) * PI / 6
    ends = torch.stack([angles.cos(), angles.sin()], -1)
    found = geodesic(bowl, -ends, ends)
    torch.testing.assert_close(found.length, torch.full((12,), 2.8290436), rtol=1e-4, atol=0)
    closest = found.curve(torch.tensor([0.5])).norm(dim=-1)
    torch.testing.assert_close(closest, torch.full((12, 1), 0.640530), rtol=1e-2, atol=0)


@pytest.mark.parametrize("m", [3, 5])
def test_symmetric_starts_in_more_dimensions(m):
    a = torch.zeros(m)
    a[-1] = 1.0
    assert geodesic(bowl, -a, a).length.item() == pytest.approx(2.8290436, rel=1e-4)


@pytest.mark.parametrize("m", [3, 16])
def test_saddles_with_one_way_down_that_no_axis_shows(m):
    """A bowl in two of m dimensions, turned as it likes: R6b hides in there, and R6a, which is left as it is."""
    for axes in torch.linalg.qr(torch.randn(6, m, m)).Q:

        def hidden(z, axes=axes):
            return torch.cat([z @ axes[:, 2:], bowl(z @ axes[:, :2])], -1)

        far, near = axes[:, 0], axes[:, 0] / 2
        assert geodesic(hidden, -far, far).length.item() == pytest.approx(2.8290436, rel=1e-4)
        meridian = geodesic(hidden, -near, near)
        assert meridian.length.item() == pytest.approx(ROOT / 2 + math.asinh(1) / 2, rel=1e-4)
        # No step aside was taken, of some hundredths of the way: what is left is rounding and a lean of the frame.
        aside = meridian.curve(torch.linspace(0, 1, 9)) @ axes[:, 1:]
        torch.testing.assert_close(aside, torch.zeros_like(aside), rtol=0, atol=1e-5)


@pytest.mark.parametrize("m", [6, 8])
def test_the_last_of_many_axes_leads_around_a_hill(m):
    """Straight over the top is a stationary way, and of all the directions aside from it only one leads down."""

    def hill(z):
        return torch.cat([z, 1.5 * (-4 * (z[..., :1] ** 2 + z[..., -1:] ** 2)).exp()], -1)

    b = torch.eye(m)[0]
    bowed = straight_line(-b, b, 8)
    bowed.points[1:-1, -1] = 0.5
    around = geodesic(hill, -b, b, init=bowed)
    assert around.length < 0.8 * around.straight_length
    found = geodesic(hill, -b, b)
    assert found.converged
    assert found.length.item() == pytest.approx(around.length.item(), rel=1e-4)
