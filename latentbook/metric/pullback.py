r"""The pull-back metric, with any metric of the data and of the latents, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from latentbook.core import all_finite
from latentbook.metric.forward import Decoder, graph_if, pushforward, require_points

__all__ = [
    "Metric",
    "covectors",
    "log_volume",
    "orthonormal_frame",
    "pullback_metric",
    "require_metrics",
    "speed",
    "stack_moments",
]

# From points (N, *event) to symmetric positive definite matrices (N, D, D), or one (D, D) for all of them.
Metric = Callable[[Tensor], Tensor]

# Points that are decoded at once where no graph is kept: more of them take fresh memory, and are slower for it.
CHUNK = 500


def pullback_metric(
    f: Decoder,
    z: Float[Tensor, "*batch m"],
    *,
    data_metric: Metric | None = None,
    latent_metric: Metric | None = None,
    chunk: int | None = None,
    create_graph: bool = False,
) -> Float[Tensor, "*batch m m"]:
    r"""Return the pull-back metric :math:`G(z) = J(z)^\top H_X(f(z))\, J(z)` at every point.

    With a latent metric it is written in a frame that is orthonormal for that metric: with
    :math:`G_Z = L L^\top` (Cholesky),

    .. math:: G(z) = L(z)^{-1} J(z)^\top H_X(f(z))\, J(z)\, L(z)^{-\top}.

    It is symmetric and has the eigenvalues of :math:`J^\top H_X J\, G_Z^{-1}`. Those do not depend on the coordinates:
    under :math:`z = P w`, where :math:`G_Z` becomes :math:`P^\top G_Z P`, the matrix is turned and nothing else.
    To draw ellipses in the coordinates of `z`, leave the latent metric out.

    By default no graph is kept, so that looking at thousands of points costs little memory. A loss needs
    ``create_graph=True``; so does `torch.func.grad`, which without it would see a constant.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``.
        z: Latent points.
        data_metric: :math:`H_X`, a callable from data ``(N, *event)`` to symmetric matrices ``(N, D, D)``, or to one
            ``(D, D)``; None for the identity. A diagonal one is cheaper as a feature map: :math:`\mathrm{diag}(1/x)`,
            the Fisher information of Poisson rates, is the composition with :math:`2\sqrt{x}`.
        latent_metric: :math:`G_Z`, a callable from points ``(N, m)`` to symmetric positive definite matrices
            ``(N, m, m)``, or to one ``(m, m)``; None for the identity. Where it is not positive definite, G is nan.
        chunk: Points that are decoded at once, at least 1. By default 500 without a graph, and all of them with one. A
            callable that holds something for each point needs all of them: ``chunk=z[..., 0].numel()``.
        create_graph: Whether gradients shall flow back to `z` and the parameters of `f`.

    Returns:
        One symmetric positive semi-definite ``(m, m)`` matrix for each point, in squared data units per squared
        latent unit.

    Raises:
        TypeError: If `f` cannot be differentiated, `z` or `f(z)` is no floating point tensor, or a metric is not
            callable.
        ValueError: If a shape does not fit, `chunk` is below 1, or, without a graph, a point is not finite.

    Reference:
        Shao, Kumar & Fletcher, *The Riemannian geometry of deep generative models*, CVPR workshops 2018; with both
        metrics: Lee, Yoon, Son & Park, *Regularized autoencoders for isometric representation learning*, ICLR 2022.

    Example:
        The plane, rolled into a cylinder of radius 2, is stretched only around the axis:

        >>> def cylinder(z):
        ...     return torch.stack([2 * z[..., 0].cos(), 2 * z[..., 0].sin(), z[..., 1]], -1)
        >>> pullback_metric(cylinder, torch.tensor([0.0, 7.0]))
        tensor([[4., 0.],
                [0., 1.]])

        Seen through a feature map that looks at the first coordinate alone, it is flat there:

        >>> pullback_metric(lambda z: cylinder(z)[..., :1], torch.tensor([0.0, 7.0]))
        tensor([[0., 0.],
                [0., 0.]])

    Chapters 2 and 3.
    """
    require_points(z)
    points = z.reshape(-1, z.shape[-1])
    if chunk is None:
        chunk = max(1, len(points)) if create_graph else CHUNK
    if chunk < 1:
        raise ValueError(f"`chunk` is {chunk}, but at least one point is decoded at once: pass 1 or more")
    with graph_if(create_graph):
        parts = [_metric_at(f, part, data_metric, latent_metric, create_graph) for part in points.split(chunk)]
        return torch.cat(parts).reshape(*z.shape, z.shape[-1])


def speed(
    f: Decoder,
    z: Float[Tensor, "*batch m"],
    dz: Float[Tensor, "*batch m"],
    *,
    data_metric: Metric | None = None,
    create_graph: bool = False,
) -> Float[Tensor, "*batch"]:
    r"""Return how fast the data move when the latents do: :math:`\sqrt{dz^\top G(z)\, dz} = \lVert J(z)\, dz \rVert`.

    It takes one pass forward, and no matrix is formed. Integrated along a curve it is the curve's length.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``.
        z: Latent points.
        dz: Their velocities.
        data_metric: :math:`H_X`, as in `pullback_metric`; None for the identity.
        create_graph: Whether gradients shall flow back to `z`, `dz` and the parameters of `f`.

    Returns:
        One speed for each point, in data units per unit of time.

    Raises:
        TypeError: If `f` cannot be differentiated, `z` or `f(z)` is no floating point tensor, or `data_metric` is not
            callable.
        ValueError: If a shape does not fit, or, without a graph, a point is not finite.

    Example:
        On the unit sphere by latitude and longitude, a step to the east is shorter further north:

        >>> def sphere(z):
        ...     latitude, longitude = z.unbind(-1)
        ...     x, y = latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin()
        ...     return torch.stack([x, y, latitude.sin()], -1)
        >>> speed(sphere, torch.tensor([[0.0, 0.0], [math.pi / 3, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
        tensor([1.0, 0.5])

    Chapters 2 and 3.
    """
    require_points(z)
    if dz.shape != z.shape:
        raise ValueError(
            f"`dz` has shape {tuple(dz.shape)} for `z` of shape {tuple(z.shape)}: give each point one step"
        )
    points = z.reshape(-1, z.shape[-1])
    with graph_if(create_graph):
        x, dx = pushforward(f, points, dz.reshape(1, *points.shape), create_graph=create_graph)
        products = dx * covectors(x, dx, data_metric)
        squared = products.reshape(*z.shape[:-1], math.prod(x.shape[1:])).sum(-1)
        # A root has no slope at 0; the speed is taken to have slope 0 there.
        still = squared <= 0
        return torch.where(still, 0, torch.where(still, 1, squared).sqrt())


def log_volume(G: Float[Tensor, "*batch m m"]) -> Float[Tensor, "*batch"]:
    r"""Return the logarithm of how much a decoder magnifies volumes: :math:`\tfrac{1}{2} \log \det G(z)`.

    Args:
        G: Metrics, from `pullback_metric`.

    Returns:
        One number for each point, in nats; -inf where the metric has no inverse.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices.

    Reference:
        Bishop, Svensén & Williams, *Magnification factors for the GTM algorithm*, ICANN 1997.

    Example:
        >>> log_volume(torch.diag(torch.tensor([4.0, 9.0]))).exp()
        tensor(6.)

    Chapter 2.
    """
    require_metrics(G)
    return torch.linalg.slogdet(G).logabsdet / 2


def stack_moments(mean: Float[Tensor, "..."], std: Float[Tensor, "..."]) -> Float[Tensor, "... 2"]:
    r"""Return the mean and the standard deviation of a stochastic decoder as one point of a larger data space.

    Its pull-back metric is :math:`J_\mu^\top J_\mu + J_\sigma^\top J_\sigma`, the expected metric of the random surface
    :math:`\mu(z) + \sigma(z) \odot \epsilon`, :math:`\epsilon \sim \mathcal{N}(0, I)`.

    Args:
        mean: :math:`\mu(z)`, ``(*batch, *event)``.
        std: :math:`\sigma(z)`, of that shape, or of one that broadcasts with it.

    Returns:
        Both, side by side in a new last dimension.

    Raises:
        ValueError: If the shapes do not broadcast.

    Reference:
        Arvanitidis, Hansen & Hauberg, *Latent space oddity*, ICLR 2018, theorem 1.

    Example:
        >>> def decoder(z):
        ...     return z, 1 + z**2
        >>> pullback_metric(lambda z: stack_moments(*decoder(z)), torch.tensor([3.0]))
        tensor([[37.]])

    Chapters 2 and 3.
    """
    try:
        return torch.stack(torch.broadcast_tensors(mean, std), -1)
    except RuntimeError as error:
        raise ValueError(
            f"`std` has shape {tuple(std.shape)} and `mean` {tuple(mean.shape)}: give each value of the mean one"
        ) from error


def require_metrics(G: Tensor, *, finite: bool = False) -> None:
    """Refuse what is no batch of metrics.

    Args:
        G: What was given.
        finite: Whether to look at the values: no check for a training step, where the host would wait for a GPU.

    Raises:
        TypeError: If it is not floating point.
        ValueError: If it does not hold square matrices, or they shall be finite and are not.

    Chapter 2.
    """
    if G.ndim < 2 or G.shape[-1] != G.shape[-2]:
        raise ValueError(f"`G` has shape {tuple(G.shape)}, but metrics are (..., m, m): pass `pullback_metric(f, z)`")
    if not G.is_floating_point():
        raise TypeError(f"`G` must be floating point, but it is {G.dtype}: pass `.float()`")
    if finite and not all_finite(G):
        raise ValueError("`G` has entries that are not finite: look at the decoder and its points")


def orthonormal_frame(z: Float[Tensor, "N m"], latent_metric: Metric | None) -> Float[Tensor, "m N m"]:
    r"""Return steps :math:`e_1, \dots, e_m` at every point with :math:`e_i^\top G_Z(z)\, e_j = \delta_{ij}`.

    Args:
        z: Latent points.
        latent_metric: :math:`G_Z`, as in `pullback_metric`; None for the identity.

    Returns:
        The columns of :math:`L^{-\top}`, where :math:`G_Z = L L^\top`; nan where that is not positive definite.

    Raises:
        TypeError: If `latent_metric` is not callable.
        ValueError: If it returns another shape.

    Example:
        >>> orthonormal_frame(torch.zeros(1, 2), lambda z: torch.diag(torch.tensor([4.0, 1.0])))
        tensor([[[0.5, 0.0]],
        <BLANKLINE>
                [[0.0, 1.0]]])

    Chapter 2.
    """
    identity = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    if latent_metric is None:
        return identity[:, None].expand(-1, *z.shape)
    # Unlike `cholesky`, it does not make the host wait for a GPU.
    L, failed = torch.linalg.cholesky_ex(_matrices("latent_metric", latent_metric, z, z.shape[-1]))
    L = torch.where(failed[..., None, None] > 0, torch.nan, L)
    columns = torch.linalg.solve_triangular(L.mT, identity.expand_as(L), upper=True)
    return columns.expand(len(z), -1, -1).permute(2, 0, 1)


def covectors(x: Float[Tensor, "N *event"], dx: Tensor, data_metric: Metric | None) -> Tensor:
    r"""Return steps in data space times the metric there, :math:`H_X(x)\, dx`.

    Args:
        x: Data.
        dx: Steps, ``(directions, N, *event)``: for each of the data several.
        data_metric: :math:`H_X`, as in `pullback_metric`; None for the identity, which gives the steps back.

    Returns:
        What a scalar product with another step needs, of the shape of `dx`.

    Raises:
        TypeError: If `data_metric` is not callable.
        ValueError: If it returns another shape.

    Example:
        >>> covectors(torch.zeros(1, 2), torch.ones(1, 1, 2), lambda x: torch.diag(torch.tensor([4.0, 1.0])))
        tensor([[[4., 1.]]])

    Chapter 2.
    """
    if data_metric is None:
        return dx
    size = math.prod(x.shape[1:])
    rows = dx.reshape(*dx.shape[:2], size).transpose(0, 1)
    # A row, since the metric is symmetric.
    return (rows @ _matrices("data_metric", data_metric, x, size)).transpose(0, 1).reshape(dx.shape)


def _metric_at(
    f: Decoder, z: Tensor, data_metric: Metric | None, latent_metric: Metric | None, create_graph: bool
) -> Tensor:
    """Return the metrics of points (N, m), from what an orthonormal frame becomes in data space."""
    x, dx = pushforward(f, z, orthonormal_frame(z, latent_metric), create_graph=create_graph)
    flat = (*dx.shape[:2], math.prod(x.shape[1:]))
    rows, columns = dx.reshape(flat).transpose(0, 1), covectors(x, dx, data_metric).reshape(flat).permute(1, 2, 0)
    return rows @ columns


def _matrices(name: str, metric: Metric, points: Tensor, size: int) -> Tensor:
    """Return a metric's matrices at points: one for each, or one for all."""
    if not callable(metric):
        raise TypeError(f"`{name}` is {metric!r}, but must be a callable from points to matrices, or None")
    H = metric(points)
    expected = [(len(points), size, size), (size, size)]
    if not isinstance(H, Tensor) or H.shape not in expected:
        received = tuple(H.shape) if isinstance(H, Tensor) else type(H).__name__
        raise ValueError(
            f"`{name}` returns {received} for points of shape {tuple(points.shape)}: "
            f"return matrices of shape {expected[0]}, or one for all of them, {expected[1]}"
        )
    return H
