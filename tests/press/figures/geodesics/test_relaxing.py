"""The slider shows each moment's own curve and length over the plane of its decoder."""

import numpy as np
import pytest
import torch

from latentbook.geodesics import CubicBSpline, straight_line
from latentbook.press.figures import ACCENT, WARM
from latentbook.press.figures.geodesics import RELAXING_PHONE, Moment, relaxing_slider
from latentbook.press.figures.geodesics.relaxing import CELLS

A, B = torch.tensor([[-1.0, -1.0], [1.0, 0.5]], dtype=torch.float64)


def decoder(z):
    """Enlarges areas by exp(2 x)."""
    x, y = z.unbind(-1)
    return torch.stack([x.exp(), x.exp() * y], -1)


def bent(by):
    line = straight_line(A, B, 6)
    points = line.points.clone()
    points[2:4, 1] += by
    return CubicBSpline(points, line.knots)


MOMENTS = [Moment(0, bent(0.0), 4.0), Moment(3, bent(0.5), 3.2), Moment(8, bent(0.8), 3.0)]


def points(trace):
    return np.stack([trace.x, trace.y], -1).astype(float)


def words(frame):
    (note,) = (note for note in frame.layout.annotations if note.name == "words")
    return note.text


def test_every_moment_is_a_frame_with_its_own_curve_length_and_words():
    figure = relaxing_slider(decoder, MOMENTS, reach=2.0, active=0)
    assert [frame.name for frame in figure.frames] == ["0", "3", "8"]
    for place, (moment, frame) in enumerate(zip(MOMENTS, figure.frames, strict=True)):
        curve, dot = frame.data
        # Rounded to three digits after the point.
        np.testing.assert_allclose(points(curve), moment.curve(torch.linspace(0, 1, len(curve.x))), atol=6e-4)
        assert (dot.x[0], dot.y[0]) == (place, moment.length)
        assert (dot.xaxis, dot.yaxis) == ("x2", "y2")
        assert curve.line.color == dot.marker.color == ACCENT
    assert [words(frame) for frame in figure.frames] == [
        "<b>length 4.00</b>, the straight line",
        "<b>length 3.20</b>, 20.0 % shorter than the straight line",
        "<b>length 3.00</b>, 25.0 % shorter than the straight line",
    ]


def test_two_moments_of_one_length_and_count_keep_their_places():
    moments = [MOMENTS[0], MOMENTS[1], MOMENTS[1]]
    assert [frame.data[1].x[0] for frame in relaxing_slider(decoder, moments, 2.0, 0).frames] == [0, 1, 2]


def test_the_straight_line_stays_dotted_under_the_curve_and_lengths_beside_it():
    figure = relaxing_slider(decoder, MOMENTS, reach=2.0, active=1)
    _, straight, lengths, _, dot = figure.data
    np.testing.assert_allclose(points(straight)[[0, 30, -1]], [A.tolist(), straight_at(30), B.tolist()], atol=6e-4)
    assert (straight.line.color, straight.line.dash) == (WARM, "dot")
    assert list(lengths.y) == [4.0, 3.2, 3.0]
    assert (dot.x[0], dot.y[0]) == (1, 3.2)
    assert list(figure.layout.xaxis2.ticktext) == ["0", "3", "8"]
    assert all(tuple(frame.traces) == (3, 4) for frame in figure.frames)
    low, high = figure.layout.yaxis2.range
    assert low < 3.0 < 4.0 < high
    (rule,) = figure.layout.shapes
    assert (rule.y0, rule.y1, rule.yref) == (3.0, 3.0, "y2")


def straight_at(index):
    return (A + (B - A) * index / 59).tolist()


def test_the_shade_is_the_logarithm_of_how_much_areas_grow():
    shades = relaxing_slider(decoder, MOMENTS, reach=2.0, active=0).data[0]
    assert shades.z.shape == (CELLS, CELLS)
    # Rounded to two digits; the same in every row, since only the first latent counts.
    np.testing.assert_allclose(shades.z, np.broadcast_to(2 * np.array(shades.x), (CELLS, CELLS)), atol=6e-3)
    np.testing.assert_allclose([shades.x[0], shades.x[-1]], [-2 + 2 / CELLS, 2 - 2 / CELLS], atol=1e-4)
    np.testing.assert_allclose(shades.y, shades.x)


def test_a_decoder_in_training_and_in_single_precision_will_do():
    """Curves say in which precision, and on which device, the decoder is asked."""
    network = torch.nn.Linear(2, 5).float()
    moments = [
        Moment(k, CubicBSpline(m.curve.points.float().requires_grad_(), m.curve.knots.float()), m.length)
        for k, m in enumerate(MOMENTS)
    ]
    shades = relaxing_slider(network, moments, reach=1.0, active=0).data[0]
    assert np.ptp(shades.z) < 0.02


def test_the_plane_has_one_scale_and_the_phone_has_the_lengths_below_it():
    figure = relaxing_slider(decoder, MOMENTS, reach=2.0, active=0)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert list(figure.layout.xaxis.range) == list(figure.layout.yaxis.range) == [-2, 2]
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert RELAXING_PHONE["yaxis.domain"][0] > RELAXING_PHONE["yaxis2.domain"][1] + 0.1
    assert RELAXING_PHONE["xaxis.domain"] == RELAXING_PHONE["xaxis2.domain"] == [0.0, 1.0]


@pytest.mark.parametrize("shape", [(6, 3), (1, 6, 2)])
def test_curves_that_are_not_one_of_a_plane_are_refused(shape):
    wrong = Moment(1, CubicBSpline(torch.zeros(shape)), 1.0)
    with pytest.raises(ValueError, match=r"`curve.points` has shape"):
        relaxing_slider(decoder, [MOMENTS[0], wrong], reach=2.0, active=0)
