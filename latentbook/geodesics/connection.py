r"""How vectors turn on the way: the connection of Levi-Civita, of a decoder's surface or of a metric.

A vector v that moves with velocity u stays parallel where :math:`v' = -\Gamma(u, v)`, and a geodesic's velocity stays
parallel to itself. On a decoder's surface that means that the data's velocity :math:`J v` does not turn within the
surface, only with it:

.. math:: J^\top J\; \Gamma(u, v) = J^\top\, d^2 f(u, v).

Of a metric,
:math:`G\, \Gamma(u, v) = \tfrac{1}{2} \left( dG(u)\, v + dG(v)\, u - \nabla \langle u, G v \rangle \right)`.
"""

from __future__ import annotations

import math
import warnings

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentbook.core import jvp
from latentbook.geodesics.lengths import Decoded, Measured, Space
from latentbook.metric import jacobian, pushforward
from latentbook.metric.forward import standing_still

__all__ = ["christoffel", "inner", "warn_of_drift"]

# Points that are differentiated at once: as many Jacobians are held.
CHUNK = 512


def christoffel(
    space: Space, z: Float[Tensor, "*batch m"], u: Float[Tensor, "*batch m"], v: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch m"]:
    r"""Return :math:`\Gamma(z)(u, v)`, Christoffel's symbols of the second kind with two vectors.

    It is symmetric in these. A direction that moves no data is given no part.

    Args:
        space: What measures, from `latentbook.geodesics.lengths.space_of`; twice differentiable, or once as a metric.
        z: Points, finite.
        u: A vector at each of them.
        v: Another.

    Returns:
        A vector at each of them; nan where the space has no metric.

    Raises:
        TypeError: If the decoder or the metric cannot be differentiated.
        ValueError: If it returns a wrong shape.

    Reference:
        do Carmo, *Riemannian geometry*, chapter 2.

    Example:
        On the half-plane, :math:`G = I / y^2`, all straight lines but the vertical ones bend up:

        >>> from latentbook.geodesics.lengths import space_of
        >>> space = space_of(None, lambda z: torch.eye(2) / z[:, 1, None, None] ** 2)
        >>> right = torch.tensor([1.0, 0.0])
        >>> -christoffel(space, torch.tensor([0.0, 2.0]), right, right)
        tensor([-0.0, -0.5])

    Chapter 3.
    """
    # Forward mode refuses points that share memory, as expanded ones do.
    points = [part.reshape(-1, z.shape[-1]).contiguous() for part in (z, u, v)]
    parts = zip(*(part.split(CHUNK) for part in points), strict=True)
    with torch.no_grad():
        both = (_of_metric(space, *p) if isinstance(space, Measured) else _of_decoder(space, *p) for p in parts)
        return torch.cat([_raised(*each) for each in both]).reshape(z.shape)


def inner(
    space: Space, z: Float[Tensor, "*batch m"], u: Float[Tensor, "*batch m"], v: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch"]:
    r"""Return the products :math:`\langle u, G(z)\, v \rangle` of vectors at points.

    Args:
        space: What measures.
        z: Points, finite.
        u: A vector at each of them.
        v: Another.

    Returns:
        One number for each point, in squared data units.

    Raises:
        TypeError: If the decoder cannot be differentiated.

    Example:
        >>> from latentbook.geodesics.lengths import space_of
        >>> inner(space_of(lambda z: 3 * z), torch.zeros(1), torch.ones(1), torch.ones(1))
        tensor(9.)

    Chapter 3.
    """
    with torch.no_grad():
        if isinstance(space, Measured):
            return torch.einsum("...i,...ij,...j->...", u, space(z), v)
        steps = pushforward(space.f, z, torch.stack([u, v]))[1]
        du, dv = steps.reshape(2, *z.shape[:-1], math.prod(steps.shape[z.ndim :]))
        return (du * dv).sum(-1)


def warn_of_drift(
    space: Space, z: tuple[Tensor, Tensor], v: tuple[Tensor, Tensor], alive: Bool[Tensor, "N"], tol: float
) -> None:
    """Warn where vectors that were carried along curves are not as long as they were.

    Args:
        space: What measures.
        z: Where they were and where they are, each ``(N, m)``.
        v: What they were and what they are.
        alive: Which of them have arrived.
        tol: The error of each step; a hundred of these are no drift.

    Example:
        >>> from latentbook.geodesics.lengths import space_of
        >>> z, turned = torch.zeros(1, 2), torch.tensor([[0.6, 0.8]])
        >>> warn_of_drift(space_of(torch.sin), (z, z), (torch.tensor([[1.0, 0.0]]), turned), z[:, 0] == 0, 1e-5)

    Chapter 3.
    """
    before, after = (inner(space, at[alive], of[alive], of[alive]).sqrt() for at, of in zip(z, v, strict=True))
    drift = torch.where(before > 0, (after / before.where(before > 0, 1) - 1).abs(), after)
    if len(drift) and bool((drift > 100 * tol).any()):
        warnings.warn(
            f"{int((drift > 100 * tol).sum())} of {len(alive)} vectors have changed their length on the way, by up to "
            f"{100 * drift.max().item():.2g} %: `f` or `metric` has corners that derivatives do not show, as "
            "rectifiers have, or `tol` is too large",
            stacklevel=3,
        )


def _of_decoder(space: Decoded, z: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return the metrics of points (N, m), and the symbols of the first kind with two vectors."""
    J = jacobian(space.f, z)
    with standing_still(space.f):
        try:
            second = jvp(lambda p: jvp(space.f, p, v)[1], z, u)[1].reshape(len(z), -1)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise TypeError(
                f"`f` cannot be differentiated twice ({error}): compute in torch, with other layers"
            ) from error
    # What is not finite may have derivatives all the same, as the logarithm of a negative number.
    J = J.where(space(z).isfinite().all(-1)[:, None, None], torch.nan)
    return J.mT @ J, (J.mT @ second[..., None]).squeeze(-1)


def _of_metric(space: Measured, z: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `_of_decoder` does, of a metric."""
    G, m = space(z), z.shape[-1]
    slopes = _slopes(space, z, G).reshape(len(z), m, m, m)
    along = torch.einsum("nijk,nk,nj->ni", slopes, u, v) + torch.einsum("nijk,nk,nj->ni", slopes, v, u)
    return G, (along - torch.einsum("nijk,ni,nj->nk", slopes, u, v)) / 2


def _slopes(space: Measured, z: Tensor, G: Tensor) -> Tensor:
    """Return the derivatives of a metric, the direction last."""
    try:
        return jacobian(space, z)
    except TypeError:
        # A metric that does not look at its points is not wrong.
        if not space(z + 0.1 * (1 + z.abs())).equal(G):
            raise
        return z.new_zeros(*G.shape, z.shape[-1])


def _raised(G: Tensor, covector: Tensor) -> Tensor:
    """Return the vectors that metrics take to covectors, nan where there is no metric."""
    # In units of what each latent does to the data, so that these do not matter.
    size = G.diagonal(dim1=-2, dim2=-1).sqrt()
    size = torch.where(size > 0, size, 1)
    unit = torch.eye(G.shape[-1], dtype=G.dtype, device=G.device)
    floor = 10 * torch.finfo(G.dtype).eps
    L, failed = torch.linalg.cholesky_ex(G / (size[..., :, None] * size[..., None, :]) + floor * unit)
    vector = torch.cholesky_solve((covector / size)[..., None], L).squeeze(-1) / size
    return torch.where((failed > 0)[..., None], torch.nan, vector)
