"""Alignment with the smallest eigenvalue: the definition, ties, continuity, and what must not dominate."""

import math

import pytest
import torch

from latentbook.geodesics import BezierCurve, curve_alignment, straight_line
from tests.geodesics.test_solver import bowl, decoder
from tests.surfaces import DECODERS, SURFACES, M, orthonormal_columns, rotation


def line(direction):
    direction = torch.as_tensor(direction, dtype=torch.float64)
    return straight_line(torch.zeros_like(direction), direction)


def constant(*diagonal):
    G = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    return lambda z: G.to(z)


def test_the_definition():
    """R15: directions along the smallest eigenvector, across, and in between."""
    lines = line([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-3.0, 4.0]])
    expected = torch.tensor([1.0, 0.0, 0.6, 0.6])
    torch.testing.assert_close(curve_alignment(None, lines, metric=constant(1, 4)), expected, rtol=0, atol=1e-12)
    scaled = lambda z: z * z.new_tensor([1, 2])  # noqa: E731
    torch.testing.assert_close(curve_alignment(scaled, lines), expected, rtol=0, atol=1e-12)


def test_the_condition_number_weighs():
    r"""Half of the time diag(1, 2) and half diag(9, 1), along the first axis: (2 x 1 + 9 x 0) / (2 + 9)."""

    def metric(z):
        first = (z[:, :1] < 0.5).to(z)
        return torch.diag_embed(first * z.new_tensor([1, 2]) + (1 - first) * z.new_tensor([9, 1]))

    assert curve_alignment(None, line([1.0, 0.0]), metric=metric).item() == pytest.approx(2 / 11, abs=1e-12)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_an_isotropic_metric_gives_one(m):
    """The original gives 0.6 or what the eigenvector of the day makes of it."""
    lines = straight_line(torch.randn(6, m), torch.randn(6, m))
    for metric in (constant(*[3.0] * m), lambda z: (1 + z.square().sum(-1))[:, None, None] * torch.eye(m)):
        torch.testing.assert_close(curve_alignment(None, lines, metric=metric), torch.ones(6), rtol=0, atol=1e-12)
    assert curve_alignment(lambda z: 0 * z, lines).allclose(torch.ones(6))


def test_ties_count_as_a_space():
    """Of diag(1, 1, 4) the first two axes together, however they are turned within their plane."""
    u = torch.nn.functional.normalize(torch.randn(8, 3), dim=-1)
    expected = u[:, :2].norm(dim=-1)
    torch.testing.assert_close(curve_alignment(None, line(u), metric=constant(1, 1, 4)), expected, rtol=0, atol=1e-12)
    Q = orthonormal_columns(3, 3)
    turned = Q @ torch.diag(torch.tensor([1.0, 1.0, 4.0])) @ Q.T
    found = curve_alignment(None, line(u @ Q.T), metric=lambda z: turned)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_it_does_not_jump_where_eigenvalues_meet():
    """From an isotropic metric to one eigenvalue larger by 3 %, in steps of a hundredth of that."""
    gaps = torch.linspace(0, 0.03, 101)
    found = torch.stack([curve_alignment(None, line([0.6, 0.8]), metric=constant(1, 1 + gap)) for gap in gaps.tolist()])
    assert found[0].item() == pytest.approx(1, abs=1e-12)
    # Beyond the tolerance of 1 % there is one direction alone.
    torch.testing.assert_close(found[gaps > 0.0101], torch.full((int((gaps > 0.0101).sum()),), 0.6))
    assert (found.diff() <= 1e-12).all()
    # A step is 0.03 of the tolerance, and the weight of a component of 0.8 falls by as much.
    assert found.diff().abs().max() < 0.03
    # From the other side, where the other direction is the smallest.
    other = curve_alignment(None, line([0.6, 0.8]), metric=constant(1 + 1e-9, 1))
    assert other.item() == pytest.approx(1, abs=1e-6)


def test_a_point_without_rank_does_not_drown_the_others():
    """Bounded by the inverse of the floor, as is said: half of the time diag(0, 1), half diag(9, 1)."""

    def metric(z):
        first = (z[:, :1] < 0.5).to(z)
        return torch.diag_embed(first * z.new_tensor([1e-30, 1]) + (1 - first) * z.new_tensor([9, 1]))

    for floor in (1e-4, 1e-2, 1.0):
        found = curve_alignment(None, line([1.0, 0.0]), metric=metric, floor=floor).item()
        # With a floor of 1 all eigenvalues are one.
        expected = (1 / floor) / (1 / floor + 9) if floor < 1 else 1
        assert found == pytest.approx(expected, rel=1e-9)


def test_directions_that_move_no_data_are_one_space():
    """A decoder that looks at the last of three latents: all of the plane of the others is the smallest."""
    u = torch.nn.functional.normalize(torch.randn(6, 3), dim=-1)
    found = curve_alignment(lambda z: z[:, 2:], line(u))
    torch.testing.assert_close(found, u[:, :2].norm(dim=-1), rtol=0, atol=1e-12)


