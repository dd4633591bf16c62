"""Data: how long the 60,000 images of MNIST take to load, and how much memory, beside torchvision; needs the files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from timing import Row

CODE = """
import resource, time
import torchvision, latentbook.learning.data as data
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
data.load("mnist", "train")
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measure() -> list[Row]:
    """Return one row, or none where MNIST is not here."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        print(f"MNIST is not measured: {done.stderr.strip().splitlines()[-1]}")
        return []
    seconds, kilobytes = map(float, done.stdout.split())
    return [Row(f"load MNIST, 60,000 images, {kilobytes / 1024:.0f} MB more than before", seconds)]
