"""Laws of shortest paths: known distances, bounds from both sides, independence of what else is asked, and walls."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csgraph

from latentbook.geodesics import LatentGraph, geodesic, graphs, length, straight_line
from tests.surfaces import DECODERS, SURFACES, Counting, M, orthonormal_columns

ROOT = math.sqrt(2)


def flat(z):
    return z


def plane(n=13):
    """A grid of the plane from -2 to 4, whose spacing is 6 / (n - 1)."""
    return LatentGraph.grid(flat, torch.full((2,), -2.0), torch.full((2,), 4.0), n)


def test_a_grid_of_the_flat_plane_has_its_bias():
    """R16: an offset (2, 1) is one diagonal and one side, 1 + sqrt 2; the geodesic from there is straight, sqrt 5."""
    a, b = torch.zeros(2), torch.tensor([2.0, 1.0])
    for n in (7, 13, 25):
        assert plane(n).distances(a, b).item() == pytest.approx(1 + ROOT, abs=1e-12)
    found = geodesic(flat, a, b, init=plane())
    assert found.length.item() == pytest.approx(math.sqrt(5), rel=1e-6)
    assert found.converged


def test_the_worst_bias_is_half_way_between_a_side_and_a_diagonal():
    """Of directions at an angle of at most 45 degrees, cos + (sqrt 2 - 1) sin is largest at pi / 8: 1 / cos(pi / 8)."""
    graph, a = plane(61), torch.zeros(2)
    b = torch.stack(torch.meshgrid(*[torch.arange(-20.0, 21)] * 2, indexing="ij"), -1).reshape(-1, 2) / 10
    b = b[b.norm(dim=-1) > 0]
    ratio = graph.distances(a.expand_as(b), b) / b.norm(dim=-1)
    worst = 1 / math.cos(math.pi / 8)
    assert (ratio >= 1 - 1e-12).all()
    assert (ratio <= worst + 1e-12).all()
    # (12, 5) is 22.62 degrees, as near to 22.5 as makes no difference to six digits.
    assert ratio.max().item() == pytest.approx(worst, abs=1e-5)
    straight = (b[:, 0].abs() == b[:, 1].abs()) | (b == 0).any(-1)
    torch.testing.assert_close(ratio[straight], torch.ones(int(straight.sum())), rtol=1e-12, atol=0)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_a_grid_joins_all_neighbours(m):
    n = 4
    graph = LatentGraph.grid(flat, torch.zeros(m), torch.full((m,), n - 1.0), n)
    assert graph.codes.shape == (n**m, m)
    steps = (graph.codes[graph.edges[:, 0]] - graph.codes[graph.edges[:, 1]]).abs()
    assert steps.amax(-1).allclose(torch.ones(len(steps)))
    # Every pair of points whose largest step is 1, each once.
    expected = sum(int(((graph.codes - z).abs().amax(-1) - 1).abs().lt(1e-9).sum()) for z in graph.codes) // 2
    assert len(graph.edges) == expected
    assert len(graph.edges.unique(dim=0)) == expected
    assert graph.parts == 1
    torch.testing.assert_close(graph.lengths, steps.norm(dim=-1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_neighbours_are_the_nearest(m):
    codes, k = torch.randn(60, m), 4
    graph = LatentGraph.knn(flat, codes, k)
    near = torch.cdist(codes, codes).argsort(-1)[:, 1 : k + 1]
    expected = {tuple(sorted((i, j))) for i, row in enumerate(near.tolist()) for j in row}
    assert {tuple(edge) for edge in graph.edges.tolist()} == expected


@pytest.mark.parametrize("name", SURFACES)
def test_an_edge_is_as_long_as_its_line(name):
    f, metric = SURFACES[name]
    codes = torch.rand(40, 2) + 0.5
    for given_f, given_metric in ((f, None), (None, metric)):
        graph = LatentGraph.knn(given_f, codes, 5, metric=given_metric, chords=8)
        lines = straight_line(codes[graph.edges[:, 0]], codes[graph.edges[:, 1]])
        # Eight chords with Richardson's extrapolation: the fourth power of an eighth.
        torch.testing.assert_close(graph.lengths, length(f, lines), rtol=2e-3, atol=0)


def test_distances_are_those_of_scipy():
    f = DECODERS["tanh"]()
    graph = LatentGraph.knn(f, torch.randn(50, M), 4)
    W = np.full((50, 50), np.inf)
    i, j = graph.edges.numpy().T
    W[i, j] = W[j, i] = graph.lengths.detach().numpy()
    expected = torch.from_numpy(csgraph.floyd_warshall(W))
    pairs = graph.codes[:, None].expand(50, 50, M), graph.codes[None].expand(50, 50, M)
    torch.testing.assert_close(graph.distances(*pairs), expected, rtol=1e-12, atol=1e-12)


def test_a_path_is_as_long_as_it_says_and_joins_the_ends():
    f, (a, b) = DECODERS["tanh"](), torch.randn(2, 3, 4, M)
    graph = LatentGraph.knn(f, torch.randn(200, M), 6, chords=32)
    paths, distances = graph.paths(a, b), graph.distances(a, b)
    assert paths.shape[:2] == distances.shape == (3, 4)
    assert paths[..., 0, :].equal(a)
    assert paths[..., -1, :].equal(b)
    legs = length(f, straight_line(paths[..., :-1, :], paths[..., 1:, :]), 32)
    torch.testing.assert_close(legs.sum(-1).detach(), distances, rtol=1e-5, atol=0)
    # Between the ends it bends at codes.
    inner, own = paths[..., 1:-1, :].reshape(-1, 1, M), torch.cat([graph.codes, a.reshape(-1, M)])
    assert (inner == own).all(-1).any(-1).all()


def test_a_path_is_no_shorter_than_the_geodesic_and_close_to_it():
    """On the sphere, whose distances are known."""

    def globe(z):
        u, v = z.unbind(-1)
        return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], -1)

    graph = LatentGraph.grid(globe, torch.tensor([-1.2, -1.2]), torch.tensor([1.2, 1.2]), 41)
    a, b = torch.rand(2, 50, 2) * 2 - 1
    exact = (globe(a) * globe(b)).sum(-1).clamp(-1, 1).acos()
    ratio = graph.distances(a, b) / exact
    # Four chords of an edge of 0.06: relative errors of 1e-7 at most, from either side.
    assert (ratio > 1 - 1e-6).all()
    # The bias of eight directions, stretched by the metric to other angles, and the way to the nearest points.
    assert ratio.quantile(0.9) < 1.15


def test_distances_obey_the_axioms():
    graph = LatentGraph.knn(DECODERS["tanh"](), torch.randn(80, M), 5)
    p = graph.codes[:24].reshape(3, 8, M)
    there, back = graph.distances(p, p.roll(1, 0)), graph.distances(p.roll(1, 0), p)
    torch.testing.assert_close(there, back, rtol=1e-12, atol=0)
    assert (there <= (there.sum(0) - there) * (1 + 1e-12)).all()
    assert graph.distances(p, p).abs().max() == 0


def test_isometries_of_both_spaces_change_nothing():
    f, codes, (a, b) = DECODERS["tanh"](), torch.randn(60, M), torch.randn(2, 10, M)
    expected = LatentGraph.knn(f, codes, 5).distances(a, b)
    Q, P = orthonormal_columns(25, 20), torch.linalg.qr(torch.randn(M, M)).Q
    torch.testing.assert_close(LatentGraph.knn(lambda z: f(z) @ Q.T + 3, codes, 5).distances(a, b), expected)
    torch.testing.assert_close(LatentGraph.knn(lambda w: f(w @ P.T), codes @ P, 5).distances(a @ P, b @ P), expected)


@settings(max_examples=15)
@given(batch=st.lists(st.integers(0, 3), max_size=2), m=st.integers(1, 4))
def test_a_pair_does_not_know_of_the_others(batch, m):
    """Else the ends of one pair could be a short cut for another."""
    graph, (a, b) = LatentGraph.knn(torch.sin, torch.randn(30, m), 3), torch.randn(2, *batch, m)
    try:
        together = graph.distances(a, b)
    except ValueError:
        # Thirty points with three neighbours may be in two parts.
        assert graph.parts > 1
        return
    alone = [graph.distances(*pair) for pair in zip(a.reshape(-1, m), b.reshape(-1, m), strict=True)]
    assert together.shape == tuple(batch)
    torch.testing.assert_close(together.flatten(), torch.stack(alone) if alone else torch.zeros(0), rtol=1e-12, atol=0)


def test_many_searches_are_done_in_groups(monkeypatch):
    graph, (a, b) = LatentGraph.knn(torch.sin, torch.randn(50, 2), 6), torch.randn(2, 20, 2)
    a = torch.cat([a, a.flip(0)])
    b = torch.cat([b, b])
    expected, paths = graph.distances(a, b), graph.paths(a, b)
    monkeypatch.setattr(graphs, "TABLE", 150)
    torch.testing.assert_close(graph.distances(a, b), expected, rtol=0, atol=0)
    assert graph.paths(a, b).equal(paths)


def test_no_derivative_and_few_points_at_once():
    f = Counting(lambda z: z.detach().sin())
    graph = LatentGraph.knn(f, torch.randn(300, 2), 8)
    graph.distances(*torch.randn(2, 5, 2))
    assert max(f.seen) <= 1024
    # Five points of each edge, not a pass for each of them.
    assert len(f.seen) < 20


def test_ends_close_to_each_other_are_joined():
    """Two points inside one cell of the grid: not by way of its corners."""
    a, b = torch.tensor([0.1, 0.2]), torch.tensor([0.35, 0.3])
    assert plane().distances(a, b).item() == pytest.approx((a - b).norm().item(), rel=1e-12)


def test_a_stretched_grid_is_joined_around_the_ends():
    """With cells of 1 by 0.01 the corners of a cell are not the nearest points."""
    graph = LatentGraph.grid(flat, torch.zeros(2), torch.tensor([4.0, 0.04]), 5)
    near = graph._joined(torch.tensor([[1.5, 0.015]]))[0][0]
    assert graph.codes[near][:, 0].unique().tolist() == [1.0, 2.0]


def test_codes_that_come_twice_count_once():
    codes = torch.randn(30, 2)
    graph = LatentGraph.knn(flat, torch.cat([codes, codes[:20], codes[:20]]), 4)
    assert graph.codes.equal(codes)
    assert graph.edges.equal(LatentGraph.knn(flat, codes, 4).edges)


def test_where_a_decoder_stands_still_nothing_is_far():
    codes = torch.randn(20, 2)
    graph = LatentGraph.knn(lambda z: 0 * z, codes, 3)
    assert graph.distances(codes[:1], codes[1:2]).item() == 0


def wall(z):
    """Nothing is defined on a vertical strip up to a height of 1."""
    x, y = z.unbind(-1)
    return torch.where(((x - 0.93).abs() < 0.1) & (y < 1), torch.nan, 1.0)[:, None] * z


def test_walls_are_walked_around():
    """Up to the wall's upper corners and down again."""
    graph = LatentGraph.grid(wall, torch.tensor([0.0, -1]), torch.tensor([2.0, 3]), 41)
    a, b = torch.tensor([0.5, 0.0]), torch.tensor([1.5, 0.0])
    expected = math.hypot(0.33, 1) + 0.2 + math.hypot(0.47, 1)
    found = graph.distances(a, b).item()
    assert expected < found < 1.1 * expected
    assert not (graph.edges >= len(graph.codes)).any()
    assert wall(graph.codes).isfinite().all()
    # A thin wall between points of the grid, over which edges lead.
    thin = LatentGraph.grid(lambda z: wall(z * z.new_tensor([1, 1])), torch.zeros(2), torch.tensor([2.0, 0.5]), 3)
    assert thin.parts == 2


