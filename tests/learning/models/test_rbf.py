"""The fitted noise of a decoder: a most likely one, of examples and their own codes, positive everywhere."""

import copy
import math

import pytest
import scipy.optimize
import torch
from torch import nn
from torch.distributions import Normal

from latentbook.learning.dataset import Dataset
from latentbook.learning.models import rbf
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.bigan import bigan_mlp
from latentbook.learning.models.convolutional import conv_decoder
from latentbook.learning.models.rbf import RBFVariance, fit_variance
from latentbook.metric import pullback_metric, pushforward, stack_moments

FLOOR = 1e-6


def spread(event=(1, 3, 2), centres=5, m=2, zeta=0.01, device="cpu"):
    """A network with weights that are not alike."""
    network = RBFVariance(torch.randn(centres, m), torch.rand(centres) + 0.5, event, zeta).to(device)
    network.weight.copy_(10 * torch.rand_like(network.weight))
    return network


class Pseudo(nn.Module):
    """Data that hold their codes in front; the rest is a curved function of the codes, and noise."""

    values = 20

    def __init__(self, shift=0):
        super().__init__()
        directions = torch.randn(2, self.values, generator=torch.Generator().manual_seed(0))
        self.register_buffer("directions", directions.to(torch.get_default_dtype()))
        self.shift = shift

    def encode(self, x):
        return x[..., :2].roll(self.shift, 0)

    def decode(self, z):
        return torch.cat([z, (z @ self.directions).sin()], -1)

    def draw(self, count, std):
        z = torch.randn(count, 2)
        noise = std(z)[:, None] * torch.randn(count, self.values) if callable(std) else std * torch.randn(count, 20)
        return self.decode(z) + torch.cat([torch.zeros(count, 2), noise], -1)


# ---- codes and examples belong together ------------------------------------------------------------------------------


def test_the_variance_is_of_examples_and_their_own_codes():
    """The original's defect: codes in a shuffled order, examples in the file's.

    The noise has a variance of 0.049. 3,000 examples and 16 centres leave about 200 residuals a centre, so 10 % of
    error for one of 20 values, and 3 % for the median of them.
    """
    x = Pseudo().draw(3000, 0.049**0.5)
    z = 0.5 * torch.randn(100, 2)
    found = fit_variance(Pseudo(), x, centres=16).variance(z)[:, 2:].median()
    assert found.item() == pytest.approx(0.049, rel=0.1)
    # What the residuals of others would look like: this test would see it.
    assert fit_variance(Pseudo(shift=1), x, centres=16).variance(z)[:, 2:].median() > 0.5


def test_a_data_set_that_is_drawn_anew_is_drawn_once_for_both():
    """A model that returns the very example has residuals of exactly 0, unless another draw is encoded."""
    data = Dataset(torch.rand(200, 3)).binarized("dynamic")
    model = Autoencoder(nn.Identity(), nn.Identity())
    network = fit_variance(model, data, centres=4, zeta=0.01)
    # 1 / variance is at most W + zeta, with W near 1 / floor.
    assert network.variance(data[:]).max() < 10 * FLOOR


@pytest.mark.parametrize("as_data", [False, True])
def test_chunks_and_blocks_change_nothing(monkeypatch, as_data):
    x = Pseudo().draw(150, 0.3)
    data = Dataset(x) if as_data else x
    whole = fit_variance(Pseudo(), data, centres=6)
    monkeypatch.setattr(rbf, "CHUNK", 7)
    monkeypatch.setattr(rbf, "BLOCK", 3)
    parts = fit_variance(Pseudo(), data, centres=6)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)


def test_a_noise_that_changes_from_place_to_place_is_followed():
    """A standard deviation of 0.2 on the left and 0.8 on the right, within 25 % where there are many codes."""
    model = Pseudo()
    x = model.draw(4000, lambda z: torch.where(z[:, 0] < 0, 0.2, 0.8))
    network = fit_variance(model, x, centres=40)
    for side, std in ((-1.0, 0.2), (1.0, 0.8)):
        places = torch.tensor([[side, y] for y in (-0.5, 0.0, 0.5)])
        assert network(places)[:, 2:].mean().item() == pytest.approx(std, rel=0.25)


# ---- the most likely weights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeta", [1e-4, 1.0])
def test_one_wide_feature_finds_the_mean_square(zeta):
    """The most likely variance is the mean squared residual; features here are 1 to 1e-5."""
    x = Pseudo().draw(500, 0.4)
    network = fit_variance(Pseudo(), x, centres=1, a=1e3, zeta=zeta, floor=FLOOR)
    squares = (x - Pseudo().decode(x[:, :2])).square().mean(0) + FLOOR
    torch.testing.assert_close(network.variance(torch.zeros(2)), squares, rtol=1e-4, atol=0)
    torch.testing.assert_close(network(torch.zeros(2)), squares.sqrt(), rtol=1e-4, atol=0)


