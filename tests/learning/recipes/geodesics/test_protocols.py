"""Pairs, steps and comparisons, on decoders whose answer is known."""

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.geodesics import (
    compare_models,
    image_pairs,
    improvement_along_largest_eigenvector,
    largest_eigenvector_steps,
    prior_pairs,
)


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)


def bowl(z):
    return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)


def test_pairs_of_the_prior_are_standard_normal():
    a, b = prior_pairs(20_000, 2, seed=3)
    both = torch.cat([a, b], 1)
    # Standard errors are 1/141 of a mean and of a covariance, at most twice that of a variance.
    assert both.mean(0).abs().max() < 5 / 141
    assert (torch.cov(both.T) - torch.eye(4)).abs().max() < 10 / 141


def test_the_same_seed_gives_the_same_pairs_whatever_the_type():
    for like in (torch.zeros(1, dtype=torch.float32), torch.zeros(1)):
        first, again = prior_pairs(5, 3, seed=1, like=like), prior_pairs(5, 3, seed=1, like=like)
        assert all(torch.equal(one, two) and one.dtype == like.dtype for one, two in zip(first, again, strict=True))
    assert not torch.equal(prior_pairs(5, 3, seed=1)[0], prior_pairs(5, 3, seed=2)[0])


def test_steps_go_along_the_largest_eigenvector_towards_the_origin():
    """On the bowl it is the radial direction, wherever one starts."""
    starts, _ = prior_pairs(50, 3, seed=0)
    ends = largest_eigenvector_steps(bowl, starts, 0.25)
    radial = starts / starts.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(ends, starts - 0.25 * radial)


def test_straight_steps_up_the_bowl_gain_nothing():
    """A radial line of the bowl is a geodesic."""
    found = improvement_along_largest_eigenvector(bowl, 2, count=8, step_size=0.3, seed=1)
    # The solver's own tolerance.
    assert found.improvement.abs().max() < 1e-4
    assert found.control.abs().max() < 1e-4


def test_solver_settings_get_to_the_solver():
    with pytest.raises(ValueError, match="`n_control` is 3"):
        improvement_along_largest_eigenvector(bowl, 2, count=2, n_control=3)


class Seen:
    """A model that knows the codes of images by their mean, and decodes with a function."""

    def __init__(self, f, codes_of):
        self.decode, self.encode = f, codes_of


def test_models_are_compared_at_the_same_images_each_with_its_own_codes():
    """One has codes of two dimensions on a bowl, one of three on a plane of another scale."""
    images = Dataset(torch.rand(30, 1, 4, 4))
    curved = Seen(bowl, lambda x: 4 * x[:, 0, 0, :2])
    flat = Seen(lambda z: 3 * z, lambda x: x[:, 0, 1, :3])
    pairs = compare_models(curved, flat, images=images, count=12, seed=2)
    assert pairs.index.shape == (12, 2)
    on_bowl, on_plane = pairs.found
    assert on_bowl.improvement.mean() > 1e-2
    assert on_plane.improvement.abs().max() < 1e-6
    for found, one in zip(pairs.found, (curved, flat), strict=True):
        for end in (0, 1):
            z = found.geodesic.curve(torch.tensor([float(end)]))[:, 0]
            torch.testing.assert_close(z, one.encode(images[pairs.index[:, end]]))


def test_one_model_is_no_comparison():
    with pytest.raises(ValueError, match="`models` has 1 entry"):
        compare_models(Seen(bowl, None), images=Dataset(torch.rand(9, 1, 4, 4)), count=3)


def test_the_two_images_of_a_pair_differ_and_all_are_drawn():
    index = image_pairs(7, 2000, seed=0)
    assert (index[:, 0] != index[:, 1]).all()
    # 2,000 draws of 42 pairs: none is missing but with a chance of 42 exp(-2000 / 42), about 1e-19.
    assert len({tuple(pair) for pair in index.tolist()}) == 42
    assert (index >= 0).all()
    assert (index < 7).all()
