"""Published files: found, or fetched, and checked.

A file is looked for in ``$LATENTBOOK_DATA``, then in the user's cache, and is else downloaded into the cache. Its
checksum is compared at every reading, and nothing is unpacked on disk, so that both places may be read-only. A file
without a published checksum is never downloaded: a person brings it, and its reader finds out whether it is whole.

All chapters.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import platformdirs
from tqdm import tqdm

from latentbook.core import ChecksumError, write_atomically

__all__ = ["Published", "copies", "kind_here", "published", "published_file", "require_checksum"]

# A mirror that is silent for so long counts as out of reach.
TIMEOUT_SECONDS = 20
PIECE = 1 << 20
T = TypeVar("T")


class Published(NamedTuple):
    """A file as its authors published it.

    Attributes:
        path: Where it belongs below ``$LATENTBOOK_DATA`` and below the cache, as in ``MNIST/raw/labels.gz``.
        checksum: Of its bytes, as published by its authors or by a library that fetches it: an md5 of 32 digits or a
            sha256 of 64; empty where none is known, and then there are no mirrors either.
        mirrors: Addresses that end where the file's name begins; none where no program may fetch it.
        page: Where a person finds it, for files without mirrors.
    """

    path: str
    checksum: str
    mirrors: Sequence[str]
    page: str = ""


def published(source: Published) -> bytes:
    """Return the checked bytes of a file: from the reader's folder, else from the cache, else from a mirror.

    Args:
        source: The file.

    Returns:
        The whole file, as it was published.

    Raises:
        FileNotFoundError: If it is nowhere to be had, or ``$LATENTBOOK_DATA`` is not a folder.
        ChecksumError: If the file that was found is not the one that was published.
        OSError: If a download cannot be kept.

    All chapters.
    """
    for place in copies(source):
        content = place.read_bytes()
        digest = _digest(source.checksum)
        digest.update(content)
        _require_digest(str(place), digest, source.checksum)
        return content
    place = _places(source)[-1]

    def whole(url: str) -> bytes:
        return b"".join(_fetched(url, source.checksum))

    content = _from_mirrors(source, whole)
    _kept(place, source, content)
    return content


def published_file(source: Published) -> Path:
    """Return where a checked file is, for files that are too large to be held in memory whole.

    Args:
        source: The file.

    Returns:
        Its place below the reader's folder or below the cache.

    Raises:
        FileNotFoundError: If it is nowhere to be had, or ``$LATENTBOOK_DATA`` is not a folder.
        ChecksumError: If the file that was found is not the one that was published.
        OSError: If a download cannot be kept.

    All chapters.
    """
    for place in copies(source):
        require_checksum(place, source.checksum)
        return place
    place = _places(source)[-1]
    # Pieces go to the disk as they come; the last one is only handed out after the checksum has been compared.
    _from_mirrors(source, lambda url: _kept(place, source, _fetched(url, source.checksum)))
    return place


def copies(source: Published) -> list[Path]:
    """Return where a file is, unchecked, the place that is read first.

    Args:
        source: The file.

    Returns:
        None, one or two places.

    Raises:
        FileNotFoundError: If ``$LATENTBOOK_DATA`` is not a folder.

    All chapters.
    """
    return [place for place in _places(source) if place.is_file()]


def kind_here(kinds: Mapping[str, Sequence[Published]]) -> str:
    """Return the first kind of a data set whose files are all here, unchecked, or else the first.

    Args:
        kinds: The files of each, the kind that is preferred first.

    Returns:
        One of the names.

    Raises:
        FileNotFoundError: If ``$LATENTBOOK_DATA`` is not a folder.

    All chapters.
    """
    complete = (kind for kind, sources in kinds.items() if all(map(copies, sources)))
    return next(complete, next(iter(kinds)))


def require_checksum(place: Path, expected: str) -> None:
    """Compare a file's checksum, reading it piece by piece.

    Args:
        place: The file.
        expected: The checksum that it was published with, md5 or sha256; empty, there is nothing to compare.

    Raises:
        ChecksumError: If it has another one.

    All chapters.
    """
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: _digest(expected))
    _require_digest(str(place), digest, expected)


def _places(source: Published) -> list[Path]:
    cache = Path(platformdirs.user_cache_dir("latentbook")) / "data"
    if not (given := os.environ.get("LATENTBOOK_DATA")):
        return [cache / source.path]
    root = Path(given).expanduser().absolute()
    if not root.is_dir():
        raise FileNotFoundError(f"LATENTBOOK_DATA is {given!r}, but {root} is not a folder: correct it or unset it")
    return [root / source.path, cache / source.path]


class _DiskError(OSError):
    """The disk, and not the network, refused: no other mirror will help."""


def _from_mirrors(source: Published, take: Callable[[str], T]) -> T:
    failures: list[tuple[str, Exception]] = []
    for url in (mirror + source.path.split("/")[-1] for mirror in source.mirrors):
        try:
            return take(url)
        except _DiskError:
            raise
        except (OSError, http.client.HTTPException, ChecksumError) as error:
            failures.append((url, error))
            # A refusal is also an answer, and holds its connection open.
            if isinstance(error, urllib.error.HTTPError):
                error.close()
    raise _nowhere(source, failures) from (failures[-1][1] if failures else None)


def _nowhere(source: Published, failures: Sequence[tuple[str, Exception]]) -> FileNotFoundError:
    folders = " and ".join(str(place.parent) for place in _places(source))
    missing = f"{source.path.split('/')[-1]} is not in {folders}, and cannot be downloaded"
    reasons = "; ".join(f"{url} ({error})" for url, error in failures)
    where = f"from {reasons}: connect to the network, or" if failures else f"by a program: get it from {source.page},"
    repair = f"set LATENTBOOK_DATA=<folder> to a folder that has {source.path}"
    return FileNotFoundError(f'{missing} {where} {repair}, or pass dataset="digits", which needs no file')


def _kept(place: Path, source: Published, content: bytes | Iterator[bytes]) -> None:
    failed: list[Exception] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield from [content] if isinstance(content, bytes) else content
        except Exception as error:
            failed.append(error)
            raise

    try:
        write_atomically(place, pieces())
    except OSError as error:
        # What the network did is the caller's to tell; only the disk is told here.
        if failed:
            raise
        problem = f"{place.name} is downloaded, but cannot be kept in {place.parent} ({error})"
        repair = f"make room, set XDG_CACHE_HOME to a folder for caches, or LATENTBOOK_DATA to one with {source.path}"
        raise _DiskError(error.errno, f"{problem}: {repair}") from error


def _fetched(url: str, checksum: str) -> Iterator[bytes]:
    """Yield a download in pieces, and end with an error where their checksum is not the published one."""
    # torchvision's own download waits for ever, and draws its progress into notebooks, whose stderr stays empty here:
    # `disable=None` draws on terminals only.
    request = urllib.request.Request(url, headers={"User-Agent": "latentbook"})
    digest = _digest(checksum)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        total = int(response.headers.get("Content-Length", 0))
        with tqdm.wrapattr(response, "read", total, desc=url.split("/")[-1], disable=None) as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
                yield piece
    _require_digest(url, digest, checksum, "try again later")


def _digest(checksum: str) -> hashlib._Hash:
    """Begin a digest of a checksum's kind, which its length tells."""
    return hashlib.new("sha256" if len(checksum) == 64 else "md5", usedforsecurity=False)


def _require_digest(
    file: str, digest: hashlib._Hash, expected: str, repair: str = "delete it and let it download again"
) -> None:
    if expected and (found := digest.hexdigest()) != expected:
        words = f"expected {digest.name} {expected}, found {found}"
        raise ChecksumError(f"{file} is truncated or altered: {words}: {repair}")
