r"""Hierarchies whose rates are known: linear decoders, Gaussian noise, and the best encoders for any weights.

The hierarchy is :math:`z_2 \sim \mathrm{N}(0, 1)`, :math:`z_1 \sim \mathrm{N}(z_2, 1)`, :math:`x \sim \mathrm{N}(z_1,
1)`, and the data are :math:`\mathrm{N}(0, v)`; with :math:`v = 3` the model is right. What is minimised over all
encoders :math:`q(z_2 \mid x)` and :math:`q(z_1 \mid z_2, x)`, is

.. math:: \mathbb{E}[-\log p(x \mid z_1)]
    + \beta_1\, \mathbb{E}\, \mathrm{KL}(q(z_1 \mid z_2, x) \,\|\, p(z_1 \mid z_2))
    + \beta_2\, \mathbb{E}\, \mathrm{KL}(q(z_2 \mid x) \,\|\, p(z_2)) .

For a given z_2 the best :math:`q(z_1 \mid z_2, x)` is proportional to :math:`p(z_1 \mid z_2)\, p(x \mid
z_1)^{1/\beta_1}`: the mean :math:`(\beta_1 z_2 + x) / (1 + \beta_1)` and the variance :math:`\beta_1 / (1 + \beta_1)`.
What that leaves is :math:`\beta_1 (x - z_2)^2 / (2 (1 + \beta_1))` and a constant. So the best :math:`q(z_2 \mid x)`
has the precision :math:`1 + \kappa` and the mean :math:`\kappa x / (1 + \kappa)`, where :math:`\kappa` is
:math:`\beta_1 / (\beta_2 (1 + \beta_1))`.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["chain", "linear_gaussian", "linear_gaussian_information"]

Number = float | Tensor


def linear_gaussian(beta_1: Number, beta_2: Number, data_variance: Number = 3.0) -> dict[str, Float[Tensor, "*batch"]]:
    r"""Return the rates and the distortion of the two-layer hierarchy with the best encoders for two weights.

    Args:
        beta_1: Weight of the rate of z_1, the layer next to the data, above 0.
        beta_2: Weight of the rate of z_2, above 0.
        data_variance: v, of the data, above 0.

    Returns:
        In nats per example: ``"R_2"``, the rate of z_2; ``"R_1"``, that of z_1 given z_2; ``"D"``, the distortion
        :math:`\mathbb{E}[-\log p(x \mid z_1)]`. Numbers are taken in double precision; tensors broadcast.

    Raises:
        ValueError: If a weight or the variance is not above 0, or not finite.

    Reference:
        The weighted objective: Xiao & Bamler, *Trading information between latents in hierarchical variational
        autoencoders*, ICLR 2023.

    Example:
        A large weight below moves information to the layer above:

        >>> for beta_1 in (1.0, 10.0):
        ...     found = linear_gaussian(beta_1, 1.0)
        ...     print({name: round(value.item(), 4) for name, value in found.items()})
        {'R_2': 0.2027, 'R_1': 0.3466, 'D': 1.4189}
        {'R_2': 0.4254, 'R_1': 0.0078, 'D': 1.9301}

    Chapter 4.
    """
    b, v, slope, variance = _encoders(beta_1, beta_2, data_variance)
    # Of x around z_2, as the encoder of z_2 leaves it.
    spread = (1 - slope) ** 2 * v + variance
    R_2 = (variance + slope**2 * v - 1 - variance.log()) / 2
    R_1 = (torch.log1p(1 / b) - 1 / (1 + b) + spread / (1 + b) ** 2) / 2
    D = (math.log(2 * math.pi) + (b / (1 + b)) ** 2 * spread + b / (1 + b)) / 2
    return {"R_2": R_2, "R_1": R_1, "D": D}


def linear_gaussian_information(
    beta_1: Number, beta_2: Number, data_variance: Number = 3.0
) -> dict[str, Float[Tensor, "*batch"]]:
    r"""Return what the layers of that hierarchy know about the data: the mutual informations under the encoders.

    They are at most the rates: :math:`I(x; z_2) \le R_2` and :math:`I(x; z_1) \le R_2 + R_1`. The gap of the first is
    the divergence of the codes' distribution from the prior.

    Args:
        beta_1: As in `linear_gaussian`.
        beta_2: As there.
        data_variance: As there.

    Returns:
        ``"z_2"`` and ``"z_1"``, in nats.

    Raises:
        ValueError: If a weight or the variance is not above 0, or not finite.

    Example:
        >>> round(linear_gaussian_information(1.0, 1.0, 6.0)["z_2"].item(), 4)
        0.3466

    Chapter 4.
    """
    b, v, slope, variance = _encoders(beta_1, beta_2, data_variance)
    below = (b * slope + 1) / (1 + b)
    noise = (b / (1 + b)) ** 2 * variance + b / (1 + b)
    return {"z_2": torch.log1p(slope**2 * v / variance) / 2, "z_1": torch.log1p(below**2 * v / noise) / 2}


def chain(layers: int) -> dict[str, Float[Tensor, ""]]:
    r"""Return the rates and the distortion of L layers with unit noise, encoded by the true posterior.

    Each layer adds the variance 1, :math:`z_{l} \sim \mathrm{N}(z_{l+1}, 1)` and :math:`x \sim \mathrm{N}(z_1, 1)`, and
    the rate of layer l is :math:`\tfrac{1}{2} \ln \tfrac{l + 1}{l}`: least at the top.

    Args:
        layers: L, at least 1.

    Returns:
        ``"R_L"`` to ``"R_1"``, and the distortion ``"D"``, in nats; their sum is the entropy of the data,
        :math:`\tfrac{1}{2} \ln 2 \pi e (L + 1)`.

    Raises:
        ValueError: If `layers` is below 1.

    Example:
        >>> {name: round(value.item(), 4) for name, value in chain(3).items()}
        {'R_3': 0.1438, 'R_2': 0.2027, 'R_1': 0.3466, 'D': 1.4189}

    Chapter 4.
    """
    if layers < 1:
        raise ValueError(f"`layers` is {layers}, but a hierarchy has one layer or more: pass at least 1")
    rates = {f"R_{layer}": torch.tensor(math.log1p(1 / layer) / 2).double() for layer in range(layers, 0, -1)}
    return rates | {"D": torch.tensor(math.log(2 * math.pi * math.e) / 2).double()}


def _encoders(beta_1: Number, beta_2: Number, data_variance: Number) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return beta_1 and the data's variance as tensors, and slope and variance of the best encoder of z_2."""
    b, c, v = (
        _positive(name, value)
        for name, value in (("beta_1", beta_1), ("beta_2", beta_2), ("data_variance", data_variance))
    )
    kappa = b / (1 + b) / c
    return b, v, kappa / (1 + kappa), 1 / (1 + kappa)


def _positive(name: str, value: Number) -> Tensor:
    tensor = value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
    if not bool(((tensor > 0) & tensor.isfinite()).all()):
        raise ValueError(f"`{name}` is {value}, but must be a finite number above 0")
    return tensor
