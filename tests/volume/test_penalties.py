"""Laws of the penalties, against closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import grad, vmap

from latentbook.volume import PENALTIES, latent_std, std_l2, volume_penalty


@pytest.fixture
def z(device):
    return torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]], device=device)


# ---- the volume: values from closed forms, widths 2/sqrt(3) and 4/sqrt(3) ----


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
    # The mean width is the square root of 3; the next term is -(sigma_2 - sigma_1)² / (8 eta), 1.7e-5 here.
    assert (volume_penalty(z, 1e4) - 1e4).item() == pytest.approx(1.732034, abs=1e-6)


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


@pytest.mark.parametrize("eta", [-1.0, math.nan])
def test_negative_lift_is_refused(z, eta):
    with pytest.raises(ValueError, match=rf"`eta` is {eta}.*0 or more"):
        volume_penalty(z, eta)


def test_a_family_of_lifts_is_one_batch(z):
    """A family passes its weights as tensors, one a member, under vmap."""
    codes, etas = torch.stack([z, 2 * z, z**2]), torch.tensor([0.0, 1.0, 3.0], device=z.device)
    together = vmap(volume_penalty)(codes, etas)
    torch.testing.assert_close(together, torch.stack([volume_penalty(a, b) for a, b in zip(codes, etas, strict=True)]))
    slopes = vmap(grad(volume_penalty))(codes[1:], etas[1:])
    torch.testing.assert_close(slopes[0], grad(volume_penalty)(codes[1], 1.0))


# ---- all penalties ----

# Closed forms on the rectangle, and after a move by 5: those that see only widths do not notice.
VALUES = {
    "volume": (2.670350, 2.670350),
    "std_l1": (1.732051, 1.732051),
    "variance_l1": (3.333333, 3.333333),
    "std_l2": (1.290994, 1.290994),
    "lasso": (1.5, 6.5),
    "student_t": (1.110663, 3.708734),
}
# How a penalty answers when all codes are doubled; the lift and the logarithm answer otherwise.
DEGREES = {"std_l1": 1, "variance_l1": 2, "std_l2": 1, "lasso": 1}


def test_every_penalty_has_its_values():
    assert set(PENALTIES) == set(VALUES)


@pytest.mark.parametrize("name", PENALTIES)
def test_values_of_a_rectangle(z, name):
    here, moved = VALUES[name]
    assert PENALTIES[name](z).item() == pytest.approx(here, abs=1e-6)
    assert PENALTIES[name](z + 5).item() == pytest.approx(moved, abs=1e-6)


@pytest.mark.parametrize(("name", "degree"), DEGREES.items())
def test_degree_of_homogeneity(z, name, degree):
    torch.testing.assert_close(PENALTIES[name](2 * z), 2**degree * PENALTIES[name](z))


@pytest.mark.parametrize("name", PENALTIES)
@given(shape=st.lists(st.integers(1, 4), min_size=0, max_size=3), m=st.integers(1, 5), seed=st.integers(0, 99))
def test_penalties_know_no_order_and_any_batch(name, shape, m, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randn(*shape, 2, m, generator=generator)
    value = PENALTIES[name](codes)
    assert value.shape == ()
    shuffled = codes.reshape(-1, m)[torch.randperm(codes.numel() // m, generator=generator)]
    torch.testing.assert_close(PENALTIES[name](shuffled[:, torch.randperm(m, generator=generator)]), value)


@pytest.mark.parametrize("name", PENALTIES)
def test_collapsed_codes_have_a_gradient(name):
    """All widths are zero, where a root has no slope."""
    z = torch.full((4, 3), 2.0, requires_grad=True)
    PENALTIES[name](z).backward()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_in_a_family(name):
    codes = torch.randn(3, 6, 4)
    torch.testing.assert_close(vmap(PENALTIES[name])(codes), torch.stack([PENALTIES[name](z) for z in codes]))


@pytest.mark.parametrize("name", ["volume", "std_l1", "variance_l1", "std_l2"])
def test_one_code_is_refused_and_not_nan(name):
    with pytest.raises(ValueError, match="larger batch"):
        PENALTIES[name](torch.zeros(1, 3))


def test_axes_mean_nothing_to_the_norm_of_widths(z):
    half = math.sqrt(0.5)
    turned = z @ torch.tensor([[half, -half], [half, half]], device=z.device)
    torch.testing.assert_close(std_l2(turned), std_l2(z))
