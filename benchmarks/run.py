"""Run every benchmark, print one table, and keep it under results/ by the name of the machine."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import platform
import re
import sys
from pathlib import Path

import torch
from timing import Row

HERE = Path(__file__).parent


def main() -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    modules = [importlib.import_module(file.stem) for file in sorted(HERE.glob("bench_*.py"))]
    load = os.getloadavg()[0]
    rows = [row for module in modules for row in module.measure()]
    print(f"{machine()}, torch {torch.__version__}, 1 thread, load {load:.1f} before")
    print("\n".join(_line(row) for row in rows))
    facts = {"machine": machine(), "torch": torch.__version__, "threads": 1, "load": load}
    (HERE / "results").mkdir(exist_ok=True)
    file = HERE / "results" / (re.sub(r"[^A-Za-z0-9]+", "-", machine()).strip("-") + ".json")
    file.write_text(json.dumps({**facts, "rows": [dataclasses.asdict(row) for row in rows]}, indent=1) + "\n")


def machine() -> str:
    """Return the model of the GPU, else of the processor."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        names = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        names = []
    return f"{os.cpu_count()} x {names[0] if names else platform.processor()}"


def _line(row: Row) -> str:
    scale = {"ms": 1e3, "MiB": 2**-20, "%": 100}[row.unit]
    peer = f"{row.peer * scale:12.3f} {row.unit}  {row.peer / row.ours:6.2f} x  {row.against}" if row.peer else ""
    asked = f"  (asked: {row.asked})" if row.asked else ""
    return f"{row.name:60} {row.ours * scale:12.3f} {row.unit} {peer}{asked}"


if __name__ == "__main__":
    main()
