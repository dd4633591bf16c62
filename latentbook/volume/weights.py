"""The weight of the volume penalty: where all dimensions die, and which one keeps as many as are wanted.

Both follow from the closed form of `latentbook.volume.linear`, whose letters are used here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch  # noqa: F401  (doctests)
from jaxtyping import Float
from torch import Tensor

from latentbook.volume.linear import check_case, linear_optimum

__all__ = ["choose_lambda", "collapse_lambda"]

# A bracket shrinks by half at every step, to 1e-12 of the weight of collapse.
STEPS = 40
# Two weights that differ by less are the same.
SAME = 1e-12


def collapse_lambda(
    p: Float[Tensor, " m"], eta: float = 1.0, data_dim: int | None = None, *, lipschitz: float = 1.0
) -> float:
    r"""Return the weight from which on total collapse, all widths zero, has the lowest loss of all linear autoencoders.

    .. math:: \lambda_c = \sup_{\sigma \ne 0}
        \frac{\frac{1}{D} \sum_i K \sigma_i (2 p_i - K \sigma_i)}{\bigl(\prod_i (\sigma_i + \eta)\bigr)^{1/m} - \eta},

    what widths save over what they cost: `linear_optimum` is zero above :math:`\lambda_c` and not below. It is at least
    :math:`\lambda_s = 2 K p_{\max} m / D`, the limit for small widths, from which on collapse is stable: between the
    two, a training that starts with narrow codes stays collapsed, although wider ones would do better. Both are equal
    where the lift is as large as :math:`p_{\max} / K` or larger, or :math:`m = 1`.

    Args:
        p: Principal standard deviations of the data, one for each latent dimension, at least 0, in data units.
        eta: Lift, at least 0, in latent units. At 0, with two dimensions or more, nothing collapses: a single dead one
            makes the volume zero.
        data_dim: D, values in an example, at least 1; None for m.
        lipschitz: K, bound of the decoder, above 0. A decoder that stays below its bound, as with LeakyReLU between
            layers of norm 1, collapses earlier: pass the slope that it reaches.

    Returns:
        The weight; infinity where there is no collapse.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> round(collapse_lambda(torch.tensor([2.0, 1.0, 0.5, 0.25])), 3)
        4.103

    Chapter 1.
    """
    data_dim = check_case(p, 0.0, eta, data_dim, lipschitz)
    stable = 2 * lipschitz * float(p.max()) * len(p) / data_dim
    if len(p) == 1 or stable == 0:
        return stable
    if eta == 0:
        return math.inf
    return _largest_ratio(p.double(), stable, eta, data_dim, lipschitz)


def choose_lambda(
    p: Float[Tensor, " m"],
    *,
    dimensions: int | None = None,
    error: float | None = None,
    eta: float = 1.0,
    data_dim: int | None = None,
    lipschitz: float = 1.0,
) -> float:
    r"""Return the weight for which the best linear autoencoder keeps so many dimensions, or has so large an error.

    Along `linear_optimum`, as :math:`\lambda` grows, the error never falls and the number of living dimensions never
    rises, so that both can be bracketed. For `dimensions` it is the middle of the interval of weights that keep exactly
    so many (where the optimum jumps over the number: the largest weight that keeps at least as many); for `error` the
    largest weight whose error :math:`\frac{1}{D} \sum_i (p_i - K \sigma_i)^2` is within it.

    For other autoencoders it is a first guess from above. It takes the data to lie along flat axes, where a curved set
    needs fewer dimensions; it takes the decoder to reach its bound, where layers of norm 1 with LeakyReLU between them
    stay below it (pass the slope that they reach as `lipschitz`); and it counts every dimension with a width, where the
    rule of 1 % leaves out the least. All three lower the weight that is needed: on the digits of chapter 1 to a tenth
    or a fifth of that for :math:`K = 1`, to a half or a third of that for :math:`K = 0.36`, the slope that follows from
    the weight at which its network collapses.

    Args:
        p: Principal standard deviations of the data, one for each latent dimension, in data units: `principal_std`.
        dimensions: Wanted number of living dimensions, 1 to the number of positive `p`.
        error: Tolerated squared error, a mean over all D values, above 0 and below that of total collapse.
        eta: Lift, above 0, in latent units.
        data_dim: D, values in an example, at least 1; None for m.
        lipschitz: K, slope of the decoder, above 0.

    Returns:
        The weight of `volume_penalty` against a mean squared error over all values.

    Raises:
        ValueError: If an argument is out of range, or not exactly one of `dimensions` and `error` is given.

    Example:
        >>> p = torch.tensor([2.0, 1.0, 0.5, 0.25])
        >>> linear_optimum(p, choose_lambda(p, dimensions=2)).count_nonzero()
        tensor(2)

    Chapter 1.
    """
    size = check_case(p, 0.0, eta, data_dim, lipschitz)
    if eta == 0:
        raise ValueError("`eta` is 0, where one dead dimension silences the penalty: pass a lift above 0")
    highest = collapse_lambda(p, eta, size, lipschitz=lipschitz)

    def optimum(lam: float) -> Tensor:
        return linear_optimum(p.double(), lam, eta, size, lipschitz=lipschitz)

    def squared_error(lam: float) -> float:
        return float((p - lipschitz * optimum(lam)).square().sum()) / size

    if dimensions is not None and error is None:
        return _lambda_for_dimensions(dimensions, int(p.count_nonzero()), optimum, highest)
    if error is not None and dimensions is None:
        variance = float(p.double().square().sum()) / size
        if not 0 < error < variance:
            raise ValueError(f"`error` is {error}, but collapse costs {variance:g}: pass a number in (0, {variance:g})")
        return _largest(lambda lam: squared_error(lam) <= error, highest)
    raise ValueError(f"`dimensions` is {dimensions} and `error` is {error}: pass one of the two")


def _lambda_for_dimensions(wanted: int, available: int, optimum: Callable[[float], Tensor], highest: float) -> float:
    """Return the middle of the weights that keep so many dimensions."""
    if not 1 <= wanted <= available:
        raise ValueError(f"`dimensions` is {wanted}, but the data have {available}: pass 1 to {available}")

    def largest_that_keeps(count: int) -> float:
        return _largest(lambda lam: int(optimum(lam).count_nonzero()) >= count, highest)

    one_more = largest_that_keeps(wanted + 1) if wanted < available else 0.0
    return (one_more + largest_that_keeps(wanted)) / 2


def _largest_ratio(p: Tensor, stable: float, eta: float, data_dim: int, lipschitz: float) -> float:
    """Climb from the weight where collapse becomes stable to the one where it becomes best, by Dinkelbach's method."""
    lam = stable
    while True:
        std = linear_optimum(p, lam, eta, data_dim, lipschitz=lipschitz)
        if not std.any():
            return lam
        saved = (lipschitz * std * (2 * p - lipschitz * std)).sum() / data_dim
        # G - eta without cancellation, for widths far below the lift.
        cost = eta * (std / eta).log1p().mean().expm1()
        better = float(saved / cost)
        if better <= lam * (1 + SAME):
            return lam
        lam = better


def _largest(holds: Callable[[float], bool], high: float) -> float:
    """Return the largest number below `high` for which a condition holds that holds up to there and not beyond."""
    low = 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
