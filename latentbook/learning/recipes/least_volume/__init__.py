"""Chapter 1's experiments: one autoencoder for each weight of a penalty, and smaller ones whose answer is known."""

from latentbook.learning.recipes.least_volume.baselines import pca_curve
from latentbook.learning.recipes.least_volume.budget import Frozen, freeze, root_mean_square
from latentbook.learning.recipes.least_volume.factors import FREE, Counted, count_factors, factor_strips
from latentbook.learning.recipes.least_volume.images import load_data, one_of_each
from latentbook.learning.recipes.least_volume.linear import LinearCase, linear_case, linear_data
from latentbook.learning.recipes.least_volume.networks import build, convolutional_decoder, convolutional_encoder
from latentbook.learning.recipes.least_volume.originals import ORIGINALS
from latentbook.learning.recipes.least_volume.settings import LAMBDAS, SCALES, Scale, Settings, settings
from latentbook.learning.recipes.least_volume.toys import TOYS, Flattened, flatten
from latentbook.learning.recipes.least_volume.training import (
    STACKED,
    Run,
    encode,
    family,
    measure,
    scores,
    together,
    train,
)

__all__ = [
    "FREE",
    "LAMBDAS",
    "ORIGINALS",
    "SCALES",
    "STACKED",
    "TOYS",
    "Counted",
    "Flattened",
    "Frozen",
    "LinearCase",
    "Run",
    "Scale",
    "Settings",
    "build",
    "convolutional_decoder",
    "convolutional_encoder",
    "count_factors",
    "encode",
    "factor_strips",
    "family",
    "flatten",
    "freeze",
    "linear_case",
    "linear_data",
    "load_data",
    "measure",
    "one_of_each",
    "pca_curve",
    "root_mean_square",
    "scores",
    "settings",
    "together",
    "train",
]
