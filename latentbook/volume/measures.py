r"""Measures of what latent dimensions are worth: prune some, decode, and look at the error.

Data are encoded once, by the caller, and decoded in chunks, so that memory stays bounded whatever their number. Put a
model into eval mode first: a layer that changes with every call, such as spectral normalisation in train mode, would be
measured while it moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.volume.penalties import latent_std

__all__ = [
    "explained_reconstruction",
    "importance_correlation",
    "latent_set_dimension",
    "pruning_bound",
    "pruning_curve",
    "reconstruction_error",
]

Decoder = Callable[[Tensor], Tensor]

# A code that explains less of the error than this counts as collapsed; also the rule of 1 %.
NEGLIGIBLE = 0.01


def reconstruction_error(x: Float[Tensor, "N *event"], y: Float[Tensor, "N *event"]) -> Float[Tensor, ""]:
    r"""Return the mean distance :math:`\frac{1}{N} \sum_n \lVert x_n - y_n \rVert_2` between data and reconstructions.

    Args:
        x: Data.
        y: Reconstructions.

    Returns:
        The mean L2 norm of an example's residual, in data units.

    Example:
        >>> reconstruction_error(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.zeros(2, 2))
        tensor(2.5)

    Chapter 1.
    """
    return _distances(x, y).mean()


@torch.no_grad()
def pruning_curve(
    decode: Decoder,
    x: Float[Tensor, "N *event"],
    z: Float[Tensor, "N m"],
    *,
    mean: Float[Tensor, " m"] | None = None,
    std: Float[Tensor, " m"] | None = None,
    chunk: int = 100,
) -> Float[Tensor, " m+1"]:
    r"""Return the reconstruction error after the k narrowest dimensions are fixed to their means, for k = 0 to m.

    .. math:: E_k = \frac{1}{N} \sum_n \lVert x_n - g(z_n^{(k)}) \rVert_2

    Args:
        decode: Decoder, ``(N, m)`` to ``(N, *event)``.
        x: Data.
        z: Their codes.
        mean: Means to fix pruned dimensions to; by default those of `z`. Pass the training set's for held-out data.
        std: Widths that rank the dimensions; by default those of `z`.
        chunk: Examples that are decoded at once, at least 1.

    Returns:
        Mean L2 errors, from the whole code (first) to no code at all (last), in data units.

    Raises:
        ValueError: If `x` and `z` differ in length, `chunk` is below 1, or `decode` returns another shape.

    Reference:
        Chen & Fuge 2024, section 4.

    Example:
        >>> codes = torch.tensor([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
        >>> pruning_curve(lambda z: z, codes, codes)
        tensor([0.000, 1.000, 2.236])

    Chapter 1.
    """
    mean = z.mean(0) if mean is None else mean
    std = latent_std(z) if std is None else std
    narrowest_first = std.argsort(stable=True)
    sums = []
    for examples, codes in _chunks(x, z, chunk):
        pruned, errors = codes.clone(), [_distances(examples, _decoded(decode, codes, examples)).sum()]
        for dimension in narrowest_first:
            pruned[:, dimension] = mean[dimension]
            errors.append(_distances(examples, _decoded(decode, pruned, examples)).sum())
        sums.append(torch.stack(errors))
    return torch.stack(sums).sum(0) / len(x)


def pruning_bound(std: Float[Tensor, " m"], lipschitz: float | Tensor = 1.0) -> Float[Tensor, " m+1"]:
    r"""Return the most that pruning the k narrowest dimensions can add to the reconstruction error, for k = 0 to m.

    .. math:: E_k - E_0 \le K \Bigl(\sum_{i \in P_k} \sigma_i^2\Bigr)^{1/2}

    It holds for every decoder with Lipschitz constant :math:`K`, for means and widths of the very data on which
    :math:`E` is measured, and not only for the narrowest dimensions: any pruned set costs at most the root of its
    variances.

    Args:
        std: Widths of the latent dimensions, in any order.
        lipschitz: :math:`K`, in data units per latent unit, at least 0.

    Returns:
        Bounds in data units, 0 first; compare with ``curve - curve[0]`` of `pruning_curve`.

    Raises:
        ValueError: If `lipschitz` is a negative number.

    Reference:
        Chen & Fuge 2024, section 3.

    Example:
        >>> pruning_bound(torch.tensor([4.0, 3.0]))
        tensor([0., 3., 5.])

    Chapter 1.
    """
    if not isinstance(lipschitz, Tensor) and not lipschitz >= 0:
        raise ValueError(f"`lipschitz` is {lipschitz}, but a Lipschitz constant is a slope: pass 0 or more")
    variances = std.sort().values.square()
    return lipschitz * torch.cat([variances.new_zeros(1), variances.cumsum(0).sqrt()])


def latent_set_dimension(curve: Float[Tensor, " pruned"], threshold: float = NEGLIGIBLE) -> int:
    r"""Return how many dimensions a code needs: the number of prunings that cost at least 1 % of what it explains.

    With :math:`E_k` the error after pruning the k narrowest dimensions, it counts the :math:`k \ge 1` with
    :math:`E_k - E_0 \ge 0.01\,(E_m - E_0)`. A code that has collapsed explains nothing, so that every ratio is noise;
    it counts as 0.

    Args:
        curve: Errors :math:`E_0, \dots, E_m`, from `pruning_curve`.
        threshold: The fraction that matters, above 0 and at most 1; also the fraction of :math:`E_m` that a code must
            explain not to count as collapsed.

    Returns:
        The number of dimensions, 0 for a collapsed code.

    Raises:
        ValueError: If `threshold` is outside (0, 1], or `curve` holds nan.

    Reference:
        The 1 % rule of Chen & Fuge 2024; the rule for collapsed codes is this book's.

    Example:
        >>> latent_set_dimension(torch.tensor([1.0, 1.001, 1.5, 3.0]))
        2

    Chapter 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(
            f"`threshold` is {threshold}, but it is a fraction of the explained error: pass a number in (0, 1]"
        )
    if curve.isnan().any():
        raise ValueError("`curve` holds nan: the decoder returned no numbers; look at its training")
    if _has_collapsed(curve[0], curve[-1], threshold):
        return 0
    return int((curve[1:] - curve[0] >= threshold * (curve[-1] - curve[0])).sum())


@torch.no_grad()
def explained_reconstruction(
    decode: Decoder,
    x: Float[Tensor, "N *event"],
    z: Float[Tensor, "N m"],
    *,
    mean: Float[Tensor, " m"] | None = None,
    loss: str = "l2",
    chunk: int = 100,
) -> Float[Tensor, " m"]:
    r"""Return the share of the reconstruction that is lost with each latent dimension alone.

    .. math::

        R_i = \frac{\max(0,\, L(z_i \leftarrow \bar z_i) - L_0)}{L(z \leftarrow \bar z) - L_0}

    where :math:`L_0` is the loss of the whole code. The shares add up to 1 only where the decoder treats the
    dimensions apart and the loss is additive, as principal components do with squared errors.

    Args:
        decode: Decoder, ``(N, m)`` to ``(N, *event)``.
        x: Data.
        z: Their codes.
        mean: Means to fix a dimension to; by default those of `z`. Pass the training set's for held-out data.
        loss: ``"l2"``, the mean distance, or ``"mse"``, the mean squared error.
        chunk: Examples that are decoded at once, at least 1.

    Returns:
        One share for each dimension; **nan for all of them where the code has collapsed**, which is where it explains
        less than 1 % of the loss that is left without it.

    Raises:
        ValueError: If `loss` is unknown, `x` and `z` differ in length, `chunk` is below 1, or `decode` returns another
            shape.

    Reference:
        Chen & Fuge 2024, section 5.

    Example:
        >>> codes = torch.tensor([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
        >>> explained_reconstruction(lambda z: z, codes, codes, loss="mse")
        tensor([0.80, 0.20])

    Chapter 1.
    """
    if loss not in LOSSES:
        raise ValueError(f"`loss` is {loss!r}, but must be one of {sorted(LOSSES)}")
    compare, mean = LOSSES[loss], z.mean(0) if mean is None else mean
    sums = []
    for examples, codes in _chunks(x, z, chunk):
        losses = [
            compare(examples, _decoded(decode, variant, examples)).sum() for variant in _each_pruned_alone(codes, mean)
        ]
        sums.append(torch.stack(losses))
    whole, nothing, *alone = (torch.stack(sums).sum(0) / len(x)).unbind()
    shares = (torch.stack(alone) - whole).clamp_min(0) / (nothing - whole)
    return torch.where(_has_collapsed(whole, nothing, NEGLIGIBLE), torch.nan, shares)


def importance_correlation(std: Float[Tensor, " m"], explained: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    r"""Return Pearson's correlation between the widths of latent dimensions and what they explain.

    .. math:: \rho = \frac{\sum_i (\sigma_i - \bar \sigma)(R_i - \bar R)}
        {\bigl(\sum_i (\sigma_i - \bar \sigma)^2\bigr)^{1/2} \bigl(\sum_i (R_i - \bar R)^2\bigr)^{1/2}}

    Args:
        std: Widths, from `latent_std`.
        explained: Shares, from `explained_reconstruction` of the same model.

    Returns:
        A number in [-1, 1]; nan where it has no meaning, for a collapsed code and where all entries are equal.

    Raises:
        ValueError: If the two differ in length, or have fewer than two entries.

    Reference:
        Chen & Fuge 2024, section 5.

    Example:
        >>> importance_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.1, 0.2, 0.3]))
        tensor(1.)

    Chapter 1.
    """
    if std.shape != explained.shape or std.ndim != 1 or len(std) < 2:
        raise ValueError(
            f"`std` has shape {tuple(std.shape)} and `explained` {tuple(explained.shape)}, but a correlation needs one "
            "entry of each for at least two latent dimensions: take both from one model"
        )
    a, b = std - std.mean(), explained - explained.mean()
    # Rounding leaves a little where all entries are equal, and a correlation of that would be noise.
    varies = (std.max() > std.min()) & (explained.max() > explained.min())
    return torch.where(varies, (a @ b / (a.norm() * b.norm())).clamp(-1, 1), torch.nan)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).reshape(len(x), -1).norm(dim=1)


def _squared_errors(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).reshape(len(x), -1).square().mean(1)


LOSSES = {"l2": _distances, "mse": _squared_errors}


def _chunks(x: Tensor, z: Tensor, chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
    if chunk < 1:
        raise ValueError(f"`chunk` is {chunk}, but at least one example is decoded at once: pass 1 or more")
    if len(x) != len(z):
        raise ValueError(f"`x` has {len(x)} examples and `z` has {len(z)} codes: pass the codes of these data")
    return zip(x.split(chunk), z.split(chunk), strict=True)


def _decoded(decode: Decoder, codes: Tensor, examples: Tensor) -> Tensor:
    decoded = decode(codes)
    # Other shapes may broadcast against the data, and give a number that means nothing.
    if decoded.shape != examples.shape:
        raise ValueError(
            f"`decode` returns shape {tuple(decoded.shape)} for data `x` of shape {tuple(examples.shape)}: reshape one"
        )
    return decoded


def _each_pruned_alone(codes: Tensor, mean: Tensor) -> Iterator[Tensor]:
    """Yield the whole codes, no code at all, and then the codes with each dimension at its mean."""
    yield codes
    yield mean.expand_as(codes)
    for dimension in range(len(mean)):
        pruned = codes.clone()
        pruned[:, dimension] = mean[dimension]
        yield pruned


def _has_collapsed(whole: Tensor, nothing: Tensor, threshold: float) -> Tensor:
    """Say whether the code explains next to nothing; where data equal their mean, there is nothing to explain."""
    return (nothing - whole < threshold * nothing) | (nothing <= whole)
