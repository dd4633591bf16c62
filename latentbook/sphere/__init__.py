r"""Spheres: laws on them that are right everywhere, from the circle to S^1999 in R^2000.

Notation: m is the ambient dimension everywhere, the sphere is S^{m-1} in R^m; a direction :math:`\mu` is a unit
vector, t its cosine with a point, :math:`\kappa` or :math:`\rho` a concentration. Entropies and divergences are in
nats. The laws follow the contract of `torch.distributions`.

The room has these parts: `uniform`, areas and the uniform law; `symmetric`, what laws about a direction have in
common, and of these `von_mises_fisher`, `power_spherical` and `cauchy`; `product`, many spheres at once; `projections`,
paths and maps; `circular`, how closely angles go together; `bessel`, the functions of the von Mises-Fisher law. Behind
them stand `tangent`, points by their cosines, `debye` and `gammas`, series and differences that keep their digits,
`envelope` and `implicit`, exact draws and how they move, and `checks`. All names are imported from here:
``from latentbook.sphere import VonMisesFisher``. Chapter 5.
"""

from latentbook.sphere.bessel import (
    bessel_ratio,
    kappa_from_mean_length,
    log_bessel_i,
    log_normaliser,
    vmf_divergence,
)
from latentbook.sphere.cauchy import SphericalCauchy
from latentbook.sphere.circular import circular_correlation
from latentbook.sphere.power_spherical import PowerSpherical
from latentbook.sphere.product import ProductSphere
from latentbook.sphere.projections import (
    hammer_projection,
    inverse_stereographic,
    slerp,
    slerp_factors,
    stereographic,
)
from latentbook.sphere.uniform import UniformSphere, log_sphere_area
from latentbook.sphere.von_mises_fisher import VonMisesFisher

__all__ = [
    "PowerSpherical",
    "ProductSphere",
    "SphericalCauchy",
    "UniformSphere",
    "VonMisesFisher",
    "bessel_ratio",
    "circular_correlation",
    "hammer_projection",
    "inverse_stereographic",
    "kappa_from_mean_length",
    "log_bessel_i",
    "log_normaliser",
    "log_sphere_area",
    "slerp",
    "slerp_factors",
    "stereographic",
    "vmf_divergence",
]
