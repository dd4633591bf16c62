"""Widgets: one anywidget a file; the scripts of `<name>.py` are `js/<name>*.js`."""

from latentbook.press.widgets.explorer import LatentExplorer
from latentbook.press.widgets.perceptron import from_arrays

__all__ = ["LatentExplorer", "from_arrays"]
