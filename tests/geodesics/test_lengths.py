"""Laws of lengths and energies: closed forms, orders of convergence, what a change of speed does and does not."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from latentbook.geodesics import BezierCurve, CubicBSpline, constant_speed, energy, length, straight_line
from latentbook.geodesics.lengths import Decoded, Measured, at_once, space_of, time_grid
from latentbook.metric import pullback_metric, speed
from tests.surfaces import DECODERS, SURFACES, Counting, M, arc_length, orthonormal_columns, swiss_roll


def smoothstep(t):
    return 3 * t**2 - 2 * t**3


def wavy(*batch, n=5):
    """Return curves that nowhere stand still, where speeds would have corners."""
    points = straight_line(torch.full((2,), 0.6), torch.tensor([1.6, 1.4]), n).points
    return BezierCurve(points + 0.1 * torch.randn(*batch, n, 2))


def segment():
    return straight_line(torch.zeros(2), torch.tensor([3.0, 4.0]))


def test_the_straight_line_through_the_swiss_roll():
    """R5, to the digits of the sheet; 512 plain chords are 2e-4 short."""
    u = torch.tensor([1.5, 4.5]) * math.pi
    for dv, expected in ((10.0, 89.983133), (60.0, 108.640407)):
        line = straight_line(torch.tensor([u[0], 0.0]), torch.tensor([u[1], dv]))
        assert length(swiss_roll, line).item() == pytest.approx(expected, abs=1e-6)
    spiral = straight_line(torch.tensor([u[0], 0.0]), torch.tensor([u[1], 0.0]))
    assert length(swiss_roll, spiral).item() == pytest.approx((arc_length(u[1]) - arc_length(u[0])).item(), rel=1e-9)


@pytest.mark.parametrize("name", SURFACES)
def test_a_length_is_the_integral_of_the_speed(name):
    f, metric = SURFACES[name]
    curve = CubicBSpline(wavy(3, n=6).points, torch.tensor([0, 0, 0, 0, 0.2, 0.7, 1, 1, 1, 1]).double())
    x, w = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(20))
    expected = 0
    for start, end in zip(curve.breaks[:-1], curve.breaks[1:], strict=True):
        t = (start + end) / 2 + x * (end - start) / 2
        speeds = speed(f, curve(t), curve.derivative(t))
        expected = expected + torch.stack([speeds, speeds**2]) @ w * (end - start) / 2
    # Newton's method in "unrolled" ends at rounding errors, which a derivative magnifies.
    torch.testing.assert_close(length(f, curve), expected[0], rtol=1e-7, atol=0)
    torch.testing.assert_close(energy(f, curve), expected[1], rtol=1e-7, atol=0)
    torch.testing.assert_close(length(None, curve, metric=metric), expected[0], rtol=1e-7, atol=0)
    torch.testing.assert_close(energy(None, curve, metric=metric), expected[1], rtol=1e-7, atol=0)


@pytest.mark.parametrize("measure", [length, energy])
@pytest.mark.parametrize("how", ["decoder", "metric"])
def test_the_error_shrinks_with_the_fourth_power(measure, how):
    f, metric = SURFACES["torus"]
    given = (f, None) if how == "decoder" else (None, metric)
    curve = wavy(n=4)
    best = measure(given[0], curve, 8192, metric=given[1])
    errors = [(measure(given[0], curve, n, metric=given[1]) - best).abs().item() for n in (128, 256)]
    # Two to the fourth is 16, with room for the next order.
    assert errors[0] > 12 * errors[1]


@pytest.mark.parametrize("name", DECODERS)
def test_the_length_of_any_decoder(name):
    f, t = DECODERS[name](), torch.linspace(0, 1, 4001)
    curve = straight_line(torch.zeros(M), torch.ones(M))
    at_rest = f.training
    with torch.no_grad():
        found = length(f, curve, 256)
        assert f.training == at_rest
        chords = f.eval()(curve(t)).reshape(len(t), -1).diff(dim=0).norm(dim=-1).sum()
    # Rectifiers have corners, where 256 chords are only good to the second order.
    torch.testing.assert_close(found, chords, rtol=1e-4, atol=0)


def test_a_change_of_speed_changes_the_energy_alone():
    """R12: the length of a segment stays 5, its energy is 1.2 of its square; the original's rule says 4.98."""
    slow = lambda t: segment()(smoothstep(t))  # noqa: E731
    assert length(lambda z: z, slow).item() == pytest.approx(5, abs=1e-9)
    assert length(lambda z: z, slow, 16).item() == pytest.approx(5, abs=1e-9)
    # Of order four: 512 chords leave 1e-10.
    assert energy(lambda z: z, slow).item() == pytest.approx(30, abs=1e-8)
    assert energy(lambda z: z, segment()).item() == pytest.approx(25, abs=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_a_length_does_not_know_the_parametrisation(name):
    f, curve = SURFACES[name][0], wavy(2)
    expected = length(f, curve)
    for change in (smoothstep, lambda t: 1 - t, lambda t: t.expm1() / math.expm1(1)):
        torch.testing.assert_close(length(f, lambda t, change=change: curve(change(t))), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("name", SURFACES)
def test_an_energy_is_at_least_the_squared_length_and_that_at_constant_speed(name):
    f, curve = SURFACES[name][0], wavy(2)
    squared = length(f, curve) ** 2
    assert (energy(f, curve) > squared * (1 + 1e-3)).all()
    even = constant_speed(f, curve, 2048)
    torch.testing.assert_close(length(f, even, 2000) ** 2, squared, rtol=1e-5, atol=0)
    torch.testing.assert_close(energy(f, even, 200), squared, rtol=1e-5, atol=0)


def test_constant_speed_keeps_the_way_and_takes_out_the_pauses():
    line = segment()
    even = constant_speed(lambda z: z, lambda t: line(smoothstep(t)))
    t = torch.linspace(0, 1, 33)
    # Close to the ends the inverse of a smooth step is a root: half a chord there is 3 / 512^2 of the way.
    torch.testing.assert_close(even(t), line(t), rtol=0, atol=1e-4)
    assert even(torch.tensor(0.5)).shape == (2,)
    torch.testing.assert_close(even(t[[0, -1]]), line.points[[0, -1]], rtol=0, atol=1e-12)


def test_constant_speed_where_the_data_do_not_move():
    line = straight_line(torch.zeros(2, 2), torch.ones(2, 2))
    even = constant_speed(lambda z: z * 0 + 1, line)
    t = torch.linspace(0, 1, 5)
    torch.testing.assert_close(even(t), line(t))


def test_constant_speed_with_a_metric():
    """On a vertical of the half-plane, equal lengths are equal ratios."""
    line = straight_line(torch.tensor([0.0, 1.0]), torch.tensor([0.0, math.e**2]))
    even = constant_speed(None, line, metric=lambda z: torch.eye(2) / z[:, 1, None, None] ** 2)
    torch.testing.assert_close(even(torch.tensor([0.25, 0.5]))[:, 1].log(), torch.tensor([0.5, 1.0]), rtol=1e-4, atol=0)


def test_isometries_of_both_spaces_change_no_length():
    f, curve = DECODERS["tanh"](), BezierCurve(torch.randn(2, 4, M))
    P, Q = orthonormal_columns(M, M), orthonormal_columns(25, 20)
    with torch.no_grad():
        expected = length(f, curve)
        torch.testing.assert_close(length(lambda z: f(z) @ Q.T + 5, curve), expected)
        torch.testing.assert_close(length(lambda w: f(w @ P.T), BezierCurve(curve.points @ P)), expected)


def test_a_module_in_train_mode_is_measured_at_rest():
    f = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    before = f[1].running_mean.clone()
    with torch.no_grad():
        first, second = length(f, segment()), length(f, segment())
    assert first.equal(second)
    assert f.training
    assert f[1].running_mean.equal(before)


def test_gradients_flow_to_the_control_points():
    points = torch.randn(5, 2, requires_grad=True)
    assert torch.autograd.gradcheck(lambda points: length(torch.sin, CubicBSpline(points), 8), points)


def test_many_curves_are_decoded_in_parts():
    f = Counting()
    length(f, straight_line(torch.zeros(20, 2), torch.ones(20, 2)), 100)
    assert sum(f.seen) == 20 * 101
    assert max(f.seen) <= at_once(torch.device("cpu"))


def test_a_rough_metric_is_the_metric():
    f, z = DECODERS["tanh"](), torch.randn(4, 5, M)
    with torch.no_grad():
        rough = Decoded(f).metrics(z, torch.full((4, 5), 1e-6))
        torch.testing.assert_close(rough, pullback_metric(f, z), rtol=1e-4, atol=1e-4)
    assert Measured(lambda z: torch.eye(M)).metrics(z, torch.ones(4, 5)).shape == (4, 5, M, M)


def test_a_grid_contains_the_breaks():
    t = time_grid(torch.tensor([0.0, 0.1, 1.0]), 7)
    assert t.tolist()[::4] == [0.0, 0.1, 1.0]


def test_no_curves_have_no_lengths():
    assert length(torch.sin, straight_line(torch.zeros(0, 2), torch.zeros(0, 2))).shape == (0,)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: length(None, segment()), ValueError, "`f` is None and `metric` is None, but one of them measures"),
        (lambda: energy(torch.sin, segment(), metric=torch.sin), ValueError, "pass a decoder, or None and a metric"),
        (lambda: length(3, segment()), TypeError, "`f` is int, but must be a callable"),
        (lambda: length(None, segment(), metric=torch.eye(2)), TypeError, "`metric` is Tensor, but must be a callable"),
        (lambda: length(torch.sin, segment(), 1), ValueError, "`n` is 1, .* pass 2 or more"),
        (lambda: length(lambda z: (z, z), segment()), TypeError, "`f` returns tuple, .* `stack_moments"),
        (lambda: length(lambda z: z.long(), segment()), TypeError, "`f` returns torch.int64"),
        (lambda: length(lambda z: z[0], segment()), ValueError, "`f` returns shape .* counts points"),
        (
            lambda: length(None, segment(), 2, metric=lambda z: torch.eye(3)),
            ValueError,
            r"`metric` returns \(3, 3\) for points of shape \(2, 2\): return matrices of shape \(2, 2, 2\)",
        ),
        (lambda: length(None, segment(), metric=lambda z: 1.0), ValueError, "`metric` returns float"),
        (lambda: constant_speed(torch.sin, segment())(torch.tensor([2.0])), ValueError, "`t` reaches beyond"),
        (lambda: space_of(None), ValueError, "one of them measures"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_large_data_are_decoded_few_at_a_time():
    A = torch.randn(2, 784)
    f = Counting(lambda z: (z @ A).sin())
    space, z = space_of(f), torch.randn(5, 100, 2)
    torch.testing.assert_close(space(z), (z @ A).sin(), rtol=0, atol=1e-12)
    assert sum(f.seen) == 500
    assert max(f.seen) == at_once(z.device, 784) < 100
    assert space(z[:, :0]).shape == (5, 0, 784)
