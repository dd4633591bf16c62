"""A normalised layer is an ordinary layer: gradients, stacking, copies, checkpoints, removal, and what it refuses."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.utils import parametrizations as torchs
from torch.nn.utils import parametrize

from latentbook import core
from latentbook.lipschitz import spectral_norm
from tests.lipschitz.layers import svd_norm

LAYERS = {
    "linear": (lambda: nn.Linear(6, 4), None, (6,)),
    "strided": (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), (4, 4), (2, 4, 4)),
    "reflect": (lambda: nn.Conv1d(2, 2, 3, padding=1, padding_mode="reflect", groups=2), (5,), (2, 5)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 2, 3, 2, 1, output_padding=1), (3, 3), (2, 3, 3)),
}


def make(name):
    build, in_shape, event = LAYERS[name]
    return spectral_norm(build(), in_shape), event


def original(layer):
    return layer.parametrizations.weight.original


def slope(function, tensor, index, step=1e-5):
    """Return the central difference of a function along one entry of a tensor, which is put back."""
    values = []
    for sign in (1, -1):
        tensor.data[index] += sign * step
        values.append(function().item())
        tensor.data[index] -= sign * step
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_is_that_of_the_weight_over_its_norm(name):
    """With the SVD's norm in the difference: a converged vector is as good as a norm that is differentiated.

    By the envelope theorem an error e of the vector leaves one of order e in the gradient; 1e-6 after these iterations.
    """
    layer, event = make(name)
    for _ in range(300):
        assert layer.train().weight.isfinite().all()
    layer.eval()
    x, raw = torch.randn(5, *event), LAYERS[name][0]()
    raw.load_state_dict({"weight": original(layer), "bias": layer.bias})

    def loss():
        norm = svd_norm(raw, LAYERS[name][1])
        divided = functional_call(raw, {"weight": raw.weight / norm}, (x,))
        return divided.sin().sum()

    layer(x).sin().sum().backward()
    for index in [(0,) * raw.weight.dim(), tuple(size - 1 for size in raw.weight.shape)]:
        expected = slope(loss, raw.weight, index)
        assert original(layer).grad[index].item() == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_have_gradients(name):
    layer, event = make(name)
    layer.eval()
    x = torch.randn(2, *event)

    def output(weight):
        return functional_call(layer, {"parametrizations.weight.original": weight}, (x,))

    weight = original(layer).detach().requires_grad_()
    assert torch.autograd.gradcheck(output, weight)
    assert torch.autograd.gradgradcheck(output, weight)


@pytest.mark.parametrize("name", LAYERS)
def test_two_backward_passes_after_two_forward_passes(name):
    """The second forward pass changes the buffer in place; the first one's graph must not notice."""
    layer, event = make(name)
    x = torch.randn(3, *event)
    first, second = layer.train()(x).sum(), layer(x).sum()
    (first + second).backward()
    assert original(layer).grad.isfinite().all()


@pytest.mark.parametrize("name", LAYERS)
def test_forward_mode_goes_through(name):
    """In eval mode; in train mode torch forbids the update inside its transforms, and `cached` takes it outside."""
    layer, event = make(name)
    x, dx = torch.randn(2, 3, *event).unbind()
    y, dy = core.jvp(layer.eval(), x, dx)
    torch.testing.assert_close(y, layer(x))
    torch.testing.assert_close(dy, layer(x + dx) - layer(x))
    with parametrize.cached():
        z = layer.train()(x)
        torch.testing.assert_close(core.jvp(layer, x, dx), (z, layer(x + dx) - z))


def decoder(mode):
    return nn.Sequential(
        spectral_norm(nn.Linear(3, 12)),
        nn.Unflatten(-1, (3, 2, 2)),
        spectral_norm(nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), (2, 2)),
        nn.Tanh(),
        spectral_norm(nn.Conv2d(4, 2, 3, stride=2, padding=1, padding_mode=mode, groups=2), (4, 4)),
    )


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_eight_stacked_decoders_are_eight_decoders(mode):
    """In steps of gradient descent, so that the estimates have something to follow."""
    models = [decoder(mode).train() for _ in range(8)]
    alone, z = [copy.deepcopy(model) for model in models], torch.randn(7, 3)
    parameters, buffers = stack_module_state(models)
    shape = copy.deepcopy(models[0])

    def one(parameters, buffers):
        return functional_call(shape, (parameters, buffers), (z,))

    for _ in range(3):
        together = vmap(one)(parameters, buffers)
        apart = torch.stack([model(z) for model in alone])
        torch.testing.assert_close(together, apart)
        gradients = torch.autograd.grad(together.square().sum(), list(parameters.values()))
        for tensor, gradient in zip(parameters.values(), gradients, strict=True):
            tensor.data.sub_(0.1 * gradient)
        apart.square().sum().backward()
        for model in alone:
            for tensor in model.parameters():
                tensor.data.sub_(0.1 * tensor.grad)
                tensor.grad = None
    for k, model in enumerate(alone):
        for name, value in model.named_buffers():
            torch.testing.assert_close(buffers[name][k], value)


