"""Perceptrons have the shapes and activations that they promise."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.learning.nets import AnyBatch, fold_batch_norm, mlp, mlp_decoder, mlp_encoder


def test_activation_between_and_not_after():
    kinds = [type(layer) for layer in mlp([3, 5, 7, 2], nn.Tanh)]
    assert kinds == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]


def test_one_linear_layer_is_affine():
    body = mlp([3, 2])
    x = torch.randn(4, 3)
    torch.testing.assert_close(body(x), x @ body[0].weight.T + body[0].bias)


def test_parametrization_reaches_every_layer():
    body = mlp([6, 9, 4], parametrization=lambda linear: spectral_norm(linear, n_power_iterations=100)).eval()
    norms = [torch.linalg.matrix_norm(layer.weight, 2) for layer in body if isinstance(layer, nn.Linear)]
    torch.testing.assert_close(torch.stack(norms), torch.ones(2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("event", [(7,), (1, 8, 8), (3, 4, 5)])
@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_events_and_batches_of_any_shape(event, batch):
    encoder, decoder = mlp_encoder(event, [16], 2), mlp_decoder(2, [16], event)
    z = encoder(torch.rand(*batch, *event))
    assert z.shape == (*batch, 2)
    assert decoder(z).shape == (*batch, *event)


@pytest.mark.parametrize("widths", [[], [3], [3, 0, 2]])
def test_impossible_widths(widths):
    with pytest.raises(ValueError, match=r"`widths` is .*at least 1"):
        mlp(widths)


def test_an_example_has_a_dimension():
    with pytest.raises(ValueError, match=r"`event_shape` is \(\)"):
        mlp_encoder((), [4], 2)


@pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3), (0,), (2, 0, 3)])
def test_any_batch_of_a_network_that_knows_one_dimension(batch):
    body = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 2)).eval()
    x = torch.rand(*batch, 2, 4, 5)
    found = AnyBatch(body, (2, 4, 5))(x)
    assert found.shape == (*batch, 3, 3, 4)
    torch.testing.assert_close(found.reshape(-1, 3, 3, 4), body(x.reshape(-1, 2, 4, 5)))


@pytest.mark.parametrize("shape", [(4,), (4, 5), (2, 5, 4), (7, 2, 4, 6)])
def test_any_batch_refuses_other_events(shape):
    with pytest.raises(ValueError, match=r"`x` has shape .*, but must end in \(2, 4, 5\)"):
        AnyBatch(nn.Identity(), (2, 4, 5))(torch.zeros(shape))


@pytest.mark.parametrize("bias", [True, False])
def test_batch_norm_is_folded_into_the_layer_before(bias):
    inner = AnyBatch(nn.Sequential(nn.Linear(5, 4, bias=bias), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3)), (5,))
    network = nn.Sequential(inner, nn.Sequential(spectral_norm(nn.Linear(3, 6)), nn.BatchNorm1d(6, affine=False)))
    # Statistics and scales that are not those of the beginning.
    network.train()(3 * torch.randn(40, 5) + 1)
    nn.init.normal_(inner.body[1].weight)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x, folded = torch.randn(2, 7, 5), fold_batch_norm(network)
    assert network.training
    assert all(network.state_dict()[name].equal(value) for name, value in before.items())
    torch.testing.assert_close(folded(x), network.eval()(x.reshape(-1, 5)).reshape(2, 7, 6))
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in folded.modules())
    assert not folded.training


def test_other_layers_are_not_folded():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4))
    assert [type(layer) for layer in fold_batch_norm(network)] == [type(layer) for layer in network]
