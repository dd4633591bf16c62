"""Published image sets in their original formats: idx, amat, CIFAR's records, MATLAB files.

Addresses and checksums are torchvision's, except for CIFAR-10, whose binary version is read, and for static MNIST.
Archives are read where they lie: nothing is unpacked on disk.

All chapters.
"""

from __future__ import annotations

import gzip
import math
import tarfile
import zipfile
from collections.abc import Callable
from io import BufferedIOBase, BytesIO
from typing import IO

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.files import Published, published, published_file
from latentbook.learning.options import require_choice

__all__ = ["FILES", "cifar10", "emnist", "idx", "static_mnist", "svhn"]

# torchvision publishes the version that needs pickle; this one has the same images: a label byte, then three planes.
CIFAR10 = Published(
    "CIFAR10/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", ["https://www.cs.toronto.edu/~kriz/"]
)
CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
RECORD = 1 + 3 * 32 * 32
# The checksums are those of TensorFlow Datasets; the authors publish none.
STATIC_MNIST = [
    Published(
        f"MNIST_static/binarized_mnist_{part}.amat",
        sha256,
        ["http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"],
    )
    for part, sha256 in (
        ("train", "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"),
        ("valid", "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"),
        ("test", "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"),
    )
]
STATIC = (
    "One fixed draw of binarised MNIST, by Larochelle. With held_out=10000, 'train' and 'val' are his own: likelihoods "
    "of 'test' are comparable with published ones of static MNIST, and not with those of other or of new draws."
)
EMNIST_PARTS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
PIECE = 1 << 20
GREY = "The original split and grey levels: likelihoods are not comparable with those of binarised images."


def idx(name: str, original: str, part: str) -> Dataset:
    """Return MNIST, or a set in its format.

    Args:
        name: What the data set is called here.
        original: Its class in `torchvision.datasets`.
        part: ``"train"`` or ``"test"``.

    Returns:
        Images ``[N, 1, 28, 28]`` and labels, on the CPU.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.
        ValueError: If it is no idx file.

    Reference:
        LeCun, Bottou, Bengio & Haffner, *Gradient-based learning applied to document recognition*, Proc. IEEE 1998;
        Xiao, Rasul & Vollgraf, *Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms*,
        arXiv 1708.07747.

    All chapters.
    """
    from torchvision import datasets

    prefix = "train-" if part == "train" else "t10k-"
    sources = [source for source in idx_files(original) if source.path.split("/")[-1].startswith(prefix)]
    images, labels = (
        _parsed_idx(source.path.split("/")[-1], BytesIO(published(source)), ndim)
        for source, ndim in zip(sources, (3, 1), strict=True)
    )
    # torchvision calls a digit "0 - zero"; a legend has room for one word.
    classes = [label.split(" - ")[0] for label in getattr(datasets, original).classes]
    return Dataset(images[:, None], labels, classes=classes, name=name, note=GREY)


def idx_files(original: str) -> list[Published]:
    """Return the files of MNIST, or of a set in its format."""
    from torchvision import datasets

    source = getattr(datasets, original)
    return [Published(f"{original}/raw/{file}", md5, source.mirrors) for file, md5 in source.resources]


def static_mnist(part: str) -> Dataset:
    """Return MNIST as zeros and ones, drawn once and for all: the set that published likelihoods rest on.

    The training part is the original's training images and then its validation images: with ``held_out=10000``,
    ``"train"`` (50,000) and ``"val"`` are the original's own.

    Args:
        part: ``"train"`` (60,000 images) or ``"test"`` (10,000).

    Returns:
        Images ``[N, 1, 28, 28]`` of zeros and ones, without labels, on the CPU.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that was published.
        ValueError: If it is no table of zeros and ones.

    Reference:
        Larochelle & Murray, *The neural autoregressive distribution estimator*, AISTATS 2011, after Salakhutdinov &
        Murray, *On the quantitative analysis of deep belief networks*, ICML 2008.

    All chapters.
    """
    *training, test = STATIC_MNIST
    sources = training if part == "train" else [test]
    x = torch.cat([_parsed_amat(source.path, published(source)) for source in sources])
    return Dataset(x, name="static-mnist", note=STATIC, full_scale=1)


