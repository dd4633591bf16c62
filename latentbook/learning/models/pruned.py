"""The autoencoder that prunes itself while it trains: a dimension is frozen as soon as an error budget allows it."""

from __future__ import annotations

import torch  # noqa: F401  (doctests)
from torch import Tensor, nn
from torch.nn import functional as F

from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.volume import DynamicPruning

__all__ = ["PrunedAutoencoder"]


class PrunedAutoencoder(Autoencoder):
    """An autoencoder whose codes pass through `DynamicPruning`, and whose penalty is the volume of what is active.

    Args:
        encoder: Module ``(..., *event)`` to ``(..., m)``.
        decoder: Module ``(..., m)`` to ``(..., *event)``, with the Lipschitz constant that `pruning` counts on.
        pruning: Holds the budget and the frozen dimensions.
        eta: Lift of the widths in the penalty, in latent units, at least 0.
        reconstruction: The error that is trained on: ``"mse"`` or ``"bce"``. The budget is always of squared errors.

    Raises:
        ValueError: If `reconstruction` is unknown.

    Example:
        >>> model = PrunedAutoencoder(nn.Linear(4, 2), nn.Linear(2, 4), DynamicPruning(2, budget=100.0)).train()
        >>> for _ in range(2):
        ...     terms = model.terms(torch.rand(8, 4))
        >>> model.pruning.active
        tensor([False, False])

    Chapter 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        pruning: DynamicPruning,
        eta: float = 0.0,
        reconstruction: str = "mse",
    ) -> None:
        super().__init__(encoder, decoder, reconstruction=reconstruction)
        self.pruning, self.eta = pruning, eta

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of every example, ``(..., m)``, with frozen dimensions at their values."""
        return self.pruning(self.encoder(x))

    def terms(self, x: Tensor) -> dict[str, Tensor]:
        """Return the unweighted terms of the loss; in train mode, the batch then counts in what may be frozen."""
        z = self.encoder(x)
        decoded = self.decode(self.pruning(z))
        terms = {"reconstruction": self.error(decoded, x), "penalty": self.pruning.penalty(z, self.eta)}
        if self.training:
            event_size = x.numel() * z.shape[-1] // z.numel()
            self.pruning.update(z, F.mse_loss(decoded, x).detach(), event_size)
        return terms
