"""Gauss's rule on [0, 1]."""

import pytest
import torch

from latentbook.sphere.rules import gauss_rule


@pytest.mark.parametrize("count", [8, 16, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_polynomials_are_integrated_up_to_the_degree(count, dtype, device):
    like = torch.zeros(2, 3, dtype=dtype, device=device)
    nodes, weights = gauss_rule(count, like)
    assert nodes.shape == weights.shape == (count, 1, 1)
    assert nodes.dtype == weights.dtype == dtype
    for degree in (0, 1, count, 2 * count - 1):
        total = (weights * nodes**degree).sum().item()
        assert total == pytest.approx(1 / (degree + 1), rel=1e-13 if dtype == torch.float64 else 1e-5)
    beyond = (weights * nodes ** (2 * count)).sum().item()
    assert count > 8 or dtype == torch.float32 or abs(beyond * (2 * count + 1) - 1) > 1e-10


def test_other_rules_are_not_there(unchecked):
    with pytest.raises(KeyError):
        gauss_rule(7, torch.zeros(()))
