"""Laws of the relaxed distortion: closed forms, its floor, what leaves it alone, and the noise of its probes."""

import functools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import vmap

from latentbook.isometry import metric_distortion, mix_latents, relaxed_distortion, scaled_isometry_penalty
from latentbook.learning.family import Family
from latentbook.metric import pullback_metric
from tests.surfaces import (
    DECODERS,
    Counting,
    M,
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

PROBES = ["sphere", "rademacher", "gaussian"]
# The value over the points alone, with exact traces.
exact = functools.partial(relaxed_distortion, eta=None, probes="exact")

ANGLES = torch.arange(64, dtype=torch.float64) / 64 * 2 * math.pi


def along(first, second=0.0):
    """Return points with one coordinate given."""
    first = torch.as_tensor(first, dtype=torch.float64)
    return torch.stack([first, torch.full_like(first, second)], -1)


# Map, points, distortion.
CLOSED_FORMS = {
    "diag(3, 1)": (lambda z: torch.cat([z * z.new_tensor([3, 1]), 0 * z[:, :1]], -1), along([0, 1]), 0.82),
    "inverse stereographic": (stereographic, along([0, 1]), 17 / 25),
    "polar": (polar, along([1, 2, 3], 0.7), 303 / 289),
    "torus": (torus, along(ANGLES, 1.3), 29.375 / 30.25),
    "torus, 8 angles": (torus, along(ANGLES[::8], 1.3), 29.375 / 30.25),
    "swiss roll": (swiss_roll, along([0, 1, 2]), 9 / 11),
    "swiss roll by arc length": (unrolled, along([0.5, 1, 2]), 0.5),
    "sphere": (sphere, along([math.pi / 2, math.pi / 6], 0.4), 1.53125 / 2.640625),
    "paraboloid": (paraboloid, along([2]), 26 / 36),
    "paraboloid, two points": (paraboloid, torch.tensor([[2, 0], [0, 1]], dtype=torch.float64), 31 / 40.5),
}
P = torch.tensor([[2, 1], [0, 0.5]], dtype=torch.float64)


def diagonals(*entries):
    return torch.diag_embed(torch.tensor(entries, dtype=torch.float64))


THREE = torch.tensor([[[1, 0], [0, 9]], [[5, 4], [4, 5]], [[2, -1], [-1, 1]]], dtype=torch.float64)


def standing(G):
    """Return a map and a data metric whose pull-back at the points 0, 1, ... is each of the metrics."""
    return lambda z: z, lambda x: G


# ---- closed forms ----


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(device, name):
    f, z, value = CLOSED_FORMS[name]
    distortion = exact(f, z.to(device))
    assert distortion.shape == ()
    assert distortion.item() == pytest.approx(value, rel=1e-9)
    G = pullback_metric(f, z)
    assert metric_distortion(G).item() == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(("G", "value"), [(diagonals((1, 4), (3, 2)), 0.6), (THREE, 0.969754253)])
def test_metrics_given_directly(G, value):
    f, data_metric = standing(G)
    assert metric_distortion(G).item() == pytest.approx(value, rel=1e-9)
    assert exact(f, torch.randn(len(G), 2), data_metric=data_metric).item() == pytest.approx(value, rel=1e-9)


def test_the_plane_under_a_normal_density():
    """E lambda = 1.0770893675 and E lambda^2 = 2.1795148946 over N(0, I); 100,000 points give 0.3 %."""
    assert exact(stereographic, torch.randn(100_000, 2)).item() == pytest.approx(0.9393476821, rel=0.02)


@pytest.mark.parametrize("m", [2, 3, 8])
@pytest.mark.parametrize("c", [7, -0.01])
def test_a_scaled_isometry_is_at_the_floor(m, c):
    Q = orthonormal_columns(12, m)
    z = torch.randn(5, m)
    assert exact(lambda z: c * z @ Q.T, z).item() == pytest.approx(1 / m, rel=1e-9)
    assert exact(lambda z: c * z @ Q.T, z, form="affine").item() == pytest.approx(0, abs=1e-12)
    assert relaxed_distortion(lambda z: c * z @ Q.T, z).item() == pytest.approx(1 / m, rel=1e-9)


# ---- what leaves it alone ----


@pytest.mark.parametrize("name", DECODERS)
def test_scale_rotation_and_place_change_nothing(name):
    f, z = DECODERS[name]().eval(), torch.randn(6, M)
    value, size = exact(f, z), f(z)[0].numel()
    Q, R = orthonormal_columns(size + 2, size), orthonormal_columns(M, M)
    torch.testing.assert_close(exact(lambda z: -7 * f(z), z), value)
    torch.testing.assert_close(exact(lambda z: f(z).reshape(len(z), -1) @ Q.T + 3, z), value)
    torch.testing.assert_close(exact(lambda w: f(w @ R.T), z @ R), value)
    torch.testing.assert_close(exact(lambda w: f(5 * w), z / 5), value)


def test_a_tiny_or_a_huge_decoder_counts_as_any_other():
    """In float32 the square of the smallest trace here is zero."""
    f, z = DECODERS["tanh"]().float(), torch.randn(6, M, dtype=torch.float32)
    value = exact(f, z)
    for c in (1e-14, 1e-6, 1e9):
        for how in (exact, functools.partial(exact, probes=1, probe=torch.randn(1, 6, M, dtype=torch.float32))):
            torch.testing.assert_close(how(lambda z, c=c: c * f(z), z), how(f, z), rtol=1e-4, atol=0)
        torch.testing.assert_close(exact(lambda z, c=c: c * f(z), z, form="conformal"), exact(f, z, form="conformal"))
    assert value.dtype == torch.float32


def test_coordinates_change_nothing_if_the_latent_metric_changes_with_them():
    f, z, change = DECODERS["tanh"](), torch.randn(6, M), torch.randn(M, M)

    def G_Z(z):
        return torch.diag_embed(1 + z.square())

    here = exact(f, z @ change.T, latent_metric=G_Z)
    there = exact(lambda w: f(w @ change.T), z, latent_metric=lambda w: change.T @ G_Z(w @ change.T) @ change)
    torch.testing.assert_close(there, here, rtol=1e-12, atol=0)
    # With the identity on both sides the coordinates do matter.
    assert abs(exact(lambda w: f(w @ change.T), z) / exact(f, z @ change.T) - 1) > 0.01


@given(st.lists(st.integers(1, 3), max_size=3), st.integers(1, 5), st.sampled_from(["ratio", "affine", "conformal"]))
def test_any_batch_is_one_batch(batch, m, form):
    z, weight = torch.randn(*batch, m), torch.randn(m, 6)

    def f(z):
        return (z @ weight).sin()

    noise, probes = torch.rand(*batch, 2), torch.randn(2, *batch, m)

    def both(probe, flat_probe, probes):
        how = functools.partial(relaxed_distortion, f, form=form, probes=probes)
        value = how(z, noise=noise, probe=probe)
        flat = how(z.reshape(-1, m), noise=noise.reshape(-1, 2), probe=flat_probe)
        torch.testing.assert_close(value, flat)

    both("sphere", "sphere", "exact")
    both(probes, probes.reshape(2, -1, m), "auto")


# ---- forms ----


def test_the_forms():
    value = metric_distortion(THREE)
    torch.testing.assert_close(metric_distortion(THREE, form="affine"), 2 * value - 1)
    # Each point's own ratio: 82 / 100, 82 / 100, 7 / 9.
    assert metric_distortion(THREE, form="conformal").item() == pytest.approx((0.82 + 0.82 + 7 / 9) / 3, rel=1e-12)


def test_a_conformal_map_is_at_the_floor_of_the_conformal_form_only():
    z = torch.randn(20, 2)
    assert exact(stereographic, z, form="conformal").item() == pytest.approx(0.5, rel=1e-12)
    assert relaxed_distortion(stereographic, z, probes=1, form="conformal").item() == pytest.approx(0.5, rel=1e-12)
    assert exact(stereographic, z).item() > 0.55


def test_points_without_a_metric():
    """Pooled they count as zero; a ratio of their own they do not have. A constant decoder has no distortion at all."""
    G = torch.cat([THREE, torch.zeros(1, 2, 2)]).requires_grad_()
    torch.testing.assert_close(metric_distortion(G), metric_distortion(THREE) * 4 / 3)
    conformal = metric_distortion(G, form="conformal")
    torch.testing.assert_close(conformal, metric_distortion(THREE, form="conformal"))
    (conformal + metric_distortion(G)).backward()
    assert G.grad.isfinite().all()
    for form in ("ratio", "affine", "conformal"):
        assert exact(lambda z: 0 * z, torch.randn(4, 2), form=form).isnan()


@pytest.mark.parametrize("form", ["ratio", "affine", "conformal"])
@pytest.mark.parametrize("probes", ["exact", 1])
def test_a_point_that_is_not_finite_shows(form, probes):
    """Training looks at terms, not at points: nothing may hide one."""
    z = torch.tensor([[1.0, 2.0], [torch.nan, 0.0], [0.0, 1.0]])
    assert relaxed_distortion(torch.sin, z, probes=probes, eta=None, form=form).isnan()
    assert relaxed_distortion(torch.sin, z, probes=probes, form=form).isnan()


# ---- probes ----


@pytest.mark.parametrize(
    ("G", "probe", "value"),
    [
        ([[2, 1], [1, 3]], (1, -1), 5 / 9),
        ([[9, 0], [0, 1]], (1, 1), 0.82),
        ([[9, 0], [0, 1]], (1, 0), 1),
        ([[9, 0], [0, 1]], (0, 1), 1),
    ],
)
def test_an_estimate_with_a_given_probe(G, probe, value):
    f, data_metric = standing(torch.tensor([G], dtype=torch.float64))
    z, probe = torch.randn(1, 2), torch.tensor([probe], dtype=torch.float64)
    assert relaxed_distortion(f, z, probe=probe, data_metric=data_metric).item() == pytest.approx(value, rel=1e-12)


def test_probes_are_pooled():
    """Along the eigenvectors, scaled to length sqrt(m), they give the exact traces together and not alone."""
    z, frame = torch.randn(3, 2), math.sqrt(2) * torch.eye(2)[:, None].expand(2, 3, 2)
    f, data_metric = standing(diagonals((9, 1), (2, 5), (1, 1)))
    pooled = relaxed_distortion(f, z, probe=frame, eta=None, data_metric=data_metric)
    torch.testing.assert_close(pooled, exact(f, z, data_metric=data_metric))
    alone = relaxed_distortion(f, z, probe=frame[0], eta=None, data_metric=data_metric)
    assert not torch.isclose(alone, pooled)


def estimates(f, z, count, **choices):
    """Return so many independent estimates at the same points."""

    def one(_):
        return relaxed_distortion(f, z, eta=None, **choices)

    return vmap(one, randomness="different", chunk_size=2000)(torch.zeros(count))


@pytest.mark.parametrize("probe", ["sphere", "rademacher"])
@pytest.mark.parametrize(("count", "m"), [(1, 2), (4, 8), (57, 3)])
def test_at_an_isometry_a_probe_of_fixed_length_has_no_noise(probe, count, m):
    Q = orthonormal_columns(10, m)
    seen = estimates(lambda z: 3 * z @ Q.T, torch.randn(count, m), 50, probes=1, probe=probe)
    torch.testing.assert_close(seen, torch.full((50,), 1 / m), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("count", "m"), [(16, 2), (100, 2), (4, 8), (100, 8)])
def test_at_an_isometry_a_gaussian_probe_is_biased(count, m):
    """1 / mean |v|^2 has the mean N / (m N - 2). 20,000 draws; 4 standard errors, for 4 cells."""
    f, z = (lambda z: 2 * z), torch.zeros(count, m)
    seen = estimates(f, z, 20_000, probes=1, probe="gaussian")
    assert abs(seen.mean() - count / (m * count - 2)) < 4 * seen.std() / math.sqrt(20_000)
    # Of these draws a good part lies below the floor; with fixed length none does.
    assert (seen < 1 / m - 1e-12).double().mean() > 0.3


@pytest.mark.parametrize("probe", PROBES)
def test_both_traces_are_estimated_without_bias(probe):
    """At 400 points 50 probes each: the ratio's own bias, below 1e-4, drowns in 4 standard errors of 200 estimates."""
    f, z = DECODERS["tanh"](), torch.randn(400, M)
    value = exact(f, z)
    seen = estimates(f, z, 200, probes=1, probe=probe)
    assert abs(seen.mean() - value) < 4 * seen.std() / math.sqrt(200) + 2e-3 * value
    more = estimates(f, z, 20, probes=50, probe=probe)
    assert abs(more.mean() - value) < 4 * more.std() / math.sqrt(20) + 1e-4 * value
    assert more.std() < seen.std() / 4


def test_a_sphere_is_quieter_than_a_gaussian_probe():
    """diag(3, 1) turned by 0.6: exact 0.82, noise of a sphere half of a Gaussian's; Rademacher depends on the axes."""
    turned = torch.diag(torch.tensor([3.0, 1.0])) @ rotation(0.6)
    noise = {
        probe: estimates(lambda z: z @ turned.T, torch.zeros(100, 2), 4000, probes=1, probe=probe).std()
        for probe in PROBES
    }
    assert noise["sphere"] < 0.6 * noise["gaussian"]
    aligned = estimates(lambda z: z * torch.tensor([3.0, 1.0]), torch.zeros(4, 2), 9, probes=1, probe="rademacher")
    torch.testing.assert_close(aligned, torch.full((9,), 0.82))
    assert noise["rademacher"] > 0.01


@given(m=st.integers(1, 6), count=st.integers(1, 5), seed=st.integers(0, 999), probe=st.sampled_from(PROBES[:2]))
def test_no_estimate_with_a_probe_of_fixed_length_is_below_the_floor(m, count, seed, probe):
    torch.manual_seed(seed)
    weight = torch.randn(m, 7) * torch.randn(m, 1).exp()
    value = relaxed_distortion(lambda z: (z @ weight).sin(), torch.randn(count, m), probes=1, probe=probe)
    assert 1 / m - 1e-12 <= value < math.inf


@pytest.mark.parametrize(
    ("m", "count", "probes"), [(2, 100, None), (3, 1, None), (4, 100, 1), (10, 16, 1), (10, 5, 4), (10, 1, None)]
)
def test_what_auto_chooses(m, count, probes):
    """Exact up to 3 latents; above one probe a point, and more where there are few points."""
    f, z = (lambda z: z.sin() @ torch.ones(m, m).tril()), torch.randn(count, m)
    torch.manual_seed(1)
    auto = relaxed_distortion(f, z, eta=None)
    torch.manual_seed(1)
    torch.testing.assert_close(auto, relaxed_distortion(f, z, eta=None, probes="exact" if probes is None else probes))


@pytest.mark.parametrize("data", [None, lambda x: torch.eye(5) + torch.diag_embed(x.square())])
@pytest.mark.parametrize("latent", [None, lambda z: 0.5 + torch.diag_embed(1 + 9 * z.square())])
def test_probes_see_the_same_metrics_as_exact_traces(data, latent):
    """A frame of probes of length sqrt(m) gives the traces exactly."""
    f, z = DECODERS["BatchNorm"](), torch.randn(4, M)
    frame = math.sqrt(M) * orthonormal_columns(M, M)[:, None].expand(M, 4, M)
    probed = relaxed_distortion(f, z, eta=None, probe=frame, data_metric=data, latent_metric=latent)
    torch.testing.assert_close(probed, exact(f, z, data_metric=data, latent_metric=latent), rtol=1e-12, atol=0)


# ---- mixing ----


def test_mixing_is_uniform_on_lines_a_little_beyond_both_ends():
    """20,000 points: mean and variance within 4 standard errors (the fourth moment of U is 9/5 of its variance)."""
    z = torch.randn(20_000, 2)
    noise = torch.rand(20_000, 2)
    mixed, partners = mix_latents(z, 0.2, noise=noise), z[noise[:, 1].argsort()]
    step = z - partners
    alpha = ((mixed - partners) * step).sum(-1) / step.square().sum(-1)
    alpha = alpha[step.norm(dim=-1) > 0]
    torch.testing.assert_close(mixed, alpha[:, None] * z + (1 - alpha[:, None]) * partners)
    assert alpha.min() > -0.2 - 1e-9
    assert alpha.max() < 1.2 + 1e-9
    variance = 1.96 / 12
    assert abs(alpha.mean() - 0.5) < 4 * math.sqrt(variance / 20_000)
    assert abs(alpha.var() / variance - 1) < 4 * math.sqrt(0.8 / 20_000)


def test_mixing_pairs_by_a_permutation():
    z = torch.arange(12.0).reshape(12, 1)
    # At the far end of each line stands the partner.
    partners = mix_latents(z, 0.0, noise=torch.stack([torch.zeros(12), torch.rand(12)], -1))
    assert sorted(partners.flatten().tolist()) == z.flatten().tolist()
    assert not partners.equal(z)
    torch.testing.assert_close(mix_latents(z, 0.3, noise=torch.full((12, 2), 1.3 / 1.6)), z)


def test_a_single_point_has_no_partner():
    z = torch.randn(1, 3)
    assert mix_latents(z) is z
    assert relaxed_distortion(polar, torch.tensor([[2.0, 1.0]])).item() == pytest.approx(17 / 25)


def test_mixing_by_a_generator(device):
    z = torch.randn(3, 4, 2, device=device)

    def drawn(seed):
        return mix_latents(z, generator=torch.Generator(device).manual_seed(seed))

    assert drawn(1).equal(drawn(1))
    assert not drawn(1).equal(drawn(2))
    assert drawn(1).shape == z.shape
    f = DECODERS["tanh"]().to(device)
    points = torch.randn(9, M, device=device, generator=torch.Generator(device).manual_seed(0))
    values = [
        relaxed_distortion(f, points, probes=2, generator=torch.Generator(device).manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert values[0] == values[1] != values[2]


def test_the_distortion_looks_at_mixed_points():
    z, noise = torch.randn(9, 2), torch.rand(9, 2)
    torch.testing.assert_close(
        relaxed_distortion(torus, z, eta=0.5, noise=noise), exact(torus, mix_latents(z, 0.5, noise=noise))
    )


# ---- as a loss ----


@pytest.mark.parametrize("form", ["ratio", "affine", "conformal"])
@pytest.mark.parametrize("probe", [None, "given"])
def test_gradient_agrees_with_differences(form, probe):
    f, z = DECODERS["tanh"](), torch.randn(4, M, requires_grad=True)
    noise, probe = torch.rand(4, 2), "sphere" if probe is None else torch.randn(2, 4, M)

    def loss(z, weight):
        decode = functools.partial(torch.func.functional_call, f, {"0.weight": weight})
        return relaxed_distortion(decode, z, form=form, noise=noise, probe=probe)

    assert torch.autograd.gradcheck(loss, (z, f[0].weight))


def test_detach_keeps_the_gradient_from_the_points():
    f, z = DECODERS["tanh"](), torch.randn(6, M, requires_grad=True)
    relaxed_distortion(f, z, detach=True).backward()
    assert z.grad is None
    assert f[0].weight.grad.abs().sum() > 0
    relaxed_distortion(f, z).backward()
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize("probes", ["exact", 1])
def test_no_graph_where_none_is_kept(probes):
    with torch.no_grad():
        assert not relaxed_distortion(DECODERS["tanh"](), torch.randn(6, M), probes=probes).requires_grad


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("probes", ["exact", 1])
def test_a_training_step_leaves_the_module_as_it_was(name, probes):
    """Dropout draws no masks, BatchNorm takes no notes, spectral norm stands still."""
    f, z = DECODERS[name](), torch.randn(8, M)
    buffers = {key: value.clone() for key, value in f.named_buffers()}
    probe = torch.randn(1, 8, M)
    how = functools.partial(relaxed_distortion, z=z, eta=None, **({"probe": probe} if probes == 1 else {}))
    value = how(f)
    value.backward()
    assert all(part.training for part in f.modules())
    assert all(value.equal(buffers[key]) for key, value in f.named_buffers())
    assert value == how(f)
    torch.testing.assert_close(how(f.eval()), value)
    if probes == "exact":
        assert value >= 1 / M - 1e-12


@pytest.mark.parametrize("m", [2, 7])
def test_the_decoder_runs_once(m):
    f = Counting()
    relaxed_distortion(f, torch.randn(8, m))
    assert f.seen == [8]


def test_descent_makes_an_isometry():
    """A linear decoder from condition number 9 towards 1; the floor is the minimum, and the scale is kept free."""
    weight = torch.diag(torch.tensor([3.0, 1.0])).requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss = relaxed_distortion(lambda z: z @ weight.T, torch.randn(5, 2))
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(0.5, abs=1e-4)
    assert weight.det().abs() > 1


# ---- transforms and families ----


@pytest.mark.parametrize("name", ["tanh", "BatchNorm", "spectral norm"])
@pytest.mark.parametrize("probes", ["exact", 1])
def test_a_family_has_the_values_and_gradients_of_its_members(name, probes):
    members = [DECODERS[name]() for _ in range(3)]
    for member in members:
        member.train()
    family = Family(members, batched=True)
    z, noise, probe = torch.randn(5, M), torch.rand(5, 2), torch.randn(1, 5, M)
    etas = torch.tensor([0.0, 0.2, 1.0])
    given = {"probe": probe} if probes == 1 else {}

    def of_one(model, z, noise, eta):
        return relaxed_distortion(model, z, noise=noise, eta=eta, **given)

    together = family.call(of_one, z, noise, etas, each=[False, False, True])
    alone = torch.stack([of_one(member, z, noise, eta) for member, eta in zip(members, etas, strict=True)])
    torch.testing.assert_close(together, alone)
    together.sum().backward()
    alone.sum().backward()
    for key, parameter in family.stacked.items():
        grads = [dict(member.named_parameters())[key.replace("/", ".")].grad for member in members]
        if grads[0] is not None:
            torch.testing.assert_close(parameter.grad, torch.stack(grads))


def test_a_family_does_not_draw_by_itself():
    family = Family([DECODERS["tanh"]() for _ in range(2)], batched=True)
    with pytest.raises(RuntimeError, match="random"):
        family.call(lambda model, z: relaxed_distortion(model, z), torch.randn(5, M))


def test_transforms_of_torch():
    f, z, noise = DECODERS["tanh"](), torch.randn(5, M), torch.rand(5, 2)

    def loss(z):
        return relaxed_distortion(f, z, noise=noise)

    leaf = z.clone().requires_grad_()
    loss(leaf).backward()
    torch.testing.assert_close(torch.func.grad(loss)(z), leaf.grad)
    many = torch.stack([z, 2 * z])
    torch.testing.assert_close(vmap(loss)(many), torch.stack([loss(part) for part in many]))
    slope = torch.func.jvp(loss, (z,), (z,))[1]
    torch.testing.assert_close(slope, (leaf.grad * z).sum())


# ---- the penalty of flat manifold autoencoders ----


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 999))
def test_the_identity_that_ties_both(m, count, seed):
    A = torch.randn(count, m + 1, m, generator=torch.Generator().manual_seed(seed))
    G = A.mT @ A
    trace = G.diagonal(dim1=-2, dim2=-1).sum(-1).mean()
    torch.testing.assert_close(
        scaled_isometry_penalty(G), trace**2 * (metric_distortion(G) - 1 / m), rtol=1e-9, atol=1e-9
    )


def test_the_penalty_of_the_polar_map():
    G = pullback_metric(polar, along([1, 2, 3]))
    value = (17 / 3) ** 2 * (303 / 289 - 0.5)
    assert value == pytest.approx(17.611, abs=1e-3)
    assert scaled_isometry_penalty(G).item() == pytest.approx(value, rel=1e-9)


def test_shrinking_lowers_the_penalty_and_not_the_distortion():
    G = pullback_metric(DECODERS["tanh"](), torch.randn(6, M))
    torch.testing.assert_close(scaled_isometry_penalty(0.01 * G), 1e-4 * scaled_isometry_penalty(G))
    torch.testing.assert_close(metric_distortion(0.01 * G), metric_distortion(G))


# ---- what is refused ----


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"probe": "uniform"}, r"`probe` is 'uniform', .*\['gaussian', 'rademacher', 'sphere'\]"),
        ({"probes": 0}, "`probes` is 0, but must be 'exact', 'auto' or a number of at least 1"),
        ({"probes": "all"}, "`probes` is 'all'"),
        ({"probes": 1.5}, "`probes` is 1.5"),
        ({"probe": torch.randn(4, 3)}, r"`probe` has shape \(4, 3\) for `z` of shape \(5, 3\): give each point one"),
        ({"eta": -0.2}, "`eta` is -0.2, but must be a finite number of at least 0, or None"),
        ({"eta": math.nan}, "`eta` is nan"),
        ({"eta": math.inf}, "`eta` is inf"),
        ({"noise": torch.rand(5)}, r"`noise` has shape \(5,\), but needs two numbers for each point, \(5, 2\)"),
        ({"form": "log"}, r"`form` is 'log', but must be one of \['affine', 'conformal', 'ratio'\]"),
        ({"z": torch.zeros(0, 3)}, r"`z` has shape \(0, 3\), but a mean needs at least one point"),
        ({"z": torch.tensor(1.0)}, r"`z` is a number"),
        ({"data_metric": lambda x: torch.ones(2, 2)}, r"`data_metric` returns \(2, 2\)"),
    ],
)
def test_wrong_choices(unchecked, choices, words):
    with pytest.raises(ValueError, match=words):
        relaxed_distortion(torch.sin, **{"z": torch.randn(5, 3), **choices})


def test_wrong_types(unchecked):
    with pytest.raises(TypeError, match=r"`z` must be floating point.*pass `.float\(\)`"):
        relaxed_distortion(torch.sin, torch.ones(4, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match="`data_metric` is 'identity', but must be a callable"):
        relaxed_distortion(torch.sin, torch.randn(4, 5), data_metric="identity")
    with pytest.raises(TypeError, match=r"`f` returns torch.int64"):
        relaxed_distortion(lambda z: z.long(), torch.randn(4, 2))


@pytest.mark.parametrize("look", [metric_distortion, scaled_isometry_penalty])
def test_what_is_no_metric(unchecked, look):
    with pytest.raises(ValueError, match=r"`G` has shape \(3, 2\)"):
        look(torch.ones(3, 2))
