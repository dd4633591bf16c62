"""What TensorBoard shows of an isometric model, or of a family of them, beside its terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentbook.isometry import condition_number, ellipse_radius, ellipses, metric_distortion
from latentbook.learning.callbacks import TensorBoard
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family
from latentbook.learning.plane import draw_plane
from latentbook.learning.running import Callback
from latentbook.metric import pullback_metric

__all__ = ["isometry_board"]

# Examples for the scores and for the plane, of which some get an ellipse; and as many images as fit a row.
MEASURED, CIRCLED, SHOWN = 1000, 60, 10


def isometry_board(log_dir: str | Path | None, training: Dataset, validation: Dataset) -> list[Callback]:
    """Return a callback that writes terms, latent widths, scores, and images: input, reconstruction, latent plane.

    Args:
        log_dir: Folder of the event files; None for no callback.
        training: Where the widths are measured, on at most 1,000 examples.
        validation: Its first 1,000 examples give error, distortion and mean condition number (``MCN``), exact and at
            the mean codes; some are drawn. Without labels, the plane has one colour.

    Returns:
        One callback, or none.

    Raises:
        ImportError: If TensorBoard is not installed; names the extra.

    Chapter 2.
    """
    if log_dir is None:
        return []
    seen, held_out = training[:MEASURED], validation[:MEASURED]
    labels = torch.zeros(len(held_out), dtype=torch.long) if validation.y is None else validation.y[:MEASURED]

    def scores(model: Any) -> dict[str, Tensor]:
        return _named(model, lambda member: _scores(member, held_out))

    def images(model: Any) -> dict[str, Tensor]:
        return _named(model, lambda member: _images(member, held_out, labels))

    def widths(model: Any) -> Tensor:
        return torch.stack([member.encode(seen).std(0) for member in _members(model)]).squeeze(0)

    return [TensorBoard(log_dir, widths=widths, scores=scores, images=images)]


def _members(model: Any) -> list[Any]:
    return model.members() if isinstance(model, Family) else [model]


def _named(model: Any, function: Callable[[Any], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return what a function says of each member, under its number where there are several."""
    members = _members(model)
    if len(members) == 1:
        return function(members[0])
    named = [(k, function(member)) for k, member in enumerate(members)]
    return {f"{name}/{k}": value for k, own in named for name, value in own.items()}


def _scores(model: Any, x: Tensor) -> dict[str, Tensor]:
    z = model.encode(x)
    G = pullback_metric(model.decode, z)
    return {
        "validation/error": (model.decode(z) - x).square().mean(),
        "validation/distortion": metric_distortion(G),
        "validation/MCN": condition_number(G).mean,
    }


def _images(model: Any, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
    z = model.encode(x)
    found = {"latent plane": _plane(model, z, labels)}
    # In grey or in colour.
    if x.ndim == 4 and x.shape[1] in (1, 3):
        found["input"] = _row(x[:SHOWN])
        found["reconstruction"] = _row(model.decode(z[:SHOWN]))
    return found


def _plane(model: Any, z: Tensor, labels: Tensor) -> Tensor:
    """Draw the first two latents, and ellipses of the slice along them."""
    centres = z[:CIRCLED]
    G = pullback_metric(model.decode, centres)[..., :2, :2]
    centres = centres[:, :2]
    outlines = ellipses(G, centres, ellipse_radius(G, centres)).outline
    return draw_plane(z[:, :2], labels, outlines)


def _row(images: Tensor) -> Tensor:
    return torch.cat(list(images.clamp(0, 1)), dim=-1)
