r"""The standard deviation of a decoder's data, small where there are codes and large where there are none.

A network of radial basis functions gives the *precision* of every value, and so of the noise around the decoder's mean:

.. math:: \beta(z) = W \exp(-\lambda_k \lVert z - c_k \rVert^2) + \zeta, \qquad \sigma(z) = \beta(z)^{-1/2}, \qquad
    W \ge 0,

with centres :math:`c_k` and widths :math:`\lambda_k^{-1/2}` from the codes' clusters. Far from all codes
:math:`\sigma^2` is :math:`1 / \zeta`. What is called a variance here is one, in squared data units, and never the
logarithm of one.

The weights make the data most likely around means that stay as they are. That is a convex problem for each value of an
example alone, and `fit_variance` solves it without a step size: with residuals :math:`r_i` of a value and features
:math:`\varphi_{ik}` of the codes,

.. math:: W_k \leftarrow W_k \frac{\sum_i \varphi_{ik} / \beta_i}{\sum_i \varphi_{ik} r_i^2}

never makes the likelihood smaller, by Jensen's inequality for the logarithm of :math:`\beta`, and keeps weights
positive.

Reference: Arvanitidis, Hansen & Hauberg, *Latent space oddity: on the curvature of deep generative models*, ICLR 2018,
who train the weights by stochastic gradients.

Chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentbook.core import at_rest
from latentbook.learning.dataset import Dataset

__all__ = ["RBFVariance", "fit_variance"]

# Examples that are looked at, and values of an example whose weights are found, at once.
CHUNK, BLOCK = 2048, 64
# Against the spread of all codes, what counts as no width.
TINY = 1e-6


class RBFVariance(nn.Module):
    """A positive standard deviation for every value that is decoded from a code.

    Its numbers are buffers: they come from `fit_variance`, and no optimiser makes a weight negative. Before that, all
    weights are one.

    Args:
        centres: Where the features are, ``(K, m)``, in latent units.
        lambdas: How narrow they are, ``(K,)``, positive, per squared latent unit.
        event_shape: Shape of one example.
        zeta: The precision far from all centres, above 0.

    Raises:
        ValueError: If a shape does not fit, or a number is out of range.

    Example:
        >>> spread = RBFVariance(torch.zeros(1, 2), torch.ones(1), (1, 8, 8), zeta=0.25)
        >>> spread(torch.full((5, 2), 100.0)).unique()
        tensor([2.])

    Chapter 3.
    """

    centres: Tensor
    lambdas: Tensor
    weight: Tensor

    def __init__(
        self,
        centres: Float[Tensor, "K m"],
        lambdas: Float[Tensor, "..."],
        event_shape: Sequence[int],
        zeta: float = 1e-2,
    ) -> None:
        super().__init__()
        if lambdas.shape != centres.shape[:1] or not (lambdas > 0).all():
            found = f"`lambdas` is {tuple(lambdas.shape)}, the least {lambdas.min():.3g}"
            raise ValueError(f"{found}, but each of the {len(centres)} centres has a positive one")
        if not 0 < zeta < math.inf:
            raise ValueError(f"`zeta` is {zeta}, but must be a finite number above 0")
        self.event_shape, self.zeta = tuple(event_shape), zeta
        self.register_buffer("centres", centres)
        self.register_buffer("lambdas", lambdas)
        self.register_buffer("weight", centres.new_ones(math.prod(self.event_shape), len(centres)))

    def forward(self, z: Float[Tensor, "*batch m"]) -> Tensor:
        """Return the standard deviation, ``(*batch, *event)``, in data units."""
        return self.precision(z).rsqrt()

    def variance(self, z: Float[Tensor, "*batch m"]) -> Tensor:
        """Return the variance, ``(*batch, *event)``, in squared data units."""
        return self.precision(z).reciprocal()

    def precision(self, z: Float[Tensor, "*batch m"]) -> Tensor:
        """Return the inverse of the variance, ``(*batch, *event)``; at least zeta."""
        precision = self.features(z) @ self.weight.mT + self.zeta
        return precision.reshape(*z.shape[:-1], *self.event_shape)

    def features(self, z: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch K"]:
        """Return how near each centre is, from 0 to 1."""
        distances = (z[..., None, :] - self.centres).square().sum(-1)
        return (-self.lambdas * distances).exp()


@torch.no_grad()
def fit_variance(
    model: Any,
    data: Dataset | Tensor,
    *,
    centres: int = 64,
    zeta: float = 1e-2,
    a: float = 1.0,
    steps: int = 50,
    floor: float = 1e-6,
    seed: int = 0,
) -> RBFVariance:
    r"""Fit the noise around a model's decoder to data, as they are decoded from their own mean codes.

    Each example is encoded, decoded and compared with itself in one go, so that codes and residuals belong together.
    Centres are those of k-means; with the mean distance :math:`d_k` of a cluster's codes from its centre,
    :math:`\lambda_k = (a d_k)^{-2} / 2`. The model stays as it is, and is looked at in eval mode.

    Args:
        model: Any model of the book, or another module with `encode` and `decode`.
        data: Examples.
        centres: How many, at least 1 and at most as many as there are different codes.
        zeta: The precision far from all codes, above 0, in inverse squared data units.
        a: How wide the features are, in mean distances; above 0.
        steps: Updates of the weights, at least 1. On handwriting 10 come within 0.01 nats of the most likely weights,
            50 within 1e-4.
        floor: Added to every squared residual, above 0, in squared data units: a value that is always right would have
            no variance. The default is what rounding to one of 256 grey levels leaves.
        seed: Of k-means.

    Returns:
        The network, of the dtype and on the device of the codes.

    Raises:
        ValueError: If a number is out of range, or there are not enough different codes.

    Reference:
        Arvanitidis, Hansen & Hauberg, *Latent space oddity*, ICLR 2018, section 4.1.

    Example:
        >>> from latentbook.learning.models.autoencoder import Autoencoder
        >>> model = Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4))
        >>> fit_variance(model, torch.rand(100, 4), centres=5)(torch.zeros(3, 2)).shape
        torch.Size([3, 4])

    Chapter 3.
    """
    for name, value in (("zeta", zeta), ("a", a), ("floor", floor)):
        if not 0 < value < math.inf:
            raise ValueError(f"`{name}` is {value}, but must be a finite number above 0")
    if steps < 1:
        raise ValueError(f"`steps` is {steps}, but must be at least 1")
    codes, squares = _residuals(model, data)
    places = _clusters(codes.double(), centres, seed)
    network = RBFVariance(*_kernels(codes.double(), *places, a), squares.shape[1:], zeta)
    features = torch.cat([network.features(part) for part in codes.double().split(CHUNK)])
    # Each value of an example is a problem of its own.
    blocks = squares.flatten(1).split(BLOCK, dim=1)
    network.weight = torch.cat([_weights(features, block.double() + floor, zeta, steps) for block in blocks])
    return network.to(codes)


def _residuals(model: Any, data: Dataset | Tensor) -> tuple[Tensor, Tensor]:
    """Return every example's code, and the squares of what its decoded mean misses."""
    codes, squares = [], []
    with at_rest(model):
        for start in range(0, len(data), CHUNK):
            x = data[start : start + CHUNK]
            codes.append(model.encode(x))
            squares.append((model.decode(codes[-1]) - x).square())
    return torch.cat(codes), torch.cat(squares)


