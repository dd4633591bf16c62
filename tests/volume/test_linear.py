"""The closed form of the linear case, against minimisers that know nothing of it and against training."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import nn

from latentbook.core import seeded
from latentbook.lipschitz import spectral_norm
from latentbook.volume import (
    collapse_lambda,
    latent_std,
    linear_loss,
    linear_optimum,
    principal_std,
    volume_penalty,
)

# From the sheet of reference values: principal widths, weight, optimal widths, loss. They are of a sample of 512, whose
# mean squared error divides by N where variances divide by N - 1.
SAMPLE = 512
REFERENCES = [
    ([2.0, 1.0, 0.5, 0.1], 0.3, [1.916, 0.869, 0.313, 0.0], 0.5079),
    ([2.0, 1.0, 0.5, 0.25], 1.0, [1.738, 0.532, 0.0, 0.0], 1.5809),
    ([2.0, 1.0, 0.5, 0.25], 6.0, [0.0, 0.0, 0.0, 0.0], 7.3255),
]


@pytest.mark.parametrize(("p", "lam", "std", "loss"), REFERENCES)
def test_reference_values(device, p, lam, std, loss):
    shrink, p = (SAMPLE - 1) / SAMPLE, torch.tensor(p, device=device)
    # The sample's objective is `shrink` times that of the population with a weight of lam / shrink.
    optimum = linear_optimum(p, lam / shrink)
    # The references have three decimals, of which the last is off by one in one place.
    torch.testing.assert_close(optimum, torch.tensor(std, device=device), atol=1e-3, rtol=0)
    assert shrink * linear_loss(optimum, p, lam / shrink).item() == pytest.approx(loss, abs=5e-5)


# ---- against a minimiser that starts from every set of living dimensions ----


def numeric_minimum(p, lam, eta, data_dim, lipschitz):
    """Return the lowest loss that bounded quasi-Newton finds."""

    def loss(std):
        lifted = std + eta
        volume = math.exp(np.log(lifted).mean()) if (lifted > 0).all() else 0.0
        slope = lam * volume / len(p) / np.maximum(lifted, 1e-300)
        gradient = slope - 2 * lipschitz * (p - lipschitz * std) / data_dim
        return ((p - lipschitz * std) ** 2).sum() / data_dim + lam * volume, gradient

    lowest = math.inf
    for living in range(len(p) + 1):
        bounds = [(0, None)] * living + [(0, 0)] * (len(p) - living)
        for fraction in (0.05, 0.5, 0.95):
            start = np.where(np.arange(len(p)) < living, fraction * p / lipschitz, 0.0)
            options = {"ftol": 1e-15, "gtol": 1e-12}
            found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
            lowest = min(lowest, loss(np.maximum(found.x, 0))[0])
    return lowest


@settings(max_examples=60, deadline=None)
@given(
    p=st.lists(st.floats(0.05, 3.0) | st.just(0.0) | st.just(1.0), min_size=1, max_size=4),
    # In units of the weight where collapse becomes stable, and of the widest component.
    weight=st.floats(0.0, 1.3),
    lift=st.just(0.0) | st.floats(0.01, 1.5),
    extra=st.integers(0, 5),
    lipschitz=st.sampled_from([0.5, 1.0, 3.0]),
)
def test_no_minimiser_finds_less(p, weight, lift, extra, lipschitz):
    p = sorted(p, reverse=True)
    data_dim, eta = len(p) + extra, lift * p[0] / lipschitz
    lam = weight * 2 * lipschitz * p[0] * len(p) / data_dim
    widths = torch.tensor(p)
    best = linear_optimum(widths, lam, eta, data_dim, lipschitz=lipschitz)
    loss = linear_loss(best, widths, lam, eta, data_dim, lipschitz=lipschitz).item()
    # Rounding of losses of order 10.
    assert loss <= numeric_minimum(np.array(p), lam, eta, data_dim, lipschitz) + 1e-9


@pytest.mark.parametrize(
    ("p", "lam", "eta", "alive"),
    [
        # A lone dimension is a parabola: p - D lam / 2, on either side of half of the lifted width.
        ([1.0], 0.5, 0.1, [0.75]),
        ([1.0], 1.8, 0.1, [0.1]),
        # Without lift one dead dimension is free, and here it pays to give up the narrowest.
        ([2.0, 1.0, 0.5, 0.1], 0.3, 0.0, [2.0, 1.0, 0.5, 0.0]),
        ([2.0, 1.0, 0.5], 0.0, 1.0, [2.0, 1.0, 0.5]),
        ([0.0, 0.0], 1.0, 1.0, [0.0, 0.0]),
    ],
)
def test_optima_by_hand(p, lam, eta, alive):
    torch.testing.assert_close(linear_optimum(torch.tensor(p), lam, eta), torch.tensor(alive))


def test_the_narrowest_living_dimension_may_be_on_the_smaller_root():
    """Just below collapse, with a lift a little under p, widths start from zero: below half of the lifted component."""
    p, lam, eta = torch.tensor([0.58, 0.0]), 1.13, 0.42
    std = linear_optimum(p, lam, eta)
    grid = torch.linspace(0, 0.58, 100_001)
    losses = linear_loss(torch.stack([grid, torch.zeros_like(grid)], -1), p, lam, eta)
    assert 0 < std[0] + eta < (p[0] + eta) / 2
    # A parabola's bottom on a grid of 6e-6.
    torch.testing.assert_close(std[0], grid[losses.argmin()], atol=6e-6, rtol=0)


def test_two_minima_with_as_many_dimensions_are_told_apart():
    """Two components almost alike: the second lives on the smaller root, and an abyss lies between it and death."""
    p, lam, eta = torch.tensor([1.9127443, 1.8575846]), 2.4687717, 0.8282490
    std = linear_optimum(p, lam, eta)
    assert 0 < std[1] + eta < (p[1] + eta) / 2
    grid = torch.cartesian_prod(torch.linspace(0, 2, 1001), torch.linspace(0, 2, 1001))
    losses = linear_loss(grid, p, lam, eta)
    # The grid is 0.002 wide, the curvature of order 1.
    torch.testing.assert_close(linear_loss(std, p, lam, eta), losses.min(), atol=5e-6, rtol=0)
    assert linear_loss(torch.tensor([1.1047329, 0.0]), p, lam, eta) > losses.min() + 0.004


def test_widths_grow_from_nothing():
    """A lone dimension has the width p - D lam / 2, however little that is."""
    std = linear_optimum(torch.tensor([2.0]), 4.0 - 1e-9)
    # A bisection of 50 steps, on values of order 1.
    torch.testing.assert_close(std, torch.tensor([5e-10]), atol=1e-14, rtol=0)


@given(m=st.integers(1, 8), weight=st.floats(0.01, 1.0), eta=st.floats(0.05, 3.0), seed=st.integers(0, 999))
def test_living_dimensions_are_stationary(m, weight, eta, seed):
    p = 2 * torch.rand(m, generator=torch.Generator().manual_seed(seed))
    lam = weight * collapse_lambda(p, eta, 2 * m)
    std = linear_optimum(p, lam, eta, 2 * m).requires_grad_()
    (slope,) = torch.autograd.grad(linear_loss(std, p, lam, eta, 2 * m), std)
    # Widths come from a bisection of 50 steps; and a dead dimension may only want to be narrower.
    assert (slope[std > 0].abs() < 1e-9).all()
    assert (slope >= -1e-9).all()


@given(m=st.integers(1, 8), seed=st.integers(0, 999))
def test_optimum_follows_the_order_and_the_units(m, seed):
    generator = torch.Generator().manual_seed(seed)
    p, order = torch.rand(m, generator=generator), torch.randperm(m, generator=generator)
    std = linear_optimum(p, 0.1, 0.3, 9)
    torch.testing.assert_close(linear_optimum(p[order], 0.1, 0.3, 9), std[order])
    # Data in other units: widths, lift and weight go along.
    torch.testing.assert_close(linear_optimum(5 * p, 0.5, 1.5, 9), 5 * std)
    # A decoder that may stretch by K makes the same reconstructions from codes that are narrower by K.
    torch.testing.assert_close(linear_optimum(p, 0.4, 0.3 / 4, 9, lipschitz=4.0), std / 4)


def test_optimum_keeps_the_precision_it_is_given():
    p = torch.tensor([2.0, 1.0, 0.5, 0.1])
    assert linear_optimum(p.float(), 0.3).dtype == torch.float32
    torch.testing.assert_close(linear_optimum(p.float(), 0.3), linear_optimum(p, 0.3).float())


# ---- against linear maps that are not aligned ----


def test_principal_axes_are_the_smallest_box_that_reconstructs():
    """Hadamard: with exact reconstruction the geometric mean of widths is least, (prod p)^(1/m), on the axes."""
    p = torch.tensor([2.0, 1.0, 0.5, 0.25])
    data = sample(p)
    assert volume_penalty(data, 0.0).item() == pytest.approx(0.707107, abs=1e-6)
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator)).Q
        # A decoder W of norm at most 1; the codes that it reconstructs exactly are x W^-1.
        decoder = rotation @ torch.rand(4, generator=generator).mul(0.5).add(0.5).diag()
        decoder /= torch.linalg.matrix_norm(decoder, 2)
        assert volume_penalty(data @ rotation, 0.0) > 0.707108
        assert volume_penalty(data @ torch.linalg.inv(decoder).T, 0.0) > 0.707108


@pytest.mark.parametrize("seed", range(20))
def test_no_linear_autoencoder_has_a_lower_loss(seed):
    """Any encoder and any decoder of norm 1, near the optimum and far from it."""
    p, lam = torch.tensor([2.0, 1.0, 0.5, 0.1]), 0.3
    data, generator = sample(p), torch.Generator().manual_seed(seed)
    best = linear_optimum(p, lam)
    lowest = linear_loss(best, p, lam)
    for size in (0.01, 0.1, 1.0):
        encoder = (best / p).diag() + size * torch.randn(4, 4, generator=generator)
        decoder = torch.eye(4) + size * torch.randn(4, 4, generator=generator)
        decoder /= torch.linalg.matrix_norm(decoder, 2).clamp_min(1)
        codes = data @ encoder.T
        error = (codes @ decoder.T - data).square().sum() / (SAMPLE - 1) / 4
        assert error + lam * volume_penalty(codes) > lowest


def sample(p):
    """Return data whose sample covariance is exactly diagonal."""
    with seeded(0):
        noise = torch.randn(SAMPLE, len(p))
    white = torch.linalg.svd(noise - noise.mean(0), full_matrices=False).U
    return white * math.sqrt(SAMPLE - 1) * p


@pytest.mark.parametrize(("p", "lam", "std", "loss"), REFERENCES)
def test_training_finds_the_closed_form(p, lam, std, loss):
    p = torch.tensor(p)
    rotation = torch.linalg.qr(torch.randn(4, 4)).Q
    x = sample(p) @ rotation.T
    encoder, decoder = nn.Linear(4, 4), spectral_norm(nn.Linear(4, 4))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6000)
    for _ in range(6000):
        z = encoder(x)
        objective = (decoder(z) - x).square().mean() + lam * volume_penalty(z)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        schedule.step()
    widths, order = latent_std(encoder(x)).detach().sort(descending=True)
    expected = linear_optimum(p, lam)
    # 1 % is the sheet's; a dead dimension trembles a little around zero.
    torch.testing.assert_close(widths, expected, rtol=0.01, atol=2e-3)
    assert objective.item() == pytest.approx(loss, rel=0.01)
    kept = int(expected.count_nonzero())
    alignment = nn.functional.cosine_similarity(decoder.weight.detach()[:, order[:kept]], rotation[:, :kept], dim=0)
    assert (alignment.abs() > 0.997).all()


# ---- principal widths ----


def test_principal_widths_of_a_rotated_sample():
    p = torch.tensor([2.0, 1.0, 0.5, 0.25])
    x = sample(p) @ torch.linalg.qr(torch.randn(4, 4)).Q + 7
    torch.testing.assert_close(principal_std(x), p)
    torch.testing.assert_close(principal_std(x.reshape(-1, 2, 2), 6), torch.cat([p, torch.zeros(2)]))
    torch.testing.assert_close(principal_std(x, 2), p[:2])


def test_principal_widths_need_data():
    with pytest.raises(ValueError, match=r"`x` has shape \(1, 4\).*more data"):
        principal_std(torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"`latent_dim` is 0.*1 or more"):
        principal_std(torch.zeros(5, 4), 0)


# ---- bad input ----


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lam": -1.0}, r"`lam` is -1.0.*pass 0 or more"),
        ({"eta": -0.5}, r"`eta` is -0.5.*pass 0 or more"),
        ({"lam": math.nan}, r"`lam` is nan"),
        ({"data_dim": 0}, r"`data_dim` is 0.*pass 1 or more"),
        ({"lipschitz": 0.0}, r"`lipschitz` is 0.0.*above 0"),
        ({"p": torch.tensor([1.0, -1.0])}, r"`p` is \[1.0, -1.0\].*each 0 or more"),
        ({"p": torch.zeros(0)}, r"`p` is \[\].*at least one"),
    ],
)
def test_impossible_cases_are_named(arguments, message):
    case = {"p": torch.ones(2), "lam": 1.0, **arguments}
    with pytest.raises(ValueError, match=message):
        linear_optimum(**case)
    with pytest.raises(ValueError, match=message):
        linear_loss(std=torch.ones(len(case["p"])), **case)
