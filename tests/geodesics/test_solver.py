"""Geodesics in closed form, laws of shortest curves, and what the solver says where it fails."""

import math
import re
import warnings

import pytest
import torch
from torch import nn

from latentbook.geodesics import CubicBSpline, constant_speed, energy, geodesic, length
from latentbook.metric import stack_moments
from tests.surfaces import DECODERS, Counting, M, arc_length, orthonormal_columns, rotation, swiss_roll

PI, ROOT = math.pi, math.sqrt(2)


def globe(z):
    u, v = z.unbind(-1)
    return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)


def bowl(z):
    return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)


def conformal(factor):
    return lambda z: factor(z)[:, None, None] * torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)


def squared(z):
    return z.square().sum(-1)


def roll_to(dv):
    start, end = arc_length(torch.tensor([1.5 * PI, 4.5 * PI], dtype=torch.float64)).tolist()
    return math.hypot(end - start, dv)


half_plane = conformal(lambda z: z[:, 1] ** -2)
disc = conformal(lambda z: 4 / (1 - squared(z)) ** 2)
stereographic = conformal(lambda z: 4 / (1 + squared(z)) ** 2)


def gaussians(z):
    return torch.diag_embed(torch.stack([z[:, 1] ** -2, 2 * z[:, 1] ** -2], -1))


def flat(z):
    """An isometry of the plane into space."""
    columns = [[0.48, -0.64], [0.6, 0.8], [0.64, 0.0]]
    return z @ torch.linalg.qr(z.new_tensor(columns)).Q.T


# By the sheet's numbers: decoder, metric, ends, length, straight length where it is known, and the middle.
CASES = {
    "R1 flat": (flat, None, [0, 0], [3, 4], 5, 5, [1.5, 2]),
    "R2 flat, stretched": (lambda z: z * z.new_tensor([2, 1, 0.5]), None, [0, 0, 0], [1, 2, 2], 3, 3, [0.5, 1, 1]),
    "R3 sphere": (globe, None, [PI / 4, 0], [PI / 4, PI / 2], PI / 3, PI / (2 * ROOT), [0.955317, PI / 4]),
    "R4 stereographic": (None, stereographic, [1, 0], [0, 1], PI / 2, 4 / 1.5**0.5 * PI / 6, [ROOT / 2, ROOT / 2]),
    "R5 swiss roll": (swiss_roll, None, [1.5 * PI, 0], [4.5 * PI, 10], roll_to(10), 89.983133, None),
    "R5 swiss roll, far": (swiss_roll, None, [1.5 * PI, 0], [4.5 * PI, 60], roll_to(60), 108.640407, None),
    "R6a meridian": (bowl, None, [-0.5, 0], [0.5, 0], ROOT / 2 + math.asinh(1) / 2, None, [0, 0]),
    "R6b around the bowl": (bowl, None, [-1, 0], [1, 0], 2.8290436, 5**0.5 + math.asinh(2) / 2, None),
    "R6c across the bowl": (bowl, None, [1, 0], [0, 1], 1.5373304, None, None),
    "R7 half-plane": (None, half_plane, [-1, 1], [1, 1], math.acosh(3), 2, [0, ROOT]),
    "R7 vertical": (None, half_plane, [0, 1], [0, math.e], 1, 1, [0, math.exp(0.5)]),
    "R8 disc": (None, disc, [0.5, 0], [0, 0.5], math.acosh(25 / 9), 1.7005629, None),
    "R8 radius": (None, disc, [0, 0], [0.5, 0], math.log(3), math.log(3), [2 - 3**0.5, 0]),
    "R9 Gaussians": (None, gaussians, [-ROOT, 1], [ROOT, 1], ROOT * math.acosh(3), 2 * ROOT, [0, ROOT]),
    "R10 stochastic": (lambda z: stack_moments(z, 1 + z**2), None, [0], [1], 1.4789429, 1.4789429, None),
    "R11 feature map": (lambda z: z**2, None, [1], [2], 3, 3, [2.5**0.5]),
}


