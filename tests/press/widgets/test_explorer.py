"""The explorer's state, as a page reads it, and what it is told from Python."""

import base64
import gzip
import json

import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.metric import pullback_metric
from latentbook.press.widgets import LatentExplorer, from_arrays
from latentbook.press.widgets.explorer import Rounding
from tests.press.widgets.models import EVENT, autoencoder, decoder, vae

LAMBDAS = [0.0, 0.5, 2.0]
CONTENT = ["alt", "classes", "count", "event", "examples", "members", "notes", "pad", "plane", "radius"]


@pytest.fixture
def data():
    x = torch.rand(30, *EVENT)
    return Dataset(x, torch.arange(30) % 3, classes=["a", "b", "c"])


@pytest.fixture
def models():
    return [vae(seed) for seed in range(3)]


@pytest.fixture
def family(models, data):
    return LatentExplorer(models, data, lam=LAMBDAS, words=["one.", "two.", "three."], shown=0.5)


@pytest.fixture(scope="module")
def digits():
    return load("digits", "test", device="cpu")


def numbers(buffer):
    return torch.from_numpy(np.frombuffer(buffer, "<f2").astype(float))


def read(explorer):
    """Read members as a page does: layers and codes, from the state alone."""
    content, weights = explorer.content, numbers(explorer.weights)
    codes = numbers(explorer.codes).reshape(len(content["members"]), content["count"], 2)
    found, at = [], 0
    for told in content["members"]:
        networks = []
        for layers in (told["decoder"], told["encoder"] or []):
            arrays = []
            for layer in layers:
                size = layer["inputs"] * layer["outputs"]
                arrays += [weights[at : at + size].reshape(layer["outputs"], layer["inputs"])]
                arrays += [weights[at + size : at + size + layer["outputs"]]]
                at += size + layer["outputs"]
            if layers:
                first, last = layers[0]["activation"], layers[-1]["activation"]
                networks.append(from_arrays(arrays, first, last))
        found.append(networks)
    assert at == len(weights)
    return found, codes


# ---- the state ----


def test_the_state_is_what_the_page_reads(family, models, data):
    assert sorted(family.content) == CONTENT
    assert family.content["event"] == {"kind": "image", "shape": [1, 4, 4], "range": [0.0, 1.0], "bones": []}
    assert [member["lam"] for member in family.content["members"]] == LAMBDAS
    assert [member["words"] for member in family.content["members"]] == ["one.", "two.", "three."]
    assert {member["spread"] for member in family.content["members"]} == {True}
    assert (family.content["classes"], family.content["count"]) == (["a", "b", "c"], 30)
    assert (family.content["pad"], family.content["examples"], family.content["notes"]) == ("", "uint8", [])
    assert list(family.labels) == data.y.tolist()
    assert list(family.examples) == (255 * data.x).round().int().flatten().tolist()
    networks, codes = read(family)
    for (decode, encode), model, member, plane in zip(networks, models, family.content["members"], codes, strict=True):
        x, turn = data.x.flatten(1), torch.tensor(member["turn"])
        own = model.encode(data.x).detach()
        # Half precision has eleven bits, and a layer adds up a dozen numbers.
        torch.testing.assert_close(encode(x)[:, :2], own, rtol=0.01, atol=0.003)
        torch.testing.assert_close(plane, own @ turn, rtol=2**-11, atol=1e-6)
        torch.testing.assert_close(decode(own), model.decode(own).detach().flatten(1), rtol=0.01, atol=0.003)


def test_the_state_is_plain(family):
    assert json.loads(json.dumps(family.content)) == family.content

    def kinds(value):
        if isinstance(value, (dict, list)):
            return set().union(*map(kinds, value.values() if isinstance(value, dict) else value), {type(value)})
        return {type(value)}

    assert kinds(family.content) <= {dict, list, str, int, float, bool, type(None)}
    state = family.get_state()
    buffers = {name for name, value in state.items() if isinstance(value, bytes)}
    assert buffers == {"weights", "codes", "examples", "labels"}
    json.dumps({name: value for name, value in state.items() if name not in buffers and name != "layout"})
    assert {type(value) for name in ("probe", "start", "end") for value in state[name]} == {float}


