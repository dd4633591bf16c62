"""Chapter 1's experiment: one autoencoder for each weight of the volume penalty, and what pruning does to it."""

from latentbook.learning.recipes.least_volume.baselines import pca_curve
from latentbook.learning.recipes.least_volume.networks import build
from latentbook.learning.recipes.least_volume.settings import LAMBDAS, SCALES, Scale, Settings, settings
from latentbook.learning.recipes.least_volume.training import Run, family, load_data, train

__all__ = [
    "LAMBDAS",
    "SCALES",
    "Run",
    "Scale",
    "Settings",
    "build",
    "family",
    "load_data",
    "pca_curve",
    "settings",
    "train",
]
