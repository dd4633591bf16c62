"""Christoffel's symbols against closed forms, difference quotients of the metric, and changes of coordinates."""

import math

import pytest
import torch
from torch import nn

from latentbook.geodesics.connection import christoffel, inner, warn_of_drift
from latentbook.geodesics.lengths import space_of
from latentbook.metric import pullback_metric, speed
from tests.surfaces import DECODERS, SURFACES, Counting, M, orthonormal_columns, sphere


def from_differences(metric, z, u, v, h=1e-4):
    """The definition, with central differences of the metric: an error of h^2 or of 1e-16 / h."""
    unit = torch.eye(z.shape[-1])
    d = torch.stack([(metric(z + h * e) - metric(z - h * e)) / (2 * h) for e in unit], -1)
    first = (
        torch.einsum("...ijk,...k,...j->...i", d, u, v)
        + torch.einsum("...ijk,...k,...j->...i", d, v, u)
        - torch.einsum("...ijk,...i,...j->...k", d, u, v)
    )
    return torch.linalg.solve(metric(z), first / 2)


def test_the_sphere_in_closed_form():
    r"""With colatitude: -sin cos for two steps along the parallel, cot for one along each."""
    z, (u, v) = torch.rand(7, 2) + 0.5, torch.randn(2, 7, 2)
    sine, cosine = z[:, 0].sin(), z[:, 0].cos()
    expected = torch.stack(
        [-sine * cosine * u[:, 1] * v[:, 1], cosine / sine * (u[:, 0] * v[:, 1] + u[:, 1] * v[:, 0])], -1
    )
    torch.testing.assert_close(christoffel(space_of(sphere), z, u, v), expected)


@pytest.mark.parametrize("name", SURFACES)
def test_a_decoder_and_its_metric_have_the_same(name):
    f, metric = SURFACES[name]
    z, (u, v) = torch.rand(3, 4, 2) + 0.3, torch.randn(2, 3, 4, 2)
    found = christoffel(space_of(f), z, u, v)
    torch.testing.assert_close(found, christoffel(space_of(None, metric), z, u, v), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found, from_differences(metric, z, u, v), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [*DECODERS, "layer norm", "SiLU"])
def test_the_symbols_of_any_decoder(name):
    """In eval mode, as the metric is, and with the right second derivative of all layers."""
    more = {
        "layer norm": lambda: nn.Sequential(nn.Linear(M, 8), nn.LayerNorm(8), nn.Linear(8, 9)),
        "SiLU": lambda: nn.Sequential(nn.Linear(M, 8), nn.SiLU(), nn.Linear(8, 9)),
    }
    f = {**DECODERS, **more}[name]()
    z, (u, v) = torch.randn(5, M), torch.randn(2, 5, M)
    if name == "number":
        # One number is no embedding: along its levels there is no metric.
        return
    found = christoffel(space_of(f), z, u, v)
    assert f.training
    torch.testing.assert_close(
        found, from_differences(lambda z: pullback_metric(f, z), z, u, v, 1e-5), rtol=1e-3, atol=1e-4
    )


def test_the_symbols_are_symmetric_and_bilinear():
    space, z, (u, v, w) = space_of(DECODERS["tanh"]()), torch.randn(6, M), torch.randn(3, 6, M)
    torch.testing.assert_close(christoffel(space, z, u, v), christoffel(space, z, v, u))
    mixed = 2 * christoffel(space, z, u, v) - 3 * christoffel(space, z, w, v)
    torch.testing.assert_close(christoffel(space, z, 2 * u - 3 * w, v), mixed)


def test_isometries_of_the_data_and_units_change_nothing():
    f, Q, z, (u, v) = DECODERS["tanh"](), orthonormal_columns(25, 20), torch.randn(6, M), torch.randn(2, 6, M)
    expected = christoffel(space_of(f), z, u, v)
    torch.testing.assert_close(christoffel(space_of(lambda z: 1e3 * f(z) @ Q.T + 7), z, u, v), expected)
    # Latents in other units: the symbols of the new coordinates are those of the old, in new units.
    units = torch.tensor([1e-3, 1.0, 1e3])
    scaled = christoffel(space_of(lambda w: f(w * units)), z / units, u / units, v / units)
    torch.testing.assert_close(scaled * units, expected, rtol=1e-8, atol=1e-10)


def test_a_direction_that_moves_no_data_is_left_alone():
    """As in a posterior that has collapsed: the other directions are what they were without it."""
    z, (u, v) = torch.rand(5, 3) + 0.5, torch.randn(2, 5, 3)
    found = christoffel(space_of(lambda z: sphere(z[..., :2])), z, u, v)
    expected = christoffel(space_of(sphere), z[:, :2].contiguous(), u[:, :2], v[:, :2])
    torch.testing.assert_close(found[:, :2], expected, rtol=1e-10, atol=1e-12)
    assert found[:, 2].eq(0).all()
    assert christoffel(space_of(lambda z: 0 * z), z, u, v).eq(0).all()


