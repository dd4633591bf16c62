"""Where a search starts, where it ends from there, and that it is never worse than its start."""

import math

import pytest
import torch

from latentbook.geodesics import BezierCurve, CubicBSpline, LatentGraph, geodesic, length, straight_line
from latentbook.geodesics.starts import starting_splines
from tests.surfaces import DECODERS, M


def sluice(z):
    r"""The plane without its origin onto a cylinder, from polar coordinates, with angles that crowd on the upper side.

    :math:`(\cos\phi, \sin\phi, \log r)`, :math:`\phi = \theta - 0.9 \cos\theta`, is unrolled by :math:`(\phi, \log r)`:
    between points of the same radius there are two geodesics, around either side, as long as what :math:`\phi` turns.
    """
    x, y = z.unbind(-1)
    phi = torch.atan2(y, x) - 0.9 * z[..., 0] / z.norm(dim=-1)
    return torch.stack([phi.cos(), phi.sin(), z.norm(dim=-1).log()], -1)


A, B = torch.tensor([1.0, 0.5], dtype=torch.float64), torch.tensor([-1.0, 0.5], dtype=torch.float64)
ABOVE = math.pi - 2 * math.atan(0.5) + 1.8 / math.sqrt(1.25)
BELOW = 2 * math.pi - ABOVE


@pytest.mark.parametrize("init", ["graph", "codes", "spline"])
def test_the_line_leads_around_the_longer_side_and_a_graph_around_the_shorter(init):
    assert ABOVE > 1.5 * BELOW
    line = geodesic(sluice, A, B)
    assert line.converged
    assert line.length.item() == pytest.approx(ABOVE, rel=1e-4)
    if init == "codes":
        codes = torch.randn(400, 2)
        init = LatentGraph.knn(sluice, codes[codes.norm(dim=-1) > 0.3], 8)
    if init == "spline":
        t = torch.linspace(0, 1, 100)
        angle = math.atan(0.5) - (math.pi + 2 * math.atan(0.5)) * t
        init = CubicBSpline.fit(t, math.sqrt(1.25) * torch.stack([angle.cos(), angle.sin()], -1), 8)
    other = geodesic(sluice, A, B, init=init)
    assert other.converged
    assert other.length.item() == pytest.approx(BELOW, rel=1e-4)
    assert other.straight_length == line.straight_length
    assert other.improvement > line.improvement
    # The lower side is below the origin.
    assert other.curve(torch.tensor(0.5))[1] < 0 < line.curve(torch.tensor(0.5))[1]


def test_one_more_latent():
    """Up and down the cylinder at once: Pythagoras on its unrolled side."""

    def tube(z):
        return torch.cat([sluice(z[..., :2]), z[..., 2:]], -1)

    a, b = torch.cat([A, A.new_zeros(1)]), torch.cat([B, B.new_ones(1)])
    assert geodesic(tube, a, b).length.item() == pytest.approx(math.hypot(ABOVE, 1), rel=1e-4)
    assert geodesic(tube, a, b, init="graph").length.item() == pytest.approx(math.hypot(BELOW, 1), rel=1e-4)


def test_a_graph_helps_where_there_is_one_way_too():
    f, (a, b) = DECODERS["tanh"](), torch.randn(2, 5, M)
    graph = LatentGraph.knn(f, torch.randn(200, M), 8)
    line = geodesic(f, a, b)
    for init in ("graph", graph):
        torch.testing.assert_close(geodesic(f, a, b, init=init).length, line.length, rtol=2e-4, atol=0)


def test_the_way_around_what_no_line_passes():
    """The line leads through a disc without data, so that no improvement can be told."""

    def pond(z):
        r = z.norm(dim=-1, keepdim=True)
        return torch.cat([z, 0.3 * (r - 0.5).log()], -1)

    a, b = torch.tensor([-1.0, 0.1]), torch.tensor([1.0, 0.1])
    with pytest.raises(ValueError, match=r"not finite at \[.* between `a` and `b`: choose ends with defined"):
        geodesic(pond, a, b)
    found = geodesic(pond, a, b, init="graph", n_control=12)
    assert found.converged
    # At least a tangent, a part of the shore, and another tangent; the steep shore adds to that.
    shore = math.pi - 2 * math.atan(0.1) - 2 * math.acos(0.5 / math.sqrt(1.01))
    assert found.length > 2 * math.sqrt(0.76) + 0.5 * shore
    assert found.length < length(pond, BezierCurve(torch.stack([a, a + 1.0, b + b.new_tensor([-1, 1]), b])))
    assert found.straight_length.isnan()
    assert found.improvement.isnan()


