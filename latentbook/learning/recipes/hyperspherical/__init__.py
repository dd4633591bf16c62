"""Chapter 5's experiments: variational autoencoders with codes on spheres and on products of them."""

from latentbook.learning.recipes.hyperspherical.measures import Measures, measured
from latentbook.learning.recipes.hyperspherical.settings import DATASETS, SCALES, Scale, Settings, settings
from latentbook.learning.recipes.hyperspherical.training import STACKED, Run, build, load_data, scores, together, train

__all__ = [
    "DATASETS",
    "SCALES",
    "STACKED",
    "Measures",
    "Run",
    "Scale",
    "Settings",
    "build",
    "load_data",
    "measured",
    "scores",
    "settings",
    "together",
    "train",
]