def test_linear_decoders_and_constant_metrics_have_none():
    z, (u, v), A = torch.randn(4, 3), torch.randn(2, 4, 3), torch.randn(5, 3)
    assert christoffel(space_of(lambda z: z @ A.T), z, u, v).abs().max() < 1e-12
    assert christoffel(space_of(None, lambda z: A.T @ A), z, u, v).eq(0).all()
    assert christoffel(space_of(None, lambda z: (A.T @ A).expand(len(z), 3, 3)), z, u, v).eq(0).all()


def test_where_there_is_no_metric_there_is_nan():
    z = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    found = christoffel(space_of(None, lambda z: z[:, 0, None, None] * torch.eye(2)), z, z, z)
    assert found[0].isfinite().all()
    assert found[1].isnan().all()
    assert christoffel(space_of(torch.log), z, z, z).isfinite().all(-1).tolist() == [True, False]


def test_points_and_vectors_may_share_memory():
    z, v = torch.tensor([0.5, 0.7]).expand(4, 2), torch.randn(2).expand(4, 2)
    expected = christoffel(space_of(sphere), z[0].clone(), v[0].clone(), v[0].clone())
    torch.testing.assert_close(christoffel(space_of(sphere), z, v, v), expected.expand(4, 2))


def test_many_points_are_differentiated_in_parts():
    f = Counting()
    z = torch.randn(1100, 2)
    christoffel(space_of(f), z, z, z)
    assert max(f.seen) == 512


def test_products_of_vectors():
    f, z, (u, v) = DECODERS["tanh"](), torch.randn(2, 3, M), torch.randn(2, 2, 3, M)
    G = pullback_metric(f, z)
    expected = torch.einsum("...i,...ij,...j->...", u, G, v)
    torch.testing.assert_close(inner(space_of(f), z, u, v), expected)
    torch.testing.assert_close(inner(space_of(f), z, u, u).sqrt(), speed(f, z, u))
    metric = SURFACES["torus"][1]
    expected = torch.einsum("...i,...ij,...j->...", u[..., :2], metric(z[..., :2]), v[..., :2])
    torch.testing.assert_close(inner(space_of(None, metric), z[..., :2], u[..., :2], v[..., :2]), expected)


def test_a_drift_is_told():
    space, z, v = space_of(lambda z: z), torch.zeros(3, 2), torch.ones(3, 2)
    alive = torch.tensor([True, True, False])
    longer = v * torch.tensor([[1.0], [1.02], [5.0]])
    warn_of_drift(space, (z, z), (v, v), alive, 1e-5)
    with pytest.warns(UserWarning, match=r"1 of 3 vectors have changed their length on the way, by up to 2 %"):
        warn_of_drift(space, (z, z), (v, longer), alive, 1e-5)
    with pytest.warns(UserWarning, match="1 of 3 vectors"):
        # From nothing to something.
        warn_of_drift(space, (z, z), (v * torch.tensor([[1.0], [0.0], [1.0]]), v), alive, 1e-5)
    warn_of_drift(space, (z, z), (v, longer), alive, 1e-3)


@pytest.mark.parametrize(
    ("f", "metric", "words"),
    [
        (lambda z: z.detach().sin(), None, "`f` cannot be differentiated"),
        (nn.functional.hardsigmoid, None, r"`f` cannot be differentiated twice \(.*hardsigmoid_backward"),
        (None, lambda z: torch.eye(2) * z.detach()[:, 1, None, None], "`f` cannot be differentiated"),
    ],
)
def test_what_cannot_be_differentiated(f, metric, words):
    z = torch.rand(3, 2) + 0.5
    with pytest.raises(TypeError, match=words):
        christoffel(space_of(f, metric), z, z, z)


def test_curvature_from_symbols():
    r"""Gauss's theorema egregium: from the metric alone, 1 on the unit sphere, in any of its coordinates.

    :math:`K = \langle R(e_1, e_2) e_2, e_1 \rangle / \det G`, with derivatives of the symbols by differences.
    """
    e1, e2, h = *torch.eye(2), 1e-4
    for name, z in (("sphere", torch.tensor([1.1, 0.3])), ("stereographic", torch.tensor([0.4, -0.7]))):
        space = space_of(SURFACES[name][0])

        def symbols(p, u, v, space=space):
            return christoffel(space, p, u, v)

        d1 = (symbols(z + h * e1, e2, e2) - symbols(z - h * e1, e2, e2)) / (2 * h)
        d2 = (symbols(z + h * e2, e1, e2) - symbols(z - h * e2, e1, e2)) / (2 * h)
        R = d1 - d2 + symbols(z, e1, symbols(z, e2, e2)) - symbols(z, e2, symbols(z, e1, e2))
        G = SURFACES[name][1](z)
        assert (e1 @ G @ R / G.det()).item() == pytest.approx(1, abs=1e-6)
        assert math.isfinite(R.sum().item())
