"""Networks of hierarchies of two layers: convolutions of the original's sizes.

A top of one vector (``"vector"``) sees the whole image; one of maps (``"maps"``) keeps places, as the layer next to the
data always does. Codes are flat all the same.

Chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch  # noqa: F401  (doctests)
from torch import nn

from latentbook.learning import likelihoods
from latentbook.learning.likelihoods import Likelihood
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.models.hierarchies import Joined, Trunk
from latentbook.learning.models.layers import INFERENCES, TOPS
from latentbook.learning.nets import AnyBatch, mlp
from latentbook.learning.options import require_choice, require_integer

__all__ = ["hierarchical_conv"]

# Of the part before the mixture's parameters.
HEAD = 128
CODES = ("vector", "maps")


def hierarchical_conv(
    event_shape: Sequence[int] = (3, 32, 32),
    channels: int = 32,
    top_dim: int = 32,
    *,
    code: str = "vector",
    inference: str = "top-down",
    likelihood: str | Likelihood = "gaussian",
    top: str = "gaussian",
    **options: Any,
) -> HierarchicalVAE:
    """Return an untrained hierarchy of two layers of convolutions, with ReLUs and no normalisation.

    With 32 channels and a top of 32 numbers, for colour images of 32 x 32 pixels, it has 475,811 parameters top-down
    and 408,131 as a ladder; with 16 and 20, for grey ones of 28 x 28, 122,713 top-down: the original's. Its bottom-up
    way, and the ladder below a top of maps, are not the original's.

    Args:
        event_shape: Of an image, ``(C, H, W)``. Sides are multiples of 8; for a vector also both of 4 and not of 8, at
            least 20, as 28 is.
        channels: Of all maps; z_1 has that many of 4 x 4 for an image of 32 x 32 or 28 x 28, and of 8 x 8 below maps.
        top_dim: Size of a vector at the top. Maps there are `channels` of 4 x 4 for an image of 32 x 32.
        code: What the top is: ``"vector"`` or ``"maps"``; for maps `channels` is even.
        inference: ``"top-down"``, ``"ladder"`` or ``"bottom-up"``.
        likelihood: By its name, as in `latentbook.learning.likelihoods.likelihood`, or one for such examples.
        top: ``"gaussian"``, or ``"categorical"``, which a vector alone can be.
        options: Of `latentbook.learning.models.hierarchical.HierarchicalVAE`: `temperature`, `hard`, `floor`.

    Returns:
        The model.

    Raises:
        ValueError: If a word is unknown, or a size does not fit.

    Reference:
        Xiao & Bamler, *Trading information between latents in hierarchical variational autoencoders*, ICLR 2023; the
        maps' kernels after Minnen, Ballé & Toderici, NeurIPS 2018.

    Example:
        >>> model = hierarchical_conv((1, 28, 28), channels=4, top_dim=10)
        >>> model.encode(torch.zeros(5, 1, 28, 28), layer=1).shape, model.sample(3).shape
        (torch.Size([5, 64]), torch.Size([3, 1, 28, 28]))

    Chapter 4.
    """
    for name, word, choices in (("code", code, CODES), ("inference", inference, INFERENCES), ("top", top, TOPS)):
        require_choice(name, word, choices)
    require_integer("channels", channels, 1)
    require_integer("top_dim", top_dim, 1)
    if code == "maps" and top == "categorical":
        raise ValueError("`top` is 'categorical', but `code` is 'maps': a category is one vector, pass code='vector'")
    noise = likelihoods.likelihood(likelihood, event_shape)
    outputs = top_dim if top == "categorical" else 2 * top_dim
    parts = _Vector(event_shape, channels, top_dim, outputs) if code == "vector" else _Maps(event_shape, channels)
    trunk, posteriors = {"top-down": parts.top_down, "ladder": parts.ladder, "bottom-up": parts.bottom_up}[inference]()
    return HierarchicalVAE(
        posteriors,
        [parts.prior()],
        parts.decoder(noise),
        noise,
        parts.latent_dims,
        inference=inference,
        trunk=trunk,
        top=top,
        **options,
    )


class _Vector:
    """Parts below a top of one vector: three convolutions inwards, of which the last may keep its stride of 1."""

    def __init__(self, event_shape: Sequence[int], channels: int, top_dim: int, outputs: int) -> None:
        self.event, self.c, self.m, self.outputs = tuple(event_shape), channels, top_dim, outputs
        middle, self.stride = _quartered(self.event)
        small = [side // 2 if self.stride == 2 else side - 3 for side in middle]
        self.middle, self.small = (channels, *middle), (channels, *small)
        self.flat = math.prod(self.small)
        self.latent_dims = (self.flat, top_dim)

    def top_down(self) -> tuple[None, list[nn.Module]]:
        of_z = nn.Sequential(nn.Linear(self.m, self.flat), nn.ReLU(), nn.Unflatten(-1, self.small), self.outwards())
        joint = (2 * self.c, *self.middle[1:])
        below = Joined(self.two(), of_z, AnyBatch(self.beliefs(2 * self.c), joint), dims=3)
        above = nn.Sequential(self.two(), self.inwards(), nn.Linear(self.flat, self.outputs))
        return None, [below, above]

    def ladder(self) -> tuple[Trunk, list[nn.Module]]:
        trunk = Trunk([self.two(), self.inwards()])
        return trunk, [AnyBatch(self.beliefs(self.c), self.middle), nn.Linear(self.flat, self.outputs)]

    def bottom_up(self) -> tuple[None, list[nn.Module]]:
        below = nn.Sequential(self.two(), AnyBatch(self.beliefs(self.c), self.middle))
        return None, [below, mlp([self.flat, max(self.flat // 2, 1), self.outputs])]

    def prior(self) -> nn.Module:
        return mlp([self.m, max(self.flat // 2, 1), 2 * self.flat])

    def decoder(self, noise: Likelihood) -> nn.Module:
        half = (self.c, *(2 * side for side in self.middle[1:]))
        outer = AnyBatch(nn.Sequential(_out(self.c, self.c), nn.ReLU()), self.middle)
        last = AnyBatch(_last(self.c, noise, _out), half)
        return nn.Sequential(nn.Unflatten(-1, self.small), self.outwards(), outer, last)

    def two(self) -> nn.Module:
        layers = [_in(self.event[0], self.c), nn.ReLU(), _in(self.c, self.c), nn.ReLU()]
        return AnyBatch(nn.Sequential(*layers), self.event)

    def inwards(self) -> nn.Module:
        layers = [_in(self.c, self.c, self.stride), nn.ReLU(), nn.Flatten()]
        return AnyBatch(nn.Sequential(*layers), self.middle)

    def outwards(self) -> nn.Module:
        return AnyBatch(nn.Sequential(_out(self.c, self.c, self.stride), nn.ReLU()), self.small)

    def beliefs(self, inputs: int) -> nn.Module:
        """Return means and free deviations, flat, of maps of the middle size."""
        layers = [_in(inputs, self.c, self.stride), nn.ReLU(), nn.Conv2d(self.c, 2 * self.c, 3, padding=1)]
        return nn.Sequential(*layers, nn.Flatten())


class _Maps:
    """Parts below a top of maps: kernels of 5 with a stride of 2 halve the sides, of 3 and of 5 without keep them."""

    def __init__(self, event_shape: Sequence[int], channels: int) -> None:
        self.event, self.c = tuple(event_shape), channels
        quarter, stride = _quartered(self.event)
        if channels % 2 or stride == 1:
            found = f"`channels` is {channels} and `event_shape` {self.event}"
            raise ValueError(f"{found}, but below maps channels are even and sides multiples of 8: pass code='vector'")
        self.near, self.far = (channels, *quarter), (channels, *(side // 2 for side in quarter))
        self.latent_dims = (math.prod(self.near), math.prod(self.far))

    def top_down(self) -> tuple[None, list[nn.Module]]:
        c = self.c
        doubled = [_wide_out(c, c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU()]
        of_z = nn.Sequential(nn.Unflatten(-1, self.far), AnyBatch(nn.Sequential(*doubled), self.far))
        both = [nn.Conv2d(2 * c, 2 * c, 5, padding=2), nn.ReLU(), nn.Conv2d(2 * c, 2 * c, 5, padding=2), nn.Flatten()]
        below = Joined(self.two(), of_z, AnyBatch(nn.Sequential(*both), (2 * c, *self.near[1:])), dims=3)
        start = [_wide_in(self.event[0], c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU()]
        return None, [below, AnyBatch(nn.Sequential(*start, *self._inwards()), self.event)]

    def ladder(self) -> tuple[Trunk, list[nn.Module]]:
        own = nn.Sequential(nn.Conv2d(self.c, 2 * self.c, 5, padding=2), nn.Flatten())
        # Both layers are given the same features: the trunk's second part leaves them as they are.
        trunk = Trunk([self.two(), nn.Identity()])
        top = [_wide_in(self.c, 3 * self.c), nn.ReLU(), nn.Conv2d(3 * self.c, 2 * self.c, 3, padding=1), nn.Flatten()]
        return trunk, [AnyBatch(own, self.near), AnyBatch(nn.Sequential(*top), self.near)]

    def bottom_up(self) -> tuple[None, list[nn.Module]]:
        own = nn.Sequential(nn.Conv2d(self.c, 2 * self.c, 5, padding=2), nn.Flatten())
        top = [nn.Conv2d(self.c, 3 * self.c, 3, padding=1), nn.ReLU(), _wide_in(3 * self.c, 2 * self.c), nn.Flatten()]
        above = nn.Sequential(nn.Unflatten(-1, self.near), AnyBatch(nn.Sequential(*top), self.near))
        return None, [nn.Sequential(self.two(), AnyBatch(own, self.near)), above]

    def prior(self) -> nn.Module:
        wider = 3 * self.c // 2
        layers = [_wide_out(self.c, wider), nn.ReLU(), nn.Conv2d(wider, 2 * self.c, 3, padding=1), nn.Flatten()]
        return nn.Sequential(nn.Unflatten(-1, self.far), AnyBatch(nn.Sequential(*layers), self.far))

    def decoder(self, noise: Likelihood) -> nn.Module:
        last = _last(self.c, noise, _wide_out)
        return nn.Sequential(
            nn.Unflatten(-1, self.near), AnyBatch(nn.Sequential(_wide_out(self.c, self.c), nn.ReLU(), last), self.near)
        )

    def two(self) -> nn.Module:
        layers = [_wide_in(self.event[0], self.c), nn.ReLU(), _wide_in(self.c, self.c), nn.ReLU()]
        return AnyBatch(nn.Sequential(*layers), self.event)

    def _inwards(self) -> list[nn.Module]:
        """Return what makes beliefs about the top from maps of half the image's sides."""
        return [_wide_in(self.c, 3 * self.c), nn.ReLU(), _wide_in(3 * self.c, 2 * self.c), nn.Flatten()]


