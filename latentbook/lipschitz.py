r"""Lipschitz bounds: linear layers divided by their largest singular value.

Notation, after Miyato et al. (2018): a layer :math:`x \mapsto W x + b`, its spectral norm
:math:`\sigma(W) = \max_{\lVert v \rVert = 1} \lVert W v \rVert`, and the estimates :math:`u, v` of the left and right
singular vectors that power iteration keeps from one step to the next.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

__all__ = ["spectral_norm"]

# The first estimates are random; so many iterations at the start bring them within a percent or so.
FIRST_ITERATIONS = 15
SMALLEST = 1e-12


def spectral_norm(layer: nn.Linear, *, lipschitz: float = 1.0, n_power_iterations: int = 1) -> nn.Linear:
    r"""Give a linear layer the weight :math:`\kappa W / \sigma(W)`, so that it stretches nothing by more than κ.

    It registers a parametrization of torch: `torch.nn.utils.parametrize.remove_parametrizations` takes it off. Unlike
    torch's own, its estimates are updated in place, without ``out=``, so that layers can be stacked and run by `vmap`.
    Power iteration approaches the norm from below.

    Args:
        layer: Changed in place.
        lipschitz: κ, above 0.
        n_power_iterations: In each forward pass in train mode, at least 1. In eval mode there are none.

    Returns:
        The layer.

    Raises:
        TypeError: If it is not a linear layer.
        ValueError: If `lipschitz` or `n_power_iterations` is out of range.

    Reference:
        Miyato, Kataoka, Koyama & Yoshida, *Spectral normalization for generative adversarial networks*, ICLR 2018.

    Example:
        >>> layer = spectral_norm(nn.Linear(8, 5), n_power_iterations=100).train()
        >>> layer(torch.zeros(8)).shape
        torch.Size([5])
        >>> torch.linalg.matrix_norm(layer.eval().weight.detach(), 2).round(decimals=3)
        tensor(1.)

    Chapter 1.
    """
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"`layer` is a {type(layer).__name__}, but must be a torch.nn.Linear")
    if not lipschitz > 0:
        raise ValueError(f"`lipschitz` is {lipschitz}, but must be above 0")
    if n_power_iterations < 1:
        raise ValueError(f"`n_power_iterations` is {n_power_iterations}, but must be at least 1")
    normalised = _Normalised(layer.weight.detach(), lipschitz, n_power_iterations)
    parametrize.register_parametrization(layer, "weight", normalised)
    return layer


class _Normalised(nn.Module):
    """The parametrization: a weight, divided by the norm that its buffers estimate."""

    u: Tensor
    v: Tensor

    def __init__(self, weight: Float[Tensor, "out in"], lipschitz: float, iterations: int) -> None:
        super().__init__()
        self.lipschitz, self.iterations = lipschitz, iterations
        outputs, inputs = weight.shape
        self.register_buffer("u", _unit(torch.randn(outputs, dtype=weight.dtype, device=weight.device)))
        self.register_buffer("v", _unit(torch.randn(inputs, dtype=weight.dtype, device=weight.device)))
        self._iterate(weight, FIRST_ITERATIONS)

    def forward(self, weight: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
        """Return the normalised weight; in train mode, improve the estimates first."""
        if self.training:
            self._iterate(weight.detach(), self.iterations)
        # The next forward pass changes the buffers in place, and this one's backward pass may still be to come.
        u, v = self.u.clone(), self.v.clone()
        return weight * (self.lipschitz / (u * _times(weight, v)).sum())

    @torch.no_grad()
    def _iterate(self, weight: Tensor, iterations: int) -> None:
        for _ in range(iterations):
            self.u.copy_(_unit(_times(weight, self.v)))
            self.v.copy_(_unit(_times(weight.mT, self.u)))


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    # Batched, a product of matrix and vector by `bmm` is several times slower than this.
    return (matrix * vector).sum(-1)


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm().clamp_min(SMALLEST)
