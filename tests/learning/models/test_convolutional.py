"""Convolutions: the original's sizes, images of any side that fits, and derivatives in eval mode alone."""

import copy
import functools

import pytest
import torch
from torch import nn

from latentbook.learning.data import Dataset
from latentbook.learning.models.convolutional import Grey, conv_decoder, conv_encoder, conv_features, linear_block
from latentbook.learning.models.vae import VAE
from latentbook.learning.train import fit
from latentbook.metric import jacobian, pushforward

GENERATOR, TAKER = (32, 16, 3), (16, 32)


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


# ---- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "layers"),
    [
        # Each convolution and its bias, then BatchNorm's scale and shift, then the linear layer.
        (lambda: conv_encoder(2 * 16), [32 * (16 + 1), 64, 32 * (32 * 9 + 1), 64, 32 * (1152 + 1)]),
        (lambda: conv_encoder(16, channels=TAKER), [16 * (16 + 1), 32, 32 * (16 * 9 + 1), 64, 16 * (1152 + 1)]),
        (lambda: conv_decoder(16), [1152 * (16 + 1), 32 * (32 * 9 + 1), 64, 32 * (32 * 16 + 1), 64, 33]),
        (
            lambda: conv_decoder(16, channels=GENERATOR),
            [1152 * (16 + 1), 16 * (32 * 9 + 1), 32, 3 * (16 * 16 + 1), 6, 4],
        ),
    ],
)
def test_the_networks_are_of_the_sheets_sizes(make, layers):
    assert size(make()) == sum(layers)


def test_parameter_counts_of_the_sheet():
    """47k and 25k; the decoder's 97k include the network of the variance, which `test_rbf.py` counts."""
    assert size(conv_encoder(2 * 16)) == 46_816
    assert size(conv_decoder(16)) == 45_409
    assert size(conv_decoder(16, channels=GENERATOR)) == 25_021


def test_maps_shrink_from_28_to_13_to_6_and_back():
    seen = []
    networks = [conv_features().eval(), conv_decoder(16).eval()]
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(lambda layer, _, x: seen.append((tuple(x.shape[1:]), layer.stride)))
    networks[0](torch.rand(2, 1, 28, 28))
    networks[1](torch.randn(2, 16))
    down = [((32, 13, 13), (2, 2)), ((32, 6, 6), (2, 2))]
    assert seen == [*down, ((32, 13, 13), (2, 2)), ((32, 28, 28), (2, 2)), ((1, 28, 28), (1, 1))]


@pytest.mark.parametrize("event", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (2, 8, 20)])
@pytest.mark.parametrize("batch", [(5,), (2, 3), ()])
def test_images_and_batches_of_many_shapes(event, batch, device):
    encoder, decoder = conv_encoder(7, event).to(device).eval(), conv_decoder(7, event).to(device).eval()
    z = encoder(torch.rand(*batch, *event, device=device))
    assert z.shape == (*batch, 7)
    assert decoder(z).shape == (*batch, *event)
    assert conv_features(event).to(device).eval()(decoder(z)).shape[:-1] == batch


def test_an_image_is_encoded_and_decoded_by_itself():
    """In eval mode; BatchNorm's statistics are the training's, whatever stands beside an example."""
    encoder, decoder, x = conv_encoder(3).eval(), conv_decoder(3).eval(), torch.rand(2, 4, 1, 28, 28)
    z = encoder(x)
    torch.testing.assert_close(z[1, 2], encoder(x[1, 2]))
    torch.testing.assert_close(decoder(z)[1, 2], decoder(z[1, 2]))


@pytest.mark.parametrize("event", [(1, 27, 28), (1, 28, 30), (1, 4, 28), (1, 28, 0), (28, 28), (0, 28, 28)])
@pytest.mark.parametrize("make", [functools.partial(conv_encoder, 2), functools.partial(conv_decoder, 2)])
def test_what_does_not_fit_is_refused(make, event):
    with pytest.raises(ValueError, match=r"`event_shape` is .*(multiple of 4, at least 8|as in \(1, 28, 28\))"):
        make(event)


