"""What is refused is named, with its repair; what is not looked at goes through."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from latentbook.sphere.checks import (
    on_sphere,
    require_concentration,
    require_dimension,
    require_on_sphere,
    together,
)

LOC = F.normalize(torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=-1)
KAPPA = torch.ones(4, dtype=torch.float64)


def test_dimensions_become_plain_integers():
    assert type(require_dimension(np.int64(3))) is int


def test_directions_and_concentrations_broadcast():
    for loc, kappa, batch in (
        (LOC, KAPPA, (4,)),
        (LOC[0], KAPPA[0], ()),
        (LOC[0], KAPPA, (4,)),
        (LOC, 2.0, (4,)),
        (LOC, 2, (4,)),
        (LOC[None], KAPPA[:, None], (4, 4)),
        (LOC, torch.ones(7, 1), (7, 4)),
        (LOC[:0], KAPPA[:0], (0,)),
        # One direction alone may have a column.
        (LOC[0], KAPPA[:1], (1,)),
        (LOC[:1], KAPPA[:1, None], (1, 1)),
    ):
        loc, kappa = together(loc, kappa)
        assert (loc.shape, kappa.shape) == ((*batch, 3), batch)


@pytest.mark.parametrize(
    ("loc", "kappa", "error", "words"),
    [
        (LOC.long(), KAPPA, TypeError, r"`loc` must be floating point, but it is torch.int64: pass `loc.float\(\)`"),
        (LOC, KAPPA.long(), TypeError, "`concentration` must be floating point, but it is torch.int64"),
        (LOC.tolist(), KAPPA, TypeError, "`loc` is of type list: pass a tensor"),
        (LOC, None, TypeError, "`concentration` is of type NoneType: pass a tensor"),
        (LOC[0, 0], KAPPA, ValueError, r"`loc` is a number, but directions have coordinates: pass shape \(..., m\)"),
        (LOC[:, :1], KAPPA, ValueError, r"`m` is 1, but S\^\(m-1\) in R\^m is a circle or more"),
        (LOC, KAPPA.float(), ValueError, r"type torch.float64 and `concentration` torch.float32: pass `.*to\(loc\)"),
        (LOC, KAPPA.to("meta"), ValueError, "`loc` has device cpu and `concentration` meta"),
        (LOC, KAPPA[:, None], ValueError, r"\(4, 1\) beside .* \(4,\): pass `concentration.squeeze\(-1\)`"),
        (LOC, KAPPA[:3], ValueError, r"is a batch \(4,\) of directions in R\^3, and `concentration` has shape \(3,\)"),
    ],
)
def test_what_does_not_belong_together(loc, kappa, error, words, unchecked):
    with pytest.raises(error, match=words):
        together(loc, kappa)


def test_points_off_the_sphere():
    require_on_sphere("loc", LOC)
    require_on_sphere("loc", F.normalize(torch.randn(50, 2000, dtype=torch.float32), dim=-1))
    require_on_sphere("loc", F.normalize(torch.randn(50, 2000, dtype=torch.float32), dim=-1).double())
    require_on_sphere("loc", F.normalize(torch.randn(50, 20, dtype=torch.bfloat16), dim=-1))
    assert on_sphere.check(torch.stack([LOC[0], LOC[0] * 1.0001])).tolist() == [True, False]
    for factor, norm in ((2.0, "2"), (1.001, "1.001"), (0.0, "0"), (math.nan, "nan"), (math.inf, "inf")):
        loc = LOC.clone()
        loc[2] *= factor
        words = rf"`loc` has a vector of norm {norm}, .*: pass `torch.nn.functional.normalize\(loc, dim=-1\)`"
        with pytest.raises(ValueError, match=words):
            require_on_sphere("loc", loc)


def test_concentrations_out_of_range():
    require_concentration(torch.tensor([0.0, 1e20]))
    for value in (-1.0, math.inf, math.nan, -math.inf):
        with pytest.raises(ValueError, match=f"has the value {value:g}, but must be at least 0 and finite"):
            require_concentration(torch.tensor([1.0, value]))
    with pytest.raises(ValueError, match="has the value 1, but must be at least 0 and below 1: clamp it"):
        require_concentration(torch.tensor([0.5, 1.0]), upper=1.0)


def test_values_that_cannot_be_looked_at_are_not():
    assert torch.func.vmap(lambda x: (require_on_sphere("x", x), x.sum())[1])(2 * LOC).shape == (4,)