def test_more_noise_than_the_largest_variance_has_no_weight():
    """1 / zeta is 0.5, the mean square 4."""
    x = Pseudo().draw(500, 2.0)
    network = fit_variance(Pseudo(), x, centres=3, zeta=2.0, steps=500)
    assert network.weight[2:].max() < 1e-12
    assert network.weight.min() >= 0


def problem(count=300, values=4, centres=6, zeta=0.05):
    """Return features, squares and zeta of a problem whose best weights are partly zero."""
    z, x = torch.randn(count, 2), torch.randn(count, values)
    network = RBFVariance(torch.randn(centres, 2), torch.full((centres,), 0.4), (values,), zeta)
    return network.features(z), (x * (1 + z[:, :1].abs())).square(), zeta


def nats(weight, features, squares, zeta):
    """Return the mean negative log density of the residuals, of all values together, from torch's normal law."""
    std = (features @ weight.mT + zeta).rsqrt()
    return -Normal(0.0, std).log_prob(squares.sqrt()).sum(1).mean()


def test_weights_get_better_with_every_step_and_reach_the_optimum():
    """The problem is convex: where no direction that is allowed goes down, nothing is better."""
    features, squares, zeta = problem()
    path = [rbf._weights(features, squares, zeta, steps) for steps in (0, 1, 2, 3, 5, 10, 30, 100, 10_000)]
    values = torch.stack([nats(weight, features, squares, zeta) for weight in path])
    # Rounding of sums of 300 terms near 1.
    assert (values.diff() < 1e-13).all()
    assert all((weight >= 0).all() for weight in path)
    best = path[-1]
    slope = features.mT @ (squares - (features @ best.mT + zeta).reciprocal()) / len(features)
    # On the boundary the updates come near as 1 / steps, times a scale of one.
    assert slope.min() > -1e-3
    assert (slope.mT * best).abs().max() < 1e-4
    assert (best < 1e-3).any()


def test_the_optimum_is_that_of_another_solver():
    features, squares, zeta = problem()
    mine = nats(rbf._weights(features, squares, zeta, 10_000), features, squares, zeta)

    def objective(flat):
        weight = torch.from_numpy(flat).reshape(4, 6).requires_grad_()
        value = nats(weight, features, squares, zeta)
        value.backward()
        return value.item(), weight.grad.numpy().ravel()

    bounds, options = [(0, None)] * 24, {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    found = scipy.optimize.minimize(objective, [1.0] * 24, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    # What remains after the updates' slow end, on the boundary.
    assert mine.item() == pytest.approx(found.fun, abs=1e-6)


def test_features_are_as_wide_as_their_clusters():
    """Two far clusters, with mean distances of 1 and 2 from their centres: lambda is (a d)^-2 / 2."""
    ring = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    z = torch.cat([ring, 100 + 2 * ring])
    network = fit_variance(Autoencoder(nn.Identity(), nn.Identity()), z, centres=2, a=0.5)
    order = network.centres[:, 0].argsort()
    torch.testing.assert_close(network.centres[order], torch.tensor([[0.0, 0.0], [100.0, 100.0]]))
    torch.testing.assert_close(network.lambdas[order], torch.tensor([2.0, 0.5]))


def test_a_cluster_of_one_code_is_as_wide_as_the_others():
    z = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1e3, 0.0]])
    network = fit_variance(Autoencoder(nn.Identity(), nn.Identity()), z, centres=2)
    torch.testing.assert_close(network.lambdas, torch.tensor([0.5, 0.5]))
    assert network(z).isfinite().all()


# ---- what it returns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (7,), (2, 3)])
@pytest.mark.parametrize("event", [(4,), (1, 3, 2)])
def test_one_number_for_each_value(event, batch, device):
    network, z = spread(event, device=device), torch.randn(*batch, 2, device=device)
    for values in (network(z), network.variance(z), network.precision(z)):
        assert values.shape == (*batch, *event)
        assert values.device.type == device.type


def test_a_standard_deviation_is_the_root_of_the_variance_and_no_logarithm():
    """The original read 0.5 as a variance in one place and as the logarithm of one in another."""
    network, z = spread((4,)), torch.randn(9, 2)
    distances = (z[:, None] - network.centres).norm(dim=-1)
    beta = 0.01 + (network.weight * (-network.lambdas * distances**2).exp()[:, None]).sum(-1)
    torch.testing.assert_close(network.precision(z), beta)
    torch.testing.assert_close(network.variance(z), 1 / beta)
    torch.testing.assert_close(network(z), beta**-0.5)