def test_standing_still_does_not_count():
    """The curve waits at a third of its way, and goes on; one that does nothing else has no alignment."""
    way = line([0.6, 0.8])

    def waiting(t):
        return way(torch.where(t < 0.3, t, (t - 0.3).relu() + 0.3 - (t - 0.3).clamp(0, 0.4)))

    expected = curve_alignment(None, way, metric=constant(1, 4))
    torch.testing.assert_close(curve_alignment(None, waiting, metric=constant(1, 4)), expected)
    lines = straight_line(torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [0.6, 0.8]]))
    found = curve_alignment(None, lines, metric=constant(1, 4))
    assert found.isnan().tolist() == [True, False]


@pytest.mark.parametrize("name", ["torus", "helicoid", "sphere"])
def test_it_is_the_sum_that_is_written(name):
    f, metric = SURFACES[name]
    curve = BezierCurve(
        straight_line(torch.full((2,), 0.6), torch.tensor([1.6, 1.4]), 5).points + 0.1 * torch.randn(5, 2)
    )
    t = (torch.arange(64) + 0.5) / 64
    values, vectors = torch.linalg.eigh(metric(curve(t)))
    u = torch.nn.functional.normalize(curve.derivative(t), dim=-1)
    k, along = values[:, 1] / values[:, 0], (vectors[:, :, 0] * u).sum(-1).abs()
    for given in ((f, None), (None, metric)):
        found = curve_alignment(given[0], curve, 64, metric=given[1], tie=1e-9)
        torch.testing.assert_close(found, (k * along).sum() / k.sum(), rtol=1e-9, atol=0)


def test_it_is_between_nothing_and_one_and_knows_no_units():
    f, curve = DECODERS["tanh"](), BezierCurve(torch.randn(2, 3, 4, M))
    found = curve_alignment(f, curve)
    assert found.shape == (2, 3)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    torch.testing.assert_close(curve_alignment(lambda z: 1e3 * f(z), curve), found)
    torch.testing.assert_close(curve_alignment(f, BezierCurve(curve.points.flip(-2))), found)


def test_rotations_of_both_spaces_change_nothing():
    f, curve, R, Q = decoder(), BezierCurve(torch.randn(3, 4, 2)), rotation(0.7), orthonormal_columns(20, 16)
    found = curve_alignment(lambda w: f(w @ R.T) @ Q.T + 1, BezierCurve(curve.points @ R))
    torch.testing.assert_close(found, curve_alignment(f, curve), rtol=1e-9, atol=1e-9)


def test_on_the_bowl():
    """Circles around the axis are the direction in which it is not steep, meridians are across."""
    t = torch.linspace(0, 1, 20)
    arc = BezierCurve(torch.stack([torch.ones(20), 1e-3 * t], -1))
    assert curve_alignment(bowl, arc).item() == pytest.approx(1, abs=1e-5)
    assert curve_alignment(bowl, straight_line(torch.tensor([0.5, 0.0]), torch.tensor([1.0, 0.0]))).item() < 1e-12


def test_any_callable_of_torch_is_a_curve():
    found = curve_alignment(None, lambda t: torch.stack([t, t**2], -1), n=2000, metric=constant(1, 4))
    # The mean of 1 / sqrt(1 + 4 t^2), asinh(2) / 2; the middle rule at 2,000 points errs by some 1e-7.
    assert found.item() == pytest.approx(math.asinh(2) / 2, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_follow_the_curve(dtype, device):
    curve = straight_line(*torch.rand(2, 3, 2, dtype=dtype, device=device))
    found = curve_alignment(bowl, curve)
    assert found.dtype == dtype
    assert found.device == curve.points.device


LINE = straight_line(torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: curve_alignment(bowl, LINE, 0), ValueError, "`n` is 0, .* pass 1 or more"),
        (lambda: curve_alignment(bowl, LINE, floor=0.0), ValueError, r"`floor` is 0.0, .* in \(0, 1\]"),
        (lambda: curve_alignment(bowl, LINE, floor=2.0), ValueError, "`floor` is 2.0"),
        (lambda: curve_alignment(bowl, LINE, tie=0.0), ValueError, "`tie` is 0.0, .* more than 0"),
        (lambda: curve_alignment(lambda z: (z - 0.5).log(), LINE), ValueError, r"`f` is not finite at \[0.00"),
        (lambda: curve_alignment(lambda z: (z - z.detach()).sqrt(), LINE), ValueError, "derivatives on the curve"),
        (
            lambda: curve_alignment(None, LINE, metric=lambda z: (0.5 - z[:, 0])[:, None, None] * torch.eye(2).to(z)),
            ValueError,
            r"`metric` is not symmetric and positive definite at \[0.5",
        ),
        (lambda: curve_alignment(lambda z: (z, z), LINE), TypeError, "`f` returns tuple"),
        (lambda: curve_alignment(lambda z: z.long(), LINE), TypeError, "`f` returns torch.int64"),
        (lambda: curve_alignment(lambda z: z.detach(), LINE), TypeError, "`f` cannot be differentiated"),
        (lambda: curve_alignment(bowl, lambda t: LINE(t.detach())), TypeError, "`curve` cannot be differentiated"),
        (lambda: curve_alignment(bowl, lambda t: torch.ones(len(t), 2)), TypeError, "`curve` cannot be differentiated"),
        (lambda: curve_alignment(None, LINE), ValueError, "one of them measures"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_condition_numbers_are_finite():
    assert math.isfinite(curve_alignment(lambda z: z[:, :1], line([0.6, 0.8])).item())
