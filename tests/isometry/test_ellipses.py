"""Laws of ellipses: what they enclose, where they point, and that one radius serves all."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import vmap

from latentbook.isometry import ellipse_radius, ellipses
from latentbook.metric import pullback_metric
from tests.surfaces import polar, rotation

FLAT = [[1.0, 0.0], [0.0, 0.0]]


def spd(*batch):
    A = torch.randn(*batch, 3, 2)
    return A.mT @ A + 0.1 * torch.eye(2)


@pytest.mark.parametrize(
    ("G", "axes", "degrees"),
    [
        ([[9, 0], [0, 1]], (1, 1 / 3), 90),
        ([[1, 0], [0, 9]], (1, 1 / 3), 0),
        ([[2, 1], [1, 2]], (1, 1 / math.sqrt(3)), 135),
        ([[2, -1], [-1, 2]], (1, 1 / math.sqrt(3)), 45),
    ],
)
def test_axes_and_angle(device, G, axes, degrees):
    picture = ellipses(torch.tensor(G, dtype=torch.float64, device=device), torch.zeros(2, device=device), 1.0)
    assert picture.axes.tolist() == pytest.approx(axes, rel=1e-9)
    # 180 degrees are 0 degrees.
    assert math.sin(picture.angle.item() - math.radians(degrees)) == pytest.approx(0, abs=1e-9)
    assert 0 <= picture.angle < math.pi


def test_a_circle_is_a_circle_whatever_the_range_of_the_latents():
    z = torch.rand(50, 2) * torch.tensor([2.0, 6.0]) - torch.tensor([1.0, 3.0])
    picture = ellipses(torch.eye(2).expand(50, 2, 2), z, 0.3)
    torch.testing.assert_close(picture.axes, torch.full((50, 2), 0.3))
    distance = (picture.outline - z[:, None]).norm(dim=-1)
    torch.testing.assert_close(distance, torch.full_like(distance, 0.3))


@given(batch=st.lists(st.integers(1, 3), max_size=2), radius=st.floats(1e-3, 1e3), points=st.integers(3, 70))
def test_every_point_of_an_outline_is_one_step_away(batch, radius, points):
    G, z = spd(*batch), torch.randn(*batch, 2)
    picture = ellipses(G, z, radius, points=points)
    assert picture.axes.shape == (*batch, 2)
    assert picture.angle.shape == tuple(batch)
    assert picture.outline.shape == (*batch, points + 1, 2)
    step = picture.outline - z[..., None, :]
    squared = torch.einsum("...pi,...ij,...pj->...p", step, G, step)
    # Centres of order 1 leave a rounding error of 1e-16 in steps down to 1e-4.
    torch.testing.assert_close(squared, torch.full_like(squared, radius**2), rtol=1e-8, atol=0)
    assert picture.outline[..., 0, :].equal(picture.outline[..., -1, :])


def test_outlines_reach_the_ends_of_their_axes():
    picture = ellipses(spd(5), torch.zeros(5, 2), 1.0, points=64)
    lengths = picture.outline.norm(dim=-1)
    torch.testing.assert_close(lengths.amax(-1), picture.axes[:, 0])
    torch.testing.assert_close(lengths.amin(-1), picture.axes[:, 1])
    along = torch.stack([picture.angle.cos(), picture.angle.sin()], -1)
    torch.testing.assert_close((picture.outline[:, 0] * along).sum(-1).abs(), picture.axes[:, 0])


def test_ellipses_turn_and_shrink_with_their_metric():
    G, z, R = spd(6), torch.randn(6, 2), rotation(0.7)
    here = ellipses(G, z, 1.0)
    turned = ellipses(R @ G @ R.T, z @ R.T, 1.0)
    torch.testing.assert_close(turned.axes, here.axes)
    torch.testing.assert_close((turned.angle - here.angle - 0.7).sin(), torch.zeros(6), rtol=0, atol=1e-9)
    torch.testing.assert_close(ellipses(9 * G, z, 1.0).axes, here.axes / 3)


def test_in_polar_coordinates_they_get_narrow_outside():
    z = torch.tensor([[1.0, 0.0], [4.0, 0.0]])
    axes = ellipses(pullback_metric(polar, z), z, 0.5).axes
    torch.testing.assert_close(axes, torch.tensor([[0.5, 0.5], [0.5, 0.125]]))


def test_a_degenerate_metric_has_an_endless_axis_and_no_outline():
    G = torch.tensor([FLAT, [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    picture = ellipses(G, torch.zeros(3, 2), 2.0)
    assert picture.axes.tolist() == [[math.inf, 2.0], [math.inf, math.inf], [2.0, 2.0]]
    assert picture.outline[:2].isnan().all()
    assert picture.outline[2].isfinite().all()
    assert picture.angle[0].item() == pytest.approx(math.pi / 2)


@pytest.mark.parametrize("c", [1e-3, 1.0, 40.0])
def test_the_radius_is_a_fraction_of_the_spread(c):
    """Data in other units make another radius and the same picture."""
    z = torch.randn(200, 2) @ torch.diag(torch.tensor([1.0, 3.0]))
    G = c * torch.eye(2).expand(200, 2, 2)
    axes = ellipses(G, z, ellipse_radius(G, z, 0.2)).axes
    spread = math.sqrt(z.var(0, correction=0).mean())
    torch.testing.assert_close(axes, torch.full_like(axes, 0.2 * spread))


def test_a_family_of_pictures():
    G, z, radii = spd(3, 5), torch.randn(3, 5, 2), torch.tensor([0.1, 1.0, 2.0])
    together = vmap(ellipses)(G, z, radii)
    for k in range(3):
        for field, value in zip(together, ellipses(G[k], z[k], radii[k]), strict=True):
            torch.testing.assert_close(field[k], value)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"G": torch.eye(3), "z": torch.zeros(3)}, r"`G` has shape \(3, 3\), .*`G\[..., :2, :2\]` and `z\[..., :2\]`"),
        ({"z": torch.zeros(4, 2)}, r"`z` has shape \(4, 2\) for metrics of shape \(2, 2\): give each one a centre"),
        ({"G": torch.full((2, 2), torch.nan)}, "`G` has entries that are not finite"),
        ({"radius": 0.0}, r"`radius` is 0.0, but all ellipses share one finite number above 0"),
        ({"radius": math.inf}, r"`radius` is inf"),
        ({"radius": torch.tensor([0.1, 0.3])}, r"`radius` is tensor.*share one"),
        ({"points": 2}, "`points` is 2, but an outline needs 3 or more"),
    ],
)
def test_what_is_refused(unchecked, choices, words):
    with pytest.raises(ValueError, match=words):
        ellipses(**{"G": torch.eye(2), "z": torch.zeros(2), "radius": 1.0, **choices})


def test_a_size_is_positive(unchecked):
    with pytest.raises(ValueError, match=r"`size` is -1.0"):
        ellipse_radius(torch.eye(2), torch.zeros(2), -1.0)
