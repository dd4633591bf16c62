"""The linear part of a layer is what the layer does, and its adjoint is exact."""

import dataclasses

import pytest
import torch
from hypothesis import assume, given, settings
from torch import nn
from torch.func import vmap

from latentbook.lipschitz.maps import linear_map
from tests.lipschitz.layers import CASES, dense, drawn_layers

# Sums of a few dozen products in float64.
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def matrices(layer, in_shape):
    """Return the layer's map and its adjoint as matrices, one row an input."""
    part, weight = linear_map(layer, in_shape), layer.weight.detach()
    units = [torch.eye(torch.Size(shape).numel()).reshape(-1, *shape) for shape in (part.in_shape, part.out_shape)]
    times = torch.stack([part.times(weight, unit).flatten() for unit in units[0]])
    return times, torch.stack([part.adjoint(weight, unit).flatten() for unit in units[1]])


@pytest.mark.parametrize(("kind", "sizes", "options", "in_shape"), [c[:4] for c in CASES], ids=[c[4] for c in CASES])
def test_the_map_is_the_layer_s_and_the_adjoint_is_its_transpose(kind, sizes, options, in_shape):
    layer = kind(*sizes, **options)
    times, adjoint = matrices(layer, in_shape)
    torch.testing.assert_close(times, dense(layer, in_shape), **EXACT)
    torch.testing.assert_close(adjoint, times.T, **EXACT)


def test_a_linear_layer_is_its_weight():
    layer = nn.Linear(3, 5)
    times, adjoint = matrices(layer, None)
    torch.testing.assert_close(times.T, layer.weight.detach(), **EXACT)
    torch.testing.assert_close(adjoint, layer.weight.detach(), **EXACT)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(drawn_layers())
def test_any_layer_has_an_exact_adjoint(drawn):
    layer, in_shape = drawn
    try:
        expected = dense(layer, in_shape)
    except RuntimeError:
        # What torch cannot apply either: a kernel or a margin larger than the input.
        with pytest.raises(ValueError, match="nothing is left"):
            linear_map(layer, in_shape)
        return
    assume(expected.numel() > 0)
    times, adjoint = matrices(layer, in_shape)
    torch.testing.assert_close(times, expected, **EXACT)
    torch.testing.assert_close(adjoint, times.T, **EXACT)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_maps_are_batched_by_vmap(mode):
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=1, padding_mode=mode)
    part, weights = linear_map(layer, (6, 5)), torch.randn(4, *layer.weight.shape)
    y = torch.randn(4, *part.out_shape)
    apart = torch.stack([part.adjoint(weight, own) for weight, own in zip(weights, y, strict=True)])
    torch.testing.assert_close(vmap(part.adjoint)(weights, y), apart, **EXACT)


def test_one_size_needs_no_tuple():
    assert linear_map(nn.Conv1d(2, 3, 3), 8) == linear_map(nn.Conv1d(2, 3, 3), (8,))


def test_shapes_are_told():
    part = linear_map(nn.ConvTranspose2d(2, 6, 3, stride=2, output_padding=1), (4, 5))
    assert part.in_shape == (2, 4, 5)
    assert part.out_shape == (6, 10, 12)
    assert dataclasses.replace(part, in_shape=()).out_shape == part.out_shape


class Doubled(nn.Conv2d):
    def forward(self, input):
        return 2 * super().forward(input)


@pytest.mark.parametrize(
    ("layer", "in_shape", "error", "message"),
    [
        (nn.Bilinear(2, 2, 2), None, TypeError, "`layer` is a Bilinear, but must be one of torch's Linear, Conv1d"),
        (nn.ReLU(), None, TypeError, "`layer` is a ReLU"),
        (Doubled(1, 1, 3), (4, 4), TypeError, "`layer` is a Doubled, but must be .* with torch's own forward pass"),
        (nn.Linear(2, 2), (4,), ValueError, r"`in_shape` is \(4,\), but a Linear has no spatial sizes: leave it out"),
        (nn.Conv2d(1, 1, 3), None, ValueError, r"`in_shape` is None, .*: pass its spatial sizes, .* in_shape=\(28, 28"),
        (nn.Conv2d(1, 1, 3), (8,), ValueError, r"`in_shape` is \(8,\), but a Conv2d needs 2 spatial sizes"),
        (nn.Conv2d(1, 1, 3), (1, 8, 8), ValueError, "needs 2 spatial sizes, each at least 1, without batch and chann"),
        (nn.Conv1d(1, 1, 3), (0,), ValueError, "needs 1 spatial sizes, each at least 1"),
        (nn.Conv1d(1, 1, 3), (2.0,), ValueError, "needs 1 spatial sizes"),
        (nn.Conv1d(1, 1, 3), (2,), ValueError, r"`in_shape` is \(2,\), but that is too small for Conv1d.*a larger one"),
        (nn.Conv1d(1, 1, 3, padding=2, padding_mode="reflect"), (2,), ValueError, "too small for Conv1d"),
        (nn.ConvTranspose1d(1, 1, 2, padding=2), (2,), ValueError, "too small for ConvTranspose1d"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_is_no_linear_layer(layer, in_shape, error, message):
    with pytest.raises(error, match=message):
        linear_map(layer, in_shape)
