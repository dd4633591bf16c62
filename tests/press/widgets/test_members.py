"""What counts as a model, and what is refused before it is drawn."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp, mlp_encoder
from latentbook.press.widgets import from_arrays
from latentbook.press.widgets.members import Event, event_of, members_of
from tests.press.widgets.models import EVENT, autoencoder, decoder, vae

CODES = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(6, 2)
X = torch.linspace(0, 1, 96, dtype=torch.float64).reshape(6, *EVENT)


def arrays(*sizes):
    generator = np.random.default_rng(0)
    return from_arrays([generator.normal(size=s) for a, b in itertools.pairwise(sizes) for s in ((b, a), b)])


class Fixed(nn.Module):
    """A model whose parts are to be given."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


# ---- kinds of models ----


@pytest.mark.parametrize(("make", "spread"), [(vae, True), (autoencoder, False)])
def test_a_model_of_the_contract(make, spread):
    model = make()
    [member] = members_of(model)
    torch.testing.assert_close(member.encode(X), model.encode(X).detach())
    torch.testing.assert_close(member.decode(CODES), model.decode(CODES).detach())
    torch.testing.assert_close(member.encoder(X.flatten(1))[:, :2], model.encode(X).detach())
    assert member.described["spread"] is spread
    assert [len(network.layers) for network in member.networks] == [2, 2]


def test_a_bare_decoder():
    [member] = members_of(decoder())
    assert (member.encoder, member.encode) == (None, None)
    assert member.described["encoder"] is None
    assert member.described["spread"] is False
    assert len(member.networks) == 1


def test_a_perceptron_of_arrays():
    perceptron = arrays(2, 5, 16)
    [member] = members_of(perceptron)
    assert member.decode(CODES).equal(perceptron(CODES))


def test_pairs_of_networks():
    encoder = mlp_encoder(EVENT, [5], 4)
    for pair in ((encoder, decoder()), (arrays(16, 5, 4), decoder()), (encoder, arrays(2, 5, 16))):
        [member] = members_of(pair)
        assert member.encode(X).shape == (6, 2)
        assert member.described["spread"] is True
        member.compare(CODES, X)


def test_a_model_without_methods_of_the_contract():
    model = Fixed(mlp_encoder(EVENT, [5], 4), decoder())
    [member] = members_of(model)
    assert member.encode(X).equal(model.encoder(X)[:, :2].detach())


def test_a_family_is_a_sequence():
    assert [member.name for member in members_of([vae(0), vae(1)])] == ["models[0]", "models[1]"]
    assert len(members_of((vae(0), vae(1)))) == 2
    assert len(members_of([decoder(0), decoder(1)])) == 2
    assert len(members_of([(mlp_encoder(EVENT, [5], 2), decoder())] * 3)) == 3
    assert len(members_of(nn.ModuleList([decoder(0), decoder(1)]))) == 2


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("vae", r"`models\[0\]` is of type str: pass a model"),
        ([decoder(), np.ones(3)], r"`models\[1\]` is of type ndarray"),
        (print, "`models` is of type builtin_function_or_method"),
        (type("Model", (), {"encoder": print, "decoder": decoder()}), "`models.encoder` is of type builtin"),
    ],
)
def test_other_things_are_refused(models, words):
    with pytest.raises(TypeError, match=words):
        members_of(models)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([], "`models` is empty"),
        (vae(m=3), "`models` has 3 latents, but the explorer draws planes: pass a model with 2; chapter 2's figures"),
        ([decoder(), mlp([1, 4])], r"`models\[1\]` has 1 latent, but"),
        ((decoder(0), decoder(1)), "an encoder with 16 outputs and a decoder with 2 inputs: .* list, not a tuple"),
        (Fixed(mlp_encoder(EVENT, [5], 3), decoder()), "an encoder with 3 outputs"),
        ([vae(), decoder()], r"`models\[1\]` has no encoder, but others"),
        (Fixed(mlp_encoder(EVENT, [5], 2), nn.Conv2d(1, 1, 3)), r"`models\.decoder` has the layer Conv2d, which"),
        ([vae(), Fixed(nn.Conv2d(1, 1, 3), decoder())], r"`models\[1\]\.encoder` has the layer Conv2d"),
        ((nn.Conv2d(1, 1, 3), decoder()), r"`models\[0\]` has the layer Conv2d"),
    ],
)
def test_models_that_the_explorer_cannot_draw(models, words):
    with pytest.raises(ValueError, match=words):
        members_of(models)


# ---- models are left as they are ----


