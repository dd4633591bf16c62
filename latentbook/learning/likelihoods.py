r"""How data lie around what a decoder says of them: the density that turns a reconstruction into nats.

A likelihood knows the shape of an example and which parameters it wants from a decoder for one. Its `log_prob` is
:math:`\log p(x \mid z)`, summed over an example's values, so that distortion and rate are of one unit: nats for each
example. What it has besides, as :math:`\sigma`, is in its state, and so is saved and loaded with the model.

Chapter 4.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from latentbook.learning.logistics import mixture_log_prob, mixture_mean, mixture_size
from latentbook.learning.options import require_choice, require_integer

__all__ = ["Bernoulli", "Gaussian", "LearnedGaussian", "Likelihood", "LogisticMixture", "likelihood"]

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
# Below this, the logarithm of a learned deviation is bent upwards.
LEAST_LOG_SIGMA = -6.0


class Likelihood(nn.Module):
    """What all likelihoods share: shapes and their checks.

    Args:
        event_shape: Shape of one example.

    Raises:
        ValueError: If the shape is empty or has a size below 1.

    Chapter 4.
    """

    # Whether data are levels in [0, 1].
    bounded = False

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)
        if not self.event_shape or min(self.event_shape) < 1:
            raise ValueError(f"`event_shape` is {self.event_shape}: give the sizes of one example, as in (1, 8, 8)")

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """Shape of what a decoder returns for one example."""
        return self.event_shape

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the mean data, ``(*batch, *event)``.

        Args:
            parameters: What the decoder returned, ``(*batch, *parameter_shape)``.

        Raises:
            ValueError: If its shape does not fit.
        """
        self._require_fit("parameters", parameters, self.parameter_shape)
        return self._mean(parameters)

    def log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        """Return the logarithm of the density, or of the probability, of data.

        Args:
            parameters: What the decoder returned, ``(*batch, *parameter_shape)``, or several for each example,
                ``(*samples, *batch, *parameter_shape)``.
            x: Data, ``(*batch, *event)``. On the CPU `check` looks at them. On a GPU that would wait for the device,
                and in a transform of torch.func there is nothing to look at: there, what is outside of [0, 1] and
                should not be has a probability of nan, by which a training stops.

        Returns:
            Nats for each example, summed over its values.

        Raises:
            ValueError: If a shape does not fit, or a value that was looked at has no probability.
        """
        batch = self._require_fit("parameters", parameters, self.parameter_shape)
        examples = self._require_fit("x", x, self.event_shape)
        if batch[max(len(batch) - len(examples), 0) :] != examples:
            found = f"`parameters` are for a batch of {tuple(batch)}, but `x` is one of {tuple(examples)}"
            raise ValueError(f"{found}: decode one code, or more, for each example")
        if self.bounded and not self._looked(x):
            x = torch.where((x >= 0) & (x <= 1), x, torch.nan)
        return self._log_prob(parameters, x)

    def check(self, x: Tensor) -> None:
        """Refuse data that have no probability; waits for the device.

        Args:
            x: Data, ``(*batch, *event)``.

        Raises:
            ValueError: If the shape does not fit, or a value is outside of what the likelihood is about.
        """
        self._require_fit("x", x, self.event_shape)
        low, high = (x.min().item(), x.max().item()) if x.numel() else (0.0, 0.0)
        if self.bounded and not 0 <= low <= high <= 1:
            found = f"`x` has values from {low:g} to {high:g}, but {type(self).__name__} is about levels in [0, 1]"
            raise ValueError(f"{found}: divide bytes by 255, or use a Gaussian")
        if not math.isfinite(low) or not math.isfinite(high):
            raise ValueError(f"`x` has values from {low:g} to {high:g}: give finite numbers")

    def _looked(self, x: Tensor) -> bool:
        """Check values where that waits for nothing; tell whether they were."""
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            # What vmap has batched cannot be looked at.
            with contextlib.suppress(RuntimeError):
                self.check(x)
                return True
        return False

    def _mean(self, parameters: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _sum(self, values: Tensor) -> Tensor:
        """Return what values of examples come to, one number each."""
        return values.flatten(-len(self.event_shape)).sum(-1)

    @staticmethod
    def _require_fit(name: str, value: Tensor, event: tuple[int, ...]) -> torch.Size:
        """Return the batch's shape, refusing what does not end in the event's."""
        batch = max(value.ndim - len(event), 0)
        if value.shape[batch:] != event:
            raise ValueError(f"`{name}` has shape {tuple(value.shape)}, but must end in {event}, as one example does")
        return value.shape[:batch]


class Gaussian(Likelihood):
    r"""Gaussian noise of one known standard deviation around the decoder's mean.

    .. math:: \log p(x \mid z) = -\frac{\lVert x - f(z) \rVert^2}{2 \sigma^2} - D \log \sigma - \frac{D}{2} \log 2 \pi

    For :math:`\sigma = 1/\sqrt{2}` the distortion is the sum of squares, but for a constant. Sigma is a buffer: a model
    that is loaded has the one that it was saved with, whatever it was made with.

    Args:
        event_shape: Shape of one example.
        sigma: Standard deviation, in data units, above 0.

    Raises:
        ValueError: If the shape is empty, or `sigma` is not positive and finite.

    Example:
        >>> Gaussian((2,), sigma=1.0).log_prob(torch.zeros(3, 2), torch.zeros(3, 2))
        tensor([-1.8379, -1.8379, -1.8379])

    Chapter 4.
    """

    _log_sigma: Tensor

    def __init__(self, event_shape: Sequence[int], sigma: float = math.sqrt(0.5)) -> None:
        super().__init__(event_shape)
        self.register_buffer("_log_sigma", _log_of("sigma", sigma))

    @property
    def log_sigma(self) -> Tensor:
        """Logarithm of the standard deviation."""
        return self._log_sigma

    @property
    def sigma(self) -> Tensor:
        """Standard deviation, in data units."""
        return self.log_sigma.exp()

    def _mean(self, parameters: Tensor) -> Tensor:
        return parameters

    def _log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        errors = (x - parameters) * (-self.log_sigma).exp()
        return -0.5 * self._sum(errors.square()) - math.prod(self.event_shape) * (self.log_sigma + HALF_LOG_TWO_PI)


class LearnedGaussian(Gaussian):
    r"""Gaussian noise of one learned standard deviation around the decoder's mean.

    With a free parameter :math:`\theta`, :math:`\log \sigma = -6 + \log(1 + e^{\theta + 6})`: nearly :math:`\theta`
    where that is large, and never below -6, where a few perfect values would make up for all others.

    Args:
        event_shape: Shape of one example.
        sigma: Where it starts, in data units, above :math:`e^{-6}`.

    Raises:
        ValueError: If the shape is empty, or `sigma` is not finite and above the floor.

    Reference:
        Rybkin, Daniilidis & Levine, *Simple and effective VAE training with calibrated decoders*, ICML 2021.

    Example:
        >>> LearnedGaussian((1, 8, 8), sigma=0.5).sigma.item()
        0.5

    Chapter 4.
    """

    def __init__(self, event_shape: Sequence[int], sigma: float = 1.0) -> None:
        Likelihood.__init__(self, event_shape)
        above = _log_of("sigma", sigma, least=math.exp(LEAST_LOG_SIGMA)) - LEAST_LOG_SIGMA
        # The inverse of softplus, which is itself plus a little.
        self.theta = nn.Parameter(LEAST_LOG_SIGMA + above + (-(-above).expm1()).log())

    @property
    def log_sigma(self) -> Tensor:
        """Logarithm of the standard deviation, at least -6."""
        return LEAST_LOG_SIGMA + softplus(self.theta - LEAST_LOG_SIGMA)


class Bernoulli(Likelihood):
    r"""Independent bits, whose logits the decoder returns.

    .. math:: \log p(x \mid z) = \sum_d x_d \log s(\ell_d) + (1 - x_d) \log s(-\ell_d)

    with :math:`s` the logistic function. Grey levels between 0 and 1 are taken too; then it is a cross-entropy, and
    no logarithm of a density.

    Args:
        event_shape: Shape of one example; its values are in [0, 1].

    Raises:
        ValueError: If the shape is empty.

    Example:
        >>> Bernoulli((4,)).log_prob(torch.zeros(4), torch.ones(4)).exp().item()
        0.0625

    Chapter 4.
    """

    bounded = True

    def _mean(self, parameters: Tensor) -> Tensor:
        return parameters.sigmoid()

    def _log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        return -self._sum(binary_cross_entropy_with_logits(parameters, x.expand_as(parameters), reduction="none"))


class LogisticMixture(Likelihood):
    """A mixture of logistic densities for each pixel, cut into the 256 levels of a byte.

    The formulas, and what a decoder returns, are in `latentbook.learning.logistics`: for three colours and ten
    components a hundred channels.

    Args:
        event_shape: Of an image, ``(C, *places)``, of levels in [0, 1]; they are rounded to the nearest of 256.
        components: How many densities are mixed, at least 1.

    Raises:
        ValueError: If the shape has no places, or `components` is below 1.

    Example:
        >>> LogisticMixture((3, 32, 32)).parameter_shape
        (100, 32, 32)

    Chapter 4.
    """

    bounded = True

    def __init__(self, event_shape: Sequence[int], components: int = 10) -> None:
        super().__init__(event_shape)
        require_integer("components", components, 1)
        if len(self.event_shape) < 2:
            raise ValueError(f"`event_shape` is {self.event_shape}: give the colours first, as in (3, 32, 32)")
        self.components = components

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """Shape of what a decoder returns for one example."""
        colours, *places = self.event_shape
        return (mixture_size(colours, self.components), *places)

    def _mean(self, parameters: Tensor) -> Tensor:
        return mixture_mean(parameters, self.event_shape[0], self.components, len(self.event_shape))

    def _log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        dims = len(self.event_shape)
        return mixture_log_prob(parameters, x, self.components, dims).flatten(1 - dims).sum(-1)


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "gaussian": Gaussian,
    "learned-gaussian": LearnedGaussian,
    "bernoulli": Bernoulli,
    "logistics": LogisticMixture,
}


