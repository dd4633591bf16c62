"""Names of manifolds: factors in their order, equal ones as a power."""

import pytest

from latentbook.press.figures.sphere.names import manifold_name


@pytest.mark.parametrize(
    ("manifold", "distribution", "name"),
    [
        ("10", "vmf", "S¹⁰"),
        ("1,1", "power", "(S¹)²"),
        ("9,9,9,9", "cauchy", "(S⁹)⁴"),
        (",".join(["1"] * 20), "vmf", "(S¹)²⁰"),
        ("3,1,3", "vmf", "(S³)² × S¹"),
        ("2,2", "normal", "(R²)²"),
    ],
)
def test_names(manifold, distribution, name):
    assert manifold_name(manifold, distribution) == name
