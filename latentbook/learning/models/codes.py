r"""Laws of codes on spheres, on products of them, and in Euclidean space: from a network's numbers to a distribution.

A manifold is written as its factors' own dimensions: ``"9"`` is S^9 in R^10, ``"4,4"`` is S^4 x S^4 in R^5 x R^5. A
code is the factors' coordinates one after another: a sphere S^d takes d + 1 of them, a Euclidean factor R^d takes d.

A network's numbers for a sphere in R^m are m of a vector, whose direction is :math:`\mu`, and one more, t:

.. math:: \kappa = \kappa_0 + \ln(1 + e^t)

with a floor :math:`\kappa_0`. Above 0 the law can never be the uniform one, and every code costs some nats, whatever it
says: with the published floor of 1 they are 0.15 on S^2, but 0.012 on S^40. The spherical Cauchy law has
:math:`\rho = \kappa / (\kappa + 2 (m - 1))` from the same number: so its density has the slope of the others'
logarithm where :math:`\kappa` is small.

Reference: Davidson, Falorsi, De Cao, Kipf & Tomczak, *Hyperspherical variational auto-encoders*, UAI 2018; products:
Davidson, Tomczak & Gavves, *Increasing expressivity of a hyperspherical VAE*, 2019 (arXiv 1910.02912).

Chapter 5.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, MultivariateNormal, kl_divergence
from torch.nn.functional import normalize, pad, softplus

from latentbook.learning.models.published import FixedProposals, SwitchedEnvelope
from latentbook.learning.models.vae import DiagonalGaussian
from latentbook.learning.options import require_choice
from latentbook.learning.rates import require_weight
from latentbook.sphere import PowerSpherical, ProductSphere, SphericalCauchy, UniformSphere, VonMisesFisher

__all__ = ["COVARIANCES", "DISTRIBUTIONS", "SAMPLERS", "Codes", "parse_manifold"]

SPHERICAL = ("vmf", "power", "cauchy")
DISTRIBUTIONS = (*SPHERICAL, "normal")
COVARIANCES = ("single", "diagonal", "full")
SAMPLERS = {"exact": VonMisesFisher, "fixed": FixedProposals, "published": SwitchedEnvelope}


def parse_manifold(text: str | int) -> tuple[int, ...]:
    """Read a manifold from its factors' dimensions.

    Args:
        text: Numbers of at least 1 with commas between them, as in ``"9"`` or ``"4,4"``; or one number.

    Returns:
        The dimensions, in order.

    Raises:
        TypeError: If it is neither text nor a number.
        ValueError: If it cannot be read.

    Example:
        >>> parse_manifold("4,4"), parse_manifold(9)
        ((4, 4), (9,))

    Chapter 5.
    """
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise TypeError(f"`manifold` is {text!r}, of type {type(text).__name__}: write text, as in '9' or '4,4'")
    parts = [part.strip() for part in str(text).split(",")]
    if not all(re.fullmatch(r"[1-9]\d*", part) for part in parts):
        raise ValueError(f"`manifold` is {text!r}: write dimensions of at least 1, as in '9' or '4,4'")
    return tuple(int(part) for part in parts)


@dataclass(frozen=True)
class Codes:
    """What a network's numbers say of a code.

    Args:
        manifold: As `parse_manifold` takes it.
        distribution: ``"vmf"``, ``"power"`` or ``"cauchy"`` on spheres; ``"normal"`` in Euclidean factors.
        covariance: Of a normal factor: ``"single"``, one deviation for all of it, ``"diagonal"`` or ``"full"``.
        floor: Least concentration, at least 0; spheres have one.
        sampler: Of von Mises-Fisher laws: ``"exact"``; or, for experiments, ``"published"``, with the published errors,
            or ``"fixed"``, with those of the gradient alone (`latentbook.learning.models.published`).

    Raises:
        TypeError: If the manifold is neither text nor a number.
        ValueError: If it cannot be read, a word is unknown, or the floor is negative or not finite.

    Example:
        >>> codes = Codes("4,4")
        >>> codes.sizes, codes.latent_dim, codes.numbers
        ((5, 5), 10, 12)

    Chapter 5.
    """

    manifold: str | int
    distribution: str = "vmf"
    covariance: str = "diagonal"
    floor: float = 1.0
    sampler: str = "exact"

    def __post_init__(self) -> None:
        parse_manifold(self.manifold)
        require_choice("distribution", self.distribution, DISTRIBUTIONS)
        require_choice("covariance", self.covariance, COVARIANCES)
        require_weight("floor", self.floor)
        require_choice("sampler", self.sampler, SAMPLERS)

    @property
    def is_spherical(self) -> bool:
        """Whether factors are spheres."""
        return self.distribution in SPHERICAL

    # Read once: a training asks for them at every step.
    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Coordinates of each factor."""
        return tuple(dim + self.is_spherical for dim in parse_manifold(self.manifold))

    @property
    def latent_dim(self) -> int:
        """Coordinates of a code."""
        return sum(self.sizes)

    @property
    def numbers(self) -> int:
        """How many numbers a network gives for a code."""
        return sum(self._counts)

    @property
    def concentrations(self) -> list[int]:
        """Which of the network's numbers say concentrations, one for each factor; none in Euclidean space."""
        ends = itertools.accumulate(self._counts)
        return [end - 1 for end in ends] if self.is_spherical else []

    def posterior(self, numbers: Tensor) -> Distribution:
        """Return the law of a code.

        Args:
            numbers: Of a network, ``(*batch, numbers)``; for each factor in turn its direction or mean, and then what
                its concentration or its deviations come from.

        Returns:
            A law of events ``(latent_dim,)``, whose divergence from the `prior` is known.

        Raises:
            ValueError: If the last dimension is another.
        """
        return _joined(self.factors(numbers))

    def factors(self, numbers: Tensor) -> list[Distribution]:
        """Return the law of each factor of a code; arguments are as of `posterior`."""
        return [self._law(m, part) for m, part in zip(self.sizes, self._parts(numbers), strict=True)]

    def draw(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Draw a code of every example, and say what each factor costs; factors of one size are one law.

        Args:
            numbers: As of `posterior`.

        Returns:
            Codes ``(*batch, latent_dim)`` with gradients, and divergences from the `prior`, ``(*batch, factors)``.
        """
        parts = self._parts(numbers)
        # The usual case, in training at every step: nothing has to be cut, joined and put in order.
        if len(set(self.sizes)) == 1:
            codes, costs = self._drawn(self.sizes[0], numbers.unflatten(-1, (len(parts), -1)))
            return codes.flatten(-2), costs
        points, rates = {}, {}
        for m in dict.fromkeys(self.sizes):
            places = [place for place, size in enumerate(self.sizes) if size == m]
            codes, costs = self._drawn(m, torch.stack([parts[place] for place in places], -2))
            points.update(zip(places, codes.unbind(-2), strict=True))
            rates.update(zip(places, costs.unbind(-1), strict=True))
        order = range(len(parts))
        return torch.cat([points[place] for place in order], -1), torch.stack([rates[place] for place in order], -1)

    def prior(self, like: Tensor) -> Distribution:
        """Return what is believed of a code before any data: the uniform law on spheres, else the standard normal.

        Args:
            like: A tensor of the type and on the device that the law is to have.
        """
        return _joined([self._prior(m, like) for m in self.sizes])

    @cached_property
    def _counts(self) -> list[int]:
        if self.is_spherical:
            return [m + 1 for m in self.sizes]
        more: dict[str, Callable[[int], int]] = {
            "single": lambda m: 1,
            "diagonal": lambda m: m,
            "full": lambda m: m * (m + 1) // 2,
        }
        return [m + more[self.covariance](m) for m in self.sizes]

    def _parts(self, numbers: Tensor) -> tuple[Tensor, ...]:
        """Return the numbers of each factor."""
        if numbers.shape[-1] != self.numbers:
            found = f"`encoder` returned {tuple(numbers.shape)} for codes of the manifold {self.manifold!r}"
            raise ValueError(f"{found}: its last dimension holds {self.numbers} numbers")
        return numbers.split(self._counts, -1)

    def _drawn(self, m: int, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return draws of factors of one size, and what they cost: the two share what a law computes once."""
        law = self._law(m, numbers)
        return law.rsample(), kl_divergence(law, self._prior(m, numbers))

    def _law(self, m: int, numbers: Tensor) -> Distribution:
        return self._on_sphere(m, numbers) if self.is_spherical else self._normal(m, numbers)

    def _prior(self, m: int, like: Tensor) -> Distribution:
        if self.is_spherical:
            return UniformSphere(m, dtype=like.dtype, device=like.device, validate_args=False)
        zeros = like.new_zeros(m)
        if self.covariance == "full":
            return MultivariateNormal(zeros, scale_tril=torch.diag(zeros + 1), validate_args=False)
        return DiagonalGaussian(zeros, zeros)

    def _on_sphere(self, m: int, numbers: Tensor) -> Distribution:
        loc, kappa = normalize(numbers[..., :m], dim=-1), self.floor + softplus(numbers[..., m])
        if self.distribution == "vmf":
            return SAMPLERS[self.sampler](loc, kappa, validate_args=False)
        if self.distribution == "power":
            return PowerSpherical(loc, kappa, validate_args=False)
        # The largest number below 1 where rounding would make it 1.
        rho = (kappa / (kappa + 2 * (m - 1))).clamp_max(1 - torch.finfo(kappa.dtype).eps)
        return SphericalCauchy(loc, rho, validate_args=False)

    def _normal(self, m: int, numbers: Tensor) -> Distribution:
        mean, spread = numbers[..., :m], numbers[..., m:]
        if self.covariance == "full":
            return MultivariateNormal(mean, scale_tril=_triangle(m, spread), validate_args=False)
        return DiagonalGaussian(mean, _log_softplus(spread).expand_as(mean))


def _joined(factors: Sequence[Any]) -> Distribution:
    """Return the law of independent factors."""
    first = factors[0]
    if len(factors) == 1:
        return first
    if isinstance(first, DiagonalGaussian):
        return DiagonalGaussian(torch.cat([q.mean for q in factors], -1), torch.cat([q.log_std for q in factors], -1))
    if isinstance(first, MultivariateNormal):
        blocks = _blocks([q.scale_tril for q in factors])
        return MultivariateNormal(torch.cat([q.loc for q in factors], -1), scale_tril=blocks, validate_args=False)
    return ProductSphere(factors, validate_args=False)


def _blocks(matrices: Sequence[Tensor]) -> Tensor:
    """Return matrices that have others, of any one batch, along their diagonals."""
    size, start, rows = sum(matrix.shape[-1] for matrix in matrices), 0, []
    for matrix in matrices:
        after = size - start - matrix.shape[-1]
        rows.append(pad(matrix, (start, after)))
        start += matrix.shape[-1]
    return torch.cat(rows, -2)


def _triangle(m: int, numbers: Tensor) -> Tensor:
    """Return lower triangular matrices: first their diagonals, kept positive, then what is below, of either sign."""
    rows, columns = torch.tril_indices(m, m, -1, device=numbers.device)
    matrix = torch.diag_embed(softplus(numbers[..., :m]))
    return matrix.flatten(-2).index_copy(-1, m * rows + columns, numbers[..., m:]).unflatten(-1, (m, m))


def _log_softplus(t: Tensor) -> Tensor:
    """Return the logarithm of ln(1 + e^t), which is t itself where e^t is next to nothing."""
    far = t < -15
    return torch.where(far, t, softplus(t.where(~far, 0)).log())
