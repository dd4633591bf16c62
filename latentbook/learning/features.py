"""A large network's view of images: layers of torchvision's VGG-19, with the weights that it was published with.

There are no random features in the place of missing weights: they are downloaded, found in a file, or an error says
where to get them. For small images without a download there are `latentbook.learning.recipes.classifiers`.

Chapter 3.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from latentbook.core import ChecksumError

__all__ = ["ImageFeatures", "vgg19_features"]

# Convolutions between two poolings, each of which halves the image.
BLOCKS = (2, 2, 4, 4, 4)
LAYERS = tuple(f"relu{block}_{k}" for block, count in enumerate(BLOCKS, 1) for k in range(1, count + 1))
# What torch's hub, too, takes for the beginning of a file's SHA-256.
HASH = re.compile(r"-([0-9a-f]{8,})\.")


class ImageFeatures(nn.Module):
    """A feature map of images: what the first layers of a network make of them, flat.

    Args:
        body: Module ``(N, 3, H, W)`` to features; it is in eval mode and no longer trained.
        mean: Of each colour, taken off.
        std: Of each colour, divided by.
        least: Smallest side that the layers take.
        size: Side to which images are enlarged, or made smaller, first; None leaves them as they are.

    Raises:
        TypeError: When called with integers.
        ValueError: When called with something else than images of one or three colours, or with too small ones.

    Example:
        >>> h = ImageFeatures(nn.MaxPool2d(4), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), least=4)
        >>> h(torch.ones(5, 1, 8, 8)).shape, h(torch.ones(1, 8, 8)).unique()
        (torch.Size([5, 12]), tensor([2.]))

    Chapter 3.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        least: int,
        size: int | None = None,
    ) -> None:
        super().__init__()
        if size is not None and size < least:
            raise ValueError(f"`size` is {size}, but the layer needs sides of at least {least}: enlarge to more")
        self.body, self.least, self.size = body.requires_grad_(False), least, size
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features ``(..., F)`` of images ``(..., C, H, W)`` in [0, 1]; grey ones get three like colours."""
        self._require_images(x)
        batch = x.shape[:-3]
        images = x.reshape(-1, *x.shape[-3:])
        if self.size is not None:
            images = interpolate(images, (self.size, self.size), mode="bilinear", antialias=True)
        # A grey image meets three means, and so gets three colours.
        return self.body((images - self.mean) / self.std).reshape(*batch, -1)

    def _require_images(self, x: Tensor) -> None:
        if not x.is_floating_point():
            raise TypeError(f"`x` is {x.dtype}: pass levels in [0, 1], as in `x / 255`")
        if x.ndim < 3 or x.shape[-3] not in (1, 3):
            raise ValueError(f"`x` has shape {tuple(x.shape)}, but images are (..., C, H, W) with one or three colours")
        if self.size is None and min(x.shape[-2:]) < self.least:
            side = f"{x.shape[-2]} x {x.shape[-1]} pixels, but this layer needs at least {self.least}"
            raise ValueError(
                f"`x` has {side}: pass size={max(28, self.least)} to enlarge them, or take an earlier layer"
            )


def vgg19_features(
    layer: str = "relu5_2", *, weights: str | Path | None = None, size: int | None = None
) -> ImageFeatures:
    r"""Return a layer of VGG-19 as a feature map of images in [0, 1], with gradients through it.

    The original takes ``relu5_2`` of images of 28 x 28 pixels as they are: one pixel with 512 features is left of them.
    Here colours are also normalised as in the network's training.

    Args:
        layer: From ``"relu1_1"`` to ``"relu5_4"``.
        weights: A file with the state of torchvision's ``vgg19``; None for its own ``VGG19_Weights.IMAGENET1K_V1``, 548
            MB, which are downloaded once into torch's hub folder (``$TORCH_HOME``).
        size: Side to which images are enlarged first; None leaves them. At None, sides are at least 16 for the last
            block of layers, half of that for each block before.

    Returns:
        The feature map ``(..., C, H, W)`` to ``(..., F)``, on the CPU, in torch's default dtype and in eval mode.

    Raises:
        FileNotFoundError: If the weights are nowhere to be had; says where to get them, and where to put them.
        ChecksumError: If the file, or what was downloaded, is cut short or altered.
        ValueError: If there is no such layer, the size is too small, or the file has no such network's state.

    Reference:
        Simonyan & Zisserman, *Very deep convolutional networks for large-scale image recognition*, ICLR 2015.

    Chapter 3.
    """
    if layer not in LAYERS:
        raise ValueError(f"`layer` is {layer!r}, but must be one of {', '.join(LAYERS)}")
    from torchvision.models import VGG19_Weights
    from torchvision.models.vgg import cfgs, make_layers

    published = VGG19_Weights.IMAGENET1K_V1
    block, k = int(layer[4]), int(layer[6])
    # Two modules for a convolution, and one for the pooling after a block.
    count = sum(2 * convolutions + 1 for convolutions in BLOCKS[: block - 1]) + 2 * k
    # Without numbers until it is given some.
    with torch.device("meta"):
        body = make_layers(cfgs["E"])[:count]
    _fill(body, *_state(published.url, None if weights is None else Path(weights)))
    colours = published.transforms()
    return ImageFeatures(body, tuple(colours.mean), tuple(colours.std), 2 ** (block - 1), size)


def _fill(body: nn.Module, state: dict[str, Tensor], place: Path) -> None:
    """Give the layers their numbers, all of them, in torch's default dtype."""
    own = {}
    for name, value in body.state_dict().items():
        found = state.get(f"features.{name}")
        if found is None or found.shape != value.shape:
            there = "nothing" if found is None else f"shape {tuple(found.shape)}"
            raise ValueError(
                f"{place} has {there} for features.{name}, which is {tuple(value.shape)} in torchvision's vgg19: "
                "pass a file with its state"
            )
        own[name] = found.to(torch.get_default_dtype())
    body.load_state_dict(own, assign=True)


def _state(url: str, given: Path | None) -> tuple[dict[str, Tensor], Path]:
    """Return the state of the whole network, and where it was found."""
    place = given or Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if place.is_file():
        _require_whole(place)
    elif given is not None:
        raise FileNotFoundError(f"`weights` is {str(given)!r}, but there is no such file: it is published as {url}")
    try:
        # Read, or downloaded, compared with the checksum in its name, and read.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            state = torch.hub.load_state_dict_from_url(
                url, str(place.parent), "cpu", progress=False, check_hash=True, file_name=place.name, weights_only=True
            )
    except (OSError, http.client.HTTPException) as error:
        raise FileNotFoundError(
            f"{place.name} is not in {place.parent}, and cannot be downloaded from {url} ({error}): connect to the "
            "network, put the file there, or pass weights=<path of the file>"
        ) from error
    except Exception as error:
        raise ChecksumError(
            f"{place} is cut short, altered, or none of torch's ({error}): get it from {url}"
        ) from error
    return state, place


def _require_whole(place: Path) -> None:
    """Compare a file with the checksum in its name, if there is one; torch's hub looks at what it downloads alone."""
    expected = HASH.search(place.name)
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if expected else ""
    if expected and not digest.startswith(expected[1]):
        found = f"expected SHA-256 {expected[1]}..., found {digest[:16]}..."
        raise ChecksumError(f"{place} is truncated or altered: {found}: delete it and let it download again")
