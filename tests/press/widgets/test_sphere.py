"""The globe's numbers in Chromium: laws on S^2 in R^3 against arbitrary precision and quadrature, samples, geometry."""

import itertools
import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
import traitlets
from torch import nn
from torch.distributions import kl_divergence

from latentbook.core import seeded
from latentbook.press.widgets import Globe, scripts
from latentbook.sphere import PowerSpherical, SphericalCauchy, UniformSphere, VonMisesFisher
from tests.press.widgets.conftest import IMPORT

LAWS = ("vmf", "power", "cauchy")
# On both sides of where series and fraction go over to closed forms, and the named values.
KAPPAS = [1e-8, 1e-4, 0.01, 0.3, 0.999, 1.0, 1.001, 2.0, 10.0, 37.2, 100.0, 999.0, 1000.0]
# Rounding of double precision, some of it lost in about ten operations.
CLOSE = 4e-15
TELL = """(m, laws, kappas) => laws.map((name) => kappas.map((kappa) => {
    const law = m.lawOf(name, kappa);
    return [law.meanLength, law.divergence, law.shortfall, law.rho ?? null];
}))"""


def exact_vmf(kappa):
    kappa = mpmath.mpf(kappa)
    return mpmath.coth(kappa) - 1 / kappa, kappa * mpmath.coth(kappa) - 1 - mpmath.log(mpmath.sinh(kappa) / kappa)


def exact_power(kappa):
    kappa = mpmath.mpf(kappa)
    return kappa / (kappa + 2), mpmath.log(kappa + 1) - kappa / (kappa + 1)


def density(name, parameter):
    """The density of t = mu.x, as a function of t: of the parameter κ, of the Cauchy law ρ."""
    p = mpmath.mpf(parameter)
    return {
        "vmf": lambda t: p * mpmath.exp(p * t) / (2 * mpmath.sinh(p)),
        "power": lambda t: (p + 1) / 2 * ((1 + t) / 2) ** p,
        "cauchy": lambda t: ((1 - p**2) / (1 + p**2 - 2 * p * t)) ** 2 / 2,
    }[name]


def integral(function, narrow) -> Any:
    """Over t from -1 to 1, the end where a law is narrow in pieces."""
    return mpmath.quad(function, [-1, *(1 - mpmath.mpf(narrow) ** power for power in range(1, 5)), 1])


def relative(found, exact):
    return float(abs(found - exact) / abs(exact))


@pytest.fixture(autouse=True)
def precision():
    with mpmath.workdps(40):
        yield


@pytest.fixture(scope="module")
def told(browser):
    """Mean length, KL to the uniform law, what the length lacks of 1, and ρ: by law and κ."""
    page = browser.new_page()
    found = page.evaluate(IMPORT, [scripts.join("laws.js"), TELL, [list(LAWS), KAPPAS]])
    page.close()
    return {(name, kappa): found[i][j] for i, name in enumerate(LAWS) for j, kappa in enumerate(KAPPAS)}


# ---- laws ----


@pytest.mark.browser
@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize(("name", "exact"), [("vmf", exact_vmf), ("power", exact_power)])
def test_mean_length_and_divergence_are_the_closed_forms(told, name, exact, kappa):
    length, divergence, shortfall, _ = told[name, kappa]
    A, KL = exact(kappa)
    assert relative(length, A) < CLOSE
    assert relative(divergence, KL) < CLOSE
    assert relative(shortfall, 1 - A) < CLOSE


@pytest.mark.browser
@pytest.mark.parametrize("kappa", KAPPAS)
def test_the_cauchy_law_has_a_mean_as_long_as_von_mises_fisher_s(told, kappa):
    length, divergence, shortfall, rho = told["cauchy", kappa]
    p = density("cauchy", rho)
    A, KL = (integral(g, 0.1) for g in (lambda t: t * p(t), lambda t: p(t) * mpmath.log(2 * p(t))))
    assert relative(length, A) < CLOSE
    assert relative(divergence, KL) < CLOSE
    assert relative(length, exact_vmf(kappa)[0]) < CLOSE
    # ρ as a double knows 1 − ρ only to so many figures of it.
    assert relative(shortfall, 1 - exact_vmf(kappa)[0]) < CLOSE


