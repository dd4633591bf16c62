"""What looks at images: classifiers that are trained here, or a network with weights of its own."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.learning.features import vgg19_features
from latentbook.learning.recipes import classifiers
from latentbook.learning.recipes.geodesics.settings import FEATURE_MAPS, Settings, settings  # noqa: F401  (doctests)

__all__ = ["FEATURE_WORDS", "features"]

# What each feature map is, in words.
FEATURE_WORDS = dict(
    zip(
        FEATURE_MAPS,
        (
            "log-probabilities of a logistic regression",
            "the last hidden layer of a small convolutional classifier",
            "layer relu5_2 of VGG-19",
        ),
        strict=True,
    )
)


def features(chosen: Settings, data: tuple[Dataset, Dataset]) -> Callable[[Tensor], Tensor]:
    """Return what the settings' feature map makes of images, with gradients through it.

    Args:
        chosen: Checked parameters, from `settings`.
        data: Training and test data with labels; a classifier is trained on the first.

    Returns:
        A map from images ``(N, C, H, W)`` to features ``(N, F)``.

    Raises:
        FileNotFoundError: If the weights of ``"vgg19"`` are nowhere to be had.

    Example:
        >>> from latentbook.learning.recipes.geodesics import load_data
        >>> chosen = settings(scale="smoke", device="cpu", feature_map="logistic")
        >>> features(chosen, data := load_data(chosen))(data[1][:5]).shape
        torch.Size([5, 10])

    Chapter 3.
    """
    if chosen.feature_map == "vgg19":
        return vgg19_features().to(chosen.device)
    own = classifiers.settings(
        kind=chosen.feature_map,
        scale=chosen.scale,
        digits=chosen.digits,
        seed=chosen.seed,
        device=str(chosen.device),
    )
    model = classifiers.train(own, data=data).model
    return model.log_posteriors if chosen.feature_map == "logistic" else model.penultimate
