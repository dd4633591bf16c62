"""Runs whose metric and codes are known, made without training."""

import torch
from torch import nn

from latentbook.isometry import condition_number, metric_distortion, metric_variance
from latentbook.learning.models.vae import VAE
from latentbook.learning.recipes.isometry import Run
from latentbook.learning.train import History
from latentbook.metric import pullback_metric


def make_run(lam, stretch, codes, size=4):
    """Return a run whose decoder is linear, with one stretch for each latent."""
    decoder = nn.Sequential(nn.Linear(2, size * size), nn.Unflatten(-1, (1, size, size)))
    with torch.no_grad():
        decoder[0].weight.zero_()
        decoder[0].weight[0, 0], decoder[0].weight[1, 1] = stretch
    model = VAE(nn.Sequential(nn.Flatten(-3), nn.Linear(size * size, 4)), decoder).to(codes.dtype)
    metric = pullback_metric(model.decode, codes)
    scores = condition_number(metric), metric_variance(metric).item(), metric_distortion(metric).item()
    return Run(lam, model, History({}, 0.0), codes, metric, 0.01 * (1 + lam), 5.0, *scores)
