r"""What rates allow: the best accuracy of any classifier of a code, the least distortion, the largest inception score.

A label l, its image x and its code z are a Markov chain, so a code cannot tell more about the label than about the
image, and not more about that than its rate: :math:`I(l; z) \le I(x; z) \le R(z)`. For the codes of several layers
together it is the sum of their rates. So each bound on a classifier by :math:`I(l; z)` is one by rates.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["accuracy_bound", "distortion_bound", "entropy_of", "information_bound", "score_bound"]

# Halvings of an interval: beyond 60 a double no longer has anything in between.
HALVINGS = 60


def information_bound(
    accuracy: float | Float[Tensor, "*batch"], class_probs: Float[Tensor, "M"]
) -> Float[Tensor, "*batch"]:
    r"""Return how many nats about the label a code must hold if some classifier of it is right that often.

    .. math:: I(l; z) \ge f(a) = H(l) + a \ln a + (1 - a) \ln (1 - a) - (1 - a) \ln (M - 1)

    It is Fano's inequality: what is left to know after the guess is whether it is right, and if it is not, which one of
    the other M - 1 classes it is. Equal where classes are equally probable, and all errors too.

    Args:
        accuracy: a, how often it is right, from 1/M to 1; below, f falls, and has no inverse.
        class_probs: Probability of each class, all above 0, with the sum 1.

    Returns:
        Nats, in double precision; 0 where f is below it.

    Raises:
        ValueError: If the accuracy is out of range, or the probabilities are not such.

    Reference:
        Fano, *Transmission of information*, 1961; in this form Meyen, *Relation between classification accuracy and
        mutual information*, 2016.

    Example:
        >>> information_bound(0.9, torch.full((10,), 0.1))
        tensor(1.7578, dtype=torch.float64)

    Chapter 4.
    """
    p = _require_probabilities(class_probs)
    a = torch.as_tensor(accuracy, dtype=torch.float64, device=p.device)
    if not bool(((a >= 1 / len(p)) & (a <= 1)).all()):
        raise ValueError(f"`accuracy` is {accuracy}, but must be from 1/{len(p)}, guessing, to 1")
    return _fano(a, p).clamp_min(0)


def accuracy_bound(
    mutual_information: float | Float[Tensor, "*batch"], class_probs: Float[Tensor, "M"]
) -> Float[Tensor, "*batch"]:
    r"""Return how often any classifier can be right whose input holds so many nats about the label: :math:`f^{-1}(I)`.

    f is that of `information_bound`, which grows from guessing to certainty. Where classes are not equally probable it
    is not attained; at 0 nats the best guess is the most probable class, and that is what is returned.

    Args:
        mutual_information: I, in nats, at least 0. A rate will do, as it is larger.
        class_probs: Probability of each class, all above 0, with the sum 1.

    Returns:
        Accuracies, in double precision, from the largest probability to 1; 1 from the entropy of the label on.

    Raises:
        ValueError: If the information is negative or not a number, or the probabilities are not such.

    Reference:
        As `information_bound`.

    Example:
        >>> accuracy_bound(torch.tensor([0.0, 1.0, 3.0]), torch.full((10,), 0.1))
        tensor([0.1000, 0.6892, 1.0000], dtype=torch.float64)

    Chapter 4.
    """
    p = _require_probabilities(class_probs)
    nats = torch.as_tensor(mutual_information, dtype=torch.float64, device=p.device)
    if not bool((nats >= 0).all()):
        raise ValueError(f"`mutual_information` is {mutual_information}, but nats are not negative: pass 0 or more")
    low, high = torch.full_like(nats, 1 / len(p)), torch.ones_like(nats)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = _fano(middle, p) < nats
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return torch.where(nats == 0, p.max(), high)


def distortion_bound(
    entropy: float | Float[Tensor, "*batch"], rates: Float[Tensor, "*batch L"]
) -> Float[Tensor, "*batch"]:
    r"""Return the least distortion at given rates: :math:`D \ge H(x) - \sum_l R_l`.

    The sum of all terms is at least the cross-entropy of the data under the model, and so at least their entropy; equal
    where the model is right and is encoded by its true posterior.

    Args:
        entropy: H of the data, in nats; differential entropies may be negative.
        rates: One for each layer, in nats.

    Returns:
        Nats.

    Example:
        >>> distortion_bound(0.5 * math.log(6 * math.pi * math.e), torch.tensor([0.3466, 0.2027]))
        tensor(1.4189)

    Chapter 4.
    """
    return entropy - rates.sum(-1)


def score_bound(classes: int) -> int:
    r"""Return the largest inception score: :math:`\ln \mathrm{IS} = I(l; x) \le H(l) \le \ln M`, so it is M.

    Args:
        classes: M, at least 2.

    Returns:
        M.

    Raises:
        ValueError: If there are fewer than two.

    Chapter 4.
    """
    if classes < 2:
        raise ValueError(f"`classes` is {classes}, but labels tell something from two classes on: pass 2 or more")
    return classes


def entropy_of(probabilities: Float[Tensor, "*batch M"]) -> Float[Tensor, "*batch"]:
    r"""Return the entropies of distributions, :math:`-\sum_k p_k \ln p_k`, in nats.

    Args:
        probabilities: Not negative, with the sum 1; 0 counts as nothing.

    Returns:
        From 0 to :math:`\ln M`.

    Example:
        >>> entropy_of(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
        tensor([0.6931, 0.0000])

    Chapter 4.
    """
    return torch.special.entr(probabilities).sum(-1)


def _fano(a: Tensor, p: Tensor) -> Tensor:
    other = 1 - a
    return entropy_of(p) - torch.special.entr(a) - torch.special.entr(other) - other * math.log(len(p) - 1)


def _require_probabilities(class_probs: Tensor) -> Tensor:
    p = class_probs.double()
    if p.ndim != 1 or len(p) < 2:
        raise ValueError(f"`class_probs` has shape {tuple(p.shape)}, but is (M,) for two classes or more")
    # Ten numbers of single precision sum to 1 up to some 1e-7.
    if not bool((p > 0).all()) or abs(p.sum().item() - 1) > 1e-5:
        raise ValueError(
            f"`class_probs` is {class_probs.tolist()}, but must be above 0 with the sum 1: leave out classes that "
            "never occur, and divide by the sum"
        )
    return p
