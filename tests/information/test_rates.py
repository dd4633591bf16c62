"""Divergences in closed form and by torch, and means that weigh every example alike."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, Normal, kl_divergence
from torch.func import grad, vmap

from latentbook.information import active_units, categorical_rate, gaussian_rate, means

POSITIVE = st.floats(0.01, 100)


def test_closed_forms():
    one, two, zero = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([0.0])
    assert gaussian_rate(one, two).item() == pytest.approx(1.306853, abs=6e-7)
    assert gaussian_rate(zero, one, one, two).item() == pytest.approx(0.443147, abs=6e-7)
    assert categorical_rate(torch.tensor([0.7, 0.1, 0.1, 0.1]).log()).item() == pytest.approx(0.445846, abs=6e-7)
    # The ladder's merge of (1, variance 1) with a prior (0, variance 4).
    merged = torch.tensor([0.8])
    assert gaussian_rate(merged, merged.sqrt(), zero, two).item() == pytest.approx(0.484719, abs=6e-7)


@given(mean=st.floats(-9, 9), std=POSITIVE, prior_mean=st.floats(-9, 9), prior_std=POSITIVE)
def test_gaussians_are_as_torch_has_them(mean, std, prior_mean, prior_std):
    q, p = (
        Normal(torch.tensor([mean]), torch.tensor([std])),
        Normal(torch.tensor([prior_mean]), torch.tensor([prior_std])),
    )
    found = gaussian_rate(q.loc, q.scale, p.loc, p.scale)
    # torch adds up three terms, whose rounding is that of the largest.
    assert found.item() == pytest.approx(kl_divergence(q, p).item(), rel=1e-9, abs=1e-12)


def test_dimensions_add_up_and_batches_broadcast():
    mean, std = torch.randn(5, 3), torch.rand(5, 3) + 0.1
    expected = kl_divergence(Independent(Normal(mean, std), 1), Independent(Normal(torch.zeros(5, 3), 1.0), 1))
    torch.testing.assert_close(gaussian_rate(mean, std), expected)
    torch.testing.assert_close(gaussian_rate(mean, std, torch.zeros(3), torch.ones(3)), expected)


def test_nearly_equal_gaussians_keep_their_digits():
    d = torch.linspace(1e-6, 3e-6, 50)
    # d² - d³/3 for each; 1 + 2 d + d², rounded, less 1 would leave errors of 1e-16 beside 1e-12.
    torch.testing.assert_close(gaussian_rate(torch.zeros(50, 1), 1 + d[:, None]), d**2, rtol=1e-5, atol=0)
    single = gaussian_rate(torch.zeros(1).float(), torch.tensor([1 + 2**-10]).float())
    assert single.item() == pytest.approx(2**-20, rel=1e-2)


def test_categoricals_are_as_torch_has_them():
    logits, prior = torch.randn(6, 4), torch.randn(6, 4)
    expected = kl_divergence(Categorical(logits=logits), Categorical(logits=prior))
    torch.testing.assert_close(categorical_rate(logits, prior), expected)
    torch.testing.assert_close(categorical_rate(logits), categorical_rate(logits, torch.zeros(4)))


def test_a_certain_choice_of_k_costs_the_logarithm_of_k():
    certain = torch.tensor([0.0, -1e4, -1e4])
    assert categorical_rate(certain).item() == pytest.approx(math.log(3), rel=1e-12)
    assert categorical_rate(certain, torch.zeros(3)).item() == pytest.approx(math.log(3), rel=1e-12)


def test_transforms_pass_through():
    mean, std = torch.randn(7, 2), torch.rand(7, 2) + 0.5
    torch.testing.assert_close(vmap(gaussian_rate)(mean, std), gaussian_rate(mean, std))
    torch.testing.assert_close(grad(lambda mu: gaussian_rate(mu, std).sum())(mean), mean)


def test_a_mean_is_over_examples_and_not_over_batches():
    values = torch.randn(1016, 3)
    found = means({"rates": part, "D": part[:, 0]} for part in values.split(256))
    torch.testing.assert_close(found["rates"].value, values.mean(0))
    torch.testing.assert_close(found["D"].error, values[:, 0].std() / math.sqrt(1016))
    assert found["D"].count == 1016
    of_batches = torch.stack([part.mean(0) for part in values.split(256)]).mean(0)
    assert not torch.allclose(of_batches, found["rates"].value)


def test_single_precision_is_added_up_in_double():
    # A hundred thousand times 0.1 in single precision: the sum would be off by more than 1e-7 of it.
    found = means([{"D": torch.full((100_000,), 0.1, dtype=torch.float32)}])["D"]
    assert found.value.dtype == torch.float64
    assert found.value.item() == pytest.approx(torch.tensor(0.1, dtype=torch.float32).item(), rel=1e-12)


def test_one_example_has_no_standard_error():
    assert means([{"D": torch.ones(1)}])["D"].error.isnan()


@pytest.mark.parametrize("batches", [[], [{}], [{"D": torch.ones(0)}]])
def test_no_examples_are_refused(batches):
    with pytest.raises(ValueError, match="`batches` has no examples"):
        means(batches)


def test_batches_of_other_terms_are_named():
    with pytest.raises(ValueError, match=r"batch 1 has the terms \['R'\], but the first has \['D'\]"):
        means([{"D": torch.ones(2)}, {"R": torch.ones(2)}])


def test_units_are_active_where_their_means_vary():
    """The variance is that over examples, with one less than their number, of each coordinate alone."""
    codes = torch.stack([torch.linspace(-1, 1, 5), torch.linspace(0, 0.2, 5), torch.full((5,), 7.0)], -1)
    # Of equal steps h, five values have the variance 2.5 h^2: 0.625, 0.00625 and 0.
    assert active_units(codes).tolist() == [True, False, False]
    assert active_units(codes, 0.006).tolist() == [True, True, False]
    assert active_units(codes, 0.007).tolist() == [True, False, False]
    assert active_units(codes, 0.0).tolist() == [True, True, False]


@pytest.mark.usefixtures("unchecked")
def test_units_of_one_example_are_refused():
    with pytest.raises(ValueError, match=r"`codes` has shape \(1, 3\): a variance needs two"):
        active_units(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="`least` is -1"):
        active_units(torch.zeros(2, 3), -1)
