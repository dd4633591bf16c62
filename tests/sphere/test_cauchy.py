"""The spherical Cauchy law: against quadrature with thirty digits, as a Möbius map, and by its samples."""

import math

import mpmath
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch.distributions import kl_divergence

from latentbook.core import jvp
from latentbook.sphere import SphericalCauchy, UniformSphere
from latentbook.sphere.tangent import compose
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

CONCENTRATIONS = [0.05, 0.3, 0.6, 0.9, 0.99, 0.9999, 1 - 1e-6]


def moebius(u, loc, rho):
    """Return the image of points of the sphere under the map of the ball that takes 0 to rho loc."""
    moved = u + rho * loc
    return rho * loc + (1 - rho**2) * moved / moved.square().sum(-1, keepdim=True)


def exact(m, rho):
    """Return the divergence from uniform; mean and variance of the cosine t, and the mean of 1 - t²: by quadrature."""
    with mpmath.workdps(30):
        rho = mpmath.mpf(rho)
        width = 1 / mpmath.sqrt(m)
        bounds = [mpmath.pi / 2 + n * width for n in (-12, -6, -3, 0, 3, 6, 12)] if m > 60 else []
        ends = [mpmath.pi - mpmath.mpf(10) ** -n for n in (1, 3, 6, 9)] if m <= 60 else []
        bounds = [0, *(x for x in (*bounds, *ends) if 0 < x < mpmath.pi), mpmath.pi]
        area = mpmath.sqrt(mpmath.pi) * mpmath.gamma(mpmath.mpf(m - 1) / 2) / mpmath.gamma(mpmath.mpf(m) / 2)

        def mean(function):
            weighted = lambda x: function(mpmath.cos(x), _below(rho, x)) * mpmath.sin(x) ** (m - 2)  # noqa: E731
            return mpmath.quad(weighted, bounds) / area

        divergence = (m - 1) * mean(lambda _, below: mpmath.log(below / (1 - rho**2)))
        cosine = mean(lambda s, below: (s * (1 + rho**2) + 2 * rho) / below)
        square = mean(lambda s, below: ((s * (1 + rho**2) + 2 * rho) / below) ** 2)
        return tuple(map(float, (divergence, cosine, square - cosine**2, 1 - square)))


def _below(rho, angle):
    return (1 - rho) ** 2 + 4 * rho * mpmath.cos(angle / 2) ** 2


@pytest.mark.parametrize("rho", [1e-4, 0.3, 0.9, 0.999, 1 - 1e-7])
@pytest.mark.parametrize("m", [2, 3, 4, 10, 41, 500])
def test_divergence_and_moments(m, rho, device):
    for dtype, rel in ((torch.float64, 1e-11), (torch.float32, 1e-6)):
        given = torch.tensor(rho, dtype=dtype, device=device)
        divergence, cosine, variance, outside = exact(m, given.item())
        law = SphericalCauchy(direction(m, dtype, device), given)
        assert kl_divergence(law, UniformSphere(m)).item() == pytest.approx(divergence, rel=rel)
        assert law.mean_resultant_length.item() == pytest.approx(cosine, rel=rel)
        along, across = law._variances()
        # Beside the variance across, that along is a small difference where the law is narrow.
        assert across.item() == pytest.approx(outside / (m - 1), rel=rel)
        assert along.item() == pytest.approx(variance, rel=rel, abs=rel * outside)


