r"""Products of spheres: one law for each factor, one vector for all.

A point of :math:`S^{m_1 - 1} \times \dots \times S^{m_n - 1}` is written as the coordinates of its factors one after
the other, in :math:`\mathbb{R}^{m_1 + \dots + m_n}`. The factors are independent: log-densities, entropies and
divergences are sums. Factors of one kind and dimension are computed as one batch, however many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, kl_divergence, register_kl
from torch.distributions.constraints import Constraint

from latentbook.sphere.symmetric import SymmetricLaw
from latentbook.sphere.uniform import UniformSphere

__all__ = ["ProductSphere"]


class _Group(NamedTuple):
    """Factors of one kind and dimension: where they stand, and the law of all, whose batch ends in their number."""

    places: tuple[int, ...]
    law: Distribution


class _InEveryFactor(Constraint):
    """Vectors whose parts lie in the supports of the factors."""

    event_dim = 1

    def __init__(self, components: Sequence[Distribution]):
        self.components = components

    def check(self, value: Tensor) -> Tensor:
        parts = value.split([law.event_shape[0] for law in self.components], -1)
        inside = [_support(law).check(part) for law, part in zip(self.components, parts, strict=True)]
        return torch.stack(inside).all(0)


class ProductSphere(Distribution):
    r"""The law of independent factors: laws on spheres, of any dimensions and kinds, or normal laws.

    Args:
        components: Laws of the factors, in order: laws on spheres, or `Independent(Normal(...), 1)`. Their batches
            broadcast.
        validate_args: Whether `log_prob` looks at the shapes of points. At points and parameters the factors look.

    Raises:
        TypeError: If a component is no such law.
        ValueError: If there is none, or batches do not fit.

    Reference:
        Davidson, Tomczak & Gavves, *Increasing expressivity of a hyperspherical VAE*, 2019.

    Example:
        A torus, with a direction that is known better than the other:

        >>> from latentbook.sphere import PowerSpherical
        >>> angles = [PowerSpherical(torch.tensor([1.0, 0.0]), kappa) for kappa in (2.0, 50.0)]
        >>> ProductSphere(angles).mean
        tensor([0.6667, 0.0000, 0.9804, 0.0000])

    Chapter 5.
    """

    def __init__(self, components: Sequence[Distribution], validate_args: bool | None = None):
        kinds = [_kind(place, law) for place, law in enumerate(components)]
        if not kinds:
            raise ValueError("`components` is empty, but a product has one factor or more: pass a list of laws")
        batch = _common_batch(components)
        self.components = tuple(law.expand(batch) for law in components)
        self._groups = tuple(
            _Group(places, _as_one([self.components[place] for place in places])) for places in _equal(kinds)
        )
        super().__init__(batch, torch.Size((sum(self.sizes),)), validate_args=False)
        self._validate_args = type(self)._validate_args if validate_args is None else validate_args

    def __repr__(self) -> str:
        return f"ProductSphere({', '.join(map(repr, self.components))})"

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each factor has."""
        return tuple(law.event_shape[0] for law in self.components)

    @property
    def has_rsample(self) -> bool:
        """Whether samples have gradients."""
        return all(law.has_rsample for law in self.components)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the factors have theirs."""
        return {}

    @property
    def support(self) -> Constraint:
        """The product of the spheres."""
        return _InEveryFactor(self.components)

    def expand(self, batch_shape, _instance=None):
        """Return the same product with another batch."""
        new: Any = self._get_checked_instance(ProductSphere, _instance)
        ProductSphere.__init__(new, [law.expand(batch_shape) for law in self.components], self._validate_args)
        return new

    @property
    def mean(self) -> Tensor:
        """The means of the factors."""
        return torch.cat([law.mean for law in self.components], -1)

    @property
    def variance(self) -> Tensor:
        """Of each coordinate."""
        return torch.cat([law.variance for law in self.components], -1)

    @property
    def mode(self) -> Tensor:
        """The modes of the factors."""
        return torch.cat([law.mode for law in self.components], -1)

    def rsample(self, sample_shape=()) -> Tensor:
        """Draw points, each group of factors at once."""
        parts: dict[int, Tensor] = {}
        for places, law in self._groups:
            parts.update(zip(places, law.rsample(torch.Size(sample_shape)).unbind(-2), strict=True))
        return torch.cat([parts[place] for place in range(len(self.components))], -1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the sum of the factors' log-densities."""
        parts = self.split(value)
        logs = [law.log_prob(torch.stack([parts[place] for place in places], -2)) for places, law in self._groups]
        return _total(logs)

    def entropy(self) -> Tensor:
        """Return the sum of the factors' entropies, in nats."""
        return _total([law.entropy() for _, law in self._groups])

    def split(self, value: Tensor) -> tuple[Tensor, ...]:
        """Return the coordinates of each factor."""
        if self._validate_args and tuple(value.shape[-1:]) != tuple(self.event_shape):
            words = " + ".join(map(str, self.sizes))
            raise ValueError(f"`value` has shape {tuple(value.shape)}, but this product has {words} coordinates")
        return value.split(self.sizes, -1)


