"""Improvements and their control: zero where there is nothing to gain, red where a rule or a solver is wrong."""

import dataclasses
import math

import pytest
import torch

from latentbook.core import jvp
from latentbook.geodesics import CubicBSpline, energy, improvement, length, relative_improvement, solver, straight_line
from latentbook.geodesics.descent import Descent
from latentbook.geodesics.improvement import _bent, _flat
from tests.geodesics.test_solver import CASES, decoder, globe, half_plane
from tests.surfaces import DECODERS, M, orthonormal_columns

# What the issue allows of a control, whose true value is 0.
SMALL = 5e-4


def original_length(f, curve, n=16):
    """N speeds, each times 1 / (N - 1): one more part than there are."""
    t = torch.linspace(0, 1, n)
    x = lambda t: f(curve(t).reshape(n, -1))  # noqa: E731
    return jvp(x, t, torch.ones_like(t))[1].norm(dim=-1).sum() / (n - 1)


def smoothstep(t):
    return 3 * t**2 - 2 * t**3


def gain_by_a_change_of_speed(rule):
    """What a segment of length 5 gains by starting and stopping slowly: in truth nothing."""
    segment = straight_line(torch.zeros(2), torch.tensor([3.0, 4.0]))
    slow = lambda t: segment(smoothstep(t))  # noqa: E731
    plain = rule(lambda z: z, segment).item()
    return plain, 1 - rule(lambda z: z, slow).item() / plain


@pytest.mark.parametrize("n", [16, 512])
def test_a_change_of_speed_gains_nothing(n):
    plain, gain = gain_by_a_change_of_speed(lambda f, curve: length(f, curve, n))
    assert plain == pytest.approx(5, abs=1e-9)
    assert abs(gain) < 1e-9


def test_the_rule_of_the_original_can_be_gamed():
    """A rule like it would turn the test above red: 5 N / (N - 1), and by pauses at the ends 1 / N less."""
    plain, gain = gain_by_a_change_of_speed(original_length)
    assert plain == pytest.approx(5 * 16 / 15, abs=1e-9)
    assert plain * (1 - gain) == pytest.approx(4.9778, abs=1e-4)
    assert 1 / 16 < gain < 0.067


@pytest.mark.parametrize(
    ("f", "m"),
    [
        (decoder(), 2),
        (DECODERS["tanh"](), M),
        (DECODERS["image"](), M),
        (lambda z: z.square().sum(-1, keepdim=True) + z.sum(-1, keepdim=True), 4),
        (lambda z: torch.stack([z[..., 0].cos(), z[..., 0].sin()], -1), 1),
        (lambda z: torch.cat([z, z.square()], -1), 16),
    ],
)
def test_the_control_is_nothing(f, m):
    if isinstance(f, torch.nn.Module):
        f = f.double()
    a, b = torch.randn(2, 3, 5, m)
    found = relative_improvement(f, a, b)
    assert found.control.shape == found.improvement.shape == (3, 5)
    assert found.control.abs().max() <= SMALL
    torch.testing.assert_close(found.improvement, found.geodesic.improvement)


def test_improvements_in_closed_form():
    for name in ("R3 sphere", "R7 half-plane", "R9 Gaussians"):
        f, metric, a, b, expected, straight, _ = CASES[name]
        a, b = (torch.tensor(end, dtype=torch.float64) for end in (a, b))
        found = relative_improvement(f, a, b, metric=metric, tol=1e-6)
        assert found.improvement.item() == pytest.approx(1 - expected / straight, abs=1e-5)
        assert abs(found.control.item()) < 1e-5


def test_a_flat_decoder_is_its_own_control():
    A = orthonormal_columns(20, 16)
    found = relative_improvement(lambda z: z @ A.T, *torch.randn(2, 10, 16))
    assert found.improvement.abs().max() < 1e-9
    assert found.control.abs().max() <= SMALL


def idle(objective, start, *, scale, tol, max_steps):
    """A solver that says that it has converged where it starts."""
    value, gradient = objective(start, torch.arange(len(start)))
    return Descent(start, value, gradient, torch.zeros_like(value))


def content(self, found):
    """A look for saddles that finds none."""
    return found.point, torch.zeros_like(found.value, dtype=torch.bool)


def test_the_control_fails_where_the_solver_does(monkeypatch):
    monkeypatch.setattr("latentbook.geodesics.solver.minimise", idle)
    monkeypatch.setattr("latentbook.geodesics.bending.Bending.beside", content)
    found = relative_improvement(decoder(), *torch.randn(2, 6, 2))
    assert (found.control < -SMALL).all()


