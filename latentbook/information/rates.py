r"""Rates of codes, and means over all examples.

The rate of a code is what it costs to send it by the prior: :math:`R = \mathbb{E}_x\, \mathrm{KL}(q(z \mid x) \,\|\,
p(z))`, in nats. In a hierarchy each layer has its own, :math:`R(z_l \mid z_{>l})`, with the prior and the posterior
both given what is above. The mean is over examples: one over batches gives those of a smaller last batch more weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.information.bounds import entropy_of

__all__ = ["Mean", "active_units", "categorical_rate", "gaussian_rate", "means"]


class Mean(NamedTuple):
    """A mean over examples.

    Attributes:
        value: The mean, in double precision.
        error: Its standard error; nan for one example.
        count: The number of examples.
    """

    value: Tensor
    error: Tensor
    count: int


def gaussian_rate(
    mean: Float[Tensor, "*batch m"],
    std: Float[Tensor, "*batch m"],
    prior_mean: Float[Tensor, "*prior m"] | float = 0.0,
    prior_std: Float[Tensor, "*prior m"] | float = 1.0,
) -> Float[Tensor, "*batch"]:
    r"""Return the divergence of a Gaussian from another, both with independent dimensions.

    .. math:: \sum_i \ln \frac{t_i}{s_i} + \frac{s_i^2 + (\mu_i - \nu_i)^2}{2 t_i^2} - \frac{1}{2}

    Args:
        mean: :math:`\mu`, of the posterior.
        std: Its standard deviation s, above 0.
        prior_mean: :math:`\nu`, of the prior.
        prior_std: Its standard deviation t, above 0.

    Returns:
        Nats; infinite where a deviation of the posterior is 0, nan where one is negative.

    Example:
        >>> gaussian_rate(torch.tensor([1.0]), torch.tensor([2.0]))
        tensor(1.3069)

    Chapter 4.
    """
    ratio, distance = std / prior_std, (mean - prior_mean) / prior_std
    # r² - 1 as a product, which keeps its digits where both are nearly the same.
    narrowing = (ratio - 1) * (ratio + 1) - 2 * ratio.log()
    return (narrowing + distance.square()).sum(-1) / 2


def categorical_rate(
    logits: Float[Tensor, "*batch K"], prior_logits: Float[Tensor, "*prior K"] | None = None
) -> Float[Tensor, "*batch"]:
    r"""Return the divergence of a categorical distribution from another, :math:`\sum_k q_k \ln (q_k / p_k)`.

    Args:
        logits: Of the posterior, up to a constant.
        prior_logits: Of the prior; None where all are equally probable.

    Returns:
        Nats, for a uniform prior from 0 to :math:`\ln K`.

    Example:
        >>> categorical_rate(torch.tensor([0.7, 0.1, 0.1, 0.1]).log())
        tensor(0.4458)

    Chapter 4.
    """
    log_q = logits.log_softmax(-1)
    if prior_logits is None:
        return math.log(logits.shape[-1]) - entropy_of(log_q.exp())
    log_p = prior_logits.log_softmax(-1)
    q = log_q.exp()
    return torch.where(q > 0, q * (log_q - log_p), 0).sum(-1)


def active_units(codes: Float[Tensor, "N m"], least: float = 0.01) -> Bool[Tensor, "m"]:
    r"""Return which coordinates of mean codes change with the data.

    .. math:: \mathrm{Var}_x\, \mathbb{E}_{q(z \mid x)}[z_i] > a

    Args:
        codes: Means of the posteriors of N examples, at least two; on a sphere they are inside of it.
        least: The variance a from which a coordinate counts, at least 0; the usual one.

    Returns:
        Whether each coordinate is active.

    Raises:
        ValueError: If there are fewer than two codes, or `least` is negative or not finite.

    Reference:
        Burda, Grosse & Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.

    Example:
        >>> active_units(torch.tensor([[1.0, 0.00, 5.0], [-1.0, 0.01, 5.0]]))
        tensor([ True, False, False])

    Chapter 5.
    """
    if len(codes) < 2:
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}: a variance needs two codes or more")
    if not 0 <= least < math.inf:
        raise ValueError(f"`least` is {least}, but must be finite and at least 0")
    return codes.var(0) > least


def means(batches: Iterable[Mapping[str, Float[Tensor, "..."]]]) -> dict[str, Mean]:
    """Return the means over all examples of named terms that come batch by batch.

    Args:
        batches: Terms of some examples each, ``(B,)`` or with more dimensions behind; the batches may differ in size.

    Returns:
        Of each term the mean over examples, its standard error, and how many they are.

    Raises:
        ValueError: If there are no examples, or batches have other terms than the first.

    Example:
        The mean of batch means would be 2:

        >>> found = means([{"rate": torch.tensor([1.0, 1.0, 1.0])}, {"rate": torch.tensor([3.0])}])
        >>> found["rate"].value, found["rate"].count
        (tensor(1.5000, dtype=torch.float64), 4)

    Chapter 4.
    """
    parts: dict[str, list[Tensor]] = {}
    for number, batch in enumerate(batches):
        if number and batch.keys() != parts.keys():
            raise ValueError(f"batch {number} has the terms {sorted(batch)}, but the first has {sorted(parts)}")
        for name, values in batch.items():
            parts.setdefault(name, []).append(values.detach().double())
    if not parts or not sum(len(values) for values in next(iter(parts.values()))):
        raise ValueError("`batches` has no examples: pass at least one")
    return {name: _mean(torch.cat(values)) for name, values in parts.items()}


def _mean(values: Tensor) -> Mean:
    error = values.std(0) / math.sqrt(len(values)) if len(values) > 1 else torch.full_like(values[0], torch.nan)
    return Mean(values.mean(0), error, len(values))
