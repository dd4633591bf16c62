"""The von Mises-Fisher law: published cases, draws and gradients over 56 cells, divergences, and the contract."""

import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.autograd import gradcheck
from torch.distributions import kl_divergence
from torch.func import grad, hessian, vmap
from torch.nn.functional import normalize

from latentbook import core
from latentbook.learning.recipes.hyperspherical.references import FUNCTIONS, distance_of_cosines
from latentbook.sphere import UniformSphere, VonMisesFisher, envelope, log_sphere_area
from latentbook.sphere.bessel import of_order
from latentbook.sphere.tangent import one_minus_cosine
from tests.sphere.cells import CELLS, DISTANCE, ERRORS
from tests.sphere.laws import DRAWS, NeverWaits
from tests.sphere.reference import exact

TYPES = [torch.float32, torch.float64]


def pole(m, device="cpu", dtype=None):
    return torch.eye(m, device=device, dtype=dtype)[0]


def direction(m, device, dtype=None, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(m, generator=draw, dtype=torch.float64), dim=-1).to(device, dtype)


@pytest.fixture(scope="module", autouse=True)
def _forward_mode():
    """Have torch's rules of forward mode loaded by the one who keeps their loading quiet."""
    core.jvp(torch.sin, torch.zeros(()), torch.ones(()))


# ---- densities ----


@pytest.mark.parametrize("case", FUNCTIONS)
def test_the_published_cases(case, device):
    m, kappa = case
    law = VonMisesFisher(direction(m, device), kappa)
    constant = law.log_prob(law.loc) - kappa
    found = (constant, law.entropy(), kl_divergence(law, UniformSphere(m, device=device)))
    _, log_constant, _, entropy, rate, _ = FUNCTIONS[case]
    assert [value.item() for value in found] == pytest.approx((log_constant, entropy, rate), rel=1e-11)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 7.0, 300.0])
def test_densities_integrate_to_one(kappa):
    circle = VonMisesFisher(direction(2, "cpu"), kappa)
    angles = 2 * torch.pi * torch.arange(4000) / 4000
    on_circle = circle.log_prob(torch.stack([angles.cos(), angles.sin()], -1)).exp().mean() * 2 * torch.pi
    assert on_circle.item() == pytest.approx(1, rel=1e-12)
    for m in (3, 10, 60):
        law = VonMisesFisher(pole(m), kappa)

        def density(angle, law=law, m=m):
            x = torch.zeros(m)
            x[0], x[1] = math.cos(angle), math.sin(angle)
            return math.exp(law.log_prob(x).item() + log_sphere_area(m - 1)) * math.sin(angle) ** (m - 2)

        total, _ = integrate.quad(density, 0, math.pi, limit=200, epsabs=1e-11, points=[0.05, 0.3, 1.0])
        assert total == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(("m", "kappa"), [(2, 0.5), (3, 10.0), (5, 60.0), (20, 11.0)])
def test_scipy_has_the_same_density_and_entropy(m, kappa, device):
    loc = direction(m, device)
    theirs, law = stats.vonmises_fisher(loc.cpu().numpy(), kappa), VonMisesFisher(loc, kappa)
    x = UniformSphere(m, device=device).sample((50,))
    np.testing.assert_allclose(law.log_prob(x).cpu(), theirs.logpdf(x.cpu().numpy()), rtol=1e-11)
    assert law.entropy().item() == pytest.approx(theirs.entropy(), rel=1e-11)


@pytest.mark.parametrize(("m", "kappa"), [(2, 1e4), (3, 1e6), (41, 1e6), (500, 1e4)])
def test_single_precision_keeps_densities_close_to_the_mode(m, kappa, device):
    law = VonMisesFisher(direction(m, device), kappa)
    x = law.sample((200,))
    single = VonMisesFisher(law.loc.float(), torch.tensor(kappa, dtype=torch.float32, device=device))
    # Rounding x and the direction to 24 bits moves their distance by 1e-7, and the density by that times the slope.
    error = (single.log_prob(x.float()).double() - law.log_prob(x)).abs()
    bound = 2e-6 * law.log_prob(x).abs() + 4e-7 * kappa * (2 * one_minus_cosine(x, law.loc)).sqrt() + 1e-5
    assert (error < bound).all()


