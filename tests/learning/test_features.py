"""VGG's layers: of published weights or of a file that was asked for, whole, and never of anything else."""

import email.message
import hashlib
import io
import re
import urllib.error

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from latentbook.core import ChecksumError
from latentbook.learning import features
from latentbook.learning.features import LAYERS, ImageFeatures, vgg19_features
from latentbook.metric import pushforward

NAME, URL = "vgg19-dcbb9e9d.pth", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
CHANNELS = (64, 128, 256, 512, 512)


@pytest.fixture(scope="module")
def state():
    """Random numbers in the shapes of the first 14 convolutions, by torchvision's names; those of the whole network."""
    generator = torch.Generator().manual_seed(0)
    index, inputs, found = 0, 3, {}
    for count, outputs in zip((2, 2, 4, 4, 2), CHANNELS, strict=True):
        for _ in range(count):
            scale = (2 / (9 * inputs)) ** 0.5
            # As they are published; the test's layers compute in double precision.
            weight = torch.randn(outputs, inputs, 3, 3, generator=generator, dtype=torch.float32)
            found[f"features.{index}.weight"] = scale * weight
            found[f"features.{index}.bias"] = torch.linspace(-1, 1, outputs, dtype=torch.float32)
            index, inputs = index + 2, outputs
        index += 1
    return found


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    place = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save({**state, "classifier.0.weight": torch.zeros(3)}, place)
    return place


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty hub, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def refuse(request, *_, **__):
        asked.append(request.full_url)
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder, asked


# ---- the layers ------------------------------------------------------------------------------------------------------


def by_hand(state, layer, images):
    """Convolve, bend and pool, up to a layer."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images.expand(-1, 3, -1, -1) - mean[:, None, None]) / std[:, None, None]
    index = 0
    for block, count in enumerate((2, 2, 4, 4, 4), 1):
        for k in range(1, count + 1):
            weight, bias = (state[f"features.{index}.{name}"].double() for name in ("weight", "bias"))
            x = torch.relu(nn.functional.conv2d(x, weight, bias, padding=1))
            if layer == f"relu{block}_{k}":
                return x.flatten(1)
            index += 2
        x, index = nn.functional.max_pool2d(x, 2), index + 1
    raise AssertionError(layer)


@pytest.mark.parametrize("layer", ["relu1_1", "relu2_2", "relu3_3", "relu4_1", "relu5_1", "relu5_2"])
def test_a_layer_is_the_convolutions_before_it(file, state, layer):
    x = torch.rand(2, 1, 28, 28)
    h = vgg19_features(layer, weights=file)
    torch.testing.assert_close(h(x), by_hand(state, layer, x))


def test_an_image_of_28_pixels_has_512_features_and_gradients_flow(file):
    """One pixel is left of 28, as in the original, which then cuts the gradient off."""
    h, x = vgg19_features(weights=file), torch.rand(2, 3, 1, 28, 28, requires_grad=True)
    found = h(x)
    assert found.shape == (2, 3, 512)
    (slope,) = torch.autograd.grad(found.square().sum(), x)
    assert (slope.flatten(2).abs().sum(-1) > 0).all()
    assert not any(parameter.requires_grad for parameter in h.parameters())
    assert not h.training


def test_a_decoder_is_measured_through_it(file):
    """Forward and reverse mode agree."""
    h = vgg19_features("relu3_1", weights=file)
    decoder = nn.Sequential(nn.Linear(2, 64), nn.Sigmoid(), nn.Unflatten(-1, (1, 8, 8)))
    z, dz, w = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2), torch.randn(3, 256 * 4)
    _, dx = pushforward(lambda z: h(decoder(z)), z.detach(), dz)
    (slope,) = torch.autograd.grad((h(decoder(z)) * w).sum(), z)
    torch.testing.assert_close((dx * w).sum(), (slope * dz).sum())


@pytest.mark.parametrize("size", [20, 5])
def test_an_image_of_another_size_is_torch_s(file, size):
    h, other = vgg19_features("relu2_1", weights=file), vgg19_features("relu2_1", weights=file, size=size)
    x = torch.rand(2, 3, 8, 10)
    torch.testing.assert_close(other(x), h(interpolate(x, (size, size), mode="bilinear", antialias=True)))


def test_every_layer_has_a_name():
    assert len(LAYERS) == 16
    assert (LAYERS[0], LAYERS[-1]) == ("relu1_1", "relu5_4")


def test_colours_are_normalised_and_grey_is_three_of_them():
    h = ImageFeatures(nn.Identity(), (0.1, 0.2, 0.3), (1.0, 2.0, 4.0), least=1)
    found = h(torch.full((1, 1, 1), 0.5))
    torch.testing.assert_close(found, torch.tensor([0.4, 0.15, 0.05]))
    torch.testing.assert_close(h(torch.tensor([0.1, 0.2, 0.3])[:, None, None]), torch.zeros(3))


# ---- where the weights come from -------------------------------------------------------------------------------------


def test_without_weights_there_are_no_features(hub):
    """The file, the address, the place, and what to do; the hub stays empty."""
    folder, asked = hub
    with pytest.raises(FileNotFoundError) as caught:
        vgg19_features()
    said = str(caught.value)
    for words in (NAME, URL, str(folder), "no network here", "put the file there", "weights=<path of the file>"):
        assert words in said
    assert asked == [URL]
    assert not [*folder.iterdir()]


def test_a_truncated_file_in_the_hub_is_refused_and_not_replaced(hub):
    """Torch's hub looks at checksums of what it downloads, and not of what is there."""
    folder, asked = hub
    (folder / NAME).write_bytes(b"half a file")
    digest = hashlib.sha256(b"half a file").hexdigest()[:16]
    with pytest.raises(ChecksumError, match=rf"truncated or altered: expected SHA-256 dcbb9e9d\.\.\., found {digest}"):
        vgg19_features()
    assert not asked