def test_all_planes_are_in_one_square(family):
    codes, plane = read(family)[1].flatten(0, 1), family.content["plane"]
    away = (codes - torch.tensor(plane["centre"])).abs().max()
    assert 0.99 * plane["reach"] / 1.12 < away < plane["reach"]


def test_the_first_view(family, models, data):
    own = models[1].encode(data.x).detach()
    assert (family.lam, family.ellipses, family.magnification) == (0.5, "grid", False)
    assert data.y[family.example] == 1
    assert family.probe == pytest.approx(own[family.example].tolist())
    ends = [int((own - torch.tensor(code)).norm(dim=1).argmin()) for code in (family.start, family.end)]
    assert data.y[ends].tolist() == [0, 2]
    assert [own[end].tolist() for end in ends] == [family.start, family.end]


def test_the_same_arguments_make_the_same_state(family, models, data):
    again = LatentExplorer(models, data, lam=LAMBDAS, words=["one.", "two.", "three."], shown=0.5)
    one, other = family.get_state(), again.get_state()
    assert {name for name in one if one[name] != other[name]} == {"layout"}


def test_models_are_left_as_they_are(models, data):
    before = [{name: value.clone() for name, value in model.state_dict().items()} for model in models]
    explorer = LatentExplorer(models, data, lam=LAMBDAS)
    assert explorer.rounding.data > 0
    for model, state in zip(models, before, strict=True):
        assert all(part.training for part in model.modules())
        assert all(value.equal(state[name]) for name, value in model.state_dict().items())
        assert all(value.requires_grad and value.grad is None for value in model.parameters())
    assert torch.is_grad_enabled()


def test_any_precision_and_device(models, data, device):
    explorer = LatentExplorer(vae(0), data)
    moved = LatentExplorer(vae(0).to(device).float(), data.to(device))
    one, other = numbers(explorer.codes), numbers(moved.codes)
    torch.testing.assert_close(one, other, rtol=2**-10, atol=1e-5)
    assert (explorer.examples, explorer.labels) == (moved.examples, moved.labels)


# ---- one model, and others than images ----


def test_a_bare_decoder_around_the_prior():
    explorer = LatentExplorer(decoder())
    [member] = explorer.content["members"]
    assert (member["lam"], member["turn"], member["encoder"]) == (None, [[1.0, 0.0], [0.0, 1.0]], None)
    assert explorer.content["plane"] == {"centre": [0.0, 0.0], "reach": 3.0}
    assert (explorer.content["count"], explorer.content["classes"]) == (0, [])
    assert (explorer.codes, explorer.examples, explorer.labels) == (b"", b"", b"")
    assert (explorer.probe, explorer.start, explorer.end) == ([0.0, 0.0], [-1.5, -1.5], [1.5, 1.5])
    assert (explorer.lam, explorer.example) == (None, None)
    assert explorer.content["radius"] > 0


def test_a_decoder_with_codes():
    codes = torch.randn(20, 2)
    explorer = LatentExplorer(decoder(), codes, [0, 1] * 10, shape=(4, 4))
    assert explorer.content["event"]["kind"] == "image"
    assert (explorer.content["examples"], explorer.examples) == ("", b"")
    assert explorer.codes == codes.numpy().astype("<f2").tobytes()
    assert explorer.probe == codes[explorer.example].tolist()
    assert list(explorer.labels) == [0, 1] * 10


def test_a_perceptron_of_arrays():
    perceptron = from_arrays([np.eye(2), np.zeros(2), np.ones((5, 2)), np.zeros(5)], "silu", "sigmoid")
    explorer = LatentExplorer((from_arrays([np.ones((2, 5)), None]), perceptron), torch.rand(9, 5))
    assert [layer["activation"] for layer in explorer.content["members"][0]["decoder"]] == ["silu", "sigmoid"]
    assert explorer.content["members"][0]["spread"] is False
    assert explorer.content["examples"] == "half"


