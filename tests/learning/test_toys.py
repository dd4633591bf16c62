"""Toy points satisfy the equations of the sheet, and their parameters are uniform."""

import pytest
import torch

from latentbook.learning.toys import TOYS, toy

# The third value on the surface, the second on the curve, written out once more as polynomials.
EQUATIONS = {
    "curve": lambda x, y: y - (10 * x**3 - 0.5 * x**2 - 1.4 * x),
    "square": lambda u, v: 0 * u,
    "space-curve": lambda x, y, z: torch.stack([y - x - 5 * x**3, z - x**2]),
    "surface": lambda u, v, z: z - (10 * u**3 - 15 * u**2 + 6.6 * u - 0.8),
}
COUNTS = {"curve": 50, "square": 50, "space-curve": 50, "surface": 100, "noisy-surface": 100}
NAMES = {"t": (-0.5, 0.5), "u": (0, 1), "v": (0, 1)}


@pytest.mark.parametrize("kind", EQUATIONS)
def test_points_satisfy_their_equation(kind):
    points = toy(kind, "train", count=500)[:]
    # Values up to 5, a handful of roundings each.
    assert EQUATIONS[kind](*points.unbind(1)).abs().max() < 1e-13


@pytest.mark.parametrize("kind", TOYS)
def test_factors_are_the_parameters(kind):
    dataset = toy(kind, "train")
    assert (len(dataset), dataset.name, dataset.y) == (COUNTS[kind], kind, None)
    assert dataset.factors.equal(dataset.x[:, : dataset.factors.shape[1]])


@pytest.mark.parametrize("kind", TOYS)
def test_parameters_are_uniform(kind):
    """The largest gap between 10,000 uniform numbers and their law is beyond 2.5 / sqrt(10,000) once in 130,000."""
    dataset = toy(kind, "train", count=10_000)
    for name, values in zip(dataset.factor_names, dataset.factors.T, strict=True):
        low, high = NAMES[name]
        expected = low + (high - low) * (torch.arange(10_000) + 0.5) / 10_000
        assert (values.sort().values - expected).abs().max() < 0.025
        assert low <= values.min() <= values.max() <= high


def test_the_noise_is_normal_with_deviation_one_tenth():
    dataset = toy("noisy-surface", "train", count=10_000)
    noise = EQUATIONS["surface"](*dataset.x.unbind(1))
    # Standard errors 0.1 / sqrt(n) = 0.001 and 0.1 / sqrt(2 n) = 0.0007; kurtosis sqrt(24 / n) = 0.05: 5 of each.
    assert noise.mean().abs() < 0.005
    assert (noise.std() - 0.1).abs() < 0.0036
    assert ((noise / noise.std()) ** 4).mean().item() == pytest.approx(3, abs=0.25)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        (("spiral", "train"), {}, ValueError, r"`kind` is 'spiral', which is unknown: pass one of \['curve'"),
        (("curve", "val"), {}, ValueError, r"`part` is 'val', .*pass one of \['test', 'train'\]"),
        (("curve", "train"), {"count": 0}, ValueError, "`count` is 0: pass a whole number of at least 1"),
        (("curve", "train"), {"seed": -1}, ValueError, "`seed` is -1: pass a whole number of at least 0"),
        (("curve", "train"), {"seed": "a"}, TypeError, "`seed` is 'a', not an integer"),
    ],
)
def test_what_cannot_be_drawn_is_refused(args, options, error, message):
    with pytest.raises(error, match=message):
        toy(*args, **options)
