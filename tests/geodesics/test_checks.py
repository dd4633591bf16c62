"""What is refused is named, with its repair."""

import pytest
import torch

from latentbook.geodesics.checks import flawed, require_defined, require_pair, require_tol
from latentbook.geodesics.lengths import space_of

Z = torch.randn(3, 2, dtype=torch.float64)


def test_pairs_and_tolerances_that_are_fine():
    require_pair("a", Z, "b", Z + 1)
    require_pair("a", Z[:0], "b", Z[:0])
    require_tol(1e-6, Z, "lengths")
    require_tol(1e-5, Z.float(), "lengths")
    require_defined(space_of(torch.sin), Z.reshape(3, 1, 2), "here")


@pytest.mark.parametrize(
    ("a", "b", "error", "words"),
    [
        (Z, Z[:2], ValueError, r"`z` has shape \(3, 2\) and `v` \(2, 2\), but they are pairs: make them alike"),
        (Z, Z.float(), ValueError, "`z` has type torch.float64 and `v` torch.float32, .* make them alike"),
        (Z, Z.to("meta"), ValueError, "`z` is on cpu and `v` meta"),
        (Z.long(), Z, TypeError, r"`z` must be floating point, but it is torch.int64: pass `z.float\(\)`"),
        (Z, Z.long(), TypeError, "`v` must be floating point"),
        (Z[0, 0], Z[0, 0], ValueError, "`z` is a number, but points have a last dimension"),
        (Z, Z / 0, ValueError, "`v` has entries that are not finite: look at the encoder"),
        (Z * torch.nan, Z, ValueError, "`z` has entries that are not finite"),
    ],
)
def test_pairs_that_are_none(a, b, error, words):
    with pytest.raises(error, match=words):
        require_pair("z", a, "v", b)


def test_a_point_without_data_is_named():
    z = torch.tensor([[1.0, 2.0], [3.0, -1.0], [-5.0, 1.0]])
    assert flawed(space_of(torch.log), z).tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r"`f` is not finite at \[3.0, -1.0\], over there: move"):
        require_defined(space_of(torch.log), z, "over there: move")
    skew = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    for bad in (skew, -torch.eye(2), torch.zeros(2, 2), torch.full((2, 2), torch.nan)):
        with pytest.raises(ValueError, match=r"`metric` is not symmetric and positive definite at \[1.0, 2.0\]"):
            require_defined(space_of(None, lambda z, bad=bad: bad), z, "here")


def test_points_are_looked_at_a_part_at_a_time():
    seen = []
    z = torch.ones(5000, 1)
    z[4321] = -1
    bad = flawed(space_of(lambda z: (seen.append(len(z)), z.log())[1]), z)
    assert bad.nonzero().tolist() == [[4321]]
    assert max(seen) <= 1024


def test_an_accuracy_beyond_rounding():
    with pytest.raises(ValueError, match=r"`tol` is 1e-07, but lengths of type torch.float32 are known to 1e-06"):
        require_tol(1e-7, Z.float(), "lengths")
    for tol in (0.0, float("nan"), -1.0):
        with pytest.raises(ValueError, match="known to 2e-15 at best: pass more"):
            require_tol(tol, Z, "lengths")
