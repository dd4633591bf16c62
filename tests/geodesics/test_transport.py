"""Parallel transport: holonomy in closed form, products that stay, and velocities of geodesics."""

import math

import pytest
import torch
from torch import nn

from latentbook.geodesics import BezierCurve, CubicBSpline, geodesic, parallel_transport, straight_line
from latentbook.geodesics.connection import inner
from latentbook.geodesics.lengths import space_of
from tests.geodesics.test_solver import decoder, globe, half_plane
from tests.surfaces import SURFACES, rotation

PI = math.pi
quick = pytest.mark.usefixtures("unchecked")


@pytest.mark.parametrize("latitude", [0.0, PI / 6, -1.0, 1.3])
def test_around_a_parallel_a_vector_turns_by_the_sine_of_its_latitude(latitude):
    """In the frame of north and east, in proportion to the longitude: once around by 2 pi times the sine."""
    line = straight_line(torch.tensor([latitude, 0.0]), torch.tensor([latitude, 2 * PI]))
    t, scale = torch.tensor([0.25, 1.0, 0.0]), torch.tensor([1.0, math.cos(latitude)])
    start = torch.tensor([0.6, 0.8])
    found = parallel_transport(globe, line, start / scale, t, tol=1e-8) * scale
    angle = 2 * PI * math.sin(latitude) * t
    # With north n and east e: n' = -sin(latitude) e, e' = sin(latitude) n, by Christoffel's symbols.
    expected = torch.stack([rotation(a.item()) @ start for a in angle])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_along_a_horizontal_of_the_half_plane():
    """Of a step dx the symbols make dv_x = v_y dx / y, dv_y = -v_x dx / y: it turns down, by 3 / 2 in all."""
    line = straight_line(torch.tensor([0.0, 2.0]), torch.tensor([3.0, 2.0]))
    found = parallel_transport(None, line, torch.tensor([1.0, 0.0]), metric=half_plane, tol=1e-9)
    torch.testing.assert_close(found.norm(), torch.tensor(1.0), rtol=1e-8, atol=0)
    torch.testing.assert_close(found, torch.tensor([math.cos(1.5), -math.sin(1.5)]), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["torus", "helicoid", "stereographic", "paraboloid"])
