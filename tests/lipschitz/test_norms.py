"""The norm of a layer is the SVD's, and known where it has a closed form."""

import math

import pytest
import torch
from hypothesis import assume, given, reject, settings
from torch import nn

from latentbook.lipschitz import spectral_norm
from latentbook.lipschitz.maps import linear_map
from latentbook.lipschitz.norms import first_vector, largest_singular_value, operator_norm
from tests.lipschitz.layers import CASES, drawn_layers, svd_norm


def with_kernel(layer, kernel):
    layer.weight.data.copy_(torch.as_tensor(kernel, dtype=torch.get_default_dtype()).reshape(layer.weight.shape))
    return layer


ONES = torch.ones(9)
# A layer, its kernel, the size of its input, its norm: from the project's reference cases. Where the adjoint is built
# without output padding, the strided ones come out as 3.0, 4.414214, 4.414214 and 3.741657.
KNOWN = {
    "three ones": (nn.Conv1d(1, 1, 3, padding=1), [1, 1, 1], (8,), 1 + 2 * math.cos(math.pi / 9)),
    "a circle": (nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular"), [1, 1, 1], (8,), 3.0),
    "ones, 8 x 8": (nn.Conv2d(1, 1, 3, padding=1), ONES, (8, 8), 8.290859),
    "no overlap": (nn.Conv1d(1, 1, 2, stride=2), [3, 4], (6,), 5.0),
    "no overlap, long": (nn.Conv1d(1, 1, 2, stride=2), [3, 4], (200,), 5.0),
    "no overlap, transposed": (nn.ConvTranspose1d(1, 1, 2, stride=2), [3, 4], (6,), 5.0),
    "groups": (nn.Conv1d(2, 2, 3, padding=1, groups=2), [1, 1, 1, 2, 2, 2], (8,), 5.758770),
    "strided, 4 x 4": (nn.Conv2d(1, 1, 3, stride=2, padding=1), ONES, (4, 4), 3.618034),
    "strided, 8 x 8": (nn.Conv2d(1, 1, 3, stride=2, padding=1), ONES, (8, 8), 4.532089),
    "output padding": (nn.ConvTranspose2d(1, 1, 3, 2, 1, output_padding=1), ONES, (4, 4), 4.532089),
    "1 2 3": (nn.Conv1d(1, 1, 3, stride=2, padding=1), [1, 2, 3], (4,), 4.067110),
    "a lost row": (nn.Conv1d(1, 1, 3, stride=2, padding=1), [0, 0, 1], (2,), 1.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_norms(name):
    """The reference is given with six decimals."""
    layer, kernel, in_shape, expected = KNOWN[name]
    assert operator_norm(with_kernel(layer, kernel), in_shape) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("kind", "sizes", "options", "in_shape"), [c[:4] for c in CASES], ids=[c[4] for c in CASES])
def test_the_norm_is_the_svd_s(kind, sizes, options, in_shape):
    """Small layers are solved as a matrix, those in three dimensions by Lanczos with a tolerance of 1e-9."""
    layer = kind(*sizes, **options)
    assert operator_norm(layer, in_shape) == pytest.approx(svd_norm(layer, in_shape), rel=1e-8)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(drawn_layers())
def test_the_norm_of_any_layer_is_the_svd_s(drawn):
    """And what `spectral_norm` makes of it has norm one, within 3 % before any training."""
    layer, in_shape = drawn
    try:
        expected = svd_norm(layer, in_shape)
    except RuntimeError:
        # torch cannot apply the layer to this size either.
        reject()
    assume(expected > 0)
    assert operator_norm(layer, in_shape) == pytest.approx(expected, rel=1e-8)
    assert 1 - 1e-12 <= svd_norm(spectral_norm(layer, in_shape).eval(), in_shape) <= 1.03


@pytest.mark.parametrize("shape", [(8, 5), (1, 6), (6, 1), (100, 300), (300, 100), (300, 1)])
def test_linear_layers(shape, device):
    layer = nn.Linear(*shape).to(device)
    assert operator_norm(layer) == pytest.approx(torch.linalg.matrix_norm(layer.weight, 2).item(), rel=1e-8)


def test_clustered_values_are_told_apart():
    """A long filter's largest values differ by 1e-4; its norm is that of a tridiagonal Toeplitz matrix."""
    layer = with_kernel(nn.Conv1d(1, 1, 3, padding=1), [1, 2, 1])
    expected = 2 + 2 * math.cos(math.pi / 301)
    assert operator_norm(layer, (300,)) == pytest.approx(expected, rel=1e-8)


def test_the_reshaped_kernel_is_another_matrix():
    """What torch's own spectral norm divides by is wrong in both directions."""
    torch.manual_seed(0)
    ratios = []
    for layer, in_shape in ((nn.Conv2d(8, 8, 3, padding=1), (6, 6)), (nn.ConvTranspose2d(8, 2, 4, 2, 1), (4, 4))):
        naive = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item()
        ratios.append(operator_norm(layer, in_shape) / naive)
        assert operator_norm(layer, in_shape) == pytest.approx(svd_norm(layer, in_shape), rel=1e-8)
    assert max(ratios) > 1.2


def test_a_layer_in_float32_is_computed_in_float64(device):
    layer = nn.Conv2d(3, 4, 3, padding=1).float().to(device)
    assert operator_norm(layer, (6, 6)) == pytest.approx(svd_norm(layer.double(), (6, 6)), rel=1e-8)


def test_the_layer_and_the_random_numbers_are_left_alone():
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(100, 30)).train()
    state, before = torch.get_rng_state(), {name: value.clone() for name, value in layer.state_dict().items()}
    assert operator_norm(layer) == operator_norm(layer)
    assert layer.training
    assert torch.get_rng_state().equal(state)
    assert all(layer.state_dict()[name].equal(value) for name, value in before.items())


def test_a_layer_of_zeros_has_norm_zero():
    for layer, in_shape in ((nn.Linear(3, 4), None), (nn.Conv1d(2, 2, 3), (100,))):
        layer.weight.data.zero_()
        assert operator_norm(layer, in_shape) == 0.0


@pytest.mark.parametrize("size", [40, 400])
def test_the_first_vector_attains_the_norm(size):
    layer = nn.Conv1d(1, 2, 3)
    part = linear_map(layer, (size,))
    v = first_vector(part, layer.weight, 1e-9)
    assert v.norm().item() == pytest.approx(1.0, rel=1e-12)
    attained = part.times(layer.weight, v).norm().item()
    assert attained == pytest.approx(largest_singular_value(part, layer.weight), rel=1e-8)


def test_a_weight_that_is_not_finite():
    layer = nn.Linear(3, 3)
    layer.weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="`layer` has a weight that is not finite, so that it has no norm: initialise"):
        operator_norm(layer)
