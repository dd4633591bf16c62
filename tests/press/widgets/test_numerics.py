"""What the scripts compute, against torch in double precision."""

import struct

import numpy as np
import pytest
import torch

from latentbook.isometry import condition_number, ellipses
from latentbook.metric import jacobian, log_volume, pullback_metric
from tests.press.widgets.networks import ACTIVATIONS, OUTPUTS, network

SCRIPTS = ["mlp.js", "metric.js"]
NUMERICS = [*SCRIPTS, "members.js"]
# Both sides hold the same weights and compute in double precision; only the order of the sums differs.
CLOSE = {"rtol": 1e-10, "atol": 1e-12}

DERIVE = """(m, layers, numbers, points) => {
    const ruler = new m.Ruler(new m.Perceptron(layers, Float32Array.from(numbers)));
    return points.map((point) => {
        const metric = ruler.at(point);
        return [metric, [...ruler.value], [...ruler.along1], [...ruler.along2]];
    });
}"""


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_derivatives_and_metric_are_torch_s(run, activation, output):
    f, layers, numbers = network([2, 16, 24, 30], activation, output)
    points = 2 * torch.randn(12, 2)
    found = run(SCRIPTS, DERIVE, layers, numbers, points.tolist())
    metric, value, first, second = (torch.tensor(column) for column in zip(*found, strict=True))
    J, G = jacobian(f, points), pullback_metric(f, points)
    torch.testing.assert_close(value, f(points).detach(), **CLOSE)
    torch.testing.assert_close(torch.stack([first, second], -1), J, **CLOSE)
    torch.testing.assert_close(metric, torch.stack([G[:, 0, 0], G[:, 0, 1], G[:, 1, 1]], -1), **CLOSE)


FORWARD = """(m, layers, numbers, inputs) => inputs.map((input) => {
    const network = new m.Perceptron(layers, Float32Array.from(numbers));
    const output = new Float64Array(network.outputs);
    network.forward(input, output);
    return [...output];
})"""


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [[64, 16, 4], [3, 40, 7, 5], [4, 2]], ids=str)
def test_networks_of_any_shape_are_torch_s(run, sizes, activation):
    f, layers, numbers = network(sizes, activation)
    x = torch.randn(5, sizes[0])
    torch.testing.assert_close(torch.tensor(run(SCRIPTS, FORWARD, layers, numbers, x.tolist())), f(x).detach(), **CLOSE)


def test_activations_far_from_zero_are_torch_s(run):
    """Where exponentials overflow or vanish; softplus is linear from 20 on, in torch too."""
    points = torch.tensor([-800.0, -30.0, -1e-9, 0.0, 1e-9, 6.6, 6.7, 30.0, 800.0])
    call = """(m, name, parameter, points) => points.map((s) => {
        const { value, slope } = m.ACTIVATIONS[name];
        const y = value(s, 0, parameter);
        return [y, slope(s, y, parameter)];
    })"""
    for name, (make, parameter) in {**ACTIVATIONS, "sigmoid": (torch.nn.Sigmoid, 0.0)}.items():
        s = points.clone().requires_grad_()
        y = make()(s)
        (slope,) = torch.autograd.grad(y.sum(), s)
        found = torch.tensor(run(SCRIPTS, call, name, parameter, points.tolist()))
        # 1 - tanh² and y (1 - y) end at rounding.
        torch.testing.assert_close(found, torch.stack([y.detach(), slope], -1), rtol=1e-9, atol=1e-15, msg=name)


def test_all_halves_are_read_as_numpy_reads_them(run):
    bits = np.arange(1 << 16, dtype="<u2")
    call = "(m, octets) => [...m.halves(new DataView(Uint8Array.from(octets).buffer))].map(String)"
    found = run(SCRIPTS, call, list(bits.tobytes()))
    np.testing.assert_array_equal(np.array(found, float), bits.view("<f2").astype(float))


