"""CelebA: photographs of faces, read from the archive that a person has fetched.

All chapters.
"""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from tqdm import tqdm

from latentbook.learning.dataset import Dataset
from latentbook.learning.files import Published, published, published_file
from latentbook.learning.options import require_choice, require_integer

__all__ = ["celeba", "celeba_files"]

IMAGES, ATTRIBUTES, PARTITION = "img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt"
PAGE = (
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (its Google Drive refuses programs; "
    f"{IMAGES}, {ATTRIBUTES} and {PARTITION} are needed)"
)
# The original's numbers for training, validation and test.
PARTS = {"train": ("0", "1"), "test": ("2",)}
# Least Volume keeps the middle 150 x 150 of 218 x 178 pixels.
CROP = 150


def celeba(part: str, *, size: int = 32, count: int | None = None, attribute: str = "Smiling") -> Dataset:
    """Return CelebA's aligned faces, the middle square of 150 pixels, resized.

    The training part is the original's training images and then its validation images: with ``held_out=19867``,
    ``"train"`` and ``"val"`` are the original's own.

    Args:
        part: ``"train"`` or ``"test"``.
        size: Height and width in pixels, at least 8. Images take ``3 size^2`` bytes each: 0.6 GB in all at 32.
        count: How many, from the first; by default all of the part.
        attribute: Which of the 40 attributes is the label.

    Returns:
        Images ``[N, 3, size, size]`` with a label 0 or 1, on the CPU.

    Raises:
        TypeError: If an argument has the wrong type.
        FileNotFoundError: If a file is not here: says where a person gets it, and where it belongs.
        ChecksumError: If a file is not the one that was published.
        ValueError: If an argument is outside the values above, or the files do not fit each other.

    Reference:
        Liu, Luo, Wang & Tang, *Deep learning face attributes in the wild*, ICCV 2015.

    All chapters.
    """
    require_integer("size", size, 8)
    if count is not None:
        require_integer("count", count, 1)
    archive, attributes, partition = celeba_files()
    names, table = _table(published(attributes).decode())
    require_choice("attribute", attribute, names)
    lines = [line.split() for line in published(partition).decode().splitlines() if line]
    files = [file for file, number in lines if number in PARTS[part]][:count]
    if unknown := [file for file in files if file not in table]:
        raise ValueError(f"{ATTRIBUTES} has no line for {unknown[0]}, which {PARTITION} lists")
    y = torch.tensor([int(table[file][names.index(attribute)] == "1") for file in files])
    with zipfile.ZipFile(published_file(archive)) as images:
        x = _faces(images, files, size)
    note = f"The middle {CROP} x {CROP} pixels of the aligned images, resized to {size} x {size}."
    return Dataset(x, y, classes=[f"not {attribute}", attribute], name="celeba", note=note)


def celeba_files() -> list[Published]:
    """Return CelebA's images, their attributes, and which part each belongs to.

    Returns:
        Three files, without mirrors.

    Example:
        >>> [source.path for source in celeba_files()][0]
        'celeba/img_align_celeba.zip'

    All chapters.
    """
    from torchvision.datasets import CelebA

    md5 = {file: checksum for _, checksum, file in CelebA.file_list}
    return [Published(f"celeba/{file}", md5[file], (), PAGE) for file in (IMAGES, ATTRIBUTES, PARTITION)]


def _table(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of the attributes, and the values of each file."""
    _, header, *lines = text.splitlines()
    rows = [line.split() for line in lines if line]
    return header.split(), {file: values for file, *values in rows}


def _faces(archive: zipfile.ZipFile, files: list[str], size: int) -> UInt8[Tensor, "N 3 size size"]:
    """Decode one image at a time into its place: what is held is what is returned, and one photograph."""
    from PIL import Image

    x = torch.empty(len(files), 3, size, size, dtype=torch.uint8)
    known = set(archive.namelist())
    for k, file in enumerate(tqdm(files, "faces", disable=None)):
        if (member := f"img_align_celeba/{file}") not in known:
            raise ValueError(f"{archive.filename} has no {member}, which {PARTITION} lists")
        with Image.open(BytesIO(archive.read(member))) as image:
            left, top = (round((side - CROP) / 2) for side in image.size)
            square = image.convert("RGB").crop((left, top, left + CROP, top + CROP))
        pixels = np.array(square.resize((size, size), Image.Resampling.BILINEAR))
        x[k] = torch.from_numpy(pixels).permute(2, 0, 1)
    return x
