"""Samples: pixels that are what was generated, and a distance with a closed form."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from PIL import Image
from torch import nn

from latentbook.core import seeded
from latentbook.learning import samples
from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.bigan import bigan_conv, bigan_mlp
from latentbook.learning.models.convolutional import conv_decoder, conv_encoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.samples import draw_samples, frechet_distance, save_samples

MODELS = {
    "mlp": lambda: VAE(mlp_encoder((1, 8, 8), [8], 6), mlp_decoder(3, [8], (1, 8, 8)).append(nn.Sigmoid())),
    "conv": lambda: VAE(conv_encoder(6, (3, 8, 8)), conv_decoder(3, (3, 8, 8))),
    "bigan": lambda: bigan_mlp(3, (1, 8, 8)),
    "bigan conv": lambda: bigan_conv(3, (1, 8, 8)),
}


def read(file):
    with Image.open(file) as image:
        return image.mode, image.size, np.array(image)


# ---- drawing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_model_s_samples_are_its_decoded_prior(name, device, monkeypatch):
    """In eval mode, of codes that the seed alone decides, whatever the chunks; the model is left as it is."""
    model = MODELS[name]().to(device).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = draw_samples(model, 7, seed=5)
    assert model.training
    assert all(model.state_dict()[key].equal(value) for key, value in before.items())
    z = torch.randn(7, 3, generator=torch.Generator(device).manual_seed(5), device=device)
    expected = model.eval().decode(z)
    torch.testing.assert_close(x, expected)
    assert not x.requires_grad
    monkeypatch.setattr(samples, "CHUNK", 2)
    torch.testing.assert_close(draw_samples(model, 7, seed=5, latent_dim=3), expected)
    assert not draw_samples(model, 7, seed=6).equal(x)


def test_codes_are_standard_normal():
    """60,000 numbers: mean and variance within 5 standard errors of 0 and 1."""
    z = draw_samples(Autoencoder(nn.Linear(3, 3), nn.Identity()), 20_000, latent_dim=3)
    assert abs(z.mean()) < 5 / 60_000**0.5
    assert abs(z.var() - 1) < 5 * (2 / 60_000) ** 0.5


def test_examples_of_data_are_drawn_without_replacement():
    data = Dataset(torch.arange(50.0)[:, None])
    found = draw_samples(data, 50, seed=1).flatten()
    assert not found.equal(data.x.flatten())
    assert found.sort().values.equal(data.x.flatten())
    assert draw_samples(data, 5, seed=1).flatten().equal(found[:5])
    assert not draw_samples(data, 50, seed=2).flatten().equal(found)


def test_the_caller_s_random_numbers_are_left_alone():
    for source in (bigan_mlp(2, (3,)), Dataset(torch.rand(9, 3))):
        with seeded(0):
            expected = torch.rand(3)
        with seeded(0):
            draw_samples(source, 4)
            assert torch.rand(3).equal(expected)


def test_a_model_whose_codes_have_no_size_is_told_one():
    model = Autoencoder(nn.Identity(), nn.Tanh())
    model.scale = nn.Parameter(torch.ones(()))
    with pytest.raises(ValueError, match="`latent_dim` is None, but the model's decoder has no linear layer"):
        draw_samples(model, 3)
    assert draw_samples(model, 3, latent_dim=2).shape == (3, 2)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="`n` is 0, but must be at least 1"):
        draw_samples(bigan_mlp(2, (3,)), 0)
    with pytest.raises(ValueError, match="`n` is 10, but 'custom' has 9 examples: pass at most as many"):
        draw_samples(Dataset(torch.rand(9, 3)), 10)


# ---- files -----------------------------------------------------------------------------------------------------------


def test_files_are_the_very_pixels(tmp_path):
    """The original's are figures of 1,200 pixels with axes, each stretched to its own contrast."""
    data = Dataset(torch.randint(0, 200, (12, 1, 5, 9), dtype=torch.uint8))
    files = save_samples(data, 12, tmp_path / "new" / "folder", seed=3)
    assert [file.name for file in files] == [f"{k:05}.png" for k in range(12)]
    assert sorted(files) == sorted((tmp_path / "new" / "folder").iterdir())
    drawn = draw_samples(data, 12, seed=3)
    for file, x in zip(files, drawn, strict=True):
        mode, size, pixels = read(file)
        assert (mode, size) == ("L", (9, 5))
        assert (pixels == (255 * x[0]).round().numpy()).all()