def test_curves_have_the_range_of_all_that_is_drawn():
    models, x = [autoencoder(seed, (6,)) for seed in range(2)], torch.randn(12, 6)
    explorer = LatentExplorer(models, x, lam=[1, 2])
    drawn = torch.cat([x, *(model.decode(model.encode(x)).detach() for model in models)])
    low, high = drawn.min(), drawn.max()
    expected = [low - 0.05 * (high - low), high + 0.05 * (high - low)]
    assert explorer.content["event"]["kind"] == "curve"
    assert explorer.content["event"]["range"] == pytest.approx([float(value) for value in expected])
    assert explorer.examples == x.numpy().astype("<f2").tobytes()


def test_a_constant_curve_has_a_range():
    assert LatentExplorer(from_arrays([np.zeros((4, 2)), np.ones(4)])).content["event"]["range"] == [0.5, 1.5]


def test_skeletons_have_bones():
    explorer = LatentExplorer(autoencoder(0, (5, 3)), torch.randn(9, 5, 3), bones=[(0, 1), (1, 4)])
    event = explorer.content["event"]
    assert (event["kind"], event["shape"], event["bones"]) == ("skeleton", [5, 3], [[0, 1], [1, 4]])
    assert len(explorer.examples) == 2 * 9 * 15


def test_words_that_are_given(data):
    explorer = LatentExplorer(vae(), data, lam=0.25, words="one.", alt="A plane.", radius=0.7, examples=False)
    assert (explorer.lam, explorer.content["members"][0]["words"]) == (0.25, "one.")
    assert (explorer.content["alt"], explorer.content["radius"]) == ("A plane.", 0.7)
    assert (explorer.content["examples"], explorer.examples) == ("", b"")
    assert "30 points" in LatentExplorer(vae(), data).content["alt"]
    assert "around the prior" in LatentExplorer(vae()).content["alt"]


def test_too_many_points_are_thinned(data):
    explorer = LatentExplorer(vae(), data, max_points=6)
    assert explorer.content["notes"] == ["6 of 30 points are shown."]
    assert explorer.content["count"] == len(explorer.labels) == len(explorer.examples) // 16 == 6


# ---- pads ----


def test_digits_have_a_pad(digits):
    model = vae(0, (1, 8, 8))
    assert LatentExplorer(model, digits).content["pad"] == "digits"
    assert LatentExplorer(model, digits, pad="").content["pad"] == ""
    # The tensor alone does not say what it is.
    assert LatentExplorer(model, digits[:]).content["pad"] == ""
    assert LatentExplorer(model, digits[:], pad="digits").content["pad"] == "digits"
    assert LatentExplorer(decoder(0, 64), shape=(8, 8)).content["pad"] == ""


def test_mnist_has_a_pad_and_enlarged_digits_have_none():
    x = torch.rand(5, 1, 28, 28)
    assert LatentExplorer(vae(0, (1, 28, 28)), Dataset(x, name="mnist")).content["pad"] == "mnist"
    assert LatentExplorer(vae(0, (1, 28, 28)), Dataset(x, name="digits")).content["pad"] == ""


@pytest.mark.parametrize(
    ("model", "pad", "words"),
    [
        (vae(), "tablet", r"`pad` is 'tablet', but must be one of \['', 'digits', 'mnist'\]"),
        (vae(), "digits", "`pad` is 'digits', which needs an encoder of images 8 x 8"),
        (decoder(0, 64), "digits", "which needs an encoder"),
    ],
)
def test_pads_that_do_not_fit(model, pad, words):
    with pytest.raises(ValueError, match=words):
        LatentExplorer(model, pad=pad)


