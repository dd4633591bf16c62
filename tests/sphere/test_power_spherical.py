"""The power spherical law: reference cases, its density and its samples against each other, and narrow laws."""

import math
import signal

import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch.distributions import Independent, kl_divergence

from latentbook.learning.recipes.hyperspherical.references import POWER_RATES
from latentbook.sphere import PowerSpherical, UniformSphere, VonMisesFisher, log_sphere_area
from tests.sphere.laws import (
    CRITICAL,
    DIMENSIONS,
    DRAWS,
    at_angles,
    direction,
    distance_between,
    drawn,
    require_directions_to_turn,
    total_mass,
)

# (m, concentration): minus the log-density at a right angle, entropy, mean cosine.
CASES = {
    (2, 4): (-3.313783586219, 1.010181832268, 0.8),
    (3, 10): (-7.06460077977, 1.042219883262, 10 / 12),
    (8, 10): (-6.378272720156, 1.829977685082, 10 / 17),
    (41, 11): (15.5744266774, -17.65264538206, 11 / 51),
    (10, 1e6): (-693096.4003434, -46.2802446492, 1e6 / (1e6 + 9)),
}
CONCENTRATIONS = [0.1, 2.0, 9.9, 11.0, 50.0, 200.0, 1e4, 1e6]


@pytest.mark.parametrize("cell", CASES)
def test_reference_cases(cell, device):
    m, k = cell
    normaliser, entropy, length = CASES[cell]
    loc = direction(m, device=device)
    law = PowerSpherical(loc, k)
    across = at_angles(loc, torch.tensor([math.pi / 2], device=device))
    # The log-density there is minus κ ln(1 + 0), minus the normaliser of (1 + t)^κ.
    assert law.log_prob(across).item() == pytest.approx(normaliser, rel=1e-11)
    assert law.entropy().item() == pytest.approx(entropy, rel=1e-11)
    assert kl_divergence(law, UniformSphere(m)).item() == pytest.approx(POWER_RATES[cell], rel=1e-11)
    assert law.mean_resultant_length.item() == pytest.approx(length, rel=1e-12)
    torch.testing.assert_close(law.mean, length * loc)


@pytest.mark.parametrize(
    ("m", "k", "divergence"),
    [(2, 1e5, 5.828830175409814), (3, 1e6, 12.81551255796277), (1000, 1e-3, 5.012515834957237e-10)],
)
def test_divergences_of_narrow_and_wide_laws(m, k, divergence):
    """In the usual form the first two are 5.93 and 12.16 in single precision, the last -1e-4 in double."""
    for dtype, rel in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        # The concentration itself is rounded.
        found = kl_divergence(PowerSpherical(direction(m, dtype), k), UniformSphere(m)).item()
        assert found == pytest.approx(divergence, rel=rel)


def test_divergence_from_von_mises_fisher(device):
    loc = direction(8, device=device)
    found = kl_divergence(PowerSpherical(loc, 10.0), VonMisesFisher(loc, 5.0)).item()
    assert found == pytest.approx(0.08720399220725, rel=1e-11)
    law = VonMisesFisher(at_angles(loc, torch.tensor([0.0, 0.5, 3.0], device=device)), 7.0)
    powers = PowerSpherical(loc, 20.0)
    z = powers.sample((100_000, 1))
    gaps = powers.log_prob(z) - law.log_prob(z)
    error = gaps.std(0) / math.sqrt(len(z))
    assert ((gaps.mean(0) - kl_divergence(powers, law)).abs() < 4 * error).all()
    # Narrow laws of κ and of 2κ are all but equal: what is left of terms of 40, and of 1e6, is 1e-11.
    for dtype in (torch.float32, torch.float64):
        loc = torch.eye(8, dtype=dtype)[3]
        found = kl_divergence(PowerSpherical(loc, 2e6), VonMisesFisher(loc, 1e6)).item()
        assert found == pytest.approx(9.843671250357e-12, abs=2e-13)
    with pytest.raises(ValueError, match=r"`p` is a law in R\^8 and `q` in R\^5"):
        kl_divergence(powers, VonMisesFisher(direction(5, device=device), 1.0))


@pytest.mark.parametrize("k", [0.0, 0.1, 2.0, 11.0, 200.0, 1e4, 1e6])
@pytest.mark.parametrize("m", DIMENSIONS)
def test_the_density_integrates_to_one(m, k):
    assert total_mass(PowerSpherical(direction(m), k)) == pytest.approx(1, rel=1e-8)


