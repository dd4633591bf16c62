"""Normalised layers have the norm that they promise, against the SVD, at the start, converged, and in training."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from latentbook.lipschitz import operator_norm, spectral_norm
from tests.lipschitz.layers import CASES, svd_norm


def buffer(layer):
    return layer.parametrizations.weight[0].v


def original(layer):
    return layer.parametrizations.weight.original


def converge(layer, tolerance=1e-5):
    """Read the weight until its norm, which is the estimate's inverse, changes by less than the tolerance."""
    layer.train()
    previous = torch.inf
    for _ in range(2000):
        size = layer.weight.norm().item()
        if abs(size / previous - 1) < tolerance:
            return layer.eval()
        previous = size
    raise AssertionError("no convergence")


@pytest.mark.parametrize(("kind", "sizes", "options", "in_shape"), [c[:4] for c in CASES], ids=[c[4] for c in CASES])
def test_every_layer_gets_norm_one(kind, sizes, options, in_shape):
    """Within 3 % after construction, and within 0.1 % when the estimate, from a random start, has come to rest.

    From below the estimate may come to rest early: its error is its last change, 1e-5, divided by the relative distance
    of the next singular value, which is 1 % or more for all but a few of random kernels.
    """
    layer = spectral_norm(kind(*sizes, **options), in_shape).eval()
    assert 1 - 1e-12 <= svd_norm(layer, in_shape) <= 1.03
    buffer(layer).copy_(
        nn.functional.normalize(torch.randn_like(buffer(layer)).flatten(), dim=0).view_as(buffer(layer))
    )
    assert svd_norm(converge(layer), in_shape) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (1, 6), (6, 1), (64, 64), (100, 30)])
@pytest.mark.parametrize("lipschitz", [1.0, 0.3, 6.0])
def test_the_norm_is_the_one_asked_for(shape, lipschitz, device):
    """A residual of 1e-3 in σ² leaves at most half of it in σ."""
    layer = spectral_norm(nn.Linear(*shape).to(device), lipschitz=lipschitz).eval()
    assert svd_norm(layer) == pytest.approx(lipschitz, rel=5e-4)
    assert svd_norm(layer) >= lipschitz * (1 - 1e-12)


@pytest.mark.parametrize("iterations", [1, 5])
def test_it_follows_a_weight_that_changes(iterations):
    """To the end of a jump; more iterations get there in fewer passes."""
    layer = spectral_norm(nn.Conv2d(3, 4, 3), (6, 6), n_power_iterations=iterations)
    original(layer).data.copy_(torch.randn(4, 3, 3, 3))
    passes = 0
    while svd_norm(layer.eval(), (6, 6)) > 1.001:
        layer.train()(torch.zeros(3, 6, 6))
        passes += 1
    assert 1 <= passes <= 60 / iterations