# ---- draws and their gradients ----


@pytest.mark.parametrize(
    ("m", "kappa", "dtype"),
    # In many dimensions the cosines alone are drawn in double precision too, in the tests of the envelope.
    [(*cell, dtype) for dtype in TYPES for cell in CELLS if dtype == torch.float32 or cell[0] < 100],
)
def test_draws_and_their_gradients_have_their_laws(m, kappa, dtype, device):
    loc = direction(m, device, dtype)
    kappas = torch.full((DRAWS,), kappa, dtype=dtype, device=device, requires_grad=True)
    law = VonMisesFisher(loc, kappas)
    z = law.rsample()
    assert (z.detach().norm(dim=-1) - 1).abs().max() < 1e-6
    below = one_minus_cosine(z, loc)
    (of_kappa,) = torch.autograd.grad(-below.sum(), kappas)
    assert distance_of_cosines(m, kappa, below.detach().cpu()) < DISTANCE
    truth = of_order(m / 2 - 1, torch.tensor(kappa, dtype=torch.float64))
    mean_error = (below.detach().double().mean().cpu() - truth.shortfall) / (truth.slope / DRAWS).sqrt()
    assert mean_error.abs() < ERRORS
    # The derivative of the mean cosine: 1 - A² - (m - 1) A / kappa.
    assert of_kappa.isfinite().all()
    of_kappa = of_kappa.double().cpu()
    assert (of_kappa.mean() - truth.slope).abs() < ERRORS * of_kappa.std() / math.sqrt(DRAWS)
    # Across the direction no side is preferred.
    other = direction(m, device, dtype, seed=1)
    across = (z.detach() @ (other - (other @ loc) * loc)).double()
    assert across.mean().abs() < ERRORS * across.std() / math.sqrt(DRAWS)


@pytest.mark.parametrize(("m", "kappa"), [(2, 2.0), (5, 2.0), (5, 5.0), (10, 5.0)])
def test_the_published_gradient_is_found_out(m, kappa):
    # Through the proposal that was taken, as if it had been taken anyway.
    kappas = torch.full((4 * DRAWS,), kappa, requires_grad=True)
    b = (m - 1) / (2 * kappas + torch.hypot(2 * kappas, torch.tensor(m - 1.0)))
    drawn = envelope.draw_one_minus_cosine(m, kappas)
    fixed = b.detach()
    e = drawn / (2 * fixed + (1 - fixed) * drawn)
    (of_kappa,) = torch.autograd.grad(-(2 * b * e / (1 - (1 - b) * e)).sum(), kappas)
    slope = of_order(m / 2 - 1, torch.tensor(kappa)).slope
    assert (of_kappa.mean() - slope).abs() > 2 * ERRORS * of_kappa.std() / math.sqrt(len(of_kappa))


@pytest.mark.parametrize(("m", "kappa"), [(3, 0.7), (3, 30.0), (10, 11.0), (40, 20.0)])
def test_scipy_draws_from_the_same_law(m, kappa, device):
    loc = direction(m, device)
    theirs = stats.vonmises_fisher(loc.cpu().numpy(), kappa).rvs(4000, random_state=0)
    ours = VonMisesFisher(loc, kappa).sample((DRAWS,)).cpu().numpy()
    for axis in (loc.cpu().numpy(), direction(m, "cpu", seed=1).numpy()):
        # 0.05, shared by eight comparisons.
        assert stats.ks_2samp(ours @ axis, theirs @ axis).pvalue > 0.006


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_no_direction_is_a_pole(m, dtype, device):
    e1, e2 = torch.eye(m, dtype=dtype, device=device)[:2]
    for loc in (e1, normalize(e1 + 1e-8 * e2, dim=-1), normalize(e1 + 1e-4 * e2, dim=-1), -e1):
        for kappa in (0.0, 3.0, 1e3):
            parameter = loc.repeat(1000, 1).requires_grad_()
            z = VonMisesFisher(parameter, kappa).rsample()
            assert (z.norm(dim=-1) - 1).abs().max() < 1e-6
            (of_loc,) = torch.autograd.grad((z * direction(m, device, dtype)).sum(), parameter)
            # dz = (z mu) dmu - (z dmu) mu: at most twice what comes in.
            assert of_loc.norm(dim=-1).max() < 2.001


