"""Figures of chapter 4: the exact hierarchy, measures over rates, a bound on accuracies, tasks, layers' shares."""

from latentbook.press.figures.information.bounds import BOUND_PHONE, Codes, bound_figure
from latentbook.press.figures.information.exact import EXACT_PHONE, exact_figure
from latentbook.press.figures.information.memory import memory_figure
from latentbook.press.figures.information.names import code_name, rate_name
from latentbook.press.figures.information.planes import Panel, planes_figure, planes_phone
from latentbook.press.figures.information.shares import shares_figure
from latentbook.press.figures.information.tasks import tasks_figure

__all__ = [
    "BOUND_PHONE",
    "EXACT_PHONE",
    "Codes",
    "Panel",
    "bound_figure",
    "code_name",
    "exact_figure",
    "memory_figure",
    "planes_figure",
    "planes_phone",
    "rate_name",
    "shares_figure",
    "tasks_figure",
]