def _quartered(event: tuple[int, ...]) -> tuple[tuple[int, int], int]:
    """Return the sides of an image after two halvings, and the stride of the third convolution."""
    if len(event) != 3:
        raise ValueError(f"`event_shape` is {event}, but an image has (C, H, W): use hierarchical_mlp")
    _, height, width = event
    quarter = height // 4, width // 4
    if height % 8 == 0 and width % 8 == 0:
        return quarter, 2
    if height % 8 == 4 and width % 8 == 4 and min(quarter) > 4:
        return quarter, 1
    raise ValueError(
        f"`event_shape` is {event}, but sides must be multiples of 8, or of 4 and not of 8, at least 20: "
        "cut or enlarge the images, or use hierarchical_mlp"
    )


def _in(inputs: int, outputs: int, stride: int = 2) -> nn.Conv2d:
    """Return what halves a side, or takes 3 pixels from it."""
    return nn.Conv2d(inputs, outputs, 4, stride, stride - 1)


def _out(inputs: int, outputs: int, stride: int = 2) -> nn.ConvTranspose2d:
    """Return what doubles a side, or adds 3 pixels to it."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride, stride - 1)


def _wide_in(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, 2, 2)


def _wide_out(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, output_padding=1)


def _last(inputs: int, noise: Likelihood, out: Callable[[int, int], nn.Module]) -> nn.Module:
    """Return what doubles the sides of maps to those of the image, with the channels that the likelihood wants."""
    channels = noise.parameter_shape[0]
    if noise.parameter_shape == noise.event_shape:
        return out(inputs, channels)
    return nn.Sequential(out(inputs, HEAD), nn.ReLU(), nn.Conv2d(HEAD, channels, 3, padding=1))
