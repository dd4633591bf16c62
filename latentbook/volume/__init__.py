r"""Least Volume: how wide a latent space is, and how many of its dimensions the decoder still needs.

Notation, after Chen & Fuge (2024): codes :math:`z = e(x) \in \mathbb{R}^m`, their standard deviations
:math:`\sigma_1, \dots, \sigma_m` over the data, and the volume :math:`\prod_i \sigma_i` of the box that they fill. A
decoder whose Lipschitz constant is bounded cannot buy back a squeezed dimension by stretching it, so a dimension that
is worth less than its width goes flat.

Codes are tensors ``(..., m)``; leading dimensions are a batch. A decoder is any callable ``(..., m)`` to
``(..., *event)``.

The room has six parts: `penalties` on the codes, `measures` of what a dimension is worth, `linear` for the case with a
closed form, `weights` that follow from it, `folding` that cuts dead dimensions out of a network, and `dynamic` that
fixes them while it trains.
All names are imported from here: ``from latentbook.volume import volume_penalty``. Chapter 1.
"""

from latentbook.volume.dynamic import DynamicPruning
from latentbook.volume.folding import prune
from latentbook.volume.linear import linear_loss, linear_optimum, principal_std
from latentbook.volume.measures import (
    explained_reconstruction,
    importance_correlation,
    latent_set_dimension,
    pruning_bound,
    pruning_curve,
    reconstruction_error,
)
from latentbook.volume.penalties import (
    PENALTIES,
    lasso,
    latent_std,
    std_l1,
    std_l2,
    student_t,
    variance_l1,
    volume_penalty,
)
from latentbook.volume.weights import choose_lambda, collapse_lambda

__all__ = [
    "PENALTIES",
    "DynamicPruning",
    "choose_lambda",
    "collapse_lambda",
    "explained_reconstruction",
    "importance_correlation",
    "lasso",
    "latent_set_dimension",
    "latent_std",
    "linear_loss",
    "linear_optimum",
    "principal_std",
    "prune",
    "pruning_bound",
    "pruning_curve",
    "reconstruction_error",
    "std_l1",
    "std_l2",
    "student_t",
    "variance_l1",
    "volume_penalty",
]
