"""Laws of probes: the best accuracy in closed form, codes that say nothing, scales, and splits that stay apart."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from latentbook.information.probes import PROBES, probe_accuracy

# Accuracy of the best classifier of two equal classes N(+-1, 1): the normal distribution function at 1.
BAYES = 0.841345
TRAIN, TEST = 4000, 20_000
# Four standard errors of the accuracy on the test codes: in one of 10 cells, chance alone exceeds them once in 1600.
FOUR_ERRORS = 4 * math.sqrt(BAYES * (1 - BAYES) / TEST)
# As many neighbours as come near the best accuracy at this size, about the root of it.
MANY = {"neighbours": 101}


def gaussians(n, mu=1.0, m=1, device="cpu"):
    """Return codes of two equal classes, N(+-mu, 1) in the first dimension and noise in the others, and labels."""
    y = torch.randint(2, (n,), device=device)
    z = torch.randn(n, m, device=device)
    z[:, 0] += mu * (2 * y - 1)
    return z, y


def corners(n):
    """Return codes at the corners of a square, N(+-1, .25^2) in both dimensions, labelled by exclusive or."""
    sides = torch.randint(2, (n, 2))
    return 2 * sides - 1 + 0.25 * torch.randn(n, 2), sides[:, 0] ^ sides[:, 1]


def vote(p, voters=5):
    """Return the probability that most voters say yes, each with probability p."""
    return sum(math.comb(voters, k) * p**k * (1 - p) ** (voters - k) for k in range(voters // 2 + 1, voters + 1))


# ---- closed forms ----


@pytest.mark.parametrize("m", [1, 4])
@pytest.mark.parametrize("kind", PROBES)
def test_probes_reach_the_best_accuracy_and_do_not_pass_it(device, kind, m):
    accuracy = probe_accuracy(*gaussians(TRAIN, m=m, device=device), *gaussians(TEST, m=m, device=device), kind, **MANY)
    # One standard error is .0026. What 4000 codes leave to be learnt, of the order of m / 4000, is less.
    assert abs(accuracy - BAYES) < FOUR_ERRORS


def test_the_seed_of_a_network_matters_little():
    """Five networks on the same codes: stopped early, one in ten is four standard errors below the others."""
    train, test = gaussians(TRAIN, m=4), gaussians(TEST, m=4)
    found = [probe_accuracy(*train, *test, "mlp", seed=seed) for seed in range(5)]
    assert max(abs(accuracy - BAYES) for accuracy in found) < FOUR_ERRORS
    # The codes are the same, and most of the sampling error with them: half of one standard error between networks.
    assert max(found) - min(found) < FOUR_ERRORS / 4


def test_a_network_does_not_learn_its_training_codes_by_heart():
    accuracy = probe_accuracy(*gaussians(TRAIN, m=32), *gaussians(TEST, m=32), "mlp")
    # Measured with other codes: a loss of .016 with weight decay, of .06 without.
    assert accuracy > BAYES - 0.03


def test_five_neighbours_have_the_accuracy_of_five_votes():
    n = 50_000
    z = torch.linspace(-8, 8, 4001)
    p, density = torch.sigmoid(2 * z), torch.cosh(z) * torch.exp(-(z**2 + 1) / 2) / math.sqrt(2 * math.pi)
    right = torch.trapezoid(density * (p * vote(p) + (1 - p) * (1 - vote(p))), z).item()
    accuracy = probe_accuracy(*gaussians(n), *gaussians(n), "knn")
    # The test's standard error is .0017; that of the votes, of n / 5 groups that are wrong by .5 at most, .0025.
    assert accuracy == pytest.approx(right, abs=4 * math.hypot(0.0017, 0.0025))
    # Far from the best accuracy, and so the numbers of neighbours are told apart.
    assert BAYES - right > 0.02


@pytest.mark.parametrize("kind", PROBES)
def test_constant_codes_give_the_most_frequent_class(kind):
    y = torch.tensor([0, 1, 1, 2, 1, 0, 2, 1, 0, 1]).repeat(30)
    z = torch.full((len(y), 3), 2.5)
    rare = torch.tensor([0, 0, 1, 2])
    # All neighbours are equally near; with fewer, which of them vote is anyone's guess.
    accuracy = probe_accuracy(z, y, z[:4], rare, kind, neighbours=len(y))
    assert accuracy == 0.25
    assert probe_accuracy(z, y, z, y, kind, neighbours=len(y)) == 0.5


@pytest.mark.parametrize("kind", PROBES)
def test_codes_without_information_give_no_more_than_the_most_frequent_class(kind):
    y = (torch.rand(TRAIN + TEST) < 0.3).long()
    z = torch.randn(TRAIN + TEST, 2)
    accuracy = probe_accuracy(z[:TRAIN], y[:TRAIN], z[TRAIN:], y[TRAIN:], kind)
    error = math.sqrt(0.7 * 0.3 / TEST)
    if kind == "knn":
        votes = vote(0.7)
        # Votes are noise: TRAIN / 5 groups, each right with .7 or .3.
        assert accuracy == pytest.approx(
            0.7 * votes + 0.3 * (1 - votes), abs=4 * math.hypot(error, 0.2 / math.sqrt(800))
        )
    else:
        assert abs(accuracy - 0.7) < 4 * error
    assert accuracy < 0.7 + 4 * error


@pytest.mark.parametrize("kind", PROBES)
def test_exclusive_or_tells_linear_probes_from_others(kind):
    accuracy = probe_accuracy(*corners(2000), *corners(2000), kind)
    if kind in ("logistic", "svm-linear"):
        # A line has at most three corners on their sides; four standard errors.
        assert accuracy < 0.75 + 4 * math.sqrt(0.75 * 0.25 / 2000)
    else:
        # The best accuracy is .99994. A probe may be off by one point in a hundred where it saw none.
        assert accuracy > 0.99


@pytest.mark.parametrize("kind", PROBES)
def test_several_classes_with_any_names(kind):
    """Five classes far apart; `multi_class`, which scikit-learn no longer takes, is not passed."""
    names = torch.tensor([-7, 3, 4, 100, 2**40])
    index = torch.arange(1000) % 5
    z = 10 * torch.eye(5)[index] + torch.randn(1000, 5)
    # Neighbouring means are 14 deviations apart: an error has probability 1e-12.
    assert probe_accuracy(z[:500], names[index[:500]], z[500:], names[index[500:]], kind) == 1


# ---- scales ----


@pytest.mark.parametrize("kind", PROBES)
def test_the_unit_of_a_code_does_not_matter(kind):
    """Unscaled, a probe sees the large dimension alone, and its optimiser does not arrive."""
    train, test = gaussians(1000, m=3), gaussians(2000, m=3)
    plain = probe_accuracy(*train, *test, kind)
    # Powers of two scale without rounding.
    units = torch.tensor([2.0**-14, 2.0**10, 1.0])
    assert probe_accuracy(units * train[0], train[1], units * test[0], test[1], kind) == plain
    # A shift rounds by 1e-13, and turns only codes on a border; two of them may lie there.
    shift = torch.tensor([1000.0, 0.0, -30.0])
    assert probe_accuracy(train[0] + shift, train[1], test[0] + shift, test[1], kind) == pytest.approx(plain, abs=0.001)


@pytest.mark.parametrize("kind", PROBES)
def test_collapsed_latents_are_survived(kind):
    """Constant dimensions, and one that is constant in the training codes alone."""
    (a, y), (b, truth) = gaussians(500, mu=4.0), gaussians(500, mu=4.0)
    a = torch.cat([a, torch.zeros(500, 2), torch.full((500, 1), 0.1)], -1)
    b = torch.cat([b, torch.zeros(500, 2), 0.1 + 1e-3 * torch.randn(500, 1)], -1)
    # One error in 30 000 at best; of 500 codes two are far more than chance.
    assert probe_accuracy(a, y, b, truth, kind) >= 0.996


def test_trailing_dimensions_are_made_flat_and_gradients_are_left_alone():
    (a, y), (b, truth) = gaussians(300, m=6), gaussians(300, m=6)
    flat = probe_accuracy(a, y, b, truth)
    assert probe_accuracy(a.reshape(300, 1, 2, 3).requires_grad_(), y, b.reshape(300, 1, 2, 3), truth) == flat
    assert probe_accuracy(a.float(), y.int(), b.float(), truth.to(torch.uint8)) == pytest.approx(flat, abs=0.01)


# ---- splits ----


@pytest.mark.parametrize("kind", PROBES)
def test_a_probe_learns_from_the_training_split_alone(kind):
    """Where the test labels say the opposite, a probe that had seen four fifths of them would be right."""
    (a, y), (b, truth) = gaussians(500, mu=4.0), gaussians(500, mu=4.0)
    # One error in 30 000 at best; of 500 codes two are far more than chance.
    assert probe_accuracy(a, y, b, 1 - truth, kind) <= 0.004


@pytest.mark.parametrize("kind", PROBES)
def test_test_codes_are_judged_one_by_one(kind):
    """Scaled by their own mean, the codes of one class would look like those of both."""
    train, (b, truth) = gaussians(500), gaussians(2000)
    parts = [probe_accuracy(*train, b[truth == k], truth[truth == k], kind) * int((truth == k).sum()) for k in (0, 1)]
    # The sum of two whole numbers, up to rounding.
    assert probe_accuracy(*train, b, truth, kind) == pytest.approx(sum(parts) / 2000, abs=1e-12)


def test_means_know_more_than_samples():
    """Means apart by a fifth of the noise: the means tell all, the samples the normal distribution function at .1."""
    (_, y), (_, truth) = gaussians(TRAIN), gaussians(TEST)
    a, b = (0.1 * (2.0 * labels[:, None] - 1) for labels in (y, truth))
    assert probe_accuracy(a, y, b, truth) == 1
    on_samples = probe_accuracy(a + torch.randn(TRAIN, 1), y, b + torch.randn(TEST, 1), truth)
    # One standard error of the test is .0035; a border that is off by .16, its standard error, loses 5e-4.
    assert on_samples == pytest.approx(0.539828, abs=4 * 0.0035)


# ---- seeds and iterations ----


def test_the_seed_decides_and_the_callers_random_numbers_are_as_before():
    train, test = gaussians(300, m=4), gaussians(3000, m=4)
    ours, theirs = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    found = [probe_accuracy(*train, *test, "mlp", seed=seed) for seed in (0, 1, 2, 3, 0)]
    assert found[0] == found[4]
    # Four networks that agree in all of 3000 codes would be one.
    assert len(set(found)) > 1
    assert torch.get_rng_state().equal(ours)
    assert (np.random.get_state()[1] == theirs).all()  # noqa: NPY002


@pytest.mark.parametrize("kind", ["logistic", "svm-linear", "mlp"])
def test_a_probe_that_is_not_done_says_so_once(kind):
    train, test = gaussians(300, m=4), gaussians(300, m=4)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        accuracy = probe_accuracy(*train, *test, kind, iterations=1)
    assert [warning.category for warning in said] == [UserWarning]
    assert f"`kind` {kind!r} has used up its 1 iterations" in str(said[0].message)
    assert 0 <= accuracy <= 1


@pytest.mark.parametrize("kind", ["svm-rbf", "knn"])
def test_probes_without_a_number_of_iterations_need_none(kind):
    train, test = gaussians(300, m=4), gaussians(300, m=4)
    assert probe_accuracy(*train, *test, kind, iterations=1) == probe_accuracy(*train, *test, kind)


@pytest.mark.parametrize("kind", PROBES)
@pytest.mark.parametrize("size", [4, 12, 30])
def test_few_examples_suffice(kind, size):
    """Fewer than a batch of the MLP."""
    y = torch.arange(size) % 2
    z = 20.0 * y[:, None] + torch.randn(size, 2)
    # Classes are 20 deviations apart; no probe of these confuses them, with 3 neighbours of at least 2 likes even.
    assert probe_accuracy(z, y, z, y, kind, neighbours=3) == 1


def test_scikit_learn_is_imported_when_a_probe_is_asked_for():
    code = "import sys, latentbook.information.probes\nprint('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# ---- what is refused ----


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"train_labels": None}, ValueError, r"`train_labels` is None, .*: load data with labels"),
        ({"test_labels": None}, ValueError, r"`test_labels` is None"),
        ({"train_labels": torch.full((8,), 3)}, ValueError, r"`train_labels` has the class 3 alone"),
        ({"test_labels": torch.tensor([0, 1, 5, 1])}, ValueError, r"`test_labels` has the class 5, .*: leave it out"),
        ({"train_labels": torch.arange(7) % 2}, ValueError, r"`train_labels` has shape \(7,\) for codes .* \(8, 3\)"),
        ({"test_labels": torch.zeros(4, 1).long()}, ValueError, r"`test_labels` has shape \(4, 1\)"),
        ({"train_labels": torch.zeros(8)}, TypeError, r"`train_labels` is torch.float32, .* pass `.long\(\)`"),
        ({"test_codes": torch.zeros(4, 2)}, ValueError, r"`test_codes` has codes of shape \(2,\), .* have \(3,\)"),
        ({"test_codes": torch.zeros(4)}, ValueError, r"`test_codes` has shape \(4,\), but must be \(N, m\)"),
        ({"train_codes": torch.zeros(0, 3)}, ValueError, r"`train_codes` has shape \(0, 3\)"),
        ({"train_codes": torch.zeros(8, 3).long()}, TypeError, r"`train_codes` is torch.int64, .* `.float\(\)`"),
        ({"train_codes": torch.full((8, 3), math.nan)}, ValueError, r"`train_codes` has entries that are not finite"),
        ({"test_codes": torch.full((4, 3), math.inf)}, ValueError, r"`test_codes` has entries that are not finite"),
        ({"kind": "forest"}, ValueError, r"`kind` is 'forest', but must be one of logistic, svm-rbf, svm-linear"),
        ({"seed": -1}, ValueError, r"`seed` is -1, but must be from 0"),
        ({"seed": 2**32}, ValueError, r"`seed` is 4294967296"),
        ({"iterations": 0}, ValueError, r"`iterations` is 0, but must be at least 1"),
        ({"kind": "knn", "neighbours": 9}, ValueError, r"`neighbours` is 9, .* number of training codes, 8"),
        ({"kind": "knn", "neighbours": 0}, ValueError, r"`neighbours` is 0"),
    ],
)
def test_what_is_refused(change, error, words):
    good = {"train_codes": torch.rand(8, 3), "train_labels": torch.arange(8) % 2}
    good |= {"test_codes": torch.rand(4, 3), "test_labels": torch.arange(4) % 2}
    with pytest.raises(error, match=words):
        probe_accuracy(**good | change)


def test_neighbours_are_only_asked_of_those_who_have_some():
    y = torch.arange(4) % 2
    assert probe_accuracy(10.0 * y[:, None], y, 10.0 * y[:, None], y, "logistic", neighbours=5) == 1
