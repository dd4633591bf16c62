"""Monte Carlo experiments: how much shorter than straight lines geodesics are, over many pairs at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.geodesics import Improvement, relative_improvement
from latentbook.learning.dataset import Dataset
from latentbook.metric import Decoder, pullback_metric

__all__ = [
    "Pairs",
    "compare_models",
    "improvement_along_largest_eigenvector",
    "largest_eigenvector_steps",
    "prior_pairs",
]


@dataclass(frozen=True)
class Pairs:
    """Pairs of images, and what geodesics gain between their codes.

    Attributes:
        index: Of the images, ``(P, 2)``.
        found: One for each model, over the pairs.
    """

    index: Tensor
    found: list[Improvement]


def prior_pairs(count: int, latent_dim: int, *, seed: int = 0, like: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Draw pairs of codes from the standard normal prior.

    Args:
        count: Number of pairs.
        latent_dim: Size of a code.
        seed: Of the draw.
        like: A tensor of the type and device that are wanted; by default torch's own.

    Returns:
        Starts and ends, ``(count, latent_dim)``.

    Example:
        >>> a, b = prior_pairs(5, 3)
        >>> a.shape
        torch.Size([5, 3])

    Chapter 3.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(2, count, latent_dim, generator=generator)
    a, b = drawn if like is None else drawn.to(like)
    return a, b


def largest_eigenvector_steps(f: Decoder, starts: Float[Tensor, "P m"], step_size: float) -> Float[Tensor, "P m"]:
    """Take a step from each code along the direction in which the data change fastest, towards the origin.

    Args:
        f: Decoder.
        starts: Codes.
        step_size: Length of a step, in latent units.

    Returns:
        Where the steps end. Of the two directions of the largest eigenvector of the metric, the one in which the code
        gets shorter is taken.

    Example:
        >>> largest_eigenvector_steps(lambda z: z * torch.tensor([1.0, 3.0]), torch.tensor([[5.0, 2.0]]), 1.0)
        tensor([[5., 1.]])

    Chapter 3.
    """
    direction = torch.linalg.eigh(pullback_metric(f, starts)).eigenvectors[..., -1]
    outwards = (starts * direction).sum(-1, keepdim=True) > 0
    return starts - step_size * torch.where(outwards, direction, -direction)


def improvement_along_largest_eigenvector(
    f: Decoder,
    latent_dim: int,
    *,
    count: int,
    step_size: float = 1.0,
    seed: int = 0,
    like: Tensor | None = None,
    **solver: Any,
) -> Improvement:
    """Measure how much geodesics gain on steps along the largest eigenvector of the metric, from codes of the prior.

    Args:
        f: Decoder.
        latent_dim: Size of a code.
        count: Number of pairs.
        step_size: Length of the steps, in latent units.
        seed: Of the codes.
        like: A tensor of the type and device that are wanted.
        solver: Settings of `latentbook.geodesics.geodesic`.

    Returns:
        The relative improvement of each pair beside its control on a flat decoder.

    Reference:
        Michelis & Becker, *On linear interpolation in the latent space of deep generative models*, ICLR workshop 2021.

    Example:
        >>> found = improvement_along_largest_eigenvector(lambda z: torch.cat([z, z**2], -1), 2, count=3)
        >>> found.improvement.shape
        torch.Size([3])

    Chapter 3.
    """
    starts, _ = prior_pairs(count, latent_dim, seed=seed, like=like)
    return relative_improvement(f, starts, largest_eigenvector_steps(f, starts, step_size), **solver)


@torch.no_grad()
def compare_models(*models: Any, images: Dataset, count: int, seed: int = 0, **solver: Any) -> Pairs:
    """Measure how much geodesics gain between the same pairs of images, in several models.

    Each image is encoded by the encoder of the model that decodes it; sizes of codes may differ.

    Args:
        models: Two or more, each with `encode` and `decode`, in eval mode and on the images' device.
        images: At least two.
        count: Number of pairs of different images.
        seed: Of the pairs.
        solver: Settings of `latentbook.geodesics.geodesic`.

    Returns:
        Which images, and for each model what geodesics gain.

    Raises:
        ValueError: If there are fewer than two models.

    Example:
        >>> from latentbook.learning.recipes.geodesics import build, settings
        >>> models = [build(settings(latent_dim=m, device="cpu"), (1, 8, 8)).eval() for m in (2, 3)]
        >>> pairs = compare_models(*models, images=Dataset(torch.rand(9, 1, 8, 8)), count=4)
        >>> pairs.index.shape, [len(found.improvement) for found in pairs.found]
        (torch.Size([4, 2]), [4, 4])

    Chapter 3.
    """
    if len(models) < 2:
        raise ValueError(f"`models` has {len(models)} entry, but a comparison needs two or more")
    index = image_pairs(len(images), count, seed)
    starts, ends = images[index[:, 0]], images[index[:, 1]]
    found = [relative_improvement(model.decode, model.encode(starts), model.encode(ends), **solver) for model in models]
    return Pairs(index, found)


def image_pairs(size: int, count: int, seed: int) -> Tensor:
    """Draw pairs of different indices.

    Args:
        size: Number of examples, at least 2.
        count: Number of pairs.
        seed: Of the draw.

    Returns:
        ``(count, 2)``; the two of a pair differ.

    Example:
        >>> bool((image_pairs(2, 5, 0).sum(1) == 1).all())
        True

    Chapter 3.
    """
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(size, (count,), generator=generator)
    # An offset that is never a multiple of the size leads to another one.
    second = (first + torch.randint(1, size, (count,), generator=generator)) % size
    return torch.stack([first, second], 1)
