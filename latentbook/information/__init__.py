r"""Information: what a code costs, what it tells, and what that allows.

Notation, after Xiao & Bamler (2023): in a hierarchy of latents :math:`z_1` is the layer next to the data, :math:`z_L`
the top. The rates are :math:`R(z_L)` and :math:`R(z_l \mid z_{>l})`, the distortion is :math:`D = \mathbb{E}[-\log p(x
\mid z_1)]`, and a model is trained on :math:`D + \sum_l \beta_l R_l`. All of it is in nats per example.

The room has these parts: `exact`, hierarchies whose rates are known; `rates`, rates of posteriors and means over
examples; `bounds`, what rates allow; `mutual`, what codes tell about labels; `probes`, how well classifiers read them
from codes; `quality`, how good images are; `tasks`, which rates are best for which task. All names are imported from
here: ``from latentbook.information import accuracy_bound``. Chapter 4.
"""

from latentbook.information.bounds import (
    accuracy_bound,
    distortion_bound,
    entropy_of,
    information_bound,
    score_bound,
)
from latentbook.information.exact import chain, linear_gaussian, linear_gaussian_information
from latentbook.information.mutual import Estimate, mutual_information, mutual_information_lower_bound
from latentbook.information.probes import PROBES, probe_accuracy
from latentbook.information.quality import (
    EntropySplit,
    InceptionScore,
    Predictions,
    entropy_split,
    inception_score,
    predictions,
    psnr,
)
from latentbook.information.rates import Mean, active_units, categorical_rate, gaussian_rate, means
from latentbook.information.tasks import TASKS, Optimum, Task, optimal_rates

__all__ = [
    "PROBES",
    "TASKS",
    "EntropySplit",
    "Estimate",
    "InceptionScore",
    "Mean",
    "Optimum",
    "Predictions",
    "Task",
    "accuracy_bound",
    "active_units",
    "categorical_rate",
    "chain",
    "distortion_bound",
    "entropy_of",
    "entropy_split",
    "gaussian_rate",
    "inception_score",
    "information_bound",
    "linear_gaussian",
    "linear_gaussian_information",
    "means",
    "mutual_information",
    "mutual_information_lower_bound",
    "optimal_rates",
    "predictions",
    "probe_accuracy",
    "psnr",
    "score_bound",
]
