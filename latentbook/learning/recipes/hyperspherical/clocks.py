"""Clocks: pictures that one or two angles have made, and how well these are read from codes."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.hyperspherical.angles import read_by_circles, read_by_least_squares
from latentbook.learning.recipes.hyperspherical.settings import Settings, settings  # noqa: F401  (doctests)
from latentbook.learning.recipes.hyperspherical.training import Run, train  # noqa: F401  (doctests)

__all__ = ["BETA", "draw_clocks", "for_clocks", "read_circles", "read_plane", "squared_error"]

# The weight of the rate in a loss of squared errors: with it they are Gaussian noise of deviation 0.1 a pixel.
BETA = 0.02


def for_clocks(chosen: Settings) -> Settings:
    """Return settings with what is the same in all experiments with clocks: grey levels, their noise, no warm-up.

    Args:
        chosen: Checked parameters. Of their updates clocks take two thirds; at paper scale there are epochs.

    Returns:
        The same with other data, likelihood, weight, warm-up and updates.

    Example:
        >>> found = for_clocks(settings(scale="smoke", device="cpu", steps=30, manifold="1"))
        >>> found.dataset, found.beta, found.kl_warmup, found.steps, found.manifold
        ('clock', 0.02, 0, 20, '1')

    Chapter 5.
    """
    steps = chosen.steps and max(1, 2 * chosen.steps // 3)
    return dataclasses.replace(chosen, dataset="clock", likelihood="gaussian", beta=BETA, kl_warmup=0, steps=steps)


def draw_clocks(hands: int, size: int, device: torch.device | str = "cpu") -> tuple[Dataset, Dataset]:
    """Return training and test clocks.

    Args:
        hands: One, or a short and a long one that turn independently.
        size: Of a picture, in pixels.
        device: Where they lie.

    Returns:
        Two data sets, whose factors are the hands' angles.

    Example:
        >>> training, test = draw_clocks(hands=2, size=16)
        >>> training.event_shape, test.factors.shape[1]
        ((1, 16, 16), 2)

    Chapter 5.
    """
    training, test = (load("clock", part, hands=hands, size=size, device=str(device)) for part in ("train", "test"))
    return training, test


def read_plane(run: Run, data: tuple[Dataset, Dataset]) -> list[float]:
    """Return how well an affine map of codes, fitted on training clocks, tells each angle of new ones.

    Args:
        run: A trained model.
        data: Training and test clocks.

    Returns:
        A circular correlation from 0 to 1 for each hand.

    Raises:
        ValueError: If angles are not known.

    Example:
        >>> clocks = draw_clocks(hands=1, size=8)
        >>> run = train(for_clocks(settings(scale="smoke", device="cpu", steps=15, manifold="1")), data=clocks)
        >>> len(read_plane(run, clocks))
        1

    Chapter 5.
    """
    known, new = (_codes_and_angles(run, part) for part in data)
    return read_by_least_squares(*known, *new).tolist()


def read_circles(run: Run, clocks: Dataset) -> list[float]:
    """Return how well each angle is that of a circle's code.

    Args:
        run: A model whose codes lie on one circle for each hand.
        clocks: Such as the test clocks.

    Returns:
        A circular correlation from 0 to 1 for each hand.

    Raises:
        ValueError: If there is not one circle for each hand, or angles are not known.

    Example:
        >>> clocks = draw_clocks(hands=1, size=8)
        >>> run = train(for_clocks(settings(scale="smoke", device="cpu", steps=15, manifold="1")), data=clocks)
        >>> len(read_circles(run, clocks[1]))
        1

    Chapter 5.
    """
    return read_by_circles(*_codes_and_angles(run, clocks)).tolist()


def squared_error(run: Run, clocks: Dataset) -> float:
    """Return a run's squared error, a sum over pixels: its distortion without the constant of the noise.

    Args:
        run: A model of grey levels.
        clocks: What it was measured on.

    Returns:
        The mean over examples.

    Example:
        >>> clocks = draw_clocks(hands=1, size=8)
        >>> run = train(for_clocks(settings(scale="smoke", device="cpu", steps=15, manifold="1")), data=clocks)
        >>> 0 < squared_error(run, clocks[1]) < 64
        True

    Chapter 5.
    """
    return run.measures.distortion - math.prod(clocks.event_shape) / 2 * math.log(math.pi)


def _codes_and_angles(run: Run, clocks: Dataset) -> tuple[Tensor, Tensor]:
    if clocks.factors is None:
        raise ValueError(f"the data {clocks.name!r} do not say which angles made them: take those of `draw_clocks`")
    with torch.no_grad():
        codes = run.model.encode(clocks[:])
    return codes, clocks.factors.to(codes)
