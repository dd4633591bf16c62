"""The contract of laws about a direction, on one that has all its points at one latitude."""

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import kl_divergence

from latentbook.sphere import PowerSpherical, ProductSphere, SphericalCauchy, UniformSphere
from latentbook.sphere.symmetric import SymmetricLaw
from tests.sphere.laws import NeverWaits


class Ring(SymmetricLaw):
    """All points have the cosine 1 - concentration."""

    @property
    def mean_resultant_length(self):
        return 1 - self.concentration

    def _draw_one_minus_cosine(self, length):
        return self.concentration.expand(length.shape)

    def _variances(self):
        return torch.zeros_like(self.concentration), self.concentration * (2 - self.concentration) / (self.m - 1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return torch.zeros(torch.broadcast_shapes(self.batch_shape, value.shape[:-1]))


class Low(Ring):
    upper = 0.5


LOC = F.normalize(torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), dim=-1)


def test_shapes():
    ring = Ring(LOC, torch.rand(5, 1))
    assert (ring.batch_shape, ring.event_shape, ring.m) == ((5, 4), (3,), 3)
    assert ring.mean.shape == ring.variance.shape == ring.mode.shape == ring.sample().shape == (5, 4, 3)
    assert ring.rsample((7, 2)).shape == (7, 2, 5, 4, 3)
    assert Ring(LOC[0], 0.3).rsample().shape == (3,)
    assert Ring(LOC[:0], 0.3).rsample((2,)).shape == (2, 0, 3)


def test_expanded_laws_share_their_parameters():
    concentration = torch.tensor(0.4, requires_grad=True)
    wide = Ring(LOC, concentration, validate_args=False).expand((6, 4))
    assert isinstance(wide, Ring)
    assert (wide.batch_shape, wide.event_shape, wide._validate_args) == ((6, 4), (3,), False)
    assert wide.loc.data_ptr() == LOC.data_ptr()
    wide.rsample().sum().backward()
    assert concentration.grad is not None


def test_moments_are_those_of_samples(device):
    ring = Ring(LOC.to(device), torch.tensor([0.1, 0.5, 1.0, 1.6], device=device))
    z = ring.sample((100_000,))
    # Coordinates are within 1: five standard errors of means and squares are below 0.016.
    torch.testing.assert_close(z.mean(0), ring.mean, atol=0.016, rtol=0)
    torch.testing.assert_close(z.var(0), ring.variance, atol=0.016, rtol=0)


def test_what_is_refused():
    for make, words in (
        (lambda: Ring(2 * LOC, 0.3), r"`loc` has a vector of norm 2, .* pass `torch.nn.functional.normalize\(loc"),
        (lambda: Ring(LOC, -0.3), "`concentration` has the value -0.3, but must be at least 0 and finite"),
        (lambda: Ring(LOC, math.nan), "has the value nan"),
        (lambda: Low(LOC, 0.5), "has the value 0.5, but must be at least 0 and below 0.5"),
        (lambda: Ring(LOC, 0.3).log_prob(1.5 * LOC), "`value` has a vector of norm 1.5"),
        (lambda: Ring(LOC, 0.3).log_prob(LOC[:, :2]), r"`value` has shape \(4, 2\), but points of S\^2 in R\^3"),
        (lambda: Ring(LOC, 0.3).log_prob(LOC[:3]), "not broadcastable with batch_shape"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    Ring(2 * LOC, -0.3, validate_args=False).log_prob(1.5 * LOC)
    assert Low(LOC, 0.3).arg_constraints["concentration"].check(torch.tensor([0.4, 0.5])).tolist() == [True, False]
    assert Ring(LOC, 0.3).support.check(LOC).all()


@pytest.mark.parametrize("make", [PowerSpherical, SphericalCauchy])
def test_no_step_of_training_waits_for_a_gpu(make, device):
    loc = UniformSphere(5, (6,), device=device).sample().requires_grad_()
    concentration = torch.linspace(0, 0.9, 6, device=device).requires_grad_()
    with NeverWaits():
        law = ProductSphere([make(loc, concentration, validate_args=False)] * 2, validate_args=False)
        prior = ProductSphere([UniformSphere(5)] * 2)
        (law.log_prob(law.rsample()) + kl_divergence(law, prior) + law.entropy()).sum().backward()
    with pytest.raises(AssertionError), NeverWaits():
        make(loc, concentration)


COMPILED = """
import torch
from torch.distributions import kl_divergence
from latentbook import sphere

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
kinds = (sphere.PowerSpherical, sphere.SphericalCauchy, sphere.VonMisesFisher)
uniform = sphere.UniformSphere(5)
prior = sphere.ProductSphere([uniform] * 3)
leaves = [leaf.clone().requires_grad_() for leaf in (uniform.sample((6,)), torch.linspace(0, 0.9, 6))]
points = prior.sample((6,))


def both(loc, k):
    law = sphere.ProductSphere([kind(loc, k) for kind in kinds])
    return law.log_prob(points) + 2 * kl_divergence(law, prior)


found, sought = torch.compile(both, fullgraph=True, backend="aot_eager")(*leaves), both(*leaves)
torch.testing.assert_close(found, sought)
torch.testing.assert_close(*(torch.autograd.grad(value.sum(), leaves) for value in (found, sought)))
"""


def test_densities_and_divergences_compile_whole():
    """In a process of its own, where shapes are not checked: the checks cannot be compiled."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", COMPILED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