@pytest.mark.browser
@pytest.mark.parametrize("kappa", [0.3, 2.0, 100.0])
@pytest.mark.parametrize("name", LAWS)
def test_densities_integrate_to_one_and_quantiles_invert_them(run, told, name, kappa):
    shares = [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999, 1 - 1e-9]
    call = """(m, name, kappa, shares) => {
        const law = m.lawOf(name, kappa);
        const depths = shares.map((w) => law.quantile(w, 1 - w));
        return [depths, depths.map((d) => law.level(d))];
    }"""
    depths, levels = run(["laws.js"], call, name, kappa, shares)
    p = density(name, told[name, kappa][3] if name == "cauchy" else kappa)
    assert float(integral(p, 0.1)) == pytest.approx(1, rel=1e-15)
    for share, d, level in zip(shares, depths, levels, strict=True):
        below: Any = mpmath.quad(p, [1 - mpmath.mpf(d), *(1 - mpmath.mpf(d) * part for part in (0.3, 0.1, 0.01)), 1])
        # The share is given as a double, and 1 − w of the last one knows its last figures no better.
        assert float(below) == pytest.approx(share, rel=1e-13)
        assert level == pytest.approx(float(mpmath.log(2 * p(1 - mpmath.mpf(d)))), rel=1e-13, abs=1e-13)


@pytest.mark.browser
def test_at_nought_and_close_to_it_all_laws_are_uniform(run):
    call = """(m, laws) => laws.flatMap((name) => [0, 1e-300].map((kappa) => {
        const law = m.lawOf(name, kappa);
        return [law.meanLength, law.divergence, law.level(0.7), law.quantile(0.25, 0.75)];
    }))"""
    for values in run(["laws.js"], call, [*LAWS, "uniform"]):
        assert values == pytest.approx([0, 0, 0, 0.5], abs=1e-15)


@pytest.mark.browser
@pytest.mark.parametrize("kappa", [0.3, 2.0, 37.2, 1000.0])
@pytest.mark.parametrize("name", LAWS)
def test_the_page_computes_what_the_package_does(run, told, name, kappa):
    length, divergence, _, rho = told[name, kappa]
    kind = {"vmf": VonMisesFisher, "power": PowerSpherical, "cauchy": SphericalCauchy}[name]
    mean = torch.tensor([0.6, 0.48, 0.64], dtype=torch.float64)
    law = kind(mean, torch.tensor(rho if name == "cauchy" else kappa, dtype=torch.float64))
    # Of the Cauchy law the package integrates: to 1e-10 where it is narrow.
    assert law.mean_resultant_length.item() == pytest.approx(length, rel=1e-10)
    assert kl_divergence(law, UniformSphere(3)).item() == pytest.approx(divergence, rel=1e-10)
    points = torch.tensor([[0.8, 0.0, 0.6], [0.6, 0.48, 0.64], [0.0, 0.6, 0.8]], dtype=torch.float64)
    levels = "(m, name, kappa, depths) => depths.map((d) => m.lawOf(name, kappa).level(d))"
    found = run(["laws.js"], levels, name, kappa, (1 - points @ mean).tolist())
    # A thousand times the last figure of a cosine.
    expected = law.log_prob(points) + math.log(4 * math.pi)
    assert found == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-12)


# ---- samples ----

CELLS = list(itertools.product(LAWS, [0.1, 2.0, 9.9, 11.0, 50.0, 1000.0]))
DRAW = """(m, name, kappa, mean, count) => {
    const samples = new m.Samples(count);
    samples.seed(3);
    const law = m.lawOf(name, kappa);
    samples.take(law, mean, count);
    return [[...samples.points], samples.meanLength, samples.divergence(law)];
}"""
NUMERICS = ["laws.js", "directions.js"]


