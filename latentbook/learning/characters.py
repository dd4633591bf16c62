"""OMNIGLOT: characters of fifty alphabets, each drawn by twenty people.

It exists in two forms. Burda et al. published 28 x 28 grey levels with a split, on which the likelihoods in the
literature rest. Lake et al. published the drawings, black strokes on 105 x 105 pixels; here a grey level is the share
of ink in one of 28 x 28 equal cells.

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

from latentbook.learning.binarize import require_unit_interval
from latentbook.learning.dataset import Dataset
from latentbook.learning.files import Published, kind_here, published_file
from latentbook.learning.matlab import read_variables
from latentbook.learning.options import require_choice

__all__ = ["KINDS", "omniglot"]

SERVER = ["https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"]
CHARDATA = Published(
    "OMNIGLOT/chardata.mat",
    "",
    (),
    "https://github.com/yburda/iwae/raw/master/datasets/OMNIGLOT/chardata.mat (no checksum of it is published, so no "
    'program fetches it; the drawings of `kind="archives"` are fetched, and are another data set)',
)


def _archive(name: str, sha256: str) -> Published:
    return Published(f"OMNIGLOT/{name}.zip", sha256, SERVER)


# The checksums are those of TensorFlow Datasets.
KINDS = {
    "chardata": [CHARDATA],
    "archives": [
        _archive("images_background", "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640"),
        _archive("images_evaluation", "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee"),
    ],
    "small": [
        _archive("images_background_small1", "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
        _archive("images_background_small2", "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"),
    ],
}
COUNTS = {"train": 24_345, "test": 8_070}
CELLS = "The 105 x 105 drawings, ink 1, averaged over 28 x 28 equal cells: likelihoods are not comparable with"
NOTES = {
    "chardata": (
        "The 28 x 28 grey levels and the split of Burda et al., ink 1: likelihoods of drawn zeros and ones are "
        "comparable with published ones. With held_out=1345, 'val' is the last 1,345 as in later work; Burda et al. "
        "shuffled before."
    ),
    "archives": f"{CELLS} published ones, which are of chardata.mat. 'test' is of other alphabets than 'train'.",
    "small": (
        f"{CELLS} published ones, which are of chardata.mat. Both small archives, what they share once, split at "
        "random here (seed 0): a person's hand is in both parts."
    ),
}
DRAWN, SIDE, CHUNK = 105, 28, 512


def omniglot(part: str, *, kind: str | None = None) -> Dataset:
    """Return handwritten characters, white on black, with their alphabets as labels.

    Args:
        part: ``"train"`` or ``"test"``.
        kind: ``"chardata"``: the grey levels of Burda et al. and their split, 24,345 and 8,070; the names of the
            alphabets are not known. ``"archives"``: the drawings of Lake et al., trained on the "background" (19,280,
            thirty alphabets) and tested on the "evaluation" (13,180, twenty others), under the name
            ``omniglot-archives``. ``"small"``: their two small archives (3,872 and 968, eight alphabets), under the
            name ``omniglot-small``. By default the first of these whose files are here.

    Returns:
        Images ``[N, 1, 28, 28]``, of ``chardata`` as floats in torch's default dtype, on the CPU.

    Raises:
        TypeError: If ``kind`` is not a string.
        FileNotFoundError: If a file is nowhere to be had: says where a person gets it, and where it belongs.
        ChecksumError: If a file is not the one that was published.
        ValueError: If ``kind`` is unknown, or a file does not hold characters, or is cut short.

    Reference:
        Lake, Salakhutdinov & Tenenbaum, *Human-level concept learning through probabilistic program induction*,
        Science 2015; Burda, Grosse & Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.

    All chapters.
    """
    if kind is not None:
        require_choice("kind", kind, KINDS)
    kind = kind or kind_here(KINDS)
    return _chardata(part) if kind == "chardata" else _drawings(part, kind)


def _chardata(part: str) -> Dataset:
    prefix, count = "" if part == "train" else "test", COUNTS[part]
    place = published_file(CHARDATA)
    pixels, alphabets = read_variables(place, [f"{prefix}data", f"{prefix}target"])
    # Without a checksum, the numbers have to tell whether the file is the one of the literature.
    if pixels.shape != (SIDE * SIDE, count) or alphabets.shape[1:] != (count,):
        found = f"`{prefix}data` has shape {pixels.shape} and `{prefix}target` {alphabets.shape}"
        right = f"{SIDE * SIDE} pixels of {count} images, and as many columns"
        raise ValueError(f"{place} is not the file of Burda et al.: {found}, instead of {right}")
    # An image is a column there, and counts down its own columns first.
    x = torch.from_numpy(pixels.T.reshape(-1, 1, SIDE, SIDE)).mT.to(torch.get_default_dtype()).contiguous()
    require_unit_interval(x, f"{prefix}data")
    y = torch.from_numpy(alphabets.argmax(0))
    return Dataset(x, y, name="omniglot", note=NOTES["chardata"])


def _drawings(part: str, kind: str) -> Dataset:
    first, second = (_pictures(source) for source in KINDS[kind])
    # The small archives share the Greek and Latin letters: a drawing is one by its alphabet, character and number.
    both = first | second
    alphabets = sorted({place.split("/")[0] for place in both})
    if kind == "archives":
        places = _shuffled(first if part == "train" else second)
    else:
        places = _shuffled(both)
        cut = len(places) - len(places) // 5
        places = places[:cut] if part == "train" else places[cut:]
    x = _averaged({place: both[place] for place in places})
    y = torch.tensor([alphabets.index(place.split("/")[0]) for place in places])
    classes = [alphabet.replace("_", " ") for alphabet in alphabets]
    return Dataset(x, y, classes=classes, name=f"omniglot-{kind}", note=NOTES[kind], full_scale=225)


def _pictures(source: Published) -> dict[str, bytes]:
    """Return the PNG files of an archive by their place below its folder, as in Greek/character01/0394_01.png."""
    with zipfile.ZipFile(published_file(source)) as archive:
        pictures = {
            member.split("/", 1)[-1]: archive.read(member) for member in archive.namelist() if member.endswith(".png")
        }
    if not pictures:
        raise ValueError(f"{source.path} has no PNG files: it is not one of OMNIGLOT's archives")
    return pictures


def _shuffled(places: dict[str, bytes]) -> list[str]:
    """Return names in an order that mixes the alphabets, and is always the same."""
    ordered = sorted(places)
    return [ordered[k] for k in torch.randperm(len(ordered), generator=torch.Generator().manual_seed(0)).tolist()]


def _averaged(pictures: dict[str, bytes]) -> UInt8[Tensor, "N 1 28 28"]:
    r"""Return :math:`A I A^\top` for each picture's ink :math:`I`: what a cell holds, in 225ths of its area.

    A cell is 15/4 pixels wide. In quarters of a pixel every overlap is a whole number, and so nothing is rounded.
    """
    cell, pixel = 15 * torch.arange(SIDE)[:, None], 4 * torch.arange(DRAWN)
    overlap = (torch.minimum(cell + 15, pixel + 4) - torch.maximum(cell, pixel)).clamp(min=0).double()
    x = torch.empty(len(pictures), 1, SIDE, SIDE, dtype=torch.uint8)
    ink = torch.empty(CHUNK, DRAWN, DRAWN, dtype=torch.uint8)
    for k, (place, content) in enumerate(tqdm(pictures.items(), "characters", disable=None)):
        ink[k % CHUNK] = _ink(place, content)
        if (k + 1) % CHUNK == 0 or k + 1 == len(pictures):
            begin = k - k % CHUNK
            x[begin : k + 1, 0] = (overlap @ ink[: k + 1 - begin].double() @ overlap.mT).to(torch.uint8)
    return x


def _ink(place: str, content: bytes) -> UInt8[Tensor, "105 105"]:
    from PIL import Image

    with Image.open(BytesIO(content)) as image:
        if (image.mode, image.size) != ("1", (DRAWN, DRAWN)):
            found = f"{place} is an image of {image.width} x {image.height} pixels in mode {image.mode!r}"
            raise ValueError(f"{found}, instead of {DRAWN} x {DRAWN} in black and white, as in OMNIGLOT")
        return torch.from_numpy(1 - np.array(image, np.uint8))
