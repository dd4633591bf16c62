"""The models: their sizes, and their penalties against formulas written out here."""

import functools
import math

import pytest
import torch
from torch import nn
from torch.func import jacrev, vmap

from latentbook.isometry import mix_latents
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.recipes.isometry import build, distortion, penalty_noise, scaled_isometry, settings

SMOKE = {"scale": "smoke", "device": "cpu"}
PROBES = ["exact", "sphere", "rademacher", "gaussian"]


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)


def decoder(m=3):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(m, 16), nn.Tanh(), nn.Linear(16, 7))


def metrics(f, points):
    """One J^T J for each point, in reverse mode."""
    J = vmap(jacrev(lambda z: f(z[None])[0].flatten()))(points)
    return J.mT @ J


def mixed(z, noise, eta):
    """Points between pairs: the second number ranks the partners, the first says where between them."""
    alpha = (1 + 2 * eta) * noise[:, :1] - eta
    return alpha * z + (1 - alpha) * z[noise[:, 1].argsort()]


def traces(G, noise, probe):
    """Return what stands for Tr G and for Tr G^2 at every point."""
    normal = noise[:, 2:]
    if probe == "exact":
        return G.diagonal(dim1=-2, dim2=-1).sum(-1), (G @ G).diagonal(dim1=-2, dim2=-1).sum(-1)
    lengths = normal.norm(dim=1, keepdim=True)
    sphere = normal / lengths * math.sqrt(normal.shape[1])
    v = {"sphere": sphere, "rademacher": normal.sign(), "gaussian": normal}[probe]
    image = torch.einsum("nij,nj->ni", G, v)
    return (image * v).sum(-1), image.square().sum(-1)


# ---- the penalties ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [None, 0.0, 0.2, 0.7])
@pytest.mark.parametrize("probe", PROBES)
def test_the_distortion_is_the_ratio_of_the_traces(probe, eta):
    """Against reverse mode, and so up to rounding: 1e-10 of a number near 1."""
    f, z = decoder(), torch.randn(20, 3)
    noise = penalty_noise(z.shape, z)
    points = z if eta is None else mixed(z, noise, eta)
    trace, square = traces(metrics(f, points), noise, probe)
    found = distortion(f, z, noise, eta=eta, probe=probe)
    torch.testing.assert_close(found, square.mean() / trace.mean() ** 2, rtol=1e-10, atol=0)


@pytest.mark.parametrize("eta", [None, 0.0, 0.2, 0.7])
def test_the_other_penalty_is_the_distance_to_a_scaled_identity(eta):
    f, z = decoder(), torch.randn(20, 3)
    noise = penalty_noise(z.shape, z)
    G = metrics(f, z if eta is None else mixed(z, noise, eta))
    c = G.diagonal(dim1=-2, dim2=-1).mean()
    expected = (G - c * torch.eye(3)).square().sum((1, 2)).mean()
    torch.testing.assert_close(scaled_isometry(f, z, noise, eta=eta), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    "penalty", [*[functools.partial(distortion, probe=probe) for probe in PROBES], scaled_isometry]
)
def test_noise_that_is_not_given_is_drawn(penalty):
    f, z = decoder(), torch.randn(8, 3)
    torch.manual_seed(5)
    drawn = penalty(f, z)
    torch.manual_seed(5)
    assert drawn.equal(penalty(f, z, penalty_noise(z.shape, z)))
    assert not drawn.equal(penalty(f, z))


