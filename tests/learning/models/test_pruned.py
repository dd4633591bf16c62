"""The autoencoder that prunes itself: what is frozen is paid for, alone as in a family."""

import pytest
import torch
from torch.nn.functional import mse_loss

from latentbook.learning.family import Family, family_loss
from latentbook.learning.models.pruned import PrunedAutoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.lipschitz import spectral_norm
from latentbook.volume import DynamicPruning, volume_penalty


def make(budget, seed=0, **options):
    torch.manual_seed(seed)
    decoder = mlp_decoder(4, [8], (1, 4, 4), parametrization=spectral_norm)
    return PrunedAutoencoder(mlp_encoder((1, 4, 4), [8], 4), decoder, DynamicPruning(4, budget), **options)


def descend(model, loss, x, steps=5):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        terms = loss(model, x, step)
        (terms["reconstruction"] + 0.1 * terms["penalty"]).sum().backward()
        optimizer.step()


def test_without_a_budget_to_spend_it_is_the_autoencoder():
    model, x = make(budget=1e-9), torch.rand(6, 1, 4, 4)
    terms, z = model.eval().terms(x), model.encode(x)
    assert z.equal(model.encoder(x))
    torch.testing.assert_close(terms["reconstruction"], mse_loss(model.decode(z), x))
    torch.testing.assert_close(terms["penalty"], volume_penalty(z, 0.0))
    torch.testing.assert_close(make(1e-9, eta=1.0).eval().terms(x)["penalty"], volume_penalty(z, 1.0))


def test_only_training_freezes():
    model, x = make(budget=100.0), torch.rand(6, 1, 4, 4)
    model.eval().terms(x)
    assert model.pruning.active.all()
    model.train().terms(x)
    assert model.pruning.active.tolist().count(False) == 1
    # What is frozen counts from the next batch on: codes have its mean there.
    assert (model.eval().encode(x).std(0) == 0).tolist() == (~model.pruning.active).tolist()


@pytest.mark.parametrize("reconstruction", ["mse", "bce"])
def test_the_budget_is_of_squared_distances_whatever_is_trained_on(reconstruction):
    model, x = make(budget=1e-9, reconstruction=reconstruction), torch.rand(6, 1, 4, 4)
    model.decoder.append(torch.nn.Sigmoid())
    model.train().terms(x)
    distance = (model.eval().decode(model.encoder(x)) - x).flatten(1).square().sum(1).mean()
    # In train mode the layers' norms are estimated once more than in the pass that is compared.
    torch.testing.assert_close(model.pruning.squared_error, distance, rtol=1e-3, atol=0)


def test_a_family_freezes_what_its_members_would_alone():
    x = torch.rand(20, 1, 4, 4)
    alone, members = [make(3.0, seed) for seed in range(3)], [make(3.0, seed) for seed in range(3)]
    family = Family(members)
    descend(family.train(), family_loss(lambda model, x, step: model.terms(x)), x)
    for one, member in zip(alone, family.members(), strict=True):
        descend(one.train(), lambda model, x, step: model.terms(x), x)
        assert member.pruning.active.equal(one.pruning.active)
        torch.testing.assert_close(member.pruning.mean, one.pruning.mean)
        torch.testing.assert_close(member.encoder[1][0].weight, one.encoder[1][0].weight)
    assert not all(one.pruning.active.all() for one in alone)
