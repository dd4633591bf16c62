"""Where the bands in book/claims.yml come from: chapters trained again with other seeds.

``python benchmarks/bands.py --scale book --seeds 8`` prints, for every claim of a chapter, the range over the seeds
0, 1, 2, ... and the band: that range, widened by half of it on either side.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import torch

from latentbook.learning.recipes import least_volume


def least_volume_claims(seed: int, scale: str) -> dict[str, float]:
    """Return the values that chapter 1 claims, for one seed."""
    chosen = least_volume.settings(scale=scale, seed=seed)
    training, test = least_volume.load_data(chosen)
    pca = least_volume.pca_curve(training[:], test[:], chosen.latent_dim).cpu()
    run = least_volume.train(chosen, chosen.lam)
    collapsed = least_volume.train(chosen, max(chosen.lambdas))
    unbounded = least_volume.train(chosen, chosen.lam, lipschitz=False)
    return {
        "least-volume-dimensions": run.dimensions,
        "least-volume-error": run.error,
        "least-volume-against-pca": run.error / float(pca[run.dimensions]),
        "least-volume-collapse": 100 * (collapsed.error / float(pca[0]) - 1),
        "least-volume-needs-lipschitz": unbounded.dimensions,
    }


CHAPTERS = {"1-least-volume": least_volume_claims}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chapter", choices=CHAPTERS, default="1-least-volume")
    parser.add_argument("--scale", default="book")
    parser.add_argument("--seeds", type=int, default=8)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(chosen.seeds):
        for name, value in CHAPTERS[chosen.chapter](seed, chosen.scale).items():
            found[name].append(value)
    for name, values in found.items():
        low, high = min(values), max(values)
        margin = (high - low) / 2
        print(f"{name}: {[round(v, 4) for v in values]} band [{low - margin:.5f}, {high + margin:.5f}]", flush=True)


if __name__ == "__main__":
    main()
