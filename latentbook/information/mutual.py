r"""How much a code tells about a label: an estimate that can be fooled, and a bound that cannot.

Each example has a posterior :math:`q(z \mid x_i)`, and codes are samples of it. Over N examples with labels the codes
of a class are a mixture of its posteriors, and all codes one of all posteriors, so :math:`I(l; z)` is the mean of
:math:`\log q(z_i \mid l_i) - \log q(z_i)`. That is the information in *these* examples. Where posteriors are so narrow
that they do not overlap, a code tells which example it came from, and so its label, even if labels are drawn by lot:
the estimate is then the entropy of the label, and says nothing of new examples. A classifier that is tested on
examples that it was not trained on cannot be fooled so: :math:`I(l; z) \ge H(l) - \mathbb{E}[-\log p(l \mid z)]`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from latentbook.core import all_finite

__all__ = ["Estimate", "mutual_information", "mutual_information_lower_bound"]

# Densities that are held at once: 8 MiB of doubles.
CHUNK = 2**20


class Estimate(NamedTuple):
    """An estimate in nats, and its standard error over the samples.

    Attributes:
        value: The estimate.
        error: Its standard error: what other samples of the same posteriors, or other test examples, would change.
    """

    value: float
    error: float


def mutual_information(
    mean: Float[Tensor, "N *m"],
    std: Float[Tensor, "N *m"],
    labels: Integer[Tensor, "N"],
    *,
    generator: torch.Generator | None = None,
    chunk: int = CHUNK,
) -> Estimate:
    r"""Return the mutual information of labels and codes, by one sample of each posterior.

    .. math:: I(l; z) \approx \frac{1}{N} \sum_i \log \frac{1}{N_{l_i}} \sum_{j : l_j = l_i} q(z_i \mid x_j)
        - \log \frac{1}{N} \sum_j q(z_i \mid x_j), \qquad z_i \sim q(z \mid x_i)

    The squared distances of all samples to all posteriors are one matrix product of :math:`(z^2, z)` and
    :math:`(s^{-2}, -2 \mu s^{-2})`, in double precision and around the mean of all codes: they are differences of large
    numbers. Every mixture has the sample's own posterior in it, so narrow posteriors seem to tell the label whatever it
    is: see `mutual_information_lower_bound`. To leave it out repairs nothing: then the estimate has no lower end.

    Args:
        mean: Means of diagonal Gaussian posteriors; dimensions after the first are one code.
        std: Their standard deviations, above 0.
        labels: A class for each of them, two different ones at least.
        generator: Source of randomness, on the means' device; by default the global one.
        chunk: Densities that are held at once, at least 1; decides memory and not the result.

    Returns:
        Nats, in truth from 0 to the entropy of the labels, and the standard error over the samples.

    Raises:
        ValueError: If shapes do not fit, a deviation is not above 0, a number is not finite, there is one class only,
            or `chunk` is below 1.

    Reference:
        Xiao & Bamler, *Trading information between latents in hierarchical variational autoencoders*, ICLR 2023.

    Example:
        Two classes at a distance of 2 deviations; by quadrature it is 0.3368:

        >>> l = torch.arange(4000) % 2
        >>> mean = 2.0 * l[:, None] - 1
        >>> found = mutual_information(mean, torch.ones_like(mean), l, generator=torch.Generator().manual_seed(0))
        >>> abs(found.value - 0.3368) < 4 * found.error
        True

    Chapter 4.
    """
    mean, std = _require_posteriors(mean, std, labels)
    if chunk < 1:
        raise ValueError(f"`chunk` is {chunk}, but at least one density is held: pass 1 or more")
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    mean, std, noise = mean.double(), std.double(), noise.double()
    mean = mean - mean.mean(0)
    z = mean + std * noise
    # Class by class: posteriors of one are neighbours, and so are their samples.
    order, counts = labels.argsort(stable=True), labels.unique(return_counts=True)[1].tolist()
    weights, offsets = _mixture(mean[order], std[order])
    terms, start = [], 0
    for count, own in zip(counts, z[order].split(counts), strict=True):
        for some in own.split(max(1, chunk // len(z))):
            logs = torch.addmm(offsets, torch.cat([some.square(), some], 1), weights)
            of_class = logs[:, start : start + count].logsumexp(1) - math.log(count)
            terms.append(of_class - logs.logsumexp(1) + math.log(len(z)))
        start += count
    return _estimate(torch.cat(terms))


def mutual_information_lower_bound(
    train_codes: Float[Tensor, "N *m"],
    train_labels: Integer[Tensor, "N"],
    test_codes: Float[Tensor, "T *m"],
    test_labels: Integer[Tensor, "T"],
    *,
    classifier: Any = None,
) -> Estimate:
    r"""Return the entropy of labels less a classifier's cross-entropy on examples that it was not trained on.

    Whatever the classifier, that is at most :math:`I(l; z)` on average over test examples, and it is negative where
    the classifier is sure of what is wrong. A code that was drawn by lot, or that merely numbers the examples, gets
    nothing.

    Args:
        train_codes: To fit the classifier; dimensions after the first are one code.
        train_labels: Their classes, all of those to be tested.
        test_codes: To measure on.
        test_labels: Their classes, two different ones at least.
        classifier: What scikit-learn calls one, with ``fit`` and ``predict_log_proba``; None for logistic regression on
            codes of mean 0 and deviation 1.

    Returns:
        Nats, and the standard error over test examples.

    Raises:
        TypeError: If the classifier has no probabilities in logarithms.
        ValueError: If shapes do not fit, a code is not finite, there is one class only, or a class to be tested was
            never trained.

    Reference:
        The bound is that of Barber & Agakov, *The IM algorithm*, NIPS 2003.

    Example:
        >>> torch.manual_seed(0)
        <torch._C.Generator object at ...>
        >>> l = torch.arange(400) % 2
        >>> z = 2.0 * l[:, None] - 1 + torch.randn(400, 1)
        >>> found = mutual_information_lower_bound(z[:200], l[:200], z[200:], l[200:])
        >>> 0.2 < found.value < 0.5
        True

    Chapter 4.
    """
    for name, codes, labels in (("train", train_codes, train_labels), ("test", test_codes, test_labels)):
        _require_codes(f"{name}_codes", codes, labels, f"{name}_labels")
    if len(unknown := test_labels[~torch.isin(test_labels, train_labels)]):
        raise ValueError(f"`test_labels` has the class {unknown[0]}, which `train_labels` has not: train on it")
    chosen = _logistic_regression() if classifier is None else classifier
    if not hasattr(chosen, "predict_log_proba"):
        raise TypeError(
            f"`classifier` is a {type(chosen).__name__}, which has no `predict_log_proba`: pass one that is never "
            "quite sure, as logistic regression"
        )
    train, test = (codes.flatten(1).detach().double().cpu().numpy() for codes in (train_codes, test_codes))
    fitted = chosen.fit(train, train_labels.cpu().numpy())
    logs = torch.from_numpy(fitted.predict_log_proba(test))
    column = torch.searchsorted(torch.from_numpy(fitted.classes_), test_labels.cpu())
    # Of a label by its own frequency: the mean of -log is the entropy.
    frequency = torch.bincount(column, minlength=logs.shape[1]) / len(column)
    return _estimate(logs.gather(1, column[:, None]).squeeze(1) - frequency.double().log()[column])


def _mixture(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """Return the matrix and the offsets that take (z², z) to the log densities of all posteriors, up to a constant."""
    precision = std.pow(-2)
    weights = torch.cat([-precision / 2, mean * precision], 1).T
    return weights, -(mean.square() * precision / 2 + std.log()).sum(1)


def _estimate(terms: Tensor) -> Estimate:
    return Estimate(terms.mean().item(), (terms.std() / math.sqrt(len(terms))).item())


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _require_posteriors(mean: Tensor, std: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    _require_codes("mean", mean, labels, "labels")
    if std.shape != mean.shape:
        raise ValueError(f"`std` has shape {tuple(std.shape)}, but `mean` has {tuple(mean.shape)}: give each its own")
    if not bool((std > 0).all()) or not all_finite(std):
        raise ValueError("`std` has a deviation that is not finite and above 0: give it a floor")
    return mean.detach().flatten(1), std.detach().flatten(1)


def _require_codes(name: str, codes: Tensor, labels: Tensor, their_name: str) -> None:
    if codes.ndim < 2 or len(codes) != len(labels):
        raise ValueError(
            f"`{name}` has shape {tuple(codes.shape)} and `{their_name}` {tuple(labels.shape)}: pass codes (N, m) and "
            "labels (N,)"
        )
    if not all_finite(codes):
        raise ValueError(f"`{name}` has numbers that are not finite: leave these examples out")
    if len(labels) == 0 or bool((labels == labels[0]).all()):
        raise ValueError(f"`{their_name}` has one class only, about which nothing can be known: pass two or more")
