"""The shortest curve of the widget, against closed forms and against torch."""

import itertools
import math

import pytest
import torch

from latentbook.geodesics import geodesic

SCRIPTS = ["mlp.js", "metric.js", "spline.js", "energy.js", "geodesic.js"]
A, B = [-1.5, -1.0], [1.4, 1.2]
# Of each activation, a network (seed, gain) whose shortest curve from A to B is more than 5 % shorter than the line.
CURVED = [("tanh", 4, 1.6), ("silu", 3, 2.0), ("softplus", 0, 2.5)]

RELAX = """(m, layers, numbers, a, b) => {
  const decoder = new m.Perceptron(layers, Float32Array.from(numbers));
  const curve = new m.Geodesic(decoder).start(a, b);
  const energies = [curve.energy];
  for (let i = 0; i < 100 && curve.step(); i++) energies.push(curve.energy);
  energies.push(curve.energy);
  const { length, energy, done } = curve;
  const values = curve.values(17).map((value) => [...value]);
  // By the same quadrature as the curve's.
  const straight = new m.Geodesic(decoder).arch(a, b, 0).length;
  const [drawn, fine, stops] = [curve.curve(65), curve.curve(2001), curve.stops(17)];
  return { length, energy, done, energies, values, straight, curve: drawn, fine, stops };
}"""


class Network:
    """Random weights in single precision, as plain numbers and as a function in double precision."""

    def __init__(self, activation, seed, gain, sizes=(2, 24, 24, 12), last="linear"):
        draw = torch.Generator().manual_seed(seed)
        self.activations = [activation] * (len(sizes) - 2) + [last]
        self.weights = [
            (
                (gain * torch.randn(n, m, generator=draw) / math.sqrt(m)).float().double(),
                (0.5 * torch.randn(n, generator=draw)).float().double(),
            )
            for m, n in itertools.pairwise(sizes)
        ]

    @property
    def arguments(self):
        layers = [
            {"inputs": W.shape[1], "outputs": W.shape[0], "activation": name, "parameter": 1}
            for (W, _), name in zip(self.weights, self.activations, strict=True)
        ]
        return layers, [x for W, b in self.weights for part in (W, b) for x in part.flatten().tolist()]

    def __call__(self, z):
        for (W, b), name in zip(self.weights, self.activations, strict=True):
            z = z @ W.T + b
            z = z if name == "linear" else getattr(torch.nn.functional, name)(z)
        return z


def turns(curve):
    """The angles between neighbouring segments."""
    d = torch.tensor(curve).diff(dim=0)
    angles = torch.atan2(d[:, 1], d[:, 0]).diff()
    return torch.atan2(angles.sin(), angles.cos())


def shortest(decode, a, b, nodes=241):
    """The length of the polyline of free nodes with the least energy.

    The unknowns are the nodes' sine series, every term scaled by its frequency: the Laplacian becomes the identity, and
    L-BFGS gets there. Chords of 240 pieces fall short of arcs by (angle of a piece)² / 24, here below 1e-4.
    """
    t = torch.linspace(0, 1, nodes)[:, None]
    k = torch.arange(1, nodes - 1)
    series = torch.sin(math.pi * t * k) / k
    series[-1] = 0
    line = torch.lerp(torch.tensor(a), torch.tensor(b), t)
    terms = torch.zeros(len(k), 2, requires_grad=True)
    solver = torch.optim.LBFGS([terms], max_iter=400, tolerance_change=1e-9, line_search_fn="strong_wolfe")

    def pieces():
        return decode(line + series @ terms).diff(dim=0).square().sum(1)

    def energy():
        solver.zero_grad()
        total = (nodes - 1) * pieces().sum()
        total.backward()
        return total

    solver.step(energy)
    with torch.no_grad():
        return pieces().sqrt().sum().item()


def arc_length(decode, a, b, pieces=20000):
    t = torch.linspace(0, 1, pieces + 1)[:, None]
    return decode(torch.lerp(torch.tensor(a), torch.tensor(b), t)).diff(dim=0).norm(dim=1).sum().item()


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_the_room_finds_the_same_length(run, activation, seed, gain):
    network = Network(activation, seed, gain)
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    room = geodesic(network, torch.tensor(A), torch.tensor(B))
    assert room.converged
    # Nine controls here, as many as it takes there.
    assert found["length"] == pytest.approx(room.length.item(), rel=5e-3)
    assert found["straight"] == pytest.approx(room.straight_length.item(), rel=1e-3)


