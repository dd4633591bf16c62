"""The autoencoder keeps the model contract."""

import pytest
import torch
from torch import nn

from latentbook.isometry import relaxed_distortion
from latentbook.learning.family import Family
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


# ---- penalties on the decoder ----------------------------------------------------------------------------------------


def slope(decode, z, noise=None):
    """Whatever a penalty may do with its arguments."""
    return decode(z).sum() + (0 if noise is None else 100 * noise.sum())


def test_a_decoder_s_penalty_is_given_the_decoder_and_the_codes():
    model = Autoencoder(
        nn.Linear(4, 2), nn.Linear(2, 4), {"volume": volume_penalty}, decoder_penalties={"slope": slope}
    )
    x, noise = torch.rand(5, 4), torch.rand(5, 2)
    terms, z = model.terms(x), model.encode(x)
    assert list(terms) == ["reconstruction", "volume", "slope"]
    torch.testing.assert_close(terms["slope"], model.decode(z).sum())
    torch.testing.assert_close(terms["volume"], volume_penalty(z))
    given = model.terms(x, {"slope": noise})
    torch.testing.assert_close(given["slope"], model.decode(z).sum() + 100 * noise.sum())
    assert given["reconstruction"].equal(terms["reconstruction"])


def test_terms_encode_once_whatever_penalties_there_are():
    model, calls = Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), decoder_penalties={"slope": slope, "again": slope}), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.terms(torch.rand(5, 4))
    assert len(calls) == 1


def test_a_decoder_s_penalty_reaches_both_networks():
    model = Autoencoder(nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh()), decoder_penalties={"slope": slope})
    grads = torch.autograd.grad(model.terms(torch.rand(5, 4))["slope"], [*model.parameters()])
    assert all(grad.abs().sum() > 0 for grad in grads)


def test_noise_that_is_not_given_cannot_be_drawn_in_a_family():
    members = [Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), decoder_penalties={"isometry": relaxed_distortion})] * 2
    family, x, noise = Family(members), torch.rand(5, 4), torch.rand(5, 2)
    together = family.call(lambda model, x, noise: model.terms(x, {"isometry": noise}), x, noise)
    assert together["isometry"].tolist() == [members[0].terms(x, {"isometry": noise})["isometry"].item()] * 2
    with pytest.raises(RuntimeError, match="random"):
        family.call(lambda model, x: model.terms(x), x)


def test_noise_for_nothing():
    model = Autoencoder(
        nn.Linear(4, 2), nn.Linear(2, 4), {"volume": volume_penalty}, decoder_penalties={"slope": slope}
    )
    for name in ("slop", "volume", "code"):
        with pytest.raises(ValueError, match=rf"`noise` names '{name}', but the decoder's penalties are \['slope'\]"):
            model.terms(torch.rand(5, 4), {name: torch.rand(5, 2)})


@pytest.mark.parametrize(
    ("penalties", "decoder_penalties", "name"),
    [
        ({"reconstruction": volume_penalty}, {}, "reconstruction"),
        ({}, {"reconstruction": slope}, "reconstruction"),
        ({"flat": volume_penalty}, {"flat": slope}, "flat"),
    ],
)
def test_a_term_has_a_name_of_its_own(penalties, decoder_penalties, name):
    with pytest.raises(ValueError, match=f"'{name}' is the name of two terms: give a penalty another name"):
        Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), penalties, decoder_penalties=decoder_penalties)
