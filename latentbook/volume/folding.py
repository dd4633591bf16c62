r"""Pruning in earnest: networks without the dimensions that a code can do without.

A pruned dimension is a constant, its mean. What the decoder's first layer makes of it is a constant too, and belongs
into that layer's bias:

.. math:: W z + b = W_S z_S + (b + W_P \bar z_P), \qquad z_P = \bar z_P ,

for kept dimensions :math:`S` and pruned ones :math:`P`. The encoder's last layer loses the rows that computed them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

__all__ = ["prune"]

# On a batch of codes (N, m) these return what they get, whatever m is.
PASSING = (nn.Identity, nn.Flatten)


def prune(
    encoder: nn.Module, decoder: nn.Module, keep: Sequence[int] | Tensor, mean: Float[Tensor, " m"]
) -> tuple[nn.Module, nn.Module]:
    r"""Return a smaller encoder and decoder, with the same reconstructions as the pruned originals.

    .. math:: W' = W_S, \qquad b' = b + W_P \bar z_P

    The new encoder returns the kept codes in the order of `keep`, and the new decoder takes them. Both are copies,
    nested `Sequential` containers laid flat; the originals stay as they are. Where a layer that is folded has a
    parametrization (a spectral norm), the new one is a plain `Linear` with the weight that it has in eval mode; a part
    of a matrix is no longer than the whole, so that a Lipschitz bound survives.

    Args:
        encoder: A `Linear`, or a `Sequential` that ends in one. `Identity` and `Flatten` may follow it.
        decoder: A `Linear`, or a `Sequential` that begins with one. `Identity` and `Flatten` may stand before it; so
            may an `Unflatten` to ``(m, 1, ..., 1)`` before a convolution, plain or transposed, which then becomes the
            `Linear` that it is on a single pixel.
        keep: Dimensions to keep, 0 to m - 1, each once; or a mask of m truth values.
        mean: Means of all m dimensions over the training data; those of the kept ones do not matter.

    Returns:
        The smaller encoder and decoder.

    Raises:
        ValueError: If `keep` is empty, out of range or has duplicates, or the sizes of the arguments differ.
        TypeError: If `keep` does not hold integers, or the layer next to the code cannot be folded.

    Example:
        >>> encoder, decoder = nn.Sequential(nn.Linear(4, 3)), nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 4))
        >>> smaller, drawer = prune(encoder, decoder, keep=[2, 0], mean=torch.zeros(3))
        >>> smaller(torch.zeros(5, 4)).shape, drawer(torch.zeros(5, 2)).shape
        (torch.Size([5, 2]), torch.Size([5, 4]))

    Chapter 1.
    """
    # One copy of both, so that layers which they share are shared no longer with the originals, but with each other.
    # Both as they lie around the code, nearest first.
    above, below = copy.deepcopy((_layers(encoder)[::-1], _layers(decoder)))
    last, first = _nearest(above), _nearest(below)
    below[first : first + 2] = _without_pixel(below[first : first + 2])
    top, bottom = _linear(above[last:], "encoder", "ends in"), _linear(below[first:], "decoder", "begins with")
    _require_same_size(top.out_features, bottom.in_features, len(mean))
    kept = _indices(keep, len(mean))
    above[last], below[first] = _rows(top, kept), _columns(bottom, kept, mean)
    return nn.Sequential(*above[::-1]), nn.Sequential(*below)


def _layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers of nested containers in order. A container that does more than run its layers is one layer."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward and not _has_hooks(module):
        # Not `children()`, which leaves out a layer's second appearance.
        return [layer for child in module for layer in _layers(child)]
    return [module]


def _nearest(layers: Sequence[nn.Module]) -> int:
    """Return the place of the first layer that does something, or the number of layers."""
    return next((place for place, layer in enumerate(layers) if not isinstance(layer, PASSING)), len(layers))


def _linear(layers: Sequence[nn.Module], name: str, where: str) -> nn.Linear:
    """Return the first of some layers, if it can be folded."""
    if not layers:
        raise TypeError(f"`{name}` has no layer to fold: let it be a torch.nn.Linear, or a Sequential that {where} one")
    layer = layers[0]
    if not isinstance(layer, nn.Linear) or type(layer).forward is not nn.Linear.forward:
        raise TypeError(f"`{name}` {where} {layer}, which cannot be folded: pass a Sequential that {where} a Linear")
    if _has_hooks(layer):
        raise TypeError(
            f"`{name}` {where} {layer} with a hook, which may change its weight or its output: take the hook off, and "
            "use torch.nn.utils.parametrizations for norms"
        )
    return layer


def _has_hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _require_same_size(codes: int, taken: int, means: int) -> None:
    if not codes == taken == means:
        raise ValueError(
            f"`encoder` returns {codes} dimensions, `decoder` takes {taken}, and `mean` has {means}: pass the parts of "
            "one autoencoder and the means of its codes"
        )


def _indices(keep: Sequence[int] | Tensor, m: int) -> list[int]:
    """Return the dimensions to keep as a list, checked."""
    wanted = torch.as_tensor(keep)
    if wanted.numel() == 0:
        raise ValueError("`keep` is empty, but a code has at least one dimension: pass one or more")
    if wanted.dtype == torch.bool:
        if wanted.shape != (m,):
            raise ValueError(
                f"`keep` is a mask of shape {tuple(wanted.shape)}, but there are {m} dimensions: pass ({m},)"
            )
        wanted = wanted.nonzero().flatten()
        return _indices(wanted, m)
    if wanted.is_floating_point() or wanted.is_complex():
        raise TypeError(f"`keep` holds {wanted.dtype}, but dimensions are counted: pass integers")
    found = wanted.flatten().tolist()
    if min(found) < 0 or max(found) >= m:
        raise ValueError(f"`keep` is {found}, but the dimensions are 0 to {m - 1}: pass these only")
    if len(set(found)) < len(found):
        raise ValueError(f"`keep` is {found}, but a dimension can be kept only once: leave out the duplicates")
    return found


@torch.no_grad()
def _rows(layer: nn.Linear, kept: list[int]) -> nn.Linear:
    """Return a layer that computes only some of the outputs."""
    weight, bias = _weight_and_bias(layer)
    return _plain(weight[kept], None if bias is None else bias[kept], layer)


@torch.no_grad()
def _columns(layer: nn.Linear, kept: list[int], mean: Tensor) -> nn.Linear:
    """Return a layer that takes only some of the inputs, and the means of the others from its bias."""
    weight, bias = _weight_and_bias(layer)
    constant = mean.detach().to(weight).clone()
    constant[kept] = 0
    folded = weight @ constant
    return _plain(weight[:, kept], folded if bias is None else bias + folded, layer)


def _weight_and_bias(layer: nn.Linear) -> tuple[Tensor, Tensor | None]:
    # In train mode, reading a weight under spectral norm would change it; and the layer may be used elsewhere too.
    still = copy.deepcopy(layer).eval()
    return still.weight.detach(), None if still.bias is None else still.bias.detach()


def _plain(weight: Tensor, bias: Tensor | None, like: nn.Module) -> nn.Linear:
    outputs, inputs = weight.shape
    linear = nn.Linear(inputs, outputs, bias is not None, device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        linear.weight.copy_(weight)
        if bias is not None:
            linear.bias.copy_(bias)
    return linear.train(like.training)


@torch.no_grad()
def _without_pixel(layers: list[nn.Module]) -> list[nn.Module]:
    """Return two layers, or the linear layer that they are if they put a code on one pixel and convolve it."""
    if len(layers) < 2 or not isinstance(layers[0], nn.Unflatten) or not isinstance(layers[1], _ConvNd):
        return layers
    size = tuple(layers[0].unflattened_size)
    if layers[0].dim not in (-1, 1) or set(size[1:]) != {1} or _has_hooks(layers[0]) or _has_hooks(layers[1]):
        return layers
    still = copy.deepcopy(layers[1]).eval()
    bias = still(torch.zeros(1, *size).to(still.weight))
    still.bias = None
    # One code at a time with a single 1 in it: what comes out is a column of the weight.
    columns = still(torch.eye(size[0]).to(still.weight).reshape(size[0], *size))
    linear = _plain(columns.flatten(1).mT, None if layers[1].bias is None else bias.flatten(), layers[1])
    return [linear, nn.Unflatten(-1, tuple(columns.shape[1:]))]