# ---- arguments that do not fit ----


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lam": None}, "`lam` is missing: pass 3 increasing values, one for each of the models"),
        ({"lam": [0, 1]}, "`lam` has 2 values for 3 models"),
        ({"lam": [0, 2, 1]}, r"`lam` is \[0.0, 2.0, 1.0\], but the slider needs finite values that increase"),
        ({"lam": [0, 1, 1]}, "that increase"),
        ({"lam": [0, 1, float("nan")]}, "finite values"),
        ({"lam": torch.tensor([0, 1, torch.inf])}, "finite values"),
        ({"shown": 3.0}, r"`shown` is 3.0, but `lam` is \[0.0, 0.5, 2.0\]: pass one of these"),
        ({"words": ["one."]}, "`words` has 1 sentences for 3 models"),
        ({"labels": [0, 1]}, r"`labels` has shape \(2,\), but `data` has 30 examples"),
        ({"labels": [-1] * 30}, "`labels` has -1"),
        ({"labels": [*range(11), *range(11), *range(8)]}, "`labels` has 11 classes"),
        ({"data": None, "labels": [0]}, "`labels` are given without `data`"),
        ({"data": None, "classes": ["a"]}, "`classes` are given without `data`"),
        ({"data": torch.rand(0, *EVENT)}, r"`data` has shape \(0, 1, 4, 4\): pass at least one"),
        ({"data": torch.rand(5, 1, 4, 5)}, r"`data` has examples of shape \(1, 4, 5\), but the models decode"),
        ({"data": torch.rand(5, 16)}, r"`models\[0\]` cannot take data of shape \(5, 16\)"),
        ({"data": 2 + torch.rand(5, *EVENT)}, r"grey levels are in \[0, 1\]"),
        ({"radius": 0.0}, "`radius` is 0.0"),
        ({"max_points": 0}, "`max_points` is 0"),
        ({"shape": (5, 5)}, r"`shape` is \(5, 5\)"),
        ({"bones": [(0, 1)]}, "`bones` joins joints"),
    ],
)
def test_arguments_that_do_not_fit(models, data, changed, words):
    with pytest.raises(ValueError, match=words):
        LatentExplorer(**({"models": models, "data": data, "lam": LAMBDAS} | changed))


def test_families_that_are_none(data):
    with pytest.raises(ValueError, match=r"`models\[1\]` decodes to \(1, 4, 5\)"):
        LatentExplorer([vae(), vae(event=(1, 4, 5))], lam=[0, 1])
    broken = vae()
    with torch.no_grad():
        broken.decoder[0][2].bias[0] = torch.nan
    with pytest.raises(ValueError, match=r"`models\[1\]\.decoder`, layer 2, has 1 numbers that are not finite"):
        LatentExplorer([vae(), broken], data, lam=[0, 1])


