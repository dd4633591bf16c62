"""The exponential map and the logarithm: closed forms, round trips, invariances, and what is said where they fail."""

import functools
import math

import pytest
import torch
from torch import nn

from latentbook.geodesics import exp_map, geodesic, log_map, parallel_transport, shooting
from latentbook.geodesics.connection import inner
from latentbook.geodesics.lengths import space_of
from latentbook.geodesics.roots import find_roots
from latentbook.metric import jacobian, pullback_metric, speed, stack_moments
from tests.geodesics.test_solver import CASES, bowl, conformal, decoder, disc, globe, half_plane
from tests.geodesics.test_starts import ABOVE, BELOW, A, B, sluice
from tests.surfaces import DECODERS, M, arc_length, orthonormal_columns, rotation, swiss_roll

PI, ROOT = math.pi, math.sqrt(2)

# A logarithm calls a decoder thousands of times, which the check of every shape makes several times as slow.
quick = pytest.mark.usefixtures("unchecked")


def push(f, z, v):
    return (jacobian(f, z) @ v[..., None]).squeeze(-1)


@pytest.mark.parametrize("tol", [1e-5, 1e-9])
def test_great_circles_in_closed_form(device, tol):
    z = 1.4 * torch.rand(30, 2, device=device) - 0.7
    v, t = 0.6 * torch.randn(30, 2, device=device), torch.tensor([1.0, 0.25, 0.0], device=device)
    p, w = globe(z)[:, None], push(globe, z, v)[:, None]
    angle = t[:, None] * w.norm(dim=-1, keepdim=True)
    found = exp_map(globe, z, v, t, tol=tol)
    assert found.shape == (30, 3, 2)
    expected = angle.cos() * p + angle.sin() * w / w.norm(dim=-1, keepdim=True)
    # Some ten steps with an error of tol each, in latent units.
    torch.testing.assert_close(globe(found), expected, rtol=0, atol=10 * tol)
    assert found[:, 2].equal(z)
    torch.testing.assert_close(exp_map(globe, z, v, tol=tol), found[:, 0], rtol=0, atol=10 * tol)


def test_other_closed_forms():
    """Each unrolled, or along a line of symmetry: points, velocities, and where they lead."""
    z, v = torch.tensor([5.0, 1.0]), torch.tensor([1.0, 2.0])
    end = exp_map(swiss_roll, z, v, tol=1e-8)
    assert arc_length(end[0]).item() == pytest.approx(arc_length(z[0]).item() + math.sqrt(26), rel=1e-7)
    assert end[1].item() == pytest.approx(3, rel=1e-7)
    up = exp_map(None, torch.tensor([0.5, 1.0]), torch.tensor([0.0, 1.5]), metric=half_plane, tol=1e-8)
    torch.testing.assert_close(up, torch.tensor([0.5, math.exp(1.5)]), rtol=1e-7, atol=1e-9)
    out = exp_map(None, torch.zeros(2), torch.tensor([0.6, 0.8]), metric=disc, tol=1e-8)
    torch.testing.assert_close(out, math.tanh(1) * torch.tensor([0.6, 0.8]), rtol=1e-7, atol=0)
    # R10 and R11: on a line, the length that is covered says where.
    one, half = torch.ones(1), torch.full((1,), 0.5)
    far = exp_map(lambda z: stack_moments(z, 1 + z**2), one, half, tol=1e-8).item()
    covered = [z / 2 * math.sqrt(1 + 4 * z**2) + math.asinh(2 * z) / 4 for z in (1, far)]
    assert covered[1] - covered[0] == pytest.approx(0.5 * math.sqrt(5), rel=1e-7)
    assert exp_map(lambda z: z**2, one, half, tol=1e-8).item() == pytest.approx(ROOT, rel=1e-7)


def test_flat_decoders_have_straight_lines():
    D, z, v = torch.randn(6, 3), torch.randn(4, 5, 3), torch.randn(4, 5, 3)
    torch.testing.assert_close(exp_map(lambda z: z @ D.T, z, v), z + v, rtol=0, atol=1e-9)
    torch.testing.assert_close(exp_map(None, z, v, metric=lambda z: D.T @ D), z + v, rtol=0, atol=1e-9)
    torch.testing.assert_close(log_map(lambda z: z @ D.T, z, v), v - z, rtol=0, atol=1e-4)


# R14: the cases of the sheet whose ends have one shortest way between them, with smooth metrics.
NAMES = [name for name in CASES if name not in ("R6a meridian", "R6b around the bowl")]


