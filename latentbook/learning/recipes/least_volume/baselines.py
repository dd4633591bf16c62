"""What the experiment is compared with: principal components."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["pca_curve"]


def pca_curve(training: Tensor, test: Tensor, most: int) -> Tensor:
    """Return the test error of principal components, for 0 to `most` of them.

    Args:
        training: Data that the components come from, ``(N, *event)``.
        test: Data that is reconstructed, ``(M, *event)``.
        most: Largest number of components.

    Returns:
        Mean L2 errors, ``(most + 1,)``.

    Example:
        >>> line = torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
        >>> pca_curve(line, line, 1).round(decimals=4).tolist()
        [0.9428, 0.0]

    Chapter 1.
    """
    mean, x = training.flatten(1).mean(0), test.flatten(1)
    # Eigenvalues come in rising order: the last columns are the first components.
    axes = torch.linalg.eigh(torch.cov(training.flatten(1).T)).eigenvectors.flip(1)
    centred = x - mean
    # By Pythagoras: what the first k components hold is missing from the distance to the mean.
    held = torch.nn.functional.pad((centred @ axes[:, :most]).square().cumsum(1), (1, 0))
    return (centred.square().sum(1, keepdim=True) - held).clamp_min(0).sqrt().mean(0)
