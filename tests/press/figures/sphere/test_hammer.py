"""Codes of S^2 on Hammer's map: inside its ellipse, at one scale, each class by colour and shape."""

import math

import numpy as np
import pytest
import torch

from latentbook.press.figures import CLASSES
from latentbook.press.figures.sphere import HAMMER_PHONE, hammer_figure
from latentbook.sphere import UniformSphere, hammer_projection

CODES = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
LABELS = torch.tensor([0, 2, 0, 2])
NAMES = ["zero", "one", "two"]
ROOT = math.sqrt(2)


def points(trace):
    found = np.stack([trace.x, trace.y], -1)
    return found[~np.isnan(found).any(-1)]


def on_ellipse(found):
    return (found[:, 0] / (2 * ROOT)) ** 2 + (found[:, 1] / ROOT) ** 2


def test_codes_are_where_the_map_has_them():
    *_, first, last = hammer_figure(CODES, LABELS, NAMES).data
    assert (first.name, last.name) == ("zero", "two")
    # (1, 0, 0) in the middle; (0, 1, 0) a quarter of the equator further, the poles at both ends.
    assert points(first) == pytest.approx(
        np.array([[0, 0], [2 * ROOT * math.sin(math.pi / 4) / math.sqrt(1 + ROOT / 2), 0]]), abs=1e-3
    )
    assert points(last) == pytest.approx(np.array([[0, ROOT], [0, -ROOT]]), abs=1e-3)


def test_classes_have_their_colours_and_shapes():
    *_, first, last = hammer_figure(CODES, LABELS, NAMES).data
    assert (first.marker.color, last.marker.color) == (CLASSES[0], CLASSES[2])
    assert first.marker.symbol != last.marker.symbol


def test_the_outline_is_the_ellipse_on_both_sides():
    outline = points(hammer_figure(CODES).data[1])
    assert on_ellipse(outline) == pytest.approx(1, abs=1e-3)
    assert (outline[:, 0].min(), outline[:, 0].max()) == pytest.approx((-2 * ROOT, 2 * ROOT), abs=1e-3)


def test_the_graticule_is_every_thirty_degrees():
    graticule = hammer_figure(CODES).data[0]
    # Eleven meridians and five parallels, each of which ends where the pen is lifted.
    assert int(np.isnan(np.asarray(graticule.x)).sum()) == 11 + 5
    found = points(graticule)
    assert on_ellipse(found).max() < 1 + 1e-3
    # Between two meridians, only the parallel of 30 degrees goes through this point.
    up, across = math.radians(30), math.radians(12)
    point = torch.tensor([math.cos(up) * math.cos(across), math.cos(up) * math.sin(across), math.sin(up)])
    assert np.abs(found - hammer_projection(point).numpy()).sum(-1).min() < 1e-3


def test_equal_lengths_look_equal_and_all_is_in_sight():
    figure = hammer_figure(UniformSphere(3).sample((500,)))
    assert figure.layout.yaxis.scaleanchor == "x"
    assert not figure.layout.xaxis.visible
    assert not figure.layout.yaxis.visible
    for trace in figure.data:
        found = points(trace)
        assert np.abs(found[:, 0]).max() < figure.layout.xaxis.range[1]
        assert np.abs(found[:, 1]).max() < figure.layout.yaxis.range[1]
    assert HAMMER_PHONE["height"] < figure.layout.height


def test_codes_without_classes_have_one_look_and_no_key():
    figure = hammer_figure(CODES.float())
    assert len(figure.data) == 3
    assert not any(trace.showlegend for trace in figure.data)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="codes"):
        hammer_figure(CODES[:, :2])
    with pytest.raises(ValueError, match="norm"):
        hammer_figure(2 * CODES)
    with pytest.raises(ValueError, match="labels"):
        hammer_figure(CODES, LABELS[:3], NAMES)
    for labels, names in ((LABELS, NAMES[:2]), (LABELS - 1, NAMES), (LABELS, [str(k) for k in range(11)])):
        with pytest.raises(ValueError, match="`labels` go from"):
            hammer_figure(CODES, labels, names)