def test_the_gradient_of_the_direction_is_unbiased(device):
    # Of E[(c z)²] = across + (along - across) (c mu)², by the direction.
    m, kappa, c = 4, 3.0, direction(4, device, seed=2)
    loc = direction(m, device).repeat(100_000, 1).requires_grad_()
    law = VonMisesFisher(loc, kappa)
    (found,) = torch.autograd.grad((law.rsample() @ c).square().sum(), loc)
    one = loc[0].detach().requires_grad_()
    known = of_order(1.0, torch.tensor(kappa, device=device))
    across = known.length / kappa
    (truth,) = torch.autograd.grad((1 - m * across) * (c @ one).square(), one)
    tangent = truth - (truth @ one) * one
    # Gradients along the direction mean nothing.
    found = found - (found * loc).sum(-1, keepdim=True) * loc
    error = (found.mean(0) - tangent).abs() / (found.std(0) / math.sqrt(len(found)))
    assert error.max() < ERRORS


def test_draws_without_gradients(device):
    law = VonMisesFisher(direction(5, device).requires_grad_(), torch.tensor(2.0, device=device, requires_grad=True))
    assert not law.sample((3,)).requires_grad
    assert law.rsample((3,)).requires_grad


# ---- moments and divergences ----


@pytest.mark.parametrize(("m", "kappa"), [(2, 0.0), (2, 3.0), (3, 10.0), (10, 1.0), (41, 60.0)])
def test_mean_and_variance_are_those_of_draws(m, kappa, device):
    law = VonMisesFisher(direction(m, device), kappa)
    z = law.sample((100_000,))
    error = (z.mean(0) - law.mean) / (law.variance / len(z)).sqrt()
    # Of the variance too: at most 102 coordinates.
    spread = (z - law.mean).square()
    errors = torch.cat([error, (spread.mean(0) - law.variance) / (spread.std(0) / math.sqrt(len(z)))])
    assert errors.abs().max() < ERRORS
    torch.testing.assert_close(law.stddev, law.variance.sqrt())
    torch.testing.assert_close(law.mean, law.mean_resultant_length * law.loc)
    torch.testing.assert_close(law.mode, law.loc)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(("m", "kappa"), [(2, 1e-3), (3, 0.5), (41, 11.0), (500, 1e3), (10, 1e6)])
def test_variances_keep_their_digits(m, kappa, dtype, device):
    law = VonMisesFisher(pole(m, device, dtype), torch.tensor(kappa, dtype=dtype, device=device))
    # Along the direction A', across it A / kappa.
    kappa, _, _, length, _, slope, *_ = exact(m, law.concentration.item())
    assert law.variance[:2].tolist() == pytest.approx(
        [slope, length / kappa], rel=1e-12 if dtype == torch.float64 else 3e-5
    )


@pytest.mark.parametrize("m", [2, 3, 41])
def test_without_concentration_it_is_the_uniform_law(m, device):
    law, uniform = VonMisesFisher(direction(m, device), 0.0), UniformSphere(m, device=device)
    x = uniform.sample((5,))
    torch.testing.assert_close(law.log_prob(x), uniform.log_prob(x), rtol=1e-14, atol=0)
    torch.testing.assert_close(law.variance, uniform.variance, rtol=1e-12, atol=0)
    assert kl_divergence(law, uniform) == 0
    assert not law.mean.any()
    torch.testing.assert_close(law.entropy(), uniform.entropy())


