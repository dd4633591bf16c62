"""The models: hierarchies of perceptrons, or of the original's convolutions."""

from __future__ import annotations

import math

import torch

from latentbook.learning.likelihoods import likelihood
from latentbook.learning.models.convolutional_hierarchies import hierarchical_conv
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.models.hierarchies import hierarchical_mlp
from latentbook.learning.rates import temperature
from latentbook.learning.recipes.information.settings import Settings, settings  # noqa: F401  (doctests)

__all__ = ["Draw", "build", "latent_dims", "loss"]

# Width of the perceptrons, for events of at most so many values and for larger ones.
SMALL, HIDDEN, HIDDEN_LARGE = 64, 64, 256

# Examples, and the noise of their codes.
Draw = tuple[torch.Tensor, tuple[torch.Tensor, ...]]


def build(chosen: Settings, event_shape: tuple[int, ...]) -> HierarchicalVAE:
    """Return an untrained model.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example; of convolutions an image's.

    Returns:
        The model, on the CPU, with weights from the global generator.

    Raises:
        ValueError: If convolutions do not fit the shape.

    Example:
        >>> build(settings(device="cpu"), (1, 8, 8)).latent_dims
        (16, 8)

    Chapter 4.
    """
    options = {} if chosen.sigma is None else {"sigma": chosen.sigma}
    noise = likelihood(chosen.likelihood, event_shape, **options)
    shared = {"inference": chosen.inference, "likelihood": noise, "top": chosen.posterior}
    if chosen.conv_channels is not None:
        return hierarchical_conv(event_shape, chosen.conv_channels, chosen.latent_dim, **shared)
    hidden = HIDDEN if math.prod(event_shape) <= SMALL else HIDDEN_LARGE
    return hierarchical_mlp(event_shape, latent_dims(chosen), (hidden,), **shared)


def latent_dims(chosen: Settings) -> tuple[int, ...]:
    """Return the sizes of perceptrons' codes, of the layer next to the data first: each is twice the one above.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        L sizes.

    Example:
        >>> latent_dims(settings(layers=3, device="cpu"))
        (16, 8, 4)

    Chapter 4.
    """
    return tuple(chosen.latent_dim << above for above in reversed(range(chosen.layers)))


def loss(model: HierarchicalVAE, batch: Draw, step: int, *, epochs_a_step: float = 0.0) -> dict[str, torch.Tensor]:
    """Return the unweighted terms of a step.

    Args:
        model: Whose.
        batch: Examples, and noise from `HierarchicalVAE.draw_noise`.
        step: From 0; a relaxed category gets colder as the epochs go by.
        epochs_a_step: Part of the data in a batch.

    Returns:
        As `HierarchicalVAE.terms`.

    Example:
        >>> model, x = build(settings(device="cpu"), (1, 8, 8)), torch.rand(5, 1, 8, 8)
        >>> sorted(loss(model, (x, model.draw_noise((5,))), step=0))
        ['distortion', 'rate_1', 'rate_2']

    Chapter 4.
    """
    relaxed = model.top == "categorical"
    return model.terms(*batch, temperature(step * epochs_a_step) if relaxed else None)
