"""How well curves follow the direction of least change: by definition, at ties, and where nothing changes."""

import math

import pytest
import torch

from latentbook.geodesics import CubicBSpline, curve_alignment, straight_line

DIRECTIONS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)


def constant(*eigenvalues):
    return lambda z: torch.diag(torch.tensor(eigenvalues)).expand(len(z), -1, -1)


def lines(directions):
    return straight_line(torch.zeros_like(directions), directions)


def test_directions_in_a_constant_metric():
    """R15: eigenvalues 1 and 4, along, across and at 3 to 4."""
    found = curve_alignment(None, lines(DIRECTIONS), metric=constant(1.0, 4.0))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0, 0.6]))


def test_a_decoder_is_measured_by_its_pull_back():
    found = curve_alignment(lambda z: z * torch.tensor([1.0, 2.0]), lines(DIRECTIONS))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0, 0.6]))


def test_where_all_directions_are_alike_every_curve_follows_them():
    """The original takes an arbitrary eigenvector there, and found 0.6 for one direction."""
    torch.testing.assert_close(curve_alignment(None, lines(DIRECTIONS), metric=constant(3.0, 3.0)), torch.ones(3))


def test_at_a_tie_the_projection_onto_all_smallest_directions_counts():
    ways = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [1.0, 1.0, 1.0]])
    found = curve_alignment(None, lines(ways), metric=constant(1.0, 1.0, 9.0))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.6, math.sqrt(2 / 3)]))


def test_nothing_jumps_when_eigenvalues_meet():
    """Across the smaller of two: from 0 to 1 in a straight line as the ratio falls to 1."""
    across = lines(torch.tensor([[0.0, 1.0]]))
    found = [curve_alignment(None, across, metric=constant(1.0, 1 + gap)).item() for gap in (0.01, 0.0075, 0.005, 0.0)]
    assert found == pytest.approx([0.0, 0.25, 0.5, 1.0], abs=1e-9)


def test_it_does_not_depend_on_the_axes():
    torch.manual_seed(0)
    turn = torch.linalg.qr(torch.randn(3, 3))[0]
    ways = torch.randn(5, 3)

    def turned(z):
        return (turn @ torch.diag(torch.tensor([1.0, 2.0, 5.0])) @ turn.T).expand(len(z), -1, -1)

    found = curve_alignment(None, lines(ways @ turn.T), metric=turned)
    torch.testing.assert_close(found, curve_alignment(None, lines(ways), metric=constant(1.0, 2.0, 5.0)))


def test_places_where_directions_differ_count_by_how_much():
    """Half of the way along at condition 2, half across at condition 8: 2 / (2 + 8)."""

    def metric(z):
        first = z[:, 0] < 0.5
        G = torch.where(first[:, None], torch.tensor([1.0, 2.0]), torch.tensor([8.0, 1.0]))
        return torch.diag_embed(G)

    along = lines(torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(curve_alignment(None, along, metric=metric), torch.tensor([0.2]))


def test_a_direction_that_moves_nothing_does_not_count_without_bound():
    """Its condition is at most the inverse of the floor: a half at 10⁴ along, a half at 1 where all follow."""

    def decoder(z):
        x, y = z.unbind(-1)
        # Before the middle y is not seen, after it both are.
        return torch.stack([x, torch.where(x > 0.5, y, 0)], -1)

    found = curve_alignment(decoder, lines(torch.tensor([[1.0, 0.0]])), floor=1e-4)
    torch.testing.assert_close(found, torch.tensor([1 / (1e4 + 1)]))


def test_the_speed_does_not_matter_and_standing_still_does_not_count():
    bent = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    still = CubicBSpline(bent)
    torch.testing.assert_close(curve_alignment(None, still, metric=constant(1.0, 4.0)), torch.tensor(1.0))
    nowhere = straight_line(torch.ones(2), torch.ones(2))
    assert curve_alignment(None, nowhere, metric=constant(1.0, 4.0)).isnan()


def test_any_callable_of_torch_is_a_curve():
    found = curve_alignment(None, lambda t: torch.stack([t, t**2], -1), n=2000, metric=constant(1.0, 4.0))
    # The mean of 1 / √(1 + 4t²), asinh(2) / 2; the middle rule at 2,000 points errs by some 1e-7.
    assert found.item() == pytest.approx(math.asinh(2) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 0}, "`n` is 0"),
        ({"floor": 0.0}, "`floor` is 0.0"),
        ({"floor": 2.0}, "`floor` is 2.0"),
        ({"tie": 0.0}, "`tie` is 0.0"),
    ],
)
def test_numbers_out_of_range_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        curve_alignment(None, lines(DIRECTIONS), metric=constant(1.0, 4.0), **given)


def test_a_metric_that_measures_nothing_is_named_by_its_point():
    with pytest.raises(ValueError, match=r"not symmetric and positive definite at \["):
        curve_alignment(None, lines(DIRECTIONS), metric=constant(1.0, -4.0))


def test_a_curve_that_cannot_be_differentiated_is_refused(unchecked):
    with pytest.raises(TypeError, match="`curve` cannot be differentiated"):
        curve_alignment(None, lambda t: torch.ones(len(t), 2), metric=constant(1.0, 4.0))