def test_halves_start_where_the_bytes_do(run):
    octets = [*b"\0\0\0\0\0\0", *struct.pack("<3e", 1.0, -2.0, 0.5)]
    call = "(m, octets) => [...m.halves(new DataView(Uint8Array.from(octets).buffer, 6))]"
    assert run(SCRIPTS, call, octets) == [1.0, -2.0, 0.5]


# ---- metric and ellipses ----


def metrics(count=40):
    """Random metrics, some of them needles."""
    roots = torch.randn(count, 5, 2) * torch.logspace(0, -4, count)[:, None, None].clamp_min(1e-3)
    roots[::3, :, 1] *= 1e-3
    return roots.mT @ roots


def as_three(G):
    return torch.stack([G[:, 0, 0], G[:, 0, 1], G[:, 1, 1]], -1).tolist()


def test_axes_and_angles_are_the_room_s(run):
    G = metrics()
    call = (
        "(m, all) => all.map((G) => { const e = m.semiAxes(m.ellipseOf(G, 0.7)); return [e.long, e.short, e.angle]; })"
    )
    found = torch.tensor(run(SCRIPTS, call, as_three(G)))
    expected = ellipses(G, torch.zeros(len(G), 2), 0.7)
    # A needle's long axis is known up to its condition number, here at most about a million, times rounding.
    torch.testing.assert_close(found[:, :2], expected.axes, rtol=1e-8, atol=0)
    turned = (found[:, 2] - expected.angle) / np.pi
    assert (turned - turned.round()).abs().max() < 1e-6


def test_area_scale_and_condition_are_the_room_s(run):
    G = metrics()
    call = "(m, all) => all.map((G) => [m.magnification(G), m.conditionNumber(G)])"
    area, condition = torch.tensor(run(SCRIPTS, call, as_three(G))).T
    torch.testing.assert_close(area, log_volume(G).exp(), rtol=1e-8, atol=0)
    each = torch.stack([condition_number(one[None]).mean for one in G])
    torch.testing.assert_close(condition, each, rtol=1e-8, atol=0)


def test_a_flat_metric_has_no_ellipse_and_no_condition(run):
    call = "(m) => [m.ellipseOf([1, 1, 1], 1), m.ellipseOf([0, 0, 0], 1), m.conditionNumber([4, 0, 0]) === Infinity]"
    assert run(SCRIPTS, call) == [None, None, True]


def test_the_root_of_a_covariance(run):
    a, b, c = run(SCRIPTS, "(m) => m.deviationEllipse([5, 4, 5])")
    root = torch.tensor([[a, b], [b, c]], dtype=torch.float64)
    torch.testing.assert_close(root @ root, torch.tensor([[5.0, 4.0], [4.0, 5.0]]), rtol=1e-12, atol=0)


def test_half_way_between_two_circles_is_a_circle(run):
    call = "(m) => m.betweenEllipses(m.ellipseOf([1, 0, 1], 1), m.ellipseOf([0.25, 0, 0.25], 1), 0.5)"
    assert run(SCRIPTS, call) == pytest.approx([1.5, 0, 1.5])


# ---- members: turned planes, encoders ----


READ = """(m, content, weights, codes, calls) => {
    const bytes = (list) => new DataView(Uint8Array.from(list).buffer);
    const members = m.readMembers(content, bytes(weights), bytes(codes));
    return eval(calls)(members);
}"""


def family(turn, spread=True):
    """Two members of one shape whose numbers survive half precision, the second one's plane turned."""
    parts, described = [], []
    for seed in (0, 1):
        encoder, encoder_layers, encoder_numbers = network([6, 5, 4 if spread else 2], seed=seed)
        decoder, decoder_layers, decoder_numbers = network([2, 7, 6], "silu", "sigmoid", seed=seed + 10)
        numbers = np.array([*decoder_numbers, *encoder_numbers], "<f2")
        for model, own in ((decoder, numbers[: len(decoder_numbers)]), (encoder, numbers[len(decoder_numbers) :])):
            torch.nn.utils.vector_to_parameters(torch.tensor(own.astype(float)), model.parameters())
        identity = [[1.0, 0.0], [0.0, 1.0]]
        layers = {"decoder": decoder_layers, "encoder": encoder_layers}
        described.append({"lam": seed, "words": "", "turn": turn if seed else identity, "spread": spread, **layers})
        parts.append((encoder, decoder, numbers))
    codes = np.array([[[1, 2], [3, 4], [-0.5, 0]], [[5, 6], [7, 8], [0.25, 1]]], "<f2")
    content = {"members": described, "count": 3}
    weights = b"".join(numbers.tobytes() for _, _, numbers in parts)
    return [model[:2] for model in parts], (content, list(weights), list(codes.tobytes()))