@pytest.mark.parametrize("k", CONCENTRATIONS)
@pytest.mark.parametrize("m", DIMENSIONS)
def test_samples_follow_the_density_and_slopes_the_mean(m, k, device):
    loc = direction(m, device=device)
    b = (m - 1) / 2
    distances, slopes = drawn(lambda many: PowerSpherical(loc, many), torch.tensor(k, device=device))
    assert distance_between(distances, lambda x: stats.beta.cdf(x / 2, b, b + k)) < CRITICAL
    # Torch's gradients of Gammas are good to 3e-4; the rest is chance, five standard errors for 56 cells.
    expected = -(m - 1) / (k + m - 1) ** 2
    error = slopes.std().item() / math.sqrt(DRAWS)
    assert abs(slopes.mean().item() - expected) < 5 * error - 3e-4 * expected


@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_single_precision_resolves_narrow_laws(m):
    loc = direction(m, torch.float32).expand(DRAWS, m)
    for k in (1e6, 1e7):
        law = PowerSpherical(loc, k)
        z = law.sample()
        assert (z.norm(dim=-1) - 1).abs().max() < 2e-6
        distance = (z - loc).square().sum(-1).double() / 2
        expected = (m - 1) / (k + m - 1)
        # The relative spread of 1 - t is √(2/(m-1)); rounding of z adds up to eps² m.
        assert distance.mean().item() == pytest.approx(expected, rel=5 * math.sqrt(2 / (m - 1) / DRAWS) + 1e-2)
        assert law._draw_one_minus_cosine(torch.randn(DRAWS, dtype=torch.float32)).unique().numel() > 0.9 * DRAWS
        # Of (1 + t)/2, in single precision, the power κ would keep no digit.
        by_double = PowerSpherical(loc.double(), k, validate_args=False).log_prob(z.double())
        torch.testing.assert_close(law.log_prob(z).double(), by_double, rtol=3e-6, atol=2e-5 * m)


def test_moments_are_those_of_samples(device):
    loc = torch.stack([direction(4), F.normalize(torch.tensor([0.0, 0.0, 3.0, 4.0]), dim=0)]).to(device)
    law = PowerSpherical(loc, torch.tensor([0.5, 20.0], device=device))
    z = law.sample((200_000,))
    # Five standard errors of coordinates that are within 1.
    torch.testing.assert_close(z.mean(0), law.mean, atol=0.011, rtol=0)
    torch.testing.assert_close(z.var(0), law.variance, atol=0.011, rtol=0)
    torch.testing.assert_close(-law.log_prob(z).mean(0), law.entropy(), atol=0.02, rtol=0)
    near = PowerSpherical(loc, 1e9)
    torch.testing.assert_close(near.variance.sum(-1), (1 - near.mean_resultant_length**2).to(loc), rtol=1e-6, atol=0)


@pytest.mark.parametrize("m", [2, 3, 5, 41])
def test_directions_turn_samples_and_their_gradients_the_mean(m, device):
    require_directions_to_turn(lambda loc: PowerSpherical(loc, 3.0), m, device)