def test_a_linear_decoder_keeps_the_straight_line(run):
    network = Network("linear", 0, 1.0)
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    expected = (network(torch.tensor(B)) - network(torch.tensor(A))).norm().item()
    assert found["length"] == pytest.approx(expected, rel=1e-9)
    assert found["straight"] == pytest.approx(expected, rel=1e-9)
    assert found["energy"] == pytest.approx(expected**2, rel=1e-9)
    for curve in (found["curve"], found["stops"]):
        t = torch.linspace(0, 1, len(curve))[:, None]
        line = torch.lerp(torch.tensor(A), torch.tensor(B), t)
        torch.testing.assert_close(torch.tensor(curve), line, rtol=0, atol=1e-8)
    assert found["done"]
    assert len(found["energies"]) <= 4


def profile(x):
    """Arc length of the folded sheet's profile from 0: a trapezoidal rule of 1e-4, good to 1e-9."""
    t = torch.linspace(0, x, 20001)
    return torch.trapezoid((1 + (3 * torch.sigmoid(6 * t)) ** 2).sqrt(), t)


def test_a_folded_sheet_is_crossed_as_if_it_were_flat(run):
    # f(x, y) = (x, y, softplus(6 x) / 2), since x = softplus(x) - softplus(-x): a sheet with a rounded fold. Spread
    # out, its coordinates are y and the arc length of the profile, and the shortest curve is straight.
    layers = [
        {"inputs": 2, "outputs": 5, "activation": "softplus", "parameter": 1},
        {"inputs": 5, "outputs": 3, "activation": "linear", "parameter": 1},
    ]
    first = [1, 0, -1, 0, 0, 1, 0, -1, 6, 0] + [0] * 5
    second = [1, -1, 0, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0.5] + [0] * 3
    found = run(SCRIPTS, RELAX, layers, first + second, [-2, -2], [0.8, 3])
    spread = torch.tensor([[profile(x), y] for x, y in found["stops"]])
    assert found["length"] < 0.98 * found["straight"]
    assert found["length"] == pytest.approx((spread[-1] - spread[0]).norm().item(), rel=2e-3)
    # The stops divide it evenly. Lengths answer to a bend by its square alone: the curve is known less well than they.
    t = torch.linspace(0, 1, len(spread))[:, None]
    torch.testing.assert_close(spread, torch.lerp(spread[0], spread[-1], t), rtol=0, atol=0.02 * found["length"])


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_the_shortest_curve_of_a_random_network(run, activation, seed, gain):
    network = Network(activation, seed, gain)
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    assert found["done"]
    assert found["length"] < 0.95 * found["straight"]
    # Nine controls are fewer than 239 nodes: the widget's curve may be a little longer, and no shorter.
    assert found["length"] == pytest.approx(shortest(network, A, B), rel=5e-3)
    assert found["straight"] == pytest.approx(arc_length(network, A, B), rel=1e-3)
    # What keeps the spline from bunching counts little beside the length.
    assert 1 <= found["energy"] / found["length"] ** 2 < 1.02
    # The length belongs to the curve that is drawn: its 2000 chords fall short by less than 1e-4.
    chords = network(torch.tensor(found["fine"])).diff(dim=0).norm(dim=1).sum().item()
    assert chords == pytest.approx(found["length"], rel=2e-3)

    energies = torch.tensor(found["energies"])
    assert (energies.diff() <= 0).all()
    assert energies[-1] < energies[0]


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_back_is_as_far_as_there(run, activation, seed, gain):
    arguments = Network(activation, seed, gain).arguments
    there, back = (run(SCRIPTS, RELAX, *arguments, *ends) for ends in ((A, B), (B, A)))
    assert back["length"] == pytest.approx(there["length"], rel=5e-3)


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_the_curve_is_smooth(run, activation, seed, gain):
    found = run(SCRIPTS, RELAX, *Network(activation, seed, gain).arguments, A, B)
    angles = turns(found["curve"])
    # A quarter turn takes more than a piece of the spline, of which there are eight in 64 segments.
    assert angles.abs().max() < math.pi / 2 / 8
    # A zig-zag turns the other way at every corner; a cubic's turning changes little from one corner to the next.
    assert (angles.diff().abs() < 0.3 * angles.abs().max()).all()
    signs = angles[angles.abs() > 0.01].sign()
    assert (signs.diff() != 0).sum() <= 6


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_stops_are_equal_steps(run, activation, seed, gain):
    network = Network(activation, seed, gain)
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    values = torch.tensor(found["values"])
    torch.testing.assert_close(values, network(torch.tensor(found["stops"])), rtol=1e-9, atol=1e-9)
    assert (found["stops"][0], found["stops"][-1]) == (A, B)
    # Chords of a sixteenth of the curve are shorter than its arcs where it bends, by (angle)² / 24: a few per cent.
    steps = values.diff(dim=0).norm(dim=1)
    assert steps.max() < 1.01 * found["length"] / 16
    assert steps.min() > 0.9 * found["length"] / 16


