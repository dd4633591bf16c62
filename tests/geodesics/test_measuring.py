"""Lengths against closed forms: as good as wanted, with no more chords than that takes, and honest about the rest."""

import math

import pytest
import torch

from latentbook.geodesics import CubicBSpline, length, straight_line
from latentbook.geodesics.lengths import space_of
from latentbook.geodesics.measuring import LEAST, measured
from tests.surfaces import SURFACES, Counting, arc_length, swiss_roll


def lines(start, end, n=8):
    return straight_line(torch.tensor(start), torch.tensor(end), n)


@pytest.mark.parametrize("tol", [1e-3, 1e-5, 1e-8])
def test_a_spiral_is_as_long_as_its_formula_says(tol):
    ends = torch.tensor([1.0, 5.0, 14.0])
    curve = lines([[1.0, 0.0], [5.0, 0.0]], [[5.0, 0.0], [14.0, 0.0]])
    value, error = measured(space_of(swiss_roll), curve, tol, 10_000)
    off = (value / arc_length(ends).diff() - 1).abs()
    assert (error <= tol).all()
    assert (off <= error).all()


def test_a_corner_is_measured_and_its_error_is_no_smaller_than_it_is():
    """f has a corner where the first coordinate passes c: chords over it are short by the first power of their size."""
    corners = torch.linspace(0.05, 0.95, 19) + 1 / 77
    ends = torch.zeros(19, 2), torch.tensor([1.0, 0.0]).expand(19, 2)
    moved = straight_line(*ends, 8)
    moved.points[..., 1] = corners[:, None]

    def bent(z):
        x, c = z.unbind(-1)
        return torch.stack([x, 5 * (x - c).relu()], -1)

    value, error = measured(space_of(bent), moved, 1e-12, 100)
    expected = corners + (1 - corners) * math.sqrt(26)
    # A single corner, which falls between chords as it likes; on average the estimate is the larger.
    off = (value - expected).abs() / expected
    assert (off <= 3 * error + 1e-12).all()
    assert off.mean() < error.mean()


def test_many_corners_are_measured_better_than_as_if_it_were_smooth():
    f = torch.nn.Sequential(torch.nn.Linear(2, 400), torch.nn.ReLU(), torch.nn.Linear(400, 50))
    curve = straight_line(*(3 * torch.randn(2, 20, 2)))
    expected = length(f, curve, 2**15)
    value, error = measured(space_of(f), curve, 0.0, 640)
    off, smooth = ((some - expected).abs() / expected for some in (value, length(f, curve, 640)))
    assert off.mean() < 0.7 * smooth.mean()
    assert (off <= error).float().mean() > 0.8
    assert off.mean() < error.mean()


def test_metrics_too():
    f, metric = SURFACES["torus"]
    curve = CubicBSpline(torch.randn(4, 8, 2))
    value, error = measured(space_of(None, metric), curve, 1e-7, 10_000)
    torch.testing.assert_close(value, measured(space_of(f), curve, 1e-7, 10_000)[0], rtol=1e-6, atol=0)
    assert (error <= 1e-7).all()


def test_each_curve_takes_what_it_needs():
    """A straight image takes the first chords; the other goes on, alone, up to as many as are allowed."""
    f = Counting(lambda z: torch.stack([z[:, 0], (z[:, 0] * z[:, 1]).sin()], -1))
    curve = lines([[0.0, 0.0], [0.0, 60.0]], [[1.0, 0.0], [1.0, 60.0]])
    value, error = measured(space_of(f), curve, 1e-9, 640)
    assert sum(f.seen) == 2 * (LEAST + 1) + sum(LEAST * 2**k + 1 for k in range(1, 5))
    assert value[0].item() == pytest.approx(1, abs=1e-12)
    assert error[0] <= 1e-9 < error[1]


def test_what_stands_still_and_what_is_not_finite():
    value, error = measured(space_of(lambda z: 0 * z), lines([[0.0, 1.0]], [[1.0, 1.0]]), 1e-4, 100)
    assert value.item() == error.item() == 0
    value, error = measured(space_of(lambda z: z.log()), lines([[-1.0, 1.0]], [[1.0, 1.0]]), 1e-4, 100)
    assert not value.isfinite()
    assert not error.isfinite()
    assert measured(space_of(torch.sin), CubicBSpline(torch.zeros(0, 8, 2)), 1e-4, 100)[0].shape == (0,)