@register_kl(ProductSphere, ProductSphere)
def _kl_of_products(p: ProductSphere, q: ProductSphere) -> Tensor:
    if p.sizes != q.sizes:
        raise ValueError(f"`p` has factors in R^m of m = {p.sizes} and `q` of {q.sizes}: both must have the same")
    pairs = list(zip(p.components, q.components, strict=True))
    kinds = [(_kind(place, a), _kind(place, b)) for place, (a, b) in enumerate(pairs)]
    sides = [[_as_one([pairs[place][side] for place in places]) for side in (0, 1)] for places in _equal(kinds)]
    return _total([kl_divergence(a, b) for a, b in sides])


def _kind(place: int, law: Distribution) -> tuple:
    """Return what equal factors have in common; refuse what is no factor."""
    if isinstance(law, SymmetricLaw | UniformSphere):
        return type(law), law.m
    if isinstance(law, Independent) and isinstance(law.base_dist, Normal) and len(law.event_shape) == 1:
        return Normal, law.event_shape[0]
    raise TypeError(f"`components[{place}]` is {law!r}: pass laws on spheres, or Independent(Normal(...), 1)")


def _equal(kinds: Sequence[tuple]) -> list[tuple[int, ...]]:
    """Return the places of each kind, in the order in which kinds appear."""
    return [tuple(place for place, other in enumerate(kinds) if other == kind) for kind in dict.fromkeys(kinds)]


def _as_one(laws: Sequence[Any]) -> Distribution:
    """Return laws of one kind as one, whose batch ends in their number."""
    first: Any = laws[0]
    if isinstance(first, UniformSphere):
        return first.expand((*first.batch_shape, len(laws)))
    if isinstance(first, SymmetricLaw):
        together: Any = type(first)(*_parameters(laws, "loc", "concentration"), validate_args=False)
        together._validate_args = first._validate_args
        return together
    normal = Normal(*_parameters([law.base_dist for law in laws], "loc", "scale"), validate_args=False)
    return Independent(normal, 1, validate_args=first._validate_args)


def _parameters(laws: Sequence[Any], vectors: str, others: str) -> tuple[Tensor, Tensor]:
    """Return two parameters of all laws, the number of laws behind the batch."""
    stacked = torch.stack([getattr(law, vectors) for law in laws], -2)
    return stacked, torch.stack([getattr(law, others) for law in laws], -1 if others == "concentration" else -2)


def _common_batch(laws: Sequence[Distribution]) -> torch.Size:
    try:
        return torch.broadcast_shapes(*(law.batch_shape for law in laws))
    except RuntimeError:
        batches = [tuple(law.batch_shape) for law in laws]
        raise ValueError(f"`components` have the batches {batches}, which do not broadcast: give all one") from None


def _support(law: Any) -> Constraint:
    return law.support


def _total(terms: Sequence[Tensor]) -> Tensor:
    """Return the sum over factors, the last dimension of each term."""
    return sum((term.sum(-1) for term in terms[1:]), terms[0].sum(-1))
