r"""Probes: how well simple classifiers tell labels from codes, on data that they have not seen.

What a code knows about the label bounds the accuracy of all probes from above, and so does the rate of the code. That
holds for *samples* of :math:`q(z \mid x)`. Its *means* are another code, without the noise that limits the rate: on
means an accuracy can be above every bound by rates. A probe takes the codes that it is given; say beside each number
which these were.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch  # noqa: F401  (doctests)
from jaxtyping import Float, Integer
from torch import Tensor

__all__ = ["PROBES", "probe_accuracy"]

PROBES = ("logistic", "svm-rbf", "svm-linear", "knn", "mlp")
# Largest number that scikit-learn takes for a seed.
LARGEST_SEED = 2**32 - 1
# Of the MLP: its largest batch, and a weight decay that keeps it from learning the training codes by heart. Stopping
# early instead, by a part that is held out, leaves its accuracy to the seed.
LARGEST_BATCH, WEIGHT_DECAY = 200, 1.0


def probe_accuracy(
    train_codes: Float[Tensor, "N *event"],
    train_labels: Integer[Tensor, "N"],
    test_codes: Float[Tensor, "M *event"],
    test_labels: Integer[Tensor, "M"],
    kind: str = "logistic",
    *,
    seed: int = 0,
    neighbours: int = 5,
    iterations: int = 10_000,
) -> float:
    r"""Return the accuracy on test codes of a classifier that was fitted to training codes.

    Codes are first scaled by the mean and the deviation of the training codes in each dimension; those that are
    constant there, as of a collapsed latent, are only shifted. It runs on the CPU, in float64.

    Args:
        train_codes: Codes of the training split, samples or means; their trailing dimensions are made flat.
        train_labels: Their classes, any integers, of two classes or more.
        test_codes: Codes of the test split, of the same kind and shape.
        test_labels: Their classes, all of them among those of the training.
        kind: ``"logistic"``, multinomial with a small weight decay; ``"svm-linear"``, one against the rest, with the
            squared hinge; ``"svm-rbf"``, whose time grows with :math:`N^2`; ``"knn"``, the vote of some nearest
            neighbours; ``"mlp"``, one hidden layer of 100 rectifiers, with weight decay.
        seed: Of the MLP's weights and batches, at least 0; the others draw no random numbers.
        neighbours: Voters of ``"knn"``, from 1 to N. A few serve codes that tell the class nearly always; about
            :math:`\sqrt N` come closer to the best accuracy where classes overlap.
        iterations: Most iterations, of the MLP passes over the data. ``"svm-rbf"`` goes on until it is done, and
            ``"knn"`` has none.

    Returns:
        Part of the test codes that are told right, from 0 to 1. Its standard error is at most
        :math:`1 / (2 \sqrt M)`.

    Raises:
        TypeError: If codes are not floating point, or labels no integers.
        ValueError: If labels are missing, of one class, or not one for each code, shapes do not fit, a code is not
            finite, or `kind` or a number is out of range.

    Warns:
        UserWarning: If the iterations were used up before the fit was done: the accuracy is then one of an unfinished
            probe.

    Reference:
        Alain & Bengio, *Understanding intermediate layers using linear classifier probes*, ICLR workshop 2017.

    Example:
        >>> y = torch.arange(200) % 2
        >>> z = torch.randn(200, 3) + 4 * y[:, None]
        >>> probe_accuracy(z[:100], y[:100], z[100:], y[100:]) > 0.95
        True

    Chapter 4.
    """
    for name, codes, labels in (("train", train_codes, train_labels), ("test", test_codes, test_labels)):
        _require_labelled(name, codes, labels)
    _require_fit(train_codes, train_labels, test_codes, test_labels)
    _require_numbers(kind, seed, neighbours, iterations, len(train_codes))
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = _flat(train_codes), train_labels.cpu().numpy()
    probe = make_pipeline(StandardScaler(), _classifier(kind, y, seed, neighbours, iterations))
    _fit(probe, x, y, kind)
    return float(np.mean(probe.predict(_flat(test_codes)) == test_labels.cpu().numpy()))


def _classifier(kind: str, y: np.ndarray, seed: int, neighbours: int, iterations: int) -> Any:
    """Return an unfitted classifier of scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC, LinearSVC

    if kind == "logistic":
        return LogisticRegression(max_iter=iterations)
    if kind == "svm-linear":
        # The dual form draws random numbers, and often does not converge.
        return LinearSVC(dual=False, max_iter=iterations)  # pyright: ignore[reportArgumentType]
    if kind == "svm-rbf":
        return SVC()
    if kind == "knn":
        return KNeighborsClassifier(neighbours)
    return MLPClassifier(
        alpha=WEIGHT_DECAY,
        batch_size=min(LARGEST_BATCH, len(y)),  # pyright: ignore[reportArgumentType]
        max_iter=iterations,
        random_state=seed,
    )


