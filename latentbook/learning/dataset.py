"""Examples that live on one device, with their labels and the factors that made them.

A `Dataset` keeps all its examples ``x [N, *event]`` on one device, images as ``uint8``, and hands out floats: a batch
is one draw of indices there. A reader's own tensors make one too.

All chapters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

from latentbook.core import resolve_device
from latentbook.learning.binarize import binarize_fixed, require_unit_interval
from latentbook.learning.options import require_choice, require_integer

__all__ = ["Dataset"]

BINARIZATIONS = {
    "dynamic": "Binarised by a new draw for every batch.",
    "fixed": "Binarised by one draw with seed {seed}: not comparable with another draw, published ones included.",
    "threshold": "Binarised at one half: likelihoods are not comparable with those of drawn pixels.",
}


class Dataset:
    """Examples, their labels and factors if there are any, and what a chapter has to know about them.

    Args:
        x: Floats, used as they are, or ``uint8`` pixels from 0 to ``full_scale``; the first dimension counts examples.
        y: One label for each example.
        classes: Names of the labels 0, 1, 2, ...; the attribute is a tuple, empty where no names were given.
        name: What figures and tables call the data.
        note: How far numbers from these data compare with published ones.
        full_scale: The ``uint8`` value that means 1.0, from 1 to 255.
        factors: The values that each example was made from, ``[N, F]``.
        factor_names: One name for each factor; the attribute is a tuple, empty where no names were given.

    Raises:
        TypeError: If ``x`` holds neither ``uint8`` nor floats, ``y`` no integers, or ``factors`` no floats.
        ValueError: If ``x`` is empty, not finite or above ``full_scale``, ``y`` does not fit ``x`` or ``classes``, or
            ``factors`` does not fit ``x`` or ``factor_names``.

    Example:
        >>> pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
        >>> images = Dataset(pixels.reshape(3, 1, 1, 1), torch.tensor([0, 0, 1]), classes=["dark", "light"])
        >>> images
        Dataset('custom', 3 x (1, 1, 1), uint8, cpu)
        >>> images[:].flatten()
        tensor([0.0000, 0.2000, 1.0000])

    All chapters.
    """

    def __init__(
        self,
        x: UInt8[Tensor, "N *event"] | Float[Tensor, "N *event"],
        y: Integer[Tensor, "N"] | None = None,
        *,
        classes: Sequence[str] | None = None,
        name: str = "custom",
        note: str = "",
        full_scale: int = 255,
        factors: Float[Tensor, "N F"] | None = None,
        factor_names: Sequence[str] | None = None,
    ) -> None:
        self.classes, self.factor_names = tuple(classes or ()), tuple(factor_names or ())
        _require_examples(x, full_scale)
        if y is not None:
            _require_labels(y, len(x), self.classes)
            # Labels index tensors, and torch reads a uint8 index as a mask.
            y = y.to(x.device, torch.int64)
        if factors is not None:
            _require_factors(factors, len(x), self.factor_names)
            factors = factors.to(x.device)
        self.x, self.y, self.factors = x, y, factors
        self.name, self.note, self.full_scale = name, note, full_scale
        self._drawn = False
        self._checksum: str | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        dtype = str(self.x.dtype).removeprefix("torch.")
        return f"Dataset({self.name!r}, {len(self)} x {self.event_shape}, {dtype}, {self.device})"

    def __getitem__(self, index: int | slice | list[int] | Tensor) -> Float[Tensor, "..."]:
        """Return examples as floats: pixels in [0, 1] and in torch's default dtype, floats as they were given."""
        return self._floats(index)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.x.shape[1:])

    @property
    def labels(self) -> Integer[Tensor, "N"]:
        """The labels ``y`` of data that have to have them, else a ValueError."""
        if self.y is None:
            raise ValueError(f"the data {self.name!r} have no labels: pass `Dataset(x, y)`")
        return self.y

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """``(C, H, W)``, or None where an example does not have three dimensions."""
        return (self.x.shape[1], self.x.shape[2], self.x.shape[3]) if self.x.ndim == 4 else None

    @property
    def device(self) -> torch.device:
        """Where the examples, their labels and their factors are."""
        return self.x.device

    def to(self, device: str | torch.device) -> Dataset:
        """Return the data on another device, named as in `latentbook.core.resolve_device`."""
        x = self.x.to(resolve_device(device) if isinstance(device, str) else device)
        return self if x is self.x else self.replaced(x=x)

    def checksum(self) -> str:
        """Return a hash of the examples, their labels and how they are read: 16 hexadecimal digits.

        It is computed once: a data set is not changed in place.

        Example:
            >>> Dataset(torch.eye(2)).checksum() == Dataset(torch.eye(2), torch.tensor([0, 1])).checksum()
            False

        All chapters.
        """
        if self._checksum is not None:
            return self._checksum
        digest = hashlib.sha256(f"{self.full_scale} {self._drawn}".encode())
        for held in (self.x, self.y, self.factors):
            if held is not None:
                digest.update(f"{held.dtype} {tuple(held.shape)}".encode())
                digest.update(held.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        self._checksum = digest.hexdigest()[:16]
        return self._checksum

    def subset(self, index: slice | list[int] | Tensor) -> Dataset:
        """Return the examples at some indices, or under a mask of ``N`` booleans, with their labels and factors.

        Example:
            >>> lines = Dataset(torch.eye(4), torch.tensor([0, 1, 1, 0]))
            >>> lines.subset(lines.y == 1)[:]
            tensor([[0., 1., 0., 0.],
                    [0., 0., 1., 0.]])

        All chapters.
        """
        y = None if self.y is None else self.y[index]
        return self.replaced(x=self.x[index], y=y, factors=None if self.factors is None else self.factors[index])

    def indices_of(self, labels: Iterable[int]) -> Integer[Tensor, "K"]:
        """Return the indices of the examples that have one of some labels, in ascending order.

        Raises:
            ValueError: If the data have no labels.

        Example:
            >>> Dataset(torch.eye(4), torch.tensor([0, 1, 2, 0])).indices_of([2, 0])
            tensor([0, 2, 3])

        All chapters.
        """
        wanted = torch.tensor([*labels], dtype=torch.int64, device=self.device)
        return torch.isin(self.labels, wanted).nonzero().squeeze(-1)

    def batch(self, size: int, generator: torch.Generator | None = None) -> Float[Tensor, "size *event"]:
        """Return examples drawn uniformly, with replacement, as floats; nothing waits for the host.

        Args:
            size: Number of examples, at least 1.
            generator: Source of randomness, on the data's device; by default the global one.

        Returns:
            Floats, as from any index.

        Raises:
            ValueError: If ``size`` is below 1, or the generator lives on another device.

        Example:
            >>> Dataset(torch.eye(4)).batch(32, torch.Generator().manual_seed(0)).shape
            torch.Size([32, 4])

        All chapters.
        """
        if size < 1:
            raise ValueError(f"`size` is {size}: pass a batch size of at least 1")
        if generator is not None and generator.device.type != self.device.type:
            where = f"`generator` is on {generator.device}, but the data are on {self.device}"
            raise ValueError(f"{where}: pass `torch.Generator({str(self.device)!r})`")
        index = torch.randint(len(self), (size,), generator=generator, device=self.device)
        return self._floats(index, generator)

    def binarized(self, kind: str, seed: int = 0) -> Dataset:
        """Return the data with every value 0 or 1.

        Args:
            kind: ``"dynamic"``: a value is 1 with its grey level as probability, drawn anew at every index and batch,
                from the batch's generator; ``"fixed"``: the same law, drawn once; ``"threshold"``: 1 above one half.
            seed: Of the fixed draw, which is the same on every device.

        Returns:
            The data, with a remark in their note.

        Raises:
            TypeError: If ``kind`` is not a string, or ``seed`` not an integer.
            ValueError: If ``kind`` is unknown, ``seed`` negative, or a value outside [0, 1].

        Reference:
            Salakhutdinov & Murray, *On the quantitative analysis of deep belief networks*, ICML 2008 (the fixed draw);
            Burda, Grosse & Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016 (the dynamic one).

        Example:
            >>> Dataset(torch.tensor([[0.0, 0.2, 0.5, 0.7]])).binarized("threshold")[:]
            tensor([[0., 0., 0., 1.]])

        All chapters.
        """
        require_choice("kind", kind, BINARIZATIONS)
        require_integer("seed", seed, 0)
        if self.x.is_floating_point():
            require_unit_interval(self.x)
        remark = BINARIZATIONS[kind].format(seed=seed)
        if kind == "dynamic":
            dynamic = self.replaced(remark)
            dynamic._drawn = True
            return dynamic
        ones = binarize_fixed(self.x, seed, self.full_scale) if kind == "fixed" else self._above_half()
        return self.replaced(remark, x=ones, full_scale=1, drawn=False)

    def replaced(self, remark: str = "", *, drawn: bool | None = None, **changes: Any) -> Dataset:
        """Return the data with some arguments of the constructor changed, and a remark added to their note."""
        names = ("x", "y", "classes", "name", "full_scale", "factors", "factor_names")
        arguments: dict[str, Any] = {name: getattr(self, name) for name in names}
        arguments["note"] = f"{self.note} {remark}".strip()
        other = Dataset(**(arguments | changes))
        other._drawn = self._drawn if drawn is None else drawn
        return other

    def _floats(self, index: int | slice | list[int] | Tensor, generator: torch.Generator | None = None) -> Tensor:
        x = self.x[index]
        if not x.is_floating_point():
            x = x.to(torch.get_default_dtype()) / self.full_scale
        return torch.bernoulli(x, generator=generator) if self._drawn else x

    def _above_half(self) -> Tensor:
        # Twice a byte does not fit into a byte.
        ones = self.x > 0.5 if self.x.is_floating_point() else self.x > self.full_scale // 2
        return ones.to(torch.uint8)


def _require_examples(x: Tensor, full_scale: int) -> None:
    if not isinstance(x, Tensor) or not (x.dtype == torch.uint8 or x.is_floating_point()):
        raise TypeError(f"`x` is {_kind(x)}: pass a tensor of floats, or of pixels as torch.uint8")
    if x.ndim == 0 or x.numel() == 0:
        raise ValueError(f"`x` has shape {tuple(x.shape)}: pass at least one example, as [N, *event]")
    if not 1 <= full_scale <= 255:
        raise ValueError(f"`full_scale` is {full_scale}: pass the uint8 value that means 1.0, from 1 to 255")
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError(f"`x` has {int((~x.isfinite()).sum())} values that are not finite: remove or replace them")
    if x.dtype == torch.uint8 and (largest := int(x.max())) > full_scale:
        raise ValueError(
            f"`x` reaches {largest}, but `full_scale` is {full_scale}: pass `full_scale={largest}` or more"
        )


def _require_labels(y: Tensor, count: int, classes: Sequence[str]) -> None:
    if not isinstance(y, Tensor) or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"`y` is {_kind(y)}: pass a tensor of integer labels, or none")
    if y.shape != (count,):
        raise ValueError(f"`y` has shape {tuple(y.shape)}, but `x` has {count} examples: pass one label for each")
    if classes and not 0 <= y.min() <= y.max() < len(classes):
        found = f"`y` goes from {int(y.min())} to {int(y.max())}, but there are {len(classes)} `classes`"
        raise ValueError(f"{found}: pass labels from 0 to {len(classes) - 1}, or more names")


def _require_factors(factors: Tensor, count: int, names: Sequence[str]) -> None:
    if not isinstance(factors, Tensor) or not factors.is_floating_point():
        raise TypeError(f"`factors` is {_kind(factors)}: pass a tensor of floats, or none")
    if factors.ndim != 2 or len(factors) != count:
        found = f"`factors` has shape {tuple(factors.shape)}, but `x` has {count} examples"
        raise ValueError(f"{found}: pass one row for each, as [N, F]")
    if names and len(names) != factors.shape[1]:
        found = f"`factor_names` has {len(names)} names, but `factors` has {factors.shape[1]} columns"
        raise ValueError(f"{found}: pass one name for each")


def _kind(value: object) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"of type {type(value).__name__}"