ANGLE = 0.7
# A rotation: a mirrored one would be its own inverse.
TURNED = [[np.cos(ANGLE), np.sin(ANGLE)], [-np.sin(ANGLE), np.cos(ANGLE)]]


def test_a_turned_plane_decodes_to_the_same(run):
    models, state = family(TURNED)
    code = [0.4, -1.1]
    call = f"(members) => members.map((one) => [...(one.ruler.at(one.toPlane({code})), one.ruler.value)])"
    found = torch.tensor(run(NUMERICS, READ, *state, call))
    for (_, decoder), value in zip(models, found, strict=True):
        # The turned weights are rounded to single precision.
        torch.testing.assert_close(value, decoder(torch.tensor(code)).detach(), rtol=1e-6, atol=1e-7)


def test_a_turned_plane_has_the_turned_metric(run):
    models, state = family(TURNED)
    found = torch.tensor(
        run(NUMERICS, READ, *state, "(members) => members[1].ruler.at(members[1].toPlane([0.4, -1.1]))")
    )
    G = pullback_metric(models[1][1], torch.tensor([[0.4, -1.1]]))
    R = torch.tensor(TURNED)
    torch.testing.assert_close(found, torch.tensor(as_three(R.T @ G @ R))[0], rtol=1e-6, atol=1e-9)


def test_codes_and_planes_are_each_other_s_inverse(run):
    _, state = family(TURNED)
    back = run(NUMERICS, READ, *state, "(members) => members[1].toCode(members[1].toPlane([0.4, -1.1]))")
    assert back == pytest.approx([0.4, -1.1], abs=1e-12)


def test_the_encoder_s_answer_in_the_plane(run):
    models, state = family(TURNED)
    x = torch.rand(6)
    call = (
        f"(members) => {{ const a = members[1].encode({x.tolist()}); return [a.point, a.deviations, a.covariance]; }}"
    )
    point, deviations, covariance = run(NUMERICS, READ, *state, call)
    mean, log_std = models[1][0](x).detach().chunk(2)
    R = torch.tensor(TURNED)
    torch.testing.assert_close(torch.tensor(point), mean @ R, **CLOSE)
    torch.testing.assert_close(torch.tensor(deviations), log_std.exp(), **CLOSE)
    expected = R.T @ torch.diag((2 * log_std).exp()) @ R
    torch.testing.assert_close(torch.tensor(covariance), torch.tensor(as_three(expected[None]))[0], **CLOSE)


def test_an_autoencoder_has_no_doubt(run):
    _, state = family(TURNED, spread=False)
    call = "(members) => { const a = members[0].encode([0, 0, 0, 0, 0, 0]); return [a.covariance, a.deviations]; }"
    assert run(NUMERICS, READ, *state, call) == [None, None]


def test_each_member_has_its_own_codes(run):
    _, state = family(TURNED)
    call = "(members) => members.map((one) => [0, 1, 2].map((index) => one.codeOf(index)))"
    assert run(NUMERICS, READ, *state, call) == [[[1, 2], [3, 4], [-0.5, 0]], [[5, 6], [7, 8], [0.25, 1]]]


def test_the_nearest_point(run):
    call = "(m) => [m.nearest([0, 0, 3, 4], [3, 3.5]), m.nearest([], [0, 0]).index]"
    assert run(NUMERICS, call) == [{"index": 1, "distance": 0.5}, -1]
