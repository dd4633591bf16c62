r"""The power spherical law: exact samples without rejection, and closed forms for all that one asks of it.

On S^{m-1} in R^m its density is proportional to :math:`(1 + \mu^\top x)^\kappa`, so that with :math:`t = \mu^\top x`
and :math:`b = (m - 1) / 2`

.. math:: \tfrac{1 + t}{2} \sim \mathrm{Beta}(b + \kappa,\, b), \qquad
    \mathrm{E}[t] = \frac{\kappa}{\kappa + 2b} .

Normaliser and divergence stand in `gammas`. After De Cao & Aziz, *The power spherical distribution* (2020).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import register_kl

from latentbook.sphere.bessel import of_order
from latentbook.sphere.checks import require_same_space
from latentbook.sphere.gammas import power_divergence, power_normaliser
from latentbook.sphere.symmetric import SymmetricLaw
from latentbook.sphere.tangent import nearer_pole, one_minus_cosine
from latentbook.sphere.uniform import UniformSphere, for_both, log_sphere_area
from latentbook.sphere.von_mises_fisher import VonMisesFisher

__all__ = ["PowerSpherical"]


class PowerSpherical(SymmetricLaw):
    r"""The power spherical law on S^{m-1} in R^m.

    Its density is

    .. math:: \frac{1}{S_{m-1}}\, \frac{\Gamma(2b + \kappa)\, \Gamma(b)}{\Gamma(b + \kappa)\, \Gamma(2b)}
        \Big(\frac{1 + \mu^\top x}{2}\Big)^\kappa, \qquad b = \frac{m - 1}{2} .

    Args:
        loc: Directions :math:`\mu`, ``(..., m)``, of norm 1.
        concentration: :math:`\kappa`, ``(...)`` or one number, at least 0; 0 is the uniform law.
        validate_args: Whether values are looked at, which makes the host wait for a GPU.

    Raises:
        TypeError: If an argument is not floating point.
        ValueError: If m is below 2, a norm is not 1, a concentration is negative or not finite, or shapes do not fit.

    Reference:
        De Cao & Aziz, *The power spherical distribution*, 2020.

    Example:
        >>> law = PowerSpherical(torch.tensor([1.0, 0.0]), 4.0)
        >>> law.mean
        tensor([0.8000, 0.0000])
        >>> torch.distributions.kl_divergence(law, UniformSphere(2))
        tensor(0.8277)

    Chapter 5.
    """

    @property
    def mean_resultant_length(self) -> Tensor:
        r"""The expected cosine with the direction, :math:`\kappa / (\kappa + m - 1)`."""
        return self.concentration / (self.concentration + (self.m - 1))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density: minus infinity opposite to the direction, with gradients of 0 there."""
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        log_share, opposite = _log_share(value, self.loc)
        log = k * log_share + (power_normaliser(self.m, k) - log_sphere_area(self.m))
        return torch.where(opposite & (k > 0), -torch.inf, log)

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        return log_sphere_area(self.m) - power_divergence(self.m, self.concentration)

    def _draw_one_minus_cosine(self, length: Tensor) -> Tensor:
        # Half the square of the length is Gamma(b), and 1 - t is twice the smaller share of a pair of Gammas.
        across = length.square() / 2
        shape = (self.concentration + (self.m - 1) / 2).expand(length.shape)
        along = torch._standard_gamma(shape)  # pyright: ignore[reportPrivateImportUsage]
        return 2 * across / (across + along)

    def _variances(self) -> tuple[Tensor, Tensor]:
        n, k = self.m - 1, self.concentration
        across = (n + 2 * k) / (n + k) / (n + k + 1)
        return across * (n / (n + k)), across


def _log_share(x: Tensor, loc: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return :math:`\ln\frac{1 + \mu^\top x}{2}`, and where :math:`x = -\mu`; there it is 0, without gradient."""
    near, distance = nearer_pole(x, loc)
    opposite = (distance == 0) & ~near
    far = torch.where(near | opposite, 2.0, distance)
    return torch.where(near, torch.log1p(-distance / 2), torch.log(far / 2)), opposite


@register_kl(PowerSpherical, UniformSphere)
def _kl_to_uniform(p: PowerSpherical, q: UniformSphere) -> Tensor:
    require_same_space(p.m, q.m)
    return for_both(power_divergence(p.m, p.concentration), q)


@register_kl(PowerSpherical, VonMisesFisher)
def _kl_to_von_mises_fisher(p: PowerSpherical, q: VonMisesFisher) -> Tensor:
    require_same_space(p.m, q.m)
    # The laws of 2κ and of κ are all but equal where both are narrow: in double precision enough is left of that.
    m, k = p.m, p.concentration.double()
    known = of_order(m / 2 - 1, q.concentration.double())
    length, lacking = k / (k + (m - 1)), (m - 1) / (k + (m - 1))
    # How much less the mean cosine with q's direction is than under q; where both are close to 1, by what they lack.
    short = torch.where(known.length < 0.5, known.length - length, lacking - known.shortfall)
    turned = length * one_minus_cosine(p.loc, q.loc)
    kl = power_divergence(m, k) - known.divergence + q.concentration * (short + turned)
    return kl.to(p.concentration.dtype)
