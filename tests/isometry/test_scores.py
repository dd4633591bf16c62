"""Laws of the scores: closed forms, coordinates, degenerate points, and which decoders each of them calls perfect."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import vmap

from latentbook.isometry import condition_number, metric_distortion, metric_variance, volume_variance
from latentbook.isometry.scores import is_degenerate
from latentbook.metric import log_volume, pullback_metric
from tests.isometry.test_distortion import ANGLES, THREE, P, along, diagonals
from tests.surfaces import (
    orthonormal_columns,
    paraboloid,
    polar,
    rotation,
    sphere,
    stereographic,
    swiss_roll,
    torus,
    unrolled,
)

# Map, points, mean condition number, variance of the metric.
CLOSED_FORMS = {
    "diag(3, 1)": (lambda z: z * z.new_tensor([3, 1]), along([0, 1]), 9, 0),
    "inverse stereographic": (stereographic, along([0, 1]), 1, 1.060492117),
    "polar": (polar, along([1, 2, 3], 0.7), 14 / 3, 0.942697572),
    "torus, 64 angles": (torus, along(ANGLES, 1.3), 4.5, 0.650796275),
    "torus, 8 angles": (torus, along(ANGLES[::8], 1.3), 4.5, 0.650944391),
    "swiss roll": (swiss_roll, along([0, 1, 2]), 8 / 3, 0.479978615),
    "swiss roll by arc length": (unrolled, along([0.5, 1, 2]), 1, 0),
    "sphere": (sphere, along([math.pi / 2, math.pi / 6], 0.4), 2.5, 0.530246058),
    "paraboloid": (paraboloid, along([2]), 5, 0),
    "paraboloid, two points": (paraboloid, torch.tensor([[2, 0], [0, 1]], dtype=torch.float64), 3.5, 0.857527354),
}


def random_metrics(count, m, seed=0):
    A = torch.randn(count, m + 1, m, generator=torch.Generator().manual_seed(seed))
    return A.mT @ A


# ---- closed forms ----


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(device, name):
    f, z, condition, variance = CLOSED_FORMS[name]
    G = pullback_metric(f, z.to(device))
    assert condition_number(G).mean.item() == pytest.approx(condition, rel=1e-9)
    # The references have nine decimals.
    assert metric_variance(G).item() == pytest.approx(variance, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("G", "condition", "variance"),
    [(diagonals((1, 4), (3, 2)), 2.75, 0.446008948), (THREE, 8.284700655, 3.350387626)],
)
def test_metrics_given_directly(G, condition, variance):
    assert condition_number(G).mean.item() == pytest.approx(condition, rel=1e-9)
    assert metric_variance(G).item() == pytest.approx(variance, rel=1e-9)


def test_variance_is_of_eigenvalues_and_not_of_singular_values():
    """Of a product that is not symmetric these differ; the latter change with the coordinates besides."""
    mean = THREE.mean(0)
    singular = torch.linalg.svdvals(torch.linalg.solve(mean, THREE)).log().square().sum(-1).mean()
    assert singular.item() == pytest.approx(3.496572461, rel=1e-9)
    moved = P.T @ THREE @ P
    torch.testing.assert_close(metric_variance(moved), metric_variance(THREE), rtol=1e-12, atol=0)
    eigen = torch.linalg.eigvals(torch.linalg.solve(mean, THREE)).real.log().square().sum(-1).mean()
    torch.testing.assert_close(metric_variance(THREE), eigen)


def test_the_plane_under_a_normal_density():
    """ln(lambda)^2 over N(0, I): 100,000 points give 0.5 %."""
    G = pullback_metric(stereographic, torch.randn(100_000, 2))
    assert metric_variance(G).item() == pytest.approx(3.2068846070, rel=0.02)
    assert condition_number(G).mean.item() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_a_scaled_isometry_is_perfect_by_all(m):
    Q, z = orthonormal_columns(12, m), torch.randn(5, m)
    G = pullback_metric(lambda z: 7 * z @ Q.T, z)
    assert condition_number(G).mean.item() == pytest.approx(1, rel=1e-9)
    assert condition_number(G).log_mean.item() == pytest.approx(0, abs=1e-9)
    assert metric_variance(G).item() == pytest.approx(0, abs=1e-12)
    assert volume_variance(G).item() == pytest.approx(0, abs=1e-12)


def test_neither_score_alone_says_isometric():
    """Linear: constant, not round. Conformal: round, not constant. A map that keeps areas: neither."""
    z = along([0.0, 0.5, 1.0], 0.3)
    linear = pullback_metric(lambda z: z * z.new_tensor([3, 1]), z)
    assert metric_variance(linear).item() == pytest.approx(0, abs=1e-12)
    assert condition_number(linear).mean > 8.9
    conformal = pullback_metric(stereographic, z)
    assert condition_number(conformal).mean.item() == pytest.approx(1, rel=1e-9)
    assert metric_variance(conformal) > 0.1
    keeps_areas = pullback_metric(lambda z: torch.stack([z[:, 0], z[:, 1] + z[:, 0] ** 2], -1), z)
    assert volume_variance(keeps_areas).item() == pytest.approx(0, abs=1e-12)
    assert condition_number(keeps_areas).mean > 1.5
    assert metric_variance(keeps_areas) > 0.1
    assert (torch.stack([metric_distortion(G) for G in (linear, conformal, keeps_areas)]) > 0.5 + 0.01).all()


# ---- coordinates ----


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 999))
def test_linear_coordinates_change_no_variance(m, count, seed):
    G = random_metrics(count, m, seed)
    change = torch.linalg.qr(torch.randn(m, m))[0] @ torch.diag(torch.rand(m) + 0.5) @ torch.randn(m, m).matrix_exp()
    moved = change.T @ G @ change
    # The conditions of both, up to 1e5 here, multiply the rounding.
    torch.testing.assert_close(metric_variance(moved), metric_variance(G), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(volume_variance(moved), volume_variance(G), rtol=1e-6, atol=1e-8)


@given(batch=st.lists(st.integers(1, 3), max_size=3), m=st.integers(1, 4))
def test_any_batch_is_one_batch(batch, m):
    A = torch.randn(*batch, m + 1, m)
    G = A.mT @ A
    flat, scores = condition_number(G.reshape(-1, m, m)), condition_number(G)
    assert scores.each.shape == tuple(batch)
    assert scores.degenerate.shape == scores.mean.shape == ()
    torch.testing.assert_close(scores.each.flatten(), flat.each)
    for name in ("mean", "median", "log_mean"):
        torch.testing.assert_close(getattr(scores, name), getattr(flat, name))
    for score in (metric_variance, volume_variance):
        torch.testing.assert_close(score(G), score(G.reshape(-1, m, m)))


def test_condition_numbers_and_their_summaries():
    G = diagonals((1, 1), (2, 1), (3, 9), (1, 100))
    scores = condition_number(G)
    torch.testing.assert_close(scores.each, torch.tensor([1.0, 2, 3, 100]))
    assert scores.mean.item() == pytest.approx(26.5)
    assert scores.median.item() == pytest.approx(2.5)
    assert scores.log_mean.item() == pytest.approx(math.log(600) / 4)
    assert scores.degenerate.item() == 0


def test_volume_variance_is_that_of_the_logarithm():
    G = random_metrics(9, 3)
    torch.testing.assert_close(volume_variance(G), log_volume(G).var(correction=0))
    torch.testing.assert_close(volume_variance(7 * G), volume_variance(G))


# ---- degenerate points ----


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_degenerate_point_is_counted_and_in_no_mean(dtype):
    thin = torch.randn(1, 2, dtype=dtype) * 100
    G = torch.cat([THREE.to(dtype), (thin.mT @ thin)[None], torch.zeros(1, 2, 2, dtype=dtype)])
    scores, without = condition_number(G), condition_number(THREE.to(dtype))
    assert scores.degenerate.item() == 2
    assert scores.each[3:].isinf().all()
    for name in ("mean", "median", "log_mean"):
        torch.testing.assert_close(getattr(scores, name), getattr(without, name))
    torch.testing.assert_close(metric_variance(G), metric_variance(THREE.to(dtype)))
    torch.testing.assert_close(volume_variance(G), volume_variance(THREE.to(dtype)))


def test_a_rank_deficient_decoder_is_seen_in_float32():
    """The smaller eigenvalue is a rounding error of either sign, and the ratio would be anything."""
    weight = torch.randn(784, 1, dtype=torch.float32) * torch.tensor([[3.0, 1.0]], dtype=torch.float32)
    G = pullback_metric(lambda z: z.cumsum(0) @ weight.T, torch.randn(1, 2, dtype=torch.float32)).expand(5, 2, 2)
    assert condition_number(G).degenerate.item() == 5


def test_constant_decoders_have_no_scores():
    scores = condition_number(torch.zeros(4, 2, 2))
    assert scores.degenerate.item() == 4
    for value in (*scores[:3], metric_variance(torch.zeros(4, 2, 2)), volume_variance(torch.zeros(4, 2, 2))):
        assert value.isnan()


def test_almost_degenerate_points_are_not():
    assert not is_degenerate(torch.tensor([1e-12, 1.0], dtype=torch.float64))
    assert is_degenerate(torch.tensor([1e-15, 1.0], dtype=torch.float64))
    assert is_degenerate(torch.tensor([-1e-15, 1.0], dtype=torch.float64))


def test_variance_of_metrics_that_are_almost_degenerate():
    """Whitened, their smaller eigenvalue is a rounding error of either sign. It is at most the machine's, in nats."""
    for seed in range(20):
        R = rotation(seed)
        G = torch.stack([R @ torch.diag(torch.tensor([1.0, 1e-14])) @ R.T, 1e-6 * torch.eye(2), R.T @ R])
        assert condition_number(G).degenerate == 0
        assert 0 < metric_variance(G) < 2 * 40**2