def test_products_stay(name):
    f, metric = SURFACES[name]
    curve = BezierCurve(straight_line(torch.full((3, 2), 0.6), torch.tensor([1.6, 1.4]).expand(3, 2), 5).points)
    curve = BezierCurve(curve.points + 0.2 * torch.randn(3, 5, 2))
    vectors = torch.randn(2, 3, 2)
    ends = curve(torch.tensor([0.0, 1.0])).unbind(1)
    for given in ((f, None), (None, metric)):
        space = space_of(*given)
        u, v = parallel_transport(given[0], curve, vectors, metric=given[1], tol=1e-8)
        torch.testing.assert_close(inner(space, ends[1], u, v), inner(space, ends[0], *vectors), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(
            inner(space, ends[1], u, u), inner(space, ends[0], *vectors[[0, 0]]), rtol=1e-6, atol=0
        )


@quick
def test_the_velocity_of_a_geodesic_stays_its_velocity():
    f, (a, b), t = decoder(1.0), 0.5 * torch.randn(2, 3, 2), torch.tensor([0.0, 0.5, 1.0])
    curve = geodesic(f, a, b, tol=1e-9).curve
    velocity = curve.derivative(t)
    # A spline is a geodesic but for what its knots leave, and its speed more than that.
    torch.testing.assert_close(parallel_transport(f, curve, velocity[:, 0], t), velocity, rtol=0, atol=2e-3)


def test_there_and_back_nothing_has_turned():
    curve = straight_line(torch.tensor([0.3, 0.0]), torch.tensor([1.0, 2.0]))
    v = torch.randn(4, 2)
    there = parallel_transport(globe, curve, v, tol=1e-8)
    back = parallel_transport(globe, CubicBSpline(curve.points.flip(0)), there, tol=1e-8)
    assert (there - v).abs().max() > 0.1
    torch.testing.assert_close(back, v, rtol=0, atol=1e-6)


def test_the_speed_of_a_curve_does_not_matter_and_any_callable_will_do():
    curve, v = straight_line(torch.tensor([0.3, 0.0]), torch.tensor([1.0, 2.0])), torch.tensor([1.0, 0.5])
    expected = parallel_transport(globe, curve, v, tol=1e-8)
    slow = parallel_transport(globe, lambda t: curve(3 * t**2 - 2 * t**3), v, tol=1e-8)
    torch.testing.assert_close(slow, expected, rtol=0, atol=1e-6)
    longer = CubicBSpline(curve.points, 5 + 3 * curve.knots)
    torch.testing.assert_close(parallel_transport(globe, longer, v, tol=1e-8), expected, rtol=0, atol=1e-6)


def test_corners_of_a_curve():
    """Along two sides of a triangle, as along each: a spline with a triple knot between them."""
    p = torch.tensor([[0.0, 0.0], [0.5, 0.2], [0.6, 1.0]])
    sides = [straight_line(p[i], p[i + 1]).points for i in (0, 1)]
    knots = torch.tensor([0.0] * 4 + [0.5] * 3 + [1.0] * 4)
    both, v = CubicBSpline(torch.cat([sides[0], sides[1][1:]]), knots), torch.tensor([0.3, 1.0])
    expected = v
    for side in sides:
        expected = parallel_transport(globe, CubicBSpline(side), expected, tol=1e-9)
    torch.testing.assert_close(parallel_transport(globe, both, v, tol=1e-9), expected, rtol=0, atol=1e-7)


def test_flat_decoders_turn_nothing_and_shapes_are_kept():
    curve = BezierCurve(torch.randn(4, 5, 3))
    A, t = torch.randn(6, 3), torch.tensor([0.1, 0.7])
    for shape in ((4, 3), (2, 4, 3), (2, 5, 4, 3)):
        v = torch.randn(shape)
        torch.testing.assert_close(parallel_transport(lambda z: z @ A.T, curve, v), v, rtol=0, atol=1e-9)
        along = parallel_transport(lambda z: z @ A.T, curve, v, t)
        assert along.shape == (*shape[:-1], 2, 3)
        torch.testing.assert_close(along, v[..., None, :].expand_as(along), rtol=0, atol=1e-9)
    assert parallel_transport(torch.sin, BezierCurve(torch.zeros(0, 4, 2)), torch.zeros(0, 2)).shape == (0, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_vectors(dtype, device):
    ends = torch.tensor([[0.3, 0.0], [1.0, 2.0]], dtype=dtype, device=device)
    found = parallel_transport(globe, straight_line(*ends), torch.ones(2, dtype=dtype, device=device))
    assert found.dtype == dtype
    assert found.device == ends.device


def test_what_goes_wrong_is_told():
    line = straight_line(torch.ones(2), torch.tensor([-1.0, 1.0]))
    with pytest.warns(UserWarning, match="1 of 1 curves leave the region where `f` is finite"):
        found = parallel_transport(lambda z: torch.where(z[:, :1] > 0, z, torch.nan), line, torch.ones(2))
    assert found.isnan().all()
    rectified = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 8)).requires_grad_(False)
    with pytest.warns(UserWarning, match="1 of 1 vectors have changed their length on the way"):
        parallel_transport(rectified, line, torch.ones(2))


LINE = straight_line(torch.ones(2, dtype=torch.float64), torch.full((2,), 2.0, dtype=torch.float64))
V = torch.ones(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: parallel_transport(globe, LINE, V[:1]),
            ValueError,
            r"`v` has shape \(1,\), .* points \(2,\) .* alike",
        ),
        (lambda: parallel_transport(globe, LINE, V.float()), ValueError, "`v` has shape .* type torch.float32"),
        (lambda: parallel_transport(globe, LINE, V.long()), TypeError, "`v` must be floating point"),
        (lambda: parallel_transport(globe, LINE, V * torch.nan), ValueError, "`v` has entries that are not finite"),
        (lambda: parallel_transport(globe, LINE, V, tol=0.0), ValueError, "`tol` is 0.0, but vectors of type"),
        (lambda: parallel_transport(globe, LINE, V, 2 * V), ValueError, r"`t` is .* goes from 0.0 to 1.0: clamp it"),
        (lambda: parallel_transport(globe, LINE, V, V[0]), ValueError, r"`t` has shape \(\), but times are \(T,\)"),
        (lambda: parallel_transport(lambda z: z.log() - 1 / z.sub(1).relu(), LINE, V), ValueError, "is not finite at"),
        (lambda: parallel_transport(None, LINE, V, metric=lambda z: -torch.eye(2).to(z)), ValueError, "where a curve"),
        (lambda: parallel_transport(lambda z: (z, z), LINE, V), TypeError, "`f` returns tuple"),
        (lambda: parallel_transport(lambda z: z.long(), LINE, V), TypeError, "`f` returns torch.int64"),
        (
            lambda: parallel_transport(globe, lambda t: LINE(t.detach()), V),
            TypeError,
            "`curve` cannot be differentiated .* method `derivative`",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