def _parsed_amat(file: str, content: bytes) -> UInt8[Tensor, "N 1 28 28"]:
    # An image is a line: a digit and a space for each pixel, with the end of the line in place of the last space.
    behind = np.frombuffer(b" " * 783 + b"\n", np.uint8)
    characters = np.frombuffer(content, np.uint8)
    pairs = characters if len(content) % (2 * 784) else characters.reshape(-1, 784, 2)
    if pairs.size == 0 or pairs.ndim == 1 or (pairs[..., 0] | 1 != ord("1")).any() or (pairs[..., 1] != behind).any():
        found = f"it has {len(content)} bytes and begins with {content[:8]!r}"
        raise ValueError(f"{file} does not hold lines of 784 zeros and ones, each with a space behind it: {found}")
    return torch.from_numpy(pairs[..., 0] - ord("0")).reshape(-1, 1, 28, 28)


def emnist(part: str, *, kind: str = "balanced") -> Dataset:
    """Return handwritten letters and digits.

    Args:
        part: ``"train"`` or ``"test"``.
        kind: Which of the original's selections: ``"balanced"`` (47 classes, 131,600 images), ``"byclass"`` (62,
            814,255), ``"bymerge"`` (47, 814,255), ``"letters"`` (26, 145,600), ``"digits"`` (10, 280,000) or
            ``"mnist"`` (10, 70,000).

    Returns:
        Images ``[N, 1, 28, 28]``, upright, with labels that count from 0, on the CPU.

    Raises:
        TypeError: If ``kind`` is not a string.
        FileNotFoundError: If the file is nowhere to be had.
        ChecksumError: If it is not the one that was published.
        ValueError: If ``kind`` is unknown, or the archive does not hold idx files.

    Reference:
        Cohen, Afshar, Tapson & van Schaik, *EMNIST: an extension of MNIST to handwritten letters*, IJCNN 2017.

    All chapters.
    """
    from torchvision.datasets import EMNIST

    require_choice("kind", kind, EMNIST_PARTS)
    [source] = emnist_files()
    with zipfile.ZipFile(published_file(source)) as archive:
        images, labels = (
            _parsed_member(archive, f"gzip/emnist-{kind}-{part}-{what}-ubyte.gz", ndim)
            for what, ndim in (("images-idx3", 3), ("labels-idx1", 1))
        )
    # The original stores columns first. Its letters count from 1, and torchvision names a class 0 that is empty.
    classes = EMNIST.classes_split_dict[kind]
    if kind == "letters":
        labels, classes = labels - 1, classes[1:]
    x = images.mT.contiguous()[:, None]
    return Dataset(x, labels, classes=classes, name="emnist", note=f"The selection {kind!r}. {GREY}")


def emnist_files() -> list[Published]:
    """Return EMNIST's one archive."""
    from torchvision.datasets import EMNIST

    folder, file = EMNIST.url.rsplit("/", 1)
    return [Published(f"EMNIST/raw/{file}", EMNIST.md5, [f"{folder}/"])]


def cifar10(part: str) -> Dataset:
    """Return CIFAR-10, from its binary version.

    Args:
        part: ``"train"`` or ``"test"``.

    Returns:
        Images ``[N, 3, 32, 32]`` and labels, on the CPU.

    Raises:
        FileNotFoundError: If the archive is nowhere to be had.
        ChecksumError: If it is not the one that was published.
        ValueError: If it does not hold CIFAR's records.

    Reference:
        Krizhevsky, *Learning multiple layers of features from tiny images*, technical report, Toronto 2009.

    All chapters.
    """
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] if part == "train" else ["test_batch.bin"]
    found: dict[str, Tensor] = {}
    # One pass from front to back: a packed archive has no table of contents.
    with tarfile.open(published_file(CIFAR10), "r|gz") as archive:
        for member in archive:
            file = member.name.split("/")[-1]
            content = archive.extractfile(member) if file in names else None
            if content is not None:
                found[file] = _records(file, content.read())
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{CIFAR10.path} has no {', '.join(missing)}: it is not CIFAR-10's binary version")
    records = torch.cat([found[name] for name in names])
    x = records[:, 1:].reshape(-1, 3, 32, 32).contiguous()
    return Dataset(x, records[:, 0], classes=CIFAR10_CLASSES, name="cifar10", note="The original split.")


