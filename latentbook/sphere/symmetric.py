r"""What laws on the sphere that are symmetric about a direction have in common.

Such a law has the density :math:`g(\mu^\top x)` and is known by the law of the cosine :math:`t = \mu^\top x`: its mean
is :math:`\mathrm{E}[t]\, \mu`, and its covariance has the variance of t along :math:`\mu` and
:math:`\mathrm{E}[1 - t^2] / (m - 1)` in each direction across.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentbook.sphere.checks import on_sphere, require_concentration, require_on_sphere, together
from latentbook.sphere.tangent import across, compose

__all__ = ["SymmetricLaw"]


class SymmetricLaw(Distribution):
    r"""A law on S^{m-1} in R^m whose density depends on the cosine with a direction alone.

    A law says its `mean_resultant_length`, its `log_prob` and `entropy`, how 1 - t is drawn (`_draw_one_minus_cosine`)
    and the two variances (`_variances`).

    Args:
        loc: Directions :math:`\mu`, ``(..., m)``, of norm 1.
        concentration: Numbers ``(...)``, or one Python number; they broadcast against the batch of directions.
        validate_args: Whether norms, concentrations and points are looked at, which makes the host wait for a GPU.

    Raises:
        TypeError: If an argument is not floating point.
        ValueError: If m is below 2, a norm is not 1, a concentration is out of range, or shapes do not fit.

    Chapter 5.
    """

    # What a concentration must be below.
    upper: ClassVar[float] = math.inf
    has_rsample = True

    def __init__(self, loc: Tensor, concentration: Tensor | float, validate_args: bool | None = None):
        self.loc, self.concentration = together(loc, concentration)
        self._begin(validate_args)
        if self._validate_args:
            require_on_sphere("loc", self.loc)
            require_concentration(self.concentration, self.upper)

    def _begin(self, validate_args: bool | None) -> None:
        """Set the shapes; what the base class would look at here has been, or will be, with words of its own."""
        super().__init__(self.concentration.shape, self.loc.shape[-1:], validate_args=False)
        self._validate_args = type(self)._validate_args if validate_args is None else validate_args

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """What holds of the parameters."""
        return {"loc": on_sphere, "concentration": constraints.half_open_interval(0.0, self.upper)}

    @property
    def support(self) -> Constraint:
        """The sphere."""
        return on_sphere

    @property
    def m(self) -> int:
        """Ambient dimension."""
        return self.loc.shape[-1]

    def expand(self, batch_shape, _instance=None):
        """Return the same laws, repeated to another batch; nothing is copied."""
        new: Any = self._get_checked_instance(SymmetricLaw, _instance)
        batch_shape = torch.Size(batch_shape)
        new.loc = self.loc.expand(*batch_shape, self.m)
        new.concentration = self.concentration.expand(batch_shape)
        new._begin(self._validate_args)
        return new

    @property
    def mean_resultant_length(self) -> Tensor:
        r"""The expected cosine with the direction, :math:`\mathrm{E}[\mu^\top x]`."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The expected point, inside the sphere."""
        return self.mean_resultant_length.unsqueeze(-1) * self.loc

    @property
    def mode(self) -> Tensor:
        """Where the density is largest."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Of each coordinate."""
        along, across = self._variances()
        return across.unsqueeze(-1) + (along - across).unsqueeze(-1) * self.loc.square()

    def rsample(self, sample_shape=()) -> Tensor:
        """Draw points, with gradients with respect to direction and concentration."""
        shape = self._extended_shape(torch.Size(sample_shape))
        loc = self.loc.expand(shape)
        v, length = across(loc, torch.randn(shape, dtype=loc.dtype, device=loc.device))
        return compose(loc, self._draw_one_minus_cosine(length), v)

    def _draw_one_minus_cosine(self, length: Tensor) -> Tensor:
        """Draw 1 - t, with gradients: one for each of these lengths of m - 1 Gaussians, which may be used."""
        raise NotImplementedError

    def _variances(self) -> tuple[Tensor, Tensor]:
        """Return the variances along the direction, and across it in each of the m - 1 others."""
        raise NotImplementedError

    def _validate_sample(self, value: Tensor) -> None:
        require_on_sphere("value", value, self.m)
        super()._validate_sample(value)