@quick
@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name):
    f, metric, a, b, distance, _, _ = CASES[name]
    a, b = (torch.tensor(end, dtype=torch.float64) for end in (a, b))
    v = log_map(f, a, b, metric=metric, tol=1e-8)
    assert inner(space_of(f, metric), a, v, v).sqrt().item() == pytest.approx(distance, rel=1e-6)
    # A miss of 1e-8 of the way, and the errors of both shots.
    torch.testing.assert_close(exp_map(f, a, v, metric=metric, tol=1e-9), b, rtol=0, atol=3e-8 * v.norm().item())


@quick
def test_directions_on_the_half_plane():
    """From (-1, 1) the geodesic to (1, 1) is the circle of radius sqrt 2 around the origin: it leaves at 45 degrees."""
    v = log_map(None, torch.tensor([-1.0, 1]), torch.tensor([1.0, 1]), metric=half_plane, tol=1e-9)
    torch.testing.assert_close(v, math.acosh(3) / ROOT * torch.ones(2), rtol=0, atol=1e-7)
    # Any two points: at right angles to the radius of the circle through both that is centred on the boundary.
    a, b = torch.rand(2, 20, 2) + torch.tensor([0.0, 0.4])
    centre = (b.square().sum(-1) - a.square().sum(-1)) / (2 * (b[:, 0] - a[:, 0]))
    v = log_map(None, a, b, metric=half_plane, tol=1e-7)
    radius = a - torch.stack([centre, torch.zeros(20)], -1)
    cosine = (radius * v).sum(-1) / (radius.norm(dim=-1) * v.norm(dim=-1))
    torch.testing.assert_close(cosine, torch.zeros(20), rtol=0, atol=1e-6)


@quick
def test_a_shot_is_finer_than_the_miss_that_it_tells():
    """What counts as a hit is one for a shot of far smaller steps, too."""
    a, b = torch.tensor([[-1.0, 1], [0, 1], [0, 2]]), torch.tensor([[3.0, 0.5], [0.1, 4], [-2, 0.3]])
    v = log_map(None, a, b, metric=half_plane, tol=1e-6)
    miss = (exp_map(None, a, v, metric=half_plane, tol=1e-12) - b).norm(dim=-1) / v.norm(dim=-1)
    assert (miss <= 1e-6).all()


def test_directions_on_the_sphere():
    """In space, the logarithm of q at p is the part of q across p, as long as the angle."""
    a, b = torch.rand(2, 4, 5, 2) * 2 - 1
    p, q = globe(a), globe(b)
    cosine = (p * q).sum(-1, keepdim=True)
    expected = cosine.acos() / (1 - cosine**2).sqrt() * (q - cosine * p)
    torch.testing.assert_close(push(globe, a, log_map(globe, a, b, tol=1e-8)), expected, rtol=0, atol=1e-6)


@quick
def test_round_trips_of_a_decoder():
    f, (a, b) = decoder(1.0), 0.7 * torch.randn(2, 2, 3, 2)
    v = log_map(f, a, b)
    torch.testing.assert_close(exp_map(f, a, v, tol=1e-7), b, rtol=0, atol=3e-5 * v.norm(dim=-1).max().item())
    torch.testing.assert_close(speed(f, a, v), geodesic(f, a, b, tol=1e-6).length, rtol=1e-4, atol=0)


@quick
def test_eight_latents():
    net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.LayerNorm(32), nn.Linear(32, 40)).requires_grad_(False)
    a, b = 0.5 * torch.randn(2, 5, 8)
    v = log_map(net, a, b)
    torch.testing.assert_close(exp_map(net, a, v, tol=1e-7), b, rtol=0, atol=3e-5 * v.norm(dim=-1).max().item())


@quick
def test_forth_and_back_again():
    """The velocity that arrives is the one that leads back, with the other sign."""
    f, (a, b) = decoder(1.0), 0.5 * torch.randn(2, 2)
    there, back = log_map(f, a, b, tol=1e-7), log_map(f, b, a, tol=1e-7)
    curve = geodesic(f, a, b, tol=1e-8).curve
    torch.testing.assert_close(parallel_transport(f, curve, there), -back, rtol=1e-3, atol=1e-3)


@quick
def test_times_scale_velocities():
    f, (z, v), t = decoder(1.0), 0.3 * torch.randn(2, 7, 2), torch.tensor([0.0, 0.3, 0.3, 2.0, 1.0])
    along = exp_map(f, z, v, t, tol=1e-8)
    for i, time in enumerate(t):
        torch.testing.assert_close(along[:, i], exp_map(f, z, time * v, tol=1e-8), rtol=0, atol=1e-6)


