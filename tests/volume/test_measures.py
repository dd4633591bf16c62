"""Laws of what dimensions are worth: curves, bounds, shares and counts."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from latentbook.volume import (
    explained_reconstruction,
    importance_correlation,
    latent_set_dimension,
    pruning_bound,
    pruning_curve,
    reconstruction_error,
)

# Four codes with means 0 and root mean squares 2 and 1.
CROSS = [[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]]


class Counting:
    """A decoder that notes how many codes it is given at once."""

    def __init__(self, decode):
        self.decode, self.seen = decode, []

    def __call__(self, z):
        self.seen.append(len(z))
        return self.decode(z)


# ---- pruning ----


def test_reconstruction_error_is_a_mean_of_norms():
    assert reconstruction_error(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.zeros(2, 2)).item() == 2.5


def test_pruning_an_identity(device):
    z = torch.tensor([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]], device=device)
    expected = torch.tensor([0.0, 1.0, math.sqrt(5)], device=device)
    torch.testing.assert_close(pruning_curve(lambda z: z, z, z), expected)


def test_pruning_uses_the_means_and_ranks_it_is_given(device):
    z = torch.tensor([[2.0, 1.0], [-2.0, 1.0]], device=device)
    mean, std = torch.tensor([2.0, 0.0], device=device), torch.tensor([1.0, 2.0], device=device)
    # First the first dimension (errors 0 and 4), then the second (errors 1 and sqrt(17)).
    expected = torch.tensor([0.0, 2.0, (1 + math.sqrt(17)) / 2], device=device)
    torch.testing.assert_close(pruning_curve(lambda z: z, z, z, mean=mean, std=std), expected)


def test_pruning_leaves_the_codes_and_takes_images():
    z, decode = torch.randn(6, 3), nn.Sequential(nn.Linear(3, 16), nn.Unflatten(-1, (1, 4, 4)))
    before, curve = z.clone(), pruning_curve(decode, torch.rand(6, 1, 4, 4), z)
    assert curve.shape == (4,)
    assert not curve.requires_grad
    assert z.equal(before)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_chunks_do_not_change_a_curve(chunk):
    decode = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Unflatten(-1, (1, 4, 4)))
    x, z = torch.rand(7, 1, 4, 4), torch.randn(7, 3)
    torch.testing.assert_close(pruning_curve(decode, x, z, chunk=chunk), pruning_curve(decode, x, z, chunk=7))


@pytest.mark.parametrize(("measure", "decodings"), [(pruning_curve, 5 + 1), (explained_reconstruction, 5 + 2)])
def test_memory_is_bounded_by_a_chunk(measure, decodings):
    """One pass over the codes: each is decoded once for every variant, and no more than a chunk of them at once."""
    decode, z = Counting(lambda z: z), torch.randn(23, 5)
    measure(decode, z, z, chunk=10)
    assert max(decode.seen) == 10
    assert sum(decode.seen) == 23 * decodings


def test_equal_widths_are_pruned_in_their_order():
    z = torch.tensor(CROSS)
    curve = pruning_curve(lambda z: z, z, z, std=torch.ones(2))
    assert curve[1].item() == pytest.approx(2.0)


@pytest.mark.parametrize("measure", [pruning_curve, explained_reconstruction])
def test_wrong_sizes_are_named(unchecked, measure):
    x, z = torch.zeros(4, 2), torch.zeros(3, 2)
    with pytest.raises(ValueError, match=r"`x` has 4 examples and `z` has 3 codes.*pass the codes"):
        measure(lambda z: z, x, z)
    with pytest.raises(ValueError, match=r"`chunk` is 0.*1 or more"):
        measure(lambda z: z, x, x, chunk=0)
    # (4, 1) would broadcast against (4, 2).
    with pytest.raises(ValueError, match=r"`decode` returns shape \(4, 1\) for data `x` of shape \(4, 2\): reshape"):
        measure(lambda z: z[:, :1], x, x)


# ---- the bound ----


def test_bound_is_the_root_of_the_pruned_variances():
    torch.testing.assert_close(pruning_bound(torch.tensor([4.0, 3.0, 12.0]), 2.0), torch.tensor([0.0, 6.0, 10.0, 26.0]))


def test_bound_needs_a_slope():
    with pytest.raises(ValueError, match=r"`lipschitz` is -1.0.*0 or more"):
        pruning_bound(torch.ones(2), -1.0)


def lipschitz_decoder(m, hidden, seed, lipschitz):
    """Return a perceptron whose layers have norm 1, by SVD, and whose last layer has the norm asked for."""
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b) for a, b in zip([m, *hidden], [*hidden, 6], strict=True)]
    for layer in layers:
        layer.weight.data /= torch.linalg.matrix_norm(layer.weight.data, 2)
    layers[-1].weight.data *= lipschitz
    return nn.Sequential(*[part for layer in layers for part in (layer, nn.LeakyReLU(0.2))][:-1])


@given(
    m=st.integers(1, 6),
    hidden=st.lists(st.integers(1, 8), max_size=2),
    seed=st.integers(0, 10_000),
    lipschitz=st.floats(0.1, 10),
)
def test_no_lipschitz_decoder_pays_more_than_the_bound(m, hidden, seed, lipschitz):
    decode = lipschitz_decoder(m, hidden, seed, lipschitz)
    z = torch.randn(20, m) @ torch.randn(m, m) + 3
    with torch.no_grad():
        x = decode(z) + 0.1 * torch.randn(20, 6)
    curve, bound = pruning_curve(decode, x, z), pruning_bound(z.std(0), lipschitz)
    # Rounding: errors are of order 10.
    assert (curve - curve[0] <= bound + 1e-12).all()


def test_the_bound_is_reached_by_an_isometry_on_a_perfect_code():
    """With errors of one size the mean of norms is the root of the mean square: nothing tighter holds for all."""
    z = torch.tensor(CROSS)
    curve, bound = pruning_curve(lambda z: z, z, z), pruning_bound(z.std(0, correction=0))
    torch.testing.assert_close(curve, bound)


# ---- counting dimensions ----


@pytest.mark.parametrize(
    ("curve", "dimensions"),
    [
        ([1.0, 1.001, 1.5, 3.0], 2),
        ([0.0, 1.0, 2.0], 2),
        ([1.0, 1.0, 1.0, 2.0], 1),
        ([2.155, 2.1551, 2.1549, 2.1552], 0),
        # Worse than the mean, and data that are their mean.
        ([2.2, 2.1, 2.0], 0),
        ([0.0, 0.0, 0.0], 0),
    ],
)
def test_counting_by_the_one_percent_rule(curve, dimensions):
    assert latent_set_dimension(torch.tensor(curve)) == dimensions


def test_a_broken_model_is_not_called_collapsed():
    with pytest.raises(ValueError, match="`curve` holds nan"):
        latent_set_dimension(torch.tensor([torch.nan, 1.0, 2.0]))


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_threshold_is_a_fraction(threshold):
    with pytest.raises(ValueError, match=r"fraction.*\(0, 1\]"):
        latent_set_dimension(torch.tensor([1.0, 2.0]), threshold)


def test_a_collapsed_autoencoder_counts_no_dimension():
    """Its codes carry noise that the decoder does not look at; the bare rule would count ratios of rounding errors."""
    x, z = torch.randn(50, 8), 1e-9 * torch.randn(50, 5)
    curve = pruning_curve(lambda z: x.mean(0) + 1e-6 * z.sum(-1, keepdim=True) * torch.ones(8), x, z, chunk=50)
    assert latent_set_dimension(curve) == 0


# ---- shares ----


@pytest.mark.parametrize(("loss", "shares"), [("l2", [0.894427, 0.447214]), ("mse", [0.8, 0.2])])
def test_shares_of_an_identity(device, loss, shares):
    z = torch.tensor(CROSS, device=device)
    expected = torch.tensor(shares, device=device)
    # The reference has six digits.
    torch.testing.assert_close(explained_reconstruction(lambda z: z, z, z, loss=loss), expected, atol=1e-6, rtol=0)


@given(shape=st.lists(st.integers(1, 3), max_size=3), count=st.integers(2, 9), chunk=st.integers(1, 10))
def test_shares_for_any_event_in_any_chunks(shape, count, chunk):
    torch.manual_seed(0)
    z, weight = torch.randn(count, 4), torch.randn(4, math.prod(shape))

    def decode(z):
        return (z @ weight).tanh().reshape(len(z), *shape)

    x = decode(z) + 0.1 * torch.randn(count, *shape)
    flat = explained_reconstruction(lambda z: decode(z).reshape(len(z), -1), x.reshape(count, -1), z, chunk=count)
    torch.testing.assert_close(explained_reconstruction(decode, x, z, chunk=chunk), flat, equal_nan=True)


def test_squared_shares_of_principal_components_are_their_variances():
    z = torch.randn(300, 4) * torch.tensor([3.0, 2.0, 1.0, 0.5])
    axes = torch.linalg.svd(z - z.mean(0), full_matrices=False).Vh
    codes = (z - z.mean(0)) @ axes.T
    shares = explained_reconstruction(lambda c: c @ axes + z.mean(0), z, codes, loss="mse")
    torch.testing.assert_close(shares, codes.var(0) / codes.var(0).sum())


def test_shares_use_the_means_they_are_given():
    z = torch.tensor(CROSS)
    shares = explained_reconstruction(lambda z: z, z, z, mean=torch.tensor([0.0, 1.0]), loss="mse")
    # Half of the data lie at 1 already: (4, 2) of 6.
    torch.testing.assert_close(shares, torch.tensor([4.0, 2.0]) / 6)


def test_a_dimension_that_does_harm_has_no_negative_share():
    x = torch.tensor(CROSS) * torch.tensor([1.0, 0.0])
    z = torch.tensor(CROSS)
    assert explained_reconstruction(lambda z: z, x, z)[1].item() == 0


@pytest.mark.parametrize("loss", ["l2", "mse"])
def test_shares_of_a_collapsed_code_are_nan(loss):
    x, z = torch.randn(50, 1, 2, 2), torch.randn(50, 3)
    shares = explained_reconstruction(lambda z: x.mean(0) + 1e-4 * z.sum(-1).reshape(-1, 1, 1, 1), x, z, loss=loss)
    assert shares.isnan().all()
    assert importance_correlation(z.std(0), shares).isnan()


def test_shares_need_a_known_loss():
    z = torch.tensor(CROSS)
    with pytest.raises(ValueError, match=r"`loss` is 'bce'.*\['l2', 'mse'\]"):
        explained_reconstruction(lambda z: z, z, z, loss="bce")


# ---- correlation ----


def test_correlation_is_pearsons():
    std, shares = torch.rand(9), torch.rand(9)
    torch.testing.assert_close(importance_correlation(std, shares), torch.corrcoef(torch.stack([std, shares]))[0, 1])
    torch.testing.assert_close(importance_correlation(std, 3 - 2 * std), torch.tensor(-1.0))


@pytest.mark.parametrize("shares", [[0.1, 0.1, 0.1], [math.nan] * 3])
def test_correlation_without_meaning_is_nan(shares):
    assert importance_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor(shares)).isnan()


@pytest.mark.parametrize(("widths", "shares"), [((3,), (2,)), ((1,), (1,)), ((2, 2), (2, 2))])
def test_correlation_needs_pairs(unchecked, widths, shares):
    with pytest.raises(ValueError, match=r"`std` has shape .* and `explained` .*one model"):
        importance_correlation(torch.rand(widths), torch.rand(shares))