@pytest.mark.parametrize("what", ["decode", "encode"])
def test_a_model_that_does_more_than_its_layers(what, data):
    class More(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = autoencoder().encoder, autoencoder().decoder

        def encode(self, x):
            return self.encoder(x) * (1.1 if what == "encode" else 1)

        def decode(self, z):
            return self.decoder(z) + (0.1 if what == "decode" else 0)

    with pytest.raises(ValueError, match=f"its {what} does more than its layers"):
        LatentExplorer(More(), data)


# ---- two ways ----


@pytest.mark.parametrize("name", ["probe", "start", "end"])
@pytest.mark.parametrize(
    "code",
    [
        [1, 2.5],
        (1, 2.5),
        np.array([1, 2.5]),
        torch.tensor([1, 2.5], requires_grad=True),
        (np.int64(1), torch.tensor(2.5)),
    ],
)
def test_codes_of_any_kind(name, code):
    explorer = LatentExplorer(decoder())
    setattr(explorer, name, code)
    assert getattr(explorer, name) == [1.0, 2.5]
    assert [type(value) for value in getattr(explorer, name)] == [float, float]


def test_an_equal_code_is_no_change():
    explorer, changes = LatentExplorer(decoder()), []
    explorer.probe = [1.0, 2.0]
    explorer.observe(changes.append, "probe")
    explorer.probe = torch.tensor([1.0, 2.0])
    explorer.probe = (1, 2)
    assert changes == []
    explorer.probe = (1, 3)
    assert [change["new"] for change in changes] == [[1.0, 3.0]]


@pytest.mark.parametrize(
    "code",
    [[1.0], [1, 2, 3], [[1, 2]], [1, float("nan")], (float("inf"), 0), "12", ["1", "2"], None, 3.0, [1, [2]], [1j, 2]],
)
def test_what_is_no_code(code):
    explorer = LatentExplorer(decoder())
    with pytest.raises(TraitError, match=r"`probe` is .*, but a code is two finite numbers"):
        explorer.probe = code
    assert explorer.probe == [0.0, 0.0]


def test_lam_is_one_of_the_list(family):
    for value in (2, np.float32(0.5), 0.0):
        family.lam = value
        assert (family.lam, type(family.lam)) == (value, float)
    family.lam = 2.0
    with pytest.raises(TraitError, match=r"`lam` is 1\.0, but the models have \[0.0, 0.5, 2.0\]: pass one of these"):
        family.lam = 1.0
    for value in (None, float("nan"), "2.0", [2.0]):
        with pytest.raises(TraitError, match=r"`lam` is .*, but the models have"):
            family.lam = value
    assert family.lam == 2.0
    with pytest.raises(TraitError, match=r"the models have \[None\]"):
        LatentExplorer(decoder()).lam = 1.0


def test_an_example_is_one_of_the_points(family):
    for example in (29, 0, None):
        family.example = example
        assert family.example == example
    for example in (30, -1):
        with pytest.raises(TraitError, match=f"`example` is {example}, but there are 30 points"):
            family.example = example


def test_switches(family):
    family.ellipses, family.magnification = "codes", True
    with pytest.raises(TraitError):
        family.ellipses = "all"


def test_a_page_sets_several_at_once(family):
    family.set_state({"lam": 2, "probe": [0.5, 1], "example": None})
    assert (family.lam, family.probe, family.example) == (2.0, [0.5, 1.0], None)


# ---- what it costs ----


def test_rounding_is_that_of_numbers_rounded_one_by_one(family, models, data):
    changes, shares = [], []
    for model in models:
        own = model.encode(data.x).detach()
        exact, G = model.decode(own).detach(), pullback_metric(model.decode, own)
        # Every number of the model's own, through half precision and back.
        model.load_state_dict({name: value.half().double() for name, value in model.state_dict().items()})
        changes.append((model.decode(own).detach() - exact).abs().max())
        difference = (pullback_metric(model.decode, own) - G).square().sum((1, 2)).sqrt()
        shares.append((difference / G.square().sum((1, 2)).sqrt()).max())
    assert 0 < max(changes) < 0.01
    assert family.rounding == pytest.approx(Rounding(float(max(changes)), float(max(shares))), rel=1e-6)


def test_what_half_precision_holds_is_not_rounded():
    arrays = [np.eye(2), np.zeros(2), np.ones((4, 2)) / 2, np.zeros(4)]
    assert LatentExplorer(from_arrays(arrays)).rounding == (0.0, 0.0)
    assert LatentExplorer(from_arrays([np.zeros((4, 2)), np.ones(4)])).rounding == (0.0, 0.0)


def test_megabytes_are_those_of_a_page(family, digits):
    coded = [base64.b64encode(getattr(family, name)) for name in ("weights", "codes", "examples", "labels")]
    text = [json.dumps(family.content).encode(), family._esm.encode()]
    assert family.megabytes == pytest.approx(len(gzip.compress(b"".join(coded + text), 6)) / 1e6, rel=1e-3)
    one = LatentExplorer(vae(0, (1, 8, 8)), digits)
    several = LatentExplorer([vae(seed, (1, 8, 8)) for seed in range(4)], digits, lam=range(4))
    assert one.megabytes < several.megabytes < one.megabytes + 0.02