@pytest.mark.parametrize(("rule", "red"), [(length, False), (original_length, True)])
def test_the_control_fails_where_the_rule_does(monkeypatch, rule, red):
    """A straight line that is slow at both ends, and stays so, gains nothing; by the original's rule it does."""
    monkeypatch.setattr("latentbook.geodesics.improvement.BEND", 0.0)
    monkeypatch.setattr("latentbook.geodesics.solver.minimise", idle)
    monkeypatch.setattr("latentbook.geodesics.bending.Bending.beside", content)

    def measured(space, curve, tol, most):
        return rule(space, curve).reshape(-1), torch.zeros(len(curve.points))

    monkeypatch.setattr("latentbook.geodesics.solver.measured", measured)
    found = relative_improvement(lambda z: z, torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    assert bool(found.control.abs().max() > SMALL) == red


def test_it_starts_bent_and_slow():
    for m in (1, 2, 3, 16):
        a, b = torch.randn(2, 7, m)
        start, way = _bent(a, b, 8), (b - a).norm(dim=-1)
        torch.testing.assert_close(start(torch.tensor([0.0, 1.0])), torch.stack([a, b], 1), rtol=0, atol=1e-12)
        if m > 1:
            assert (length(lambda z: z, start) > 1.05 * way).all()
        assert (energy(lambda z: z, start) > 1.1 * way**2).all()
        # Twice the same.
        assert start.points.equal(_bent(a, b, 8).points)


@pytest.mark.parametrize("m", [1, 2, 5, 16])
@pytest.mark.parametrize("event", [(1,), (20,), (3, 4, 4)])
def test_its_decoder_is_an_isometry_of_the_same_dimensions(m, event):
    z = torch.randn(9, m)
    flat, metric = _flat(lambda z: z.sum(-1).reshape(-1, *[1] * len(event)).expand(-1, *event), z, None)
    assert metric is None
    assert flat(z).shape == (9, max(m, math.prod(event)))
    torch.testing.assert_close(torch.cdist(flat(z), flat(z)), torch.cdist(z, z), rtol=1e-9, atol=1e-7)
    assert _flat(None, z, half_plane)[1](z).equal(torch.eye(m))


def test_settings_get_to_both_searches(monkeypatch):
    seen = []

    def geodesic(*given, **settings):
        seen.append(settings)
        found = solver.geodesic(*given, **settings)
        return dataclasses.replace(found, improvement=torch.full_like(found.improvement, len(seen)))

    monkeypatch.setattr(improvement, "geodesic", geodesic)
    a, b = torch.zeros(3, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    line = straight_line(a, b, 6)
    found = relative_improvement(globe, a, b, n_control=6, tol=1e-3, max_steps=70, init=line)
    # What each of them says is what is returned.
    assert (found.improvement.unique(), found.control.unique()) == (1, 2)
    own, control = seen
    assert own["init"] is line
    assert isinstance(control["init"], CubicBSpline)
    assert control["init"] is not line
    for settings in seen:
        assert (settings["n_control"], settings["tol"], settings["max_steps"]) == (6, 1e-3, 70)


def test_equal_ends_and_no_pairs():
    a = torch.randn(3, 2)
    found = relative_improvement(globe, a, a)
    assert found.improvement.eq(0).all()
    assert found.control.eq(0).all()
    assert relative_improvement(globe, a[:0], a[:0]).control.shape == (0,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_ends(dtype, device):
    a, b = torch.rand(2, 4, 2, dtype=dtype, device=device)
    found = relative_improvement(globe, a, b)
    assert found.control.dtype == found.improvement.dtype == dtype
    assert found.control.device == a.device
    assert found.control.abs().max() <= SMALL


Z = torch.zeros(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: relative_improvement(globe, Z, Z[:1]), ValueError, "make them alike"),
        (lambda: relative_improvement(globe, Z, Z * torch.nan), ValueError, "`b` has entries that are not finite"),
        (lambda: relative_improvement(globe, Z.long(), Z), TypeError, "`a` must be floating point"),
        (lambda: relative_improvement(globe, Z, Z.to("meta")), ValueError, "`a` is on cpu and `b` meta"),
        (lambda: relative_improvement(lambda z: (z, z), Z, Z + 1), TypeError, "`f` returns tuple"),
        (lambda: relative_improvement(globe, Z, Z + 1, n_control=3), ValueError, "`n_control` is 3"),
        (lambda: relative_improvement(globe, Z, Z + 1, steps=3), TypeError, "steps"),
        (lambda: relative_improvement(None, Z, Z + 1), ValueError, "one of them measures"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
