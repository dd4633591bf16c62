"""The linear case: data with exact principal components, and a training that ends at the closed form."""

import torch

from latentbook.learning.recipes.least_volume import linear_case, linear_data, settings
from latentbook.volume import principal_std


def test_the_sample_has_exactly_the_principal_components():
    torch.set_default_dtype(torch.float64)
    p = torch.tensor([2.0, 1.0, 0.5, 0.1])
    x = linear_data(p, 512, seed=3)[:]
    torch.testing.assert_close(principal_std(x), p)
    torch.testing.assert_close(x.mean(0), torch.zeros(4), atol=1e-12, rtol=0)
    # Turned at random: no axis of the data is one of the coordinates'.
    assert torch.linalg.eigh(x.T.cov()).eigenvectors.abs().max() < 0.99


def test_training_ends_at_the_closed_form():
    """Reference case 5, for every weight: within a hundredth of the widest component."""
    case = linear_case(settings(scale="smoke", device="cpu"))
    torch.testing.assert_close(case.trained, case.predicted, atol=0.01 * float(case.p[0]), rtol=0)
    assert case.trained[0, 2] > 0.4
    assert case.trained[-1].max() < 0.02
