"""Laws of forward differentiation: any decoder, in the state that it is used in, and with no graph unless asked."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import jacfwd, vmap

from latentbook.learning.family import Family
from latentbook.metric import jacobian, pullback_metric, pushforward
from tests.surfaces import DECODERS, Counting, M


class Model(nn.Module):
    """A model with a decoder, of which only a method is given away."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def decode(self, z):
        return self.decoder(z)


def saved_bytes(function):
    """Return how much a call keeps for a way back."""
    sizes = []

    def pack(tensor):
        sizes.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        function()
    return sum(sizes)


# ---- values ----


@pytest.mark.parametrize("name", DECODERS)
def test_jacobian_agrees_with_torch_and_with_differences(name):
    """jacfwd goes point by point; the step of the central difference is near the cube root of the rounding error."""
    f, z = DECODERS[name]().eval(), torch.randn(5, M)
    J = jacobian(f, z)

    def one(point):
        return f(point[None])[0].flatten()

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        torch.testing.assert_close(J, vmap(jacfwd(one))(z), rtol=1e-9, atol=1e-12)
    h = 1e-5 * torch.eye(M)
    with torch.no_grad():
        columns = [(f(z + step) - f(z - step)).reshape(5, -1) / 2e-5 for step in h]
    torch.testing.assert_close(J, torch.stack(columns, -1), rtol=1e-5, atol=1e-8)


@given(
    batch=st.lists(st.integers(0, 3), max_size=3), event=st.lists(st.integers(1, 3), max_size=3), m=st.integers(1, 4)
)
def test_any_batch_and_any_event(batch, event, m):
    weight = torch.randn(m, int(np.prod(event)), generator=torch.Generator().manual_seed(0))
    z, dz = torch.randn(*batch, m), torch.randn(2, *batch, m)

    def f(z):
        assert z.ndim == 2
        return (z @ weight).reshape(len(z), *event)

    x, dx = pushforward(f, z, dz)
    assert x.shape == (*batch, *event)
    torch.testing.assert_close(dx, (dz @ weight).reshape(2, *batch, *event))
    torch.testing.assert_close(jacobian(f, z), weight.T.expand(*batch, -1, -1))
    assert pullback_metric(f, z).shape == (*batch, m, m)


@pytest.mark.parametrize("z", [torch.ones(2).expand(4, 2), torch.ones(4, 1).expand(4, 2), torch.rand(2, 4).mT])
def test_points_that_share_memory(z):
    """Forward mode would refuse to write beside them."""
    dz = torch.randn(4, 2, dtype=z.dtype)
    torch.testing.assert_close(pushforward(torch.sin, z, dz)[1], z.cos() * dz)
    torch.testing.assert_close(jacobian(torch.sin, z), torch.diag_embed(z.cos()))


def test_all_directions_share_one_pass():
    f = Counting()
    jacobian(f, torch.randn(7, 5))
    assert f.seen == [7]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_follow_the_points(device, dtype):
    z = torch.randn(4, 2, dtype=dtype, device=device)
    x, dx = pushforward(torch.sin, z, z)
    assert all(value.dtype == dtype and value.device == z.device for value in (x, dx, jacobian(torch.sin, z)))


def test_a_decoder_may_fill_a_tensor_in_place():
    def f(z):
        out = z.new_zeros(len(z), 3)
        out[:, 0] = z[:, 0]
        out[:, 1:] = z**2
        return out

    torch.testing.assert_close(jacobian(f, torch.tensor([3.0, 5.0])), torch.tensor([[1.0, 0], [6, 0], [0, 10]]))


# ---- graphs ----


def test_no_graph_unless_asked():
    f, z = DECODERS["tanh"](), torch.randn(50, M, requires_grad=True)
    for look in (jacobian, pullback_metric, functools.partial(pushforward, dz=torch.randn(50, M))):
        assert saved_bytes(lambda look=look: look(f, z)) == 0
        kept = look(f, z, create_graph=True)
        assert (kept[1] if isinstance(kept, tuple) else kept).requires_grad
    assert not jacobian(f, z).requires_grad
    with torch.no_grad():
        assert not jacobian(f, z, create_graph=True).requires_grad


