"""The autoencoder: a code for every example, a reconstruction for every code, and penalties on the codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.nn import functional as F

__all__ = ["Autoencoder", "PointMass"]

ERRORS = {"mse": F.mse_loss, "bce": F.binary_cross_entropy}


class PointMass(Distribution):
    """A distribution that has all its mass at one point: what a deterministic encoder believes.

    Args:
        value: The point, ``(*batch, m)``; the last dimension is the event.

    Example:
        >>> PointMass(torch.zeros(3, 2)).rsample((5,)).shape
        torch.Size([5, 3, 2])

    Chapter 1.
    """

    arg_constraints = {"value": constraints.real_vector}  # noqa: RUF012  # pyright: ignore[reportAssignmentType]
    support = constraints.real_vector  # pyright: ignore[reportAssignmentType]
    has_rsample = True

    def __init__(self, value: Float[Tensor, "*batch m"], validate_args: bool | None = None) -> None:
        self.value = value
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        """The point."""
        return self.value

    @property
    def variance(self) -> Tensor:
        """Zero."""
        return torch.zeros_like(self.value)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Return the point, as often as asked for."""
        return self.value.expand(*sample_shape, *self.value.shape)

    def expand(self, batch_shape: torch.Size | tuple[int, ...], _instance: object = None) -> PointMass:
        """Return the same belief for a larger batch."""
        return PointMass(self.value.expand(*batch_shape, *self.event_shape))


class Autoencoder(nn.Module):
    """An encoder, a decoder, and penalties on the codes.

    Args:
        encoder: Module ``(..., *event)`` to ``(..., m)``.
        decoder: Module ``(..., m)`` to ``(..., *event)``.
        penalties: Named functions of the codes, each to a scalar; their weights belong to the training.
        reconstruction: The error of a value: ``"mse"``, its square, or ``"bce"``, the cross-entropy of a grey level in
            [0, 1], in nats.
        decoder_penalties: Named functions ``penalty(decode, z)`` to a scalar, called with ``noise=`` too where `terms`
            is given some for them.

    Raises:
        ValueError: If `reconstruction` is unknown, or two terms have one name.

    Example:
        >>> from latentbook.volume import volume_penalty
        >>> model = Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), {"volume": volume_penalty})
        >>> sorted(model.terms(torch.rand(8, 4)))
        ['reconstruction', 'volume']

    Chapter 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        penalties: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
        reconstruction: str = "mse",
        decoder_penalties: Mapping[str, Callable[..., Tensor]] | None = None,
    ) -> None:
        super().__init__()
        if reconstruction not in ERRORS:
            raise ValueError(f"`reconstruction` is {reconstruction!r}, but must be one of {[*ERRORS]}")
        self.encoder, self.decoder, self.error = encoder, decoder, ERRORS[reconstruction]
        self.penalties, self.decoder_penalties = dict(penalties or {}), dict(decoder_penalties or {})
        names = ["reconstruction", *self.penalties, *self.decoder_penalties]
        if taken := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{taken[0]!r} is the name of two terms: give a penalty another name")

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of every example, ``(..., m)``."""
        return self.encoder(x)

    def posterior(self, x: Tensor) -> PointMass:
        """Return what the encoder believes about the code: one point, without doubt."""
        return PointMass(self.encode(x))

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean data of every code, ``(..., *event)``."""
        return self.decoder(z)

    def terms(self, x: Tensor, noise: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Return the unweighted terms of the loss: the error, a mean over all values, and every penalty.

        Args:
            x: Data, ``(*batch, *event)``.
            noise: Under the name of a decoder's penalty, what it is called with as ``noise=``, where none may be drawn,
                as in a family.

        Raises:
            ValueError: If noise is given for what takes none.
        """
        z, given = self.encode(x), noise or {}
        if unknown := [name for name in given if name not in self.decoder_penalties]:
            known = [*self.decoder_penalties]
            raise ValueError(f"`noise` names {unknown[0]!r}, but the decoder's penalties are {known}: correct it")
        terms = {"reconstruction": self.error(self.decode(z), x)}
        terms |= {name: penalty(z) for name, penalty in self.penalties.items()}
        for name, penalty in self.decoder_penalties.items():
            own = {"noise": given[name]} if name in given else {}
            terms[name] = penalty(self.decode, z, **own)
        return terms
