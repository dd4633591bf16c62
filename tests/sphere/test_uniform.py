"""Areas against the sheet of closed forms, and the uniform law against what is known of it."""

import math

import pytest
import torch
from scipy import stats
from torch.distributions import Independent, kl_divergence

from latentbook.learning.recipes.hyperspherical.references import AREAS
from latentbook.sphere import PowerSpherical, SphericalCauchy, UniformSphere, VonMisesFisher, log_sphere_area
from latentbook.sphere.uniform import uniform_directions

LOGS = {41: -16.67139113406, 100: -86.63610247331, 500: -841.6481522301, 1000: -2032.057760256}


def test_areas():
    for m, area in AREAS.items():
        assert math.exp(log_sphere_area(m)) == pytest.approx(area, rel=1e-9)
    for m, log in LOGS.items():
        assert log_sphere_area(m) == pytest.approx(log, rel=1e-12)
    areas = [log_sphere_area(m) for m in range(2, 60)]
    assert areas.index(max(areas)) + 2 == 7
    assert next(m for m in range(2, 60) if log_sphere_area(m) < 0) == 19


def test_no_digits_are_lost_in_single_precision():
    """A float32 dimension would leave an error of 1e-4 here; rounding a result leaves 6e-8 of it."""
    assert UniformSphere(1000, dtype=torch.float32).entropy().item() == pytest.approx(LOGS[1000], rel=1e-7)


@pytest.mark.parametrize("m", [2, 3, 5, 41])
def test_a_coordinate_has_its_law(m, device):
    x = UniformSphere(m, device=device).sample((20_000,)).cpu()
    assert (x.norm(dim=-1) - 1).abs().max() < 1e-14
    # (1 + x_i)/2 is Beta((m-1)/2, (m-1)/2). At four dimensions the threshold 1.9/√n has a chance of 0.3 %.
    beta = stats.beta((m - 1) / 2, (m - 1) / 2)
    assert stats.kstest((1 + x[:, -1]) / 2, beta.cdf).statistic < 1.9 / math.sqrt(20_000)


def test_the_first_coordinate_of_a_vector_of_zeros(monkeypatch):
    monkeypatch.setattr(torch, "randn", lambda shape, **options: torch.zeros(shape, **options))
    for dtype in (torch.float32, torch.float64):
        assert uniform_directions((2, 3), torch.zeros((), dtype=dtype)).tolist() == [[1.0, 0.0, 0.0]] * 2


def test_moments_and_density(device):
    law = UniformSphere(5, (2, 3), device=device, dtype=torch.float32)
    assert law.mean.equal(torch.zeros(2, 3, 5, device=device, dtype=torch.float32))
    assert law.variance.equal(torch.full((2, 3, 5), 0.2, device=device, dtype=torch.float32))
    x = law.rsample((7, 1))
    assert x.shape == (7, 1, 2, 3, 5)
    assert x.dtype == torch.float32
    assert law.log_prob(x).equal(-law.entropy().expand(7, 1, 2, 3))
    assert law.log_prob(x[0, 0, 0, 0]).shape == (2, 3)


def test_contract():
    law = UniformSphere(4)
    assert (law.batch_shape, law.event_shape, law.has_rsample) == ((), (4,), True)
    assert law.sample().shape == (4,)
    assert law.expand((3, 2)).expand((5, 3, 2)).sample((6,)).shape == (6, 5, 3, 2, 4)
    assert Independent(law.expand((3,)), 1).entropy().item() == pytest.approx(3 * log_sphere_area(4))
    assert kl_divergence(law.expand((3,)), law).tolist() == [0, 0, 0]
    assert repr(law.expand((3,))) == "UniformSphere(m=4, batch_shape=(3,))"
    off = 2 * law.sample()
    assert UniformSphere(4, validate_args=False).expand((2,)).log_prob(off).shape == (2,)
    with pytest.raises(ValueError, match=r"`value` has a vector of norm 2, .* pass `torch.nn.functional.normalize"):
        law.expand((2,)).log_prob(off)
    with pytest.raises(ValueError, match=r"`value` has shape \(3,\), but points of S\^3 in R\^4 are \(..., 4\)"):
        law.log_prob(off[:3])
    with pytest.raises(ValueError, match="not broadcastable with batch_shape"):
        law.expand((2,)).log_prob(UniformSphere(4, (3,)).sample())
    with pytest.raises(ValueError, match=r"`p` is a law in R\^4 and `q` in R\^5"):
        kl_divergence(law, UniformSphere(5))


@pytest.mark.parametrize("kind", [VonMisesFisher, PowerSpherical, SphericalCauchy])
def test_divergences_from_it_are_for_both_batches(kind, device):
    law = kind(torch.eye(3, device=device)[0], torch.full((4, 1), 0.5, device=device))
    found = kl_divergence(law, UniformSphere(3, (2,), device=device))
    assert found.shape == (4, 2)
    assert (found == kl_divergence(law, UniformSphere(3, device=device))).all()


def test_divergences_of_two_are_for_both_batches():
    assert kl_divergence(UniformSphere(3, (2,)), UniformSphere(3, (4, 1))).shape == (4, 2)


def test_bad_dimensions(unchecked):
    for m in (1, 0, -3):
        with pytest.raises(ValueError, match=f"`m` is {m}, but .* a circle or more: pass 2 or more"):
            UniformSphere(m)
    for m in (2.0, True, torch.tensor(3.0)):
        with pytest.raises(TypeError, match=r"`m` is .*, but the ambient dimension .* is an integer: pass 2 or more"):
            log_sphere_area(m)
