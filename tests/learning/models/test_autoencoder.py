"""The autoencoder keeps the model contract."""

import torch
from torch import nn

from latentbook.learning.models.autoencoder import Autoencoder, PointMass
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.volume import volume_penalty


def make():
    return Autoencoder(mlp_encoder((1, 4, 4), [8], 3), mlp_decoder(3, [8], (1, 4, 4)), {"volume": volume_penalty})


def test_shapes_of_the_contract():
    model, x = make(), torch.rand(5, 1, 4, 4)
    z = model.encode(x)
    assert z.shape == (5, 3)
    assert model.decode(z).shape == x.shape
    assert model.posterior(x).mean.equal(z)


def test_terms_are_unweighted_and_named():
    model, x = make(), torch.rand(5, 1, 4, 4)
    terms = model.terms(x)
    z = model.encode(x)
    assert list(terms) == ["reconstruction", "volume"]
    torch.testing.assert_close(terms["reconstruction"], (model.decode(z) - x).square().mean())
    torch.testing.assert_close(terms["volume"], volume_penalty(z))


def test_terms_without_penalties():
    assert list(Autoencoder(nn.Identity(), nn.Identity()).terms(torch.rand(2, 3))) == ["reconstruction"]


def test_terms_encode_once():
    model, calls = make(), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.terms(torch.rand(5, 1, 4, 4))
    assert len(calls) == 1


def test_a_point_mass_is_a_distribution():
    belief = PointMass(torch.arange(6.0).reshape(2, 3))
    assert (belief.batch_shape, belief.event_shape) == ((2,), (3,))
    assert belief.rsample((4,)).shape == belief.sample((4,)).shape == (4, 2, 3)
    assert (belief.rsample((4,)) == belief.mean).all()
    assert (belief.stddev == 0).all()
    assert belief.expand((5, 2)).batch_shape == (5, 2)


def test_gradients_pass_through_a_sample():
    z = torch.zeros(3, requires_grad=True)
    PointMass(z).rsample((2,)).sum().backward()
    assert z.grad.tolist() == [2, 2, 2]