def test_gradients_agree_with_differences_and_reach_everything():
    f, z = DECODERS["tanh"](), torch.randn(2, M, requires_grad=True)

    def value(z, weight):
        decode = functools.partial(torch.func.functional_call, f, {"0.weight": weight})
        return pullback_metric(decode, z, create_graph=True)

    assert torch.autograd.gradcheck(value, (z, f[0].weight))
    pullback_metric(f, z, create_graph=True).sum().backward()
    # The last bias moves the data, and no derivative of them.
    assert all(p.grad is not None for name, p in f.named_parameters() if name != "2.bias")


class Scaled(nn.Module):
    """A layer that divides by a running estimate, which every pass in train mode changes in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x):
        if self.training:
            self.scale.lerp_(x.detach().std(), 0.1)
        return x / self.scale


@pytest.mark.parametrize("layer", [Scaled, functools.partial(nn.BatchNorm1d, 8)])
def test_a_graph_survives_what_training_does_to_buffers(layer):
    f, z = nn.Sequential(nn.Linear(M, 8), layer(), nn.Tanh(), nn.Linear(8, 5)), torch.randn(6, M)
    f(z)
    expected = pullback_metric(f, z, create_graph=True)
    slope = torch.autograd.grad(expected.sum(), f[0].weight)[0]
    G = pullback_metric(f, z, create_graph=True)
    f(z)
    G.sum().backward()
    torch.testing.assert_close(f[0].weight.grad, slope)


def test_transforms_see_through():
    f, z = DECODERS["tanh"](), torch.randn(4, M)

    def trace(point):
        return pullback_metric(f, point, create_graph=True).diagonal(dim1=-2, dim2=-1).sum()

    leaf = z.clone().requires_grad_()
    trace(leaf).backward()
    torch.testing.assert_close(torch.func.grad(trace)(z), leaf.grad)
    torch.testing.assert_close(vmap(torch.func.grad(trace))(z), leaf.grad)
    torch.testing.assert_close(vmap(lambda p: pullback_metric(f, p))(z), pullback_metric(f, z))


# ---- layers that act differently while training ----


@pytest.mark.parametrize("name", DECODERS)
def test_a_module_counts_as_in_eval_mode_and_is_left_as_it_was(name):
    f, z = DECODERS[name](), torch.randn(6, M)
    f(z)
    list(f.children())[-1].eval()
    modes, buffers = [p.training for p in f.modules()], {k: v.clone() for k, v in f.named_buffers()}
    held = [value.data_ptr() for value in f.buffers()]
    G = pullback_metric(f, z)
    assert [p.training for p in f.modules()] == modes
    assert [value.data_ptr() for value in f.buffers()] == held
    for key, value in f.named_buffers():
        assert value.equal(buffers[key]), key
    torch.testing.assert_close(pullback_metric(f.eval(), z), G)


def test_a_bound_method_of_a_module_counts_as_the_module():
    model, z = Model(DECODERS["BatchNorm"]()), torch.randn(6, M)
    model.decode(z)
    G = pullback_metric(model.decode, z)
    assert model.training
    torch.testing.assert_close(G, pullback_metric(model.eval().decode, z))
    torch.testing.assert_close(G, pullback_metric(model.decoder.forward, z))


def test_any_other_callable_is_taken_as_it_is():
    f, z = DECODERS["dropout"](), torch.randn(6, M)
    as_it_is = pullback_metric(lambda z: f(z), z)
    assert not torch.allclose(as_it_is, pullback_metric(f, z))
    # One mask for all directions: the matrix is a metric of something.
    assert (torch.linalg.eigvalsh(as_it_is) > -1e-12).all()


def test_modes_and_buffers_return_after_an_error(unchecked):
    f = DECODERS["BatchNorm"]()
    held = [value.data_ptr() for value in f.buffers()]
    with pytest.raises(ValueError, match="does not take"):
        jacobian(f, torch.randn(6, M + 1))
    assert all(p.training for p in f.modules())
    assert [value.data_ptr() for value in f.buffers()] == held


def test_statistics_of_the_batch_are_refused():
    f = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(ValueError, match=r"`f` has BatchNorm1d.* depends on the others.*track_running_stats=True"):
        jacobian(f, torch.randn(6, 2))


@pytest.mark.parametrize("name", ["tanh", "BatchNorm", "spectral norm"])
def test_a_family_in_train_mode(name):
    members = [DECODERS[name]() for _ in range(3)]
    family, z = Family(members, batched=True), torch.randn(4, M)
    together = family.call(lambda model, z: pullback_metric(model, z), z)
    torch.testing.assert_close(together, torch.stack([pullback_metric(member, z) for member in members]))


# ---- what is refused ----

BROKEN = {
    "numpy": lambda z: torch.as_tensor(np.sin(z.numpy())),
    "a list": lambda z: torch.tensor(z.tolist()),
    "detach": lambda z: z.detach() ** 2,
    "constant": lambda z: torch.zeros_like(z),
    "inference": torch.inference_mode()(lambda z: z**2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_decoder_that_cannot_be_differentiated(unchecked, name):
    with pytest.raises(TypeError, match=r"`f` cannot be differentiated .*compute in torch from `z`.*without numpy"):
        jacobian(BROKEN[name], torch.randn(4, 2))


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda z: z.argmax(-1), r"`f` returns torch.int64, .*leave out what rounds"),
        (lambda z: (z, z.exp()), r"`f` returns tuple, .*`stack_moments\(\*f\(z\)\)`"),
        (lambda z: z.detach().tolist(), r"`f` returns list, .*one tensor"),
    ],
)
def test_data_that_have_no_derivative(unchecked, f, words):
    with pytest.raises(TypeError, match=words):
        jacobian(f, torch.randn(4, 2))


def test_a_decoder_of_single_points(unchecked):
    def f(z):
        return torch.stack([z[0], z[1], z[0] * z[1]])

    with pytest.raises(ValueError, match=r"`f` returns shape \(3, 2\) for points of shape \(4, 2\).*torch.vmap\(f\)"):
        jacobian(f, torch.randn(4, 2))
    assert jacobian(vmap(lambda z: z.sin().sum()), torch.randn(4, 2)).shape == (4, 1, 2)


@pytest.mark.parametrize("z", [torch.randn(4, 7), torch.randn(4, M, dtype=torch.float32)])
def test_points_that_the_decoder_does_not_take(unchecked, z):
    with pytest.raises(ValueError, match=r"`f` does not take `z` of shape \(4, \d\) and type torch.float\d\d: "):
        jacobian(DECODERS["tanh"](), z)


@pytest.mark.parametrize("look", [jacobian, pullback_metric])
def test_points_that_are_none(unchecked, look):
    with pytest.raises(TypeError, match=r"`z` must be floating point .* torch.int64: pass `.float\(\)`"):
        look(torch.sin, torch.arange(3))
    with pytest.raises(ValueError, match=r"`z` is a number.*\(..., m\)"):
        look(torch.sin, torch.tensor(1.0))
    for value in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match=r"`z` has entries that are not finite: look at the encoder"):
            look(torch.sin, torch.tensor([[1.0, 2.0], [0.0, value]]))


def test_steps_that_do_not_fit(unchecked):
    with pytest.raises(ValueError, match=r"`dz` has shape \(2,\) for points `z` of shape \(4, 2\): .*expand_as"):
        pushforward(torch.sin, torch.randn(4, 2), torch.randn(2))