DRAG = """(m, layers, numbers, a, b, target) => {
  const decoder = new m.Perceptron(layers, Float32Array.from(numbers));
  const settle = () => { for (let i = 0; i < 100 && curve.step(); i++); };
  const curve = new m.Geodesic(decoder).start(a, b);
  settle();
  const before = curve.curve(5);
  const to = (share) => b.map((x, i) => x + share * (target[i] - x));
  curve.carry(a, to(1 / 8));
  const carried = curve.curve(5);
  // A frame of a drag: the end moves, and there is time for one step.
  for (let frame = 1; frame <= 8; frame++) {
    curve.carry(a, to(frame / 8));
    curve.step();
  }
  const dragged = { ends: [curve.curve(9)[0], curve.curve(9)[8]], length: curve.length };
  settle();
  const settled = curve.length;
  curve.start(a, target);
  const cold = { straight: curve.length };
  settle();
  return { before, carried, dragged, settled, cold: { ...cold, length: curve.length, done: curve.done } };
}"""


@pytest.mark.parametrize(("activation", "seed", "gain"), CURVED)
def test_a_dragged_end_takes_the_curve_along(run, activation, seed, gain):
    target = [B[0] - 0.3, B[1] + 0.2]
    found = run(SCRIPTS, DRAG, *Network(activation, seed, gain).arguments, A, B, target)
    before, carried = torch.tensor(found["before"]), torch.tensor(found["carried"])
    # Carrying adds a part of the end's way that grows evenly from 0 to all of it.
    way = (torch.tensor(target) - torch.tensor(B)) / 8
    torch.testing.assert_close(carried, before + torch.linspace(0, 1, 5)[:, None] * way)
    assert found["cold"]["done"]
    assert found["dragged"]["ends"] == [A, target]
    assert found["dragged"]["length"] == pytest.approx(found["cold"]["length"], rel=0.01)
    assert found["settled"] == pytest.approx(found["cold"]["length"], rel=5e-3)


def test_a_far_jump_of_an_end_is_survived(run):
    found = run(SCRIPTS, DRAG, *Network(*CURVED[0]).arguments, A, B, [-3.0, 3.0])
    assert found["settled"] < 1.05 * found["cold"]["length"]


def numbers(found):
    """All numbers in what was found."""
    if isinstance(found, dict):
        found = found.values()
    return [x for part in found for x in numbers(part)] if hasattr(found, "__iter__") else [found]