@quick
def test_it_has_constant_speed():
    f, (z, v) = decoder(1.0), 0.5 * torch.randn(2, 5, 2)
    t = torch.linspace(0, 1, 2001)
    x = f(exp_map(f, z, v, t, tol=1e-6).reshape(-1, 2)).reshape(5, 2001, -1)
    speeds = x.diff(dim=1).norm(dim=-1) * 2000
    # A chord of a 2000th of the way is shorter than the arc by its square; between steps points are interpolated.
    torch.testing.assert_close(speeds, speed(f, z, v)[:, None].expand_as(speeds), rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", ["tanh", "layer norm", "torch's spectral norm", "convolutional with BatchNorm"])
def test_any_decoder_in_any_mode(name):
    """By the decoder, and by the Christoffel symbols of its metric."""
    layer = lambda: nn.Sequential(nn.Linear(M, 8), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, 20))  # noqa: E731
    f = {**DECODERS, "layer norm": layer}[name]()
    if name == "convolutional with BatchNorm":
        # Rectifiers are another matter.
        f[3] = nn.SiLU()
    buffers = {key: value.clone() for key, value in f.state_dict().items()}
    z, v = 0.3 * torch.randn(2, 3, M)
    end = exp_map(f, z, v, tol=1e-6)
    by_metric = exp_map(None, z, v, metric=lambda z: pullback_metric(f, z), tol=1e-6)
    torch.testing.assert_close(end, by_metric, rtol=0, atol=1e-5)
    assert f.training
    for key, value in f.state_dict().items():
        assert value.equal(buffers[key])


@quick
def test_isometries_of_both_spaces():
    f, (z, v), Q, R = decoder(1.0), 0.3 * torch.randn(2, 5, 2), orthonormal_columns(20, 16), rotation(1.0)
    shift = torch.tensor([7.0, -3.0])
    expected = exp_map(f, z, v, tol=1e-8)
    turned = exp_map(lambda w: f(w @ R.T - shift) @ Q.T + 5, (z + shift) @ R, v @ R, tol=1e-8)
    torch.testing.assert_close(turned @ R.T - shift, expected, rtol=0, atol=1e-6)


@quick
def test_the_others_do_not_matter():
    f, (z, v) = decoder(1.0), 0.3 * torch.randn(2, 2, 3, 2)
    together = exp_map(f, z, v, tol=1e-7)
    alone = torch.stack([exp_map(f, *pair, tol=1e-7) for pair in zip(z.reshape(-1, 2), v.reshape(-1, 2), strict=True)])
    # Steps are shared, and so errors differ.
    torch.testing.assert_close(together.reshape(-1, 2), alone, rtol=0, atol=1e-5)


@quick
def test_a_graph_finds_another_logarithm():
    line, graph = log_map(sluice, A, B, tol=1e-4), log_map(sluice, A, B, tol=1e-4, init="graph")
    assert speed(sluice, A, line).item() == pytest.approx(ABOVE, rel=1e-4)
    assert speed(sluice, A, graph).item() == pytest.approx(BELOW, rel=1e-4)
    for v in (line, graph):
        torch.testing.assert_close(exp_map(sluice, A, v), B, rtol=0, atol=2e-4 * v.norm().item())


def test_equal_ends_and_no_velocity():
    a = torch.randn(3, 2)
    b = torch.cat([a[:1], a[1:] + 0.3])
    v = log_map(bowl, a, b)
    assert v[0].eq(0).all()
    assert (v[1:].norm(dim=-1) > 0.1).all()
    assert exp_map(bowl, a, 0 * a).equal(a)
    assert log_map(bowl, a[:0], a[:0]).shape == (0, 2)
    assert exp_map(bowl, a[:0], a[:0]).shape == (0, 2)
    assert exp_map(bowl, a[:0], a[:0], torch.ones(4)).shape == (0, 4, 2)


def test_who_leaves_is_nan_and_the_others_are_not():
    """Straight lines of the plane, of which only a half has data."""
    z, v = torch.ones(3, 2), torch.tensor([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]])
    with pytest.warns(UserWarning, match="1 of 3 geodesics leave the region .* are nan: shorten them"):
        end = exp_map(lambda z: torch.where(z[:, :1] > 0, z, torch.nan), z, v)
    assert end[1].isnan().all()
    torch.testing.assert_close(end[[0, 2]], z[[0, 2]] + v[[0, 2]], rtol=0, atol=1e-9)


@quick
def test_rectifiers_are_told():
    """Within a piece they are linear: all symbols are zero, and the corners between them show in the speed alone."""
    f = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 8)).requires_grad_(False)
    with pytest.warns(UserWarning, match=r"vectors have changed their length on the way, by up to .* %: `f`"):
        exp_map(f, torch.zeros(4, 2), torch.randn(4, 2))
    with pytest.warns(UserWarning, match=r"not to be trusted, pairs \[0.*other geodesics than the splines"):
        log_map(f, torch.full((4, 2), -1.0), torch.randn(4, 2) + 2)


