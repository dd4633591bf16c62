"""The slider over λ shows the runs' own numbers."""

import numpy as np
import pytest
import torch

from latentbook.learning.recipes.least_volume import family, load_data, pca_curve, settings
from latentbook.press.figures.least_volume import volume_slider


@pytest.fixture(scope="module")
def smoke():
    torch.set_default_dtype(torch.float32)
    chosen = settings(scale="smoke", device="cpu")
    training, test = load_data(chosen)
    runs = family(chosen, [0.01, 0.3])
    return runs, test[:4], pca_curve(training[:], test[:], 32)


@pytest.fixture(autouse=True)
def _float32():
    torch.set_default_dtype(torch.float32)


def test_every_weight_is_a_frame_with_its_own_widths(smoke):
    runs, images, pca = smoke
    figure = volume_slider(runs, images, pca, active=1)
    assert [frame.name for frame in figure.frames] == ["0.01", "0.3"]
    for run, frame in zip(runs, figure.frames, strict=True):
        bars, _, family_points, dot, above, below = frame.data
        np.testing.assert_allclose(bars.y, run.std.sort(descending=True).values, atol=1e-4)
        assert (
            sum(colour == bars.marker.color[0] for colour in bars.marker.color) == run.dimensions or not run.dimensions
        )
        assert (dot.x[0], dot.y[0]) == (run.dimensions, run.error)
        assert list(family_points.x) == [other.dimensions for other in runs]
        assert above.z.shape == below.z.shape == (8, 4 * 9 - 1)


def test_reconstructions_are_the_model_s(smoke):
    runs, images, pca = smoke
    frame = volume_slider(runs, images, pca, 0).frames[0]
    with torch.no_grad():
        decoded = runs[0].model.decode(runs[0].model.encode(images)).clamp(0, 1)
    np.testing.assert_allclose(np.asarray(frame.data[5].z)[::-1][:, :8], decoded[0, 0], atol=1e-3)
    np.testing.assert_allclose(np.asarray(frame.data[4].z)[::-1][:, :8], images[0, 0], atol=1e-3)


def test_the_words_are_the_numbers(smoke):
    runs, images, pca = smoke
    kept, collapsed = (frame.layout.annotations[0].text for frame in volume_slider(runs, images, pca, 0).frames)
    assert f"{runs[0].dimensions} of 32 dimensions" in kept
    assert f"error {runs[0].error:.2f}" in kept
    assert "collapsed" in collapsed