def test_channels_are_two_or_three():
    with pytest.raises(ValueError, match=r"`channels` is \(8,\), but there are two"):
        conv_encoder(2, channels=(8,))
    with pytest.raises(ValueError, match=r"`channels` is \(8, 8\), but a decoder has three"):
        conv_decoder(2, channels=(8, 8))


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda: conv_features().body, lambda: conv_decoder(16)[2].body, lambda: linear_block(3, 8)]
)
def test_a_block_is_normalised_batched_and_bent(make):
    layers = [layer for layer in make() if not isinstance(layer, nn.Flatten)]
    blocks = [layers[k : k + 3] for k in range(0, len(layers) - 2, 3)]
    for layer, norm, activation in blocks:
        assert torch.nn.utils.parametrize.is_parametrized(layer, "weight")
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        assert isinstance(activation, nn.ELU)
        matrix = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
        # Torch estimates the norm of the weights as a matrix, from below, in 15 iterations at the beginning.
        assert 1 - 1e-12 < torch.linalg.matrix_norm(matrix.flatten(1), 2) < 1.1


def test_grey_levels_are_half_of_tanh_s_and_lengths_are_too():
    """The factor of 2 between images in [0, 1] and in [-1, 1] leaves ratios of lengths as they are."""
    decoder = conv_decoder(3).eval()
    original = copy.deepcopy(decoder)
    original[2].body[-1] = nn.Tanh()
    z, dz = torch.randn(5, 3), torch.randn(5, 3)
    (x, dx), (y, dy) = pushforward(decoder, z, dz), pushforward(original, z, dz)
    torch.testing.assert_close(2 * x - 1, y)
    torch.testing.assert_close(2 * dx, dy)
    assert 0 <= x.min() <= x.max() <= 1


def test_grey_meets_its_ends():
    torch.testing.assert_close(Grey()(torch.tensor([-50.0, 0.0, 50.0])), torch.tensor([0.0, 0.5, 1.0]))


# ---- derivatives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("make", [lambda: conv_decoder(4, (1, 8, 8)), lambda: conv_decoder(4, channels=GENERATOR)])
def test_forward_derivatives_are_those_of_eval_mode_and_touch_nothing(make, training, device):
    decoder = make().to(device)
    # Statistics that are not those of the beginning.
    decoder.train()(3 * torch.randn(50, 4, device=device) + 1)
    decoder.train(training)
    before = copy.deepcopy(decoder.state_dict())
    z = torch.randn(2, 3, 4, device=device)
    found = jacobian(decoder, z)
    assert decoder.training == training
    assert all(decoder.state_dict()[name].equal(value) for name, value in before.items())
    still = copy.deepcopy(decoder).eval()
    each = [torch.func.jacrev(lambda point: still(point).flatten())(point) for point in z.reshape(-1, 4)]
    torch.testing.assert_close(found, torch.stack(each).reshape(found.shape))


def test_in_float32_as_in_float64():
    single = conv_decoder(4).float().eval()
    # Converted after it was made: buffers of the normalisation too.
    double = copy.deepcopy(single).double()
    z, dz = torch.randn(2, 5, 4)
    x, dx = pushforward(single, z.float(), dz.float())
    y, dy = pushforward(double, z, dz)
    assert (x.dtype, y.dtype) == (torch.float32, torch.float64)
    # Sums of up to 512 numbers around 1 in single precision, and three layers of them.
    torch.testing.assert_close(x.double(), y, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dx.double(), dy, rtol=1e-4, atol=1e-5)


def test_a_vae_of_them_trains(device):
    """On eight images of random bits, which it can learn by heart.

    A bit that is not known costs 0.25 / (2 * 0.3^2) nats, 64 of them 89, and more than half of that has to go.
    """
    x = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)).round().to(device)
    model = VAE(conv_encoder(2 * 4, (1, 8, 8)), conv_decoder(4, (1, 8, 8)), sigma=0.3).to(device)
    history = fit(
        model,
        Dataset(x),
        lambda model, x, step: model.terms(x),
        weights={"distortion": 1.0, "rate": 0.01},
        steps=200,
        batch_size=8,
        seed=0,
        optimizer=functools.partial(torch.optim.Adam, lr=5e-3),
    )
    terms = history.terms["distortion"]
    assert terms[-10:].mean() < terms[:10].mean() - 89 / 2
