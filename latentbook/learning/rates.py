r"""Weights of rates: one :math:`\beta` for each layer, a warm-up, free bits, a target, the heat of a relaxed code.

The objective of a hierarchy is :math:`D + \sum_l \beta_l R_l`. Its terms come unweighted from the model; what is here
makes the weights that `latentbook.learning.train.fit` takes, of them and of models with one rate.

Chapters 4 and 5.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import torch  # noqa: F401  (doctests)
from torch import Tensor

from latentbook.learning.options import require_integer
from latentbook.learning.train import Weight

__all__ = ["free_bits", "rate_weights", "require_weight", "temperature", "towards", "warm_up"]


def rate_weights(betas: Sequence[float | Tensor], steps: int = 0) -> dict[str, Weight]:
    r"""Return the weights of a hierarchy's terms.

    Args:
        betas: :math:`\beta_1, \dots, \beta_L`, of the layer next to the data first; each a finite number of at least 0,
            or a tensor of them, one for each member of a family.
        steps: Of a warm-up of all rates; 0 for none.

    Returns:
        A weight for ``"distortion"``, which is 1, and for each of ``"rate_1"`` to ``"rate_L"``.

    Raises:
        ValueError: If there are fewer than two layers, or a weight is negative or not finite.

    Example:
        >>> rate_weights([1.0, 0.1])
        {'distortion': 1.0, 'rate_1': 1.0, 'rate_2': 0.1}

    Chapter 4.
    """
    if len(betas) < 2:
        raise ValueError(f"`betas` is {list(betas)}, but a hierarchy has at least two layers: give each one weight")
    for layer, beta in enumerate(betas, 1):
        require_weight(f"betas[{layer - 1}]", beta)
    require_integer("steps", steps, 0)
    own = {f"rate_{layer}": warm_up(steps, beta) if steps else beta for layer, beta in enumerate(betas, 1)}
    return {"distortion": 1.0, **own}


def warm_up(steps: int, weight: float | Tensor = 1.0, frozen: int = 0) -> Callable[[int], float | Tensor]:
    """Return a weight that grows over the first steps, as a function of the step.

    At the first step that is not frozen it is one part of `steps`, not 0: without any rate, a step would train an
    autoencoder.

    Args:
        steps: In which it becomes whole, at least 1.
        weight: The whole, at least 0.
        frozen: Steps before that in which it is 0.

    Returns:
        ``weight * min(1, (step + 1 - frozen) / steps)`` or 0, to be given the step, from 0.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> [warm_up(4)(step) for step in (0, 1, 3, 100)]
        [0.25, 0.5, 1.0, 1.0]

    Chapters 4 and 5.
    """
    require_integer("steps", steps, 1)
    require_weight("weight", weight)
    require_integer("frozen", frozen, 0)
    return functools.partial(_grown, steps, weight, frozen)


def towards(terms: Mapping[str, Tensor], nats: float) -> dict[str, Tensor]:
    r"""Return terms in which the rate counts by its distance from a target.

    .. math:: R \leftarrow |R - C|

    The training then seeks a rate of C, and not the least one; what it notes is the distance. The published code takes
    the distance of the *weighted* rate, and so seeks C divided by the weight: more while it warms up.

    Args:
        terms: From a model's `terms`; all besides ``"rate"`` stay.
        nats: The target C, at least 0, for each example; at 0 nothing changes.

    Returns:
        New terms.

    Raises:
        ValueError: If the target is out of range.

    Reference:
        Burgess et al., *Understanding disentangling in beta-VAE*, 2018 (arXiv 1804.03599).

    Example:
        >>> towards({"distortion": torch.ones(()), "rate": torch.tensor(3.0)}, 5.0)
        {'distortion': tensor(1.), 'rate': tensor(2.)}

    Chapter 5.
    """
    require_weight("nats", nats)
    return {name: (term - nats).abs() if name == "rate" else term for name, term in terms.items()}


def free_bits(terms: Mapping[str, Tensor], nats: float | Sequence[float]) -> dict[str, Tensor]:
    r"""Return terms in which a layer's rate counts as no less than what it has for free.

    .. math:: R_l \leftarrow \max(R_l, \lambda_l)

    Of the mean over the batch, a layer at a time: below its :math:`\lambda_l` a rate has no slope, and nothing draws
    the layer's posterior to its prior. What a training with it notes is the larger of both.

    Args:
        terms: From a hierarchy's `terms`; all besides ``"rate_1"``, ``"rate_2"``, ... stay.
        nats: What every layer has for free, at least 0, or one number for each, of the layer next to the data first.

    Returns:
        New terms.

    Raises:
        ValueError: If a number is out of range, or there is not one for each rate.

    Reference:
        Kingma et al., *Improving variational inference with inverse autoregressive flow*, NIPS 2016.

    Example:
        >>> free_bits({"distortion": torch.ones(()), "rate_1": torch.zeros(())}, 0.5)
        {'distortion': tensor(1.), 'rate_1': tensor(0.5000)}

    Chapter 4.
    """
    layers = sum(name.startswith("rate_") for name in terms)
    free = [nats] * layers if isinstance(nats, int | float) else list(nats)
    if len(free) != layers:
        raise ValueError(f"`nats` has {len(free)} numbers for {layers} rates: give each its own, or one for all")
    for own in free:
        require_weight("nats", own)
    least = {f"rate_{layer}": own for layer, own in enumerate(free, 1)}
    return {name: term.clamp_min(least[name]) if name in least else term for name, term in terms.items()}


def temperature(epoch: float, rate: float = 0.007, least: float = 0.4) -> float:
    """Return the temperature of a relaxed category, which falls as the training goes on.

    Args:
        epoch: Passes over the data so far, at least 0; may be a fraction.
        rate: How fast it falls, per epoch, at least 0.
        least: Where it stays, above 0.

    Returns:
        ``max(exp(-rate * epoch), least)``.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> temperature(0), temperature(1000)
        (1.0, 0.4)

    Chapter 4.
    """
    require_weight("epoch", epoch)
    require_weight("rate", rate)
    if not 0 < least < math.inf:
        raise ValueError(f"`least` is {least}, but must be a finite number above 0")
    return max(math.exp(-rate * epoch), least)


def require_weight(name: str, value: float | Tensor) -> None:
    """Refuse a weight that is negative or not finite.

    Args:
        name: The argument, for the message.
        value: A number, or a tensor of them, which is looked at.

    Raises:
        ValueError: If one is out of range.

    Chapter 4.
    """
    # Of a number no tensor is made: training asks at every step.
    fine = (value >= 0) & (value < math.inf)
    if not (fine.all() if isinstance(fine, Tensor) else fine):
        raise ValueError(f"`{name}` is {value}, but must be finite and at least 0")


def _grown(steps: int, weight: float | Tensor, frozen: int, step: int) -> float | Tensor:
    return weight * min(1.0, max(0, step + 1 - frozen) / steps)
