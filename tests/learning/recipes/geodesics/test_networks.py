"""Perceptrons for small images, the original's convolutions for larger ones."""

import pytest
import torch

from latentbook.learning.models.bigan import BiGAN
from latentbook.learning.models.vae import VAE
from latentbook.learning.recipes.geodesics import build, settings

SMOKE = {"scale": "smoke", "device": "cpu"}
KINDS = {"vae": VAE, "bigan": BiGAN}


@pytest.mark.parametrize("kind", KINDS)
def test_small_images_have_perceptrons_large_ones_convolutions(kind):
    chosen = settings(**SMOKE, model=kind, latent_dim=5)
    for shape, convolutional in (((1, 8, 8), False), ((1, 28, 28), True), ((3, 32, 32), True), ((50,), False)):
        model = build(chosen, shape).eval()
        assert isinstance(model, KINDS[kind])
        assert any("Conv" in type(part).__name__ for part in model.modules()) == convolutional
        x = model.decode(torch.randn(4, 5))
        assert x.shape == (4, *shape)
        assert model.encode(x).shape == (4, 5)
        if len(shape) == 3:
            assert x.min() >= 0
            assert x.max() <= 1