def test_closed_forms():
    rho = torch.tensor([0.0, 1e-8, 0.3, 0.99, 1 - 1e-12])
    circle = SphericalCauchy(direction(2), rho)
    expected = [-math.log1p(-value) - math.log1p(value) if value > 1e-3 else value**2 for value in rho.tolist()]
    torch.testing.assert_close(kl_divergence(circle, UniformSphere(2)), torch.tensor(expected), rtol=1e-14, atol=0)
    assert circle.mean_resultant_length.equal(rho)
    along, across = circle._variances()
    torch.testing.assert_close(along, (1 - rho) * (1 + rho) / 2, rtol=1e-4, atol=1e-13)
    torch.testing.assert_close(across, (1 - rho) * (1 + rho) / 2, rtol=1e-4, atol=1e-13)
    # m = 3: E ln(1 + ρ² + 2ρs) has an elementary integral.
    for value in (0.3, 0.9, 0.999):
        up, down = (1 + value) ** 2, (1 - value) ** 2
        mean = (up * math.log(up) - down * math.log(down)) / (4 * value) - 1
        found = kl_divergence(SphericalCauchy(direction(3), value), UniformSphere(3)).item()
        assert found == pytest.approx(2 * (mean - math.log1p(-(value**2))), rel=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("m", DIMENSIONS)
def test_the_density_integrates_to_one(m, rho):
    assert total_mass(SphericalCauchy(direction(m), rho)) == pytest.approx(1, rel=1e-8)


@pytest.mark.parametrize("m", [2, 3, 10, 41])
def test_samples_are_images_of_uniform_points(m):
    """Cosines by the class and by the map; the density is the inverse of how much the map stretches, m - 1 times."""
    loc, rho = direction(m), 0.7
    u = UniformSphere(m, (100,)).sample()
    cosine, law = u @ loc, SphericalCauchy(loc, rho)
    length = (1 - cosine**2).sqrt()
    along = cosine
    torch.manual_seed(3)
    one_minus_t = _drawn_with(law, length, along)
    x = compose(loc.expand(100, m), one_minus_t, (u - cosine[:, None] * loc) / length[:, None])
    torch.testing.assert_close(x, moebius(u, loc, rho))
    torch.testing.assert_close(x.norm(dim=-1), torch.ones(100))
    # Along any tangent vector.
    tangent = torch.randn(100, m)
    tangent = tangent - (tangent * u).sum(-1, keepdim=True) * u
    pushed = jvp(lambda u: moebius(u, loc, rho), u, tangent)[1]
    stretch = pushed.norm(dim=-1) / tangent.norm(dim=-1)
    torch.testing.assert_close(law.log_prob(x), UniformSphere(m).log_prob(u) - (m - 1) * stretch.log())


def _drawn_with(law, length, along):
    """Draw as the law does, with this for the Gaussian along its direction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda _: along)
        return law._draw_one_minus_cosine(length)


@pytest.mark.parametrize("rho", CONCENTRATIONS)
@pytest.mark.parametrize("m", DIMENSIONS)
def test_samples_follow_the_density_and_slopes_the_mean(m, rho, device):
    loc, b = direction(m, device=device), (m - 1) / 2
    given = torch.tensor(rho, device=device)
    distances, slopes = drawn(lambda many: SphericalCauchy(loc, many), given)
    assert distance_between(distances, lambda d: stats.beta.cdf(_before(d, rho) / 2, b, b)) < CRITICAL
    if rho > 0.9999:
        # The slopes of a narrow law are rare and large: so few samples do not meet them.
        return
    expected = -torch.func.grad(lambda rho: SphericalCauchy(loc, rho).mean_resultant_length)(given).item()
    # Five standard errors for 49 cells.
    assert abs(slopes.mean().item() - expected) < 5 * slopes.std().item() / math.sqrt(DRAWS)


def _before(distance, rho):
    """Return 1 - s of the point that is taken to 1 - t."""
    return (1 + rho) ** 2 * distance / ((1 - rho) ** 2 + 2 * rho * distance)


@pytest.mark.parametrize("m", [2, 3, 41])
def test_the_cumulative_distribution_is_the_integral_of_the_density(m):
    """So the samples' test above is one of the density that `log_prob` says."""
    law, b, h = SphericalCauchy(direction(m), 0.6), (m - 1) / 2, 1e-5
    angles = torch.linspace(0.3, 2.8, 30)
    up, down = (stats.beta.cdf(_before(1 - (angles + side * h).cos(), 0.6) / 2, b, b) for side in (1, -1))
    log_across = math.log(2) + b * math.log(math.pi) - math.lgamma(b)
    density = (law.log_prob(at_angles(law.loc, angles)) + log_across + (m - 2) * angles.sin().log()).exp()
    torch.testing.assert_close(density, torch.as_tensor(up - down) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("m", [2, 3, 41])
def test_directions_turn_samples_and_their_gradients_the_mean(m, device):
    require_directions_to_turn(lambda loc: SphericalCauchy(loc, 0.6), m, device)


@pytest.mark.parametrize("start", [(1.0, 0.0), (1.0, 1e-8), (-1.0, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_direction_is_singular_and_narrow_laws_stay_on_the_sphere(start, dtype, device):
    loc = torch.zeros(5, dtype=dtype, device=device)
    loc[0], loc[1] = start
    loc = loc.expand(2000, 5).clone().requires_grad_()
    rho = torch.tensor([0.0, 0.5, 0.999, 1 - 1e-6], dtype=dtype, device=device).repeat(500).requires_grad_()
    z = SphericalCauchy(loc, rho).rsample()
    assert (z.norm(dim=-1) - 1).abs().max() < 1e-6
    of_loc, of_rho = torch.autograd.grad(z.sum(), (loc, rho))
    assert of_loc.norm(dim=-1).max() < 2 * math.sqrt(5)
    assert of_rho.isfinite().all()


def test_moments_are_those_of_samples(device):
    loc = torch.stack([direction(4), F.normalize(torch.tensor([0.0, 0.0, 3.0, 4.0]), dim=0)]).to(device)
    law = SphericalCauchy(loc, torch.tensor([0.2, 0.8], device=device))
    z = law.sample((200_000,))
    # Five standard errors of coordinates that are within 1.
    torch.testing.assert_close(z.mean(0), law.mean, atol=0.011, rtol=0)
    torch.testing.assert_close(z.var(0), law.variance, atol=0.011, rtol=0)
    torch.testing.assert_close(-law.log_prob(z).mean(0), law.entropy(), atol=0.05, rtol=0)


def test_contract_and_bad_input(device):
    loc = UniformSphere(3, (4,), device=device).sample()
    law = SphericalCauchy(loc, torch.rand(5, 1, device=device))
    x = law.rsample((7, 2))
    assert (x.shape, law.log_prob(x).shape, law.entropy().shape) == ((7, 2, 5, 4, 3), (7, 2, 5, 4), (5, 4))
    assert law.mean.shape == law.variance.shape == (5, 4, 3)
    assert kl_divergence(law, UniformSphere(3)).shape == (5, 4)
    assert law.expand((6, 5, 4)).rsample().shape == (6, 5, 4, 3)
    one = SphericalCauchy(loc[0], 0.5)
    assert (one.sample().shape, one.log_prob(one.sample()).shape, one.entropy().shape) == ((3,), (), ())
    uniform = SphericalCauchy(loc, 0.0)
    torch.testing.assert_close(uniform.log_prob(x), UniformSphere(3, device=device).log_prob(x))
    for rho in (1.0, -0.1, math.nan, math.inf, 2.0):
        with pytest.raises(ValueError, match=f"`concentration` has the value {rho:g}, but .* at least 0 and below 1"):
            SphericalCauchy(loc, rho)
    with pytest.raises(ValueError, match="`loc` has a vector of norm 3"):
        SphericalCauchy(3 * loc, 0.5)


def test_derivatives_and_transforms():
    loc, x = UniformSphere(4, (2, 5)).sample()
    rho = torch.tensor([0.1, 0.3, 0.7, 0.9, 0.99])

    def log(loc, rho, x):
        # Perturbed directions are not of norm 1.
        law = SphericalCauchy(F.normalize(loc, dim=-1), rho, validate_args=False)
        return law.log_prob(F.normalize(x, dim=-1))

    def divergence(rho):
        return kl_divergence(SphericalCauchy(loc[0], rho), UniformSphere(4))

    leaves = [leaf.clone().requires_grad_() for leaf in (loc, rho, x)]
    assert torch.autograd.gradcheck(log, leaves)
    assert torch.autograd.gradgradcheck(log, leaves, atol=1e-3)
    assert torch.autograd.gradcheck(divergence, leaves[1])
    assert torch.autograd.gradgradcheck(divergence, leaves[1])
    each = torch.func.vmap(torch.func.grad(log, (0, 1, 2)))(loc, rho, x)
    torch.testing.assert_close(each, torch.autograd.grad(log(*leaves).sum(), leaves))
    torch.testing.assert_close(torch.func.vmap(divergence)(rho), divergence(rho))
    slope = torch.func.vmap(torch.func.grad(divergence))
    torch.testing.assert_close(jvp(divergence, rho, torch.ones(5))[1], slope(rho))
