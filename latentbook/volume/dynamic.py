r"""Pruning while training: a dimension is fixed to its mean as soon as a budget for the error allows it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from latentbook.volume.penalties import latent_std

__all__ = ["DynamicPruning"]


class DynamicPruning(nn.Module):
    r"""Freezes the narrowest dimension of a code to its running mean when the error budget can pay for it.

    It keeps exponential moving averages of the squared error per example :math:`\epsilon^2`, the widths
    :math:`\sigma_i` and the means, and freezes the narrowest active dimension as soon as

    .. math:: \epsilon + K \min_{i\ \text{active}} \sigma_i < r .

    By the bound of `latentbook.volume.pruning_bound` freezing never brings the error beyond :math:`r`, whatever the
    decoder does within its Lipschitz constant :math:`K`; what the training does to it afterwards is another matter.
    :math:`\epsilon` is raised by the price at once, so that several dimensions in a row cannot spend the same budget
    before the average has seen the first. A frozen dimension stays frozen. Averages and masks are buffers: they follow
    the module's device, and stand in its ``state_dict``.

    Args:
        latent_dim: Dimensions of a code, at least 1.
        budget: :math:`r`, above 0: the root mean squared L2 error of an example that may not be exceeded, in data
            units.
        momentum: What an average keeps of its past at every update, in [0, 1).
        lipschitz: :math:`K` of the decoder, above 0.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        After the dynamic pruning in the history of Chen & Fuge's code; the raised :math:`\epsilon` is this book's.

    Example:
        >>> frozen = DynamicPruning(latent_dim=2, budget=1.0)
        >>> z = torch.tensor([[3.0, 0.1], [-3.0, -0.1]])
        >>> frozen.update(z, error=torch.tensor(0.04), event_size=4)
        >>> frozen(z)
        tensor([[ 3.,  0.],
                [-3.,  0.]])

    Chapter 1.
    """

    active: Bool[Tensor, " m"]
    mean: Float[Tensor, " m"]
    std: Float[Tensor, " m"]
    squared_error: Float[Tensor, ""]
    started: Bool[Tensor, ""]

    def __init__(self, latent_dim: int, budget: float, momentum: float = 0.8, *, lipschitz: float = 1.0) -> None:
        super().__init__()
        if latent_dim < 1:
            raise ValueError(f"`latent_dim` is {latent_dim}, but a code has at least one dimension: pass 1 or more")
        if not budget > 0:
            raise ValueError(f"`budget` is {budget}, but no error is below zero: pass a number above 0")
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` is {momentum}, but an average has to move: pass a number in [0, 1)")
        if not lipschitz > 0:
            raise ValueError(f"`lipschitz` is {lipschitz}, but a decoder has a slope: pass a number above 0")
        self.budget, self.momentum, self.lipschitz = budget, momentum, lipschitz
        self.register_buffer("active", torch.ones(latent_dim, dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(latent_dim))
        self.register_buffer("std", torch.zeros(latent_dim))
        self.register_buffer("squared_error", torch.zeros(()))
        self.register_buffer("started", torch.tensor(False))

    def forward(self, z: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        """Return the codes with every frozen dimension at its mean."""
        # A copy: `update` changes the mask in place, and the backward pass may still be to come.
        return torch.where(self.active.clone(), z, self.mean.to(z.dtype))

    @torch.no_grad()
    def update(self, z: Float[Tensor, "*batch m"], error: Float[Tensor, ""], event_size: int) -> None:
        r"""Take a batch into the averages, and freeze the narrowest dimension if the budget allows.

        Args:
            z: Codes as the encoder returns them, at least two.
            error: Mean squared error over all values of the reconstructions from ``self(z)``.
            event_size: Values in an example, at least 1: what makes a squared distance of the mean.

        Raises:
            ValueError: If there are fewer than two codes, or `event_size` is below 1.
        """
        if event_size < 1:
            raise ValueError(f"`event_size` is {event_size}, but an example has at least one value: pass 1 or more")
        codes = z.reshape(-1, z.shape[-1])
        self.squared_error.copy_(self._averaged(self.squared_error, error * event_size))
        self.std.copy_(self._averaged(self.std, latent_std(codes)))
        # Its mean is what a frozen dimension stays at.
        self.mean.copy_(torch.where(self.active, self._averaged(self.mean, codes.mean(0)), self.mean))
        self.started.fill_(True)
        self._freeze_one()

    def penalty(self, z: Float[Tensor, "*batch m"], eta: float | Tensor = 0.0) -> Float[Tensor, ""]:
        r"""Return the volume penalty over the active dimensions; without any, 1.

        Where dead dimensions are frozen, nothing silences the product, and it needs no lift.

        Args:
            z: Codes as the encoder returns them, at least two.
            eta: Lift, at least 0, in latent units.

        Raises:
            ValueError: If there are fewer than two codes, or `eta` is a negative number.
        """
        if not isinstance(eta, Tensor) and not eta >= 0:
            raise ValueError(f"`eta` is {eta}, but a width cannot be lifted below zero: pass 0 or more")
        # Frozen dimensions count as 1 in the product: the mask goes before the logarithm, or its gradient is nan.
        active = self.active.clone()
        widths = torch.where(active, latent_std(z) + eta, 1.0)
        return (widths.log().sum() / active.sum().clamp_min(1)).exp()

    def _averaged(self, average: Tensor, new: Tensor) -> Tensor:
        """Return the moving average after one more value; the first value is the average."""
        moved = self.momentum * average + (1 - self.momentum) * new
        return torch.where(self.started, moved, new.to(average.dtype))

    def _freeze_one(self) -> None:
        # Decided by tensors on the device: a training step does not wait for the host.
        widths = torch.where(self.active, self.std, torch.inf)
        price = self.squared_error.sqrt() + self.lipschitz * widths.min()
        affordable = price < self.budget
        narrowest = torch.arange(len(widths), device=widths.device) == widths.argmin()
        self.active.logical_and_(~(narrowest & affordable))
        self.squared_error.copy_(torch.where(affordable, price.square(), self.squared_error))
