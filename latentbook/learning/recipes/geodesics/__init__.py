"""Chapter 3's experiments: a VAE and a BiGAN, and what geodesics gain between their codes."""

from latentbook.learning.recipes.geodesics.features import FEATURE_WORDS, features
from latentbook.learning.recipes.geodesics.networks import build
from latentbook.learning.recipes.geodesics.protocols import (
    Pairs,
    compare_models,
    image_pairs,
    improvement_along_largest_eigenvector,
    largest_eigenvector_steps,
    prior_pairs,
)
from latentbook.learning.recipes.geodesics.settings import FEATURE_MAPS, SCALES, Scale, Settings, settings
from latentbook.learning.recipes.geodesics.training import (
    STACKED,
    Run,
    encode,
    load_data,
    measure,
    scores,
    together,
    train,
)

__all__ = [
    "FEATURE_MAPS",
    "FEATURE_WORDS",
    "SCALES",
    "STACKED",
    "Pairs",
    "Run",
    "Scale",
    "Settings",
    "build",
    "compare_models",
    "encode",
    "features",
    "image_pairs",
    "improvement_along_largest_eigenvector",
    "largest_eigenvector_steps",
    "load_data",
    "measure",
    "prior_pairs",
    "scores",
    "settings",
    "together",
    "train",
]