def test_a_metric_that_is_no_metric_somewhere_is_a_wall():
    def metric(z):
        return (1 - z[:, 0].abs())[:, None, None] * torch.eye(2)

    graph = LatentGraph.grid(None, torch.full((2,), -2.0), torch.full((2,), 2.0), 9, metric=metric)
    assert graph.codes[:, 0].abs().max() < 1


def test_parts_are_told_when_a_pair_has_no_path():
    left, right = torch.randn(20, 2), torch.randn(20, 2) + 100
    graph = LatentGraph.knn(flat, torch.cat([left, right]), 5)
    assert graph.parts == 2
    # Within a part there are paths.
    assert graph.distances(left[0], left[1]) > 0
    words = r"no path from .* \(nor for 1 other pairs\): the graph has 2 parts. Raise `k`"
    with pytest.raises(ValueError, match=words):
        graph.distances(torch.stack([left[0], left[0], right[0]]), torch.stack([left[1], right[0], left[2]]))
    with pytest.raises(ValueError, match="the graph has 2 parts"):
        geodesic(flat, left[0], right[0], init=graph)
    assert LatentGraph.knn(flat, torch.cat([left, right]), 25).parts == 1


def test_splines_follow_the_paths_at_constant_speed():
    graph, (a, b) = plane(25), torch.rand(2, 6, 2) * 2
    curves = graph.splines(a, b, 12)
    assert curves.points.shape == (6, 12, 2)
    torch.testing.assert_close(curves(torch.tensor([0.0, 1.0])), torch.stack([a, b], 1), rtol=0, atol=1e-12)
    paths, t = graph.paths(a, b), torch.linspace(0, 1, 200)
    # A corner is cut by less than half a cell, here 0.125.
    fine = torch.lerp(paths[:, :-1, None], paths[:, 1:, None], torch.linspace(0, 1, 50)[:, None]).flatten(1, 2)
    assert torch.cdist(curves(t), fine).amin(-1).max() < 0.125
    speeds = curves.derivative(t).norm(dim=-1)
    assert (speeds.std(-1) / speeds.mean(-1)).max() < 0.2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_codes(dtype, device):
    codes = torch.randn(30, 2, dtype=dtype, device=device)
    graph = LatentGraph.knn(torch.sin, codes, 6)
    for value in (graph.distances(codes, codes.flip(0)), graph.paths(codes, codes.flip(0)), graph.lengths):
        assert value.dtype == dtype
        assert value.device == codes.device
    grid = LatentGraph.grid(torch.sin, codes.amin(0), codes.amax(0), 5)
    assert grid.codes.dtype == dtype


