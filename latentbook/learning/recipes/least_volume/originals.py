"""The original's experiments: its convolutional networks for images of 32 x 32, its grids, and their lengths."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ORIGINALS", "Original"]

BATCH_SIZE = 100


@dataclass(frozen=True)
class Original:
    """One of the original's experiments.

    Attributes:
        latent_dim: Size of a code.
        encoder: Channels of an image, then of each convolution.
        decoder: Channels of the smallest maps, then of each transposed convolution.
        examples: In the training set.
        epochs: How often each is seen.
        lambdas: Weights of the penalty.
        chosen: The weight that the original looks at closely, for the volume penalty.
    """

    latent_dim: int
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    examples: int
    epochs: int
    lambdas: tuple[float, ...]
    chosen: float

    @property
    def steps(self) -> int:
        """Updates, with batches of 100."""
        return self.epochs * self.examples // BATCH_SIZE


SYNTHETIC_GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
GRID = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
GREY = (1, 32, 64, 128, 256), (128, 64, 32, 1)
COLOUR = (3, 128, 256, 512, 1024), (512, 256, 128, 3)

# The original has no run on the digits, Fashion-MNIST or EMNIST: they are given what MNIST has.
ORIGINALS = {
    "sprites": Original(50, (3, 32, 64, 128, 256), (256, 128, 64, 32, 3), 30_000, 400, SYNTHETIC_GRID, 1e-3),
    "mnist": Original(128, *GREY, 60_000, 400, GRID, 3e-3),
    "digits": Original(128, *GREY, 60_000, 400, GRID, 3e-3),
    "fashion": Original(128, *GREY, 60_000, 400, GRID, 3e-3),
    "emnist": Original(128, *GREY, 60_000, 400, GRID, 3e-3),
    "cifar10": Original(2048, *COLOUR, 50_000, 1000, GRID, 1e-2),
    "celeba": Original(1024, *COLOUR, 162_770, 300, GRID, 3e-3),
}
