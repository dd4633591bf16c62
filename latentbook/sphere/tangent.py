r"""Points of the sphere by their cosine with a direction, and what is across it.

With :math:`w = \mu^\top z` and a unit vector :math:`v \perp \mu` a point of S^{m-1} in R^m is

.. math:: z = w \mu + \sqrt{1 - w^2}\, v .

No rotation takes a pole to :math:`\mu`, so no direction is singular. Close to :math:`\mu`, :math:`1 - w` keeps the
digits that w has lost; everything here takes it instead.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["across", "compose", "nearer_pole", "one_minus_cosine"]

# From here on a Gaussian vector is practically never so parallel to a direction that one projection is too few.
ONE_PROJECTION = 12


def one_minus_cosine(x: Float[Tensor, "*#batch m"], loc: Float[Tensor, "*#batch m"]) -> Tensor:
    r"""Return :math:`1 - \mu^\top x = |x - \mu|^2 / 2` of unit vectors: never negative, and exact where they are close.

    Args:
        x: Points of the sphere.
        loc: Directions; the negative direction gives :math:`1 + \mu^\top x`.

    Returns:
        Numbers between 0 and 2, of the batch that both broadcast to.

    Example:
        >>> one_minus_cosine(torch.tensor([1.0, 0.0]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
        tensor([0., 1., 2.])

    Chapter 5.
    """
    return (x - loc).square().sum(-1) / 2


def nearer_pole(x: Float[Tensor, "*#batch m"], loc: Float[Tensor, "*#batch m"]) -> tuple[Tensor, Tensor]:
    r"""Return whether points are nearer to a direction than to its opposite, and 1 minus the cosine with the nearer.

    So :math:`\mu^\top x` is known as well close to :math:`-\mu` as close to :math:`\mu`.

    Args:
        x: Points of the sphere.
        loc: Directions.

    Returns:
        Whether, and numbers between 0 and 1.

    Example:
        >>> nearer_pole(torch.tensor([0.6, 0.8]), torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        (tensor([ True, False]), tensor([0.4000, 0.4000]))

    Chapter 5.
    """
    near = torch.linalg.vecdot(x.detach(), loc.detach()) >= 0
    side = torch.where(near, 1.0, -1.0).to(loc.dtype).unsqueeze(-1)
    return near, one_minus_cosine(x, side * loc)


def across(
    loc: Float[Tensor, "*batch m"], gaussian: Float[Tensor, "*batch m"]
) -> tuple[Float[Tensor, "*batch m"], Float[Tensor, "*batch"]]:
    r"""Return a direction across each direction: what a Gaussian vector has across it, divided by its length.

    Direction and length are independent, and the length is distributed as that of m - 1 Gaussians.

    Args:
        loc: Directions :math:`\mu`, of norm 1.
        gaussian: Standard normal.

    Returns:
        Unit vectors, and the lengths. They have no gradients.

    Example:
        >>> across(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([5.0, -3.0, 4.0]))
        (tensor([ 0.0000, -0.6000,  0.8000]), tensor(5.))

    Chapter 5.
    """
    loc, gaussian = loc.detach(), gaussian.detach()
    if loc.shape[-1] == 2:
        # There are only two of them.
        turned = torch.stack([-loc[..., 1], loc[..., 0]], -1)
        along = _dot(gaussian, turned)
        return torch.where(along >= 0, turned, -turned), along.abs().squeeze(-1)
    v, length = _projected(loc, gaussian)
    if loc.shape[-1] < ONE_PROJECTION:
        # What is left of a vector that was almost parallel is mostly rounding error.
        v, _ = _projected(loc, v)
    return v, length.squeeze(-1)


def _projected(loc: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
    v = torch.addcmul(vector, _dot(vector, loc), loc, value=-1)
    length = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    # In place: in many dimensions memory is what takes the time.
    return v.div_(length.clamp_min(torch.finfo(v.dtype).tiny)), length


def compose(
    loc: Float[Tensor, "*batch m"], one_minus_w: Float[Tensor, "*batch"], v: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch m"]:
    r"""Return the points with given cosines, in given directions across.

    The gradient with respect to :math:`\mu` is that of the smallest rotation which takes :math:`\mu` along:
    :math:`dz = (z^\top \mu)\, d\mu - (z^\top d\mu)\, \mu`. It is bounded, and a pathwise gradient of every law that is
    symmetric about :math:`\mu`. That with respect to w is :math:`dz/dw = \mu - w v / \sqrt{1 - w^2}`. Both are there
    once: second derivatives are refused.

    Args:
        loc: Directions :math:`\mu`, of norm 1.
        one_minus_w: :math:`1 - w`, between 0 and 2.
        v: Unit vectors across :math:`\mu`, as from `across`; they turn with it.

    Returns:
        The points, of norm 1 as far as rounding allows.

    Example:
        >>> compose(torch.tensor([1.0, 0.0]), torch.tensor(0.4), torch.tensor([0.0, 1.0]))
        tensor([0.6000, 0.8000])

    Chapter 5.
    """
    return _Compose.apply(loc, one_minus_w, v)


class _Compose(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(loc, one_minus_w, v):
        w, sine = _cosine_and_sine(one_minus_w)
        return torch.addcmul(w * loc, sine, v)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        loc, one_minus_w, v, z = ctx.saved_tensors
        w, sine = _cosine_and_sine(one_minus_w)
        along = _dot(grad, loc)
        of_one_minus_w = (w / sine * _dot(grad, v) - along).squeeze(-1) if ctx.needs_input_grad[1] else None
        of_loc = torch.addcmul(w * grad, along, z, value=-1) if ctx.needs_input_grad[0] else None
        return of_loc, of_one_minus_w, None


def _cosine_and_sine(one_minus_w: Tensor) -> tuple[Tensor, Tensor]:
    """Return w and the square root of 1 - w², kept above 0, with a last dimension."""
    one_minus_w = one_minus_w.unsqueeze(-1)
    square = one_minus_w * (2 - one_minus_w)
    return 1 - one_minus_w, square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.linalg.vecdot(a, b).unsqueeze(-1)
