"""Planes of a family: turned onto each other, in one square, with one radius."""

import pytest
import torch
from torch import nn

from latentbook.isometry import ellipse_radius
from latentbook.metric import pullback_metric
from latentbook.press.figures.isometry import aligned
from latentbook.press.widgets import from_arrays
from latentbook.press.widgets.members import members_of
from latentbook.press.widgets.planes import PRIOR, planes_of, radius_of
from latentbook.press.widgets.points import Points
from tests.press.figures.isometry.runs import make_run
from tests.press.widgets.models import EVENT, decoder, vae


def points(x):
    return Points(x, None, [], "", b"", [])


def linear(matrix):
    """Return a decoder whose metric is known."""
    return from_arrays([matrix, None])


def test_a_turned_copy_of_a_model_has_the_plane_of_the_first():
    first, second = vae(0), vae(0)
    angle = torch.tensor(0.8)
    turn = torch.stack([angle.cos(), angle.sin(), angle.sin(), -angle.cos()]).reshape(2, 2)
    with torch.no_grad():
        last = second.encoder[-1][-1]
        last.weight[:2], last.bias[:2] = turn @ last.weight[:2], turn @ last.bias[:2]
    planes = planes_of(members_of([first, second]), points(torch.rand(30, *EVENT)))
    assert not torch.allclose(planes.own[0], planes.own[1])
    torch.testing.assert_close(planes.turned[0], planes.turned[1])
    assert planes.turns[0].equal(torch.eye(2))
    assert planes.turned[0].equal(planes.own[0])


def test_planes_are_those_of_the_figures():
    models, x = [vae(seed) for seed in range(3)], torch.rand(30, *EVENT)
    planes = planes_of(members_of(models), points(x))
    runs = [make_run(float(index), (1.0, 1.0), codes) for index, codes in enumerate(planes.own)]
    for own, turn, turned, plane in zip(planes.own, planes.turns, planes.turned, aligned(runs), strict=True):
        torch.testing.assert_close(turn.T @ turn, torch.eye(2))
        torch.testing.assert_close(own @ turn, turned)
        torch.testing.assert_close(turned, plane.codes)


def test_the_square_holds_all_planes_and_some_room():
    planes = planes_of(members_of([vae(0), vae(1)]), points(torch.rand(30, *EVENT)))
    all_codes = torch.cat(planes.turned)
    low, high = all_codes.amin(0), all_codes.amax(0)
    torch.testing.assert_close(torch.tensor(planes.centre), (low + high) / 2)
    assert planes.reach == pytest.approx(0.56 * float((high - low).max()))


def test_bare_decoders_share_their_codes():
    codes = torch.tensor([[1.0, 1.0], [2.0, 2.0]])
    planes = planes_of(members_of([decoder(0), decoder(1)]), points(codes))
    for own, turn, places in zip(planes.own, planes.turns, planes.places, strict=True):
        assert own.equal(codes)
        assert places.equal(codes)
        assert turn.equal(torch.eye(2))


def test_without_points_the_square_around_the_prior():
    planes = planes_of(members_of([vae(0), vae(1)]), None)
    assert (planes.centre, planes.reach) == ([0.0, 0.0], PRIOR)
    assert [len(codes) for codes in planes.own] == [0, 0]
    assert all(turn.equal(torch.eye(2)) for turn in planes.turns)
    assert planes.places[0].amin(0).tolist() == [-3, -3]
    assert planes.places[0].amax(0).tolist() == [3, 3]


def test_one_point_has_room_around_it():
    planes = planes_of(members_of(decoder()), points(torch.full((3, 2), 5.0)))
    assert (planes.centre, planes.reach) == ([5.0, 5.0], 1.0)


def test_codes_that_are_none():
    with pytest.raises(
        ValueError, match=r"`data` has examples of shape \(3,\), but `models` has no encoder: pass codes"
    ):
        planes_of(members_of(decoder()), points(torch.rand(5, 3)))
    with pytest.raises(ValueError, match="the codes of `models` has a number of size 70000"):
        planes_of(members_of(decoder()), points(torch.full((5, 2), 7e4)))


# ---- radius ----


def test_the_radius_is_that_of_the_figures():
    [member] = members_of(decoder())
    planes = planes_of([member], points(torch.randn(40, 2)))
    expected = ellipse_radius(pullback_metric(member.decode, planes.own[0]), planes.own[0], 0.12)
    assert radius_of(None, member, planes.places[0], planes) == pytest.approx(float(expected))
    assert radius_of(2, member, planes.places[0], planes) == 2.0


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[2.0, 0.0], [0.0, 2.0]], 0.12 * 2),
        # Flat along the second latent: half the trace of the metric is 2.
        ([[2.0, 0.0], [0.0, 0.0]], 0.12 * 2**0.5),
        ([[0.0, 0.0], [0.0, 0.0]], 1.0),
    ],
)
def test_radii_of_flat_decoders(matrix, expected):
    codes = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    [member] = members_of(linear(matrix))
    planes = planes_of([member], points(codes))
    assert radius_of(None, member, planes.places[0], planes) == pytest.approx(expected)


def test_points_in_one_place_are_measured_around_it():
    [member] = members_of(linear([[2.0, 0.0], [0.0, 2.0]]))
    planes = planes_of([member], points(torch.full((3, 2), 5.0)))
    # The variance of twelve equal steps from -1 to 1.
    spread = float(torch.linspace(-1, 1, 12).var(correction=0).sqrt())
    assert radius_of(None, member, planes.places[0], planes) == pytest.approx(0.12 * 2 * spread)


@pytest.mark.parametrize("radius", [0.0, -1.0, float("nan"), float("inf")])
def test_radii_that_are_none(radius):
    [member] = members_of(nn.Linear(2, 3))
    planes = planes_of([member], None)
    with pytest.raises(ValueError, match=r"`radius` is .*, but must be a finite number above 0"):
        radius_of(radius, member, planes.places[0], planes)
