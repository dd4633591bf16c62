"""Figures of chapter 5: spheres and laws on them, where Bessel functions break, draws, and what was trained."""

from latentbook.press.figures.sphere.areas import areas_figure
from latentbook.press.figures.sphere.clocks import clocks_figure, clocks_phone
from latentbook.press.figures.sphere.dimensions import DIMENSIONS_PHONE, dimensions_figure
from latentbook.press.figures.sphere.draws import DRAWS_PHONE, DrawsPanel, draws_figure
from latentbook.press.figures.sphere.errors import ERRORS_PHONE, errors_figure
from latentbook.press.figures.sphere.groupings import groupings_figure
from latentbook.press.figures.sphere.hammer import HAMMER_PHONE, hammer_figure
from latentbook.press.figures.sphere.laws import LAWS_PHONE, LawsPanel, laws_figure
from latentbook.press.figures.sphere.products import PRODUCTS_PHONE, products_figure
from latentbook.press.figures.sphere.samplers import SAMPLERS_PHONE, SamplersPanel, samplers_figure

__all__ = [
    "DIMENSIONS_PHONE",
    "DRAWS_PHONE",
    "ERRORS_PHONE",
    "HAMMER_PHONE",
    "LAWS_PHONE",
    "PRODUCTS_PHONE",
    "SAMPLERS_PHONE",
    "DrawsPanel",
    "LawsPanel",
    "SamplersPanel",
    "areas_figure",
    "clocks_figure",
    "clocks_phone",
    "dimensions_figure",
    "draws_figure",
    "errors_figure",
    "groupings_figure",
    "hammer_figure",
    "laws_figure",
    "products_figure",
    "samplers_figure",
]
