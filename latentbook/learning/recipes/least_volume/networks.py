"""The autoencoders: perceptrons whose decoder stretches nothing."""

from __future__ import annotations

import functools

import torch  # noqa: F401  (doctests)
from torch import nn

from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.lipschitz import spectral_norm
from latentbook.volume import volume_penalty

__all__ = ["build"]

HIDDEN = {8: (128, 128), 28: (256, 128)}


def build(
    chosen: Settings, event_shape: tuple[int, ...], *, lipschitz: bool = True, eta: float | None = None
) -> Autoencoder:
    """Return an untrained autoencoder: perceptrons with LeakyReLU, the decoder's layers of spectral norm 1.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example.
        lipschitz: Whether the decoder's layers are spectrally normalised.
        eta: Lift of the penalty, if another than the settings'.

    Returns:
        The model, on the CPU, with weights from the global generator.

    Example:
        >>> build(settings(device="cpu"), (1, 8, 8)).encode(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 32])

    Chapter 1.
    """
    activation = functools.partial(nn.LeakyReLU, 0.2)
    hidden = HIDDEN[min(HIDDEN, key=lambda size: abs(size - event_shape[-1]))]
    encoder = mlp_encoder(event_shape, hidden, chosen.latent_dim, activation)
    norm = spectral_norm if lipschitz else None
    decoder = mlp_decoder(chosen.latent_dim, hidden[::-1], event_shape, activation, norm)
    penalty = functools.partial(volume_penalty, eta=chosen.eta if eta is None else eta)
    return Autoencoder(encoder, decoder, {"volume": penalty})
