"""Laws of folding: the smaller network computes what the pruned one did."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm as torch_norm
from torch.nn.utils.parametrize import is_parametrized

from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.lipschitz import spectral_norm
from latentbook.volume import latent_std, prune, pruning_curve

M = 4

ENCODERS = {
    "linear": lambda: nn.Linear(6, M),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 5), nn.ReLU()), nn.Sequential(nn.Linear(5, M))),
    "followed": lambda: nn.Sequential(nn.Linear(6, M, bias=False), nn.Identity(), nn.Sequential(nn.Flatten())),
    "normed": lambda: nn.Sequential(nn.Tanh(), torch_norm(nn.Linear(6, M))),
    "perceptron": lambda: mlp_encoder((6,), [8], M),
}
DECODERS = {
    "linear": lambda: nn.Linear(M, 6),
    "without bias": lambda: nn.Sequential(nn.Linear(M, 6, bias=False), nn.Tanh()),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Identity(), nn.Sequential(nn.Linear(M, 5))), nn.Linear(5, 6)),
    "flattened": lambda: nn.Sequential(nn.Flatten(), nn.Linear(M, 6)),
    "torch's norm": lambda: nn.Sequential(torch_norm(nn.Linear(M, 6)), nn.ReLU()),
    "book's norm": lambda: mlp_decoder(M, [7], (6,), nn.LeakyReLU, spectral_norm),
    "image": lambda: mlp_decoder(M, [7], (1, 2, 3)),
    "pixel": lambda: nn.Sequential(
        nn.Unflatten(1, (M, 1, 1)), nn.ConvTranspose2d(M, 3, (2, 1)), nn.ReLU(), nn.Conv2d(3, 3, 1), nn.Flatten()
    ),
    "padded pixel": lambda: nn.Sequential(
        nn.Unflatten(-1, (M, 1)), torch_norm(nn.Conv1d(M, 6, 3, padding=1, bias=False)), nn.Flatten()
    ),
    "grouped pixel": lambda: nn.Sequential(nn.Unflatten(-1, (M, 1, 1)), nn.Conv2d(M, 6, 1, groups=2), nn.Flatten()),
}


def fixed(z, mean, keep):
    """Return codes with all but some dimensions at their means."""
    pruned = mean.expand_as(z).clone()
    pruned[:, keep] = z[:, keep]
    return pruned


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("decoding", DECODERS)
@pytest.mark.parametrize("keep", [[0], [2, 0], [3, 1, 2], [0, 1, 2, 3]])
def test_smaller_networks_compute_the_same(device, encoding, decoding, keep):
    encoder, decoder = ENCODERS[encoding]().to(device).eval(), DECODERS[decoding]().to(device).eval()
    x, mean = torch.randn(9, 6, device=device), torch.randn(M, device=device)
    z = encoder(x)
    smaller, drawer = prune(encoder, decoder, keep, mean)
    torch.testing.assert_close(smaller(x), z[:, keep])
    torch.testing.assert_close(drawer(smaller(x)), decoder(fixed(z, mean, keep)))


@given(m=st.integers(1, 9), data=st.data())
def test_any_set_can_be_kept(m, data):
    keep = data.draw(st.lists(st.integers(0, m - 1), min_size=1, unique=True))
    torch.manual_seed(0)
    encoder, decoder = nn.Linear(5, m), nn.Sequential(nn.Linear(m, 7), nn.Tanh(), nn.Linear(7, 5))
    x, mean = torch.randn(6, 5), torch.randn(m)
    smaller, drawer = prune(encoder, decoder, keep, mean)
    torch.testing.assert_close(drawer(smaller(x)), decoder(fixed(encoder(x), mean, keep)))


def test_single_precision_agrees_to_1e_5():
    encoder, decoder = nn.Linear(6, M).float(), DECODERS["book's norm"]().float().eval()
    x, mean = torch.randn(50, 6).float(), torch.randn(M)
    smaller, drawer = prune(encoder, decoder, [3, 1], mean)
    assert drawer(smaller(x)).dtype == torch.float32
    # The bound that the book promises.
    torch.testing.assert_close(
        drawer(smaller(x)), decoder(fixed(encoder(x), mean.float(), [3, 1])), atol=1e-5, rtol=1e-5
    )


def test_the_error_is_that_of_the_pruning_curve():
    encoder, decoder, x = mlp_encoder((6,), [8], M), mlp_decoder(M, [8], (6,)), torch.randn(40, 6)
    with torch.no_grad():
        z = encoder(x)
        order = latent_std(z).argsort()
        smaller, drawer = prune(encoder, decoder, order[2:], z.mean(0))
        error = (drawer(smaller(x)) - x).norm(dim=1).mean()
    torch.testing.assert_close(error, pruning_curve(decoder, x, z)[2])


def test_the_networks_are_smaller_and_plain():
    encoder, decoder = ENCODERS["normed"](), DECODERS["book's norm"]()
    smaller, drawer = prune(encoder, decoder, torch.tensor([1, 3]), torch.zeros(M))
    assert smaller[-1].out_features == drawer[0].in_features == 2
    assert type(smaller[-1]) is type(drawer[0]) is nn.Linear
    # Only the layers next to the code are plain; the others keep their norm.
    assert is_parametrized(drawer[2])
    assert all(p.requires_grad for p in [*smaller.parameters(), *drawer.parameters()])


def test_a_lipschitz_bound_survives():
    decoder = nn.Sequential(spectral_norm(nn.Linear(M, 6), n_power_iterations=100)).train()
    decoder(torch.zeros(2, M))
    _, drawer = prune(nn.Linear(6, M), decoder.eval(), [0, 2], torch.ones(M))
    # Power iteration ends below the norm, by less than 1e-3 here.
    assert torch.linalg.matrix_norm(drawer[0].weight, 2) <= 1 + 1e-3


@pytest.mark.parametrize("training", [True, False])
def test_the_originals_stay_as_they_are(training):
    encoder, decoder = ENCODERS["normed"]().train(training), DECODERS["book's norm"]().train(training)
    before = copy.deepcopy((encoder.state_dict(), decoder.state_dict()))
    smaller, drawer = prune(encoder, decoder, [1], torch.zeros(M))
    for parameter in [*smaller.parameters(), *drawer.parameters()]:
        parameter.data.fill_(7)
    for old, new in zip(before, (encoder.state_dict(), decoder.state_dict()), strict=True):
        assert all(old[name].equal(new[name]) for name in old)
    assert all(module.training == training for module in [*smaller.modules()][1:] + [*drawer.modules()][1:])


def test_a_norm_is_read_as_in_eval_mode():
    """In train mode the first look at a weight would improve its norm, and give another weight than the one in use."""
    decoder = nn.Sequential(spectral_norm(nn.Linear(M, 6))).train()
    _, drawer = prune(nn.Linear(6, M), decoder, [0, 2], torch.zeros(M))
    assert drawer[0].weight.equal(decoder.eval()[0].weight[:, [0, 2]])


def test_a_layer_that_stands_twice_runs_twice():
    shared = nn.Linear(M, M)
    decoder = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(M, 6))
    z, mean = torch.randn(5, M), torch.randn(M)
    _, drawer = prune(nn.Linear(6, M), decoder, [1, 2], mean)
    torch.testing.assert_close(drawer(z[:, [1, 2]]), decoder(fixed(z, mean, [1, 2])))


def test_a_mask_keeps_what_it_marks():
    encoder, mask = nn.Linear(6, M), torch.tensor([False, True, False, True])
    for keep in (mask, mask.tolist()):
        smaller, _ = prune(encoder, nn.Linear(M, 6), keep, torch.zeros(M))
        assert smaller[0].weight.equal(encoder.weight[[1, 3]])


# ---- bad input ----


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ([], r"`keep` is empty.*pass one or more"),
        ([False] * M, r"`keep` is empty"),
        ([0, M], r"`keep` is \[0, 4\], but the dimensions are 0 to 3"),
        ([-1], r"`keep` is \[-1\], but the dimensions are 0 to 3"),
        ([1, 2, 1], r"`keep` is \[1, 2, 1\].*leave out the duplicates"),
        (torch.tensor([True, False]), r"`keep` is a mask of shape \(2,\).*\(4,\)"),
    ],
)
def test_what_cannot_be_kept_is_named(keep, message):
    with pytest.raises(ValueError, match=message):
        prune(nn.Linear(6, M), nn.Linear(M, 6), keep, torch.zeros(M))


def test_dimensions_are_counted():
    with pytest.raises(TypeError, match=r"`keep` holds torch.float64.*pass integers"):
        prune(nn.Linear(6, M), nn.Linear(M, 6), torch.ones(1), torch.zeros(M))


@pytest.mark.parametrize("sizes", [(M, M, 3), (M, 3, M), (3, M, M)])
def test_parts_must_fit(sizes):
    codes, taken, means = sizes
    words = rf"`encoder` returns {codes} dimensions, `decoder` takes {taken}, and `mean` has {means}"
    with pytest.raises(ValueError, match=words):
        prune(nn.Linear(6, codes), nn.Linear(taken, 6), [0], torch.zeros(means))


class Own(nn.Sequential):
    """A container that does something of its own."""

    def forward(self, x):
        return 2 * super().forward(x)


def hooked(layer):
    layer.register_forward_hook(lambda module, inputs, output: 2 * output)
    return layer


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (nn.Sequential(nn.Linear(6, M), nn.ReLU()), r"`encoder` ends in ReLU\(\), which cannot be folded"),
        (nn.Sequential(nn.Linear(6, M), nn.BatchNorm1d(M)), r"`encoder` ends in BatchNorm1d"),
        (nn.Sequential(nn.Conv2d(1, M, 2), nn.Flatten()), r"`encoder` ends in Conv2d"),
        (nn.Sequential(nn.Linear(6, M), nn.Unflatten(1, (2, 2))), r"`encoder` ends in Unflatten"),
        (Own(nn.Linear(6, M)), r"`encoder` ends in Own"),
        (hooked(nn.Linear(6, M)), r"`encoder` ends in Linear.*hook.*take the hook off"),
        (hooked(nn.Sequential(nn.Linear(6, M))), r"`encoder` ends in Sequential"),
        (nn.Sequential(nn.Flatten()), r"`encoder` has no layer to fold"),
    ],
)
def test_an_encoder_that_cannot_be_folded_is_named(encoder, message):
    with pytest.raises(TypeError, match=message):
        prune(encoder, nn.Linear(M, 6), [0], torch.zeros(M))


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        (nn.Sequential(nn.ReLU(), nn.Linear(M, 6)), r"`decoder` begins with ReLU\(\), which cannot be folded"),
        (nn.Sequential(nn.Dropout(0.5), nn.Linear(M, 6)), r"`decoder` begins with Dropout"),
        # On more than one pixel what a mean adds depends on the place: no bias can hold it.
        (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.ConvTranspose2d(1, 3, 2)), r"`decoder` begins with Unflatten"),
        (nn.Sequential(nn.ConvTranspose2d(M, 3, 2)), r"`decoder` begins with ConvTranspose2d"),
        (nn.Sequential(nn.Unflatten(1, (M, 1)), nn.ReLU()), r"`decoder` begins with Unflatten"),
        (hooked(nn.Linear(M, 6)), r"`decoder` begins with Linear.*hook"),
        (nn.Sequential(), r"`decoder` has no layer to fold"),
    ],
)
def test_a_decoder_that_cannot_be_folded_is_named(decoder, message):
    with pytest.raises(TypeError, match=message):
        prune(nn.Linear(6, M), decoder, [0], torch.zeros(M))