@pytest.mark.browser
@pytest.mark.parametrize(("name", "kappa"), CELLS)
def test_samples_have_the_law(run, told_rho, name, kappa):
    n, mean = 20_000, np.array([0.6, 0.48, 0.64])
    points, length, divergence = run(NUMERICS, DRAW, name, kappa, mean.tolist(), n)
    x = np.array(points).reshape(n, 3)
    assert np.linalg.norm(x, axis=1) == pytest.approx(1, abs=1e-12)
    heights = np.sort(x @ mean)
    cdf = cdf_of(name, told_rho(kappa) if name == "cauchy" else kappa)(heights)
    # Kolmogorov-Smirnov, as for 56 cells: these 18, twice, are fewer. 2.41 is passed by chance in 1e-3 of all runs.
    assert distance(cdf) < 2.41 / n**0.5
    # Around the mean no direction is preferred.
    across = np.linalg.svd(mean[None])[2][1:]
    angles = np.sort(np.arctan2(*(x @ across.T).T) / (2 * np.pi) + 0.5)
    assert distance(angles) < 2.41 / n**0.5
    assert length == pytest.approx(np.linalg.norm(x.mean(0)), rel=1e-12)
    # Five standard errors of log p, whose deviation is at most 2; the exact value is tested above.
    KL = run(["laws.js"], "(m, name, kappa) => m.lawOf(name, kappa).divergence", name, kappa)
    assert divergence == pytest.approx(KL, abs=10 / n**0.5)


@pytest.fixture
def told_rho(run):
    return lambda kappa: run(["laws.js"], "(m, kappa) => m.lawOf('cauchy', kappa).rho", kappa)


def cdf_of(name, p):
    """P(mu.x <= t), written anew from the densities."""
    if name == "vmf":
        return lambda t: (np.exp(p * (t - 1)) - np.exp(-2 * p)) / -np.expm1(-2 * p)
    if name == "power":
        return lambda t: ((1 + t) / 2) ** (p + 1)
    return lambda t: (1 - p**2) ** 2 / (4 * p) * (1 / (1 + p**2 - 2 * p * t) - 1 / (1 + p) ** 2)


def distance(cdf):
    """The Kolmogorov-Smirnov distance of sorted values of a distribution function."""
    n = len(cdf)
    return max((np.arange(1, n + 1) / n - cdf).max(), (cdf - np.arange(n) / n).max())


@pytest.mark.browser
@pytest.mark.parametrize("name", LAWS)
def test_each_sample_moves_continuously_with_the_concentration(run, name):
    call = """(m, name, kappas, mean) => {
        const samples = new m.Samples(500);
        samples.seed(1);
        const taken = kappas.map((kappa) => (samples.take(m.lawOf(name, kappa), mean, 500), samples.points.slice()));
        const gap = (one, other, i) => Math.hypot(...[0, 1, 2].map((axis) => one[3 * i + axis] - other[3 * i + axis]));
        const farthest = (one, other) => Math.max(...Array.from({ length: 500 }, (_, i) => gap(one, other, i)));
        const steps = taken.slice(1).map((one, step) => farthest(one, taken[step]));
        return [Math.max(...steps), farthest(taken[0], taken.at(-1))];
    }"""
    kappas = [0.0, *torch.logspace(-4, 3, 701).tolist()]
    step, way = run(NUMERICS, call, name, kappas, [0.0, 0.6, 0.8])
    # A step is 2 % of κ; no sample jumps.
    assert step < 0.05
    assert way > 1


@pytest.mark.browser
def test_other_seeds_are_other_samples_and_few_are_the_first_of_many(run):
    call = """(m, seed, count) => { const s = new m.Samples(50); s.seed(seed);
        s.take(m.lawOf("vmf", 3), [0, 0, 1], count); return [...s.points].slice(0, 3 * count); }"""
    many, few, other = run(NUMERICS, call, 0, 50), run(NUMERICS, call, 0, 7), run(NUMERICS, call, 1, 50)
    assert many[:21] == few
    assert min(abs(a - b) for a, b in zip(many, other, strict=True)) > 0