def test_a_logarithm_that_does_not_arrive_is_told(monkeypatch):
    """Without a round of aiming, the spline's direction misses, but for a pair on one meridian, which is straight."""
    monkeypatch.setattr(shooting, "find_roots", functools.partial(find_roots, rounds=0))
    a, b = torch.tensor([[0.1, 0.0], [PI / 4, 0.0]]), torch.tensor([[0.9, 0.0], [PI / 4, PI / 2]])
    with pytest.warns(UserWarning, match=r"1 of 2 logarithms are not to be trusted, pairs \[1\]: 1 miss `b`, by up to"):
        v = log_map(globe, a, b, tol=1e-8)
    torch.testing.assert_close(v[0], b[0] - a[0], rtol=0, atol=1e-7)
    # What is returned is the closest shot, not nothing.
    assert speed(globe, a, v)[1].item() == pytest.approx(PI / 3, rel=1e-3)


@quick
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_points(dtype, device):
    f, (a, b) = decoder(1.0).to(device), 0.5 * torch.randn(2, 4, 2, device=device)
    expected = log_map(f, a, b)
    f, a, b = f.to(dtype), a.to(dtype), b.to(dtype)
    v = log_map(f, a, b)
    end = exp_map(f, a, v, torch.tensor([0.5, 1.0]))
    assert v.dtype == end.dtype == dtype
    assert v.device == end.device == a.device
    torch.testing.assert_close(v.double(), expected, rtol=0, atol=3e-4)
    torch.testing.assert_close(end[:, 1], b, rtol=0, atol=3e-4)


def test_no_graph_is_kept():
    z = torch.randn(2, 2, requires_grad=True)
    assert not exp_map(bowl, z, z).requires_grad
    assert not log_map(bowl, z, z + 0.1).requires_grad


Z = torch.ones(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: exp_map(bowl, Z, Z[:1]), ValueError, r"`z` has shape \(2,\) and `v` \(1,\), .* alike"),
        (lambda: exp_map(bowl, Z, Z.to("meta")), ValueError, "`z` is on cpu and `v` meta"),
        (lambda: exp_map(bowl, Z, Z * torch.nan), ValueError, "`v` has entries that are not finite"),
        (lambda: exp_map(bowl, Z.long(), Z), TypeError, "`z` must be floating point"),
        (lambda: exp_map(bowl, Z, Z, tol=0.0), ValueError, "`tol` is 0.0, but geodesics of type torch.float64"),
        (lambda: exp_map(bowl, Z, Z, torch.tensor([1.0, -0.5])), ValueError, r"`t` is \[1.0, -0.5\], .* pass `-v`"),
        (lambda: exp_map(bowl, Z, Z, torch.tensor([torch.inf])), ValueError, "`t` is .* finite"),
        (lambda: exp_map(bowl, Z, Z, torch.tensor(1.0)), ValueError, r"`t` has shape \(\), but times are \(T,\)"),
        (
            lambda: exp_map(torch.log, -Z, Z),
            ValueError,
            r"`f` is not finite at .* where a geodesic starts",
        ),
        (
            lambda: exp_map(None, Z, Z, metric=conformal(lambda z: -z[:, 0])),
            ValueError,
            r"`metric` is not symmetric and positive definite at \[1.0, 1.0\], where a geodesic starts",
        ),
        (lambda: exp_map(lambda z: (z, z), Z, Z), TypeError, "`f` returns tuple, .* `stack_moments"),
        (lambda: exp_map(lambda z: z.long(), Z, Z), TypeError, "`f` returns torch.int64"),
        (lambda: exp_map(lambda z: z.detach().sin(), Z, Z), TypeError, "`f` cannot be differentiated"),
        (lambda: exp_map(None, Z, Z), ValueError, "one of them measures"),
        (lambda: log_map(bowl, Z, Z[:1]), ValueError, r"`a` has shape \(2,\) and `b` \(1,\), .* alike"),
        (lambda: log_map(bowl, Z, Z + torch.inf), ValueError, "`b` has entries that are not finite"),
        (lambda: log_map(bowl, Z.long(), Z), TypeError, "`a` must be floating point"),
        (lambda: log_map(bowl, Z, Z + 1, tol=1e-20), ValueError, "`tol` is 1e-20"),
        (lambda: log_map(bowl, Z, Z + 1, init="lines"), ValueError, "`init` is 'lines'"),
        (lambda: log_map(torch.log, Z, -Z), ValueError, "`f` is not finite at .* between `a` and `b`"),
        (
            lambda: log_map(None, Z, -Z, metric=conformal(lambda z: z[:, 0])),
            ValueError,
            r"`metric` is not symmetric and positive definite at \[",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
