"""Lipschitz bounds: layers divided by their largest singular value, that value itself, and a certificate of a network.

``maps`` holds the linear part of a layer and its adjoint, ``norms`` its largest singular value, ``normalisation`` the
layer divided by it, ``certificates`` the product over a network. Chapter 1.
"""

from latentbook.lipschitz.certificates import lipschitz_bound
from latentbook.lipschitz.normalisation import spectral_norm
from latentbook.lipschitz.norms import operator_norm

__all__ = ["lipschitz_bound", "operator_norm", "spectral_norm"]