@pytest.mark.browser
@pytest.mark.parametrize(
    "mean", [(0, 0, 1), (0, 0, -1), (1e-9, 0, -1), (0, 1e-200, -1), (0.6, -0.48, 0.64), (-1, 0, 0)]
)
def test_directions_across_are_a_frame_whatever_the_mean(run, mean):
    frame = torch.tensor(
        [mean, *run(["directions.js"], "(m, mean) => m.across(mean)", list(mean))], dtype=torch.float64
    )
    torch.testing.assert_close(frame @ frame.T, torch.eye(3, dtype=torch.float64), atol=1e-15, rtol=0)


@pytest.mark.browser
def test_places_directions_and_what_is_seen_of_them(run):
    call = "(m, place) => m.placeOf(m.directionOf(place))"
    for place in ([12.0, -80.0], [-179.0, 0.0], [30.0, 90.0]):
        assert run(["directions.js"], call, place) == pytest.approx(place, abs=1e-12)
    # Seen from above Greenwich at the equator: east is right, north is up, the middle is near.
    seen = "(m) => [[90, 0], [0, 90], [0, 0]].map((place) => m.seenFrom(m.axesOf([0, 0]), m.directionOf(place)))"
    assert run(["directions.js"], seen) == pytest.approx(np.eye(3), abs=1e-15)
    back = "(m, p) => m.turnedBack(m.axesOf([31, -12]), m.seenFrom(m.axesOf([31, -12]), p))"
    assert run(["directions.js"], back, [0.6, 0.48, 0.64]) == pytest.approx([0.6, 0.48, 0.64], abs=1e-15)
    beside = run(["directions.js"], "(m) => [m.frontAt(3, 4), m.frontAt(0.6, 0), m.within([190, 95])]")
    assert [value for part in beside for value in part] == pytest.approx([0.6, 0.8, 0, 0.6, 0, 0.8, -170, 90])


@pytest.mark.browser
def test_the_slider_reaches_the_named_values(run):
    names = ["page.js", "ticks.js", "concentration.js"]
    stops = run(names, "(m) => [0, 80, 160, 240, 320].map(m.concentrationAt)")
    assert stops == [0, 1, 10, 100, 1000]
    back = run(names, "(m) => Array.from({ length: 321 }, (_, i) => m.stopOf(m.concentrationAt(i)) - i)")
    assert set(back) == {0}
    assert run(names, "(m) => [m.namedBeside(10, true), m.namedBeside(3, false), m.namedBeside(0, false)]") == [
        100,
        1,
        0,
    ]
    words = run(names, "(m) => [0, 4.0678e-9, -0.00123, 0.9, 99.999999, 1000].map(m.exactly)")
    assert words == ["0", "4.07 × 10⁻⁹", "−1.23 × 10⁻³", "0.900", "100", "1,000"]


@pytest.mark.browser
def test_bars_hold_all_samples(run):
    call = """(m) => { const { counts, beyond } = m.countsOf(Float64Array.of(0, 0.1, 0.49, 0.5, 0.7, 1.9), 5, 0.5, 5);
        return [[...counts], beyond]; }"""
    assert run(["heights.js"], call) == [[1, 1, 0, 0, 2], 1]
    assert run(["heights.js"], "(m) => [0, 1, 4, 1000].map(m.spanOf)") == [2, 2, 2, 0.008]


@pytest.mark.browser
def test_density_has_a_colour_that_grows_with_it(run):
    shares = run(
        ["strip.js", "ball.js"], "(m, ratios) => ratios.map((r) => m.shareOfColours(Math.log(r)))", [0, 1, 2, 20]
    )
    assert shares == pytest.approx([0, 1 / 3, 1 / 2, 10 / 11])


# ---- Python ----


def decoder(outputs=16, inputs=3):
    with seeded(0):
        return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs), nn.Sigmoid())