def test_a_file_in_the_hub_is_used_without_a_network(hub, file, monkeypatch):
    """Its name has the checksum of the random numbers, as the published one has that of its own."""
    folder, asked = hub
    content = file.read_bytes()
    place = folder / f"vgg19-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    place.write_bytes(content)
    x = torch.rand(1, 1, 28, 28)
    expected = vgg19_features(weights=file)(x)
    assert vgg19_features(weights=place)(x).equal(expected)
    monkeypatch.setattr(features, "HASH", re.compile("no name"))
    (folder / NAME).write_bytes(content)
    assert vgg19_features()(x).equal(expected)
    assert not asked


def test_an_altered_download_is_refused(hub, monkeypatch):
    """Torch's hub compares it with the checksum in its name; nothing is kept."""
    folder, _ = hub

    class Answer(io.BytesIO):
        def info(self):
            return email.message.Message()

    monkeypatch.setattr(torch.hub, "urlopen", lambda *_, **__: Answer(b"page"))
    with pytest.raises(ChecksumError, match=r"vgg19-dcbb9e9d.pth is cut short, altered.*invalid hash value"):
        vgg19_features()
    assert not [*folder.iterdir()]


def test_nothing_is_written_to_the_notebook(hub, capsys):
    with pytest.raises(FileNotFoundError):
        vgg19_features()
    assert capsys.readouterr() == ("", "")


def test_a_file_that_is_not_there_is_not_downloaded(hub, tmp_path):
    _, asked = hub
    with pytest.raises(FileNotFoundError, match=r"`weights` is '.*mine\.pth', but there is no such file: .* as https"):
        vgg19_features(weights=tmp_path / "mine.pth")
    assert not asked


def test_a_broken_file_is_refused(tmp_path, file):
    place = tmp_path / "mine.pth"
    place.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ChecksumError, match=r"mine.pth is cut short, altered, or none of torch's"):
        vgg19_features(weights=place)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    """Whole modules are pickles, as the original's logistic regression is."""
    torch.save(nn.Linear(2, 2), tmp_path / "mine.pth")
    with pytest.raises(ChecksumError, match=r"mine.pth is cut short, altered, or none of torch's"):
        vgg19_features(weights=tmp_path / "mine.pth")


def test_the_state_of_another_network_is_refused(tmp_path, file):
    """Of the last layers there are no numbers in the test's file: none are made up."""
    with pytest.raises(ValueError, match=r"has nothing for features\.32\.weight, which is \(512, 512, 3, 3\)"):
        vgg19_features("relu5_3", weights=file)
    other = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(64, 1, 3, 3), "features.0.bias": torch.zeros(64)}, other)
    with pytest.raises(
        ValueError, match=r"has shape \(64, 1, 3, 3\) for features\.0\.weight, which is \(64, 3, 3, 3\)"
    ):
        vgg19_features("relu1_1", weights=other)


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["relu5_5", "relu0_1", "pool5", "conv5_2", ""])
def test_a_layer_that_is_not_there_is_refused(hub, layer):
    with pytest.raises(ValueError, match=r"`layer` is .*, but must be one of relu1_1, .*relu5_4"):
        vgg19_features(layer)
    assert not hub[1]


def test_images_that_are_too_small_are_refused(file):
    h = vgg19_features(weights=file)
    assert h(torch.rand(1, 1, 16, 16)).shape == (1, 512)
    with pytest.raises(ValueError, match=r"8 x 28 pixels, but this layer needs at least 16: pass size=28"):
        h(torch.rand(1, 1, 8, 28))
    with pytest.raises(ValueError, match="`size` is 15, but the layer needs sides of at least 16"):
        vgg19_features(weights=file, size=15)


def test_what_is_no_image_is_refused():
    h = ImageFeatures(nn.Identity(), (0.0,) * 3, (1.0,) * 3, least=1)
    with pytest.raises(TypeError, match=r"`x` is torch.uint8: pass levels in \[0, 1\], as in `x / 255`"):
        h(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
    for shape in ((4, 4), (5, 2, 4, 4)):
        with pytest.raises(ValueError, match=r"one or three colours"):
            h(torch.zeros(shape))
