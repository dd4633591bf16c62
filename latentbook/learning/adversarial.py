"""Training against each other: two players, each with a loss and an optimiser of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentbook.learning.models.bigan import BiGAN
from latentbook.learning.running import Update

__all__ = ["AdversarialUpdate"]


class AdversarialUpdate(Update):
    """A step of training a `BiGAN`: the discriminator's, then encoder's and generator's, each by an Adam of its own.

    Both look at the same pairs, with new noise for every batch; the second step sees the discriminator after the first.
    As the argument `update` of `latentbook.learning.train.fit` it is
    ``functools.partial(AdversarialUpdate, steps_per_epoch=...)``.

    Args:
        model: The model.
        steps_per_epoch: Steps after which both rates are multiplied by `decay`, at least 1.
        rates: Learning rates, of encoder and generator, and of the discriminator, above 0.
        decay: Factor on both rates after each epoch, above 0 and at most 1.
        betas: Of both Adams, torch's own by default; the perceptrons learn better with a first one of 0.5.
        weight_decay: Of both Adams.

    Raises:
        ValueError: If a number is out of range.

    Reference:
        The rates are Michelis & Becker's, ICLR workshops 2021.

    Example:
        >>> import functools
        >>> from latentbook.learning.data import Dataset
        >>> from latentbook.learning.models.bigan import bigan_mlp
        >>> from latentbook.learning.train import fit
        >>> data, model = Dataset(torch.rand(64, 3)), bigan_mlp(2, (3,))
        >>> update = functools.partial(AdversarialUpdate, steps_per_epoch=4)
        >>> history = fit(model, data, BiGAN.terms, weights={}, steps=8, batch_size=16, seed=0, update=update)
        >>> history.terms["generator"].shape
        torch.Size([8])

    Chapter 3.
    """

    def __init__(
        self,
        model: BiGAN,
        *,
        steps_per_epoch: int,
        rates: tuple[float, float] = (5e-3, 3e-3),
        decay: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 1e-4,
    ) -> None:
        if steps_per_epoch < 1:
            raise ValueError(f"`steps_per_epoch` is {steps_per_epoch}, but must be at least 1")
        if not 0 < min(rates) <= max(rates) < math.inf:
            raise ValueError(f"`rates` is {rates}, but must be two finite numbers above 0")
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` is {decay}, but must be above 0 and at most 1")
        self.steps_per_epoch, self.rates, self.decay = steps_per_epoch, rates, decay
        self.players = (
            [*model.encoder.parameters(), *model.generator.parameters()],
            [*model.discriminator.parameters()],
        )
        self.optimizers = [
            torch.optim.Adam(player, lr=rate, betas=betas, weight_decay=weight_decay, fused=True)
            for player, rate in zip(self.players, rates, strict=True)
        ]

    def __call__(self, model: BiGAN, batch: Tensor | tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        """Make both steps.

        Args:
            model: The model.
            batch: Examples, or examples and standard normal numbers for the codes.
            step: Steps made before.

        Returns:
            Each loss as it was before its own step.
        """
        data, generated = model.pairs(*batch) if isinstance(batch, tuple) else model.pairs(batch)
        discriminator = self._descend(1, model.discriminator_loss(data, generated), step)
        generator = self._descend(0, model.generator_loss(data, generated), step)
        return {"discriminator": discriminator, "generator": generator}

    def _descend(self, player: int, loss: Tensor, step: int) -> Tensor:
        """Move one player's parameters, and nobody else's."""
        for group in self.optimizers[player].param_groups:
            group["lr"] = self.rates[player] * self.decay ** (step // self.steps_per_epoch)
        parameters = self.players[player]
        # Slopes of these alone: a backward pass would also leave some with the other player.
        for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = slope
        self.optimizers[player].step()
        self.optimizers[player].zero_grad()
        return loss.detach()