def test_a_published_divergence_of_two(device):
    p = VonMisesFisher(pole(5, device), 3.0)
    q = VonMisesFisher(torch.tensor([0.5, math.sqrt(0.75), 0, 0, 0], device=device), 7.0)
    assert kl_divergence(p, q).item() == pytest.approx(2.307324239655, rel=1e-12)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_the_divergence_of_equals_is_nothing_and_of_near_ones_is_right(m, dtype, device):
    loc = direction(m, device, dtype)
    for kappa in (0.0, 0.3, 10.0, 1e3, 1e6):
        p = VonMisesFisher(loc, torch.tensor(kappa, dtype=dtype, device=device))
        assert kl_divergence(p, p) == 0
        for share in (1e-3, 0.1, 2.9, 3.1, 30.0):
            q = VonMisesFisher(loc, p.concentration * (1 + share) + share / 10)
            truth = bregman(m, kappa, q.concentration.item())
            found = kl_divergence(p, q).item()
            # The step itself is known to so many units in the last place.
            rel = (1e-11 if dtype == torch.float64 else 5e-5) / min(1, 30 * share)
            assert found == pytest.approx(truth, rel=rel), f"{kappa}, {share}"


def bregman(m, a, b):
    with mpmath.workdps(40):
        phi = [phi_of(m, k) for k in (a, b)]
        v = mpmath.mpf(m) / 2
        A = mpmath.besseli(v, a) / mpmath.besseli(v - 1, a) if a else 0
        return float(phi[1] - phi[0] - A * (mpmath.mpf(b) - a))


def phi_of(m, k):
    v, k = mpmath.mpf(m) / 2 - 1, mpmath.mpf(k)
    return mpmath.log(mpmath.besseli(v, k)) - v * mpmath.log(k / 2) + mpmath.loggamma(v + 1) if k else mpmath.mpf(0)


def test_the_divergence_of_two_is_the_mean_of_the_logarithms(device):
    p, q = VonMisesFisher(direction(6, device), 8.0), VonMisesFisher(direction(6, device, seed=1), 3.0)
    x = p.sample((200_000,))
    terms = p.log_prob(x) - q.log_prob(x)
    assert (terms.mean() - kl_divergence(p, q)).abs() < ERRORS * terms.std() / math.sqrt(len(x))
    uniform = VonMisesFisher(q.loc, 0.0)
    torch.testing.assert_close(kl_divergence(p, uniform), kl_divergence(p, UniformSphere(6, device=device)))


@pytest.mark.parametrize("kappas", [(2.0, 2.0), (2.0, 2.5), (1.0, 40.0), (40.0, 1.0)])
def test_divergences_have_derivatives(kappas, device):
    a, b = (torch.tensor(kappa, device=device, requires_grad=True) for kappa in kappas)
    loc, other = (direction(5, device, seed=seed) for seed in (0, 1))

    def divergence(a, b, loc):
        return kl_divergence(VonMisesFisher(loc, a, False), VonMisesFisher(other, b, False))

    assert gradcheck(divergence, (a, b, loc.requires_grad_()))


def test_concentrations_from_inference_mode_have_draws_and_divergences(device):
    with torch.inference_mode():
        kappas = torch.tensor([0.5, 9.0, 400.0], device=device)
    law, same = (VonMisesFisher(direction(4, device), own) for own in (kappas, kappas.clone()))
    assert law.rsample().isfinite().all()
    uniform = UniformSphere(4, device=device)
    torch.testing.assert_close(kl_divergence(law, uniform), kl_divergence(same, uniform), rtol=0, atol=0)


# ---- transforms ----


