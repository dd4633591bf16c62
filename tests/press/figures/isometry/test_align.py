"""Planes are turned onto each other, and say the same afterwards."""

import math

import torch

from latentbook.isometry import condition_number, metric_variance
from latentbook.press.figures.isometry import Plane, aligned
from tests.press.figures.isometry.runs import make_run

CODES = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 1.0], [0.5, 0.5]], dtype=torch.float64)


def rotation(angle, mirrored=False):
    c, s = math.cos(angle), math.sin(angle)
    turned = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    return turned @ torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64)) if mirrored else turned


def test_a_turned_and_mirrored_copy_comes_back():
    runs = [make_run(0.0, (1.0, 2.0), CODES)]
    runs += [make_run(1.0, (1.0, 2.0), CODES @ rotation(angle, mirrored)) for angle, mirrored in ((1.0, 0), (2.0, 1))]
    for plane in aligned(runs):
        torch.testing.assert_close(plane.codes, CODES)


def test_the_first_plane_is_as_it_is():
    run = make_run(0.0, (1.0, 2.0), CODES)
    assert aligned([run])[0].codes.equal(CODES)


def test_each_plane_is_turned_onto_its_own_predecessor():
    angles = [0.0, 0.4, 0.8, 1.2]
    runs = [make_run(float(k), (1.0, 2.0), CODES @ rotation(angle)) for k, angle in enumerate(angles)]
    for plane in aligned(runs):
        torch.testing.assert_close(plane.codes, CODES)


def test_the_metric_turns_along():
    """Scores are those of before, and the length of a step between two codes too."""
    metric = torch.tensor([[[3.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [0.0, 5.0]]], dtype=torch.float64)
    plane = Plane(CODES[:2], metric)
    turned = plane.turned(rotation(0.7, mirrored=True))
    step, step_turned = CODES[1] - CODES[0], turned.codes[1] - turned.codes[0]
    for before, after in zip(metric, turned.metric, strict=True):
        torch.testing.assert_close(step @ before @ step, step_turned @ after @ step_turned)
    torch.testing.assert_close(condition_number(turned.metric).each, condition_number(metric).each)
    torch.testing.assert_close(metric_variance(turned.metric), metric_variance(metric))
