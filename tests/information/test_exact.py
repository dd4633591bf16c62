"""The linear-Gaussian hierarchy against published figures, quadrature by samples, and a search over encoders."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import optimize
from torch.distributions import Normal, kl_divergence

from latentbook.information import chain, linear_gaussian, linear_gaussian_information

# (beta_1, beta_2): R_2, R_1, D, to six decimals.
CELLS = {
    (1, 1): (0.202733, 0.346574, 1.418939),
    (1, 10): (0.003987, 0.555757, 1.628122),
    (10, 1): (0.425354, 0.007766, 1.930070),
    (0.1, 0.1): (0.425354, 1.300988, 0.969959),
    (10, 10): (0.012256, 0.016405, 2.793939),
    (0.1, 10): (0.000142, 2.371336, 0.980662),
    (10, 0.1): (1.922801, 0.002732, 1.426608),
    (1, 1e6): (0, 0.596573, 1.668938),
    (1e6, 1): (0.471573, 0, 2.043937),
}
WEIGHTS = [0.05, 0.3, 1.0, 4.0, 30.0]
PAIRS = list(itertools.product(WEIGHTS, WEIGHTS))


def objective(encoder, beta_1, beta_2, v):
    """What is minimised, for q(z_2|x) = N(w x, s²) and q(z_1|z_2, x) = N(p z_2 + r x, t²), by second moments."""
    w, log_s, p, r, log_t = encoder
    square, cross = w**2 * v + math.exp(2 * log_s), w * v
    R_2 = (math.exp(2 * log_s) + w**2 * v - 1) / 2 - log_s
    R_1 = (math.exp(2 * log_t) + (p - 1) ** 2 * square + 2 * (p - 1) * r * cross + r**2 * v - 1) / 2 - log_t
    miss = (1 - r) ** 2 * v - 2 * (1 - r) * p * cross + p**2 * square
    D = (math.log(2 * math.pi) + miss + math.exp(2 * log_t)) / 2
    return D + beta_1 * R_1 + beta_2 * R_2


@pytest.mark.parametrize("cell", CELLS)
def test_the_published_cells(cell):
    assert [value.item() for value in linear_gaussian(*cell).values()] == pytest.approx(CELLS[cell], abs=6e-7)


@pytest.mark.parametrize("v", [0.5, 3.0, 6.0])
@pytest.mark.parametrize(("beta_1", "beta_2"), PAIRS)
def test_no_linear_encoder_is_better(beta_1, beta_2, v):
    found = linear_gaussian(beta_1, beta_2, v)
    least = found["D"] + beta_1 * found["R_1"] + beta_2 * found["R_2"]
    search = optimize.minimize(objective, [0.1, -0.1, 0.5, 0.5, -0.1], (beta_1, beta_2, v), "BFGS", tol=1e-9)
    # Differences of the search's gradient are good to 1e-8, its minimum to the square root less.
    assert search.fun == pytest.approx(least.item(), rel=1e-7)


def test_with_weights_of_one_it_is_the_true_posterior():
    found = linear_gaussian(1, 1)
    assert sum(found.values()).item() == pytest.approx(math.log(6 * math.pi * math.e) / 2, rel=1e-12)
    # At x = 1 by the chain rule: the rates of the layers are the divergence of the joint posterior.
    x = torch.tensor(1.0)
    mean, cov, prior = (
        torch.tensor([1.0, 2.0]) / 3,
        torch.tensor([[2.0, 1.0], [1.0, 2.0]]) / 3,
        [[1.0, 1.0], [1.0, 2.0]],
    )
    joint = kl_divergence(
        torch.distributions.MultivariateNormal(mean, cov),
        torch.distributions.MultivariateNormal(torch.zeros(2), torch.tensor(prior)),
    )
    assert joint.item() == pytest.approx(0.327084, abs=6e-7)
    z = torch.linspace(-12, 12, 20001)
    top = Normal(x / 3, (2 / 3) ** 0.5)
    below = kl_divergence(Normal((z + x) / 2, 0.5**0.5), Normal(z, torch.tensor(1.0)))
    rates = kl_divergence(top, Normal(0.0, 1.0)) + torch.trapezoid(top.log_prob(z).exp() * below, z)
    assert rates.item() == pytest.approx(joint.item(), rel=1e-8)


@pytest.mark.parametrize(("beta_1", "beta_2"), PAIRS)
@pytest.mark.parametrize("v", [1.0, 3.0])
def test_the_rates_and_the_distortion_are_bounded_by_the_entropy_and_the_informations_by_the_rates(beta_1, beta_2, v):
    found, known = linear_gaussian(beta_1, beta_2, v), linear_gaussian_information(beta_1, beta_2, v)
    assert sum(found.values()) >= math.log(2 * math.pi * math.e * v) / 2 - 1e-12
    assert known["z_2"] <= found["R_2"] + 1e-12
    assert known["z_1"] <= found["R_2"] + found["R_1"] + 1e-12
    # z_1 is next to the data, but not all that z_2 knows of x need be in it.
    assert known["z_1"] > 0


def test_a_rate_is_the_information_and_what_the_codes_differ_from_the_prior():
    rate, known = linear_gaussian(1, 1, 6.0)["R_2"].item(), linear_gaussian_information(1, 1, 6.0)["z_2"].item()
    assert (rate, known) == (pytest.approx(0.369399, abs=6e-7), pytest.approx(math.log(2) / 2, rel=1e-12))
    codes = Normal(0.0, math.sqrt(6 / 9 + 2 / 3))
    assert rate - known == pytest.approx(kl_divergence(codes, Normal(0.0, 1.0)).item(), rel=1e-9)


def test_informations_are_those_of_samples():
    rng = np.random.default_rng(0)
    x = rng.normal(0, math.sqrt(3), 400_000)
    # The encoders of (0.5, 2): kappa = 1/6.
    z_2 = x / 7 + rng.normal(0, math.sqrt(6 / 7), len(x))
    z_1 = (0.5 * z_2 + x) / 1.5 + rng.normal(0, math.sqrt(1 / 3), len(x))
    for name, z in (("z_2", z_2), ("z_1", z_1)):
        by_correlation = -np.log1p(-(np.corrcoef(x, z)[0, 1] ** 2)) / 2
        # The standard error of a correlation is (1 - r²) / √n, below 0.0016; that of the information below 0.003.
        assert linear_gaussian_information(0.5, 2.0)[name].item() == pytest.approx(by_correlation, abs=0.009)


def test_raising_a_weight_lowers_its_rate_and_moves_information_to_the_other():
    betas = torch.logspace(-2, 2, 50)
    below, above = linear_gaussian(betas, 1.0), linear_gaussian(1.0, betas)
    assert (below["R_1"].diff() < 0).all()
    assert (below["R_2"].diff() > 0).all()
    assert (above["R_2"].diff() < 0).all()
    assert (above["R_1"].diff() > 0).all()
    assert (below["D"].diff() > 0).all()


def test_tensors_broadcast_and_gradients_pass():
    betas = torch.tensor([[0.5], [2.0]], requires_grad=True)
    found = linear_gaussian(betas, torch.tensor([0.1, 1.0, 10.0]))
    assert {value.shape for value in found.values()} == {(2, 3)}
    torch.testing.assert_close(found["R_1"][1, 2], linear_gaussian(2.0, 10.0)["R_1"])
    found["R_2"].sum().backward()
    assert (betas.grad > 0).all()


def test_large_and_small_weights_do_not_round_to_nothing():
    # R_1 ~ (1 + e) / 2 beta_1² and R_2 ~ (v/2 + 1/4) kappa²... both by their first terms.
    assert linear_gaussian(1e5, 1.0)["R_1"].item() == pytest.approx((0.5 + 1.25) / 2 / 1e10, rel=1e-3)
    kappa = 0.5e-5
    assert linear_gaussian(1.0, 1e5)["R_2"].item() == pytest.approx((3 / 2 + 1 / 4) * kappa**2, rel=1e-3)


@pytest.mark.parametrize("layers", range(1, 6))
def test_a_chain_adds_up_to_the_entropy(layers):
    found = chain(layers)
    assert list(found) == [*(f"R_{layer}" for layer in range(layers, 0, -1)), "D"]
    assert sum(found.values()).item() == pytest.approx(math.log(2 * math.pi * math.e * (layers + 1)) / 2, rel=1e-12)


def test_a_chain_of_three_and_of_two():
    assert [value.item() for value in chain(3).values()] == pytest.approx(
        [0.143841, 0.202733, 0.346574, 1.418939], abs=6e-7
    )
    for name, value in linear_gaussian(1, 1).items():
        assert chain(2)[name].item() == pytest.approx(value.item(), rel=1e-12)


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["beta_1", "beta_2", "data_variance"])
def test_what_is_not_a_positive_number_is_named(name, value):
    arguments = {"beta_1": 1.0, "beta_2": 1.0} | {name: value}
    for function in (linear_gaussian, linear_gaussian_information):
        with pytest.raises(ValueError, match=f"`{name}` is {value}, but must be a finite number above 0"):
            function(**arguments)


def test_a_chain_without_layers_is_refused():
    with pytest.raises(ValueError, match="`layers` is 0"):
        chain(0)
