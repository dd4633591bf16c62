"""The slider over λ shows the runs' own numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.recipes.least_volume import family, load_data, pca_curve, settings
from latentbook.press.figures.least_volume import volume_slider
from latentbook.press.figures.pairs import DECODED, ORIGINAL, Pairs
from tests.press.figures.test_parts import pixels


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
        bars, _, family_points, dot = frame.data
        widths = run.std.sort(descending=True).values
        np.testing.assert_allclose(bars.customdata, widths, atol=1e-4)
        # Drawn on a root scale, with rounded heights.
        np.testing.assert_allclose(bars.y, widths.sqrt(), atol=1e-2)
        assert (
            sum(colour == bars.marker.color[0] for colour in bars.marker.color) == run.dimensions or not run.dimensions
        )
        assert (dot.x[0], dot.y[0]) == (run.dimensions, run.error)
        assert list(family_points.x) == [other.dimensions for other in runs]


def test_reconstructions_are_the_model_s(smoke):
    runs, images, pca = smoke
    figure = volume_slider(runs, images, pca, 0)
    with torch.no_grad():
        decoded = runs[1].model.decode(runs[1].model.encode(images)).clamp(0, 1)
    pairs = Pairs(4, 8, 8, columns=4, axes=("x3", "y3"))
    (originals,) = figure.layout.template.layout.images
    assert originals.source == pairs.picture(images, ORIGINAL)["source"]
    assert figure.frames[1].layout.images[0].source == pairs.picture(decoded, DECODED)["source"]
    assert figure.frames[0].layout.images[0].source != figure.frames[1].layout.images[0].source


def test_colour_images_are_shown_in_their_colours(smoke):
    """Three channels are no ink on paper: the red image's first pixel is red."""
    runs, _, pca = smoke
    red = torch.zeros(2, 3, 4, 4)
    red[:, 0] = 1
    paint = Autoencoder(nn.Identity(), nn.Identity())
    figure = volume_slider([replace(run, model=paint) for run in runs], red, pca, 0)
    assert pixels(figure.frames[0].layout.images[0].source)[0, 0].tolist() == [255, 0, 0, 255]


def test_the_words_are_the_numbers(smoke):
    runs, images, pca = smoke
    kept, collapsed = (frame.layout.annotations[0].text for frame in volume_slider(runs, images, pca, 0).frames)
    assert f"{runs[0].dimensions} of 32 dimensions" in kept
    assert f"error {runs[0].error:.2f}" in kept
    assert "collapsed" in collapsed
