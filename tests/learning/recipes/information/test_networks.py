"""The models of the experiment: their sizes, their noise, and what a step of them is made of."""

import math

import pytest
import torch

from latentbook.learning.recipes.information import build, settings
from latentbook.learning.recipes.information.networks import latent_dims, loss

SMOKE = {"scale": "smoke", "device": "cpu"}


def test_perceptrons_halve_from_layer_to_layer():
    assert latent_dims(settings(**SMOKE, layers=4)) == (16, 8, 4, 2)


def test_categories_get_colder_as_epochs_go_by():
    chosen = settings(**SMOKE, posterior="categorical", latent_dim=10)
    model = build(chosen, (1, 8, 8))
    x = torch.rand(4, 1, 8, 8)
    noise = model.draw_noise((4,), x)
    warm, later, cold = (loss(model, (x, noise), step, epochs_a_step=0.1) for step in (0, 500, 100_000))
    assert warm["distortion"] != later["distortion"]
    torch.testing.assert_close(cold, model.terms(x, noise, 0.4))
    torch.testing.assert_close(later, model.terms(x, noise, math.exp(-0.007 * 50)))


def test_convolutions_are_the_original_s():
    paper = settings(scale="paper", dataset="svhn", device="cpu")
    assert sum(p.numel() for p in build(paper, (3, 32, 32)).parameters()) == 475_811
    grey = settings(scale="paper", dataset="mnist", device="cpu")
    assert sum(p.numel() for p in build(grey, (1, 28, 28)).parameters()) == 122_713


def test_what_was_chosen_is_built():
    model = build(settings(**SMOKE, inference="ladder", layers=3, sigma=0.3, posterior="categorical"), (1, 8, 8))
    assert (model.inference, model.layers, model.top) == ("ladder", 3, "categorical")
    assert model.likelihood.sigma.item() == pytest.approx(0.3)
    assert build(settings(**SMOKE, likelihood="bernoulli"), (1, 8, 8)).likelihood.bounded


def test_large_events_get_wide_perceptrons():
    """784 x 256 into the top's posterior, against 64 x 64."""
    chosen = settings(**SMOKE)
    sizes = [next(build(chosen, event).posteriors[1].parameters()).shape for event in ((1, 8, 8), (1, 28, 28))]
    assert sizes == [(64, 64), (256, 784)]


def test_a_step_has_the_model_s_terms():
    model = build(settings(**SMOKE), (1, 8, 8))
    x = torch.rand(4, 1, 8, 8)
    noise = model.draw_noise((4,), x)
    torch.testing.assert_close(loss(model, (x, noise), 7), model.terms(x, noise))