def test_no_pairs():
    assert plane().distances(torch.zeros(0, 2), torch.zeros(0, 2)).shape == (0,)
    assert plane().paths(torch.zeros(0, 2), torch.zeros(0, 2)).shape[0] == 0


Z = torch.randn(6, 2, dtype=torch.float64)
E = torch.tensor([[0, 1], [1, 2]])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: LatentGraph.knn(flat, Z, 6), ValueError, "`k` is 6, but there are 6 different codes: pass 1 to 5"),
        (lambda: LatentGraph.knn(flat, Z, 0), ValueError, "`k` is 0"),
        (lambda: LatentGraph.knn(flat, Z[0], 1), ValueError, r"`codes` has shape \(2,\), but a graph has points"),
        (lambda: LatentGraph.knn(flat, Z[:0], 1), ValueError, r"`codes` has shape \(0, 2\)"),
        (
            lambda: LatentGraph.knn(flat, Z.long(), 2),
            TypeError,
            r"`codes` must be floating point, .* `codes.float\(\)`",
        ),
        (lambda: LatentGraph.knn(flat, Z * torch.nan, 2), ValueError, "`codes` has entries that are not finite"),
        (
            lambda: LatentGraph.knn(torch.log, -Z.abs(), 2),
            ValueError,
            r"`f` is not finite at \[-.*one of `codes`: leave",
        ),
        (
            lambda: LatentGraph.knn(None, Z, 2, metric=lambda z: -torch.eye(2).to(z)),
            ValueError,
            r"`metric` is not symmetric and positive definite at \[",
        ),
        (lambda: LatentGraph.knn(lambda z: (z, z), Z, 2), TypeError, "`f` returns tuple, .* `stack_moments"),
        (lambda: LatentGraph.knn(lambda z: z.long(), Z, 2), TypeError, "`f` returns torch.int64"),
        (lambda: LatentGraph.knn(None, Z, 2), ValueError, "one of them measures"),
        (lambda: LatentGraph(flat, Z, E, joins=7), ValueError, "`joins` is 7, but there are 6 codes: pass 1 to 6"),
        (lambda: LatentGraph(flat, Z, E, chords=1), ValueError, "`chords` is 1, .* pass 2 or more"),
        (lambda: LatentGraph(flat, Z, E + 4), ValueError, "`edges` goes from 4 to 6, .* pass 0 to 5"),
        (lambda: LatentGraph.grid(flat, Z[0], Z[0], 3), ValueError, "pass low < high and n >= 2"),
        (lambda: LatentGraph.grid(flat, Z[0], Z[0] + 1, 1), ValueError, "`n` 1, but a box has a width"),
        (
            lambda: LatentGraph.grid(flat, Z[0], Z[0, :1] + 1, 3),
            ValueError,
            r"`low` has shape \(2,\) and `high` \(1,\)",
        ),
        (
            lambda: LatentGraph.grid(flat, torch.zeros(16), torch.ones(16), 3),
            ValueError,
            r"`n` is 3 in 16 dimensions: 43,046,721 points with .* are too many\. .* `LatentGraph.knn\(f, codes\)`",
        ),
        (
            lambda: LatentGraph.grid(torch.log, torch.full((2,), -2.0), torch.full((2,), -1.0), 3),
            ValueError,
            "`f` is not finite at .* everywhere else on the grid: choose another box",
        ),
        (lambda: plane(4).distances(Z[0], Z[:1]), ValueError, r"`a` has shape \(2,\) and `b` \(1, 2\), .* alike"),
        (lambda: plane(4).distances(Z, Z * torch.nan), ValueError, "`b` has entries that are not finite"),
        (lambda: plane(4).distances(Z.long(), Z), TypeError, "`a` must be floating point"),
        (lambda: plane(4).distances(Z.to("meta"), Z), ValueError, "`a` is on meta and `b` cpu"),
        (lambda: plane(4).distances(Z[:, :1], Z[:, :1]), ValueError, "`a` and `b` have 1 latents .* codes have 2"),
        (lambda: plane(4).paths(Z.float(), Z.float()), ValueError, "of type torch.float32 .* make them alike"),
        (
            lambda: LatentGraph.knn(torch.log, Z.abs(), 2).distances(-Z.abs(), Z.abs()),
            ValueError,
            "`f` is not finite at .* which is an end",
        ),
        (lambda: plane(4).splines(Z, Z, 3), ValueError, "`n_control` is 3"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
