r"""Forward differentiation of any decoder: how steps in latent space become steps in data space."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.modules.batchnorm import _BatchNorm

from latentbook.core import all_finite, at_rest, jvp

__all__ = ["Decoder", "graph_if", "jacobian", "pushforward", "require_points"]

Decoder = Callable[[Tensor], Tensor]


def pushforward(
    f: Decoder, z: Float[Tensor, "*batch m"], dz: Float[Tensor, "... m"], *, create_graph: bool = False
) -> tuple[Tensor, Tensor]:
    r"""Return where a decoder takes points, and how steps at these points move the data: :math:`f(z)`, :math:`J(z) dz`.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``.
        z: Latent points.
        dz: Steps, ``(*directions, *batch, m)``: for each point one, or several along leading dimensions. They share
            one pass through the decoder.
        create_graph: Whether gradients shall flow back to `z`, `dz` and the parameters of `f`.

    Returns:
        The data ``(*batch, *event)`` and their steps ``(*directions, *batch, *event)``.

    Raises:
        TypeError: If `f` cannot be differentiated, or `z` or `f(z)` is no floating point tensor.
        ValueError: If a shape does not fit, or, without a graph, a point is not finite.

    Example:
        >>> pushforward(lambda z: z**2, torch.tensor([[3.0, 5.0]]), torch.tensor([[1.0, 0.5]]))
        (tensor([[ 9., 25.]]), tensor([[6., 5.]]))

    Chapters 2 and 3.
    """
    require_points(z, finite=not create_graph)
    several = dz.ndim - z.ndim
    if dz.shape[several:] != z.shape:
        raise ValueError(
            f"`dz` has shape {tuple(dz.shape)} for points `z` of shape {tuple(z.shape)}: give each point a step, "
            "as in `dz.expand_as(z)`"
        )
    # Forward mode refuses points that share memory, as expanded ones do.
    points = z.reshape(-1, z.shape[-1]).contiguous()
    steps = dz.reshape(math.prod(dz.shape[:several]), *points.shape)

    def decoded(points: Tensor) -> Tensor:
        return require_data(f(points), points)

    def push(step: Tensor) -> tuple[Tensor, Tensor]:
        return jvp(decoded, points, step, strict=True)

    with standing_still(f), graph_if(create_graph):
        try:
            x, dx = vmap(push, randomness="same")(steps)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise _refusal(f, points, error) from error
    # The data are the same for all steps.
    x, event = x[0], x.shape[2:]
    return x.reshape(z.shape[:-1] + event), dx.reshape(dz.shape[:-1] + event)


def jacobian(f: Decoder, z: Float[Tensor, "*batch m"], *, create_graph: bool = False) -> Float[Tensor, "*batch D m"]:
    r"""Return the Jacobian :math:`J(z)` of a decoder at every point, data dimensions flattened.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``.
        z: Latent points.
        create_graph: Whether gradients shall flow back to `z` and the parameters of `f`.

    Returns:
        One ``(D, m)`` matrix for each point, where ``D`` is the number of values in an event, in data units per latent
        unit.

    Raises:
        TypeError: If `f` cannot be differentiated, or `z` or `f(z)` is no floating point tensor.
        ValueError: If a shape does not fit, or, without a graph, a point is not finite.

    Example:
        >>> jacobian(lambda z: z**2, torch.tensor([3.0, 5.0]))
        tensor([[ 6.,  0.],
                [ 0., 10.]])

    Chapter 2.
    """
    require_points(z)
    columns = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    columns = columns.reshape(-1, *[1] * (z.ndim - 1), z.shape[-1]).expand(-1, *z.shape)
    x, dx = pushforward(f, z, columns, create_graph=create_graph)
    size = math.prod(x.shape[z.ndim - 1 :])
    return dx.reshape(*columns.shape[:-1], size).movedim(0, -1)


def require_points(z: Tensor, *, finite: bool = False) -> None:
    """Refuse what is no batch of points.

    Args:
        z: What was given.
        finite: Whether to look at the values: no check for a training step, where the host would wait for a GPU.

    Raises:
        TypeError: If it is not floating point.
        ValueError: If it has no dimension, or a point shall be finite and is not.

    Chapter 2.
    """
    if z.ndim < 1:
        raise ValueError("`z` is a number, but points have a last dimension of latents: pass shape (..., m)")
    if not z.is_floating_point():
        raise TypeError(f"`z` must be floating point to have a derivative, but it is {z.dtype}: pass `.float()`")
    if finite and not all_finite(z):
        raise ValueError("`z` has entries that are not finite: look at the encoder, or leave these points out")


def graph_if(wanted: bool) -> torch.set_grad_enabled:
    """Return a context that keeps a graph where it is wanted, and the caller keeps one.

    Args:
        wanted: Whether it is.

    Returns:
        The context.

    Example:
        >>> with torch.no_grad(), graph_if(True):
        ...     torch.is_grad_enabled()
        False

    Chapter 2.
    """
    return torch.set_grad_enabled(wanted and torch.is_grad_enabled())


@contextlib.contextmanager
def standing_still(f: Decoder) -> Iterator[None]:
    """Hold the module behind a decoder, if there is one, in eval mode."""
    module = f if isinstance(f, nn.Module) else getattr(f, "__self__", None)
    if not isinstance(module, nn.Module):
        yield
        return
    for part in module.modules():
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            raise ValueError(
                f"`f` has {part} without running statistics: what it makes of a point depends on the others. "
                "Build it with track_running_stats=True"
            )
    with at_rest(module), _copied_buffers(module):
        yield


@contextlib.contextmanager
def _copied_buffers(module: nn.Module) -> Iterator[None]:
    """Lend a module copies of its buffers: a later update in place would spoil the graph that is built now."""
    places = [(part._buffers, name, value) for part in module.modules() for name, value in part._buffers.items()]
    try:
        for held, name, value in places:
            held[name] = None if value is None else value.clone()
        yield
    finally:
        for held, name, value in places:
            held[name] = value


def _refusal(f: Decoder, z: Tensor, error: RuntimeError) -> Exception:
    """Say whether a decoder does not take its points, or cannot be differentiated there."""
    try:
        f(z)
    except RuntimeError as plain:
        return ValueError(f"`f` does not take `z` of shape {tuple(z.shape)} and type {z.dtype}: {plain}")
    return TypeError(
        f"`f` cannot be differentiated ({error}): compute in torch from `z` to the data, "
        "without numpy, detach or inference_mode"
    )


def require_data(x: object, z: Tensor) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(
            f"`f` returns {type(x).__name__}, but must return one tensor: "
            "of a mean and a standard deviation make one with `stack_moments(*f(z))`"
        )
    if not x.is_floating_point():
        raise TypeError(f"`f` returns {x.dtype}, which has no derivative: leave out what rounds, counts or compares")
    if x.shape[:1] != z.shape[:1]:
        raise ValueError(
            f"`f` returns shape {tuple(x.shape)} for points of shape {tuple(z.shape)}, but the first dimension counts "
            "points: pass `torch.vmap(f)` if it takes one"
        )
    return x
