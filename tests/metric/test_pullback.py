"""Laws of the pull-back metric, on surfaces whose metric is known and on decoders whose metric is not."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from latentbook.metric import (
    covectors,
    jacobian,
    log_volume,
    orthonormal_frame,
    pullback_metric,
    pushforward,
    require_metrics,
    speed,
    stack_moments,
)
from tests.surfaces import DECODERS, SURFACES, Counting, M, orthonormal_columns, sphere, torus


def spd(*shape, seed=0):
    """Return symmetric positive definite matrices far from singular."""
    A = torch.randn(*shape, shape[-1], generator=torch.Generator().manual_seed(seed))
    return A @ A.mT + 0.5 * torch.eye(shape[-1])


def quadratic(G, dz):
    return torch.einsum("...i,...ij,...j->...", dz, G, dz)


# ---- the metric ----


@pytest.mark.parametrize("name", SURFACES)
def test_metric_of_a_known_surface(device, name):
    f, metric = SURFACES[name]
    z = 0.5 + torch.rand(4, 5, 2, device=device)
    # Newton's method in "unrolled" ends at rounding errors, which a derivative magnifies.
    torch.testing.assert_close(pullback_metric(f, z), metric(z), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DECODERS)
def test_metric_measures_a_small_step(name):
    """sqrt(dz' G dz) is the length of f(z + dz) - f(z), with an error that shrinks like |dz|, down to rounding."""
    f, z, step = DECODERS[name]().eval(), torch.randn(7, M), torch.randn(7, M)
    length, errors = quadratic(pullback_metric(f, z), step).sqrt(), []
    for h in (1e-3, 1e-4):
        with torch.no_grad():
            moved = (f(z + h * step) - f(z)).reshape(7, -1).norm(dim=1) / h
        errors.append((moved - length).abs().max().item())
    assert errors[1] < max(0.2 * errors[0], 1e-9)


@pytest.mark.parametrize("name", DECODERS)
def test_metric_changes_coordinates_like_a_tensor(name):
    f, z, P = DECODERS[name]().eval(), torch.randn(7, M), torch.randn(M, M)
    with torch.no_grad():
        G = pullback_metric(f, z @ P.T)
    torch.testing.assert_close(pullback_metric(lambda w: f(w @ P.T), z), P.T @ G @ P)


@pytest.mark.parametrize("name", SURFACES)
def test_a_curved_change_of_coordinates_too(name):
    f, w = SURFACES[name][0], 0.5 + 0.5 * torch.rand(5, 2)

    def bend(w):
        return torch.stack([w[..., 0] + 0.1 * w[..., 1] ** 2, w[..., 1].sinh()], -1)

    J = jacobian(bend, w)
    torch.testing.assert_close(pullback_metric(lambda w: f(bend(w)), w), J.mT @ pullback_metric(f, bend(w)) @ J)


@pytest.mark.parametrize("name", DECODERS)
def test_an_isometry_of_the_data_changes_nothing(name):
    f, z = DECODERS[name]().eval(), torch.randn(7, M)
    size = f(z)[0].numel()
    Q = orthonormal_columns(size + 3, size)
    turned = pullback_metric(lambda z: f(z).reshape(len(z), size) @ Q.T + 5, z)
    torch.testing.assert_close(turned, pullback_metric(f, z))


def test_metric_is_that_of_the_jacobian():
    f, z = DECODERS["image"](), torch.randn(2, 3, M)
    J = jacobian(f, z)
    assert J.shape == (2, 3, 48, M)
    torch.testing.assert_close(pullback_metric(f, z), J.mT @ J)


@pytest.mark.parametrize("chunk", [None, 1, 3, 100])
@pytest.mark.parametrize("create_graph", [False, True])
def test_chunks_do_not_change_a_metric(chunk, create_graph):
    f, z = DECODERS["tanh"](), torch.randn(2, 5, M)
    torch.testing.assert_close(
        pullback_metric(f, z, chunk=chunk, create_graph=create_graph), pullback_metric(f, z, create_graph=create_graph)
    )


def test_many_points_are_decoded_in_parts_and_a_loss_at_once():
    f, z = Counting(), torch.randn(1201, 2)
    pullback_metric(f, z)
    pullback_metric(f, z, chunk=1000)
    pullback_metric(f, z, create_graph=True)
    assert f.seen == [500, 500, 201, 1000, 201, 1201]


# ---- metrics of the data and of the latents ----


def test_a_data_metric_is_a_feature_map_where_it_is_one():
    """Of Poisson rates: the Fisher information is diag(1 / x), and its feature map is 2 sqrt(x)."""
    f, z = DECODERS["image"](), torch.randn(6, M)
    fisher = pullback_metric(f, z, data_metric=lambda x: torch.diag_embed(1 / x.flatten(1)))
    torch.testing.assert_close(fisher, pullback_metric(lambda z: 2 * f(z).sqrt(), z))


@given(batch=st.lists(st.integers(1, 3), max_size=2), m=st.integers(1, 4), chunk=st.sampled_from([None, 1, 2]))
def test_metrics_for_each_point_in_any_batch(batch, m, chunk):
    z, weight = torch.randn(*batch, m), torch.randn(m, 6)

    def data_metric(x):
        assert x.shape[1:] == (2, 3)
        return spd(1, 6) * x.square().sum((1, 2))[:, None, None]

    G = pullback_metric(lambda z: (z @ weight).reshape(-1, 2, 3), z, data_metric=data_metric, chunk=chunk)
    H = spd(6) * (z @ weight).square().sum(-1)[..., None, None]
    torch.testing.assert_close(G, weight @ H @ weight.T)


def latent_metric(z):
    return torch.diag_embed(1 + z.square()) + 0.3


def test_a_latent_metric_gives_the_eigenvalues_of_the_invariant_form():
    f, z = DECODERS["tanh"](), torch.randn(7, M)
    G = pullback_metric(f, z, latent_metric=latent_metric)
    expected = torch.linalg.eigvals(pullback_metric(f, z) @ latent_metric(z).inverse()).real.sort().values
    torch.testing.assert_close(G, G.mT)
    torch.testing.assert_close(torch.linalg.eigvalsh(G), expected)


def test_these_eigenvalues_do_not_depend_on_the_coordinates():
    f, z, P = DECODERS["tanh"](), torch.randn(7, M), torch.randn(M, M)
    here = pullback_metric(f, z @ P.T, latent_metric=latent_metric)
    there = pullback_metric(lambda w: f(w @ P.T), z, latent_metric=lambda w: P.T @ latent_metric(w @ P.T) @ P)
    torch.testing.assert_close(torch.linalg.eigvalsh(here), torch.linalg.eigvalsh(there), rtol=1e-10, atol=1e-10)
    without = pullback_metric(lambda w: f(w @ P.T), z)
    assert not torch.allclose(torch.linalg.eigvalsh(without), torch.linalg.eigvalsh(pullback_metric(f, z @ P.T)))


def test_one_matrix_serves_all_points():
    z, H, G_Z = torch.randn(5, 2), spd(2), spd(2, seed=1)
    one = pullback_metric(torch.sin, z, data_metric=lambda x: H, latent_metric=lambda z: G_Z)
    each = pullback_metric(
        torch.sin, z, data_metric=lambda x: H.expand(5, 2, 2), latent_metric=lambda z: G_Z.expand(5, 2, 2)
    )
    torch.testing.assert_close(one, each)


def test_a_metric_that_pulls_its_own_back_is_the_identity():
    z = torch.randn(5, M)
    G = pullback_metric(lambda z: z, z, data_metric=latent_metric, latent_metric=latent_metric)
    torch.testing.assert_close(G, torch.eye(M).expand(5, -1, -1))


def test_the_frame_is_orthonormal():
    z = torch.randn(5, M)
    E = orthonormal_frame(z, latent_metric)
    torch.testing.assert_close(torch.einsum("inj,njk,lnk->nil", E, latent_metric(z), E), torch.eye(M).expand(5, -1, -1))
    assert orthonormal_frame(z, lambda z: -torch.eye(M)).isnan().all()


def test_gradients_pass_through_metrics():
    z = torch.randn(3, M, requires_grad=True)

    def value(z):
        return pullback_metric(
            torch.sin, z, data_metric=latent_metric, latent_metric=lambda z: latent_metric(2 * z), create_graph=True
        )

    assert torch.autograd.gradcheck(value, z)


# ---- steps ----


@pytest.mark.parametrize("metric", [None, lambda x: spd(5), lambda x: spd(len(x), 5)])
def test_speed_is_the_length_of_a_step(metric):
    f, z, dz = DECODERS["BatchNorm"](), torch.randn(4, 6, M), torch.randn(4, 6, M)
    G = pullback_metric(f, z, data_metric=metric)
    torch.testing.assert_close(speed(f, z, dz, data_metric=metric), quadratic(G, dz).sqrt())
    torch.testing.assert_close(speed(f, z, -3 * dz, data_metric=metric), 3 * quadratic(G, dz).sqrt())


@pytest.mark.parametrize("metric", [None, lambda x: torch.eye(3)])
def test_speed_along_the_equator_and_at_rest(metric):
    z = torch.tensor([[math.pi / 2, 0.0], [math.pi / 6, 1.0]], requires_grad=True)
    east, rest = torch.tensor([0.0, 2.0]).expand(2, 2), torch.zeros(2, 2)
    torch.testing.assert_close(speed(sphere, z, east, data_metric=metric), torch.tensor([2.0, 1.0]))
    still = speed(sphere, z, rest, data_metric=metric, create_graph=True)
    still.sum().backward()
    assert (still == 0).all()
    assert (z.grad == 0).all()


def test_a_length_from_speeds():
    """Half a turn around the torus, on its outside, is 3 pi; the midpoint rule is exact for a constant speed."""
    t = (torch.arange(8) + 0.5) / 8 * math.pi
    z = torch.stack([torch.zeros_like(t), t], -1)
    length = speed(torus, z, torch.tensor([0.0, math.pi]).expand_as(z)).mean()
    assert length.item() == pytest.approx(3 * math.pi, rel=1e-12)


def test_covectors_pair_with_steps():
    z, H = torch.randn(5, M), spd(5, 20)
    x, dx = pushforward(DECODERS["tanh"](), z, torch.randn(2, 5, M))
    expected = torch.einsum("nij,knj->kni", H, dx)
    torch.testing.assert_close(covectors(x, dx, lambda x: H), expected)
    assert covectors(x, dx, None) is dx


# ---- volumes and moments ----


def test_volume_of_a_torus():
    """Its area by the midpoint rule, exact for trigonometric polynomials: 4 pi^2 R r."""
    angles = (torch.arange(16) + 0.5) / 16 * 2 * math.pi
    area = log_volume(pullback_metric(torus, torch.cartesian_prod(angles, angles))).exp().mean() * (2 * math.pi) ** 2
    assert area.item() == pytest.approx(8 * math.pi**2, rel=1e-12)


def test_volume_is_that_of_the_jacobian_and_may_be_none():
    J = torch.randn(4, 3, 3)
    torch.testing.assert_close(log_volume(J.mT @ J), J.det().abs().log())
    assert log_volume(torch.diag(torch.tensor([1.0, 0.0]))).item() == -math.inf
    assert log_volume(torch.full((2, 2), torch.nan)).isnan()


def test_moments_add_their_metrics():
    mean, std, z = DECODERS["tanh"](), DECODERS["tanh"](), torch.randn(6, M)
    both = pullback_metric(lambda z: stack_moments(mean(z), std(z)), z)
    torch.testing.assert_close(both, pullback_metric(mean, z) + pullback_metric(std, z))


def test_one_deviation_for_all_data_counts_for_each():
    z = torch.randn(6, M)
    both = pullback_metric(lambda z: stack_moments(z, z.square().sum(-1, keepdim=True)), z)
    torch.testing.assert_close(both, torch.eye(M) + M * 4 * z[:, :, None] * z[:, None])


def test_a_stochastic_decoder_in_closed_form():
    z = torch.tensor([[0.0], [1.0], [2.0]])
    G = pullback_metric(lambda z: stack_moments(z, 1 + z**2), z)
    torch.testing.assert_close(G, 1 + 4 * z[..., None] ** 2)


def test_gradients_pass_through_a_feature_map():
    """The map x^2 behind the identity: M = 4 x^2, and dM/dx = 8 x, of which a detached map would leave nothing."""
    z = torch.tensor([[1.0], [-2.0], [0.5]], requires_grad=True)
    decoder, features = nn.Identity(), lambda x: x**2
    G = pullback_metric(lambda z: features(decoder(z)), z, create_graph=True)
    torch.testing.assert_close(G, 4 * z[..., None] ** 2)
    (slope,) = torch.autograd.grad(G.sum(), z)
    torch.testing.assert_close(slope, 8 * z)


@pytest.mark.parametrize("layer", ["layer norm", "instance norm", "SiLU"])
def test_gradients_of_a_metric_behind_a_norm(layer):
    """Torch takes the mean and deviation of a norm for constants when its forward derivative is differentiated."""
    norms = {"layer norm": nn.LayerNorm(6), "SiLU": nn.SiLU()}
    norms["instance norm"] = nn.Sequential(nn.Unflatten(1, (2, 3)), nn.InstanceNorm1d(2), nn.Flatten())
    f = nn.Sequential(nn.Linear(2, 6), norms[layer], nn.Linear(6, 4)).requires_grad_(False)
    z = torch.randn(3, 2, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: pullback_metric(f, z, create_graph=True), z)


def test_a_random_surface_has_this_metric_on_average():
    """J = J_mean + diag(e) J_std with e from N(0, 1): 40,000 draws, within 5 standard errors of each entry."""
    A, B, z = torch.randn(5, 2), torch.randn(5, 2), torch.zeros(1, 2)
    J = A + torch.randn(40_000, 5, 1) * B
    drawn = J.mT @ J
    G = pullback_metric(lambda z: stack_moments(z @ A.T, z @ B.T), z)[0]
    assert ((drawn.mean(0) - G).abs() < 5 * drawn.std(0) / 200).all()


# ---- what is refused ----


@pytest.mark.parametrize("name", ["data_metric", "latent_metric"])
def test_metrics_that_are_none(unchecked, name):
    z = torch.randn(4, 2)
    with pytest.raises(TypeError, match=rf"`{name}` is 'identity', but must be a callable"):
        pullback_metric(torch.sin, z, **{name: "identity"})
    for H, words in ((torch.ones(4, 2), r"\(4, 2\)"), (torch.ones(3, 2, 2), r"\(3, 2, 2\)"), (1.0, "float")):
        with pytest.raises(ValueError, match=rf"`{name}` returns {words} .*\(4, 2, 2\), or one for all .*\(2, 2\)"):
            pullback_metric(torch.sin, z, **{name: lambda points, H=H: H})


def test_a_latent_metric_that_is_not_positive_definite_is_seen():
    assert pullback_metric(torch.sin, torch.randn(4, 2), latent_metric=lambda z: -torch.eye(2)).isnan().all()


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_is_not_empty(unchecked, chunk):
    with pytest.raises(ValueError, match=rf"`chunk` is {chunk}, .*pass 1 or more"):
        pullback_metric(torch.sin, torch.randn(4, 2), chunk=chunk)


def test_each_point_has_one_speed(unchecked):
    with pytest.raises(ValueError, match=r"`dz` has shape \(2,\) for `z` of shape \(4, 2\): give each point one step"):
        speed(torch.sin, torch.randn(4, 2), torch.randn(2))


def test_moments_that_do_not_fit(unchecked):
    with pytest.raises(ValueError, match=r"`std` has shape \(4, 2\) and `mean` \(4, 3\)"):
        stack_moments(torch.zeros(4, 3), torch.zeros(4, 2))


@pytest.mark.parametrize(
    ("G", "error", "words"),
    [
        (torch.ones(4, 3, 2), ValueError, r"`G` has shape \(4, 3, 2\), but metrics are \(..., m, m\)"),
        (torch.ones(4), ValueError, r"`G` has shape \(4,\)"),
        (torch.ones(2, 2, dtype=torch.int64), TypeError, r"`G` must be floating point.*torch.int64"),
    ],
)
def test_metrics_that_have_no_volume(unchecked, G, error, words):
    with pytest.raises(error, match=words):
        log_volume(G)


def test_metrics_that_shall_be_finite():
    G = torch.diag(torch.tensor([1.0, torch.inf]))
    require_metrics(G)
    with pytest.raises(ValueError, match="`G` has entries that are not finite: look at the decoder"):
        require_metrics(G, finite=True)
