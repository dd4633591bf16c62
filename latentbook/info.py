"""What ``latentbook info`` prints: versions, devices and folders, one line each, faults with their repair."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator

import platformdirs

import latentbook

__all__ = ["lines"]

BOOK = "jupyter-book plotly papermill anywidget jupyterlab sphinx-mathjax-offline psutil filelock".split()


def lines() -> Iterator[str]:
    """Yield the lines."""
    yield f"latentbook {latentbook.__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield _torch_line()
    yield _torchvision_line()
    yield f"data: LATENTBOOK_DATA={os.environ.get('LATENTBOOK_DATA', '(not set)')}"
    yield f"cache: {platformdirs.user_cache_dir('latentbook')}"
    yield _book_line()


def _torch_line() -> str:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"torch {torch.__version__}, {torch.get_num_threads()} threads, GPUs: {', '.join(gpus) or 'none'}"


def _torchvision_line() -> str:
    if not _installed("torchvision"):
        return "torchvision is missing: `pip install torch torchvision`"
    torch, torchvision = (importlib.metadata.version(name) for name in ("torch", "torchvision"))
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError) as error:
        # Typical: "operator torchvision::nms does not exist", from a CPU-only torch beside the registry's torchvision.
        reason = str(error).splitlines()[0]
        return (
            f"torchvision {torchvision} does not load beside torch {torch} ({reason}): they are of different builds; "
            "repair with `pip install --force-reinstall torch torchvision`"
        )
    return f"torchvision {torchvision}"


def _book_line() -> str:
    missing = [name for name in BOOK if not _installed(name)]
    return f"book: {', '.join(missing)} missing, `pip install -e .[book]`" if missing else "book: ready"


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
