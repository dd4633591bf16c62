"""Figures of chapter 2: its slider, latent planes, maps whose metric is known, and what isometry costs."""

from latentbook.press.figures.isometry.align import Plane, aligned
from latentbook.press.figures.isometry.costs import COSTS_PHONE, Spread, costs_figure, probes_figure, trade_figure
from latentbook.press.figures.isometry.lead import PHONE, isometry_slider, shared_radius, straight_line
from latentbook.press.figures.isometry.maps import SURFACE_PHONE, maps_figure, maps_phone, surface_figure
from latentbook.press.figures.isometry.planes import SHOWN, planes_figure, planes_phone

__all__ = [
    "COSTS_PHONE",
    "PHONE",
    "SHOWN",
    "SURFACE_PHONE",
    "Plane",
    "Spread",
    "aligned",
    "costs_figure",
    "isometry_slider",
    "maps_figure",
    "maps_phone",
    "planes_figure",
    "planes_phone",
    "probes_figure",
    "shared_radius",
    "straight_line",
    "surface_figure",
    "trade_figure",
]
