"""Classifiers, trained on some classes of a data set: chapter 3's feature spaces, and chapter 4's judges of images.

Labels are 0 to K - 1 for the classes that are trained on, in ascending order, whatever digits these are.

Chapters 3 and 4.
"""

from latentbook.learning.recipes.classifiers.kinds import KIND_FOR, KINDS, LARGE_SCALES, SCALES, Kind, Scale
from latentbook.learning.recipes.classifiers.settings import Settings, settings
from latentbook.learning.recipes.classifiers.training import STACKED, Run, accuracy, load_data, scores, together, train

__all__ = [
    "KINDS",
    "KIND_FOR",
    "LARGE_SCALES",
    "SCALES",
    "STACKED",
    "Kind",
    "Run",
    "Scale",
    "Settings",
    "accuracy",
    "load_data",
    "scores",
    "settings",
    "together",
    "train",
]
