r"""The relaxed distortion measure: zero above its floor where, and only where, a decoder is a scaled isometry.

Exact traces of :math:`G` have no noise. Else probes :math:`v` with :math:`\mathbb{E}\, v v^\top = I` stand for them:
:math:`\mathbb{E}\, v^\top G v = \mathrm{Tr}\, G` and :math:`\mathbb{E} \lVert G v \rVert^2 = \mathrm{Tr}\, G^2`. Those
of length :math:`\sqrt{m}` keep the estimate at its floor or above: by Cauchy and Schwarz
:math:`\lVert G v \rVert^2 \ge (v^\top G v)^2 / m`.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vjp

from latentbook.metric import (
    Decoder,
    Metric,
    covectors,
    orthonormal_frame,
    pullback_metric,
    pushforward,
    require_metrics,
    require_points,
)

__all__ = ["metric_distortion", "mix_latents", "relaxed_distortion", "scaled_isometry_penalty"]

# Up to so many latents the exact traces cost as much as one probe, and have no noise.
EXACT = 3
# Probes, of all points together, below which "auto" draws more for each point: a ratio of two noisy means is biased.
FEWEST = 16

FORMS = ("ratio", "affine", "conformal")


def relaxed_distortion(
    f: Decoder,
    z: Float[Tensor, "*batch m"],
    *,
    probes: int | str = "auto",
    probe: str | Float[Tensor, "... m"] = "sphere",
    eta: float | Tensor | None = 0.2,
    form: str = "ratio",
    detach: bool = False,
    generator: torch.Generator | None = None,
    noise: Float[Tensor, "*batch 2"] | None = None,
    data_metric: Metric | None = None,
    latent_metric: Metric | None = None,
) -> Float[Tensor, ""]:
    r"""Return the relaxed distortion of a decoder, a loss that is lowest where it is an isometry up to one scale.

    .. math:: F = \frac{\mathbb{E}_z \mathrm{Tr}\, H(z)^2}{(\mathbb{E}_z \mathrm{Tr}\, H(z))^2} \ge \frac{1}{m},
        \qquad H = J^\top H_X J\, G_Z^{-1}

    It equals :math:`1/m` exactly where :math:`H(z) = c I` at almost all points. It depends neither on the scale of `f`
    nor on the coordinates, if the latent metric changes with them. Both means are over all points and probes together,
    so that small batches give a noisy value and no infinite one.

    Exact traces take m passes forward, all at once; a probe takes one and its way back. Gradients flow to the
    parameters of `f` and to `z`. Inside `torch.func.vmap` that allows no random numbers, as in a family, pass `noise`,
    and with probes a tensor as `probe`.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; any callable. Modules and their methods count as in eval mode.
        z: Latent points; samples, not means, where the encoder is stochastic.
        probes: ``"exact"``, a number of random probes for each point, at least 1, or ``"auto"``: exact for
            m <= 3, else one probe for each point, and more where there are fewer than 16 points.
        probe: ``"sphere"``, uniform of length :math:`\sqrt{m}`, without noise at an isometry; ``"rademacher"``, random
            signs, of that length too, but tied to the axes; ``"gaussian"``, whose estimate at an isometry has the mean
            :math:`N / (m N - 2)` for N probes; or the probes themselves, ``(*probes, *batch, m)``, in the frame that
            is orthonormal for the latent metric.
        eta: How far beyond the points to look, by `mix_latents`, at least 0; None to stay at the points.
        form: ``"ratio"``, :math:`F`; ``"affine"``, :math:`m F - 1`, whose floor is 0; or ``"conformal"``,
            :math:`\mathbb{E}_z[\mathrm{Tr}\, H^2 / (\mathrm{Tr}\, H)^2]`, which is :math:`1/m` where
            :math:`H(z) = c(z) I`. Points with :math:`H(z) = 0` have no such ratio and are left out of the last.
        detach: Whether to keep gradients from `z`, that is, from the encoder.
        generator: Of the random numbers, on the device of `z`; by default torch's own.
        noise: Two uniform numbers in [0, 1) for each point, for `mix_latents`; by default drawn.
        data_metric: :math:`H_X`, as in `pullback_metric`; None for the identity.
        latent_metric: :math:`G_Z`, as in `pullback_metric`; None for the identity.

    Returns:
        The distortion, without unit; nan where the decoder is constant, or a point is not finite.

    Raises:
        TypeError: If `f` cannot be differentiated, or `z` or `f(z)` is no floating point tensor.
        ValueError: If a choice is unknown, a number out of range, a shape does not fit, or there is no point.

    Reference:
        Lee, Yoon, Son & Park, *Regularized autoencoders for isometric representation learning*, ICLR 2022.

    Example:
        A linear map that stretches one axis three times as much as the other, :math:`(81 + 1) / (9 + 1)^2`:

        >>> relaxed_distortion(lambda z: z * torch.tensor([3.0, 1.0]), torch.zeros(5, 2))
        tensor(0.82)

    Chapter 2.
    """
    _require_form(form)
    require_points(z)
    if z.numel() == 0:
        raise ValueError(f"`z` has shape {tuple(z.shape)}, but a mean needs at least one point")
    directions = _directions(probes, probe, z, generator)
    points = z.detach() if detach else z
    if eta is not None:
        points = mix_latents(points, eta, generator, noise=noise)
    if directions is None:
        G = pullback_metric(f, points, data_metric=data_metric, latent_metric=latent_metric, create_graph=True)
        return metric_distortion(G, form=form)
    trace, images = _probed(f, points.reshape(-1, z.shape[-1]), directions, data_metric, latent_metric)
    return _distortion(trace, images, z.shape[-1], form)


def metric_distortion(G: Float[Tensor, "*batch m m"], *, form: str = "ratio") -> Float[Tensor, ""]:
    r"""Return the relaxed distortion of metrics that are known already, with exact traces.

    .. math:: F = \frac{\mathbb{E}\, \mathrm{Tr}\, G^2}{(\mathbb{E}\, \mathrm{Tr}\, G)^2}

    Args:
        G: Metrics, from `latentbook.metric.pullback_metric`.
        form: ``"ratio"``, ``"affine"`` or ``"conformal"``, as in `relaxed_distortion`.

    Returns:
        The distortion, without unit; nan where all metrics are zero.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices, or `form` is unknown.

    Example:
        >>> metric_distortion(torch.tensor([[[1.0, 0.0], [0.0, 4.0]], [[3.0, 0.0], [0.0, 2.0]]]))
        tensor(0.6)

    Chapter 2.
    """
    require_metrics(G)
    _require_form(form)
    trace = G.diagonal(dim1=-2, dim2=-1).sum(-1)
    return _distortion(trace.flatten(), G.reshape(trace.numel(), -1), G.shape[-1], form)


def scaled_isometry_penalty(G: Float[Tensor, "*batch m m"]) -> Float[Tensor, ""]:
    r"""Return how far metrics are from one multiple of the identity: the penalty of flat manifold autoencoders.

    .. math:: \mathbb{E} \lVert G - c I \rVert_F^2, \qquad c = \frac{1}{m}\, \mathbb{E}\, \mathrm{Tr}\, G

    It is the relaxed distortion times a scale, :math:`(\mathbb{E}\, \mathrm{Tr}\, G)^2\, (F - 1/m)`. So it falls also
    when the decoder shrinks, which says nothing about isometry, and which the distortion cannot gain from.

    Args:
        G: Metrics, from `latentbook.metric.pullback_metric`; for training with ``create_graph=True``, at points from
            `mix_latents`.

    Returns:
        The penalty, in data units to the fourth per latent unit to the fourth.

    Raises:
        TypeError: If `G` is not floating point.
        ValueError: If `G` does not hold square matrices.

    Reference:
        Chen, Klushyn, Ferroni, Bayer & van der Smagt, *Learning flat latent manifolds with VAEs*, ICML 2020.

    Example:
        >>> scaled_isometry_penalty(torch.tensor([[[1.0, 0.0], [0.0, 4.0]], [[3.0, 0.0], [0.0, 2.0]]]))
        tensor(2.5)

    Chapter 2.
    """
    require_metrics(G)
    c = G.diagonal(dim1=-2, dim2=-1).mean()
    identity = torch.eye(G.shape[-1], dtype=G.dtype, device=G.device)
    return (G - c * identity).square().sum((-2, -1)).mean()


def mix_latents(
    z: Float[Tensor, "*batch m"],
    eta: float | Tensor = 0.2,
    generator: torch.Generator | None = None,
    *,
    noise: Float[Tensor, "*batch 2"] | None = None,
) -> Float[Tensor, "*batch m"]:
    r"""Return points on the lines through random pairs of points: between them, and a little beyond.

    .. math:: \alpha z_n + (1 - \alpha)\, z_{\pi(n)}, \qquad \alpha \sim \mathrm{U}(-\eta, 1 + \eta),

    with a random permutation :math:`\pi` of the batch, all leading dimensions together.

    Args:
        z: Points. A single one is given back.
        eta: How far beyond, at least 0, as a fraction of the distance; a tensor is taken unchecked.
        generator: Of the random numbers, on the device of `z`; by default torch's own.
        noise: Two uniform numbers in [0, 1) for each point, instead of drawing them: the first places it on its line,
            the second ranks the partners.

    Returns:
        As many points.

    Raises:
        ValueError: If `eta` is a negative number, or not finite, or `noise` does not fit.

    Reference:
        Chen, Klushyn, Ferroni, Bayer & van der Smagt 2020; after Zhang, Cissé, Dauphin & Lopez-Paz, *mixup*, ICLR 2018.

    Example:
        >>> mix_latents(torch.tensor([[0.0], [1.0]]), 0.5, noise=torch.tensor([[0.0, 0.9], [0.75, 0.1]]))
        tensor([[1.5],
                [1.0]])

    Chapter 2.
    """
    if not isinstance(eta, Tensor) and not 0 <= eta < math.inf:
        raise ValueError(f"`eta` is {eta}, but must be a finite number of at least 0, or None for no mixing")
    require_points(z)
    points = z.reshape(-1, z.shape[-1])
    if len(points) < 2:
        return z
    if noise is None:
        noise = torch.rand(*z.shape[:-1], 2, dtype=z.dtype, device=z.device, generator=generator)
    if noise.shape != (*z.shape[:-1], 2):
        raise ValueError(
            f"`noise` has shape {tuple(noise.shape)}, but needs two numbers for each point, {(*z.shape[:-1], 2)}"
        )
    place, rank = noise.reshape(-1, 2).unbind(-1)
    alpha = (1 + 2 * eta) * place[:, None] - eta
    partners = points[rank.argsort()]
    return (alpha * points + (1 - alpha) * partners).reshape(z.shape)


def _distortion(trace: Tensor, images: Tensor, m: int, form: str) -> Tensor:
    """Return the distortion from each point's trace, and from numbers whose squares sum to the trace of its square."""
    if form == "conformal":
        # Not `> 0`, which would pass over nan.
        alive = trace != 0
        ratio = (images / torch.where(alive, trace, 1)[:, None]).square().sum(-1)
        return torch.where(alive, ratio, 0).sum() / alive.sum()
    # Divided before they are squared, so that a tiny metric does not vanish.
    ratio = (images / trace.mean()).square().sum(-1).mean()
    return m * ratio - 1 if form == "affine" else ratio


