"""What the original trained: as many parameters, as many steps."""

import pytest
import torch

from latentbook.learning.recipes.least_volume import ORIGINALS, build, settings


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_original_s_autoencoder_of_mnist():
    """Reference case 10 of the chapter's sheet."""
    model = build(settings(scale="paper", dataset="mnist", device="cpu"), (1, 32, 32))
    assert size(model.encoder) == 820_320
    assert size(model.decoder) == 428_641
    assert size(model) == 1_248_961


@pytest.mark.parametrize("dataset", ["sprites", "mnist", "cifar10", "celeba"])
def test_codes_and_images_fit(dataset):
    original = ORIGINALS[dataset]
    chosen = settings(scale="paper", dataset=dataset, device="cpu", lipschitz=False)
    assert (chosen.latent_dim, chosen.batch_size) == (original.latent_dim, 100)
    model, x = build(chosen, (original.encoder[0], 32, 32)), torch.rand(2, original.encoder[0], 32, 32)
    z = model.encode(x)
    assert z.shape == (2, original.latent_dim)
    decoded = model.decode(z)
    assert decoded.shape == x.shape
    assert 0 <= decoded.min() <= decoded.max() <= 1


def test_lengths_are_the_original_s_epochs():
    steps = {name: ORIGINALS[name].steps for name in ("sprites", "mnist", "cifar10", "celeba")}
    assert steps == {"sprites": 120_000, "mnist": 240_000, "cifar10": 500_000, "celeba": 488_310}


def test_grids_hold_the_weight_that_is_looked_at():
    for name in ORIGINALS:
        chosen = settings(scale="paper", dataset=name, device="cpu")
        assert chosen.lam in chosen.lambdas
        assert len(chosen.lambdas) == 5