@pytest.mark.parametrize("tol", [1e-4, 1e-8])
@pytest.mark.parametrize("name", CASES)
def test_a_geodesic_in_closed_form(device, name, tol):
    f, metric, a, b, expected, straight, middle = CASES[name]
    a, b = (torch.tensor(end, dtype=torch.float64, device=device) for end in (a, b))
    found = geodesic(f, a, b, metric=metric, tol=tol)
    # What the issue asks for at the default, and at 1e-8; the sheet prints seven decimals.
    close = 1e-4 if tol == 1e-4 else 1e-6
    assert found.length.item() == pytest.approx(expected, rel=close)
    assert found.converged.item()
    if straight is not None:
        assert found.straight_length.item() == pytest.approx(straight, rel=close)
        assert found.improvement.item() == pytest.approx(1 - expected / straight, abs=close)
    if middle is not None:
        # A gradient that is small to 1e-3 and 1e-5 leaves the curve that far away.
        place = found.curve(torch.tensor(0.5, device=device))
        torch.testing.assert_close(place, place.new_tensor(middle), rtol=0, atol=5e-3 if tol == 1e-4 else 5e-5)


def test_improvements_of_the_sheet():
    found = geodesic(globe, torch.tensor([PI / 4, 0]), torch.tensor([PI / 4, PI / 2]), tol=1e-8)
    assert found.improvement.item() == pytest.approx(1 - 2 * ROOT / 3, abs=1e-7)
    found = geodesic(None, torch.tensor([-1.0, 1]), torch.tensor([1.0, 1]), metric=half_plane, tol=1e-8)
    assert 100 * found.improvement.item() == pytest.approx(11.86, abs=5e-3)


def test_a_flat_decoder_has_no_shorter_way():
    """The control: the original reports 1.3 to 8 % here."""
    A = orthonormal_columns(20, 16)
    a, b = torch.randn(2, 10, 16)
    found = geodesic(lambda z: z @ A.T, a, b)
    torch.testing.assert_close(found.length, (a - b).norm(dim=-1), rtol=1e-9, atol=0)
    torch.testing.assert_close(found.improvement, torch.zeros(10), rtol=0, atol=1e-9)


def test_clairaut():
    """On a surface of revolution, radius times the sine of the angle to the meridian is constant: 0.9344671 (R6c)."""
    found = geodesic(bowl, torch.tensor([1.0, 0]), torch.tensor([0.0, 1]), tol=1e-10)
    t = torch.linspace(0.02, 0.98, 50)
    (x, y), (dx, dy) = found.curve(t).unbind(-1), found.curve.derivative(t).unbind(-1)
    speeds = (dx**2 + dy**2 + (2 * (x * dx + y * dy)) ** 2).sqrt()
    # The velocity of a cubic spline is good to the third power of its spans, a 40th or less.
    torch.testing.assert_close((x * dy - y * dx) / speeds, torch.full((50,), 0.9344671), rtol=0, atol=2e-5)


def decoder(gain=2.0):
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 16))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
            nn.init.normal_(layer.bias, std=0.3)
    return net.requires_grad_(False)


def test_a_geodesic_is_shorter_and_at_constant_speed():
    f, (a, b) = decoder(), torch.randn(2, 4, 5, 2)
    found = geodesic(f, a, b)
    assert found.converged.all()
    assert (found.improvement >= -1e-6).all()
    assert found.improvement.mean() > 0.02
    # Measured to half of the tolerance.
    torch.testing.assert_close(found.length, length(f, found.curve), rtol=5e-5, atol=0)
    torch.testing.assert_close(energy(f, found.curve), found.length**2, rtol=2e-3, atol=0)
    torch.testing.assert_close(length(f, constant_speed(f, found.curve)), found.length, rtol=5e-5, atol=0)
    torch.testing.assert_close(found.curve(torch.tensor([0.0, 1.0])), torch.stack([a, b], -2), rtol=0, atol=1e-12)


def test_no_curve_nearby_is_shorter():
    f, (a, b) = decoder(), torch.randn(2, 6, 2)
    found = geodesic(f, a, b, tol=1e-8)
    for size in (1e-3, 1e-2, 1e-1):
        shift = size * torch.randn(20, *found.curve.points.shape) * (a - b).norm(dim=-1)[:, None, None]
        shift[..., [0, -1], :] = 0
        other = length(f, CubicBSpline(found.curve.points + shift, found.curve.knots))
        assert (other >= found.length * (1 - 1e-9)).all()


def test_backwards_it_is_the_same():
    f, (a, b) = decoder(), torch.randn(2, 20, 2)
    there, back = geodesic(f, a, b), geodesic(f, b, a)
    torch.testing.assert_close(there.length, back.length, rtol=1e-4, atol=0)


