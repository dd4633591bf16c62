"""Caltech 101 silhouettes: outlines of objects, filled, as zeros and ones.

All chapters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.files import Published, kind_here, published_file
from latentbook.learning.matlab import read_variables
from latentbook.learning.options import require_choice

__all__ = ["KINDS", "caltech101"]

FOLDER, SERVER = "Caltech101Silhouettes", ["https://people.cs.umass.edu/~marlin/data/"]
# Marlin publishes no checksums; these are the ones by which DeepMind's NEVIS benchmark fetches both files.
KINDS = {
    "split": [Published(f"{FOLDER}/caltech101_silhouettes_28_split1.mat", "4483e9c14b188fd09937f9ea6f9ea777", SERVER)],
    "whole": [Published(f"{FOLDER}/caltech101_silhouettes_28.mat", "1432d2809e8bf111f1104a234731ddb1", SERVER)],
}
# As many as in Marlin's split.
TEST = 2307
NOTES = {
    "split": (
        "Marlin's split, object 1 and background 0. With held_out=2264, 'train' (4,100) and 'val' are his own, and "
        "likelihoods of 'test' are comparable with published ones."
    ),
    "whole": (
        "From Marlin's file without a split, object 1 and background 0, split at random here (seed 0): likelihoods "
        "are not comparable with published ones, which are of his split."
    ),
}


class _Silhouettes(NamedTuple):
    x: UInt8[Tensor, "N 1 28 28"]
    y: Int64[Tensor, "N"]
    classes: list[str]


def caltech101(part: str, *, kind: str | None = None) -> Dataset:
    """Return silhouettes of objects of 101 classes, white on black.

    Args:
        part: ``"train"`` (6,364 images) or ``"test"`` (2,307), in either kind.
        kind: ``"split"``: Marlin's file with his split; with ``held_out=2264``, ``"train"`` and ``"val"`` are his.
            ``"whole"``: his file without one, split here at random, under the name ``caltech101-whole``. By default
            the first of these that is here, and where neither is, ``"split"`` is downloaded.

    Returns:
        Images ``[N, 1, 28, 28]`` of zeros and ones, and their classes, on the CPU.

    Raises:
        TypeError: If ``kind`` is not a string.
        FileNotFoundError: If the file is nowhere to be had.
        ChecksumError: If it is not the one that was published.
        ValueError: If ``kind`` is unknown, or the file does not hold silhouettes.

    Reference:
        Marlin, Swersky, Chen & de Freitas, *Inductive principles for restricted Boltzmann machine learning*,
        AISTATS 2010.

    All chapters.
    """
    if kind is not None:
        require_choice("kind", kind, KINDS)
    kind = kind or kind_here(KINDS)
    found = _split(part) if kind == "split" else _whole(part)
    name = "caltech101" if kind == "split" else f"caltech101-{kind}"
    return Dataset(found.x, found.y, classes=found.classes, name=name, note=NOTES[kind], full_scale=1)


def _split(part: str) -> _Silhouettes:
    whose = ("train", "val") if part == "train" else ("test",)
    pieces = [_read("split", f"{one}_data", f"{one}_labels") for one in whose]
    x, y = torch.cat([piece.x for piece in pieces]), torch.cat([piece.y for piece in pieces])
    return _Silhouettes(x, y, pieces[0].classes)


def _whole(part: str) -> _Silhouettes:
    found = _read("whole", "X", "Y")
    # The file lists its classes one after another.
    order = torch.randperm(len(found.x), generator=torch.Generator().manual_seed(0))
    order = order[:-TEST] if part == "train" else order[-TEST:]
    return _Silhouettes(found.x[order], found.y[order], found.classes)


def _read(kind: str, images: str, labels: str) -> _Silhouettes:
    [source] = KINDS[kind]
    x, y, classes = read_variables(published_file(source), [images, labels, "classnames"])
    if x.ndim != 2 or x.shape[1] != 28 * 28 or not np.isin(x, (0, 1)).all():
        found = f"`{images}` has shape {x.shape} and values {np.unique(x)[:3]}"
        raise ValueError(f"{source.path} does not hold silhouettes: {found}, instead of [N, 784] of zeros and ones")
    if x.shape[0] != y.size:
        raise ValueError(f"{source.path}: `{images}` has {len(x)} silhouettes, but `{labels}` {y.size} numbers")
    # The original counts down its columns first, draws its objects in black, and numbers its classes from 1.
    pixels = torch.from_numpy(1 - x.astype(np.uint8)).reshape(-1, 1, 28, 28).mT.contiguous()
    numbers = torch.from_numpy(y.astype(np.int64)).flatten() - 1
    return _Silhouettes(pixels, numbers, [name.item() for name in classes.flat])
