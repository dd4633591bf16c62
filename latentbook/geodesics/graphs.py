r"""Graphs over latent points, whose edges are as long as the data find them: for far pairs, and ways around."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import torch
from jaxtyping import Float, Integer
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree
from torch import Tensor

from latentbook.core import all_finite
from latentbook.geodesics.checks import flawed, require_defined, require_pair
from latentbook.geodesics.curves import CubicBSpline
from latentbook.geodesics.lengths import Space, at_once, constant_speed, space_of
from latentbook.metric import Decoder, Metric

__all__ = ["LatentGraph"]

# Edges of a grid, and numbers in a table of shortest paths, that a machine is asked for at once.
MOST_EDGES, TABLE = 10_000_000, 4_000_000


class LatentGraph:
    r"""Latent points, straight edges between them, and shortest paths along these.

    An edge is as long as the line is in data space, by a few chords. Shortest paths (Dijkstra's) need no derivative,
    know all ways around, and bend only at the points: they are longer than geodesics, on a grid of the plane by up to
    :math:`1 / \cos(\pi/8) - 1 = 8.2` %. So they are starts, ``geodesic(f, a, b, init=graph)``, and rough distances.

    The ends of a path need not be points of the graph. Straight edges join one that is none to the nearest of these,
    and to the other end where both are next to the same one. An edge on which the decoder is not finite is left out.

    A graph in several parts serves pairs within each; only a pair that has no path is an error.

    Args:
        f: Decoder, ``(N, m)`` to ``(N, *event)``; None where a metric is given instead.
        codes: The points, each once, where `f` is finite.
        edges: Pairs of their numbers; direction and repetition do not matter.
        metric: Callable from points ``(N, m)`` to symmetric positive definite matrices ``(N, m, m)``, or to one.
        joins: To how many points the end of a path is joined.
        chords: Chords that measure an edge, at least 2; rounded up to an even number, since half as many show what is
            missing, as in `length`.

    Attributes:
        codes: The points ``(N, m)``.
        edges: Their edges ``(E, 2)``, the smaller number first.
        lengths: The lengths of these ``(E,)``, in data units.
        parts: How many parts there are, without a path from one to another.

    Raises:
        TypeError: If `codes` is not floating point, or `f` or `metric` is no callable.
        ValueError: If `codes` holds no points or such that are not finite, `f` is not finite or the metric not
            positive definite at one of them, or a number is out of range.

    Reference:
        Dijkstra, *A note on two problems in connexion with graphs*, 1959; for decoders Chen, Klushyn, Kurle, Jiang,
        Bayer & van der Smagt, *Metrics for deep generative models*, AISTATS 2018.

    Example:
        >>> square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
        >>> graph = LatentGraph(lambda z: 3 * z, square, torch.tensor([[0, 1], [1, 2], [2, 3]]), joins=1)
        >>> graph.distances(square[0], square[3])
        tensor(12.)

    Chapter 3.
    """

    def __init__(
        self,
        f: Decoder | None,
        codes: Float[Tensor, "N m"],
        edges: Integer[Tensor, "E 2"],
        *,
        metric: Metric | None = None,
        joins: int = 1,
        chords: int = 4,
    ):
        space = space_of(f, metric)
        _require_codes(codes)
        if not 1 <= joins <= len(codes):
            raise ValueError(f"`joins` is {joins}, but there are {len(codes)} codes: pass 1 to {len(codes)}")
        if chords < 2:
            raise ValueError(f"`chords` is {chords}, but half as many are looked at too: pass 2 or more")
        require_defined(space, codes, "which is one of `codes`: leave it out")
        self.f, self.metric, self.joins, self.chords = f, metric, joins, chords + chords % 2
        self.codes = codes.detach()
        self._space: Space = space
        self._unit = torch.ones_like(self.codes[0])
        self._set_edges(edges)

    @classmethod
    def knn(
        cls,
        f: Decoder | None,
        codes: Float[Tensor, "N m"],
        k: int = 10,
        *,
        metric: Metric | None = None,
        chords: int = 4,
    ) -> LatentGraph:
        """Return the graph of codes in which each is joined to its k nearest, and to those it is nearest to.

        Near is near in latent space. A code that comes several times counts once, where it comes first.
        """
        _require_codes(codes)
        points = codes.detach().cpu().numpy()
        first = np.sort(np.unique(points, axis=0, return_index=True)[1])
        if not 1 <= k < len(first):
            raise ValueError(f"`k` is {k}, but there are {len(first)} different codes: pass 1 to {len(first) - 1}")
        points = points[first]
        near = np.reshape(KDTree(points).query(points, k + 1)[1], (len(points), k + 1))
        edges = np.stack(np.broadcast_arrays(np.arange(len(points))[:, None], near[:, 1:]), -1).reshape(-1, 2)
        kept = codes[torch.from_numpy(first).to(codes.device)]
        return cls(f, kept, torch.from_numpy(edges.astype(np.int64)), metric=metric, joins=k, chords=chords)

    @classmethod
    def grid(
        cls,
        f: Decoder | None,
        low: Float[Tensor, "m"],
        high: Float[Tensor, "m"],
        n: int,
        *,
        metric: Metric | None = None,
        chords: int = 4,
    ) -> LatentGraph:
        """Return the graph of a box with n points along each side, each joined to all of its 3^m - 1 neighbours.

        Points where the decoder is not finite, or the metric not positive definite, are left out: walls.
        """
        require_pair("low", low, "high", high)
        m = len(low)
        if n < 2 or not bool((low < high).all()):
            raise ValueError(
                f"`low` is {low.tolist()}, `high` {high.tolist()} and `n` {n}, but a box has a width in each dimension "
                "and 2 points or more along it: pass low < high and n >= 2"
            )
        count = n**m * (3**m - 1) // 2
        if count > MOST_EDGES:
            raise ValueError(
                f"`n` is {n} in {m} dimensions: {n**m:,} points with {count:,} edges are too many. "
                "Pass a smaller `n`, or `LatentGraph.knn(f, codes)`, which has points only where codes are"
            )
        t = torch.linspace(0, 1, n, dtype=low.dtype, device=low.device)
        sides = [torch.lerp(low[i], high[i], t) for i in range(m)]
        codes, space = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).reshape(-1, m), space_of(f, metric)
        sound = ~flawed(space, codes)
        if not bool(sound.any()):
            require_defined(space, codes, "and everywhere else on the grid: choose another box")
        edges = _neighbours(n, m)
        # What is left has other numbers.
        number = sound.cumsum(0).cpu() - 1
        edges = number[edges[sound.cpu()[edges].all(-1)]]
        codes = codes[sound]
        graph = cls(f, codes, edges, metric=metric, joins=min(2**m, len(codes)), chords=chords)
        graph._unit = (high - low) / (n - 1)
        return graph

    def distances(self, a: Float[Tensor, "*batch m"], b: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch"]:
        """Return the lengths of the shortest paths between points, in data units.

        It raises a ValueError where a pair has no path: raise k, or add codes in between.
        """
        return self._search(a, b)[0].reshape(a.shape[:-1])

    def paths(self, a: Float[Tensor, "*batch m"], b: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch T m"]:
        """Return the shortest paths, as the points at which they bend, ends included.

        All have as many points as the longest; the others repeat their start. It raises what `distances` does.
        """
        points = self._search(a, b)[1]
        return points.reshape(*a.shape[:-1], *points.shape[1:])

    def splines(self, a: Float[Tensor, "*batch m"], b: Float[Tensor, "*batch m"], n_control: int = 8) -> CubicBSpline:
        """Return splines close to the shortest paths, at about constant speed in data space.

        It raises what `distances` does, and a ValueError if `n_control` is below 4.
        """
        with torch.no_grad():
            even = constant_speed(self.f, _Polyline(self.paths(a, b)), n=2, metric=self.metric)
            t = torch.linspace(0, 1, 8 * n_control + 1, dtype=a.dtype, device=a.device)
            return CubicBSpline.fit(t, even(t), n_control)

    def _set_edges(self, edges: Tensor) -> None:
        """Measure the edges, each once, and keep those that have a length."""
        if len(edges) and not 0 <= int(edges.min()) <= int(edges.max()) < len(self.codes):
            raise ValueError(
                f"`edges` goes from {int(edges.min())} to {int(edges.max())}, but counts codes: "
                f"pass 0 to {len(self.codes) - 1}"
            )
        pairs = np.unique(edges.cpu().sort(-1).values.numpy().reshape(-1, 2), axis=0)
        pairs = torch.from_numpy(pairs[pairs[:, 0] < pairs[:, 1]]).to(self.codes.device)
        lengths = self._measured(self.codes[pairs[:, 0]], self.codes[pairs[:, 1]])
        self.edges, self.lengths = pairs[lengths.isfinite()], lengths[lengths.isfinite()]
        i, j = self.edges.cpu().numpy().T
        both = np.concatenate([i, j]), np.concatenate([j, i])
        # An edge of no length, as where a decoder stands still, is stored as any other, and is one.
        weights = self.lengths.double().cpu().numpy()
        self._matrix = sparse.csr_array((np.concatenate([weights, weights]), both), shape=(len(self.codes),) * 2)
        self.parts = int(csgraph.connected_components(self._matrix, directed=False, return_labels=False))

    @functools.cached_property
    def _tree(self) -> KDTree:
        return KDTree((self.codes / self._unit).cpu().numpy())

    def _measured(self, start: Tensor, end: Tensor) -> Tensor:
        """Return the lengths of straight edges, not finite where they have none."""
        t = torch.linspace(0, 1, self.chords + 1, dtype=start.dtype, device=start.device)[:, None]
        size, lengths = max(1, at_once(start.device) // len(t)), []
        with torch.no_grad():
            for p, q in zip(start.split(size), end.split(size), strict=True):
                squares = self._space.squares(torch.lerp(p[:, None], q[:, None], t), 1, 2)
                fine, coarse = (chords.sqrt().sum(-1) for chords in squares)
                # By a metric half as many chords may be the longer ones, and a length must not be negative.
                lengths.append(fine + (fine - coarse).clamp_min(0) / 3)
        return torch.cat(lengths)

    def _joined(self, z: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes (P, joins) next to points, and how far they are, infinitely where there is no edge."""
        found = self._tree.query((z / self._unit).cpu().numpy(), self.joins)
        gap, near = (np.reshape(part, (len(z), self.joins)) for part in found)
        # Who is a code needs no edge but its own.
        near = np.where(gap[:, :1] == 0, near[:, :1], near)
        codes = self.codes[torch.from_numpy(near).to(z.device)]
        lengths = self._measured(z[:, None].expand_as(codes).flatten(0, 1), codes.flatten(0, 1))
        return near, lengths.nan_to_num(torch.inf, torch.inf).double().cpu().numpy().reshape(near.shape)

    def _search(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return lengths (P,) and points (P, T, m) of the shortest paths between all pairs."""
        require_pair("a", a, "b", b)
        self._require_like_codes(a)
        start, end = (z.detach().reshape(-1, a.shape[-1]) for z in (a, b))
        require_defined(self._space, torch.cat([start, end]), "which is an end: choose ends with defined distances")
        # Pairs that start at one point share a search.
        first, which = _distinct(start)
        size = max(1, TABLE // len(self.codes))
        groups = [np.flatnonzero(which // size == group) for group in range(-(-len(first) // size))]
        found = [
            self._searched(start[first[g * size :][:size]], which[rows] % size, start[rows], end[rows])
            for g, rows in enumerate(groups)
        ]
        most = max((points.shape[1] for _, points in found), default=2)
        lengths, points = start.new_zeros(len(start)), start[:, None].repeat(1, most, 1)
        for rows, (some, way) in zip(groups, found, strict=True):
            lengths[rows], points[rows, most - way.shape[1] :] = some, way
        return lengths, points

    def _searched(self, sources: Tensor, which: np.ndarray, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """Return lengths (R,) and points (R, T, m) of the shortest paths from some sources, each with its number."""
        n, near, far = len(self.codes), *self._joined(sources)
        # A source is one more point, which no path enters.
        W = self._matrix
        rows = W.indptr[-1] + self.joins * np.arange(1, len(sources) + 1)
        parts = (np.append(W.data, far), np.append(W.indices, near), np.append(W.indptr, rows))
        matrix = sparse.csr_array(parts, shape=(n + len(sources),) * 2)
        table, before = csgraph.dijkstra(matrix, indices=np.arange(n, n + len(sources)), return_predecessors=True)
        first, place = _distinct(end)
        last, rest = (part[place] for part in self._joined(end[first]))
        totals = table[which[:, None], last] + rest
        best = totals.argmin(-1)[:, None]
        total, node = (np.take_along_axis(of, best, -1)[:, 0] for of in (totals, last))
        # Ends that are near the same code are joined to each other, too.
        close = np.flatnonzero((near[which][:, :, None] == last[:, None]).any((1, 2)))
        straight = self._measured(start[close], end[close]).double().cpu().numpy()
        close, straight = (of[straight <= total[close]] for of in (close, straight))
        total[close], node[close] = straight, n + which[close]
        self._require_paths(total, start, end)
        way = [node]
        while (node < n).any():
            node = np.where(node < n, before[which, np.minimum(node, n)], node)
            way.append(node)
        points = torch.cat([self.codes, sources])[torch.from_numpy(np.stack(way[::-1], -1))]
        return torch.from_numpy(total).to(start), torch.cat([points, end[:, None]], 1)

    def _require_like_codes(self, a: Tensor) -> None:
        if a.shape[-1:] != self.codes.shape[-1:] or a.dtype != self.codes.dtype or a.device != self.codes.device:
            raise ValueError(
                f"`a` and `b` have {a.shape[-1]} latents of type {a.dtype} on {a.device}, but the graph's codes have "
                f"{self.codes.shape[-1]} of type {self.codes.dtype} on {self.codes.device}: make them alike"
            )

    def _require_paths(self, total: np.ndarray, start: Tensor, end: Tensor) -> None:
        lost = np.flatnonzero(~np.isfinite(total))
        if len(lost):
            raise ValueError(
                f"there is no path from {start[lost[0]].tolist()} to {end[lost[0]].tolist()} (nor for "
                f"{len(lost) - 1} other pairs): the graph has {self.parts} parts. Raise `k` of `LatentGraph.knn` or "
                "`n` of `LatentGraph.grid`, or add codes in between"
            )


class _Polyline:
    """Straight edges between points, in equal times."""

    def __init__(self, points: Float[Tensor, "*curves T m"]):
        self.points = points
        self.breaks = torch.linspace(0, 1, points.shape[-2], dtype=points.dtype, device=points.device)

    def __call__(self, t: Tensor) -> Tensor:
        edges = self.points.shape[-2] - 1
        i = (t * edges).long().clamp(max=edges - 1)
        part = (t * edges - i)[..., None]
        if t.ndim == 1:
            return torch.lerp(self.points[..., i, :], self.points[..., i + 1, :], part)
        i = i[..., None].expand(*i.shape, self.points.shape[-1])
        return torch.lerp(self.points.gather(-2, i), self.points.gather(-2, i + 1), part)


def _distinct(z: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return where each different point comes first, and which of them every point is."""
    _, first, which = np.unique(z.cpu().numpy(), axis=0, return_index=True, return_inverse=True)
    return first, which.reshape(-1)


def _neighbours(n: int, m: int) -> Tensor:
    """Return the pairs of neighbouring points of a grid, each once, by their numbers in order."""
    places = np.arange(n**m).reshape((n,) * m)
    edges = []
    for step in itertools.product((-1, 0, 1), repeat=m):
        # Of two opposite steps one is enough.
        if step > (0,) * m:
            here = places[tuple(slice(max(0, -d), n - max(0, d)) for d in step)]
            there = places[tuple(slice(max(0, d), n - max(0, -d)) for d in step)]
            edges.append(np.stack([here.ravel(), there.ravel()], -1))
    return torch.from_numpy(np.concatenate(edges))


def _require_codes(codes: Tensor) -> None:
    if codes.ndim != 2 or 0 in codes.shape:
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}, but a graph has points (N, m): pass at least one")
    if not codes.is_floating_point():
        raise TypeError(f"`codes` must be floating point, but it is {codes.dtype}: pass `codes.float()`")
    if not all_finite(codes):
        raise ValueError("`codes` has entries that are not finite: look at the encoder, or leave these out")