@pytest.mark.parametrize("axes", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_what_a_decoder_ignores(run, axes, activation):
    network = Network(activation, 0, 1.0)
    network.weights[0] = (network.weights[0][0] * torch.tensor(axes), network.weights[0][1])
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    assert found["done"]
    assert all(map(math.isfinite, numbers(found)))
    assert (found["length"] == 0) == (axes == (0, 0))
    assert found["length"] <= found["straight"]
    # In the direction that it ignores there is nowhere to go.
    along = run(SCRIPTS, RELAX, *network.arguments, A, [A[0] + axes[1], A[1] + axes[0]])
    assert (along["length"], along["done"]) == (0, True)
    assert all(map(math.isfinite, numbers(along)))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_ends_that_coincide(run, activation):
    found = run(SCRIPTS, RELAX, *Network(activation, 0, 1.5).arguments, A, A)
    assert (found["length"], found["straight"], found["done"]) == (0, 0, True)
    assert all(map(math.isfinite, numbers(found)))
    torch.testing.assert_close(torch.tensor(found["stops"]), torch.tensor(A).expand(17, 2))


@pytest.mark.parametrize("seed", range(4))
def test_a_decoder_with_edges(run, seed):
    network = Network("relu", seed, 1.5)
    found = run(SCRIPTS, RELAX, *network.arguments, A, B)
    assert found["done"]
    assert found["length"] <= found["straight"]
    assert found["straight"] == pytest.approx(arc_length(network, A, B), rel=0.01)
    assert all(map(math.isfinite, numbers(found)))


def test_saturated_outputs(run):
    # Where a sigmoid is 0 or 1 to double precision the metric is 0: there the curve may go anywhere, but ends.
    found = run(SCRIPTS, RELAX, *Network("tanh", 1, 30.0, last="sigmoid").arguments, A, B)
    assert found["done"]
    assert found["length"] <= found["straight"]
    assert all(map(math.isfinite, numbers(found)))


# x and y from softplus(±x), softplus(±y); a plateau between -1 and 1 along either axis, from four ramps; where both are
# one, a hill of height 3, rounded by softplus.
def hill():
    ramps = [(-2, 1), (-1, -1), (1, -1), (2, 1)]
    first = [[1, 0], [-1, 0], [0, 1], [0, -1]] + [[4, 0]] * 4 + [[0, 4]] * 4
    offsets = [0.0] * 4 + [-4.0 * at for at, _ in ramps] * 2
    plateau = [sign / 4 for _, sign in ramps]
    second = [
        [1, -1, 0, 0, *[0] * 8],
        [-1, 1, 0, 0, *[0] * 8],
        [0, 0, 1, -1, *[0] * 8],
        [0, 0, -1, 1, *[0] * 8],
        [0, 0, 0, 0, *[8 * share for share in plateau * 2]],
    ]
    last = [[1, -1, 0, 0, 0], [0, 0, 1, -1, 0], [0, 0, 0, 0, 3 / 8]]
    layers = [
        {"inputs": len(matrix[0]), "outputs": len(matrix), "activation": activation, "parameter": 1}
        for matrix, activation in ((first, "softplus"), (second, "softplus"), (last, "linear"))
    ]
    biases = (offsets, [0, 0, 0, 0, -8], [0, 0, 0])
    numbers = []
    for matrix, bias in zip((first, second, last), biases, strict=True):
        numbers += [*itertools.chain(*matrix), *bias]
    return layers, numbers


FROM = """(m, layers, numbers, a, b, height) => {
  const decoder = new m.Perceptron(layers, Float32Array.from(numbers));
  const curve = new m.Geodesic(decoder);
  height === null ? curve.start(a, b) : curve.arch(a, b, height);
  const first = curve.curve(65);
  for (let i = 0; i < 100 && curve.step(); i++);
  return { first, length: curve.length, curve: curve.curve(65), controls: curve.controls.length / 2 };
}"""


def test_a_hill_in_the_way_is_gone_round(run):
    a, b = [-4, 0], [4, 0]
    over, around = (run(SCRIPTS, FROM, *hill(), a, b, height) for height in (0, None))
    # By symmetry nothing draws the straight line to either side: it climbs 3 and comes down again.
    assert abs(torch.tensor(over["curve"])[:, 1]).max() < 1e-6
    assert over["length"] > 10
    # The foot of the hill is a square of half side 2: past one corner, and past the next.
    assert around["length"] < 2 * math.hypot(2, 2) + 4
    assert abs(torch.tensor(around["curve"])[:, 1]).max() > 1


def test_the_start_is_the_shortest_arc(run):
    call, ends = FROM.replace("i < 100", "i < 0"), ([-4, -1], [4, 2])
    arcs = [0, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.45, -0.45]
    started = run(SCRIPTS, call, *hill(), *ends, None)
    lengths = [run(SCRIPTS, call, *hill(), *ends, height)["length"] for height in arcs]
    # Lengths of 12 chords are good to a few per cent where there are slopes.
    assert started["length"] <= 1.05 * min(lengths)
    assert min(lengths) < 0.9 * lengths[0]
    # A parabola's top is its height, in lengths of the line, off the middle, at a right angle.
    a, b = torch.tensor(ends, dtype=torch.float64)
    off = torch.tensor(started["first"])[32] - (a + b) / 2
    assert abs(off @ (b - a)) < 1e-9
    assert min(abs(off.norm() / (b - a).norm() - abs(height)) for height in arcs) < 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_more_controls_are_taken_where_they_shorten(run, seed):
    # Nine controls are up to 2 % off here; what is left of that is half of `FINER`, and the even spline's cost.
    network = Network("tanh", seed, 3.0)
    found = run(SCRIPTS, FROM, *network.arguments, A, B, None)
    assert found["controls"] > 9
    # From the straight line the reference may end in a detour, the widget may not.
    assert found["length"] < 1.005 * shortest(network, A, B)


@pytest.mark.parametrize("seed", range(10))
def test_curves_that_need_them_get_33_controls(run, seed):
    # Half of these are more than 0.7 % off with 17.
    network = Network("tanh", seed, 4.0)
    found = run(SCRIPTS, FROM, *network.arguments, A, B, None)
    assert found["controls"] == 33
    assert found["length"] < 1.005 * shortest(network, A, B)


def test_a_decoder_of_many_weights_gets_17_at_most(run):
    """Each of its nodes takes longer, and the reader waits."""
    network = Network("tanh", 0, 4.0, sizes=(2, 300, 330, 12))
    assert sum(W.numel() for W, _ in network.weights) > 1e5
    assert run(SCRIPTS, FROM, *network.arguments, A, B, None)["controls"] == 17


def test_more_controls_keep_the_curve(run):
    call = """(m, count) => {
      const [some, more] = [new m.Splines(9, 33), new m.Splines(17, 49)];
      const controls = Float64Array.from({ length: 18 }, (_, i) => Math.sin(3 * i));
      const at = (splines, controls) => (t) => m.bent([0, 0], splines.at(t).values, controls);
      const finer = more.fitted(at(some, controls));
      const times = m.equallySpaced(count);
      const curves = [at(some, controls), at(more, finer), at(some, some.fitted(at(more, finer)))];
      return curves.map((curve) => times.map(curve));
    }"""
    one, finer, back = (torch.tensor(curve) for curve in run(SCRIPTS, call, 50))
    # Knots of the one are knots of the other: the same curve, up to the rounding of a least squares problem.
    torch.testing.assert_close(finer, one, rtol=0, atol=1e-9)
    torch.testing.assert_close(back, one, rtol=0, atol=1e-9)


def test_a_curve_of_many_controls_is_dragged_with_few(run):
    call = """(m, layers, numbers, a, b, target) => {
      const decoder = new m.Perceptron(layers, Float32Array.from(numbers));
      const curve = new m.Geodesic(decoder).start(a, b);
      const state = () => ({ controls: curve.controls.length / 2, curve: curve.curve(65), length: curve.length });
      const settle = () => { for (let i = 0; i < 100 && curve.step(); i++); return state(); };
      const settled = settle();
      curve.carry(a, target);
      return [settled, { controls: curve.controls.length / 2, curve: curve.curve(65) }, settle()];
    }"""
    network = Network("tanh", 0, 3.0)
    target = [B[0] - 0.05, B[1]]
    before, carried, after = run(SCRIPTS, call, *network.arguments, A, B, target)
    assert [state["controls"] for state in (before, carried, after)] == [17, 9, 17]
    # What fewer controls cannot follow is small beside the curve, which is 3.6 long.
    way = torch.linspace(0, 1, 65)[:, None] * torch.tensor([-0.05, 0])
    torch.testing.assert_close(torch.tensor(carried["curve"]), torch.tensor(before["curve"]) + way, rtol=0, atol=0.1)
    assert after["length"] < 1.005 * shortest(network, A, target)


def test_the_next_start_is_another_arc_and_no_shorter(run):
    call = FROM.replace("curve.start(a, b)", "curve.start(a, b, 1)").replace("i < 100", "i < 0")
    ends = ([-4, -1], [4, 2])
    first, second = (run(SCRIPTS, words, *hill(), *ends, None) for words in (FROM.replace("i < 100", "i < 0"), call))
    assert first["first"][32] != second["first"][32]
    # As 24 chords measure both.
    assert second["length"] > 0.99 * first["length"]


@pytest.mark.parametrize("seed", range(6))
def test_where_arcs_are_as_long_the_start_is_the_line(run, seed):
    network = Network("tanh", seed, 1.0)
    network.weights[0] = (network.weights[0][0] * torch.tensor([1, 0]), network.weights[0][1])
    # What bends runs through the same values: 24 chords measure it a little longer or shorter.
    started = run(SCRIPTS, FROM.replace("i < 100", "i < 0"), *network.arguments, A, B, None)
    t = torch.linspace(0, 1, 65)[:, None]
    line = torch.lerp(torch.tensor(A), torch.tensor(B), t)
    torch.testing.assert_close(torch.tensor(started["first"]), line, rtol=0, atol=1e-9)
