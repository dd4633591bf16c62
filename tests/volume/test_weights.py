"""The weight of collapse, and the weights that keep what is wanted, against the optimum itself."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentbook.volume import choose_lambda, collapse_lambda, linear_loss, linear_optimum

P = torch.tensor([2.0, 1.0, 0.5, 0.25], dtype=torch.float64)


def stable(p, data_dim, lipschitz=1.0):
    """Return the weight from which on the loss falls in no direction at collapse."""
    return 2 * lipschitz * p.max().item() * len(p) / data_dim


@settings(max_examples=50)
@given(
    m=st.integers(1, 6),
    eta=st.floats(0.02, 3.0),
    extra=st.integers(0, 9),
    lipschitz=st.sampled_from([0.5, 1.0, 3.0]),
    seed=st.integers(0, 999),
)
def test_the_optimum_is_zero_above_and_not_below(m, eta, extra, lipschitz, seed):
    p = 0.1 + 2 * torch.rand(m, generator=torch.Generator().manual_seed(seed))
    lam = collapse_lambda(p, eta, m + extra, lipschitz=lipschitz)
    # Next to the threshold losses differ by less than rounding.
    assert linear_optimum(p, 1.0001 * lam, eta, m + extra, lipschitz=lipschitz).count_nonzero() == 0
    assert linear_optimum(p, 0.9999 * lam, eta, m + extra, lipschitz=lipschitz).count_nonzero() > 0
    assert lam >= stable(p, m + extra, lipschitz) * (1 - 1e-12)


def test_collapse_on_a_grid_of_widths():
    """The ratio's supremum, by brute force over two widths; a grid finds a little less."""
    p, eta = torch.tensor([2.0, 1.0]), 0.3
    grid = torch.cartesian_prod(torch.linspace(0, 2, 801), torch.linspace(0, 1, 401))[1:]
    saved = (grid * (2 * p - grid)).sum(1) / 2
    ratio = saved / ((grid + eta).log().mean(1).exp() - eta)
    # The grid is 0.0025 wide, and the ratio flat at its top.
    assert collapse_lambda(p, eta) == pytest.approx(ratio.max().item(), rel=1e-5)
    assert collapse_lambda(p, eta) >= ratio.max().item()


@pytest.mark.parametrize("lipschitz", [0.5, 2.0])
def test_with_a_large_lift_collapse_is_best_where_it_becomes_stable(lipschitz):
    eta = P.max().item() / lipschitz
    assert collapse_lambda(P, eta, 9, lipschitz=lipschitz) == pytest.approx(stable(P, 9, lipschitz), rel=1e-9)
    # With a smaller lift collapse stays unattractive for longer.
    assert collapse_lambda(P, 0.1 * eta, 9, lipschitz=lipschitz) > 1.1 * stable(P, 9, lipschitz)


def test_between_the_two_weights_collapse_is_a_trap():
    eta = 0.2
    lam = (stable(P, 4) + collapse_lambda(P, eta)) / 2
    collapsed = linear_loss(torch.zeros(4), P, lam, eta)
    assert (linear_loss(1e-4 * torch.rand(100, 4), P, lam, eta) > collapsed).all()
    assert linear_loss(linear_optimum(P, lam, eta), P, lam, eta) < collapsed


def test_no_collapse_without_lift():
    assert collapse_lambda(P, 0.0) == math.inf
    assert linear_optimum(P, 1e6, 0.0).count_nonzero() == 3
    # A lone dimension has a volume that is its width, whatever the lift.
    assert collapse_lambda(P[:1], 0.0, 8) == pytest.approx(0.5)
    assert collapse_lambda(torch.zeros(3)) == 0


# ---- the weight to begin with ----


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
@pytest.mark.parametrize(("eta", "data_dim", "lipschitz"), [(1.0, 4, 1.0), (0.1, 64, 0.5)])
def test_so_many_dimensions_live(dimensions, eta, data_dim, lipschitz):
    lam = choose_lambda(P, dimensions=dimensions, eta=eta, data_dim=data_dim, lipschitz=lipschitz)
    # In the middle of its interval: a little more or less weight changes nothing.
    for near in (0.97, 1.0, 1.03):
        std = linear_optimum(P, near * lam, eta, data_dim, lipschitz=lipschitz)
        assert std.count_nonzero() == dimensions


def test_equal_components_live_together():
    """No weight keeps one of two: the choice keeps at least as many."""
    p = torch.tensor([1.0, 1.0, 0.1])
    assert linear_optimum(p, choose_lambda(p, dimensions=1, eta=3.0), 3.0).count_nonzero() == 2


@pytest.mark.parametrize("error", [0.001, 0.1, 0.8])
def test_the_error_is_spent(error):
    lam = choose_lambda(P, error=error, eta=2.0, data_dim=6, lipschitz=2.0)

    def reached(lam):
        std = linear_optimum(P, lam, 2.0, 6, lipschitz=2.0)
        return (P - 2.0 * std).square().sum().item() / 6

    assert reached(lam) <= error
    # Where the optimum does not jump, a little more weight goes beyond.
    assert reached(1.001 * lam) > error


def test_error_and_number_follow_the_weight():
    """What bisection rests on: as the weight grows, the error never falls and the number never rises."""
    for seed in range(10):
        p, eta = torch.rand(6), [0.02, 0.2, 1.0][seed % 3]
        optima = [
            linear_optimum(p, lam, eta) for lam in torch.linspace(0.001, 1.1 * collapse_lambda(p, eta), 60).tolist()
        ]
        errors = torch.stack([(p - std).square().sum() for std in optima])
        numbers = torch.stack([std.count_nonzero() for std in optima])
        assert (errors.diff() >= -1e-12).all()
        assert (numbers.diff() <= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"`dimensions` is None and `error` is None: pass one"),
        ({"dimensions": 2, "error": 0.1}, r"`dimensions` is 2 and `error` is 0.1: pass one"),
        ({"dimensions": 0}, r"`dimensions` is 0, but the data have 4: pass 1 to 4"),
        ({"dimensions": 5}, r"`dimensions` is 5, but the data have 4"),
        ({"error": 0.0}, r"`error` is 0.0, but collapse costs 1.32812: pass a number in \(0, 1.32812\)"),
        ({"error": 2.0}, r"`error` is 2.0, but collapse costs"),
        ({"dimensions": 2, "eta": 0.0}, r"`eta` is 0, .*pass a lift above 0"),
        ({"dimensions": 2, "eta": -1.0}, r"`eta` is -1.0"),
        ({"dimensions": 2, "lipschitz": -1.0}, r"`lipschitz` is -1.0"),
    ],
)
def test_impossible_wishes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        choose_lambda(P, **arguments)


def test_collapse_of_impossible_cases():
    with pytest.raises(ValueError, match=r"`eta` is -1.0.*0 or more"):
        collapse_lambda(P, -1.0)