def _fit(probe: Any, x: np.ndarray, y: np.ndarray, kind: str) -> None:
    """Fit a pipeline, and say so in our own words where that was not finished."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(x, y)
    classifier = probe[-1]
    if 0 < getattr(classifier, "max_iter", 0) <= np.max(getattr(classifier, "n_iter_", 0)):
        warnings.warn(
            f"`kind` {kind!r} has used up its {classifier.max_iter} iterations and is not done: pass more `iterations`",
            stacklevel=3,
        )


def _flat(codes: Tensor) -> np.ndarray:
    return codes.detach().double().flatten(1).cpu().numpy()


def _require_numbers(kind: str, seed: int, neighbours: int, iterations: int, count: int) -> None:
    if kind not in PROBES:
        raise ValueError(f"`kind` is {kind!r}, but must be one of {', '.join(PROBES)}")
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"`seed` is {seed}, but must be from 0 to {LARGEST_SEED}")
    if kind == "knn" and not 1 <= neighbours <= count:
        raise ValueError(f"`neighbours` is {neighbours}, but must be from 1 to the number of training codes, {count}")
    if iterations < 1:
        raise ValueError(f"`iterations` is {iterations}, but must be at least 1")


def _require_labelled(split: str, codes: Tensor, labels: Tensor | None) -> None:
    name = f"{split}_codes"
    if labels is None:
        raise ValueError(f"`{split}_labels` is None, but a probe needs a class for each code: load data with labels")
    if not codes.is_floating_point():
        raise TypeError(f"`{name}` is {codes.dtype}, but codes are floating point: pass `.float()`")
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"`{split}_labels` is {labels.dtype}, but classes are integers: pass `.long()`")
    if codes.ndim < 2 or codes.numel() == 0:
        raise ValueError(f"`{name}` has shape {tuple(codes.shape)}, but must be (N, m), with one code at least")
    if labels.shape != codes.shape[:1]:
        found = f"`{split}_labels` has shape {tuple(labels.shape)} for codes of shape {tuple(codes.shape)}"
        raise ValueError(f"{found}: give each code one class")
    if not codes.isfinite().all():
        raise ValueError(f"`{name}` has entries that are not finite: look at the encoder, or leave these codes out")


def _require_fit(train_codes: Tensor, train_labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> None:
    """Refuse splits that do not belong together, and labels that leave nothing to tell."""
    if train_codes.shape[1:] != test_codes.shape[1:]:
        found = f"`test_codes` has codes of shape {tuple(test_codes.shape[1:])}"
        raise ValueError(
            f"{found}, but the training's have {tuple(train_codes.shape[1:])}: take the same layer of both"
        )
    known = set(train_labels.tolist())
    if len(known) < 2:
        raise ValueError(f"`train_labels` has the class {min(known)} alone: a probe tells two classes or more apart")
    if unknown := set(test_labels.tolist()) - known:
        raise ValueError(
            f"`test_labels` has the class {min(unknown)}, which `train_labels` has not: leave it out, or train on it"
        )
