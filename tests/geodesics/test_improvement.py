"""What is gained, and what the control says where nothing is: with ours next to nothing, by the published rule 7 %."""

import dataclasses
import math

import pytest
import torch

from latentbook.geodesics import improvement, length, relative_improvement, solver, straight_line
from latentbook.geodesics.curves import CubicBSpline


def sphere(z):
    u, v = z.unbind(-1)
    return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)


def published(velocity, n):
    """The original's length: N speeds times 1 / (N - 1)."""
    return velocity(torch.linspace(0, 1, n)).norm(dim=-1).sum() / (n - 1)


def test_the_quarter_of_a_parallel():
    """R3: the great circle is 2√2/3 as long."""
    a, b = torch.tensor([[math.pi / 4, 0.0], [math.pi / 4, math.pi / 2]])
    found = relative_improvement(sphere, a, b)
    assert found.improvement.item() == pytest.approx(1 - 2 * math.sqrt(2) / 3, abs=1e-4)
    assert found.geodesic.length.item() == pytest.approx(math.pi / 3, rel=1e-4)


@pytest.mark.parametrize(("m", "size"), [(1, 3), (2, 3), (5, 5), (16, 20)])
def test_the_control_is_zero_and_so_is_the_gain_of_a_flat_decoder(m, size):
    torch.manual_seed(m)
    A = torch.linalg.qr(torch.randn(size, m))[0]
    a, b = torch.randn(2, 6, m)
    found = relative_improvement(lambda z: z @ A.T, a, b)
    # What is asked: 0.05 %.
    assert found.control.abs().max() <= 5e-4
    assert found.improvement.abs().max() <= 5e-4


def test_a_gain_that_is_not_there_would_be_seen():
    """The published rule on a flat line of length 5, at 16 points: 16/15 too long, 1/15 to be won by slowing down."""
    segment = torch.tensor([3.0, 4.0])
    even = published(lambda t: segment.expand(len(t), 2), 16)
    slow = published(lambda t: (6 * t * (1 - t))[:, None] * segment, 16)
    assert even.item() == pytest.approx(16 / 3)
    assert slow.item() == pytest.approx(4.9777777778)
    line = straight_line(torch.zeros(2), segment)
    for curve in (line, lambda t: line(3 * t**2 - 2 * t**3)):
        assert length(lambda z: z, curve, 16).item() == pytest.approx(5.0, rel=1e-4)


def test_the_control_starts_away_from_what_it_must_find():
    torch.manual_seed(0)
    a, b = torch.randn(2, 4, 3)
    start = improvement._bent(a, b, 8)
    flat = length(lambda z: z, start)
    straight = (b - a).norm(dim=-1)
    # An arc of a quarter of the length to one side makes it longer by more than a tenth.
    assert (flat / straight > 1.1).all()
    torch.testing.assert_close(start(torch.tensor([0.0, 1.0])), torch.stack([a, b], -2))


def test_the_flat_decoder_is_an_isometry_into_as_many_dimensions():
    z = torch.randn(7, 4)
    flat, metric = improvement._flat(lambda z: torch.cat([z, z, z], -1), z, None)
    assert metric is None
    assert flat(z).shape == (7, 12)
    torch.testing.assert_close(torch.cdist(flat(z), flat(z)), torch.cdist(z, z))


def test_a_metric_has_a_control_of_its_own():
    """R7: on the half-plane the straight line of length 2 becomes acosh 3."""
    a, b = torch.tensor([[-1.0, 1.0], [1.0, 1.0]])
    found = relative_improvement(None, a, b, metric=lambda z: z[:, 1, None, None] ** -2 * torch.eye(2))
    assert found.improvement.item() == pytest.approx(1 - math.acosh(3) / 2, abs=1e-4)
    assert found.control.abs() <= 5e-4


def test_settings_get_to_both_searches(monkeypatch):
    seen = []

    def geodesic(*given, **settings):
        seen.append(settings)
        found = solver.geodesic(*given, **settings)
        return dataclasses.replace(found, improvement=torch.full_like(found.improvement, len(seen)))

    monkeypatch.setattr(improvement, "geodesic", geodesic)
    a, b = torch.zeros(3, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    line = straight_line(a, b, 6)
    found = relative_improvement(sphere, a, b, n_control=6, tol=1e-3, max_steps=70, init=line)
    # What each of them says is what is returned.
    assert (found.improvement.unique(), found.control.unique()) == (1, 2)
    own, control = seen
    assert own["init"] is line
    assert isinstance(control["init"], CubicBSpline)
    assert control["init"] is not line
    for settings in seen:
        assert (settings["n_control"], settings["tol"], settings["max_steps"]) == (6, 1e-3, 70)


def test_equal_ends_gain_nothing():
    a = torch.randn(2, 2)
    found = relative_improvement(sphere, a, a)
    assert torch.equal(found.improvement, torch.zeros(2))
    assert torch.equal(found.control, torch.zeros(2))


def test_what_a_geodesic_refuses_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        relative_improvement(sphere, torch.tensor([math.nan, 0.0]), torch.zeros(2))
