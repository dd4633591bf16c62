"""Publishing: pages appear whole, in one step, and what a dead build left is cleared away by the next.

``work/`` holds one folder for each running build, locked while it lives. A finished tree moves under ``trees/``, and a
link, by default ``_build/html``, is replaced to point to it: a reader finds the last good page at every moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["PublishError", "publish", "work_folder"]


class PublishError(RuntimeError):
    """Pages cannot be published where they were asked for."""


@contextlib.contextmanager
def work_folder(store: Path) -> Iterator[Path]:
    """Make a folder for one build, locked while the build lives, and clear away those of builds that died.

    Args:
        store: The folder of everything that builds make.
    """
    works = store / "work"
    works.mkdir(parents=True, exist_ok=True)
    # Between a folder's making and its locking another build would take it for a dead one's.
    with FileLock(works / "entry.lock"):
        _clear_dead(works)
        work = Path(tempfile.mkdtemp(dir=works))
        lock = FileLock(works / f"{work.name}.lock")
        lock.acquire()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def publish(tree: Path, output: Path, store: Path) -> None:
    """Let the output link point to a finished tree, and remove trees that nothing points to any more.

    Args:
        tree: The finished pages, inside a work folder of `store`; they are moved.
        output: The link.
        store: The folder of everything that builds make.

    Raises:
        PublishError: If something that no build made is in the link's place.
        OSError: If the disk refuses; the link is then as it was.
    """
    if output.exists() and not output.is_symlink():
        raise PublishError(f"{output} is there, and is not a link that a build made: move it away")
    # Trees of one output have a folder of their own: pages elsewhere, of whatever name, are none of its business.
    trees = store / "trees" / hashlib.sha256(str(output).encode()).hexdigest()[:8]
    home = trees / tree.relative_to(store / "work").parts[0]
    for folder in (trees, output.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(store / "publish.lock"):
        os.rename(tree, home)
        # One fixed name: a build that is killed here leaves a link that the next one replaces.
        link = output.with_name(f".{output.name}.new")
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(home, output.parent), target_is_directory=True)
        try:
            os.replace(link, output)
        finally:
            link.unlink(missing_ok=True)
        _remove_old(trees, output)


def _clear_dead(works: Path) -> None:
    for folder in works.iterdir():
        if folder.is_dir():
            lock = FileLock(works / f"{folder.name}.lock")
            with contextlib.suppress(Timeout), lock.acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)


def _remove_old(trees: Path, output: Path) -> None:
    """Keep the tree that is linked and the newest other, which a browser may still have open."""
    others = [tree for tree in trees.iterdir() if tree.name != output.readlink().name]
    for tree in sorted(others, key=lambda tree: tree.stat().st_mtime)[:-1]:
        shutil.rmtree(tree, ignore_errors=True)
