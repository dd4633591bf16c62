"""The networks: a decoder that stretches nothing, if it is asked not to."""

import pytest
import torch

from latentbook.learning.recipes.least_volume import build, settings

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.mark.parametrize("lipschitz", [True, False])
def test_the_decoder_stretches_nothing_only_with_the_bound(lipschitz):
    """Weights made ten times as large: normalised layers do not notice, others do."""
    model = build(settings(**SMOKE, lipschitz=lipschitz), (1, 8, 8)).train()
    with torch.no_grad():
        for name, parameter in model.decoder.named_parameters():
            if "weight" in name:
                parameter.mul_(10)
        for _ in range(500):
            model.decode(torch.zeros(1, 32))
    model.eval()
    z = torch.randn(20, 32)
    jacobians = torch.func.vmap(torch.func.jacrev(lambda code: model.decode(code).flatten()))(z)
    largest = torch.linalg.matrix_norm(jacobians, 2).max()
    assert (largest <= 1.001) == lipschitz
