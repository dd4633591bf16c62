"""Perceptrons of hierarchies, and the parts that networks of two things are made of."""

import pytest
import torch
from torch import nn

from latentbook.learning.likelihoods import LogisticMixture
from latentbook.learning.models.hierarchies import Joined, Trunk, hierarchical_mlp

WAYS = ["top-down", "ladder", "bottom-up"]


def test_joined_features_are_those_of_each():
    of_x, of_z, of_both = nn.Linear(4, 3), nn.Linear(2, 5), nn.Linear(8, 6)
    x, z = torch.rand(9, 4), torch.rand(7, 9, 2)
    expected = torch.stack([of_both(torch.cat([of_x(x), of_z(own)], -1)) for own in z])
    torch.testing.assert_close(Joined(of_x, of_z, of_both)(x, z), expected)


def test_joined_maps_meet_channel_by_channel():
    maps, told = torch.rand(5, 3, 4, 4), torch.rand(7, 5, 2, 4, 4)
    both = Joined(nn.Identity(), nn.Identity(), nn.Identity(), dims=3)(maps, told)
    assert both.shape == (7, 5, 5, 4, 4)
    assert both[2, :, :3].equal(maps)
    assert both[:, :, 3:].equal(told)


def test_data_are_looked_at_once_for_several_codes():
    calls = []
    of_x = nn.Linear(4, 3)
    of_x.register_forward_hook(lambda module, given, result: calls.append(result.shape))
    Joined(of_x, nn.Identity(), nn.Identity())(torch.rand(9, 4), torch.rand(7, 9, 2))
    assert calls == [(9, 3)]


def test_a_trunk_keeps_every_result():
    parts, x = [nn.Linear(6, 4), nn.Linear(4, 3), nn.Linear(3, 2)], torch.rand(9, 6)
    first, second, third = Trunk(parts)(x)
    assert first.equal(parts[0](x))
    assert second.equal(parts[1](first))
    assert third.equal(parts[2](second))


@pytest.mark.parametrize(
    ("way", "count"),
    [
        # Of 6 values, codes of 5, 4 and 3, one hidden layer of 8; posteriors of the layers 1 to 3.
        ("top-down", (11 - 1) * 8 + 8 + 90 + (6 + 3) * 8 + 8 + 72 + 6 * 8 + 8 + 54),
        ("ladder", 6 * 8 + 8 + 2 * 72 + 90 + 72 + 54),
        ("bottom-up", 6 * 8 + 8 + 90 + 5 * 8 + 8 + 72 + 4 * 8 + 8 + 54),
    ],
)
def test_parameters_are_those_of_the_layers(way, count):
    model = hierarchical_mlp((6,), (5, 4, 3), [8], inference=way)
    # Priors of 1 and 2, and the decoder.
    count += 4 * 8 + 8 + 90 + 3 * 8 + 8 + 72 + 5 * 8 + 8 + 54
    assert sum(parameter.numel() for parameter in model.parameters()) == count


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dims", [(4, 2), (5, 4, 3, 2)])
@pytest.mark.parametrize("event", [(6,), (1, 4, 5)])
def test_any_number_of_layers_and_any_event(event, dims, way):
    model = hierarchical_mlp(event, dims, [12, 8], inference=way, likelihood="bernoulli")
    x = torch.rand(2, 5, *event)
    assert model.layers == len(dims)
    assert [model.encode(x, layer).shape for layer in range(1, len(dims) + 1)] == [(2, 5, size) for size in dims]
    assert model.decode(model.encode(x)).shape == x.shape
    assert [mask.shape for mask in model.elbo_terms(x)] == [(2, 5), (2, 5, len(dims))]


def test_hidden_sizes_are_of_the_data_side_first():
    model = hierarchical_mlp((6,), (5, 4), [12, 8])
    assert [layer.out_features for layer in model.decoder.modules() if isinstance(layer, nn.Linear)] == [8, 12, 6]
    assert [layer.out_features for layer in model.priors[0] if isinstance(layer, nn.Linear)] == [8, 12, 10]
    assert [layer.out_features for layer in model.posteriors[1].modules() if isinstance(layer, nn.Linear)] == [12, 8, 8]


def test_options_reach_the_model():
    noise = LogisticMixture((1, 4, 4), 3)
    model = hierarchical_mlp((1, 4, 4), likelihood=noise, top="categorical", temperature=0.3, hard=True, floor=0.1)
    assert model.likelihood is noise
    assert (model.top, model.temperature, model.hard, model.floor) == ("categorical", 0.3, True, 0.1)
    assert model.infer(torch.rand(3, 1, 4, 4)).posteriors[0].stddev.min() > 0.1
    assert any(isinstance(part, nn.SiLU) for part in hierarchical_mlp((6,), activation=nn.SiLU).modules())
    # A ladder without hidden layers has nothing to share; the others are linear.
    assert sum(1 for part in hierarchical_mlp((6,), hidden=()).modules() if isinstance(part, nn.ReLU)) == 0


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="at least two layers"):
        hierarchical_mlp((6,), (4,))
    with pytest.raises(ValueError, match=r"`hidden` is empty, but a ladder's layers share features"):
        hierarchical_mlp((6,), hidden=(), inference="ladder")
    for name in ("inference", "likelihood", "top"):
        with pytest.raises(ValueError, match=rf"`{name}` is 'sideways', which is unknown: pass one of"):
            hierarchical_mlp((6,), **{name: "sideways"})
