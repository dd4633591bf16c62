r"""The von Mises-Fisher law: what the normal law is to space, it is to the sphere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import register_kl

from latentbook.sphere.bessel import attached, attached_divergence, of_order, values_of_order
from latentbook.sphere.checks import require_same_space
from latentbook.sphere.debye import Ratios
from latentbook.sphere.envelope import draw_one_minus_cosine
from latentbook.sphere.implicit import cosine_slope
from latentbook.sphere.rules import gauss_rule
from latentbook.sphere.symmetric import SymmetricLaw
from latentbook.sphere.tangent import one_minus_cosine
from latentbook.sphere.uniform import UniformSphere, for_both, log_sphere_area

__all__ = ["VonMisesFisher"]

# Nodes of Gauss's rule between two concentrations that are close.
NODES = {torch.float32: 8, torch.float64: 16}


class VonMisesFisher(SymmetricLaw):
    r"""The law on S^{m-1} in R^m with the density :math:`e^{\kappa \mu^\top x - \Phi(\kappa)} / S_{m-1}`.

    Of all laws on the sphere with a given mean it has the largest entropy. With concentration 0 it is uniform; for
    large concentrations it is normal around :math:`\mu`, with the variance :math:`1 / \kappa` in every direction.
    Draws are exact, in all dimensions and for all concentrations, and take at most 32 proposals each (`envelope`).
    Their gradients are those of inversion in :math:`\kappa`, exact to rounding (`implicit`), and of the smallest
    rotation in :math:`\mu`, bounded everywhere.

    Args:
        loc: Directions :math:`\mu`, ``(..., m)``, of norm 1.
        concentration: :math:`\kappa`, ``(...)``, or one Python number: from 0 on. They broadcast against the batch of
            directions.
        validate_args: Whether norms, concentrations and points are looked at, which makes the host wait for a GPU.

    Raises:
        TypeError: If an argument is not floating point.
        ValueError: If m is below 2, a norm is not 1, a concentration is negative or not finite, or shapes do not fit.

    Reference:
        Davidson, Falorsi, De Cao, Kipf & Tomczak, *Hyperspherical variational auto-encoders*, UAI 2018.

    Example:
        >>> law = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0]), 10.0)
        >>> law.mean
        tensor([0.0000, 0.0000, 0.9000])
        >>> torch.distributions.kl_divergence(law, UniformSphere(3))
        tensor(1.9957)

    Chapter 5.
    """

    # What the concentrations say, and which version of them.
    _known: tuple[int, Ratios] | None = None

    @property
    def mean_resultant_length(self) -> Tensor:
        """The expected cosine with the direction, A."""
        return self._ratios().length

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density at points of the sphere, against its area."""
        if self._validate_args:
            self._validate_sample(value)
        known = self._ratios()
        # By the distance from the mode, where the density is kappa - Phi: products with kappa lose no digits.
        at_mode = self.concentration * known.shortfall + known.divergence
        return at_mode - self.concentration * one_minus_cosine(value, self.loc) - log_sphere_area(self.m)

    def entropy(self) -> Tensor:
        """Return the entropy against the area of the sphere, in nats."""
        return log_sphere_area(self.m) - self._divergence()

    def _draw_one_minus_cosine(self, length: Tensor) -> Tensor:
        kappa = self.concentration.expand(length.shape)
        drawn = draw_one_minus_cosine(self.m, kappa)
        if not torch.is_grad_enabled():
            return drawn
        fixed = kappa.detach()
        return drawn - (kappa - fixed) * cosine_slope(self.m, fixed, drawn, self._values().shortfall)

    def _variances(self) -> tuple[Tensor, Tensor]:
        known = self._ratios()
        # What is left of the mean of 1 - t², in each of the other directions: A / kappa, which 0 is no trouble to.
        across = (known.shortfall * (1 + known.length) - known.slope) / (self.m - 1)
        return known.slope, across

    def _ratios(self) -> Ratios:
        if not torch.is_grad_enabled():
            return of_order(self.m / 2 - 1, self.concentration)
        return attached(self._values(), self.concentration)

    def _divergence(self) -> Tensor:
        """Return the divergence from the uniform law."""
        if not torch.is_grad_enabled():
            return of_order(self.m / 2 - 1, self.concentration, derivatives=0).divergence
        return attached_divergence(self._values(), self.concentration)

    def _values(self) -> Ratios:
        """Return what draws, densities and divergences share, without derivatives."""
        kappa, order = self.concentration, self.m / 2 - 1
        # Where nothing tells whether somebody has written into them.
        if torch.compiler.is_compiling() or kappa.is_inference():
            return values_of_order(order, kappa)
        if self._known is None or self._known[0] != kappa._version:
            self._known = kappa._version, values_of_order(order, kappa)
        return self._known[1]


@register_kl(VonMisesFisher, UniformSphere)
def _kl_from_uniform(p: VonMisesFisher, q: UniformSphere) -> Tensor:
    require_same_space(p.m, q.m)
    return for_both(p._divergence(), q)


@register_kl(VonMisesFisher, VonMisesFisher)
def _kl_of_two(p: VonMisesFisher, q: VonMisesFisher) -> Tensor:
    require_same_space(p.m, q.m)
    turned = q.concentration * p.mean_resultant_length * one_minus_cosine(p.loc, q.loc)
    return _of_one_direction(p.m, *torch.broadcast_tensors(p.concentration, q.concentration)) + turned


def _of_one_direction(m: int, a: Tensor, b: Tensor) -> Tensor:
    r"""Return the divergence of two laws with one direction, :math:`\Phi(b) - \Phi(a) - A(a) (b - a)`."""
    order = m / 2 - 1
    at_a, at_b = of_order(order, a), of_order(order, b)
    # Both A are close to 1 where it matters.
    far = b * (at_a.shortfall - at_b.shortfall) + at_a.divergence - at_b.divergence
    # Close to each other, by the integral of (b - k) A'(k), of which nothing cancels.
    step = b - a
    nodes, weights = gauss_rule(NODES[a.dtype], a)
    between = (weights * (1 - nodes) * of_order(order, a + nodes * step).slope).sum(0)
    return torch.where(torch.maximum(a, b) <= 4 * torch.minimum(a, b) + m, step.square() * between, far)
