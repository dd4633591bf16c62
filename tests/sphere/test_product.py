"""Products: sums of their factors, in the order of their factors, with equal factors computed at once."""

import math

import pytest
import torch
from scipy import stats
from torch.distributions import Independent, Normal, kl_divergence

from latentbook.sphere import PowerSpherical, ProductSphere, SphericalCauchy, UniformSphere, VonMisesFisher
from tests.sphere.laws import direction


def mixed(batch=(4,), device="cpu"):
    """Return factors of several kinds and dimensions, equal ones apart from each other."""

    def loc(m):
        return UniformSphere(m, batch, device=device).sample()

    def some(low, high):
        return low + (high - low) * torch.rand(batch, device=device)

    return [
        PowerSpherical(loc(5), some(1, 20)),
        VonMisesFisher(loc(3), some(1, 20)),
        UniformSphere(2, batch, device=device),
        PowerSpherical(loc(5), some(1, 20)),
        Independent(Normal(torch.randn(*batch, 3, device=device), torch.rand(*batch, 3, device=device) + 0.1), 1),
        PowerSpherical(loc(3), some(1, 20)),
        SphericalCauchy(loc(5), some(0.1, 0.9)),
        PowerSpherical(loc(5), some(1, 20)),
    ]


SIZES = (5, 3, 2, 5, 3, 3, 5, 5)


def priors(batch=()):
    laws = [Independent(Normal(torch.zeros(*batch, m), 1.0), 1) if n == 4 else None for n, m in enumerate(SIZES)]
    return [law or UniformSphere(m, batch) for law, m in zip(laws, SIZES, strict=True)]


def test_four_equal_factors():
    """Case 12 of the sheet: four factors S^10 in R^11 of concentration 30."""
    one = VonMisesFisher(direction(11), 30.0)
    product, prior = ProductSphere([one] * 4), ProductSphere([UniformSphere(11)] * 4)
    assert kl_divergence(product, prior).item() == pytest.approx(26.11715481977, rel=1e-12)
    assert product.entropy().item() == pytest.approx(4 * one.entropy().item(), rel=1e-12)
    x = product.sample((100,))
    by_factor = sum(one.log_prob(part) for part in x.split(11, -1))
    torch.testing.assert_close(product.log_prob(x), by_factor)


def test_sums_over_factors_of_all_kinds(device):
    laws = mixed(device=device)
    product, prior = ProductSphere(laws), ProductSphere(priors())
    assert (product.sizes, product.event_shape, product.batch_shape) == (SIZES, (31,), (4,))
    x = product.rsample((7, 2))
    assert x.shape == (7, 2, 4, 31)
    parts = product.split(x)
    torch.testing.assert_close(product.log_prob(x), sum(law.log_prob(part) for law, part in zip(laws, parts)))  # noqa: B905
    torch.testing.assert_close(product.entropy(), sum(law.entropy() for law in laws))
    expected = sum(kl_divergence(law, other).cpu() for law, other in zip(laws, priors(), strict=True))
    torch.testing.assert_close(kl_divergence(product, prior).cpu(), expected)
    for name in ("mean", "variance"):
        torch.testing.assert_close(getattr(product, name), torch.cat([getattr(law, name) for law in laws], -1))
    assert product.support.check(x).all()
    assert not product.support.check(1.1 * x).any()


@pytest.mark.parametrize("number", range(8))
def test_samples_of_each_factor_are_its_own(number):
    """In the order given: each factor's samples have its cosines, whatever group they were drawn in."""
    laws = mixed(())
    n = 10_000
    drawn, alone = ProductSphere(laws).sample((n,)).split(SIZES, -1)[number], laws[number].sample((n,))
    fixed = torch.randn(SIZES[number])
    # Two samples of n: at 8 factors the threshold 2.1 √(2/n) has a chance of 0.2 %.
    assert stats.ks_2samp(drawn @ fixed, alone @ fixed).statistic < 2.1 * math.sqrt(2 / n)
    assert (drawn.mean(0) - laws[number].mean).abs().max() < 5 * laws[number].stddev.max() / math.sqrt(n)


def test_equal_factors_are_one_call(monkeypatch):
    calls = []
    original = PowerSpherical.rsample
    monkeypatch.setattr(
        PowerSpherical, "rsample", lambda self, shape: (calls.append(self.batch_shape), original(self, shape))[1]
    )
    ProductSphere(mixed()).sample()
    assert calls == [(4, 3), (4, 1)]


def test_gradients_reach_every_factor():
    locs = [UniformSphere(m, (6,)).sample().requires_grad_() for m in (3, 5, 3)]
    ks = [torch.full((6,), 2.0 + n, requires_grad=True) for n in range(3)]
    product = ProductSphere([PowerSpherical(loc, k) for loc, k in zip(locs, ks, strict=True)])
    prior = ProductSphere([UniformSphere(m) for m in (3, 5, 3)])
    (product.rsample().square().sum() + kl_divergence(product, prior).sum()).backward()
    assert all(leaf.grad.abs().sum() > 0 for leaf in (*locs, *ks))
    one = ks[1].detach().requires_grad_()
    kl_divergence(PowerSpherical(locs[1], one), UniformSphere(5)).sum().backward()
    torch.testing.assert_close(
        torch.autograd.grad(kl_divergence(product.expand((6,)), prior).sum(), ks[1], allow_unused=True)[0], one.grad
    )


def test_contract():
    wide = ProductSphere([PowerSpherical(direction(3), torch.rand(4)), UniformSphere(2)])
    assert (wide.batch_shape, wide.event_shape, wide.has_rsample) == ((4,), (5,), True)
    assert wide.expand((6, 4)).rsample((2,)).shape == (2, 6, 4, 5)
    assert wide.log_prob(wide.sample()[0]).shape == (4,)
    one = ProductSphere([PowerSpherical(direction(3), 2.0)])
    assert (one.sample().shape, one.log_prob(one.sample()).shape, one.entropy().shape) == ((3,), (), ())
    assert repr(ProductSphere([UniformSphere(2), UniformSphere(3)])) == (
        "ProductSphere(UniformSphere(m=2, batch_shape=()), UniformSphere(m=3, batch_shape=()))"
    )
    assert wide.arg_constraints == {}


def test_what_is_refused(unchecked):
    a, b = PowerSpherical(direction(3), torch.rand(4)), UniformSphere(2, (3,))
    off, too = torch.cat([direction(3), 2 * direction(2)]), torch.cat([3 * direction(3), direction(2)])
    for make, error, words in (
        (lambda: ProductSphere([]), ValueError, "`components` is empty, but a product has one factor or more"),
        (lambda: ProductSphere([a, b]), ValueError, r"have the batches \[\(4,\), \(3,\)\], which do not broadcast"),
        (
            lambda: ProductSphere([a, Normal(0.0, 1.0)]),
            TypeError,
            r"`components\[1\]` is Normal.*: pass laws on spheres",
        ),
        (
            lambda: ProductSphere([a, a]).log_prob(direction(5)),
            ValueError,
            r"\(5,\), but this product has 3 \+ 3 coord",
        ),
        (lambda: ProductSphere([a, UniformSphere(2)]).log_prob(off), ValueError, "`value` has a vector of norm 2"),
        (lambda: ProductSphere([a, UniformSphere(2)]).log_prob(too), ValueError, "`value` has a vector of norm 3"),
        (
            lambda: kl_divergence(ProductSphere([a, a]), ProductSphere([a])),
            ValueError,
            r"factors in R\^m of m = \(3, 3\) and `q` of \(3,\): both must have the same",
        ),
    ):
        with pytest.raises(error, match=words):
            make()
