"""Laws of the volume penalty and of pruning, against closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.volume import latent_set_dimension, latent_std, pruning_curve, reconstruction_error, volume_penalty


@pytest.fixture
def z(device):
    return torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]], device=device)


# ---- the penalty: values from closed forms, widths 2/sqrt(3) and 4/sqrt(3) ----


def test_widths(z):
    torch.testing.assert_close(latent_std(z), torch.tensor([2.0, 4.0], device=z.device) / math.sqrt(3))


@pytest.mark.parametrize(("eta", "value"), [(0.0, 1.632993), (1.0, 2.670350)])
def test_penalty_of_a_rectangle(z, eta, value):
    assert volume_penalty(z, eta).item() == pytest.approx(value, abs=1e-6)
    assert volume_penalty(z + 5, eta).item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("eta", "value"), [(0.0, 1.825742), (1.0, 2.825742)])
def test_penalty_is_about_axes(z, eta, value):
    half = math.sqrt(0.5)
    turned = z @ torch.tensor([[half, -half], [half, half]], device=z.device)
    assert volume_penalty(turned, eta).item() == pytest.approx(value, abs=1e-6)


def test_penalty_scales_with_the_codes_without_lift(z):
    torch.testing.assert_close(volume_penalty(3 * z, 0.0), 3 * volume_penalty(z, 0.0))


def test_penalty_becomes_the_mean_width_for_a_large_lift(z):
    # (sigma_1 sigma_2 / eta) is the next term: 2.7e-4 / 8 at eta = 1e4.
    assert (volume_penalty(z, 1e4) - 1e4).item() == pytest.approx(math.sqrt(3), abs=1e-4)


def test_gradient_in_closed_form(z):
    z.requires_grad_()
    volume_penalty(z, 1.0).backward()
    expected = torch.tensor([0.1788795, 0.1164657], device=z.device) * torch.sign(z.detach() - z.detach().mean(0))
    torch.testing.assert_close(z.grad, expected, atol=1e-6, rtol=0)


def test_a_dead_dimension_is_left_alone_and_the_others_are_pushed(z):
    z = torch.cat([z, torch.full_like(z[:, :1], 7.0)], 1).requires_grad_()
    volume_penalty(z, 1.0).backward()
    assert z.grad.isfinite().all()
    assert (z.grad[:, 2] == 0).all()
    assert (z.grad[:, :2] != 0).all()


def test_without_lift_a_dead_dimension_silences_the_penalty(z):
    z = torch.cat([z, torch.zeros_like(z[:, :1])], 1).requires_grad_()
    penalty = volume_penalty(z, 0.0)
    penalty.backward()
    assert penalty.item() == 0
    assert (z.grad == 0).all()


def test_lift_may_be_a_tensor(z):
    eta = torch.tensor(1.0, requires_grad=True, device=z.device)
    volume_penalty(z, eta).backward()
    widths = latent_std(z)
    expected = volume_penalty(z, 1.0) * (1 / (widths + 1)).mean()
    torch.testing.assert_close(eta.grad, expected)


@given(st.lists(st.integers(1, 4), min_size=0, max_size=3), st.integers(1, 5))
def test_any_number_of_leading_dimensions(batch, m):
    codes = torch.randn(*batch, 2, m, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(volume_penalty(codes), volume_penalty(codes.reshape(-1, m)))


def test_one_code_has_no_width():
    with pytest.raises(ValueError, match=r"`z` has shape \(1, 3\).*larger batch"):
        volume_penalty(torch.zeros(1, 3))


def test_negative_lift_is_refused(z):
    with pytest.raises(ValueError, match=r"`eta` is -1.0.*0 or more"):
        volume_penalty(z, -1.0)


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


@pytest.mark.parametrize("seed", range(5))
def test_pruning_bound(seed):
    """A 1-Lipschitz decoder pays at most the root of the pruned variances, on the same data."""
    torch.manual_seed(seed)
    layers = [spectral_norm(nn.Linear(a, b), n_power_iterations=200) for a, b in ((5, 32), (32, 20))]
    decode = nn.Sequential(layers[0], nn.LeakyReLU(0.2), layers[1]).eval()
    z = torch.randn(400, 5) * torch.tensor([2.0, 1.0, 0.3, 0.1, 0.01])
    with torch.no_grad():
        x = decode(z) + 0.1 * torch.randn(400, 20)
    cost = pruning_curve(decode, x, z)
    # The theorem's widths are root mean squares over N, not over N - 1.
    bound = z.var(0, correction=0).sort().values.cumsum(0).sqrt()
    # Power iteration ends a little below the true norm: 1 % for two layers.
    assert ((cost[1:] - cost[0]) <= 1.01 * bound).all()


# ---- counting dimensions ----


@pytest.mark.parametrize(
    ("curve", "dimensions"),
    [
        ([1.0, 1.001, 1.5, 3.0], 2),
        ([0.0, 1.0, 2.0], 2),
        ([1.0, 1.0, 1.0, 2.0], 1),
        ([2.155, 2.1551, 2.1549, 2.1552], 0),
    ],
)
def test_counting_by_the_one_percent_rule(curve, dimensions):
    assert latent_set_dimension(torch.tensor(curve)) == dimensions


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_threshold_is_a_fraction(threshold):
    with pytest.raises(ValueError, match=r"fraction.*\(0, 1\]"):
        latent_set_dimension(torch.tensor([1.0, 2.0]), threshold)
