"""The models: a VAE or an autoencoder whose decoder is kept near an isometry by a penalty of two kinds."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from latentbook.isometry import mix_latents, relaxed_distortion, scaled_isometry_penalty
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.recipes.isometry.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.metric import Decoder, pullback_metric

__all__ = ["build", "distortion", "penalty_noise", "scaled_isometry"]

# Hidden sizes of the encoder: smooth perceptrons for small events and for larger ones, and the original's.
SMALL, HIDDEN, HIDDEN_28, HIDDEN_ORIGINAL = 64, (128, 128), (256, 256), (256,) * 4


def build(chosen: Settings, event_shape: tuple[int, ...]) -> VAE | Autoencoder:
    """Return an untrained model: smooth perceptrons, at paper scale the original's.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example. Images are decoded to grey levels in [0, 1], anything else to any number.

    Returns:
        The model, on the CPU, with weights from the global generator; its terms take noise from `penalty_noise`.

    Example:
        >>> build(settings(device="cpu"), (1, 8, 8)).encode(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 2])

    Chapter 2.
    """
    m, sizes, activation = chosen.latent_dim, _hidden(chosen, event_shape), nn.ReLU if chosen.is_original else nn.Tanh
    has_noise = chosen.model != "irae"
    encoder = mlp_encoder(event_shape, sizes, 2 * m if has_noise else m, activation)
    decoder = mlp_decoder(m, sizes[::-1], event_shape, activation)
    if len(event_shape) == 3:
        decoder.append(nn.Sigmoid())
    penalties = {"isometry": _penalty(chosen)}
    return VAE(encoder, decoder, penalties) if has_noise else Autoencoder(encoder, decoder, decoder_penalties=penalties)


def distortion(
    f: Decoder, z: Tensor, noise: Tensor | None = None, *, eta: float | None = 0.2, probe: str = "exact"
) -> Tensor:
    """Return the relaxed distortion with all its randomness in one argument, so that a family can be given it.

    Args:
        f: Decoder.
        z: Codes, ``(B, m)``.
        noise: From `penalty_noise`, ``(B, 2 + m)``; by default drawn.
        eta: How far beyond the codes its points may lie; None: at the codes.
        probe: ``"exact"``, or the kind of one random direction a point.

    Returns:
        The distortion, without unit; at least 1/m where the traces are exact.

    Example:
        >>> distortion(lambda z: 3 * z, torch.randn(10, 2)).item()
        0.5

    Chapter 2.
    """
    noise = penalty_noise(z.shape, z) if noise is None else noise
    mixing = None if eta is None else noise[..., :2]
    if probe == "exact":
        return relaxed_distortion(f, z, probes="exact", eta=eta, noise=mixing)
    return relaxed_distortion(f, z, probe=DIRECTIONS[probe](noise[..., 2:]), eta=eta, noise=mixing)


def scaled_isometry(f: Decoder, z: Tensor, noise: Tensor | None = None, *, eta: float | None = 0.2) -> Tensor:
    """Return the deviation from a scaled identity, `latentbook.isometry.scaled_isometry_penalty`, at mixed codes.

    Args:
        f: Decoder.
        z: Codes, ``(B, m)``.
        noise: From `penalty_noise`, ``(B, 2 + m)``; by default drawn.
        eta: How far beyond the codes its points may lie; None: at the codes.

    Returns:
        The penalty, in data units to the fourth per latent unit to the fourth.

    Example:
        >>> scaled_isometry(lambda z: 3 * z, torch.randn(10, 2)).item()
        0.0

    Chapter 2.
    """
    noise = penalty_noise(z.shape, z) if noise is None else noise
    points = z if eta is None else mix_latents(z, eta, noise=noise[..., :2])
    return scaled_isometry_penalty(pullback_metric(f, points, create_graph=True))


def penalty_noise(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw what a penalty needs for codes of a shape: two uniform numbers, then m standard normal ones.

    Args:
        shape: Of the codes, ``(B, m)``.
        like: A tensor of the dtype and device that is wanted.
        generator: Source of randomness; by default the global one.

    Returns:
        ``(B, 2 + m)``.

    Example:
        >>> penalty_noise((5, 3), torch.zeros(1)).shape
        torch.Size([5, 5])

    Chapter 2.
    """
    place = {"dtype": like.dtype, "device": like.device, "generator": generator}
    return torch.cat([torch.rand(*shape[:-1], 2, **place), torch.randn(*shape, **place)], -1)


# Directions of mean square one in every coordinate, from standard normal numbers.
DIRECTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sphere": lambda normal: normalize(normal, dim=-1) * math.sqrt(normal.shape[-1]),
    "rademacher": lambda normal: torch.where(normal < 0, -1.0, 1.0).to(normal.dtype),
    "gaussian": lambda normal: normal,
}


def _penalty(chosen: Settings) -> Callable[..., Tensor]:
    if chosen.model == "fmvae":
        return functools.partial(scaled_isometry, eta=chosen.eta)
    return functools.partial(distortion, eta=chosen.eta, probe=chosen.probe)


def _hidden(chosen: Settings, event_shape: tuple[int, ...]) -> tuple[int, ...]:
    if chosen.is_original:
        return HIDDEN_ORIGINAL
    return HIDDEN if math.prod(event_shape) <= SMALL else HIDDEN_28