def _records(file: str, content: bytes) -> UInt8[Tensor, "N record"]:
    if not content or len(content) % RECORD:
        raise ValueError(f"{file} has {len(content)} bytes, which are no records of {RECORD} bytes as in CIFAR-10")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(-1, RECORD)


def svhn(part: str) -> Dataset:
    """Return street view house numbers, cropped to one digit in the middle.

    Args:
        part: ``"train"`` or ``"test"``; the original's "extra" images are left aside.

    Returns:
        Images ``[N, 3, 32, 32]`` and labels, on the CPU; the digit 0, a 10 in the original, has the label 0.

    Raises:
        FileNotFoundError: If the file is nowhere to be had.
        ChecksumError: If it is not the one that was published.
        ValueError: If it does not hold images and labels.

    Reference:
        Netzer, Wang, Coates, Bissacco, Wu & Ng, *Reading digits in natural images with unsupervised feature learning*,
        NIPS workshop 2011.

    All chapters.
    """
    from scipy.io import loadmat

    source = svhn_files()[part != "train"]
    variables = loadmat(published_file(source), variable_names=["X", "y"])
    images, labels = (np.asarray(variables.get(name, ())) for name in "Xy")
    if images.shape[:3] != (32, 32, 3) or images.dtype != np.uint8:
        found = f"`X` has shape {images.shape} and holds {images.dtype}"
        raise ValueError(f"{source.path} does not hold SVHN: {found}, instead of (32, 32, 3, N) and uint8")
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(3, 2, 0, 1)))
    y = torch.from_numpy(labels.astype(np.int64)).flatten() % 10
    note = "The original split, without its extra images."
    return Dataset(x, y, classes=[str(digit) for digit in range(10)], name="svhn", note=note)


def svhn_files() -> list[Published]:
    """Return SVHN's two files, training first."""
    from torchvision.datasets import SVHN

    listed = [SVHN.split_list[part] for part in ("train", "test")]
    return [Published(f"SVHN/{file}", md5, [url.removesuffix(file)]) for url, file, md5 in listed]


def _parsed_member(archive: zipfile.ZipFile, member: str, ndim: int) -> UInt8[Tensor, "..."]:
    if member not in archive.namelist():
        raise ValueError(f"{archive.filename} has no {member}: it is not the archive that EMNIST's authors published")
    with archive.open(member) as packed:
        return _parsed_idx(member.split("/")[-1], packed, ndim)


def _parsed_idx(file: str, packed: IO[bytes] | BufferedIOBase, ndim: int) -> UInt8[Tensor, "..."]:
    with gzip.open(packed) as unpacked:
        header = 4 * (1 + ndim)
        # Where a file ends inside its header, zeros take the place of the rest and fail the check.
        magic, *shape = np.frombuffer(unpacked.read(header).ljust(header, b"\0"), ">i4").tolist()
        right = magic == 0x800 + ndim and min(shape) >= 0
        # Filled piece by piece: the pixels are in memory once.
        values = torch.empty(shape if right else [0], dtype=torch.uint8)
        length = header + _filled(values, unpacked)
    if not right or length != header + math.prod(shape):
        found = f"it has magic number {magic:#x}, shape {shape} and {length} bytes"
        raise ValueError(f"{file} is not an idx file of bytes in {ndim} dimensions: unpacked, {found}")
    return values


def _filled(values: Tensor, stream: BufferedIOBase) -> int:
    """Copy a stream into a tensor of bytes, as far as there is room, and return the stream's length."""
    room, length = values.numpy().reshape(-1), 0
    while piece := stream.read(PIECE):
        if length + len(piece) <= len(room):
            room[length : length + len(piece)] = np.frombuffer(piece, np.uint8)
        length += len(piece)
    return length


# What each data set is read from, training and test.
FILES: dict[str, Callable[[], list[Published]]] = {
    "mnist": lambda: idx_files("MNIST"),
    "fashion": lambda: idx_files("FashionMNIST"),
    "static-mnist": lambda: STATIC_MNIST,
    "emnist": emnist_files,
    "cifar10": lambda: [CIFAR10],
    "svhn": svhn_files,
}
