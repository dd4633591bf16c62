"""Angles that are read from codes: whichever circle has them, whatever it counts from, whatever codes lie on."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from latentbook.learning.recipes.hyperspherical import read_by_circles, read_by_least_squares
from latentbook.sphere import circular_correlation


def circle(angle):
    return torch.stack([angle.cos(), angle.sin()], -1)


@pytest.fixture
def angles():
    return 2 * math.pi * torch.rand(400, 2)


def test_circles_may_be_turned_mirrored_and_in_any_order(angles):
    hour, minute = angles.unbind(-1)
    codes = torch.cat([circle(1 - minute), circle(hour + 2)], -1)
    torch.testing.assert_close(read_by_circles(codes, angles), torch.ones(2))
    codes = torch.cat([circle(hour + 2), circle(1 - minute)], -1)
    torch.testing.assert_close(read_by_circles(codes, angles), torch.ones(2))


def test_no_circle_tells_two_angles(angles):
    """The second circle is noise: one of the hands is not told, though the first tells the other."""
    hour, _ = angles.unbind(-1)
    noise = 2 * math.pi * torch.rand(400)
    told, lost = read_by_circles(torch.cat([circle(noise), circle(hour)], -1), angles)
    assert told.item() == pytest.approx(1)
    # Of independent angles the correlation times their number is above 10 with a chance of 5e-5.
    assert lost < 10 / 400


def test_the_fit_is_that_of_the_angles(angles):
    noisy = angles + 0.7 * torch.randn(400, 2)
    found = read_by_circles(torch.cat([circle(noisy[:, 0]), circle(noisy[:, 1])], -1), angles)
    expected = circular_correlation(noisy.mT, angles.mT)
    torch.testing.assert_close(found, expected)


def test_one_circle_for_each_angle_is_asked_for(angles):
    with pytest.raises(ValueError, match="`codes` have 3 coordinates for 2 angles: give one circle for each, 4"):
        read_by_circles(torch.rand(400, 3), angles)


def test_a_plane_of_any_codes_tells_an_angle(angles):
    """The torus lies flat in R^4, turned, stretched and shifted; beside it are coordinates that say nothing."""
    torus = torch.cat([circle(angles[:, 0]), circle(angles[:, 1])], -1)
    codes = torch.cat([torus @ torch.randn(4, 4) + 3, torch.zeros(400, 1), torch.randn(400, 1)], -1)
    found = read_by_least_squares(codes[:300], angles[:300], codes[300:], angles[300:])
    torch.testing.assert_close(found, torch.ones(2))


def test_what_codes_do_not_say_is_not_read(angles):
    codes = normalize(torch.randn(400, 3), dim=-1)
    found = read_by_least_squares(codes[:200], angles[:200], codes[200:], angles[200:])
    assert bool((found < 10 / 200).all())


def test_what_was_fitted_is_not_what_is_measured(angles):
    """As many codes as coordinates are told by heart, and say nothing of others."""
    codes = torch.randn(400, 201)
    found = read_by_least_squares(codes[:200], angles[:200], codes[200:], angles[200:])
    assert bool((found < 0.2).all())
    again = read_by_least_squares(codes[:200], angles[:200], codes[:200], angles[:200])
    torch.testing.assert_close(again, torch.ones(2))
