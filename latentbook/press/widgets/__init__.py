"""Widgets: one anywidget a file; the scripts of `<name>.py` are `js/<name>*.js`."""

from latentbook.press.widgets.clock import Clock
from latentbook.press.widgets.explorer import LatentExplorer
from latentbook.press.widgets.perceptron import from_arrays
from latentbook.press.widgets.sphere import Globe
from latentbook.press.widgets.trader import RateTrader
from latentbook.press.widgets.trained_grid import GridMetric, TrainedGrid

__all__ = ["Clock", "Globe", "GridMetric", "LatentExplorer", "RateTrader", "TrainedGrid", "from_arrays"]
