"""Layers as they travel: every activation, every container, and a word about each layer that cannot."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.learning.nets import mlp, mlp_decoder, mlp_encoder
from latentbook.metric import pullback_metric
from latentbook.press.widgets.perceptron import (
    LARGEST,
    Perceptron,
    described,
    from_arrays,
    halves,
    layers_of,
    packed,
    require_half,
)

ACTIVATIONS = {
    "tanh": (nn.Tanh, 0.0),
    "relu": (nn.ReLU, 0.0),
    "leaky_relu": (lambda: nn.LeakyReLU(0.3), 0.3),
    "softplus": (lambda: nn.Softplus(2.5), 2.5),
    "silu": (nn.SiLU, 0.0),
    "sigmoid": (nn.Sigmoid, 0.0),
}


def perceptron(network):
    return Perceptron(tuple(layers_of(network, "`network`")))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_computes_what_torch_does(name):
    make, parameter = ACTIVATIONS[name]
    network = nn.Sequential(mlp([3, 7, 5, 4], make), make())
    found = perceptron(network)
    z = 4 * torch.randn(20, 3)
    # Both add in double precision, in an order of their own.
    torch.testing.assert_close(found(z), network(z), rtol=1e-12, atol=1e-12)
    assert [(layer.activation, layer.parameter) for layer in found.layers] == [(name, parameter)] * 3
    assert (found.inputs, found.outputs) == (3, 4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_has_the_metric_of_the_network(name):
    network = mlp([2, 6, 5], ACTIVATIONS[name][0])
    z = torch.randn(8, 2)
    torch.testing.assert_close(pullback_metric(perceptron(network), z), pullback_metric(network, z))


def test_what_changes_only_shapes_is_left_out():
    encoder, decoder = mlp_encoder((1, 4, 4), [6], 2, nn.Tanh), mlp_decoder(2, [6], (1, 4, 4), nn.Tanh)
    x = torch.rand(5, 1, 4, 4)
    torch.testing.assert_close(perceptron(encoder)(x.flatten(1)), encoder(x))
    torch.testing.assert_close(perceptron(decoder)(encoder(x)), decoder(encoder(x)).flatten(1))


def test_dropout_and_identity_have_no_effect():
    network = nn.Sequential(
        nn.Linear(2, 9), nn.Dropout(0.5), nn.Identity(), nn.Tanh(), nn.AlphaDropout(), nn.Linear(9, 3)
    )
    found, z = perceptron(network), torch.randn(6, 2)
    torch.testing.assert_close(found(z), network.eval()(z))


def test_two_linear_layers_in_a_row_have_nothing_between_them():
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    found, z = perceptron(network), torch.randn(6, 2)
    assert [layer.activation for layer in found.layers] == ["linear", "relu", "linear"]
    assert found.layers[-1].bias.equal(torch.zeros(2))
    torch.testing.assert_close(found(z), network(z))


def test_one_activation_may_serve_all_layers():
    tanh = nn.Tanh()
    network = nn.Sequential(nn.Linear(2, 3), tanh, nn.Linear(3, 4), tanh)
    assert [layer.activation for layer in perceptron(network).layers] == ["tanh", "tanh"]


def test_a_container_of_ones_own_is_walked():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.ModuleList([nn.Linear(2, 5), nn.SiLU()]), nn.Sequential(nn.Linear(5, 3))
            self.nothing = None

        def forward(self, z):
            return self.head(self.body[1](self.body[0](z)))

    network, z = Decoder(), torch.randn(6, 2)
    torch.testing.assert_close(perceptron(network)(z), network(z))


def test_a_parametrized_layer_travels_and_is_left_as_it_is():
    network = mlp([2, 8, 4], nn.Tanh, spectral_norm)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found, z = perceptron(network), torch.randn(6, 2)
    assert all(part.training for part in network.modules())
    # A look in training mode would move the norms on.
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    torch.testing.assert_close(found(z), network.eval()(z))


def test_weights_are_copies_without_a_graph():
    network = nn.Sequential(nn.Linear(2, 3))
    [layer] = layers_of(network, "`network`")
    assert not layer.matrix.requires_grad
    assert not layer.bias.requires_grad
    layer.matrix.zero_()
    assert network[0].weight.abs().sum() > 0
    assert network[0].weight.grad is None


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (
            [nn.Linear(2, 4), nn.Conv2d(1, 1, 3)],
            r"`d` has the layer Conv2d \(part 1\), which cannot travel to the page",
        ),
        ([nn.Linear(2, 4), nn.BatchNorm1d(4)], r"BatchNorm1d \(part 1\).* of Linear with Tanh, ReLU, .*Softplus"),
        ([nn.Linear(2, 4), nn.Sequential(nn.ELU())], r"ELU \(part 1\.0\).* chapters draw other models with figures"),
        ([nn.Tanh(), nn.Linear(2, 4)], r"Tanh \(part 0\) before its first linear layer: put a Linear"),
        ([nn.Linear(2, 4), nn.Tanh(), nn.ReLU()], r"ReLU \(part 2\) right after another activation"),
        ([nn.Linear(2, 4), nn.Softplus(1, 5)], r"Softplus \(part 1\) with a threshold of 5: .* torch's 20"),
        ([nn.Linear(2, 4), nn.Linear(5, 3)], r"layer 1 gives 4 numbers, and layer 2 takes 5"),
        ([nn.Flatten()], "`d` has no linear layer"),
        ([], "`d` has no linear layer"),
    ],
)
def test_a_layer_that_cannot_travel_is_named(layers, words):
    with pytest.raises(ValueError, match=words):
        layers_of(nn.Sequential(*layers), "`d`")


def test_a_module_with_numbers_of_its_own_is_no_container():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(2, 3)
            self.register_buffer("scale", torch.ones(3))

    with pytest.raises(ValueError, match="the layer Scaled, which cannot travel"):
        layers_of(Scaled(), "`d`")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "`d`, layer 2, has 1 numbers that are not finite"),
        (-float("inf"), "layer 2, has 1 numbers that are not finite"),
        (-70_000.0, "layer 2, has a number of size 70000, but the page holds up to 65504: scale it"),
    ],
)
@pytest.mark.parametrize("where", ["weight", "bias"])
def test_weights_that_a_page_cannot_hold_are_refused(value, words, where):
    network = mlp([2, 3, 2])
    with torch.no_grad():
        getattr(network[2], where).view(-1)[0] = value
    with pytest.raises(ValueError, match=words):
        layers_of(network, "`d`")


def test_the_largest_half_is_held():
    require_half("x", torch.tensor([LARGEST, -LARGEST]))
    require_half("x", torch.zeros(0))
    with pytest.raises(ValueError, match="up to 65504"):
        require_half("x", torch.tensor([65505.0]))


# ---- from arrays ----


def arrays_of(network):
    return [
        value.detach() for linear in network if isinstance(linear, nn.Linear) for value in (linear.weight, linear.bias)
    ]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_arrays_make_the_same_perceptron(name):
    make, parameter = ACTIVATIONS[name]
    network = nn.Sequential(*mlp([2, 6, 5, 3], make), nn.Sigmoid())
    found = from_arrays([value.numpy() for value in arrays_of(network)], name, "sigmoid", parameter or None)
    z = torch.randn(9, 2)
    torch.testing.assert_close(found(z), network(z), rtol=1e-12, atol=1e-12)


def test_arrays_may_be_of_any_kind():
    network = nn.Linear(2, 3)
    single = network.weight.detach().float()
    for kind in (single, single.numpy(), single.tolist(), single.bfloat16(), network.weight):
        found = from_arrays([kind, None])
        assert found.layers[0].matrix.dtype == torch.float64
        torch.testing.assert_close(found.layers[0].matrix, network.weight.detach(), rtol=0.01, atol=0)
        assert found.layers[0].bias.equal(torch.zeros(3))


def test_parameters_are_torchs_own_unless_given():
    arrays = [np.ones((2, 2)), np.ones(2)] * 2
    parameters = lambda *words: [layer.parameter for layer in from_arrays(arrays, *words).layers]  # noqa: E731
    assert parameters("leaky_relu", "softplus") == [0.01, 1.0]
    assert parameters("leaky_relu", "softplus", 0.2) == [0.2, 1.0]
    assert parameters("softplus", "softplus", 3) == [3.0, 3.0]
    assert parameters() == [0.0, 0.0]


W, B = np.ones((3, 2)), np.ones(3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([W, B], "gelu"), r"`activation` is 'gelu', but must be one of \['linear', 'tanh'"),
        (([W, B], "tanh", "softmax"), "`output` is 'softmax'"),
        (([W, B], "tanh", "linear", 0.1), "`parameter` is 0.1, but 'tanh' has none: leave it out"),
        (([W, B], "softplus", "linear", 0.0), "`parameter` is 0.0, but 'softplus' needs a finite number above 0"),
        (([W, B], "leaky_relu", "linear", float("nan")), "`parameter` is nan, but 'leaky_relu' needs a finite number"),
        (([],), "`arrays` has 0 entries"),
        (([W, B, W],), "`arrays` has 3 entries: pass a matrix and a bias"),
        (([B, B],), r"`arrays\[0\]` has shape \(3,\): pass a matrix \(outputs, inputs\) for layer 1"),
        (([W, B[:2]],), r"`arrays\[1\]` has shape \(2,\): layer 1 has 3 outputs"),
        (([W, B, W, B],), "layer 1 gives 3 numbers, and layer 2 takes 2: .*transpose"),
        (([W, B, W.T * np.nan, B[:2]],), "`arrays`, layer 2, has 6 numbers that are not finite"),
        (([W, B * 1e5],), "`arrays`, layer 1, has a number of size 100000"),
    ],
)
def test_arrays_that_fit_nothing_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        from_arrays(*arguments)


@pytest.mark.parametrize("array", [W.astype(complex), W.astype(str), W > 0, torch.ones(3, 2, dtype=torch.complex64)])
def test_arrays_without_real_numbers_are_refused(array):
    with pytest.raises(TypeError, match=r"`arrays\[0\]` holds .*: pass real numbers"):
        from_arrays([array, B])


# ---- bytes ----


def test_bytes_are_matrices_row_by_row_and_then_biases():
    found = from_arrays([[[1, 2], [3, 4], [5, 6]], [7, 8, 9], [[0.1, -0.5, 65504]], [0]])
    expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0.1, -0.5, 65504, 0]
    assert packed(found.layers) == np.array(expected, "<f2").tobytes()
    assert packed(found.layers)[:2] == b"\x00\x3c"


def test_layers_are_described_in_plain_words():
    found = described(from_arrays([W, B, B[None], [0]], "softplus", "sigmoid", 2).layers)
    assert found == [
        {"inputs": 2, "outputs": 3, "activation": "softplus", "parameter": 2.0},
        {"inputs": 3, "outputs": 1, "activation": "sigmoid", "parameter": 0.0},
    ]
    assert {type(value) for layer in found for value in layer.values()} == {int, str, float}


def test_rounded_is_what_the_bytes_say():
    found = perceptron(mlp([2, 30, 5], nn.Tanh))
    rounded = found.rounded()
    assert packed(rounded.layers) == packed(found.layers)
    numbers = np.frombuffer(packed(found.layers), "<f2").astype(float)
    held = torch.cat([value.flatten() for layer in rounded.layers for value in (layer.matrix, layer.bias)])
    assert held.numpy().tolist() == numbers.tolist()
    # Ten bits of fraction.
    exact = torch.cat([value.flatten() for layer in found.layers for value in (layer.matrix, layer.bias)])
    assert 0 < ((held - exact) / exact).abs().max() <= 2**-11 + 1e-12


def test_halves_follow_the_order_of_indices():
    assert halves(torch.tensor([[1.0, 2.0], [3.0, 4.0]]).T) == np.array([1, 3, 2, 4], "<f2").tobytes()
