"""Laws of curves with control points, against scipy, finite differences and each other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from latentbook.geodesics import BezierCurve, CubicBSpline, straight_line
from latentbook.geodesics.curves import velocity

T = torch.linspace(0, 1, 201, dtype=torch.float64)

# Equally long spans, others, and repeated knots, which take continuity away.
KNOTS = {
    "uniform": None,
    "uneven": torch.tensor([0, 0, 0, 0, 0.1, 0.5, 0.85, 1, 1, 1, 1]),
    "double": torch.tensor([0, 0, 0, 0, 0.3, 0.3, 0.5, 1, 1, 1, 1]),
    "triple": torch.tensor([0, 0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1, 1]),
}


def spline(name, *batch):
    knots = KNOTS[name]
    return CubicBSpline(torch.randn(*batch, 7, 2), None if knots is None else knots.to(torch.float64))


@pytest.mark.parametrize("name", KNOTS)
def test_a_spline_is_scipys(name):
    curve = spline(name)
    theirs = BSpline(curve.knots.numpy(), curve.points.numpy(), 3)
    torch.testing.assert_close(curve(T), torch.from_numpy(theirs(T.numpy())), rtol=0, atol=1e-13)
    # Where the derivative jumps, both take it from the right.
    torch.testing.assert_close(
        curve.derivative(T), torch.from_numpy(theirs.derivative()(T.numpy())), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", KNOTS)
def test_bases_sum_to_one_and_do_at_knots(name):
    """A span that held both of its ends would count a knot twice."""
    curve = spline(name)
    basis = curve.basis(torch.cat([T, curve.knots]))
    torch.testing.assert_close(basis.sum(-1), torch.ones(len(basis)), rtol=0, atol=1e-14)
    assert (basis >= 0).all()


@pytest.mark.parametrize("name", KNOTS)
def test_a_curve_starts_and_ends_at_its_control_points(name):
    curve = spline(name, 3)
    ends = curve(torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(ends, curve.points[:, [0, -1]], rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", KNOTS)
def test_inserted_knots_change_nothing(name):
    curve = spline(name, 2, 3)
    finer = curve.insert_knot(0.37).insert_knot(0.37).insert_knot(0.85).refine()
    assert len(finer.breaks) > 2 * len(curve.breaks)
    torch.testing.assert_close(finer(T), curve(T), rtol=0, atol=1e-12)
    torch.testing.assert_close(finer.derivative(T), curve.derivative(T), rtol=0, atol=1e-11)


def test_a_knot_inserted_by_hand():
    curve = CubicBSpline(torch.tensor([[0.0], [1 / 3], [2 / 3], [1.0]])).insert_knot(0.5)
    torch.testing.assert_close(curve.points.flatten(), torch.tensor([0, 1 / 6, 1 / 2, 5 / 6, 1]).double())
    assert curve.knots.tolist() == [0, 0, 0, 0, 0.5, 1, 1, 1, 1]
    # The original's spline is twice as far out here.
    assert curve(torch.tensor(0.5)).item() == pytest.approx(0.5, abs=1e-15)
    theirs = BSpline(np.array([0, 0, 0, 0, 1, 1, 1, 1.0]), np.array([0, 1 / 3, 2 / 3, 1]), 3).insert_knot(0.5)
    np.testing.assert_allclose(curve.points.flatten().numpy(), theirs.c[:5])


@given(batch=st.lists(st.integers(0, 3), max_size=2), n=st.integers(4, 9), m=st.integers(1, 3), at=st.integers(0, 4))
def test_curves_of_any_batch_are_those_curves(batch, n, m, at):
    points, t = torch.randn(*batch, n, m), torch.rand(at)
    for kind in (BezierCurve, CubicBSpline):
        for ask in (kind.__call__, kind.derivative):
            together = ask(kind(points), t)
            assert together.shape == (*batch, at, m)
            alone = [ask(kind(p), t) for p in points.reshape(-1, n, m)]
            if alone:
                torch.testing.assert_close(together, torch.stack(alone).reshape(together.shape))


@pytest.mark.parametrize("kind", [BezierCurve, CubicBSpline])
def test_each_curve_at_its_own_times(kind):
    curve, t = kind(torch.randn(3, 6, 2)), torch.rand(3, 5)
    alone = [kind(points)(times) for points, times in zip(curve.points, t, strict=True)]
    torch.testing.assert_close(curve(t), torch.stack(alone))
    assert curve(t[0, 0]).shape == (3, 2)


@pytest.mark.parametrize("kind", [BezierCurve, CubicBSpline])
def test_a_derivative_is_that_of_the_points(kind):
    curve, t, h = kind(torch.randn(2, 6, 2)), torch.linspace(0.01, 0.99, 50), 1e-6
    # Central differences: rounding 1e-10, the third derivative's part 1e-12 times some hundreds.
    torch.testing.assert_close(curve.derivative(t), (curve(t + h) - curve(t - h)) / (2 * h), rtol=0, atol=1e-7)


def test_a_fit_finds_the_spline_that_the_points_are_on():
    curve = CubicBSpline(torch.randn(2, 3, 7, 2))
    found = CubicBSpline.fit(T, curve(T), 7)
    torch.testing.assert_close(found.points, curve.points, rtol=0, atol=1e-10)
    assert found.knots.equal(curve.knots)


def test_a_fit_is_the_closest_of_those_with_the_same_ends():
    points = torch.randn(3, 40, 2)
    t = torch.linspace(0, 1, 40)
    found = CubicBSpline.fit(t, points, 6)
    torch.testing.assert_close(found.points[:, [0, -1]], points[:, [0, -1]], rtol=0, atol=1e-12)
    least = (found(t) - points).square().sum((-2, -1))
    for _ in range(20):
        shift = 1e-3 * torch.randn(3, 6, 2)
        shift[:, [0, -1]] = 0
        assert ((CubicBSpline(found.points + shift)(t) - points).square().sum((-2, -1)) > least).all()


def test_a_fit_to_few_points_stays_close_to_the_line():
    ends = torch.randn(2, 2)
    found = CubicBSpline.fit(torch.tensor([0.0, 1.0]), ends, 8)
    torch.testing.assert_close(found.points, straight_line(ends[0], ends[1], 8).points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", KNOTS)
def test_the_velocity_of_any_callable(name):
    """By its own derivative, or by that of its points: at the ends too, where times are clamped."""
    curve = spline(name, 3)
    inside = T[(T[:, None] - curve.breaks[1:-1]).abs().amin(-1) > 1e-9] if len(curve.breaks) > 2 else T
    torch.testing.assert_close(velocity(curve, T), curve.derivative(T))
    torch.testing.assert_close(velocity(lambda t: curve(t), inside), curve.derivative(inside), rtol=0, atol=1e-10)
    with pytest.raises(TypeError, match=r"`curve` cannot be differentiated .* give it a method `derivative`"):
        velocity(lambda t: curve(t.detach()), T)


def test_four_control_points_make_one_bezier_curve():
    points = torch.randn(3, 4, 2)
    torch.testing.assert_close(CubicBSpline(points)(T), BezierCurve(points)(T))


def test_a_single_control_point_stands_still():
    curve = BezierCurve(torch.ones(1, 2))
    assert curve(T).eq(1).all()
    assert curve.derivative(T).eq(0).all()


@pytest.mark.parametrize("n", [4, 5, 8, 13])
def test_a_straight_line_has_constant_speed(n):
    a, b = torch.randn(2, 3, 5)
    line = straight_line(a, b, n)
    torch.testing.assert_close(line(T), a[:, None] + T[:, None] * (b - a)[:, None])
    torch.testing.assert_close(line.derivative(T), (b - a)[:, None].expand(3, len(T), 5), rtol=0, atol=1e-12)
    assert line.points[:, 0].equal(a)
    assert line.points[:, -1].equal(b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_points(dtype, device):
    points = torch.randn(5, 2, dtype=dtype, device=device)
    for curve in (CubicBSpline(points), CubicBSpline(points).refine(), BezierCurve(points)):
        out = curve(torch.rand(3, dtype=dtype, device=device))
        assert out.dtype == dtype
        assert out.device == points.device


def test_other_intervals():
    curve = CubicBSpline(torch.randn(5, 2))
    longer = CubicBSpline(curve.points, 3 + 2 * curve.knots)
    torch.testing.assert_close(longer(3 + 2 * T), curve(T))
    torch.testing.assert_close(longer.derivative(3 + 2 * T), curve.derivative(T) / 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CubicBSpline(torch.zeros(3, 2)), r"`points` has shape \(3, 2\), .* n at least 4: pass more"),
        (lambda: BezierCurve(torch.zeros(0, 2)), r"`points` has shape \(0, 2\), .* n at least 1: pass more"),
        (lambda: CubicBSpline(torch.zeros(4, 2), torch.zeros(7)), "`knots` has 7 entries for 4 control points: pass"),
        (lambda: CubicBSpline(torch.zeros(4, 1), torch.arange(8.0).flip(0)), r"`knots` is .* ascend: pass `knots.sort"),
        (lambda: CubicBSpline(torch.zeros(4, 1), torch.arange(8.0)), "first four must be equal .* repeat the ends"),
        (
            lambda: CubicBSpline(torch.zeros(8, 1), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2.0])),
            "none may come more than three times",
        ),
        (lambda: straight_line(torch.zeros(2), torch.zeros(3)), r"`a` has shape \(2,\) and `b` \(3,\): expand"),
        (lambda: straight_line(torch.zeros(2), torch.zeros(2), 3), "`n_control` is 3, .* 4 control points or more"),
        (lambda: straight_line(torch.zeros(2), torch.ones(2))(torch.tensor([1.5])), r"`t` reaches beyond \[0.0, 1.0\]"),
        (lambda: BezierCurve(torch.zeros(2, 1)).derivative(torch.tensor(-0.1)), "`t` reaches beyond .* clamp it"),
        (lambda: straight_line(torch.zeros(2), torch.ones(2)).insert_knot(1.0), r"`t` is 1.0, .* inside \(0.0, 1.0\)"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()
