"""The provenance line that ends every chapter."""

from __future__ import annotations

import time

import torch

from latentbook.core import peak_memory
from latentbook.press.sources import package_hash

__all__ = ["provenance"]


def provenance(seed: int, device: torch.device) -> None:
    """Display what this page was computed with: package hash, scale, data, seed, device, torch, seconds, peak memory.

    Args:
        seed: The chapter's seed.
        device: The device that it ran on.

    All chapters.
    """
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shell = get_ipython()
    # A chapter's parameters are plain names in the notebook.
    names = shell.user_ns if shell else {}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    facts = [
        f"package {package_hash()}",
        *(f"{word} {names[key]}" for word, key in {"scale": "scale", "data": "dataset"}.items() if key in names),
        f"seed {seed}",
        name,
        f"torch {torch.__version__}",
        f"{_seconds_alive():.0f} s",
        f"peak memory {peak_memory(torch.device('cpu')) / 2**20:,.0f} MB",
    ]
    line = " · ".join(facts)
    display({"text/html": f'<p class="lb-provenance">{line}</p>', "text/plain": line}, raw=True)


def _seconds_alive() -> float:
    """Wall-clock time since the kernel started."""
    import psutil

    return time.time() - psutil.Process().create_time()
