"""Gauss's rule, where integrals in one dimension have no closed form."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["gauss_rule"]

# On [0, 1], by the number of nodes; found once, since it takes longer than most integrals.
RULES = {count: (np.stack(np.polynomial.legendre.leggauss(count)) + np.array([[1], [0]])) / 2 for count in (8, 16, 40)}


def gauss_rule(count: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nodes and weights of Gauss's rule on [0, 1], exact for polynomials up to the degree 2n - 1.

    Args:
        count: n: 8, 16 or 40.
        like: A tensor of the type and on the device that they are to have. The host does not wait for the device.

    Returns:
        Both, of shape ``(n, 1, ..., 1)``, so that they broadcast against the tensor.

    Raises:
        KeyError: If there is no rule with so many nodes.

    Example:
        >>> nodes, weights = gauss_rule(8, torch.zeros(()))
        >>> torch.sum(weights * nodes**15)  # 1/16
        tensor(0.0625)

    Chapter 5.
    """
    rule = torch.from_numpy(RULES[count])
    nodes, weights = rule.to(like, non_blocking=True).view(2, count, *[1] * like.ndim).unbind()
    return nodes, weights
