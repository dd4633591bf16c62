"""Samples of a model or of data: as plain files, and their Fréchet distance in features of the reader's choice.

Chapter 3.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentbook.core import at_rest, write_atomically
from latentbook.learning.dataset import Dataset
from latentbook.metric.forward import standing_still

__all__ = ["draw_samples", "frechet_distance", "save_samples"]

# Examples that are decoded, or looked at, at once.
CHUNK = 1024


@torch.no_grad()
def draw_samples(source: Any, n: int, *, seed: int = 0, latent_dim: int | None = None) -> Tensor:
    """Draw examples from a model's prior, or from data.

    Args:
        source: A model, whose codes are drawn as standard normal numbers and decoded in eval mode; or a `Dataset`, from
            which examples are drawn without replacement.
        n: How many, at least 1 and of data at most as many as there are.
        seed: Of the draw. The caller's random numbers are as before.
        latent_dim: Size of the model's codes; None finds it in the first linear layer of its decoder.

    Returns:
        Floats ``(n, *event)``, on the model's or the data's device.

    Raises:
        ValueError: If a number is out of range, or the size of a code cannot be found.

    Example:
        >>> from latentbook.learning.models.bigan import bigan_mlp
        >>> draw_samples(bigan_mlp(2, (1, 8, 8)), 5).shape
        torch.Size([5, 1, 8, 8])

    Chapter 3.
    """
    if n < 1:
        raise ValueError(f"`n` is {n}, but must be at least 1")
    if isinstance(source, Dataset):
        if n > len(source):
            raise ValueError(f"`n` is {n}, but {source.name!r} has {len(source)} examples: pass at most as many")
        generator = torch.Generator(source.device).manual_seed(seed)
        return source[torch.randperm(len(source), generator=generator, device=source.device)[:n]]
    like = next(source.parameters())
    generator = torch.Generator(like.device).manual_seed(seed)
    size = latent_dim or _latent_dim(source)
    z = torch.randn(n, size, dtype=like.dtype, device=like.device, generator=generator)
    with at_rest(source):
        return torch.cat([source.decode(part) for part in z.split(CHUNK)])


def save_samples(
    source: Any, n: int, folder: str | Path, *, seed: int = 0, latent_dim: int | None = None
) -> list[Path]:
    """Write examples as PNG files of their own pixels: no axes, no border, no scaling, a level x as round(255 x).

    Args:
        source: A model or a `Dataset`, as in `draw_samples`.
        n: How many.
        folder: Where; it is made if need be, and must be empty.
        seed: Of the draw.
        latent_dim: As in `draw_samples`.

    Returns:
        The files, ``00000.png`` and on.

    Raises:
        ValueError: If the folder has files, or the examples are no images of one or three colours in [0, 1].

    Example:
        >>> import tempfile
        >>> from latentbook.learning.data import load
        >>> [file.name for file in save_samples(load("digits", device="cpu"), 2, tempfile.mkdtemp())]
        ['00000.png', '00001.png']

    Chapter 3.
    """
    from PIL import Image

    place = Path(folder)
    if place.exists() and any(place.iterdir()):
        raise ValueError(f"`folder` is {place}, which has files in it: pass an empty one, or the name of a new one")
    images = draw_samples(source, n, seed=seed, latent_dim=latent_dim)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        found = f"`source` has examples of shape {tuple(images.shape[1:])}"
        raise ValueError(f"{found}, but an image is (C, H, W) with one or three colours")
    if not (images.min() >= 0 and images.max() <= 1):
        found = f"`source` has levels from {images.min():.3g} to {images.max():.3g}"
        raise ValueError(f"{found}, but a pixel is in [0, 1]: end the decoder in a sigmoid, or scale the data")
    pixels = (255 * images.double()).round().to(torch.uint8).movedim(1, -1).cpu().numpy()
    files = [place / f"{index:05}.png" for index in range(n)]
    for file, image in zip(files, pixels, strict=True):
        content = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(content, "png")
        write_atomically(file, content.getvalue())
    return files


@torch.no_grad()
def frechet_distance(
    real: Dataset | Float[Tensor, "N *event"],
    fake: Dataset | Float[Tensor, "M *event"],
    features: Callable[[Tensor], Tensor],
) -> float:
    r"""Return the squared Fréchet distance of the Gaussians that have two samples' moments in some features.

    .. math:: \lVert \mu_1 - \mu_2 \rVert^2 + \mathrm{tr}\big(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2}\big)

    With Inception's features it is the FID. Distances in different features, or of different numbers of samples, do not
    compare: fewer samples are further apart.

    Args:
        real: Examples.
        fake: Others, of the same shape.
        features: Map ``(N, *event)`` to ``(N, F)``, as from `latentbook.learning.features.vgg19_features` or
            `latentbook.learning.recipes.classifiers`; a module, or a bound method of one, is
            looked at in eval mode.

    Returns:
        The squared distance, in squared units of the features.

    Raises:
        ImportError: If torchmetrics is not installed; names the extra.
        ValueError: If a sample has no more examples than there are features.

    Reference:
        Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter, *GANs trained by a two time-scale update rule converge to a
        local Nash equilibrium*, NeurIPS 2017.

    Example:
        >>> x = torch.randn(500, 3)
        >>> round(frechet_distance(x, x + torch.tensor([2.0, 0.0, 0.0]), nn.Identity()), 4)
        4.0

    Chapter 3.
    """
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise ImportError("`frechet_distance` needs torchmetrics: `pip install -e .[more]`") from error
    with standing_still(features):
        first = real[:1]
        extractor = _Extractor(features, features(first).flatten(1).shape[1])
        for name, sample in (("real", real), ("fake", fake)):
            if len(sample) <= extractor.num_features:
                few = f"`{name}` has {len(sample)} examples for {extractor.num_features} features"
                raise ValueError(f"{few}, whose covariance so few cannot tell: pass more of them, or fewer features")
        distance = FrechetInceptionDistance(extractor).to(first.device)
        for sample, is_real in ((real, True), (fake, False)):
            for start in range(0, len(sample), CHUNK):
                distance.update(sample[start : start + CHUNK], real=is_real)
        # Rounding alone can bring it below.
        return max(distance.compute().item(), 0.0)


class _Extractor(nn.Module):
    """What torchmetrics takes for Inception."""

    def __init__(self, features: Callable[[Tensor], Tensor], count: int) -> None:
        super().__init__()
        self.num_features = count
        # A module would become a part of the metric, and be moved with it.
        self.held = (features,)

    def forward(self, x: Tensor) -> Tensor:
        return self.held[0](x).flatten(1).double()


def _latent_dim(model: nn.Module) -> int:
    """Return the size of a model's codes."""
    for name in ("decoder", "generator"):
        for layer in getattr(model, name, nn.Identity()).modules():
            if isinstance(layer, nn.Linear):
                return layer.in_features
    raise ValueError("`latent_dim` is None, but the model's decoder has no linear layer that tells it: pass the number")