def test_modes_gradients_and_numbers_stay():
    model = vae()
    model.encoder.eval()
    model.decoder.append(nn.Dropout(0.9))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    [member] = members_of(model)
    member.compare(CODES, X)
    assert model.training
    assert model.decoder[-1].training
    assert not model.encoder.training
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert all(value.requires_grad and value.grad is None for value in model.parameters())
    assert torch.get_rng_state().equal(generator)
    assert not member.decode(CODES).requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_precision(dtype, device):
    [member] = members_of(vae().to(device, dtype))
    member.compare(CODES, X)
    assert (member.decode(CODES).dtype, member.decode(CODES).device.type) == (torch.float64, "cpu")
    assert member.encode(X).dtype == torch.float64


# ---- what a model does besides ----


class Enlarging(VAE):
    def decode(self, z):
        return 1.01 * super().decode(z)


class Shifting(VAE):
    def encode(self, x):
        return super().encode(x - 0.5)


@pytest.mark.parametrize(("kind", "what"), [(Enlarging, "decode"), (Shifting, "encode")])
def test_more_than_layers_is_refused(kind, what):
    parts = vae()
    [member] = members_of(kind(parts.encoder, parts.decoder))
    with pytest.raises(ValueError, match=f"`models`: its {what} does more than its layers"):
        member.compare(CODES, X)


def test_layers_in_another_order_are_refused():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.second, self.first = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, z):
            return self.second(self.first(z).tanh())

    with pytest.raises(ValueError, match="decode does more"):
        members_of(Backwards())[0].compare(CODES, None)


def test_nan_is_a_difference():
    class Broken(nn.Sequential):
        def forward(self, z):
            return super().forward(z) * torch.nan

    with pytest.raises(ValueError, match="decode does more"):
        members_of(Broken(nn.Linear(2, 3)))[0].compare(CODES, None)


def test_single_precision_is_no_difference():
    parts = vae(), autoencoder()
    for member in members_of([model.float() for model in parts]):
        member.compare(100 * torch.randn(500, 2), torch.rand(500, *EVENT))


# ---- what they decode to ----


@pytest.mark.parametrize(
    ("model", "examples", "shape", "bones", "expected"),
    [
        (vae(), EVENT, None, None, Event("image", EVENT)),
        (vae(), None, None, None, Event("image", EVENT)),
        (vae(event=(3, 4, 4)), None, None, None, Event("image", (3, 4, 4))),
        (decoder(), None, None, None, Event("curve", (16,))),
        (decoder(), None, (4, 4), None, Event("image", (4, 4))),
        (decoder(), (1, 4, 4), None, None, Event("image", (1, 4, 4))),
        (decoder(), None, [8, 2], [(0, 1), (1, 7)], Event("skeleton", (8, 2), ((0, 1), (1, 7)))),
        (autoencoder(event=(5, 3)), (5, 3), None, [[0, 4]], Event("skeleton", (5, 3), ((0, 4),))),
    ],
)
def test_events(model, examples, shape, bones, expected):
    found = event_of(members_of(model), examples, shape, bones)
    assert found == expected
    assert found.size == np.prod(expected.shape)


@pytest.mark.parametrize(
    ("models", "arguments", "words"),
    [
        ([vae(), vae(event=(1, 4, 5))], (), r"`models\[1\]` decodes to \(1, 4, 5\), but `models\[0\]` to \(1, 4, 4\)"),
        (vae(), ((1, 4, 5),), r"`data` has examples of shape \(1, 4, 5\), but the models decode to \(1, 4, 4\)"),
        (decoder(), (None, (5, 5)), r"`shape` is \(5, 5\), but the models decode to \(16,\): pass one of 16 numbers"),
        (vae(event=(2, 4, 2)), (), r"decode to \(2, 4, 2\), which the page cannot draw: .*C 1 or 3"),
        (decoder(), (None, None, [(0, 1)]), r"`bones` joins joints, but the models decode to \(16,\)"),
        (decoder(), (None, (4, 4), [(0, 1)]), r"`bones` joins joints, but the models decode to \(4, 4\)"),
        (decoder(), (None, (8, 2), [(0, 8)]), r"`bones` has \(0, 8\), but a bone is a pair of joints from 0 to 7"),
        (decoder(), (None, (8, 2), [(0, 1, 2)]), r"`bones` has \(0, 1, 2\)"),
        ((mlp([5, 4]), decoder()), (), "`models` encodes 5 numbers and decodes to 16"),
    ],
)
def test_events_that_do_not_fit(models, arguments, words):
    with pytest.raises(ValueError, match=words):
        event_of(members_of(models), *arguments)


def test_a_model_that_cannot_take_its_data_says_so():
    [member] = members_of(vae())
    with pytest.raises(ValueError, match=r"`models` cannot take data of shape \(6, 15\): pass what it was made for"):
        member.encode(X.flatten(1)[:, :15])
