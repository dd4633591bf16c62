r"""The linear case of Least Volume in closed form: which dimensions live, how wide, and when all of them die.

Notation: data in :math:`\mathbb{R}^D` with principal standard deviations :math:`p_1 \ge \dots \ge p_m`, a free linear
encoder to m latents, a linear decoder whose spectral norm is at most :math:`K`, and the objective

.. math:: J = \frac{1}{D}\,\mathrm{E}\lVert x - \hat x \rVert^2
    + \lambda \Bigl(\prod_{i=1}^m (\sigma_i + \eta)\Bigr)^{1/m} .

**Principal components are optimal.** Let :math:`s_i` be the singular values of the map from whitened data to the
reconstruction. By von Neumann's trace inequality the error is at least :math:`\sum_i (p_i - s_i)^2 / D`. The latent
variances are the diagonal of a matrix whose eigenvalues are at least :math:`s_i^2 / K^2`; a diagonal is majorised by
the eigenvalues, and :math:`\log(\sqrt{v} + \eta)` is concave, so that the volume is at least that of the
:math:`s_i / K`. Codes along the principal axes, decoded with gain :math:`K`, attain both. What is left is one width for
each dimension:

.. math:: J(\sigma) = \frac{1}{D} \sum_i (p_i - K \sigma_i)^2 + \lambda \Bigl(\prod_i (\sigma_i + \eta)\Bigr)^{1/m} .

In the units :math:`K z` this is the case :math:`K = 1` with :math:`\lambda / K` and :math:`K \eta`.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["check_case", "linear_loss", "linear_optimum", "principal_std"]

# A bracket shrinks by 2/3 a step in the one, by 1/2 in the other: to 5e-6 of itself, where a coarse answer does, and
# to the last bits.
TERNARY_STEPS = 30
BISECTION_STEPS = 50


def principal_std(x: Float[Tensor, "N *event"], latent_dim: int | None = None) -> Float[Tensor, " m"]:
    r"""Return the largest principal standard deviations of data, unbiased, widest first.

    They are the singular values of the centred data over :math:`\sqrt{N - 1}`.

    Args:
        x: Data, at least two examples.
        latent_dim: How many, at least 1; zeros stand for those that the data do not have. None for all D.

    Returns:
        The standard deviations, in data units.

    Raises:
        ValueError: If there are fewer than two examples, or `latent_dim` is below 1.

    Example:
        >>> principal_std(torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 0.0]]))
        tensor([3., 0.])

    Chapter 1.
    """
    flat = x.reshape(len(x), -1)
    if len(flat) < 2:
        raise ValueError(f"`x` has shape {tuple(x.shape)}, but a standard deviation needs two examples: pass more data")
    size = flat.shape[1] if latent_dim is None else latent_dim
    if size < 1:
        raise ValueError(f"`latent_dim` is {latent_dim}, but a code has at least one dimension: pass 1 or more")
    found = torch.linalg.svdvals(flat - flat.mean(0))[:size] / math.sqrt(len(flat) - 1)
    return torch.cat([found, found.new_zeros(size - len(found))])


def linear_loss(
    std: Float[Tensor, "*batch m"],
    p: Float[Tensor, " m"],
    lam: float,
    eta: float = 1.0,
    data_dim: int | None = None,
    *,
    lipschitz: float = 1.0,
) -> Float[Tensor, "*batch"]:
    r"""Return the objective of the linear case for codes along the principal axes.

    .. math:: J(\sigma) = \frac{1}{D} \sum_i (p_i - K \sigma_i)^2 + \lambda \Bigl(\prod_i (\sigma_i + \eta)\Bigr)^{1/m}

    Args:
        std: Latent widths :math:`\sigma_i`, at least 0, in latent units.
        p: Principal standard deviations of the data, one for each latent dimension, in data units. What the data hold
            beyond them adds its variance over D, whatever the widths.
        lam: Weight of the volume, at least 0.
        eta: Lift, at least 0, in latent units.
        data_dim: D, values in an example, at least 1; None for m.
        lipschitz: K, bound and gain of the decoder, above 0.

    Returns:
        The loss for each set of widths, in squared data units.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> linear_loss(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 1.0]), lam=2.0)
        tensor(7.)

    Chapter 1.
    """
    data_dim = check_case(p, lam, eta, data_dim, lipschitz)
    error = (p - lipschitz * std).square().sum(-1) / data_dim
    return error + lam * (std + eta).log().mean(-1).exp()


def linear_optimum(
    p: Float[Tensor, " m"],
    lam: float,
    eta: float = 1.0,
    data_dim: int | None = None,
    *,
    lipschitz: float = 1.0,
) -> Float[Tensor, " m"]:
    r"""Return the latent widths of the best linear autoencoder: the global minimum of `linear_loss`.

    With :math:`K = 1` a dimension that lives satisfies

    .. math:: (p_i - \sigma_i)(\sigma_i + \eta) = \frac{D}{m} \frac{\lambda G}{2},
        \qquad G = \Bigl(\prod_i (\sigma_i + \eta)\Bigr)^{1/m},

    and the others are zero. The widest components live, by the rearrangement inequality. Of the two roots the wider
    one holds, save perhaps for the narrowest of the living: the Hessian is a diagonal plus a matrix of rank one, and
    has at most one negative entry on its diagonal at a minimum. For every number of living dimensions that leaves one
    equation in the width of the narrowest, which has at most one solution that is a minimum; the losses decide.

    With :math:`\eta = 0` one dead dimension makes the volume zero, and then nothing pushes the others: the result keeps
    them at :math:`p_i / K`, but every rotation among them is as good.

    Args:
        p: Principal standard deviations of the data, one for each latent dimension, in any order, at least 0, in data
            units. More latents than data dimensions: pad with zeros, as `principal_std` does.
        lam: Weight of the volume against a mean over all D values, at least 0.
        eta: Lift, at least 0, in latent units.
        data_dim: D, values in an example, at least 1; None for m.
        lipschitz: K, bound of the decoder, above 0, in data units per latent unit.

    Returns:
        The widths, in the order of `p`, in latent units. Time grows like :math:`m^2`.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Chen & Fuge 2024 prove that principal components are the linear case; the closed form is this book's.

    Example:
        >>> linear_optimum(torch.tensor([2.0, 1.0, 0.5, 0.1]), lam=0.3)
        tensor([1.916, 0.869, 0.313, 0.000])

    Chapter 1.
    """
    data_dim = check_case(p, lam, eta, data_dim, lipschitz)
    widest, order = p.double().sort(descending=True)
    # Codes in the units K z: the decoder's gain is 1.
    lam, eta = lam / lipschitz, lipschitz * eta
    candidates = _candidates(widest + eta, lam * data_dim / (2 * len(p)), eta)
    best = candidates[linear_loss(candidates, widest, lam, eta, data_dim).argmin()]
    return torch.empty_like(best).scatter_(0, order, best / lipschitz).to(p.dtype)


def _candidates(lifted: Tensor, strength: float, eta: float) -> Tensor:
    r"""Return widths ``(m + 1, m)``: for k = 1 to m the stationary point that keeps the k widest, then none at all.

    Args:
        lifted: :math:`p_i + \eta`, widest first.
        strength: Half of :math:`\lambda D / m`: a living dimension has slack ``strength * G``.
        eta: Lift.
    """
    narrowest = _narrowest_living(lifted, strength, eta)
    slack = narrowest * (lifted - narrowest)
    wider = _wider_root(lifted, slack[:, None]).tril(-1)
    living = wider + narrowest.diag() - eta * torch.ones_like(wider).tril()
    # Where no stationary point keeps k dimensions, the row repeats the collapse.
    living = torch.where(narrowest[:, None].isnan(), 0.0, living.clamp_min(0))
    return torch.cat([living, torch.zeros_like(living[:1])])


def _narrowest_living(lifted: Tensor, strength: float, eta: float) -> Tensor:
    """Return, for k = 1 to m, the lifted width of the k-th if the k widest live; nan where they cannot.

    Its excess is concave up to half of ``lifted`` and falls from there on, and the loss has its minimum where the
    excess crosses zero from above. Below ``(m - 1) / (2 m - 1)`` of ``lifted`` the Hessian has no minimum.
    """
    m = len(lifted)
    low = (lifted * (m - 1) / (2 * m - 1)).clamp_min(max(eta, 1e-12 * float(lifted[0])))
    high = torch.maximum(low, lifted / 2)
    for _ in range(TERNARY_STEPS):
        third = (high - low) / 3
        rises = _excess(low + third, lifted, strength, eta) < _excess(high - third, lifted, strength, eta)
        low, high = torch.where(rises, low + third, low), torch.where(rises, high, high - third)
    # From the summit's left, so that a crossing right at the lower end is not missed.
    high = lifted
    lives = _excess(low, lifted, strength, eta) > 0
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        above = _excess(middle, lifted, strength, eta) > 0
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return torch.where(lives, low, torch.nan)


def _excess(narrowest: Tensor, lifted: Tensor, strength: float, eta: float) -> Tensor:
    r"""Return log of the slack :math:`(p_k - \sigma_k)(\sigma_k + \eta)` over the stationary one, for every k."""
    m = len(lifted)
    slack = narrowest * (lifted - narrowest)
    wider = _wider_root(lifted, slack[:, None]).log().tril(-1).sum(1)
    dead = torch.arange(m - 1, -1, -1, dtype=lifted.dtype, device=lifted.device)
    # xlogy takes 0 log 0 for 0: no dead dimension and no lift.
    log_volume = (wider + narrowest.log() + torch.xlogy(dead, lifted.new_tensor(eta))) / m
    return slack.log() - lifted.new_tensor(strength).log() - log_volume


def _wider_root(lifted: Tensor, slack: Tensor) -> Tensor:
    """Return the larger u with ``(lifted - u) u = slack``."""
    return (lifted + (lifted.square() - 4 * slack).clamp_min(0).sqrt()) / 2


def check_case(p: Float[Tensor, " m"], lam: float, eta: float, data_dim: int | None, lipschitz: float) -> int:
    """Look at the arguments that describe a linear case, and return the data's dimension.

    Args:
        p: Principal standard deviations, at least one, each 0 or more.
        lam: Weight, at least 0.
        eta: Lift, at least 0.
        data_dim: Values in an example, at least 1, or None for as many as `p` has.
        lipschitz: Bound of the decoder, above 0.

    Returns:
        The data's dimension.

    Raises:
        ValueError: If one of them is out of range.

    Chapter 1.
    """
    if len(p) == 0 or not bool((p >= 0).all()):
        raise ValueError(f"`p` is {p.tolist()}, but holds standard deviations: pass at least one, each 0 or more")
    if not lam >= 0:
        raise ValueError(f"`lam` is {lam}, but a penalty is not a reward: pass 0 or more")
    if not eta >= 0:
        raise ValueError(f"`eta` is {eta}, but a width cannot be lifted below zero: pass 0 or more")
    if not lipschitz > 0:
        raise ValueError(f"`lipschitz` is {lipschitz}, but a decoder has a slope: pass a number above 0")
    size = len(p) if data_dim is None else data_dim
    if size < 1:
        raise ValueError(f"`data_dim` is {data_dim}, but an example has at least one value: pass 1 or more")
    return size