# ---- as losses, in families ----


def test_gradients_agree_with_differences_and_pass_by_degenerate_points():
    A = torch.randn(4, 3, 2)
    A[0, :, 1] = A[0, :, 0]
    for score in (lambda G: condition_number(G).mean, lambda G: condition_number(G).log_mean, metric_variance):
        regular = A[1:].clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda A, score=score: score(A.mT @ A), regular)
        leaf = A.clone().requires_grad_()
        score(leaf.mT @ leaf).backward()
        score(regular.mT @ regular).backward()
        torch.testing.assert_close(leaf.grad[1:], regular.grad)
        assert (leaf.grad[0] == 0).all()


def test_scores_of_a_family():
    G = torch.stack([random_metrics(6, 3, seed) for seed in range(3)])
    G[1, 2] = 0
    together = vmap(condition_number)(G)
    for k in range(3):
        for field, value in zip(together, condition_number(G[k]), strict=True):
            torch.testing.assert_close(field[k], value)
    for score in (metric_variance, volume_variance, metric_distortion):
        torch.testing.assert_close(vmap(score)(G), torch.stack([score(part) for part in G]))


# ---- what is refused ----


@pytest.mark.parametrize("score", [condition_number, metric_variance, volume_variance])
def test_what_is_no_metric(unchecked, score):
    with pytest.raises(ValueError, match=r"`G` has shape \(3, 2\), but metrics are \(..., m, m\)"):
        score(torch.ones(3, 2))
    with pytest.raises(TypeError, match=r"`G` must be floating point, but it is torch.int64"):
        score(torch.ones(2, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match="`G` has entries that are not finite"):
        score(torch.tensor([[1.0, 0.0], [0.0, torch.nan]]))
