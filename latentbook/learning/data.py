"""Data sets by name.

`load` knows the chapters' data: handwriting that comes with scikit-learn, sets that are drawn
(`latentbook.learning.drawn`, `latentbook.learning.toys`), and published files, which are found or fetched, checked, and
unpacked in memory (`latentbook.learning.originals`). No data set ever stands in for another. A reader's own tensors
make a `Dataset` too.

All chapters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from latentbook.core import resolve_device
from latentbook.learning import characters, drawn, faces, originals, silhouettes
from latentbook.learning.dataset import Dataset
from latentbook.learning.mocap import mocap
from latentbook.learning.options import require_choice, require_integer, require_options
from latentbook.learning.toys import TOYS, toy

__all__ = ["DATASETS", "SPLITS", "Dataset", "load"]

# The parts of the original that make up each split.
SPLITS = {"train": ("train",), "val": ("train",), "test": ("test",), "all": ("train", "test")}


def load(name: str, split: str = "train", *, device: str = "auto", held_out: int = 0, **options: Any) -> Dataset:
    """Return a data set by its name, on one device, in an order that never changes.

    Args:
        name: One of `DATASETS`. ``digits`` comes with scikit-learn, ``sprites``, ``clock`` and the toy sets are drawn;
            the others are downloaded when first used, but for ``celeba`` and one kind of ``omniglot``, which a person
            has to fetch.
        split: ``"train"``, ``"val"``, ``"test"``, or ``"all"``: the whole training part, then the test part. The parts
            of drawn sets follow one law and share no seed.
        device: As in `latentbook.core.resolve_device`.
        held_out: How many examples at the end of the training part are in ``"val"`` and not in ``"train"``: at least 0
            and fewer than there are. The other splits do not depend on it.
        **options: The set's own. ``digits`` takes `size`, at least 8 pixels, to which it is enlarged; for the others
            see `latentbook.learning.drawn.sprites` and `latentbook.learning.drawn.clock`,
            `latentbook.learning.toys.toy`, `latentbook.learning.originals.emnist`,
            `latentbook.learning.faces.celeba`, `latentbook.learning.characters.omniglot`,
            `latentbook.learning.silhouettes.caltech101` and `latentbook.learning.mocap.mocap`.

    Returns:
        The examples, with their labels and the names of their classes, or the factors that they were drawn from.

    Raises:
        TypeError: If an argument has the wrong type, or the set has no such option; lists those that it has.
        ValueError: If an argument is outside the values above.
        FileNotFoundError: If a file is nowhere to be had, or ``$LATENTBOOK_DATA`` is not a folder.
        ChecksumError: If a file is not the one that was published.
        OSError: If a downloaded file cannot be kept.

    Reference:
        Alpaydin & Kaynak, *Optical recognition of handwritten digits*, UCI repository 1998; for the others see their
        functions.

    Example:
        >>> load("digits", "val", held_out=200, size=28, device="cpu")
        Dataset('digits', 200 x (1, 28, 28), uint8, cpu)
        >>> load("sprites", count=50, free=("x", "y"), device="cpu").factors.shape
        torch.Size([50, 2])

    All chapters.
    """
    require_choice("name", name, DATASETS)
    require_choice("split", split, SPLITS)
    require_integer("held_out", held_out, 0)
    if split == "val" and held_out == 0:
        raise ValueError("`held_out` is 0, so there is no 'val': pass the same `held_out=` to 'val' and to 'train'")
    require_options(name, DATASETS[name], options)
    place = resolve_device(device)
    dataset, *others = (DATASETS[name](part, **options) for part in SPLITS[split])
    for other in others:
        dataset = _joined(dataset, other)
    if held_out and split in ("train", "val"):
        dataset = _held_out(dataset, split, held_out)
    return dataset.to(place)


def _joined(first: Dataset, second: Dataset) -> Dataset:
    def both(a: Tensor | None, b: Tensor | None) -> Tensor | None:
        return None if a is None or b is None else torch.cat([a, b])

    x, y, factors = torch.cat([first.x, second.x]), both(first.y, second.y), both(first.factors, second.factors)
    return first.replaced(x=x, y=y, factors=factors)


def _held_out(train: Dataset, split: str, count: int) -> Dataset:
    if count >= len(train):
        limit = f"{train.name!r} has {len(train)} training examples"
        raise ValueError(f"`held_out` is {count}, but {limit}: pass at most {len(train) - 1}")
    kept = train.subset(slice(-count) if split == "train" else slice(-count, None))
    return kept.replaced(f"The last {count} of {len(train)} training examples are held out.")


def _digits(part: str, *, size: int | None = None) -> Dataset:
    if size is not None:
        require_integer("size", size, 8)
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


# What `load` knows: each entry makes a part ("train" or "test") on the CPU; its other arguments are the set's options.
DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": _digits,
    "mnist": functools.partial(originals.idx, "mnist", "MNIST"),
    "fashion": functools.partial(originals.idx, "fashion", "FashionMNIST"),
    "emnist": originals.emnist,
    "cifar10": originals.cifar10,
    "svhn": originals.svhn,
    "celeba": faces.celeba,
    "static-mnist": originals.static_mnist,
    "omniglot": characters.omniglot,
    "caltech101": silhouettes.caltech101,
    "mocap": mocap,
    "sprites": drawn.sprites,
    "clock": drawn.clock,
    **{kind: functools.partial(toy, kind) for kind in TOYS},
}
