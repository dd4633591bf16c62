"""Where the bands in book/claims.yml come from: a chapter executed again with other seeds.

``python benchmarks/bands.py --chapter 1-least-volume --scale book --seeds 8`` prints, for every claim, the
range over the seeds 0, 1, 2, ... and the band: that range, widened by half of it on either side.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from latentbook.press import claims
from latentbook.press.execute import Job, Workers, run

BOOK = Path(__file__).parents[1] / "book"
# No chapter takes so long; one that hangs shall not hang for ever.
CAP = 3600.0


def measured(chapter: str, scale: str, seed: int) -> dict[str, float]:
    """Execute a chapter, and return the values that it claims.

    Args:
        chapter: Its name.
        scale: Its scale.
        seed: Its seed.

    Returns:
        Values by claim.

    Raises:
        RuntimeError: If the chapter fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        values = {"scale": scale, "seed": seed, "device": "cpu"}
        job = Job(str(BOOK / f"{chapter}.ipynb"), str(Path(folder) / "out.ipynb"), values, CAP)
        report = run(job, Workers())
        if report.error:
            raise RuntimeError(f"{chapter} with seed {seed}: {report.error}")
        return {name: value for _, name, value in claims.record(nbformat.read(job.output, 4))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chapter", choices=sorted(file.stem for file in BOOK.glob("*.ipynb")), required=True)
    parser.add_argument("--scale", default="book")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2, help="chapters executed at a time")
    chosen = parser.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for values in pool.map(functools.partial(measured, chosen.chapter, chosen.scale), range(chosen.seeds)):
            for name, value in values.items():
                found[name].append(value)
    for name, values in found.items():
        low, high = min(values), max(values)
        wider = (high - low) / 2
        seen = " ".join(f"{value:.4g}" for value in values)
        print(f"{name}: {low:.4g} to {high:.4g}, band [{low - wider:.4g}, {high + wider:.4g}]   seeds: {seen}")


if __name__ == "__main__":
    main()
