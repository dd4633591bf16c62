"""Figures of chapter 3: splines, surfaces, a curve that relaxes, what geodesics gain, and how alike images are."""

from latentbook.press.figures.geodesics.grams import cosines, grams_figure, grams_phone, mean_cosine
from latentbook.press.figures.geodesics.meeting import (
    best_factor,
    distances_figure,
    distances_phone,
    over_lambda_figure,
)
from latentbook.press.figures.geodesics.relaxing import RELAXING_PHONE, Moment, relaxing_slider
from latentbook.press.figures.geodesics.splines import splines_figure, splines_phone
from latentbook.press.figures.geodesics.spreads import improvements_figure
from latentbook.press.figures.geodesics.surfaces import Surface, surfaces_figure, surfaces_phone

__all__ = [
    "RELAXING_PHONE",
    "Moment",
    "Surface",
    "best_factor",
    "cosines",
    "distances_figure",
    "distances_phone",
    "grams_figure",
    "grams_phone",
    "improvements_figure",
    "mean_cosine",
    "over_lambda_figure",
    "relaxing_slider",
    "splines_figure",
    "splines_phone",
    "surfaces_figure",
    "surfaces_phone",
]
