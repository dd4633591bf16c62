r"""The published sampler of the von Mises-Fisher law, for experiments that ask what its errors do to a training.

It proposes cosines :math:`w = 1 - 2 b e / (1 - (1 - b)\, e)` of symmetric beta variables e as
`latentbook.sphere.VonMisesFisher` does, but differs twice:

- Where :math:`\kappa > 10` it goes over, until 11, to :math:`b = (m - 1) / 4 \kappa`, which is right only far above m.
  Below that everything is taken, and the cosines are too small: on S^40 at :math:`\kappa = 11` their mean is 0.05, and
  not 0.25.
- Its gradient in :math:`\kappa` is that of w at a fixed e. It leaves out that other e would have been taken, and is up
  to half too small.

On S^2 it inverts the distribution function, and both are right. Densities, entropies and divergences are exact here:
only the draws are the published ones.

Reference: Davidson, Falorsi, De Cao, Kipf & Tomczak, *Hyperspherical variational auto-encoders*, UAI 2018, and its
published code.

Chapter 5.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Beta

from latentbook.sphere import VonMisesFisher

__all__ = ["FixedProposals", "SwitchedEnvelope"]

# Where the published envelope leaves the one that fits, and where it has left it.
LEAVES, HAS_LEFT = 10.0, 11.0
# Rounds of proposals; where an envelope fits, two of three are taken.
ROUNDS = 64


class FixedProposals(VonMisesFisher):
    """The law with the envelope that fits, and the gradient in the concentration of accepted proposals.

    Arguments are as of `latentbook.sphere.VonMisesFisher`.

    Example:
        >>> law = FixedProposals(torch.tensor([1.0, 0.0, 0.0, 0.0]), 20.0)
        >>> law.rsample((5,)).shape
        torch.Size([5, 4])

    Chapter 5.
    """

    def _draw_one_minus_cosine(self, length: Tensor) -> Tensor:
        if self.m == 3:
            return super()._draw_one_minus_cosine(length)
        kappa = self.concentration.expand(length.shape)
        with torch.no_grad():
            e = self._accepted(kappa)
        b = self._envelope(kappa)
        return 2 * b * e / (1 - (1 - b) * e)

    def _envelope(self, kappa: Tensor) -> Tensor:
        """Return b."""
        return (self.m - 1) / (2 * kappa + torch.hypot(2 * kappa, kappa.new_full((), self.m - 1)))

    def _accepted(self, kappa: Tensor) -> Tensor:
        """Draw beta variables that are taken, with the published test."""
        n, b = self.m - 1, self._envelope(kappa)
        a = (n + 2 * kappa + torch.hypot(2 * kappa, kappa.new_full((), n))) / 4
        law = Beta(kappa.new_full((), n / 2), kappa.new_full((), n / 2), validate_args=False)
        e, taken = law.sample(kappa.shape), torch.zeros_like(kappa, dtype=torch.bool)
        for _ in range(ROUNDS):
            t = 2 * a * b / (1 - (1 - b) * e)
            bar = n * torch.log(t) - t + 4 * a * b / (1 + b) - n * math.log(n)
            taken = taken | (torch.rand_like(e).log() <= bar)
            if bool(taken.all()):
                break
            e = torch.where(taken, e, law.sample(kappa.shape))
        return e


class SwitchedEnvelope(FixedProposals):
    """The law as published: the envelope leaves the one that fits between the concentrations 10 and 11.

    Arguments are as of `latentbook.sphere.VonMisesFisher`.

    Example:
        On S^40 at the concentration 11 the mean cosine is 0.25, but that of these draws 0.05:

        >>> law = SwitchedEnvelope(torch.eye(41)[0], 11.0)
        >>> round(law.mean_resultant_length.item(), 2), round(law.sample((100_000,))[:, 0].mean().item(), 2)
        (0.25, 0.05)

    Chapter 5.
    """

    def _envelope(self, kappa: Tensor) -> Tensor:
        left = ((kappa - LEAVES) / (HAS_LEFT - LEAVES)).clamp(0, 1)
        # Above 10 alone, so that nothing is divided by 0.
        far = (self.m - 1) / (4 * kappa.clamp_min(LEAVES))
        return left * far + (1 - left) * super()._envelope(kappa)
