"""Flows in closed form, each trajectory as accurate as alone, and those that cannot go on."""

import math
import sys

import pytest
import torch

from latentbook.geodesics.flows import flow, warn_of_the_lost


def turning(t, y):
    """Each pair of coordinates turns by an angle of one a unit of time."""
    return torch.stack([-y[:, 1], y[:, 0]], -1)


@pytest.mark.parametrize("times", [[0.0, 0.4, 1.0, 7.0], [0.1 * i for i in range(71)]])
@pytest.mark.parametrize("stops", [None, [-1.0, 0.0, 0.35, 1.0, 3.0, 7.0, 9.0]])
def test_rotation_in_closed_form(times, stops):
    """At few times steps end, between many they are interpolated; corners that are none change nothing."""
    start, times = torch.randn(5, 2), torch.tensor(times)
    states, alive = flow(turning, start, times, tol=1e-8, stops=None if stops is None else torch.tensor(stops))
    assert alive.all()
    assert states.shape == (len(times), 5, 2)
    c, s = times.cos()[:, None], times.sin()[:, None]
    expected = torch.stack([c * start[:, 0] - s * start[:, 1], s * start[:, 0] + c * start[:, 1]], -1)
    # Some ten steps, each with an error of 1e-8.
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
def test_an_error_is_as_small_as_is_asked_for(tol):
    states, _ = flow(lambda t, y: -y * t.cos(), torch.ones(1, 1), torch.tensor([0.0, 5.0]), tol=tol)
    error = abs(states[-1].item() - math.exp(-math.sin(5)))
    assert error < 10 * tol
    # And not by taking steps that are much too small.
    assert tol < 1e-6 or error > 1e-12


def test_the_worst_trajectory_counts():
    """Norms over all of a batch would let a single fast one among thousands be wrong."""
    start = torch.ones(4000, 1)
    rates = torch.full((4000, 1), 0.01)
    rates[77] = 20.0

    def field(t, y):
        return rates * torch.cat([(20 * t).cos()[None, None].expand(len(y), 1)], -1) * y

    times = torch.tensor([0.0, 1.0])
    together, _ = flow(field, start, times, tol=1e-6)
    exact = (rates * math.sin(20) / 20).exp()
    assert (together[-1] - exact).abs().max() < 1e-4


def test_who_leaves_is_given_up_and_the_others_go_on():
    """Square roots that reach 0 at times 2 and 0.2."""

    def field(t, y):
        return -0.5 / y.where(y > 0, torch.nan)

    start = torch.tensor([[2.0**0.5], [0.2**0.5], [4.0]])
    states, alive = flow(field, start, torch.tensor([0.0, 1.0]), tol=1e-8)
    assert alive.tolist() == [True, False, True]
    assert states[:, 1].isnan().all()
    expected = (start[[0, 2]] ** 2 - 1).sqrt()
    torch.testing.assert_close(states[-1, [0, 2]], expected, rtol=0, atol=1e-6)


def test_who_has_no_velocity_is_given_up_at_once():
    states, alive = flow(
        lambda t, y: torch.where(y > 0, 1.0, torch.nan),
        torch.tensor([[1.0], [-1.0]]),
        torch.tensor([0.0, 1.0]),
        tol=1e-6,
    )
    assert alive.tolist() == [True, False]
    assert states[-1, 0].item() == pytest.approx(2)


def test_nothing_beyond_the_last_time_is_looked_at():
    def field(t, y):
        assert t <= 1 + 1e-12
        return torch.ones_like(y)

    for stops in (None, torch.tensor([0.0, 0.3, 0.7, 1.0])):
        states, _ = flow(field, torch.zeros(1, 1), torch.tensor([0.0, 1.0]), tol=1e-6, stops=stops)
        assert states[-1].item() == pytest.approx(1, abs=1e-12)


def test_steps_end_at_corners():
    """The integral of a saw-tooth, whose error is that of rounding where steps end at its corners."""
    seen = []

    def field(t, y):
        seen.append(t.item())
        return torch.where(t < 0.3, t, 10 * (t - 0.3))[None, None].expand(1, 1)

    stops = torch.tensor([0.0, 0.3, 1.0])
    states, _ = flow(field, torch.zeros(1, 1), torch.tensor([0.0, 1.0]), tol=1e-4, stops=stops)
    assert states[-1].item() == pytest.approx(0.045 + 5 * 0.49, abs=1e-9)
    assert min(abs(t - 0.3) for t in seen) < 1e-12


def test_nothing_to_do():
    start = torch.randn(3, 2)
    states, alive = flow(turning, start, torch.tensor([2.0]), tol=1e-6)
    assert states[0].equal(start)
    assert alive.all()
    states, alive = flow(turning, start[:0], torch.tensor([0.0, 1.0]), tol=1e-6)
    assert states.shape == (2, 0, 2)
    assert alive.shape == (0,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_start(dtype, device):
    start = torch.randn(3, 2, dtype=dtype, device=device)
    states, _ = flow(turning, start, torch.tensor([0.0, 1.0], dtype=dtype, device=device), tol=1e-5)
    assert states.dtype == dtype
    assert states.device == start.device


def test_no_graph_is_kept():
    start = torch.randn(3, 2, requires_grad=True)
    assert not flow(turning, start, torch.tensor([0.0, 1.0]), tol=1e-5)[0].requires_grad


def test_the_lost_are_told():
    warn_of_the_lost(torch.ones(3, dtype=torch.bool), "geodesics")
    with pytest.warns(UserWarning, match="2 of 3 curves leave the region where `f` is finite, .* are nan: shorten"):
        warn_of_the_lost(torch.tensor([True, False, False]), "curves")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    with pytest.raises(ImportError, match=r"need torchdiffeq: `pip install latentbook\[more\]`"):
        flow(turning, torch.zeros(1, 2), torch.tensor([0.0, 1.0]), tol=1e-5)
