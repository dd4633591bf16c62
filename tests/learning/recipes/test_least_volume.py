"""Chapter 1's recipe: checked settings, equal starts, held-out measurements, and the closed form of PCA."""

import dataclasses
import math

import pytest
import torch

from latentbook.learning.recipes import least_volume
from latentbook.learning.recipes.least_volume import SCALES, Scale, build, family, pca_curve, settings, train

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.fixture(autouse=True)
def _float32():
    """The chapter trains in float32, as its readers do."""
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("scale", "large", ValueError, r"one of \['smoke', 'book', 'paper'\]"),
        ("dataset", "mnits", ValueError, r"one of \['digits', 'mnist', 'fashion'"),
        ("dataset", 28, TypeError, r"`-r dataset 28`"),
        ("device", "tpu", ValueError, r"\['auto', 'cpu'"),
        ("seed", -1, ValueError, r"`seed` is -1"),
        ("seed", 0.5, TypeError, r"`-p seed 0`"),
        ("lam", -1, ValueError, r"`lam` is -1"),
        ("lam", "0.1", TypeError, r"`-p lam"),
        ("eta", float("nan"), ValueError, r"`eta` is nan"),
        ("latent_dim", 1, ValueError, r"`latent_dim` is 1, but must be from 2"),
    ],
)
def test_wrong_parameters_stop_before_anything_is_loaded(monkeypatch, name, value, error, message):
    monkeypatch.setattr(least_volume, "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(error, match=message):
        settings(**{**SMOKE, name: value})


def test_the_grid_has_eight_weights_and_takes_in_the_readers():
    assert len(settings(**SMOKE).lambdas) >= 8
    assert settings(**SMOKE, lam=0.07).lambdas == tuple(sorted({*least_volume.LAMBDAS, 0.07}))


def test_the_decoder_is_bounded_and_without_the_bound_it_is_not():
    chosen = settings(**SMOKE)
    for lipschitz in (True, False):
        model = build(chosen, (1, 8, 8), lipschitz=lipschitz).train()
        with torch.no_grad():
            model.decode(torch.zeros(300, 32)[:1])
        for _ in range(300):  # one power iteration each
            model.decode(torch.zeros(1, 32))
        model.eval()
        a, b = torch.randn(500, 32), torch.randn(500, 32)
        slope = (model.decode(a) - model.decode(b)).flatten(1).norm(dim=1) / (a - b).norm(dim=1)
        assert (slope.max() <= 1.001) if lipschitz else (slope.max() > 0)
        assert ("parametrizations" in str(model)) == lipschitz or not lipschitz


def test_a_family_starts_from_the_same_weights_and_batches():
    """With equal weights of the penalty the members are equal, so nothing but λ tells them apart."""
    first, second = family(settings(**SMOKE), [0.03, 0.03])
    assert first.history.terms["reconstruction"].equal(second.history.terms["reconstruction"])
    assert first.std.equal(second.std)


def test_a_larger_weight_keeps_a_smaller_volume():
    small, large = family(settings(**SMOKE), [0.003, 0.3])
    assert large.history.terms["volume"][-1] < small.history.terms["volume"][-1]
    assert large.dimensions == 0
    assert large.error == pytest.approx(float(large.curve[-1]), rel=0.01)


def test_training_reads_no_test_image(monkeypatch):
    chosen = settings(**SMOKE)
    training, test = least_volume.load_data(chosen)
    other = dataclasses.replace(chosen)
    blank = type(test)(torch.zeros_like(test.x), test.y, full_scale=16)
    one, two = train(chosen, 0.03), train(other, 0.03, data=(training, blank))
    assert one.std.equal(two.std)
    assert not one.curve.equal(two.curve)


def test_ranks_and_means_come_from_the_training_data():
    chosen = settings(**SMOKE)
    run = train(chosen, 0.01)
    training, test = least_volume.load_data(chosen)
    with torch.no_grad():
        z, codes = run.model.encode(test[:]), run.model.encode(training[:])
        narrowest = int(codes.std(0).argmin())
        z[:, narrowest] = codes[:, narrowest].mean()
        expected = (run.model.decode(z) - test[:]).flatten(1).norm(dim=1).mean()
    torch.testing.assert_close(run.curve[1], expected)


def test_paper_scale_is_the_original_s_length():
    assert SCALES["paper"] == Scale(steps=400 * 60_000 // 100, batch_size=100, learning_rate=1e-4)


def test_pca_of_a_known_covariance():
    """Orthogonal columns with known lengths: dropping one leaves exactly its length."""
    x = torch.tensor(
        [[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    )
    expected = [(6 + 4 + 2) / 6, (4 + 2) / 6, 2 / 6, 0.0]
    torch.testing.assert_close(pca_curve(x, x, 3), torch.tensor(expected), atol=1e-6, rtol=0)


def test_pca_agrees_with_the_spectrum():
    """The root mean square of the error is the rest of the spectrum; the mean norm lies below it."""
    training, _ = least_volume.load_data(settings(**SMOKE))
    x = training[:].flatten(1)
    spectrum = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    curve = pca_curve(x, x, 10)
    for k in range(11):
        root_mean_square = math.sqrt(spectrum[k:].sum())
        assert 0.9 * root_mean_square < curve[k] <= root_mean_square * (1 + 1e-5)