def on_the_sphere(count=40):
    with seeded(1):
        return nn.functional.normalize(torch.randn(count, 3), dim=1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("kappa", -1.0, "`kappa` is -1.0, but the slider goes from 0 to 1,000"),
        ("kappa", math.nan, "`kappa` is nan"),
        ("kappa", math.inf, "`kappa` is inf"),
        ("loc", [1.0, 1.0, 1.0], r"`loc` has length 1.73205, but a point of S\^2 has length 1: divide it by its norm"),
        ("loc", [0.0, 0.0, 0.0], "`loc` has length 0"),
        ("loc", [1.0, 0.0], "`loc` is .* but a direction is three finite numbers"),
        ("loc", [1.0, 0.0, math.nan], "`loc` is"),
        ("loc", [[1.0], [0.0, 0.0]], "`loc` is"),
        ("view", [0.0, 91.0], "`view` is .* but a place is a longitude from -180 to 180 and a latitude from -90 to 90"),
        ("samples", 0, "`samples` is 0, but must be from 1 to 2,000"),
        ("samples", 2001, "`samples` is 2001"),
        ("law", "fisher", "The 'law' trait"),
    ],
)
def test_what_is_out_of_range_is_refused(unchecked, name, value, words):
    with pytest.raises(traitlets.TraitError, match=words):
        Globe(**{name: value})
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(Globe(), name, value)


def test_a_direction_is_anything_that_holds_three_numbers_of_length_one():
    globe = Globe(loc=torch.tensor([0.6, 0.48, 0.64], dtype=torch.float32))
    assert math.hypot(*globe.loc) == pytest.approx(1, abs=1e-15)
    globe.loc = np.array([0, 0, -1])
    assert globe.loc == [0, 0, -1]


def test_the_mean_is_in_sight_where_nobody_says_what_is_seen():
    for loc in on_the_sphere():
        longitude, latitude = (math.radians(angle) for angle in Globe(loc=loc).view)
        eye = [math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)]
        assert float(torch.tensor(eye) @ loc.double()) > 0.5


def test_what_travels():
    globe = Globe(
        decoder=decoder(), shape=(4, 4), codes=on_the_sphere(), labels=torch.arange(40) % 3, classes=list("abc")
    )
    assert globe.content["event"] == {"kind": "image", "shape": (4, 4), "bones": (), "range": [0.0, 1.0]}
    assert len(globe.weights) == 2 * sum(layer["outputs"] * (layer["inputs"] + 1) for layer in globe.content["decoder"])
    assert (len(globe.codes), len(globe.labels), globe.content["classes"]) == (240, 40, ["a", "b", "c"])
    assert globe.shown == "codes"
    assert Globe().shown == "law"
    # A page of the book has room for several.
    assert len(Globe._esm) < 80_000


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, r"`decoder` takes 2 numbers, but a point of S\^2 is 3", {"decoder": decoder(inputs=2)}),
        (ValueError, r"`decoder` decodes to \(16,\), which is no image: say with `shape`", {"decoder": decoder()}),
        (ValueError, r"`shape` is \(5, 5\), but the models decode", {"decoder": decoder(), "shape": (5, 5)}),
        (ValueError, "there is no decoder", {"shape": (4, 4)}),
        (TypeError, "`decoder` is of type int", {"decoder": 3}),
        (ValueError, "which cannot travel", {"decoder": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))}),
        (ValueError, "`codes` has a point of length 2", {"codes": 2 * on_the_sphere()}),
        (ValueError, r"`codes` has shape \(40, 2\)", {"codes": on_the_sphere()[:, :2]}),
        (ValueError, "`labels` are given without `codes`", {"labels": [1]}),
        (ValueError, "`shown` is 'codes', but there are none", {"shown": "codes"}),
    ],
)
def test_what_does_not_fit_is_refused(error, words, arguments):
    with pytest.raises(error, match=words):
        Globe(**arguments)


def test_a_model_that_does_more_than_its_decoder_s_layers_is_refused():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.decoder = decoder()

        def decode(self, z):
            return 1 - self.decoder(z)

    with pytest.raises(ValueError, match="its decode does more than its layers"):
        Globe(decoder=Model(), shape=(4, 4))
