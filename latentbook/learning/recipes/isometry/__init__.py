"""Chapter 2's experiments: variational autoencoders whose decoder is kept near an isometry, one for each weight."""

from latentbook.learning.recipes.isometry.examples import load_data
from latentbook.learning.recipes.isometry.networks import build, distortion, penalty_noise, scaled_isometry
from latentbook.learning.recipes.isometry.settings import LAMBDAS, SCALES, Scale, Settings, check_digits, settings
from latentbook.learning.recipes.isometry.training import STACKED, Run, encode, family, measure, scores, together, train

__all__ = [
    "LAMBDAS",
    "SCALES",
    "STACKED",
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
    "scores",
    "settings",
    "together",
    "train",
]