def test_a_model_s_colours_and_rounding(tmp_path):
    class Levels(nn.Module):
        def decode(self, z):
            return torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 100.4 / 255, 100.6 / 255, 1.0]).reshape(1, 3, 1, 2)

    model = Levels()
    model.decoder = nn.Linear(1, 1)
    [file] = save_samples(model, 1, tmp_path)
    mode, size, pixels = read(file)
    assert (mode, size) == ("RGB", (2, 1))
    # Colours are last in a file: (0, 0.6, 100.6) and (0.4, 100.4, 255).
    assert pixels.tolist() == [[[0, 1, 101], [0, 100, 255]]]


def test_digits_of_the_book(tmp_path):
    [file, *_] = save_samples(load("digits", "test", device="cpu"), 3, tmp_path)
    assert read(file)[1] == (8, 8)


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "old.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"`folder` is .*, which has files in it: pass an empty one"):
        save_samples(bigan_mlp(2, (1, 8, 8)), 2, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["old.png"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 4), r"`source` has examples of shape \(4,\), but an image is \(C, H, W\)"),
        (torch.zeros(5, 2, 4, 4), "one or three colours"),
        (
            torch.linspace(-1, 1, 80).reshape(5, 1, 4, 4),
            r"`source` has levels from -1 to 1, but a pixel is in \[0, 1\]",
        ),
        (torch.linspace(0, 255, 80).reshape(5, 1, 4, 4), r"but a pixel is in \[0, 1\]"),
    ],
)
def test_what_is_no_image_is_refused_before_anything_is_written(tmp_path, x, message):
    with pytest.raises(ValueError, match=message):
        save_samples(Dataset(x), 5, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# ---- the distance ----------------------------------------------------------------------------------------------------


def closed_form(a, b):
    """Return the squared Fréchet distance of two samples' Gaussians, with scipy's root of a matrix."""
    means, covariances = [x.mean(0) for x in (a, b)], [np.cov(x.T) for x in (a, b)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return ((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_distance_of_two_samples_has_a_closed_form(dtype, monkeypatch):
    pytest.importorskip("torchmetrics")
    x = torch.randn(400, 4) @ torch.randn(4, 4)
    y = torch.randn(300, 4) @ torch.randn(4, 4) + torch.randn(4)
    x, y = x.to(dtype), y.to(dtype)
    expected = closed_form(x.double().numpy(), y.double().numpy())
    for chunk in (1024, 7):
        monkeypatch.setattr(samples, "CHUNK", chunk)
        # Features are added up in double precision.
        assert frechet_distance(x, y, nn.Identity()) == pytest.approx(expected, rel=1e-9)
        assert frechet_distance(y, x, lambda x: x) == pytest.approx(expected, rel=1e-9)


def test_the_distance_of_known_gaussians():
    """Means 3 apart, widths 1 and 2 in each of 2 dimensions: 9 + 2 (2 - 1)^2; 100,000 samples have errors of 0.05."""
    pytest.importorskip("torchmetrics")
    x, y = torch.randn(100_000, 2), 2 * torch.randn(100_000, 2) + torch.tensor([3.0, 0.0])
    assert frechet_distance(x, y, nn.Identity()) == pytest.approx(11.0, abs=0.15)


def test_a_sample_is_no_distance_from_itself():
    pytest.importorskip("torchmetrics")
    x = 100 + torch.randn(50, 3)
    # Rounding of moments near 10,000 times 50, under a root.
    assert 0 <= frechet_distance(x, x, nn.Identity()) < 1e-6


def test_data_images_and_features_of_images():
    """A data set is read as floats, a module in eval mode, and left where and as it is."""
    pytest.importorskip("torchmetrics")
    data = load("digits", "test", device="cpu")
    h = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 5)).train()
    before = {name: value.clone() for name, value in h.state_dict().items()}
    found = frechet_distance(data, data[:][:200].flip(-1), h)
    assert h.training
    assert all(h.state_dict()[name].equal(value) for name, value in before.items())
    h.eval()
    x, y = (h(images).detach().double().numpy() for images in (data[:], data[:][:200].flip(-1)))
    assert found == pytest.approx(closed_form(x, y), rel=1e-9)


def test_too_few_examples_are_refused():
    """The original's default is 500 of 2,048 features."""
    pytest.importorskip("torchmetrics")
    x = torch.rand(5, 3)
    with pytest.raises(ValueError, match="`fake` has 3 examples for 3 features, whose covariance so few cannot tell"):
        frechet_distance(x, x[:3], nn.Identity())
    with pytest.raises(ValueError, match="`real` has 2 examples for 3 features"):
        frechet_distance(x[:2], x, nn.Identity())
    assert math.isfinite(frechet_distance(x, x[:4], nn.Identity()))


def test_without_torchmetrics_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(ImportError, match=r"`frechet_distance` needs torchmetrics: `pip install -e .\[more\]`"):
        frechet_distance(torch.rand(9, 2), torch.rand(9, 2), nn.Identity())
