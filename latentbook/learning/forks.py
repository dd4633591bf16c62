"""One process that imports what workers need, and from which they are forked: they start at once, and share memory.

All chapters.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing import forkserver

__all__ = ["METHOD", "can_fork", "prepare"]

METHOD = "forkserver"
# What every worker imports, or torch and scikit-learn do when they are first used: seconds.
SHARED = ("latentbook.learning.work", "torch._dynamo", "sklearn.datasets", "distributed")
# Torch and NumPy count their threads when they are imported.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def can_fork() -> bool:
    """Whether the system can do it.

    Returns:
        False on Windows.

    Example:
        >>> isinstance(can_fork(), bool)
        True

    All chapters.
    """
    return METHOD in multiprocessing.get_all_start_methods()


def prepare() -> None:
    """Start the process, if it does not run yet; it imports while its caller goes on. It ends with its caller.

    Raises:
        OSError: If no process can be started.

    All chapters.
    """
    # A list that Dask sets later comes too late to replace it.
    multiprocessing.get_context(METHOD).set_forkserver_preload([*SHARED])
    with _environment(ONE_THREAD):
        forkserver.ensure_running()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for the processes that a block starts."""
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