@pytest.mark.parametrize("name", LAYERS)
def test_a_checkpoint_continues_identically(name):
    layer, event = make(name)
    other = spectral_norm(LAYERS[name][0](), LAYERS[name][1])
    x = torch.randn(3, *event)

    def steps(layer):
        outputs = []
        for _ in range(3):
            y = layer.train()(x)
            y.square().sum().backward()
            original(layer).data.sub_(0.1 * original(layer).grad)
            original(layer).grad = None
            outputs.append(y)
        return torch.stack(outputs)

    steps(layer)
    other.load_state_dict(layer.state_dict())
    assert layer.eval()(x).equal(other.eval()(x))
    assert steps(layer).equal(steps(other))


@pytest.mark.parametrize("name", LAYERS)
def test_it_comes_off_with_torch_s_own_tool(name):
    layer, event = make(name)
    weight = layer.eval().weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.detach().equal(weight)
    assert isinstance(layer.weight, nn.Parameter)
    assert not list(layer.buffers())
    # Nothing is left of the one size either, and it can be normalised for another.
    larger = tuple(2 * size for size in event[1:])
    layer(torch.zeros(1, event[0], *larger))
    if larger:
        spectral_norm(layer, larger)(torch.zeros(1, event[0], *larger))


def test_a_weight_that_vanishes_for_a_while_comes_back():
    layer = spectral_norm(nn.Conv1d(2, 2, 3), (6,)).train()
    weight = original(layer).detach().clone()
    original(layer).data.zero_()
    assert not layer(torch.zeros(2, 6)).isnan().any()
    assert not layer.weight.any()
    original(layer).data.copy_(weight)
    layer(torch.zeros(2, 6))
    assert svd_norm(layer.eval(), (6,)) == pytest.approx(1.0, abs=1e-3)


def on_another_size():
    return spectral_norm(nn.Conv2d(1, 2, 3), (4, 4)), torch.zeros(5, 1, 12, 12)


REFUSED = r"`in_shape` of this normalised layer is \(4, 4\), but it received \(12, 12\), for which its norm is another"


def test_another_size_of_input_is_refused():
    layer, x = on_another_size()
    for other in (layer, copy.deepcopy(layer), layer.eval(), nn.Sequential(layer)):
        with pytest.raises(ValueError, match=REFUSED + ".*: normalise a layer for"):
            other(x)
    with pytest.raises(ValueError, match=REFUSED):
        layer(input=x)
    with pytest.raises(ValueError, match=REFUSED):
        functional_call(layer, dict(layer.named_parameters()), (x,))
    with pytest.raises(ValueError, match=REFUSED):
        vmap(layer)(x)
    assert layer(x[..., :4, :4]).shape == (5, 2, 2, 2)
    assert layer(x[0, :, :4, :4]).shape == (2, 2, 2)
    assert vmap(layer)(x[..., :4, :4]).shape == (5, 2, 2, 2)


def test_another_size_of_output_is_refused():
    """A transposed convolution can be asked for more rows, which is another map."""
    layer, x = spectral_norm(nn.ConvTranspose1d(1, 1, 3, stride=2), (4,)), torch.zeros(1, 1, 4)
    assert layer(x, output_size=(9,)).shape == (1, 1, 9)
    with pytest.raises(ValueError, match=r"`output_size` of this normalised layer is \(9,\), but it received \(10,\)"):
        layer(x, output_size=(10,))
    with pytest.raises(ValueError, match=r"`output_size` .*received \(10,\)"):
        layer(x, [1, 1, 10])


def zeros(layer):
    layer.weight.data.zero_()
    return layer


def broken(layer):
    layer.weight.data[0] = float("nan")
    return layer


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("layer", "in_shape", "options", "error", "message"),
    [
        (nn.Bilinear(2, 2, 2), None, {}, TypeError, "`layer` is a Bilinear, but must be one of torch's Linear"),
        (nn.Conv2d(1, 1, 3), None, {}, ValueError, "`in_shape` is None"),
        (nn.Conv2d(1, 1, 3), (5,), {}, ValueError, r"`in_shape` is \(5,\)"),
        (nn.Linear(2, 2), (5,), {}, ValueError, r"`in_shape` is \(5,\)"),
        (nn.Conv2d(1, 1, 3), (2, 2), {}, ValueError, r"`in_shape` is \(2, 2\), but that is too small"),
        (
            nn.Linear(2, 2),
            None,
            {"lipschitz": 0.0},
            ValueError,
            "`lipschitz` is 0.0, but must be a finite",
        ),
        (nn.Linear(2, 2), None, {"lipschitz": float("nan")}, ValueError, "`lipschitz` is nan"),
        (
            nn.Linear(2, 2),
            None,
            {"n_power_iterations": 0},
            ValueError,
            "`n_power_iterations` is 0, but must be",
        ),
        (spectral_norm(nn.Linear(2, 2)), None, {}, ValueError, "`layer` is normalised already: take that off first"),
        (torchs.spectral_norm(nn.Linear(2, 2)), None, {}, ValueError, "`layer` is normalised already: take that off"),
        (zeros(nn.Linear(2, 2)), None, {}, ValueError, "`layer` has a weight of norm 0, .*: initialise it first"),
        (zeros(nn.Conv1d(2, 2, 3)), (90,), {}, ValueError, "`layer` has a weight of norm 0"),
        (broken(nn.Linear(2, 2)), None, {}, ValueError, "`layer` has a weight that is not finite"),
    ],
)
def test_what_cannot_be_normalised(layer, in_shape, options, error, message):
    before = dict(layer.state_dict())
    with pytest.raises(error, match=message):
        spectral_norm(layer, in_shape, **options)
    assert list(layer.state_dict()) == list(before)
