"""Draws of the cosine against its law, over 56 cells; and that the published envelope is found out."""

import math

import pytest
import torch

from latentbook.learning.recipes.hyperspherical.references import distance_of_cosines
from latentbook.sphere import envelope
from latentbook.sphere.debye import ratios
from latentbook.sphere.envelope import draw_one_minus_cosine
from tests.sphere.cells import CELLS, DISTANCE, ERRORS
from tests.sphere.laws import DRAWS, NeverWaits


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("m", "kappa"), CELLS)
def test_draws_have_the_law_of_the_cosine(m, kappa, dtype, device):
    drawn = draw_one_minus_cosine(m, torch.full((DRAWS,), kappa, dtype=dtype, device=device))
    assert drawn.dtype == dtype
    assert distance_of_cosines(m, kappa, drawn.cpu()) < DISTANCE
    # A law that is five per cent too wide is not as far from the true one as that, but its variance is.
    truth = ratios(m / 2 - 1, torch.tensor(kappa))
    square = (drawn.double().cpu() - truth.shortfall).square()
    assert (square.mean() - truth.slope).abs() < ERRORS * square.std() / math.sqrt(DRAWS)


@pytest.mark.parametrize(("m", "kappa"), [(2, 11.0), (5, 0.1), (41, 11.0), (500, 200.0)])
@pytest.mark.parametrize("count", [1, 40, 300])
def test_draws_of_few_have_it_too(m, kappa, count, device):
    # Several proposals are made at once for each: 32, 25 and 3.
    batch = torch.full((count,), kappa, device=device)
    drawn = torch.cat([draw_one_minus_cosine(m, batch).cpu() for _ in range(3_000 // count)])
    assert distance_of_cosines(m, kappa, drawn) < DISTANCE
    assert len(drawn.unique()) > 0.9 * len(drawn)


@pytest.mark.parametrize("may_look", [True, False])
def test_no_draw_takes_more_proposals_than_are_said(may_look, monkeypatch):
    made = []

    def none_fits(m, b):
        made.append(len(b))
        return torch.zeros_like(b), torch.zeros_like(b, dtype=torch.bool)

    monkeypatch.setattr(envelope, "_proposed", none_fits)
    monkeypatch.setattr(envelope, "_may_look", lambda _: may_look)
    for count in (1, 40, 300, 50_000):
        made.clear()
        draw_one_minus_cosine(3, torch.ones(count))
        assert sum(made) == envelope.PROPOSALS


@pytest.mark.parametrize(("m", "kappa"), [(2, 11.0), (10, 1e4), (41, 11.0), (500, 200.0)])
def test_draws_that_the_host_cannot_look_at_have_it_too(m, kappa, device, monkeypatch):
    monkeypatch.setattr(envelope, "_may_look", lambda _: False)
    with NeverWaits():
        drawn = draw_one_minus_cosine(m, torch.full((DRAWS,), kappa, device=device))
    assert distance_of_cosines(m, kappa, drawn.cpu()) < DISTANCE


@pytest.mark.parametrize(("m", "kappa"), [(20, 11.0), (41, 11.0), (41, 50.0), (100, 11.0), (100, 50.0), (500, 100.0)])
def test_the_published_envelope_is_found_out(m, kappa, device):
    b = torch.full((DRAWS,), (m - 1) / (4 * kappa), device=device)
    drawn, taken = _published(m, kappa, b)
    for _ in range(100):
        again, fits = _published(m, kappa, b)
        drawn, taken = torch.where(taken, drawn, again), taken | fits
    assert taken.all()
    assert distance_of_cosines(m, kappa, drawn.cpu()) > 2 * DISTANCE


def _published(m, kappa, b):
    """Propose by a b that does not fit, and take by the test that supposes that it does."""
    a = (m - 1 + 2 * kappa + math.hypot(2 * kappa, m - 1)) / 4
    d = 4 * a * b / (1 + b) - (m - 1) * math.log(m - 1)
    e = torch.distributions.Beta(torch.full_like(b, (m - 1) / 2), torch.full_like(b, (m - 1) / 2)).sample()
    q = 1 - (1 - b) * e
    t = 2 * a * b / q
    return 2 * b * e / q, (m - 1) * t.log() - t + d >= torch.rand_like(b).log()


@pytest.mark.parametrize("m", [2, 3, 10, 500])
def test_without_concentration_the_cosine_is_that_of_the_uniform_law(m, device):
    drawn = draw_one_minus_cosine(m, torch.zeros(DRAWS, device=device))
    # So small a concentration is none: the laws are 1e-9 apart.
    assert distance_of_cosines(m, 1e-9, drawn.cpu()) < DISTANCE


@pytest.mark.parametrize(("m", "kappa"), CELLS)
def test_two_of_three_proposals_are_taken(m, kappa):
    b = torch.full((DRAWS,), (m - 1) / (2 * kappa + math.hypot(2 * kappa, m - 1)))
    _, taken = envelope._proposed(m, b)
    # At least 0.658, the value of the circle far out; the standard error is 0.0034.
    assert taken.double().mean() > 0.658 - 3.3 * 0.0034


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("m", [2, 3, 50, 2000])
def test_it_ends_whatever_the_concentration(m, dtype, device):
    kappa = torch.tensor([math.nan, math.inf, 1e20, 0.0], dtype=dtype, device=device)
    drawn = draw_one_minus_cosine(m, kappa)
    assert drawn[0].isnan()
    assert drawn[1] == 0
    assert 0 < drawn[2] < m * 1e-19
    assert 0 <= drawn[3] <= 2


def test_shapes_are_kept(device):
    for shape in ((), (3,), (2, 0), (2, 3, 4)):
        assert draw_one_minus_cosine(5, torch.ones(shape, device=device)).shape == shape
    # An expanded tensor has one entry for many draws, which differ.
    assert len(draw_one_minus_cosine(5, torch.ones((), device=device).expand(9)).unique()) == 9


def test_digits_close_to_the_direction_are_kept(device):
    # In single precision w itself knows 17 values between 1 - 1e-6 and 1.
    drawn = draw_one_minus_cosine(3, torch.full((DRAWS,), 1e7, dtype=torch.float32, device=device))
    assert len(drawn.unique()) > 0.9 * DRAWS
    assert (drawn.double().mean() * 1e7).item() == pytest.approx(1, abs=4 / math.sqrt(DRAWS))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_draw_is_beyond_the_point_opposite(dtype, device, monkeypatch):
    # On the circle these uniform numbers propose the point opposite itself, and rounding reached beyond it.
    monkeypatch.setattr(torch, "rand_like", lambda tensor: torch.full_like(tensor, 0.5))
    drawn = draw_one_minus_cosine(2, torch.linspace(0, 5, 10_001, dtype=dtype, device=device))
    assert (drawn > 1.99).any()
    assert (drawn <= 2).all()
