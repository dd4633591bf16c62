"""Normalised layers have the norm that they promise, against the SVD."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.utils import parametrize

from latentbook.lipschitz import spectral_norm


def norm(layer):
    return torch.linalg.matrix_norm(layer.weight.detach(), 2).item()


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (1, 6), (6, 1), (64, 64)])
@pytest.mark.parametrize("lipschitz", [1.0, 0.3, 6.0])
def test_the_norm_is_the_one_asked_for(shape, lipschitz, device):
    layer = spectral_norm(nn.Linear(*shape).to(device), lipschitz=lipschitz, n_power_iterations=2000)
    layer.train()(torch.zeros(shape[0], device=device))
    assert norm(layer.eval()) == pytest.approx(lipschitz, rel=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_it_is_close_from_the_start_and_never_below(seed):
    """Power iteration approaches the norm from below, so that the layer's norm lies above the one asked for."""
    torch.manual_seed(seed)
    assert 1 - 1e-12 <= norm(spectral_norm(nn.Linear(64, 128)).eval()) < 1.1


def test_it_follows_a_weight_that_changes():
    layer = spectral_norm(nn.Linear(20, 30), n_power_iterations=50).train()
    for _ in range(5):
        with torch.no_grad():
            layer.parametrizations.weight.original.add_(torch.randn(30, 20))
        layer(torch.zeros(20))
    assert norm(layer.eval()) == pytest.approx(1.0, abs=1e-3)


def test_eval_mode_iterates_no_further():
    layer = spectral_norm(nn.Linear(20, 30)).eval()
    before = copy.deepcopy(layer.state_dict())
    layer(torch.randn(4, 20))
    assert all(layer.state_dict()[name].equal(value) for name, value in before.items())


def test_buffers_are_updated_in_place():
    """What a graph capture, a distributed wrapper or a stacked family holds on to stays the live one."""
    layer = spectral_norm(nn.Linear(20, 30)).train()
    buffers = dict(layer.named_buffers())
    before = {name: value.clone() for name, value in buffers.items()}
    layer(torch.zeros(20))
    assert all(dict(layer.named_buffers())[name] is value for name, value in buffers.items())
    assert all(not buffers[name].equal(value) for name, value in before.items())


def test_the_gradient_is_that_of_the_quotient():
    """W / s with s = u'Wv and constant u, v: dL/dW = (G - <G, W/s> uv') / s, by finite differences of the same."""
    layer = spectral_norm(nn.Linear(6, 4), n_power_iterations=1).eval()
    x, target = torch.randn(10, 6), torch.randn(10, 4)
    (layer(x) - target).square().sum().backward()
    original = layer.parametrizations.weight.original
    u, v = (getattr(layer.parametrizations.weight[0], name) for name in "uv")

    def loss(weight):
        normalised = weight / (u @ weight @ v)
        return (x @ normalised.T + layer.bias - target).square().sum()

    step = 1e-6
    for i, j in [(0, 0), (3, 5), (1, 2)]:
        bump = torch.zeros_like(original)
        bump[i, j] = step
        slope = (loss(original + bump) - loss(original - bump)) / (2 * step)
        assert original.grad[i, j].item() == pytest.approx(slope.item(), rel=1e-6)


def test_two_backward_passes_after_two_forward_passes():
    """The second forward pass changes the buffers in place; the first one's graph must not notice."""
    layer, x = spectral_norm(nn.Linear(6, 4)).train(), torch.randn(3, 6)
    first, second = layer(x).sum(), layer(x).sum()
    (first + second).backward()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


def test_eight_stacked_decoders_are_eight_decoders():
    torch.manual_seed(0)
    decoders = [
        nn.Sequential(spectral_norm(nn.Linear(3, 8)), nn.Tanh(), spectral_norm(nn.Linear(8, 5))) for _ in range(8)
    ]
    alone, z = [copy.deepcopy(decoder).train() for decoder in decoders], torch.randn(7, 3)
    parameters, buffers = stack_module_state(decoders)
    shape = copy.deepcopy(decoders[0]).train()

    def one(parameters, buffers):
        return functional_call(shape, (parameters, buffers), (z,))

    for _ in range(3):
        together = vmap(one)(parameters, buffers)
        apart = torch.stack([decoder(z) for decoder in alone])
        torch.testing.assert_close(together, apart)
    for k, decoder in enumerate(alone):
        for name, value in decoder.named_buffers():
            torch.testing.assert_close(buffers[name][k], value)


def test_a_checkpoint_brings_weight_and_estimates_back():
    layer, other = spectral_norm(nn.Linear(6, 4)), spectral_norm(nn.Linear(6, 4))
    other.load_state_dict(layer.state_dict())
    x = torch.randn(3, 6)
    assert layer.eval()(x).equal(other.eval()(x))


def test_it_comes_off_with_torch_s_own_tool():
    layer = spectral_norm(nn.Linear(6, 4)).eval()
    weight = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.detach().equal(weight)
    assert isinstance(layer.weight, nn.Parameter)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("layer", "options", "error", "message"),
    [
        (nn.Conv2d(1, 1, 3), {}, TypeError, "`layer` is a Conv2d, but must be a torch.nn.Linear"),
        (nn.Linear(2, 2), {"lipschitz": 0.0}, ValueError, "`lipschitz` is 0.0, but must be above 0"),
        (nn.Linear(2, 2), {"lipschitz": float("nan")}, ValueError, "`lipschitz` is nan"),
        (nn.Linear(2, 2), {"n_power_iterations": 0}, ValueError, "`n_power_iterations` is 0, but must be at least 1"),
    ],
)
def test_what_cannot_be_normalised(layer, options, error, message):
    with pytest.raises(error, match=message):
        spectral_norm(layer, **options)
