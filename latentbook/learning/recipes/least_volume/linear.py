"""The linear case trained: is the closed form what gradient descent finds?"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentbook.core import seeded
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.train import fit
from latentbook.lipschitz import spectral_norm
from latentbook.volume import latent_std, linear_optimum, volume_penalty

__all__ = ["LinearCase", "linear_case", "linear_data"]

# Four principal components, of which the last is hardly there, and weights that leave three to none of them. Below the
# first weight the axes turn so slowly that the training would have to be much longer, and the closed form keeps a
# fourth dimension, of a width of 0.016: none that a decoder column of that length gets the time to find.
PRINCIPAL_STD = (2.0, 1.0, 0.5, 0.1)
LAMBDAS = (0.15, 0.3, 1.0, 2.0, 3.0, 6.0)
EXAMPLES = 512
STEPS = {"smoke": 1500, "book": 3000, "paper": 6000}
LEARNING_RATE = 3e-2


@dataclass(frozen=True)
class LinearCase:
    """Linear autoencoders after training, beside the closed form.

    Attributes:
        p: Principal standard deviations of the data, widest first, ``(m,)``.
        lambdas: Weights of the volume penalty, ``(T,)``.
        trained: Latent widths after training, widest first, ``(T, m)``.
        predicted: Those of the closed form, ``(T, m)``.
    """

    p: Tensor
    lambdas: Tensor
    trained: Tensor
    predicted: Tensor


def linear_data(p: Tensor, count: int, seed: int) -> Dataset:
    """Return points whose sample has exactly these principal standard deviations, along axes turned at random.

    Args:
        p: Principal standard deviations, ``(m,)``.
        count: Number of points, more than m.
        seed: Which draw.

    Returns:
        Points ``(count, m)`` with mean zero.

    Example:
        >>> from latentbook.volume import principal_std
        >>> principal_std(linear_data(torch.tensor([3.0, 1.0]), 50, seed=0)[:])
        tensor([3., 1.])

    Chapter 1.
    """
    with seeded(seed):
        drawn, turned = (
            torch.randn(count, len(p), dtype=torch.float64),
            torch.randn(len(p), len(p), dtype=torch.float64),
        )
    white = torch.linalg.svd(drawn - drawn.mean(0), full_matrices=False).U * (count - 1) ** 0.5
    axes = torch.linalg.qr(turned).Q
    return Dataset((white * p.double() @ axes.T).to(torch.get_default_dtype()), name="linear")


def linear_case(chosen: Settings, eta: float = 1.0) -> LinearCase:
    """Train a linear autoencoder for each weight, on all points at every step.

    Args:
        chosen: Checked parameters, from `settings`; scale, seed and device count.
        eta: Lift, in units of the data, at least 0: the widest principal component has a width of 2.

    Returns:
        Widths, trained and predicted.

    Example:
        >>> linear_case(settings(scale="smoke", device="cpu")).trained.shape
        torch.Size([6, 4])

    Chapter 1.
    """
    p, lambdas, steps = torch.tensor(PRINCIPAL_STD), torch.tensor(LAMBDAS), STEPS[chosen.scale]
    data = linear_data(p, EXAMPLES, chosen.seed).to(chosen.device)
    penalty = functools.partial(volume_penalty, eta=eta)
    with seeded(chosen.seed):
        model = Autoencoder(nn.Linear(len(p), len(p)), spectral_norm(nn.Linear(len(p), len(p))), {"volume": penalty})
    together = Family([model] * len(lambdas)).to(chosen.device)
    with Progress(steps, f"{len(lambdas)} linear autoencoders as one") as progress:
        fit(
            together,
            data,
            family_loss(lambda model, x, step: model.terms(x)),
            weights={"reconstruction": 1.0, "volume": lambdas.to(chosen.device)},
            steps=steps,
            batch_size=len(data),
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=LEARNING_RATE, fused=True),
            # The axes turn fast at first, and the widths come to rest at last.
            schedule=lambda step: (1 + math.cos(math.pi * step / steps)) / 2,
            draw=lambda data, size, generator: data[:],
            progress=progress,
        )
    with torch.no_grad():
        widths = together.call(lambda model, x: latent_std(model.encode(x)), data[:])
    trained = widths.sort(descending=True).values.cpu()
    predicted = torch.stack([linear_optimum(p, lam, eta) for lam in LAMBDAS])
    return LinearCase(p, lambdas, trained, predicted)
