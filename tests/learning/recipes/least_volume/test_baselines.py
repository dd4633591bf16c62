"""Principal components: known covariances, and the spectrum."""

import math

import pytest
import torch

from latentbook.learning.recipes.least_volume import load_data, pca_curve, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


def test_pca_of_a_known_covariance():
    """Orthogonal columns with known lengths: dropping one leaves exactly its length."""
    x = torch.tensor(
        [[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    )
    expected = [(6 + 4 + 2) / 6, (4 + 2) / 6, 2 / 6, 0.0]
    torch.testing.assert_close(pca_curve(x, x, 3), torch.tensor(expected), atol=1e-6, rtol=0)


def test_pca_of_the_digits():
    """Values of an independent implementation, to the digits that it gives."""
    training, test = load_data(settings(**SMOKE))
    curve = pca_curve(training[:], test[:], 20)
    found = {k: curve[k].item() for k in (8, 10, 12, 20)}
    assert found == pytest.approx({8: 1.23, 10: 1.105, 12: 1.004, 20: 0.712}, abs=5e-3)


def test_pca_agrees_with_the_spectrum():
    """The root mean square of the error is the rest of the spectrum; the mean norm lies below it."""
    training, _ = load_data(settings(**SMOKE))
    x = training[:].flatten(1)
    spectrum = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    curve = pca_curve(x, x, 10)
    for k in range(11):
        root_mean_square = math.sqrt(spectrum[k:].sum())
        assert 0.9 * root_mean_square < curve[k] <= root_mean_square * (1 + 1e-5)
