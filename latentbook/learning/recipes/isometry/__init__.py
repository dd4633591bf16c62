"""Chapter 2's experiments: variational autoencoders whose decoder is kept near an isometry, one for each weight."""

from latentbook.learning.recipes.isometry.examples import load_data
from latentbook.learning.recipes.isometry.networks import build, distortion, penalty_noise, scaled_isometry
from latentbook.learning.recipes.isometry.settings import LAMBDAS, SCALES, Scale, Settings, check_digits, settings
from latentbook.learning.recipes.isometry.training import Run, encode, family, measure, train

__all__ = [
    "LAMBDAS",
    "SCALES",
    "Run",
    "Scale",
    "Settings",
    "build",
    "check_digits",
    "distortion",
    "encode",
    "family",
    "load_data",
    "measure",
    "penalty_noise",
    "scaled_isometry",
    "settings",
    "train",
]