def test_far_from_all_codes_the_variance_is_one_over_zeta():
    network = fit_variance(Pseudo(), Pseudo().draw(200, 0.3), centres=5, zeta=0.04)
    torch.testing.assert_close(network.variance(torch.full((3, 2), 1e3)), torch.full((3, 22), 25.0))
    assert network(torch.randn(50, 2)).max() <= 5.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_variance_is_negative_before_it_is_fitted_or_after(dtype):
    """44 % of the original's were, before; the metric is finite everywhere."""
    z = torch.cat([torch.randn(200, 2), 30 * torch.randn(200, 2)]).to(dtype)
    fresh = RBFVariance(torch.randn(8, 2, dtype=dtype), torch.ones(8, dtype=dtype), (5,))
    x = Pseudo().draw(200, 0.3).to(dtype)
    fitted = fit_variance(Pseudo().to(dtype), x, centres=8)
    for network in (fresh, fitted):
        assert network(z).dtype == dtype
        assert (network(z) > 0).all()
        assert pullback_metric(lambda z, f=network: stack_moments(0 * f(z), f(z)), z).isfinite().all()
        assert network.weight.min() >= 0
        assert not [*network.parameters()]


def test_forward_derivatives_compose_with_the_mean(device):
    model = bigan_mlp(2, (1, 3, 2), (8,)).to(device).eval()
    network, z, dz = spread(device=device), torch.randn(5, 2, device=device), torch.randn(5, 2, device=device)

    def both(z):
        return stack_moments(model.decode(z), network(z))

    x, dx = pushforward(both, z, dz)
    assert x.shape == (5, 1, 3, 2, 2)
    h = 1e-5
    # Central differences: h^2 times third derivatives of at most a thousand.
    torch.testing.assert_close(dx, (both(z + h * dz) - both(z - h * dz)) / (2 * h), rtol=1e-6, atol=1e-6)


def test_it_runs_where_the_codes_are(device):
    model, x = Pseudo().to(device), Pseudo().draw(100, 0.3).to(device)
    network = fit_variance(model, x, centres=4)
    assert {value.device.type for value in network.state_dict().values()} == {device.type}


def test_the_model_is_looked_at_in_eval_mode_and_left_as_it_is():
    model = bigan_mlp(2, (5,), (8,)).train()
    before = copy.deepcopy(model.state_dict())
    found = fit_variance(model, torch.randn(60, 5), centres=3)
    assert model.training
    assert all(model.state_dict()[name].equal(value) for name, value in before.items())
    assert not found.weight.requires_grad


def test_a_seed_decides_the_clusters():
    x = Pseudo().draw(300, 0.3)
    first, same, other = (fit_variance(Pseudo(), x, centres=10, seed=seed) for seed in (0, 0, 1))
    assert same.centres.equal(first.centres)
    assert not other.centres.equal(first.centres)


def test_its_numbers_are_all_in_its_state():
    fitted = fit_variance(Pseudo(), Pseudo().draw(100, 0.3), centres=4, zeta=0.02)
    empty = RBFVariance(torch.zeros(4, 2), torch.ones(4), (22,), zeta=0.02)
    empty.load_state_dict(fitted.state_dict())
    z = torch.randn(5, 2)
    assert empty(z).equal(fitted(z))


def test_the_original_s_decoder_has_97_thousand_numbers_and_half_are_the_variance_s():
    variance = RBFVariance(torch.zeros(64, 16), torch.ones(64), (1, 28, 28))
    numbers = sum(value.numel() for value in variance.state_dict().values())
    decoder = sum(parameter.numel() for parameter in conv_decoder(16).parameters())
    assert numbers == 784 * 64 + 64 * 16 + 64 == 51_264
    assert decoder + numbers == 96_673


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zeta": 0.0}, "`zeta` is 0.0, but must be a finite number above 0"),
        ({"a": -1.0}, "`a` is -1.0"),
        ({"floor": 0.0}, "`floor` is 0.0"),
        ({"zeta": math.inf}, "`zeta` is inf"),
        ({"steps": 0}, "`steps` is 0, but must be at least 1"),
        ({"centres": 0}, "`centres` is 0, but must be from 1 to 20"),
        ({"centres": 21}, "`centres` is 21, but must be from 1 to 20, the number of different codes"),
        ({"centres": 20}, "`centres` is 20 for as many different codes: pass fewer"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    x = Pseudo().draw(20, 0.3).repeat(2, 1)
    with pytest.raises(ValueError, match=message):
        fit_variance(Pseudo(), x, **{"centres": 4} | options)


def test_a_network_that_would_not_be_positive_is_refused():
    with pytest.raises(
        ValueError, match=r"`lambdas` is \(3,\), the least 1, but each of the 2 centres has a positive one"
    ):
        RBFVariance(torch.zeros(2, 2), torch.ones(3), (4,))
    with pytest.raises(ValueError, match=r"the least 0, but each"):
        RBFVariance(torch.zeros(2, 2), torch.tensor([1.0, 0.0]), (4,))
    for zeta in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"`zeta` is {zeta}"):
            RBFVariance(torch.zeros(2, 2), torch.ones(2), (4,), zeta)
