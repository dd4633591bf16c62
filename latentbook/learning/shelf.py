"""What ``latentbook data`` does: say where each data set is, fetch its files, and compare their checksums.

All chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from latentbook.core import ChecksumError
from latentbook.learning import characters, silhouettes
from latentbook.learning.data import DATASETS
from latentbook.learning.faces import celeba_files
from latentbook.learning.files import Published, copies, kind_here, published_file, require_checksum
from latentbook.learning.mocap import mocap_files
from latentbook.learning.options import require_choice
from latentbook.learning.originals import FILES

__all__ = ["fetch", "files_of", "listing", "verify"]

SIZES = {
    "digits": "1,797 x 1 x 8 x 8",
    "mnist": "70,000 x 1 x 28 x 28",
    "fashion": "70,000 x 1 x 28 x 28",
    "emnist": "131,600 x 1 x 28 x 28, or another of its selections",
    "cifar10": "60,000 x 3 x 32 x 32",
    "svhn": "99,289 x 3 x 32 x 32",
    "celeba": "202,599 x 3 x 32 x 32, or another size",
    "static-mnist": "70,000 x 1 x 28 x 28, zeros and ones",
    "omniglot": "32,415 x 1 x 28 x 28, or another of its kinds",
    "caltech101": "8,671 x 1 x 28 x 28, zeros and ones",
    "mocap": "10,897 frames x 50 angles",
    "sprites": "drawn, 7,500 x 3 x 32 x 32 by default",
    "clock": "drawn, 7,500 x 1 x 28 x 28 by default",
}
# Sets that exist in several forms, each of which is enough.
KINDS = {"omniglot": characters.KINDS, "caltech101": silhouettes.KINDS}


def files_of(name: str) -> list[Published]:
    """Return the published files that a data set is read from.

    Args:
        name: One of `latentbook.learning.data.DATASETS`.

    Returns:
        None for a set that is embedded.

    Raises:
        ValueError: If the name is unknown.

    Example:
        >>> files_of("digits"), len(files_of("mnist"))
        ([], 4)

    All chapters.
    """
    require_choice("name", name, DATASETS)
    if name in KINDS:
        # A fetch brings all that it can before it ends at what a person has to bring.
        return sorted((file for files in KINDS[name].values() for file in files), key=lambda file: not file.mirrors)
    files = {**FILES, "celeba": celeba_files, "mocap": mocap_files}
    return files[name]() if name in files else []


def listing() -> Iterator[str]:
    """Yield a line for each data set: its name, its size, and where it is, or which of its kinds; nothing is read.

    Returns:
        The lines.

    Raises:
        FileNotFoundError: If ``$LATENTBOOK_DATA`` is not a folder.

    All chapters.
    """
    for name in DATASETS:
        kind = f"{kind_here(KINDS[name])}: " if name in KINDS else ""
        yield f"{name:<14} {SIZES.get(name, 'drawn points'):<52} {kind}{_where(_taken(name))}"


def _taken(name: str) -> list[Published]:
    """Return the files that a set is loaded from where nothing else is asked for."""
    return KINDS[name][kind_here(KINDS[name])] if name in KINDS else files_of(name)


def _where(files: list[Published]) -> str:
    if not files:
        return "embedded"
    roots = [_root(places[0], file) for file in files if (places := copies(file))]
    if not roots:
        return "not here" + (f": get it from {files[0].page}" if files[0].page else "")
    found = " and ".join(dict.fromkeys(map(str, roots)))
    return found if len(roots) == len(files) else f"{len(roots)} of {len(files)} files in {found}"


def _root(place: Path, file: Published) -> Path:
    return place.parents[file.path.count("/")]


def fetch(name: str) -> Iterator[str]:
    """Download the files of a data set that are not here yet, and yield a line for each file.

    Args:
        name: One of `latentbook.learning.data.DATASETS`.

    Returns:
        The lines.

    Raises:
        ValueError: If the name is unknown.
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file that is here is not the one that was published.
        OSError: If a download cannot be kept.

    Example:
        >>> list(fetch("digits"))
        ['digits is embedded: nothing to fetch']

    All chapters.
    """
    if not (files := files_of(name)):
        yield f"{name} is embedded: nothing to fetch"
    for file in files:
        yield f"ok: {published_file(file)}"


def verify(name: str | None = None) -> Iterator[tuple[bool, str]]:
    """Compare the checksums of the files that are here, every copy of them; one line each.

    Args:
        name: One of `latentbook.learning.data.DATASETS`, whose missing files then count as wrong, if `load` would ask
            for them; by default all.

    Returns:
        Whether a file is right, and its line.

    Raises:
        ValueError: If the name is unknown.
        FileNotFoundError: If ``$LATENTBOOK_DATA`` is not a folder.

    Example:
        >>> list(verify("digits"))
        [(True, 'digits is embedded: nothing to verify')]

    All chapters.
    """
    for one in DATASETS if name is None else [name]:
        files = files_of(one)
        if name is not None and not files:
            yield True, f"{one} is embedded: nothing to verify"
        for file in files:
            places = copies(file)
            if name is not None and not places and file in _taken(one):
                yield False, f"{file.path} is not here: run `latentbook data fetch {one}`"
            yield from (_verified(place, file.checksum) for place in places)


def _verified(place: Path, checksum: str) -> tuple[bool, str]:
    try:
        require_checksum(place, checksum)
    except (ChecksumError, OSError) as error:
        return False, str(error)
    return True, f"ok: {place}" if checksum else f"here, and without a published checksum: {place}"
