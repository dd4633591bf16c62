"""Mixtures of logistics: masses that sum to 1, ends, dependences between colours, and slopes that stay finite."""

import itertools

import pytest
import torch

from latentbook.learning.logistics import LEVELS, mixture_log_prob, mixture_mean, mixture_size

LEVELS_OF_ONE = torch.arange(LEVELS, dtype=torch.float64)[:, None] / 255


def one(mean, log_scale, dtype=torch.float64):
    """Parameters of a single logistic of one colour."""
    return torch.tensor([0.0, mean, log_scale], dtype=dtype)


@pytest.mark.parametrize(("colours", "components", "size"), [(3, 10, 100), (1, 10, 30), (2, 5, 30), (4, 1, 15)])
def test_the_size_counts_weights_means_scales_and_pairs(colours, components, size):
    assert mixture_size(colours, components) == size


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_all_levels_sum_to_one(spread):
    """A sum that telescopes: what is left is the rounding of 256 terms, of 1e-16 each."""
    parameters = spread * torch.randn(50, 30)
    total = mixture_log_prob(parameters, LEVELS_OF_ONE[:, None], 10, 1).logsumexp(0)
    torch.testing.assert_close(total, torch.zeros(50), rtol=0, atol=256 * 1e-15)


def test_a_second_colour_sums_to_one_whatever_the_first():
    parameters = torch.randn(20, mixture_size(2, 3))
    first = torch.rand(20)
    x = torch.stack([first.expand(LEVELS, 20), LEVELS_OF_ONE.expand(LEVELS, 20)], -1)
    joint = mixture_log_prob(parameters, x, 3, 1).logsumexp(0)
    # The weights, means and scales of the first colour, as a mixture of its own.
    kinds = parameters.unflatten(-1, (6, 3))
    alone = mixture_log_prob(kinds[:, [0, 1, 3]].flatten(1), first[:, None], 3, 1)
    torch.testing.assert_close(joint, alone, rtol=1e-12, atol=1e-12)


def test_a_level_has_the_mass_between_its_ends():
    """Against differences of the logistic's distribution, at a scale where they do not cancel: to 1e-12."""
    mean, log_scale, level = 0.3, -1.2, 100
    ends = [(2 * (level + shift) / 255 - 1 - mean) / torch.tensor(log_scale).exp() for shift in (-0.5, 0.5)]
    expected = (ends[1].sigmoid() - ends[0].sigmoid()).log()
    found = mixture_log_prob(one(mean, log_scale), torch.tensor([level / 255]), 1, 1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("level", "sign"), [(0, 1), (255, -1)])
def test_the_ends_have_all_that_is_beyond(level, sign):
    mean, log_scale = 0.2, -2.0
    edge = (2 * (level + 0.5 * sign) / 255 - 1 - mean) / torch.tensor(log_scale).exp()
    found = mixture_log_prob(one(mean, log_scale), torch.tensor([level / 255]), 1, 1)
    torch.testing.assert_close(found, (sign * edge).sigmoid().log(), rtol=1e-12, atol=0)


def test_values_are_rounded_to_levels():
    parameters, x = torch.randn(30), torch.tensor([100 / 255])
    near = mixture_log_prob(parameters, x, 10, 1)
    assert mixture_log_prob(parameters, x + 0.4 / 255, 10, 1).equal(near)
    assert not mixture_log_prob(parameters, x + 1.0 / 255, 10, 1).equal(near)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
@pytest.mark.parametrize(
    ("mean", "log_scale"), [*itertools.product([-30.0, -1.0, 0.0, 1.0, 30.0], [-200.0, -7.0, 200.0])]
)
def test_far_and_narrow_logistics_have_finite_nats_and_slopes(mean, log_scale, level, dtype):
    """The difference of two logistic functions would be 0 here, and its logarithm no number."""
    parameters = one(mean, log_scale, dtype).requires_grad_()
    found = mixture_log_prob(parameters, torch.tensor([level / 255], dtype=dtype), 1, 1)
    found.backward()
    assert found.isfinite()
    assert parameters.grad.isfinite().all()
    # Beyond rounding, no probability is above 1.
    assert found <= 1e-6


def test_slopes_are_those_of_finite_differences():
    x = torch.tensor([[0.0, 0.4, 1.0], [0.2, 1.0, 0.6]])
    parameters = torch.randn(2, mixture_size(3, 2), requires_grad=True)
    assert torch.autograd.gradcheck(lambda own: mixture_log_prob(own, x, 2, 1), [parameters])


def test_the_mean_is_that_of_the_levels_where_none_are_cut_off():
    """Narrow logistics in the middle: the levels' mean is the mixture's, but for rounding to levels, half of 1/255."""
    means = torch.tensor([-0.3, 0.1, 0.4])
    parameters = torch.cat([torch.tensor([0.3, -0.2, 0.5]), means, torch.full((3,), -4.0)])
    mass = mixture_log_prob(parameters, LEVELS_OF_ONE, 3, 1).exp()
    found = mixture_mean(parameters, 1, 3, 1)
    assert (found - mass @ LEVELS_OF_ONE).abs() < 0.5 / 255
    torch.testing.assert_close(found, ((parameters[:3].softmax(0) @ means + 1) / 2)[None])


def test_a_mean_moves_with_the_colours_before_it():
    """With one component: green is its own mean plus a tanh times red, blue two of those."""
    numbers = torch.tensor([0.0, 0.2, 0.1, -0.1, -7.0, -7.0, -7.0, 0.5, 0.3, -0.4])
    a, b, c = numbers[7:].tanh()
    red, green = 0.2, 0.1 + a * 0.2
    expected = (torch.stack([torch.tensor(red), green, -0.1 + b * red + c * green]) + 1) / 2
    torch.testing.assert_close(mixture_mean(numbers, 3, 1, 1), expected)
    # That is also where most mass of the last colour is, given the two before it: within a level of rounding.
    tried = expected.expand(LEVELS, 3).clone()
    tried[:, 2] = LEVELS_OF_ONE[:, 0]
    most = mixture_log_prob(numbers, tried, 1, 1).argmax()
    assert abs(most / 255 - expected[2]) <= 1.5 / 255


def test_a_mean_stays_a_level():
    parameters = torch.tensor([[0.0, 40.0, 0.0], [0.0, -40.0, 0.0]])
    assert mixture_mean(parameters, 1, 1, 1).tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("places", [(), (4,), (4, 5)])
def test_places_and_samples(places):
    x, parameters = torch.rand(6, 3, *places), torch.randn(7, 6, 100, *places)
    found = mixture_log_prob(parameters, x, 10, 1 + len(places))
    assert found.shape == (7, 6, *places)
    assert mixture_mean(parameters, 3, 10, 1 + len(places)).shape == (7, 6, 3, *places)
    at = tuple(0 for _ in places)
    own = mixture_log_prob(parameters[(2, 3, slice(None), *at)], x[(3, slice(None), *at)], 10, 1)
    torch.testing.assert_close(found[(2, 3, *at)], own)
