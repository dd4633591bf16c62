"""Chapter 5's experiments: variational autoencoders with codes on spheres and on products of them."""

from latentbook.learning.recipes.hyperspherical.angles import read_by_circles, read_by_least_squares
from latentbook.learning.recipes.hyperspherical.clocks import (
    draw_clocks,
    for_clocks,
    read_circles,
    read_plane,
    squared_error,
)
from latentbook.learning.recipes.hyperspherical.measures import Measures, measured
from latentbook.learning.recipes.hyperspherical.settings import (
    DATASETS,
    DIMS,
    PRODUCTS,
    RIVALS,
    SCALES,
    Scale,
    Settings,
    settings,
)
from latentbook.learning.recipes.hyperspherical.training import (
    STACKED,
    Run,
    build,
    each,
    load_data,
    scores,
    together,
    train,
)

__all__ = [
    "DATASETS",
    "DIMS",
    "PRODUCTS",
    "RIVALS",
    "SCALES",
    "STACKED",
    "Measures",
    "Run",
    "Scale",
    "Settings",
    "build",
    "draw_clocks",
    "each",
    "for_clocks",
    "load_data",
    "measured",
    "read_by_circles",
    "read_by_least_squares",
    "read_circles",
    "read_plane",
    "scores",
    "settings",
    "squared_error",
    "together",
    "train",
]