@pytest.mark.parametrize("start", [(1.0, 0.0), (1.0, 1e-8), (-1.0, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_direction_is_singular(start, dtype, device):
    loc = torch.zeros(5, dtype=dtype, device=device)
    loc[0], loc[1] = start
    loc = loc.expand(2000, 5).clone().requires_grad_()
    z = PowerSpherical(loc, 2.0).rsample()
    assert (z.norm(dim=-1) - 1).abs().max() < 1e-6
    grad = torch.autograd.grad(z.sum(), loc)[0]
    assert grad.norm(dim=-1).max() < 2 * math.sqrt(5)
    assert grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opposite_to_the_direction(dtype):
    loc = torch.stack([direction(3, dtype), F.normalize(torch.tensor([1, 1e-3, 1e-3], dtype=dtype), dim=0)])
    k = torch.tensor([2.0, 0.0], dtype=dtype)
    leaves = [leaf.requires_grad_() for leaf in (loc.clone(), k, -loc)]
    log = PowerSpherical(leaves[0], leaves[1]).log_prob(leaves[2])
    assert log[0] == -math.inf
    assert log[1].item() == pytest.approx(-log_sphere_area(3), rel=1e-6)
    for grad in torch.autograd.grad(log.sum(), leaves):
        assert grad.isfinite().all()
    # Close to it, rounding makes no cosine less than -1.
    angles = math.pi - torch.tensor([1e-3, 1e-5], dtype=dtype)
    law = PowerSpherical(loc[0].detach(), 2.0)
    slope = law.log_prob(at_angles(law.loc, angles)).diff().item()
    assert slope == pytest.approx(2 * math.log(1e-4), rel=1e-3 if dtype == torch.float64 else 2e-2)


def test_no_concentration_is_the_uniform_law(device):
    law = PowerSpherical(direction(4, device=device), 0.0)
    x = UniformSphere(4, device=device).sample((1000,))
    torch.testing.assert_close(law.log_prob(x), UniformSphere(4, device=device).log_prob(x))
    assert kl_divergence(law, UniformSphere(4)) == 0
    b = 1.5
    distances, _ = drawn(lambda many: PowerSpherical(law.loc, many), torch.tensor(0.0, device=device))
    assert distance_between(distances, lambda x: stats.beta.cdf(x / 2, b, b)) < CRITICAL


def test_hopeless_concentrations_end():
    """With validation off nothing is refused, and nothing runs for ever."""
    signal.alarm(60)
    for k in (math.nan, math.inf, -3.0):
        PowerSpherical(direction(3), k, validate_args=False).rsample((100,))
    z = PowerSpherical(direction(3, torch.float32), 1e20).rsample((100,))
    torch.testing.assert_close(z, direction(3, torch.float32).expand(100, 3), atol=1e-6, rtol=0)
    signal.alarm(0)


def test_contract(device):
    loc = UniformSphere(3, (4,), device=device).sample()
    k = torch.rand(5, 1, device=device)
    law = PowerSpherical(loc, k)
    assert (law.batch_shape, law.event_shape, law.has_rsample) == ((5, 4), (3,), True)
    x = law.rsample((7, 2))
    assert x.shape == (7, 2, 5, 4, 3)
    assert law.log_prob(x).shape == (7, 2, 5, 4)
    assert law.log_prob(x[0, 0, 0, 0]).shape == (5, 4)
    assert (
        law.entropy().shape == law.mean_resultant_length.shape == kl_divergence(law, UniformSphere(3)).shape == (5, 4)
    )
    assert law.mean.shape == law.variance.shape == law.stddev.shape == (5, 4, 3)
    wide = law.expand((6, 5, 4))
    torch.testing.assert_close(wide.log_prob(x[0, 0]), law.log_prob(x[0, 0]).expand(6, 5, 4))
    assert Independent(law, 1).log_prob(x).shape == (7, 2, 5)
    # A batch as large as the dimension, and one direction without a batch.
    assert PowerSpherical(loc[:3], k[:3, 0]).mean.shape == (3, 3)
    one = PowerSpherical(loc[0], 2.0)
    assert (one.sample().shape, one.log_prob(one.sample()).shape, one.entropy().shape) == ((3,), (), ())
    with pytest.raises(ValueError, match=r"pass `concentration.squeeze\(-1\)`"):
        PowerSpherical(loc, torch.rand(4, 1, device=device))
    with pytest.raises(ValueError, match=r"`p` is a law in R\^3 and `q` in R\^4"):
        kl_divergence(law, UniformSphere(4))


def test_gradients_of_densities():
    loc, x = UniformSphere(4, (2, 6)).sample().requires_grad_()
    k = torch.tensor([0.0, 0.1, 3.0, 40.0, 1e3, 5.0]).requires_grad_()

    def log(loc, k, x):
        # Perturbed directions are not of norm 1.
        return PowerSpherical(F.normalize(loc, dim=-1), k, validate_args=False).log_prob(F.normalize(x, dim=-1))

    inner = slice(1, None)
    assert torch.autograd.gradcheck(log, (loc[inner], k[inner], x[inner]))
    assert torch.autograd.gradgradcheck(log, (loc[inner], k[inner], x[inner]), atol=1e-4)


def test_transforms():
    loc, x = UniformSphere(5, (2, 6)).sample()
    k = 10 * torch.rand(6)

    def log(loc, k, x):
        return PowerSpherical(loc, k).log_prob(x)

    def divergence(loc, k):
        return kl_divergence(PowerSpherical(loc, k), UniformSphere(5))

    each = torch.func.vmap(torch.func.grad(log, (0, 1, 2)))(loc, k, x)
    leaves = [leaf.clone().requires_grad_() for leaf in (loc, k, x)]
    torch.testing.assert_close(each, torch.autograd.grad(log(*leaves).sum(), leaves))
    torch.testing.assert_close(torch.func.vmap(divergence)(loc, k), divergence(loc, k))