@pytest.mark.parametrize(
    "penalty", [*[functools.partial(distortion, probe=probe) for probe in PROBES], scaled_isometry]
)
def test_gradients_reach_the_decoder_and_the_codes(penalty):
    f, z = decoder(), torch.randn(8, 3, requires_grad=True)
    noise = penalty_noise(z.shape, z)
    grads = torch.autograd.grad(penalty(f, z, noise), [z, f[0].weight, f[2].weight])
    assert all(grad.abs().sum() > 0 for grad in grads)
    # Along one direction, against central differences: of order step^2 and rounding / step, both about 1e-10.
    step, dz = 1e-5, torch.randn(8, 3)
    ahead, behind = (penalty(f, z.detach() + sign * step * dz, noise) for sign in (1, -1))
    torch.testing.assert_close((grads[0] * dz).sum(), (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("probe", ["sphere", "rademacher"])
def test_directions_of_one_length_are_exact_at_an_isometry(probe):
    """Reference case 13: 1/m, whatever is drawn."""
    z = torch.randn(5, 8)
    torch.testing.assert_close(distortion(lambda z: 3 * z, z, probe=probe), torch.tensor(1 / 8), rtol=1e-12, atol=0)


def test_gaussian_directions_are_biased_at_an_isometry():
    """Reference case 13, B / (m B - 2) for 16 points in 8 dimensions, within 4 standard errors of 4,000 draws."""
    z = torch.randn(16, 8)
    noise = penalty_noise((4000, 16, 8), z)
    found = vmap(lambda own: distortion(lambda z: 3 * z, z, own, eta=None, probe="gaussian"))(noise)
    assert abs(found.mean() - 16 / (8 * 16 - 2)) < 4 * found.std() / math.sqrt(4000)


@pytest.mark.parametrize("probe", PROBES)
def test_numbers_are_of_the_codes_kind(probe):
    """In double precision also where torch's default is single."""
    f, z = decoder(), torch.randn(8, 3)
    torch.set_default_dtype(torch.float32)
    assert distortion(f, z, probe=probe).dtype == torch.float64
    assert scaled_isometry(f, z).dtype == torch.float64
    assert penalty_noise((4, 2), torch.zeros(1, dtype=torch.float64)).dtype == torch.float64


def test_the_noise_is_two_uniform_numbers_and_then_normal_ones(device):
    """50,000 of each: means within 5 standard errors, and so wrong once in 400,000 such tests of 5 numbers."""
    generator = torch.Generator(device).manual_seed(2)
    noise = penalty_noise((50_000, 3), torch.zeros(1, device=device), generator)
    assert (noise.shape, noise.device.type) == ((50_000, 5), device.type)
    assert noise[:, :2].min() >= 0
    assert noise[:, :2].max() < 1
    error = 5 / math.sqrt(50_000)
    assert ((noise[:, :2].mean(0) - 1 / 2).abs() < error * math.sqrt(1 / 12)).all()
    assert (noise[:, 2:].mean(0).abs() < error).all()
    assert ((noise[:, 2:].var(0) - 1).abs() < error * math.sqrt(2)).all()
    # No two columns are the same numbers: correlations are of the order of a standard error.
    assert (noise.T.corrcoef() - torch.eye(5, device=device)).abs().max() < error
    again = penalty_noise((50_000, 3), torch.zeros(1, device=device), generator.manual_seed(2))
    assert noise.equal(again)


def test_points_are_mixed_as_in_the_room():
    z = torch.randn(9, 3)
    noise = penalty_noise(z.shape, z)
    torch.testing.assert_close(mix_latents(z, 0.3, noise=noise[:, :2]), mixed(z, noise, 0.3))


# ---- the models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [None, 0.5])
@pytest.mark.parametrize(
    ("model", "probe"), [("fmvae", "exact"), *((model, probe) for model in ("irvae", "irae") for probe in PROBES)]
)
def test_a_model_has_the_penalty_of_its_settings(model, eta, probe):
    built, x = build(settings(**SMOKE, model=model, eta=eta, probe=probe), (5,)), torch.randn(6, 5)
    noise = penalty_noise((6, 2), x)
    if model == "irae":
        z, found = built.encode(x), built.terms(x, {"isometry": noise})
        assert list(found) == ["reconstruction", "isometry"]
    else:
        code = torch.randn(6, 2)
        z, found = built.posterior(x).at(code), built.terms(x, {"code": code, "isometry": noise})
        assert list(found) == ["distortion", "rate", "isometry"]
    assert isinstance(built, Autoencoder if model == "irae" else VAE)
    other = scaled_isometry(built.decode, z, noise, eta=eta)
    expected = other if model == "fmvae" else distortion(built.decode, z, noise, eta=eta, probe=probe)
    torch.testing.assert_close(found["isometry"], expected)


@pytest.mark.parametrize("scale", ["smoke", "paper"])
@pytest.mark.parametrize("event", [(1, 8, 8), (3, 4, 5), (50,), (4, 6)])
@pytest.mark.parametrize("model", ["irvae", "irae"])
def test_images_are_grey_levels_and_nothing_else_is(model, event, scale):
    """With weights ten times as large, so that far more than 1 comes out where nothing holds it."""
    built = build(settings(scale=scale, device="cpu", model=model, latent_dim=3), event)
    assert built.encode(torch.randn(4, *event)).shape == (4, 3)
    with torch.no_grad():
        for parameter in built.decoder.parameters():
            parameter.mul_(10)
        decoded = built.decode(torch.randn(50, 3))
    assert decoded.shape == (50, *event)
    if len(event) == 3:
        assert 0 <= decoded.min() <= decoded.max() <= 1
    else:
        assert decoded.min() < -1
        assert decoded.max() > 2


def linears(module):
    return [(layer.in_features, layer.out_features) for layer in module.modules() if isinstance(layer, nn.Linear)]


def kinds(module):
    return {type(layer) for layer in module.modules()} - {nn.Sequential, nn.Flatten, nn.Unflatten, nn.Linear}


def test_the_original_s_networks():
    """Four layers of 256 and ReLU both ways, 2 numbers a latent out of the encoder, a sigmoid behind the decoder."""
    built = build(settings(scale="paper", dataset="mnist", device="cpu"), (1, 28, 28))
    assert linears(built.encoder) == [(784, 256), (256, 256), (256, 256), (256, 256), (256, 4)]
    assert linears(built.decoder) == [(2, 256), (256, 256), (256, 256), (256, 256), (256, 784)]
    assert kinds(built.encoder) == {nn.ReLU}
    assert kinds(built.decoder) == {nn.ReLU, nn.Sigmoid}
    assert built.sigma == 1


@pytest.mark.parametrize(("event", "width"), [((1, 8, 8), 128), ((50,), 128), ((1, 28, 28), 256), ((65,), 256)])
def test_networks_are_smooth_and_as_wide_as_the_data_need(event, width):
    built, size = build(settings(**SMOKE), event), math.prod(event)
    assert linears(built.encoder) == [(size, width), (width, width), (width, 4)]
    assert linears(built.decoder) == [(2, width), (width, width), (width, size)]
    assert kinds(built.encoder) == {nn.Tanh}
    assert kinds(built.decoder) - {nn.Sigmoid} == {nn.Tanh}
    assert linears(build(settings(**SMOKE, model="irae"), event).encoder)[-1] == (width, 2)


def test_weights_come_from_the_global_generator():
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build(settings(**SMOKE), (5,)).state_dict()["decoder.0.0.weight"])
    assert states[0].equal(states[1])
    assert not states[0].equal(states[2])