def test_the_product_over_a_decoder_stays_within_5_percent_in_training():
    """The published decoder for 32 x 32 images and its optimizer; power iteration lets the product drift to 1.27."""
    torch.set_default_dtype(torch.float32)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 128))
    decoder = mnist_decoder()
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-4, betas=(0.9, 0.99))
    images = smooth_images(400)
    products = [product(decoder)]
    for step in range(1, 101):
        x = images[torch.randint(len(images), (32,))]
        loss = nn.functional.binary_cross_entropy(decoder(encoder(x)), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 3 == 1:
            # As the next forward pass would leave it, which is what the next loss sees.
            decoder(torch.zeros(1, 128))
            products.append(product(decoder))
    assert products[0] <= 1.005
    assert max(products) <= 1.05
    # It has learned something: the norms of the raw weights are not those of the start.
    trained, fresh = nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ConvTranspose2d(128, 64, 4, 2, 1)
    trained.weight.data.copy_(original(decoder[2]))
    assert operator_norm(trained, (4, 4)) > 1.1 * operator_norm(fresh, (4, 4))


def smooth_images(count):
    coarse = torch.rand(count, 1, 5, 5)
    return nn.functional.interpolate(coarse, size=32, mode="bilinear", align_corners=True).square()


def mnist_decoder():
    kernel = {"kernel_size": 4, "stride": 2, "padding": 1}
    return nn.Sequential(
        spectral_norm(nn.Linear(128, 2048)),
        nn.Unflatten(1, (128, 4, 4)),
        spectral_norm(nn.ConvTranspose2d(128, 64, **kernel), (4, 4)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.ConvTranspose2d(64, 32, **kernel), (8, 8)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.ConvTranspose2d(32, 1, **kernel), (16, 16)),
        nn.Sigmoid(),
    )


def product(decoder):
    linear, *layers = (layer for layer in decoder if hasattr(layer, "weight"))
    result = operator_norm(linear)
    for layer, size in zip(layers, (4, 8, 16), strict=True):
        result *= operator_norm(layer, (size, size))
    return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_follows_the_layer(dtype, device):
    layer = spectral_norm(nn.ConvTranspose2d(4, 3, 3, 2).to(dtype), (5, 5)).to(device)
    assert buffer(layer).dtype == dtype
    assert converge(layer)(torch.zeros(4, 5, 5, dtype=dtype, device=device)).dtype == dtype
    assert svd_norm(layer, (5, 5)) == pytest.approx(1.0, abs=1e-3)
    other = {torch.float32: torch.float64, torch.float64: torch.float32}[dtype]
    assert converge(layer.to(other))(torch.zeros(4, 5, 5, dtype=other, device=device)).dtype == other
    assert svd_norm(layer, (5, 5)) == pytest.approx(1.0, abs=1e-3)


def test_eval_mode_iterates_no_further():
    for layer, shape in ((spectral_norm(nn.Linear(20, 30)), (20,)), (spectral_norm(nn.Conv1d(2, 2, 3), (9,)), (2, 9))):
        before = copy.deepcopy(layer.eval().state_dict())
        layer(torch.randn(4, *shape))
        assert all(layer.state_dict()[name].equal(value) for name, value in before.items())


def test_buffers_are_updated_in_place():
    """What a graph capture, a distributed wrapper or a stacked family holds on to stays the live one."""
    for layer in (spectral_norm(nn.Linear(20, 30)), spectral_norm(nn.Conv1d(2, 2, 3), (50,))):
        buffers = dict(layer.train().named_buffers())
        before = {name: value.clone() for name, value in buffers.items()}
        original(layer).data.add_(0.1 * torch.randn_like(original(layer)))
        assert layer.weight.isfinite().all()
        assert all(dict(layer.named_buffers())[name] is value for name, value in buffers.items())
        assert buffers
        assert all(not buffers[name].equal(value) for name, value in before.items())


def test_two_reads_are_two_iterations_unless_cached():
    layer = spectral_norm(nn.Linear(20, 30)).train()
    original(layer).data.copy_(torch.randn(30, 20))
    assert not layer.weight.equal(layer.weight)
    with parametrize.cached():
        assert layer.weight is layer.weight


def test_construction_draws_no_random_numbers():
    """With and without the bound, a seed gives the same network."""
    state = torch.get_rng_state()
    layer, other = nn.Linear(100, 70), nn.Linear(100, 70)
    torch.set_rng_state(state)
    bounded, second = spectral_norm(nn.Linear(100, 70)), nn.Linear(100, 70)
    assert original(bounded).equal(layer.weight)
    assert second.weight.equal(other.weight)


def test_the_left_over_of_a_strided_layer_counts():
    """Divided by the norm of an adjoint without output padding, 3.0, this layer would have norm 1.206."""
    layer = nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False)
    layer.weight.data.fill_(1.0)
    assert svd_norm(spectral_norm(layer, (4, 4)).eval(), (4, 4)) == pytest.approx(1.0, abs=1e-9)
    lost = nn.Conv1d(1, 1, 3, stride=2, padding=1)
    lost.weight.data.copy_(torch.tensor([[[0.0, 0.1, 1.0]]]))
    assert svd_norm(spectral_norm(lost, (2,)).eval(), (2,)) == pytest.approx(1.0, abs=1e-9)