def test_starts_begin_and_end_at_the_ends():
    a, b = torch.randn(2, 2, 3, M)
    graph = LatentGraph.knn(torch.sin, torch.randn(100, M), 8)
    spline = CubicBSpline(straight_line(a, b, 6).points, torch.tensor([0, 0, 0, 0, 0.2, 0.9, 1, 1, 1, 1]))
    for init, n in (("line", 5), ("graph", 5), (graph, 5), (spline, 6)):
        start = starting_splines(torch.sin, a, b, 5, init)
        assert start.points.shape == (2, 3, n, M)
        assert start.points[..., 0, :].equal(a)
        assert start.points[..., -1, :].equal(b)
    assert starting_splines(torch.sin, a, b, 5, spline).knots.equal(spline.knots)


@pytest.mark.parametrize("init", ["graph", "spline"])
def test_equal_ends_stay_where_they_are(init):
    a, b = torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    if init == "spline":
        loop = torch.randn(2, 5, 2)
        loop[:, 0], loop[:, -1] = a, b
        init = CubicBSpline(loop)
    found = geodesic(lambda z: z, a, b, init=init)
    assert found.length[0] == 0
    assert found.converged.all()
    assert found.curve(torch.linspace(0, 1, 5))[0].eq(0).all()
    assert found.length[1].item() == pytest.approx(2**0.5, rel=1e-9)
    assert geodesic(lambda z: z, a, a, init="graph").length.eq(0).all()
    assert geodesic(lambda z: z, a[:0], a[:0], init="graph").length.shape == (0,)


def test_a_search_never_ends_above_its_start():
    """One step from a geodesic at an uneven speed bends it: the start is shorter, and given back as not converged."""

    def bowl(z):
        return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)

    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    best = geodesic(bowl, a, b, tol=1e-8)
    t = torch.linspace(0, 1, 100)
    start = CubicBSpline.fit(t, best.curve(t**3), 12)
    with pytest.warns(UserWarning, match="1 of 1 geodesics have not converged"):
        found = geodesic(bowl, a, b, init=start, max_steps=1)
    assert found.length <= length(bowl, start) * (1 + 1e-4)
    # Given back, not merely close.
    assert found.gradient_norm == torch.inf
    torch.testing.assert_close(found.curve(t), start(t), rtol=0, atol=1e-12)
    # Measured to half of the tolerance.
    torch.testing.assert_close(found.length, length(bowl, start), rtol=5e-5, atol=0)
    # With steps enough it does not matter how fast the start was.
    again = geodesic(bowl, a, b, init=start, tol=1e-6)
    assert again.converged
    torch.testing.assert_close(again.length, best.length, rtol=1e-6, atol=0)


def test_a_start_is_left_as_it_is():
    a, b = torch.randn(2, 4, 2)
    start = straight_line(a, b, 6)
    points = start.points.clone()
    geodesic(lambda z: torch.cat([z, z.sin()], -1), a, b, init=start)
    assert start.points.equal(points)


Z = torch.zeros(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("init", "error", "words"),
    [
        ("lines", ValueError, "`init` is 'lines', but must be 'line', 'graph', a LatentGraph or a CubicBSpline"),
        (None, TypeError, "`init` is NoneType, but must be"),
        (BezierCurve(Z.expand(4, 2)), TypeError, "`init` is BezierCurve"),
        (straight_line(Z, Z + 2), ValueError, "`init` does not end at `b`: let its last control points be `b`"),
        (straight_line(Z - 1, Z + 1), ValueError, "`init` does not start at `a`: let its first"),
        (straight_line(Z.float(), Z.float() + 1), ValueError, "of type torch.float32 .* alike"),
        (straight_line(Z[None], Z[None] + 1), ValueError, r"control points \(1, 4, 2\) .* `a` is \(2,\) .* alike"),
        (
            CubicBSpline(straight_line(Z, Z + 1).points, 2 * straight_line(Z, Z).knots),
            ValueError,
            "`init` goes from time 0.0 to 2.0, but must go from 0 to 1",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_starts_that_do_not_fit(init, error, words):
    with pytest.raises(error, match=words):
        geodesic(torch.sin, Z, Z + 1, init=init)


def test_a_grid_in_too_many_dimensions():
    with pytest.raises(ValueError, match=r"'graph' with 4 latents, .* `init=LatentGraph.knn\(f, codes\)`"):
        geodesic(torch.sin, torch.zeros(4), torch.ones(4), init="graph")
