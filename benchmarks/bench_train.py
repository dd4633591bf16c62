"""Training: `fit` against the usual loop, a DataLoader of single examples and a loss read at every step."""

from __future__ import annotations

import functools

import torch
from timing import Row, compare
from torch.utils.data import DataLoader, TensorDataset

from latentbook.learning.recipes import least_volume
from latentbook.learning.train import fit

STEPS = 200
ADAM = functools.partial(torch.optim.Adam, lr=1e-3, fused=True)


def measure() -> list[Row]:
    """Return one row: seconds for a step of chapter 1's autoencoder, at book scale."""
    chosen = least_volume.settings(device="cpu")
    training, _ = least_volume.load_data(chosen)
    batch = least_volume.SCALES["book"].batch_size
    weights = {"reconstruction": 1.0, "volume": chosen.lam}

    def ours() -> None:
        model = least_volume.build(chosen, training.event_shape)
        fit(
            model,
            training,
            lambda model, x, step: model.terms(x),
            weights=weights,
            steps=STEPS,
            batch_size=batch,
            seed=0,
            optimizer=ADAM,
        )

    def usual() -> None:
        model = least_volume.build(chosen, training.event_shape)
        loader = DataLoader(TensorDataset(training[:]), batch, shuffle=True, drop_last=True)
        optimizer, losses = ADAM(model.parameters()), []
        while len(losses) < STEPS:
            for (x,) in loader:
                terms = model.terms(x)
                loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())

    return [compare("200 training steps, chapter 1", ours, usual, "DataLoader, .item() at every step", repeats=5)]
