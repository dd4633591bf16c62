"""Figures of chapter 5: how large spheres are, where Bessel functions break, draws and their slopes against theory."""

from latentbook.press.figures.sphere.areas import areas_figure
from latentbook.press.figures.sphere.draws import DRAWS_PHONE, DrawsPanel, draws_figure
from latentbook.press.figures.sphere.errors import ERRORS_PHONE, errors_figure

__all__ = [
    "DRAWS_PHONE",
    "ERRORS_PHONE",
    "DrawsPanel",
    "areas_figure",
    "draws_figure",
    "errors_figure",
]
