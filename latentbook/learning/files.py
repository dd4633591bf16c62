"""Published files: found, or fetched, and checked.

A file is looked for in ``$LATENTBOOK_DATA``, then in the user's cache, and is else downloaded into the cache. Its
checksum is compared at every reading, and nothing is unpacked on disk, so that both places may be read-only.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import platformdirs
from tqdm import tqdm

from latentbook.core import ChecksumError, write_atomically

__all__ = ["published"]

# A mirror that is silent for so long counts as out of reach.
TIMEOUT_SECONDS = 20


def published(path: str, md5: str, mirrors: Sequence[str]) -> bytes:
    """Return the checked bytes of a file: from the reader's folder, else from the cache, else from a mirror.

    Args:
        path: Where it belongs below ``$LATENTBOOK_DATA`` and below the cache, as in ``MNIST/raw/labels.gz``.
        md5: The checksum that it was published with.
        mirrors: Addresses that end where the file's name begins.

    Returns:
        The whole file, as it was published.

    Raises:
        FileNotFoundError: If it is nowhere to be had, or ``$LATENTBOOK_DATA`` is not a folder.
        ChecksumError: If the file that was found is not the one that was published.
        OSError: If a download cannot be kept.

    All chapters.
    """
    places = [root / path for root in _roots()]
    for place in places:
        if place.is_file():
            content = place.read_bytes()
            _require_md5(str(place), content, md5, "delete it and let it download again")
            return content
    content = _downloaded(path, md5, mirrors, places)
    try:
        write_atomically(places[-1], content)
    except OSError as error:
        problem = f"{places[-1].name} is downloaded, but cannot be kept in {places[-1].parent} ({error})"
        repair = f"make room, set XDG_CACHE_HOME to a folder for caches, or LATENTBOOK_DATA to one that has {path}"
        raise OSError(error.errno, f"{problem}: {repair}") from error
    return content


def _roots() -> list[Path]:
    cache = Path(platformdirs.user_cache_dir("latentbook")) / "data"
    if not (given := os.environ.get("LATENTBOOK_DATA")):
        return [cache]
    root = Path(given).expanduser().absolute()
    if not root.is_dir():
        raise FileNotFoundError(f"LATENTBOOK_DATA is {given!r}, but {root} is not a folder: correct it or unset it")
    return [root, cache]


def _downloaded(path: str, md5: str, mirrors: Sequence[str], places: Sequence[Path]) -> bytes:
    urls = [mirror + places[-1].name for mirror in mirrors]
    failures: list[Exception] = []
    for url in urls:
        try:
            content = _fetched(url)
            _require_md5(url, content, md5, "try again later")
            return content
        except (OSError, http.client.HTTPException, ChecksumError) as error:
            failures.append(error)
            # A refusal is also an answer, and holds its connection open.
            if isinstance(error, urllib.error.HTTPError):
                error.close()
    folders = " and ".join(str(place.parent) for place in places)
    reasons = "; ".join(f"{url} ({error})" for url, error in zip(urls, failures, strict=True))
    raise FileNotFoundError(
        f"{places[-1].name} is not in {folders}, and cannot be downloaded from {reasons}: connect to the network, or "
        f'set LATENTBOOK_DATA=<folder> to a folder that has {path}, or pass dataset="digits", which needs no file'
    ) from failures[-1]


def _fetched(url: str) -> bytes:
    # torchvision's own download waits for ever, and draws its progress into notebooks, whose stderr stays empty here:
    # `disable=None` draws on terminals only.
    request = urllib.request.Request(url, headers={"User-Agent": "latentbook"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        total = int(response.headers.get("Content-Length", 0))
        with tqdm.wrapattr(response, "read", total, desc=url.split("/")[-1], disable=None) as stream:
            return b"".join(iter(lambda: stream.read(1 << 16), b""))


def _require_md5(file: str, content: bytes, expected: str, repair: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise ChecksumError(f"{file} is truncated or altered: expected md5 {expected}, found {found}: {repair}")
