"""Isometry and the metric behind it: against the estimator and the Jacobian by two backward passes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import cast

import torch
from timing import STATUS, Row, compare, memory_of
from torch import Tensor, nn
from torch.autograd import functional

from latentbook.isometry import relaxed_distortion
from latentbook.metric import pullback_metric

BATCH, WIDTH, PIXELS, ETA = 100, 256, 784, 0.2
AGAINST = "two backward passes, one Gaussian probe"


def measure() -> list[Row]:
    """Return rows for the loss with exact traces and with probes, and for the metric: its time and its memory."""
    decode, z = decoder(2), torch.randn(400, 2)
    rows = [
        _loss_row(2, "exact"),
        _loss_row(10, "one probe"),
        compare(
            "metric at 400 points, 2 latents, 4x256 MLP",
            lambda: pullback_metric(decode, z),
            lambda: metric_by_two_backward_passes(decode, z),
            "two backward passes, with their graph",
            repeats=31,
        ),
    ]
    return [*rows, _memory_row(5000)] if STATUS.exists() else rows


def decoder(latents: int) -> nn.Sequential:
    """Return the published decoder for MNIST."""
    widths = [latents, WIDTH, WIDTH, WIDTH, WIDTH]
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(WIDTH, PIXELS), nn.Sigmoid())


def _loss_row(latents: int, how: str) -> Row:
    decode, z = decoder(latents), torch.randn(BATCH, latents)

    def ours() -> None:
        relaxed_distortion(decode, z, eta=ETA).backward()

    def peer() -> None:
        distortion_by_two_backward_passes(decode, z).backward()

    name = f"relaxed distortion, {latents} latents, {how}, batch {BATCH}, 4x256 MLP"
    return compare(name, ours, peer, AGAINST, repeats=61)


def distortion_by_two_backward_passes(decode: nn.Module, z: Tensor) -> Tensor:
    """Return the estimate with one Gaussian probe for each point."""
    alpha = torch.rand(len(z), 1) * (1 + 2 * ETA) - ETA
    z = alpha * z + (1 - alpha) * z[torch.randperm(len(z))]
    v = torch.randn_like(z)
    Jv = cast(Tensor, functional.jvp(decode, z, v, create_graph=True)[1])
    Gv = cast(Tensor, functional.vjp(decode, z, Jv, create_graph=True)[1])
    return Gv.square().sum(1).mean() / Jv.square().sum(1).mean() ** 2


def metric_by_two_backward_passes(decode: nn.Module, z: Tensor) -> Tensor:
    """Return the metrics from a batch in which every point stands once for each latent."""
    points, m = z.shape
    directions = torch.eye(m).repeat(points, 1)
    J = cast(Tensor, functional.jvp(decode, z.repeat_interleave(m, 0), directions, create_graph=True)[1])
    rows = J.reshape(points, m, -1)
    return rows @ rows.mT


def _memory_row(points: int) -> Row:
    """Compare what each scheme takes at its peak."""
    schemes: list[Callable[[nn.Module, Tensor], Tensor]] = [pullback_metric, metric_by_two_backward_passes]
    taken = [memory_of(functools.partial(_apply, scheme), points) for scheme in schemes]
    name = f"metric at {points:,} points, 2 latents, 4x256 MLP, peak memory"
    return Row(name, *taken, against="two backward passes, with their graph", unit="MiB")


def _apply(scheme: Callable[[nn.Module, Tensor], Tensor], points: int) -> None:
    scheme(decoder(2), torch.randn(points, 2))
