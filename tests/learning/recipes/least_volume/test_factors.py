"""Images with known factors: each member of the family sees images of its own."""

import dataclasses

import torch

from latentbook.learning.recipes.least_volume import count_factors, factor_strips, factors, settings
from latentbook.volume import latent_set_dimension


def test_every_member_is_measured_on_its_own_images(monkeypatch):
    monkeypatch.setitem(factors.STEPS, "smoke", 60)
    chosen = settings(scale="smoke", device="cpu")
    counted = count_factors(chosen)
    assert [one.free for one in counted] == [factors.FREE[: count + 1] for count in range(4)]
    for one in counted:
        assert one.std.shape == (factors.LATENT_DIM,)
        assert one.curve.shape == (factors.LATENT_DIM + 1,)
        assert one.dimensions == latent_set_dimension(one.curve)
    # What is lost when nothing is left is the spread of the images themselves, which grows with a second direction.
    assert counted[1].curve[-1] > 1.2 * counted[0].curve[-1]
    again = count_factors(dataclasses.replace(chosen, seed=1))
    assert not torch.equal(again[0].std, counted[0].std)


def test_a_strip_changes_one_factor_alone():
    """The middle image of every strip but that of the scale is the same: everything at rest, the angle at 0."""
    strips = factor_strips(3)
    assert strips.shape == (4, 3, 1, 16, 16)
    assert strips.min() == 0
    assert 0.9 < strips.max() <= 1
    x, y, scale, angle = strips
    assert x[1].equal(y[1])
    assert x[1].equal(angle[1])
    # Further right, higher up, larger.
    columns = torch.arange(16.0)
    assert (x.sum((1, 2)) @ columns / x.sum((1, 2, 3))).diff().min() > 2
    assert (y.sum((1, 3)) @ columns / y.sum((1, 2, 3))).diff().max() < -2
    assert scale.sum((1, 2, 3)).diff().min() > 1