def _probed(
    f: Decoder, z: Tensor, probes: Tensor, data_metric: Metric | None, latent_metric: Metric | None
) -> tuple[Tensor, Tensor]:
    """Return estimates for points (N, m) from probes (P, N, m): traces, and images whose squares sum to Tr G²."""
    frame = None if latent_metric is None else orthonormal_frame(z, latent_metric)

    def push(probes: Tensor) -> tuple[Tensor, Tensor]:
        steps = probes if frame is None else torch.einsum("pni,inj->pnj", probes, frame)
        x, dx = pushforward(f, z, steps, create_graph=True)
        return dx, x

    # It is linear in the probes: the way back from J v is Jᵀ J v, and does not pass through the decoder's values again.
    dx, pull, x = vjp(push, probes, has_aux=True)  # pyright: ignore
    moved = covectors(x, dx, data_metric)
    (images,) = pull(moved)
    trace = (dx * moved).reshape(*probes.shape[:2], -1).sum(-1).mean(0)
    return trace, images.transpose(0, 1).flatten(1) / math.sqrt(len(probes))


def _directions(probes: int | str, probe: str | Tensor, z: Tensor, generator: torch.Generator | None) -> Tensor | None:
    """Return probes (P, N, m), or None where the traces are exact."""
    m = z.shape[-1]
    count = z.numel() // m
    if isinstance(probe, Tensor):
        if probe.shape[probe.ndim - z.ndim :] != z.shape:
            raise ValueError(
                f"`probe` has shape {tuple(probe.shape)} for `z` of shape {tuple(z.shape)}: give each point one"
            )
        return probe.reshape(-1, count, m)
    if probe not in PROBES:
        raise ValueError(f"`probe` is {probe!r}, but must be one of {sorted(PROBES)}, or a tensor")
    if probes == "auto":
        probes = max(1, math.ceil(FEWEST / count))
        probes = "exact" if m <= EXACT or probes >= m else probes
    if probes == "exact":
        return None
    if not isinstance(probes, int) or probes < 1:
        raise ValueError(f"`probes` is {probes!r}, but must be 'exact', 'auto' or a number of at least 1")
    return PROBES[probe]((probes, count, m), z, generator)


def _sphere(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.nn.functional.normalize(_gaussian(shape, like, generator), dim=-1) * math.sqrt(shape[-1])


def _rademacher(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    return 2 * torch.randint(2, shape, dtype=like.dtype, device=like.device, generator=generator) - 1


def _gaussian(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(shape, dtype=like.dtype, device=like.device, generator=generator)


PROBES = {"sphere": _sphere, "rademacher": _rademacher, "gaussian": _gaussian}


def _require_form(form: str) -> None:
    if form not in FORMS:
        raise ValueError(f"`form` is {form!r}, but must be one of {sorted(FORMS)}")
