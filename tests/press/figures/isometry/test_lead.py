"""The slider shows for each weight its own codes, ellipses, line and scores."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.isometry import isometry_slider, straight_line
from tests.press.figures.isometry.runs import make_run

CODES = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 1.0], [0.5, 0.5]], dtype=torch.float64)
LABELS = torch.tensor([0, 1, 0, 1])


@pytest.fixture
def runs():
    return [make_run(0.0, (3.0, 1.0), CODES), make_run(10.0, (2.0, 2.0), 0.5 * CODES)]


def test_a_straight_line_decodes_equal_steps(runs):
    """The decoder is linear: so are its images along the line, from end to end."""
    images = straight_line(runs[0], (0, 2), steps=5)
    torch.testing.assert_close(images[0], runs[0].model.decode(CODES[0]).detach())
    torch.testing.assert_close(images[-1], runs[0].model.decode(CODES[2]).detach())
    torch.testing.assert_close(images.diff(dim=0), images.diff(dim=0)[:1].expand(4, -1, -1, -1))


def test_every_weight_is_a_frame_with_its_own(runs):
    figure = isometry_slider(runs, LABELS, (0, 2), active=1)
    assert [frame.name for frame in figure.frames] == ["0", "10"]
    for run, frame in zip(runs, figure.frames, strict=True):
        dots, _, line, family, dot = frame.data
        assert sorted(np.hypot(dots.x, dots.y)) == pytest.approx(sorted(run.codes.norm(dim=-1).tolist()), abs=2e-3)
        assert np.hypot(line.x[0], line.y[0]) == pytest.approx(run.codes[0].norm().item(), abs=2e-3)
        assert dot.x[0] == pytest.approx(max(float(run.condition.mean) - 1, 1e-6))
        assert dot.y[0] == run.error
        assert list(family.y) == [other.error for other in runs]
        words = next(note.text for note in frame.layout.annotations if note.name == "words")
        assert f"condition number {run.condition.mean:.2f}" in words
        assert f"{run.error:.4f}" in words


def test_one_radius_serves_all_weights(runs):
    """Half axes are the radius over the stretch: first 1 : 3, then a circle, 3 : 2 of the first."""
    figure = isometry_slider(runs, LABELS, (0, 2), active=1)
    extent = []
    for frame, run in zip(figure.frames, runs, strict=True):
        rings = np.stack([frame.data[1].x, frame.data[1].y], 1).astype(float)
        first = rings[: np.isnan(rings[:, 0]).argmax()]
        extent.append(np.ptp(first, axis=0) / 2)
        assert run.metric.shape == (4, 2, 2)
    assert extent[0][1] / extent[0][0] == pytest.approx(3, rel=0.05)
    assert extent[1][1] / extent[1][0] == pytest.approx(1, rel=0.05)
    assert extent[1][0] / extent[0][0] == pytest.approx(3 / 2, rel=0.05)


def test_images_of_the_line_differ_between_weights(runs):
    first, second = (frame.layout.images[0].source for frame in isometry_slider(runs, LABELS, (0, 2), 0).frames)
    assert first.startswith("data:image/png;base64,")
    assert first != second


def test_labels_of_others_are_refused(runs):
    with pytest.raises(ValueError, match="one label for each code"):
        isometry_slider(runs, LABELS[:3], (0, 1), 0)
