r"""Shortest curves between latent points, as long as the data find them.

Notation, after Michelis & Becker (2021): a curve :math:`\gamma : [0, 1] \to \mathbb{R}^m` between codes :math:`a` and
:math:`b`, a decoder :math:`f : \mathbb{R}^m \to \mathbb{R}^D`, and in data space the curve's length and energy

.. math:: L(\gamma) = \int_0^1 \lVert (f \circ \gamma)'(t) \rVert\, dt, \qquad
    E(\gamma) = \int_0^1 \lVert (f \circ \gamma)'(t) \rVert^2\, dt \ge L(\gamma)^2,

equal where the speed is constant. A geodesic minimises the energy; it has constant speed, and no near curve between the
same ends is shorter. Here :math:`\gamma` is a cubic B-spline, and its control points are what is sought.

A decoder is what it is in `latentbook.metric`: any callable from points ``(N, m)`` to data ``(N, *event)``, each by
itself; a module is run in eval mode. For lengths, geodesics and graphs nothing is differentiated but the energy, and
that is made of forward passes; `exp_map`, `log_map` and `parallel_transport` take two derivatives of the decoder.
For a stochastic decoder, and for a feature map, compose: ``lambda z: stack_moments(*f(z))``, ``lambda z: h(f(z))``.
A metric that is no decoder's is a callable from points ``(N, m)`` to matrices ``(N, m, m)``, given as ``metric=``.

The room's parts: `curves` holds splines, `lengths` measures them, `alignment` compares them with the metric; `bending`
makes their energy a function of numbers, `descent` minimises many functions at once, `starts` and `graphs` say where
from, `solver` finds geodesics, `improvement` has its control; `connection` turns vectors, `flows` follows them,
`shooting` and `transport` carry points and vectors along geodesics and other curves, `roots` aims; `checks` refuses.
All public names are imported from here: ``from latentbook.geodesics import geodesic``. Chapter 3.
"""

from latentbook.geodesics.alignment import curve_alignment
from latentbook.geodesics.curves import BezierCurve, CubicBSpline, Curve, straight_line
from latentbook.geodesics.graphs import LatentGraph
from latentbook.geodesics.improvement import Improvement, relative_improvement
from latentbook.geodesics.lengths import constant_speed, energy, length
from latentbook.geodesics.shooting import exp_map, log_map
from latentbook.geodesics.solver import Geodesic, geodesic
from latentbook.geodesics.transport import parallel_transport

__all__ = [
    "BezierCurve",
    "CubicBSpline",
    "Curve",
    "Geodesic",
    "Improvement",
    "LatentGraph",
    "constant_speed",
    "curve_alignment",
    "energy",
    "exp_map",
    "geodesic",
    "length",
    "log_map",
    "parallel_transport",
    "relative_improvement",
    "straight_line",
]
