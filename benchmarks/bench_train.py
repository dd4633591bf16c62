"""Training: `fit` against the bare step and against the usual loop, and what a checkpoint costs."""

from __future__ import annotations

import functools
import tempfile
import time
from pathlib import Path

import torch
from timing import Row, compare
from torch import nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

from latentbook.learning.dataset import Dataset
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.train import fit

STEPS, BATCH = 200, 256
ADAM = functools.partial(torch.optim.Adam, lr=1e-3, fused=True)
X = torch.rand(1400, 64)


def measure() -> list[Row]:
    """Return seconds for 200 steps of a 64-128-128-32 autoencoder, and for one checkpoint of it."""
    rows = [
        compare("200 training steps, 64-128-128-32", ours, bare, "forward, backward, optimiser step alone"),
        compare("200 training steps, 64-128-128-32", ours, usual, "DataLoader, .item() at every step"),
    ]
    return [*rows, _checkpoint()]


def autoencoder() -> Autoencoder:
    """Return chapter 1's sizes, without a bound and without a penalty."""
    activation = functools.partial(nn.LeakyReLU, 0.2)
    return Autoencoder(mlp_encoder((64,), [128, 128], 32, activation), mlp_decoder(32, [128, 128], (64,), activation))


def ours(checkpoint: Path | None = None, every: float = 30.0) -> None:
    """Train through `fit`."""
    fit(
        autoencoder(),
        Dataset(X),
        lambda model, x, step: model.terms(x),
        weights={"reconstruction": 1.0},
        steps=STEPS,
        batch_size=BATCH,
        seed=0,
        optimizer=ADAM,
        checkpoint=checkpoint,
        every=every,
    )


def bare() -> None:
    """Train on one batch, and look at nothing."""
    model, x = autoencoder(), X[:BATCH]
    optimizer = ADAM(model.parameters())
    for _ in range(STEPS):
        optimizer.zero_grad()
        mse_loss(model.decode(model.encode(x)), x).backward()
        optimizer.step()


def usual() -> None:
    """Train as most scripts do."""
    model, losses = autoencoder(), []
    loader = DataLoader(TensorDataset(X), BATCH, shuffle=True, drop_last=True)
    optimizer = ADAM(model.parameters())
    while len(losses) < STEPS:
        for (x,) in loader:
            loss = mse_loss(model.decode(model.encode(x)), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())


def _checkpoint() -> Row:
    """Return what one more checkpoint adds to a run: written at every step, against never."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for every in (0.0, 1e9):
            start = time.perf_counter()
            ours(Path(folder) / f"{every}", every)
            times.append(time.perf_counter() - start)
    return Row("a checkpoint, 64-128-128-32 with Adam's state", (times[0] - times[1]) / (STEPS - 1))
