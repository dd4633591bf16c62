"""Chapter 4's experiments: hierarchies whose layers trade information, one for each choice of weights, measured."""

from latentbook.learning.recipes.information.evaluation import USUAL, column, evaluate
from latentbook.learning.recipes.information.measures import METRICS, Codes, Examples, draw_codes, mean_codes
from latentbook.learning.recipes.information.networks import build
from latentbook.learning.recipes.information.scores import scores
from latentbook.learning.recipes.information.settings import SCALES, Scale, Settings, settings
from latentbook.learning.recipes.information.training import STACKED, Run, family, load_data, together, train

__all__ = [
    "METRICS",
    "SCALES",
    "STACKED",
    "USUAL",
    "Codes",
    "Examples",
    "Run",
    "Scale",
    "Settings",
    "build",
    "column",
    "draw_codes",
    "evaluate",
    "family",
    "load_data",
    "mean_codes",
    "scores",
    "settings",
    "together",
    "train",
]
