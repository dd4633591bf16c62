"""Data sets that live on one device, and where their files come from.

A `Dataset` keeps all its examples ``x [N, *event]`` on one device, images as ``uint8``, and hands out floats: a batch
is one draw of indices there. `load` knows the chapters' data by name; a reader's own tensors make a `Dataset` too.

Published files come from `latentbook.learning.files`, and are unpacked in memory. No data set ever stands in for
another.

All chapters.
"""

from __future__ import annotations

import functools
import gzip
import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

from latentbook.core import resolve_device
from latentbook.learning.files import published

__all__ = ["DATASETS", "SPLITS", "Dataset", "load"]

# The parts of the original that make up each split.
SPLITS = {"train": ("train",), "val": ("train",), "test": ("test",), "all": ("train", "test")}


class Dataset:
    """Examples, their labels if there are any, and what a chapter has to know about them.

    Args:
        x: Floats, used as they are, or ``uint8`` pixels from 0 to ``full_scale``; the first dimension counts examples.
        y: One label for each example.
        classes: Names of the labels 0, 1, 2, ...; the attribute is a tuple, empty where no names were given.
        name: What figures and tables call the data.
        note: How far numbers from these data compare with published ones.
        full_scale: The ``uint8`` value that means 1.0, from 1 to 255.

    Raises:
        TypeError: If ``x`` holds neither ``uint8`` nor floats, or ``y`` holds no integers.
        ValueError: If ``x`` is empty, not finite or above ``full_scale``, or ``y`` does not fit ``x`` or ``classes``.

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
    ) -> None:
        self.classes = tuple(classes or ())
        _require_examples(x, full_scale)
        if y is not None:
            _require_labels(y, len(x), self.classes)
            # Labels index tensors, and torch reads a uint8 index as a mask.
            y = y.to(x.device, torch.int64)
        self.x, self.y = x, y
        self.name, self.note, self.full_scale = name, note, full_scale

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        dtype = str(self.x.dtype).removeprefix("torch.")
        return f"Dataset({self.name!r}, {len(self)} x {self.event_shape}, {dtype}, {self.device})"

    def __getitem__(self, index: int | slice | list[int] | Tensor) -> Float[Tensor, "..."]:
        """Return examples as floats: pixels in [0, 1] and in torch's default dtype, floats as they were given."""
        x = self.x[index]
        return x if x.is_floating_point() else x.to(torch.get_default_dtype()) / self.full_scale

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.x.shape[1:])

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """``(C, H, W)``, or None where an example does not have three dimensions."""
        return (self.x.shape[1], self.x.shape[2], self.x.shape[3]) if self.x.ndim == 4 else None

    @property
    def device(self) -> torch.device:
        """Where the examples and their labels are."""
        return self.x.device

    def to(self, device: str | torch.device) -> Dataset:
        """Return the data on another device, named as in `latentbook.core.resolve_device`."""
        return self._with(self.x.to(resolve_device(device) if isinstance(device, str) else device), self.y)

    def subset(self, index: slice | list[int] | Tensor) -> Dataset:
        """Return the examples at some indices, or under a mask of ``N`` booleans, with their labels.

        Example:
            >>> digits = load("digits", device="cpu")
            >>> digits.subset(digits.y < 2)
            Dataset('digits', 285 x (1, 8, 8), uint8, cpu)

        All chapters.
        """
        return self._with(self.x[index], None if self.y is None else self.y[index])

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
            >>> load("digits", device="cpu").batch(32, torch.Generator().manual_seed(0)).shape
            torch.Size([32, 1, 8, 8])

        All chapters.
        """
        if size < 1:
            raise ValueError(f"`size` is {size}: pass a batch size of at least 1")
        if generator is not None and generator.device.type != self.device.type:
            where = f"`generator` is on {generator.device}, but the data are on {self.device}"
            raise ValueError(f"{where}: pass `torch.Generator({str(self.device)!r})`")
        return self[torch.randint(len(self), (size,), generator=generator, device=self.device)]

    def _with(self, x: Tensor, y: Tensor | None, remark: str = "") -> Dataset:
        note = f"{self.note} {remark}".strip()
        return Dataset(x, y, classes=self.classes, name=self.name, note=note, full_scale=self.full_scale)


def load(
    name: str, split: str = "train", *, device: str = "auto", held_out: int = 0, size: int | None = None
) -> Dataset:
    """Return a data set by its name, on one device, in an order that never changes.

    Args:
        name: One of `DATASETS`: ``digits`` comes with scikit-learn, the others are downloaded when first used.
        split: ``"train"``, ``"val"``, ``"test"``, or ``"all"``: the whole training part, then the test part.
        device: As in `latentbook.core.resolve_device`.
        held_out: How many examples at the end of the training part are in ``"val"`` and not in ``"train"``: at least 0
            and fewer than there are. The other splits do not depend on it.
        size: Height and width, at least 8 pixels, to which ``digits`` is enlarged. By default the original's.

    Returns:
        The examples with their labels and the names of their classes.

    Raises:
        TypeError: If ``name`` or ``split`` is not a string, or ``held_out`` or ``size`` not an integer.
        ValueError: If one of them is outside the values above.
        FileNotFoundError: If a file is nowhere to be had, or ``$LATENTBOOK_DATA`` is not a folder.
        ChecksumError: If a file is not the one that was published.
        OSError: If a downloaded file cannot be kept.

    Reference:
        Alpaydin & Kaynak, *Optical recognition of handwritten digits*, UCI repository 1998; LeCun, Bottou, Bengio &
        Haffner, *Gradient-based learning applied to document recognition*, Proc. IEEE 1998; Xiao, Rasul & Vollgraf,
        *Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms*, arXiv 1708.07747.

    Example:
        >>> load("digits", "val", held_out=200, size=28, device="cpu")
        Dataset('digits', 200 x (1, 28, 28), uint8, cpu)

    All chapters.
    """
    _require_choice("name", name, DATASETS)
    _require_choice("split", split, SPLITS)
    _require_integer("held_out", held_out, 0)
    if split == "val" and held_out == 0:
        raise ValueError("`held_out` is 0, so there is no 'val': pass the same `held_out=` to 'val' and to 'train'")
    if size is not None:
        _require_integer("size", size, 8)
    place = resolve_device(device)
    dataset, *others = (DATASETS[name](part, size) for part in SPLITS[split])
    for other in others:
        labels = None if dataset.y is None or other.y is None else torch.cat([dataset.y, other.y])
        dataset = dataset._with(torch.cat([dataset.x, other.x]), labels)
    if held_out and split in ("train", "val"):
        dataset = _held_out(dataset, split, held_out)
    return dataset.to(place)


def _held_out(train: Dataset, split: str, count: int) -> Dataset:
    if count >= len(train):
        limit = f"{train.name!r} has {len(train)} training examples"
        raise ValueError(f"`held_out` is {count}, but {limit}: pass at most {len(train) - 1}")
    kept = train.subset(slice(-count) if split == "train" else slice(-count, None))
    return kept._with(kept.x, kept.y, f"The last {count} of {len(train)} training examples are held out.")


def _digits(part: str, size: int | None) -> Dataset:
    from sklearn.datasets import load_digits

    x, y = (torch.from_numpy(values) for values in load_digits(return_X_y=True))
    # The file lists its writers one after another: cut in that order, the parts would be by different people.
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    order = order[:1400] if part == "train" else order[1400:]
    x, y = x[order].reshape(-1, 1, 8, 8).to(torch.uint8), y[order]
    note = "Split at random, each writer in both parts: not comparable with UCI's split by writer."
    digits = Dataset(x, y, classes=[str(digit) for digit in range(10)], name="digits", note=note, full_scale=16)
    return digits if size in (None, 8) else _enlarged(digits, size)


def _enlarged(digits: Dataset, size: int) -> Dataset:
    pixels = digits.x.double() * (255 / digits.full_scale)
    pixels = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    # Half of full scale is 127.5: the small term rounds it up on every machine, in whatever order that one adds.
    x = (pixels + 1e-6).round().to(torch.uint8)
    note = f"{digits.note} Enlarged from 8 x 8 to {size} x {size} by bilinear interpolation."
    return Dataset(x, digits.y, classes=digits.classes, name=digits.name, note=note)


def _idx(name: str, original: str, part: str, size: int | None) -> Dataset:
    if size not in (None, 28):
        raise ValueError(f"`size` is {size}, but {name!r} is 28 x 28, and only 'digits' can be resized: leave it out")
    from torchvision import datasets

    source = getattr(datasets, original)
    prefix = "train-" if part == "train" else "t10k-"
    files = [(file, md5) for file, md5 in source.resources if file.startswith(prefix)]
    images, labels = (
        _parsed_idx(file, published(f"{original}/raw/{file}", md5, source.mirrors), ndim)
        for (file, md5), ndim in zip(files, (3, 1), strict=True)
    )
    # torchvision calls a digit "0 - zero"; a legend has room for one word.
    classes = [label.split(" - ")[0] for label in source.classes]
    note = "The original split and grey levels: likelihoods are not comparable with those of binarised images."
    return Dataset(images[:, None], labels, classes=classes, name=name, note=note)


def _parsed_idx(file: str, content: bytes, ndim: int) -> UInt8[Tensor, "..."]:
    unpacked = gzip.decompress(content)
    header = 4 * (1 + ndim)
    # Where a file ends inside its header, zeros take the place of the rest and fail the check.
    magic, *shape = np.frombuffer(unpacked[:header].ljust(header, b"\0"), ">i4").tolist()
    if magic != 0x800 + ndim or len(unpacked) != header + math.prod(shape):
        found = f"it has magic number {magic:#x}, shape {shape} and {len(unpacked)} bytes"
        raise ValueError(f"{file} is not an idx file of bytes in {ndim} dimensions: unpacked, {found}")
    # The copy is memory that torch may write to.
    return torch.from_numpy(np.frombuffer(unpacked, np.uint8, offset=header).reshape(shape).copy())


def _require_choice(argument: str, value: str, choices: Collection[str]) -> None:
    if not isinstance(value, str):
        raise TypeError(f"`{argument}` is {value!r}, not a string: pass one of {sorted(choices)}")
    if value not in choices:
        raise ValueError(f"`{argument}` is {value!r}, which is unknown: pass one of {sorted(choices)}")


def _require_integer(argument: str, value: int, least: int) -> None:
    if not isinstance(value, int):
        raise TypeError(f"`{argument}` is {value!r}, not an integer: pass a whole number of at least {least}")
    if value < least:
        raise ValueError(f"`{argument}` is {value}: pass a whole number of at least {least}")


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


def _kind(value: object) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"of type {type(value).__name__}"


# What `load` knows: each entry makes a part ("train" or "test") at a size, on the CPU.
DATASETS: dict[str, Callable[[str, int | None], Dataset]] = {
    "digits": _digits,
    "mnist": functools.partial(_idx, "mnist", "MNIST"),
    "fashion": functools.partial(_idx, "fashion", "FashionMNIST"),
}