def test_transforms_of_the_density(device):
    loc, kappas = direction(6, device), torch.tensor([0.0, 0.3, 9.0, 400.0], device=device)
    x = UniformSphere(6, device=device).sample((4,))

    def log_prob(kappa, x):
        return VonMisesFisher(loc, kappa).log_prob(x)

    known = of_order(2.0, kappas)
    found = vmap(grad(log_prob))(kappas, x)
    torch.testing.assert_close(found, x @ loc - known.length, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(vmap(grad(grad(log_prob)))(kappas, x), -known.slope, rtol=1e-9, atol=1e-15)
    curvature = hessian(lambda kappas: vmap(log_prob)(kappas, x).sum())(kappas)
    torch.testing.assert_close(curvature, torch.diag(-known.slope), rtol=1e-9, atol=1e-15)
    of_x = vmap(grad(log_prob, argnums=1))(kappas, x)
    torch.testing.assert_close(of_x, kappas[:, None] * (loc - x), rtol=1e-12, atol=1e-12)


def test_transforms_of_the_divergence(device):
    loc, kappas = direction(6, device), torch.tensor([0.0, 0.3, 9.0, 400.0], device=device)

    def from_uniform(kappa):
        return kl_divergence(VonMisesFisher(loc, kappa), UniformSphere(6, device=device))

    def from_another(kappa):
        return kl_divergence(VonMisesFisher(loc, kappa), VonMisesFisher(-loc, 2.0))

    known = of_order(2.0, kappas)
    torch.testing.assert_close(vmap(grad(from_uniform))(kappas), kappas * known.slope, rtol=1e-12, atol=0)
    second = known.slope + kappas * known.bend
    torch.testing.assert_close(vmap(grad(grad(from_uniform)))(kappas), second, rtol=1e-12, atol=0)
    torch.testing.assert_close(vmap(hessian(from_uniform))(kappas), second, rtol=1e-12, atol=0)
    # Of the other divergence: (a - b) A' + 2 b A' at opposite directions.
    torch.testing.assert_close(vmap(grad(from_another))(kappas), (kappas + 2) * known.slope, rtol=1e-9, atol=0)


def test_density_and_divergence_compile_whole(device):
    # In a process of its own: torch.compile does not see through the check of shapes that the tests put around classes.
    code = f"""
import torch
from torch.distributions import kl_divergence
from latentbook.sphere import UniformSphere, VonMisesFisher

def function(loc, kappas, x):
    law, other = VonMisesFisher(loc, kappas), VonMisesFisher(-loc, 2.0)
    uniform = UniformSphere(60, dtype=x.dtype, device=x.device)
    return law.log_prob(x) + kl_divergence(law, uniform) + kl_divergence(law, other)

x, loc = torch.nn.functional.normalize(torch.randn(2, 4, 60, device="{device}"), dim=-1)
sides = []
for form in (function, torch.compile(function, fullgraph=True, backend="aot_eager")):
    kappas = torch.tensor([0.0, 0.3, 9.0, 400.0], device="{device}", requires_grad=True)
    value = form(loc, kappas, x)
    sides.append((value.detach(), *torch.autograd.grad(value.sum(), kappas)))
torch.testing.assert_close(*sides)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- the contract ----


def test_shapes_follow_the_contract(device):
    loc = UniformSphere(4, device=device).sample((3, 1))
    law = VonMisesFisher(loc, torch.tensor([0.0, 1.0, 20.0, 1e3, 1.0], device=device))
    assert law.has_rsample
    assert (law.batch_shape, law.event_shape) == ((3, 5), (4,))
    assert law.rsample((2, 6)).shape == law.sample(torch.Size((2, 6))).shape == (2, 6, 3, 5, 4)
    assert law.log_prob(law.sample((7,))).shape == (7, 3, 5)
    assert law.mean.shape == law.variance.shape == (3, 5, 4)
    assert law.entropy().shape == law.mean_resultant_length.shape == (3, 5)
    assert kl_divergence(law, UniformSphere(4, device=device)).shape == (3, 5)
    assert kl_divergence(law, VonMisesFisher(loc, 1.0)).shape == (3, 5)
    single = VonMisesFisher(loc[0, 0], 2.0)
    assert (single.batch_shape, single.sample().shape, single.entropy().shape) == ((), (4,), ())
    assert set(law.arg_constraints) == {"loc", "concentration"}
    assert law.support.check(law.sample()).all()


def test_expand_repeats_the_law(device):
    law = VonMisesFisher(direction(4, device), torch.tensor([1.0, 2.0], device=device))
    wide = law.expand((3, 2))
    assert isinstance(wide, VonMisesFisher)
    assert (wide.batch_shape, wide.event_shape, wide.rsample().shape) == ((3, 2), (4,), (3, 2, 4))
    x = law.sample()
    torch.testing.assert_close(wide.log_prob(x), law.log_prob(x).expand(3, 2))


def test_what_is_written_into_the_concentrations_is_seen(device):
    kappa = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
    law = VonMisesFisher(direction(4, device), kappa)
    before = law.entropy()
    with torch.no_grad():
        kappa += 3
    torch.testing.assert_close(
        law.entropy(), VonMisesFisher(law.loc, torch.tensor([4.0, 5.0], device=device)).entropy()
    )
    # Each has a graph of its own, however often the values are used.
    (before.sum() + law.entropy().sum()).backward()
    law.entropy().sum().backward()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_so_large_a_concentration_is_the_direction(dtype, device):
    loc = direction(7, device, dtype)
    kappa = torch.tensor(1e20, dtype=dtype, device=device, requires_grad=True)
    law = VonMisesFisher(loc, kappa)
    z = law.rsample((100,))
    torch.testing.assert_close(z, loc.expand(100, 7), rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-9)
    values = (
        law.log_prob(loc),
        law.entropy(),
        law.mean,
        law.variance,
        kl_divergence(law, UniformSphere(7, device=device)),
    )
    total = z.sum() + sum(value.sum() for value in values)
    assert all(value.isfinite().all() for value in values)
    assert torch.autograd.grad(total, kappa)[0].isfinite()
    torch.testing.assert_close(law.mean, loc)


@pytest.mark.parametrize("value", [-1.0, math.inf, -math.inf, math.nan])
def test_concentrations_that_are_none_are_refused_and_end(value, device):
    concentration = torch.tensor([1.0, value], device=device)
    with pytest.raises(ValueError, match=f"`concentration` has the value {value:g}, but must be at least 0 and finite"):
        VonMisesFisher(direction(3, device), concentration)
    law = VonMisesFisher(direction(3, device), concentration, validate_args=False)
    assert law.rsample((5,)).shape == (5, 2, 3)
    assert law.rsample((5,))[:, 0].isfinite().all()


def test_directions_that_are_none_are_refused(device, unchecked):
    with pytest.raises(ValueError, match=r"`loc` has a vector of norm 5, but"):
        VonMisesFisher(torch.tensor([3.0, 4.0], device=device), 1.0)
    with pytest.raises(ValueError, match="`m` is 1, but"):
        VonMisesFisher(torch.ones(1, device=device), 1.0)
    with pytest.raises(TypeError, match=r"`loc` must be floating point, but it is torch.int64"):
        VonMisesFisher(torch.tensor([1, 0], device=device), 1.0)
    with pytest.raises(
        ValueError, match=r"`loc` is a batch \(3,\) of directions in R\^2, and `concentration` has shape"
    ):
        VonMisesFisher(pole(2, device).expand(3, 2), torch.ones(4, device=device))
    law = VonMisesFisher(direction(3, device), 1.0)
    with pytest.raises(ValueError, match=r"`value` has a vector of norm 2"):
        law.log_prob(2 * law.loc)
    with pytest.raises(ValueError, match=r"`p` is a law in R\^3 and `q` in R\^4"):
        kl_divergence(law, UniformSphere(4, device=device))
    with pytest.raises(ValueError, match=r"`p` is a law in R\^3 and `q` in R\^4"):
        kl_divergence(law, VonMisesFisher(direction(4, device), 1.0))


def a_step(device):
    loc, kappa = direction(50, device).expand(64, 50), torch.full((64,), 30.0, device=device, requires_grad=True)
    law = VonMisesFisher(loc, kappa, validate_args=False)
    z, other = law.rsample(), VonMisesFisher(-loc, 3.0, validate_args=False)
    divergence = kl_divergence(law, UniformSphere(50, device=device)) + kl_divergence(law, other)
    (z.sum() + (law.log_prob(z) + law.entropy() + divergence).sum()).backward()


def test_no_step_of_training_asks_for_a_value(device, monkeypatch):
    monkeypatch.setattr(envelope, "_may_look", lambda _: False)
    with NeverWaits():
        a_step(device)


def test_a_gpu_is_not_waited_for(device):
    if device.type != "cuda":
        pytest.skip("only a GPU can be waited for")
    torch.cuda.set_sync_debug_mode("error")
    try:
        a_step(device)
    finally:
        torch.cuda.set_sync_debug_mode("default")
