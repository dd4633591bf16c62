"""Figures of chapter 1: its two sliders, widths, pruning, budgets, penalties, known answers, and layers' norms."""

from latentbook.press.figures.least_volume.budget import BUDGET_PHONE, budget_figure
from latentbook.press.figures.least_volume.factors import factors_figure
from latentbook.press.figures.least_volume.layers import layer_norms_figure, layer_norms_phone
from latentbook.press.figures.least_volume.pruning import PRUNING_PHONE, pruning_slider
from latentbook.press.figures.least_volume.toys import toys_figure, toys_phone
from latentbook.press.figures.least_volume.trade import knn_figure, trade_figure
from latentbook.press.figures.least_volume.volume import PHONE, volume_slider
from latentbook.press.figures.least_volume.widths import importance_figure, linear_figure, widths_figure

__all__ = [
    "BUDGET_PHONE",
    "PHONE",
    "PRUNING_PHONE",
    "budget_figure",
    "factors_figure",
    "importance_figure",
    "knn_figure",
    "layer_norms_figure",
    "layer_norms_phone",
    "linear_figure",
    "pruning_slider",
    "toys_figure",
    "toys_phone",
    "trade_figure",
    "volume_slider",
    "widths_figure",
]
