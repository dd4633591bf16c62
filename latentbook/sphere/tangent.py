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

__all__ = ["compose", "one_minus_cosine"]

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


def compose(
    loc: Float[Tensor, "*batch m"], one_minus_w: Float[Tensor, "*batch"], gaussian: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch m"]:
    r"""Return the points with given cosines, in directions across that a Gaussian vector chooses.

    The gradient with respect to :math:`\mu` is that of the smallest rotation which takes :math:`\mu` along:
    :math:`dz = (z^\top \mu)\, d\mu - (z^\top d\mu)\, \mu`. It is bounded, and a pathwise gradient of every law that is
    symmetric about :math:`\mu`. That with respect to w is :math:`dz/dw = \mu - w v / \sqrt{1 - w^2}`. Both are there
    once: second derivatives are refused.

    Args:
        loc: Directions :math:`\mu`, of norm 1.
        one_minus_w: :math:`1 - w`, between 0 and 2.
        gaussian: What is left of it across :math:`\mu` is divided by its norm to give v. It has no gradient.

    Returns:
        The points, of norm 1 as far as rounding allows.

    Example:
        >>> compose(torch.tensor([1.0, 0.0]), torch.tensor(0.4), torch.tensor([5.0, 2.0]))
        tensor([0.6000, 0.8000])

    Chapter 5.
    """
    return _Compose.apply(loc, one_minus_w, gaussian)[0]


class _Compose(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(loc, one_minus_w, gaussian):
        v = _across(loc, gaussian)
        w, sine = _cosine_and_sine(one_minus_w)
        return torch.addcmul(w * loc, sine, v), v

    @staticmethod
    def setup_context(ctx, inputs, output):
        loc, one_minus_w, _ = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(loc, one_minus_w, *output)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        loc, one_minus_w, z, v = ctx.saved_tensors
        w, sine = _cosine_and_sine(one_minus_w)
        along = _dot(grad, loc)
        of_one_minus_w = (w / sine * _dot(grad, v) - along).squeeze(-1) if ctx.needs_input_grad[1] else None
        of_loc = torch.addcmul(w * grad, along, z, value=-1) if ctx.needs_input_grad[0] else None
        return of_loc, of_one_minus_w, None


def _across(loc: Tensor, gaussian: Tensor) -> Tensor:
    """Return unit vectors across the directions."""
    if loc.shape[-1] == 2:
        # There are only two of them.
        turned = torch.stack([-loc[..., 1], loc[..., 0]], -1)
        return torch.where(gaussian[..., 1:] >= 0, turned, -turned)
    v = _projected(loc, gaussian)
    # What is left of a vector that was almost parallel is mostly rounding error: as long as any, it is projected again.
    return v if loc.shape[-1] >= ONE_PROJECTION else _projected(loc, v)


def _projected(loc: Tensor, v: Tensor) -> Tensor:
    v = torch.addcmul(v, _dot(v, loc), loc, value=-1)
    norm = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    return v / norm.clamp_min(torch.finfo(v.dtype).tiny)


def _cosine_and_sine(one_minus_w: Tensor) -> tuple[Tensor, Tensor]:
    """Return w and the square root of 1 - w², kept above 0, with a last dimension."""
    one_minus_w = one_minus_w.unsqueeze(-1)
    square = one_minus_w * (2 - one_minus_w)
    return 1 - one_minus_w, square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.linalg.vecdot(a, b).unsqueeze(-1)
