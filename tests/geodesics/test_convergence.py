"""What `converged` and `error` promise, and that nothing longer than the start is an answer."""

import pytest
import torch
from torch import nn

from latentbook.geodesics import geodesic, length
from latentbook.geodesics.measuring import measured
from tests.geodesics.test_solver import PI, globe
from tests.surfaces import swiss_roll


def net(activation, m=2):
    layers = [nn.Linear(m, 64), activation(), nn.Linear(64, 64), activation(), nn.Linear(64, 30)]
    for layer in layers[::2]:
        nn.init.normal_(layer.weight, std=1.5 / layer.in_features**0.5)
        nn.init.normal_(layer.bias, std=0.3)
    return nn.Sequential(*layers).requires_grad_(False)


@pytest.mark.filterwarnings("ignore:.*have not converged")
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ELU, nn.ReLU])
@pytest.mark.parametrize("tol", [1e-2, 1e-3])
def test_what_has_converged_is_as_long_as_the_search_says_that_goes_on_from_there(activation, tol, monkeypatch):
    """`converged` is a promise of the length: a much finer search from the same curve gains no more than it says.

    Twice as much over the corners of rectifiers: there lengths shrink by no law from one refinement to the next.
    """
    f, (a, b) = net(activation), torch.randn(2, 12, 2)
    found = geodesic(f, a, b, tol=tol)
    assert found.converged.equal(found.error <= tol)
    assert found.converged.float().mean() >= 0.75
    # Over corners of rectifiers every refinement gains something, until it has five thousand control points.
    monkeypatch.setattr("latentbook.geodesics.solver.REFINEMENTS", 2)
    finest = geodesic(f, a, b, tol=tol / 30, init=found.curve, max_steps=30)
    best, here = length(f, finest.curve, 2**13), length(f, found.curve, 2**13)
    promise = 2 * tol if activation is nn.ReLU else tol
    assert (here / best - 1 <= promise)[found.converged].all()
    measured = (found.length / here - 1).abs()
    assert (measured[found.converged] <= tol).all()


@pytest.mark.filterwarnings("ignore:.*have not converged")
def test_the_error_counts_what_further_refinements_would_change(monkeypatch):
    """Gradients vanish and lengths are measured well, but two sets of spans do not say it all."""
    f, (a, b) = net(nn.Tanh), 3 * torch.randn(2, 12, 2)
    monkeypatch.setattr("latentbook.geodesics.solver.REFINEMENTS", 1)
    found = geodesic(f, a, b, tol=1e-7)
    monkeypatch.setattr("latentbook.geodesics.solver.REFINEMENTS", 2)
    best = geodesic(f, a, b, tol=1e-7, init=found.curve)
    gained = found.length / best.length - 1
    # Some would be told as converged by gradients and lengths alone, a thousand times too long.
    assert gained.max() > 1e-5
    assert (found.error >= gained).all()


@pytest.mark.filterwarnings("ignore:.*have not converged")
def test_the_error_counts_that_of_measuring(monkeypatch):
    def rough(*args):
        value, error = measured(*args)
        return value, error + 0.5

    monkeypatch.setattr("latentbook.geodesics.solver.measured", rough)
    found = geodesic(globe, torch.tensor([PI / 4, 0]), torch.tensor([PI / 4, PI / 2]))
    assert found.error > 0.5
    assert not found.converged


@pytest.mark.filterwarnings("ignore:.*have not converged")
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("steps", [1, 3, 40])
def test_no_answer_is_longer_than_the_straight_line(activation, steps):
    """By more than a tenth of the tolerance, where the line is a geodesic; converged or not."""
    f = net(activation, 5)
    a, b = torch.randn(2, 15, 5)
    b[10:] = a[10:] + 0.01 * b[10:]
    found = geodesic(f, a, b, max_steps=steps)
    assert (found.length <= found.straight_length * (1 + 1e-5)).all()
    assert (found.improvement >= -1e-5).all()
    # As long as it is said to be, of whatever use it is: measured to half of the tolerance where it has converged.
    error = (found.length / length(f, found.curve, 2**14) - 1).abs()
    assert (error <= torch.where(found.converged, 1e-4, 3e-3)).all()


def test_too_few_steps_are_told():
    a, b = torch.tensor([[PI / 4, 0.0], [0.0, 0.0]]), torch.tensor([[PI / 4, PI / 2], [0.0, 1.0]])
    with pytest.warns(UserWarning, match=r"^1 of 2 geodesics have not converged .* raise `max_steps`"):
        found = geodesic(globe, a, b, max_steps=1, tol=1e-8)
    # The second runs along the equator, and is straight.
    assert found.converged.tolist() == [False, True]
    assert found.gradient_norm[0] > 1e-5 > found.gradient_norm[1]
    # Never the straight line.
    assert found.improvement[0] > 0


def test_a_length_that_still_changes_has_not_converged(monkeypatch):
    monkeypatch.setattr("latentbook.geodesics.solver.REFINEMENTS", 1)
    with pytest.warns(UserWarning, match="1 of 1"):
        found = geodesic(swiss_roll, torch.tensor([1.5 * PI, 0]), torch.tensor([4.5 * PI, 60]), tol=1e-8)
    # Small by itself, as the next splines need it: 0.15 roots of the tolerance.
    assert found.gradient_norm <= 1.5e-5


def test_a_search_that_is_given_up_is_told():
    """With a slope of the wrong sign nothing moves: the length is steady, and only the gradient knows."""

    def misleading(z):
        x = globe(z)
        return 2 * x.detach() - x

    with pytest.warns(UserWarning, match="1 of 1"):
        found = geodesic(misleading, torch.tensor([PI / 4, 0]), torch.tensor([PI / 4, PI / 2]))
    assert not found.converged
    assert found.gradient_norm > 1e-3