def likelihood(name: str | Likelihood, event_shape: Sequence[int], **options: Any) -> Likelihood:
    """Return a likelihood by its name.

    Args:
        name: ``"gaussian"``, ``"learned-gaussian"``, ``"bernoulli"`` or ``"logistics"``; or a likelihood, which is
            returned, if it is of such examples.
        event_shape: Shape of one example.
        options: Of the likelihood: `sigma` of the first two, `components` of the last.

    Returns:
        The likelihood.

    Raises:
        ValueError: If the name is unknown, an option out of range, or the likelihood of other examples.

    Example:
        >>> likelihood("bernoulli", (1, 8, 8))
        Bernoulli()

    Chapter 4.
    """
    if isinstance(name, Likelihood):
        if name.event_shape != tuple(event_shape):
            found = f"`likelihood` is of examples of shape {name.event_shape}, but `event_shape` is"
            raise ValueError(f"{found} {tuple(event_shape)}: make both the same")
        return name
    require_choice("likelihood", name, LIKELIHOODS)
    return LIKELIHOODS[name](event_shape, **options)


def _log_of(name: str, value: float, least: float = 0.0) -> Tensor:
    if not least < value < math.inf:
        raise ValueError(f"`{name}` is {value}, but must be a finite number above {least:g}")
    return torch.tensor(math.log(value))