def _clusters(codes: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return the centres of k-means, and which one each code belongs to."""
    from sklearn.cluster import KMeans

    different = len(codes.unique(dim=0))
    if not 1 <= count <= different:
        raise ValueError(f"`centres` is {count}, but must be from 1 to {different}, the number of different codes")
    found = KMeans(count, random_state=seed).fit(codes.cpu().numpy())
    return torch.from_numpy(found.cluster_centers_).to(codes), torch.from_numpy(found.labels_).to(codes.device).long()


def _kernels(codes: Tensor, centres: Tensor, labels: Tensor, a: float) -> tuple[Tensor, Tensor]:
    """Return the centres, and how narrow their features are."""
    far = (codes - centres[labels]).norm(dim=-1)
    sums = torch.zeros_like(centres[:, 0]).index_add(0, labels, far)
    widths = sums / labels.bincount(minlength=len(centres))
    # A cluster of one code, or of equal ones but for rounding, is as wide as the others are on average.
    is_wide = widths > TINY * codes.std(0).norm()
    if not is_wide.any():
        raise ValueError(
            f"`centres` is {len(centres)} for as many different codes: pass fewer, for clusters with a width"
        )
    return centres, 0.5 * (a * torch.where(is_wide, widths, widths[is_wide].mean())) ** -2


def _weights(features: Tensor, squares: Tensor, zeta: float, steps: int) -> Tensor:
    """Return the most likely weights of some values, ``(D, K)``, for features ``(N, K)`` and squares ``(N, D)``."""
    against = (features.mT @ squares).mT
    weight = (features.sum() / len(features) * squares.mean(0)).reciprocal()[:, None].expand_as(against)
    for _ in range(steps):
        variance = (features @ weight.mT + zeta).reciprocal()
        weight = weight * (features.mT @ variance).mT / against
    return weight
