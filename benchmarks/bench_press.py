"""The press: what an import costs, and a second build with nothing changed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from timing import Row

ROOT = Path(__file__).parents[1]
IMPORT = "import time, torch; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def measure() -> list[Row]:
    """Return rows for imports over torch's own, and for a build that finds everything done."""
    rows = [
        Row(f"import {module}, over torch", float(_python(IMPORT.format(module))))
        for module in ("latentbook", "latentbook.volume", "latentbook.learning.recipes.least_volume")
    ]
    _build()
    start = time.perf_counter()
    _build()
    return [*rows, Row("second build of the smoke book", time.perf_counter() - start)]


def _build() -> None:
    words = ["build", "--scale", "smoke", "--root", str(ROOT), "--output", str(ROOT / "_build" / "smoke")]
    subprocess.run([sys.executable, "-m", "latentbook", *words], check=True, capture_output=True)


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
