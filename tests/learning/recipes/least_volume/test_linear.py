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
    """Reference case 5, for every weight: the right dimensions live, within 1 %; dead ones tremble around zero."""
    case = linear_case(settings(scale="smoke", device="cpu"))
    torch.testing.assert_close(case.trained, case.predicted, rtol=0.01, atol=2e-3)
    assert ((case.trained > 2e-3) == (case.predicted > 0)).all()
    assert case.trained[-1].max() < 2e-3


def test_without_lift_no_weight_makes_it_collapse():
    """One dead dimension makes the penalty zero, so that the optimum is PCA without its last component."""
    case = linear_case(settings(scale="smoke", device="cpu"), eta=0.0)
    assert (case.predicted[:, :3] == case.p[:3]).all()
    assert (case.predicted[:, 3] == 0).all()
    assert case.trained[-1, 0] > 1.5
