"""The uniform law on the sphere, and how large the sphere is."""

from __future__ import annotations

import math
from typing import Any, SupportsIndex

import torch
from torch import Tensor
from torch.distributions import Distribution, register_kl
from torch.distributions.constraints import Constraint

from latentbook.sphere.checks import on_sphere, require_dimension, require_on_sphere, require_same_space

__all__ = ["UniformSphere", "for_both", "log_sphere_area", "uniform_directions"]


def log_sphere_area(m: SupportsIndex) -> float:
    r"""Return the logarithm of the area of the unit sphere S^{m-1} in R^m.

    .. math:: \ln S_{m-1} = \ln 2 + \tfrac{m}{2} \ln \pi - \ln \Gamma(\tfrac{m}{2})

    Args:
        m: Ambient dimension, at least 2.

    Returns:
        A Python number, so that it keeps its digits beside tensors of any type.

    Raises:
        TypeError: If `m` is not an integer.
        ValueError: If it is below 2.

    Example:
        The area is largest for S^6 in R^7, and below 1 from S^18 in R^19 on:

        >>> [round(math.exp(log_sphere_area(m)), 4) for m in (2, 3, 7, 8, 18, 19)]
        [6.2832, 12.5664, 33.0734, 32.4697, 1.4786, 0.8858]

    Chapter 5.
    """
    m = require_dimension(m)
    return math.log(2) + m / 2 * math.log(math.pi) - math.lgamma(m / 2)


def uniform_directions(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Draw points uniformly from the sphere: Gaussians, divided by their norms.

    Args:
        shape: Of the result, its last entry m.
        like: A tensor of the type and on the device that the result is to have.

    Returns:
        Vectors of norm 1.

    Example:
        >>> uniform_directions((4, 3), torch.zeros(())).norm(dim=-1)
        tensor([1., 1., 1., 1.])

    Chapter 5.
    """
    x = torch.randn(shape, dtype=like.dtype, device=like.device)
    # All m Gaussians can be zero, once in 2^32 circles on a GPU. Nothing else is as small as this.
    x[..., 0] += 1e-18
    return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)


class UniformSphere(Distribution):
    r"""The uniform law on S^{m-1} in R^m, of density :math:`1 / S_{m-1}`.

    Args:
        m: Ambient dimension, at least 2.
        batch_shape: Shape of the batch; all its members are alike.
        dtype: Of samples and densities; torch's default unless given.
        device: Where they are; torch's default unless given.
        validate_args: Whether `log_prob` refuses points that are not on the sphere.

    Raises:
        TypeError: If `m` is not an integer.
        ValueError: If it is below 2.

    Example:
        >>> UniformSphere(3).entropy()
        tensor(2.5310)

    Chapter 5.
    """

    has_rsample = True

    def __init__(
        self,
        m: SupportsIndex,
        batch_shape: tuple[int, ...] = (),
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        validate_args: bool | None = None,
    ):
        self.m = require_dimension(m)
        # What says where and of which type everything is.
        self._like = torch.zeros((), dtype=dtype, device=device)
        super().__init__(torch.Size(batch_shape), torch.Size((self.m,)), validate_args)

    def __repr__(self) -> str:
        return f"UniformSphere(m={self.m}, batch_shape={tuple(self.batch_shape)})"

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the dimension has been looked at."""
        return {}

    @property
    def support(self) -> Constraint:
        """The sphere."""
        return on_sphere

    def expand(self, batch_shape, _instance=None):
        """Return the same law with another batch."""
        new: Any = self._get_checked_instance(UniformSphere, _instance)
        new.m, new._like = self.m, self._like
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, self._validate_args)
        return new

    @property
    def mean(self) -> Tensor:
        """The centre, which is not on the sphere."""
        return self._like.expand(self._extended_shape())

    @property
    def variance(self) -> Tensor:
        """Of each coordinate: 1/m."""
        return (self._like + 1 / self.m).expand(self._extended_shape())

    def rsample(self, sample_shape=()) -> Tensor:
        """Draw points; no parameter has a gradient."""
        return uniform_directions(self._extended_shape(torch.Size(sample_shape)), self._like)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return minus the logarithm of the area."""
        if self._validate_args:
            require_on_sphere("value", value, self.m)
            self._validate_sample(value)
        shape = torch.broadcast_shapes(self.batch_shape, value.shape[:-1])
        return (self._like - log_sphere_area(self.m)).expand(shape)

    def entropy(self) -> Tensor:
        """Return the logarithm of the area, in nats."""
        return (self._like + log_sphere_area(self.m)).expand(self.batch_shape)


def for_both(divergence: Tensor, q: UniformSphere) -> Tensor:
    """Return the divergences of a batch of laws from a uniform one, for the batches of both.

    Args:
        divergence: Of each law.
        q: The uniform one.

    Returns:
        Of the shape to which the two batches broadcast.

    Example:
        >>> for_both(torch.zeros(()), UniformSphere(3, (2,)))
        tensor([0., 0.])

    Chapter 5.
    """
    return torch.broadcast_tensors(divergence, q._like.expand(q.batch_shape))[0]


@register_kl(UniformSphere, UniformSphere)
def _kl_of_equals(p: UniformSphere, q: UniformSphere) -> Tensor:
    require_same_space(p.m, q.m)
    return for_both(p._like.expand(p.batch_shape), q)