def test_isometries_of_both_spaces_change_nothing():
    f, (a, b), Q = decoder(), torch.randn(2, 8, 2), orthonormal_columns(20, 16)
    expected = geodesic(f, a, b, tol=1e-6).length
    R = rotation(1.0)
    turned = geodesic(lambda w: f(w @ R.T), a @ R, b @ R, tol=1e-6).length
    torch.testing.assert_close(turned, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(geodesic(lambda z: f(z) @ Q.T + 3, a, b, tol=1e-6).length, expected, rtol=1e-5, atol=0)


def test_units_change_nothing():
    f, (a, b) = decoder(), torch.randn(2, 8, 2)
    expected = geodesic(f, a, b)
    scaled = geodesic(lambda w: 1e3 * f(100 * w), a / 100, b / 100)
    torch.testing.assert_close(scaled.length / 1e3, expected.length, rtol=1e-5, atol=0)
    assert scaled.converged.all()


def test_lengths_are_distances():
    """The triangle inequality, where the curves that are found are the shortest: three points that are near."""
    f, p = decoder(1.5), 0.6 * torch.randn(3, 30, 2)
    sides = geodesic(f, p, p.roll(1, 0)).length
    assert (sides <= (sides.sum(0) - sides) * (1 + 2e-4)).all()


def test_all_at_once_is_one_by_one():
    def wavy(z):
        x, y = z.unbind(-1)
        return torch.stack([x, y, (3 * x).sin() * (2 * y).cos(), (2 * x * y).sin()], -1)

    # Entry by entry nothing is rounded otherwise; matrix products are, and a long search magnifies that.
    for f, close in ((wavy, 1e-12), (decoder(), 1e-7)):
        a, b = torch.randn(2, 2, 3, 2)
        together = geodesic(f, a, b)
        for i in range(2):
            for j in range(3):
                alone = geodesic(f, a[i, j], b[i, j])
                torch.testing.assert_close(together.length[i, j], alone.length, rtol=close, atol=0)
                assert alone.converged == together.converged[i, j]
                if f is wavy:
                    assert alone.gradient_norm.item() == pytest.approx(together.gradient_norm[i, j].item(), rel=1e-9)


def test_it_does_not_loop_over_pairs():
    f, g = Counting(decoder()), Counting(decoder())
    geodesic(f, *torch.randn(2, 3, 2))
    geodesic(g, *torch.randn(2, 48, 2))
    assert len(g.seen) < 8 * len(f.seen)


@pytest.mark.parametrize("name", DECODERS)
def test_any_decoder_in_any_mode(name):
    f = DECODERS[name]()
    buffers = {key: value.clone() for key, value in f.state_dict().items()}
    with warnings.catch_warnings():
        # Rectifiers have corners, over which no gradient is small.
        warnings.simplefilter("ignore" if "relu" in name or "convolutional" in name else "error")
        found = geodesic(f, *torch.randn(2, 3, M), max_steps=40)
    assert (found.improvement > -1e-3).all()
    assert f.training
    assert all(p.grad is None for p in f.parameters())
    for key, value in f.state_dict().items():
        assert value.equal(buffers[key])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_ends(dtype, device):
    f, (a, b) = decoder().to(device), torch.randn(2, 6, 2, device=device)
    expected = geodesic(f, a, b).length
    found = geodesic(f.to(dtype), a.to(dtype), b.to(dtype))
    assert found.converged.all()
    for value in (found.length, found.straight_length, found.improvement, found.gradient_norm, found.curve.points):
        assert value.dtype == dtype
        assert value.device == a.device
    torch.testing.assert_close(found.length.double(), expected, rtol=1e-4, atol=0)


def test_equal_ends():
    a = torch.randn(3, 2)
    b = torch.cat([a[:1], a[1:] + 1])
    found = geodesic(bowl, a, b)
    assert found.length[0] == found.improvement[0] == found.gradient_norm[0] == 0
    assert found.converged.all()
    assert found.curve(torch.tensor(0.3))[0].allclose(a[0])
    assert geodesic(bowl, a, a).length.eq(0).all()


def test_no_pairs():
    found = geodesic(torch.sin, torch.zeros(0, 2), torch.zeros(0, 2))
    assert found.length.shape == found.converged.shape == (0,)


def test_a_decoder_that_stands_still():
    found = geodesic(lambda z: 0 * z + 1, torch.zeros(2), torch.ones(2))
    assert found.length == found.improvement == 0
    assert found.converged


def test_a_caller_without_gradients():
    with torch.no_grad():
        assert geodesic(bowl, *torch.randn(2, 2)).converged
    a = torch.randn(2, requires_grad=True)
    assert not geodesic(bowl, a, a + 1).length.requires_grad


def test_a_metric_that_fails_beside_the_line_is_refused_where_it_fails():
    """Positive definite on the line, but not on the shorter way around: its lengths are none."""

    def trap(z):
        y = z[..., 1]
        along = 1 / (1 + 4 * y**2)
        # Steps along x cost less and less aside; steps along y would be worth less than nothing there.
        return torch.diag_embed(torch.stack([along, 1 - 2 * (y.abs() > 0.3)], -1))

    a, b = torch.tensor([-2.0, 0.05]), torch.tensor([2.0, 0.05])
    with pytest.raises(ValueError, match=r"positive definite at \[.*\], on a curve between `a` and `b`") as caught:
        geodesic(None, a, b, metric=trap)
    x, y = map(float, re.findall(r"-?\d+\.\d+", str(caught.value))[:2])
    assert abs(x) < 2
    assert abs(y) > 0.3


def test_a_wall_is_walked_around():
    """Where a decoder is not finite beside the straight line, the curve keeps away, and a curve that cannot is told."""

    def ring(z):
        r = squared(z)[:, None].sqrt()
        return torch.cat([z, torch.where(r > 2, torch.nan, r)], -1)

    found = geodesic(ring, torch.tensor([1.9, 0.3]), torch.tensor([-1.9, 0.3]))
    assert found.converged
    assert length(ring, found.curve).isfinite()


Z = torch.zeros(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: geodesic(torch.sin, Z, torch.zeros(3)), ValueError, r"`a` has shape \(2,\) and `b` \(3,\), .* alike"),
        (lambda: geodesic(torch.sin, Z, Z.to("meta")), ValueError, "`a` is on cpu and `b` meta"),
        (lambda: geodesic(torch.sin, Z, Z.float()), ValueError, "`a` has type torch.float64 and `b` torch.float32"),
        (lambda: geodesic(torch.sin, Z, Z * torch.nan), ValueError, "`b` has entries that are not finite: look at"),
        (lambda: geodesic(torch.sin, Z.long(), Z), TypeError, r"`a` must be floating point, .* `a.float\(\)`"),
        (lambda: geodesic(torch.sin, Z[0], Z[0]), ValueError, "`a` is a number, but points have"),
        (lambda: geodesic(lambda z: (z, z), Z, Z + 1), TypeError, "`f` returns tuple, .* `stack_moments"),
        (lambda: geodesic(lambda z: z.long(), Z, Z + 1), TypeError, "`f` returns torch.int64"),
        (lambda: geodesic(lambda z: z.sum(), Z, Z + 1), ValueError, "`f` returns shape .* counts points"),
        (
            lambda: geodesic(lambda z: z.log(), Z - 1, Z + 1),
            ValueError,
            r"`f` is not finite at \[-1.0, -1.0\], between",
        ),
        (lambda: geodesic(torch.sin, Z, Z + 1, n_control=3), ValueError, "`n_control` is 3, .* pass 4"),
        (lambda: geodesic(torch.sin, Z, Z + 1, max_steps=0), ValueError, "`max_steps` is 0, .* pass 1 or more"),
        (lambda: geodesic(torch.sin, Z, Z + 1, tol=0.0), ValueError, "`tol` is 0.0, but lengths of type torch.float64"),
        (
            lambda: geodesic(torch.sin, Z.float(), Z.float() + 1, tol=1e-8),
            ValueError,
            r"`tol` is 1e-08, but lengths of type torch.float32 are known to 1e-06 at best: .*`a.double\(\)`",
        ),
        (lambda: geodesic(None, Z, Z + 1), ValueError, "one of them measures: pass a decoder, or None and a metric"),
        (lambda: geodesic(torch.sin, Z, Z + 1, metric=disc), ValueError, "one of them measures"),
        (lambda: geodesic("decoder", Z, Z + 1), TypeError, "`f` is str, but must be a callable"),
        (lambda: geodesic(None, Z, Z + 1, metric=lambda z: torch.eye(3)), ValueError, r"`metric` returns \(3, 3\)"),
        (
            lambda: geodesic(None, Z, Z + 1, metric=conformal(lambda z: 0.45 - z[:, 0])),
            ValueError,
            r"`metric` is not symmetric and positive definite at \[0\.(5|49+4), .* between `a` and `b`",
        ),
        (
            lambda: geodesic(None, Z, Z + 1, metric=lambda z: torch.tensor([[1, 0.5], [0, 1]]).expand(len(z), 2, 2)),
            ValueError,
            r"not symmetric and positive definite at \[0.0, 0.0\]",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
