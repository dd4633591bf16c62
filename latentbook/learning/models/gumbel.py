r"""A category as a code, relaxed so that slopes reach its probabilities.

With logits :math:`\ell` and Gumbel noise :math:`g`, the largest of :math:`\ell + g` is a draw of the category, and
:math:`\mathrm{softmax}((\ell + g) / \tau)` is near its one-hot code for small :math:`\tau`. Divergences are those of
the categories, not of the relaxed codes, and so is every density here.

Reference: Jang, Gu & Poole, *Categorical reparameterization with Gumbel-softmax*, ICLR 2017; Maddison, Mnih & Teh,
*The concrete distribution*, ICLR 2017.

Chapter 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import OneHotCategorical, kl_divergence, register_kl  # noqa: F401  (doctests)

from latentbook.learning.models.vae import require_noise

__all__ = ["GumbelSoftmax", "gumbel_noise"]


class GumbelSoftmax(OneHotCategorical):
    """A belief about one of m categories, from which codes are drawn relaxed.

    Args:
        logits: ``(*batch, m)``, of any sum; the last dimension is the event.
        temperature: Of the softmax, above 0.
        hard: Whether samples are one-hot, with the slopes of the relaxed ones.

    Example:
        >>> belief = GumbelSoftmax(torch.tensor([0.7, 0.1, 0.1, 0.1]).log())
        >>> kl_divergence(belief, GumbelSoftmax(torch.zeros(4))).item()
        0.445846

    Chapter 4.
    """

    has_rsample = True

    def __init__(
        self, logits: Float[Tensor, "*batch m"], temperature: float | Tensor = 1.0, hard: bool = False
    ) -> None:
        self.temperature, self.hard = temperature, hard
        super().__init__(logits=logits, validate_args=False)

    @property
    def mode(self) -> Tensor:
        """The most probable category, one-hot."""
        return _one_hot(self.logits)

    def at(self, noise: Float[Tensor, "*samples m"]) -> Float[Tensor, "*samples m"]:
        """Return the sample that Gumbel noise stands for.

        Args:
            noise: From `gumbel_noise`, one number for each category, ``(*batch, m)``, or more in front.

        Returns:
            Codes that sum to 1; gradients reach the logits.

        Raises:
            ValueError: If a shape does not fit.

        Chapter 4.
        """
        require_noise(noise, self.logits.shape, "categories")
        heights = self.logits + noise
        soft = (heights / self.temperature).softmax(-1)
        return _one_hot(heights) + (soft - soft.detach()) if self.hard else soft

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Return relaxed samples, or one-hot ones where `hard` says so."""
        return self.at(gumbel_noise((*sample_shape, *self.logits.shape), self.logits))

    def log_prob(self, value: Float[Tensor, "*samples m"]) -> Float[Tensor, "*samples"]:
        """Return the logarithm of a one-hot code's probability, in nats."""
        return (value * self.logits).sum(-1)


@register_kl(GumbelSoftmax, GumbelSoftmax)
def _divergence(p: GumbelSoftmax, q: GumbelSoftmax) -> Tensor:
    # Logits of these classes are normalised, and so logarithms of probabilities.
    return (p.logits.exp() * (p.logits - q.logits)).sum(-1)


def gumbel_noise(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw standard Gumbel numbers, minus the logarithm of exponential ones.

    Args:
        shape: Of the result.
        like: A tensor of the dtype and device that is wanted.
        generator: Source of randomness; by default the global one.

    Returns:
        The numbers.

    Example:
        >>> gumbel_noise((5, 3), torch.zeros(1)).shape
        torch.Size([5, 3])

    Chapter 4.
    """
    waits = like.new_empty(shape).exponential_(generator=generator)
    return -waits.clamp_min(torch.finfo(like.dtype).tiny).log()


def _one_hot(heights: Tensor) -> Tensor:
    return torch.zeros_like(heights).scatter(-1, heights.argmax(-1, keepdim=True), 1.0)
