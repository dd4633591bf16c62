"""The estimate by mixtures against quadrature and the repeated form, the bound by a classifier, and the trap."""

import math

import pytest
import torch
from scipy import integrate
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from latentbook.information import (
    accuracy_bound,
    entropy_of,
    mutual_information,
    mutual_information_lower_bound,
)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def two_gaussians(mu):
    """I(l; z) for two equally probable classes N(±mu, 1), by quadrature."""

    def term(z):
        other = math.exp(-2 * mu * z)
        return math.exp(-((z - mu) ** 2) / 2) / math.sqrt(2 * math.pi) * (math.log(2) - math.log1p(other))

    return integrate.quad(term, mu - 9, mu + 9)[0]


def by_repeats(mean, std, labels, z):
    """The original's form: every sample beside every posterior of a class."""
    total = torch.zeros(len(z))
    logs = []
    for one in labels.unique():
        own = labels == one
        density = torch.distributions.Normal(mean[own][None], std[own][None]).log_prob(z[:, None]).sum(-1)
        logs.append(density.logsumexp(1) - math.log(int(own.sum())))
    logs = torch.stack(logs, 1)
    shares = torch.stack([(labels == one).double().mean() for one in labels.unique()])
    total = (logs + shares.log()).logsumexp(1)
    column = torch.searchsorted(labels.unique(), labels)
    return (logs[torch.arange(len(z)), column] - total).mean().item()


@pytest.mark.parametrize(
    ("mu", "nats"), [(0.25, 0.030311), (0.5, 0.111421), (1, 0.336831), (2, 0.632720), (4, 0.693054)]
)
def test_two_classes_at_a_distance(mu, nats, device):
    assert two_gaussians(mu) == pytest.approx(nats, abs=6e-7)
    labels = (torch.arange(6000) % 2).to(device)
    mean = mu * (2.0 * labels[:, None] - 1)
    generator = torch.Generator(device).manual_seed(0)
    found = mutual_information(mean, torch.ones_like(mean), labels, generator=generator)
    # All posteriors of a class are one: the mixture is exact, and the error that of the samples.
    assert abs(found.value - nats) < 4 * found.error + 1e-9
    assert found.error < 0.01
    if mu == 1:
        bayes = 0.5 * (1 + math.erf(1 / math.sqrt(2)))
        assert bayes < accuracy_bound(nats, torch.tensor([0.5, 0.5])).item() == pytest.approx(0.885258, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_are_the_repeats(dtype):
    draw = source()
    labels = torch.randint(0, 4, (300,), generator=draw) * 3
    mean = (torch.randn(300, 8, generator=draw) + 0.1 * labels[:, None] + 50).to(dtype)
    std = (0.5 + torch.rand(300, 8, generator=draw)).to(dtype)
    found = mutual_information(mean, std, labels, generator=source(1))
    noise = torch.randn(mean.shape, generator=source(1), dtype=dtype)
    z = mean.double() + std.double() * noise.double()
    assert found.value == pytest.approx(by_repeats(mean.double(), std.double(), labels, z), abs=1e-9)
    # Not at its largest, which is the same for all that is far apart.
    assert 0.3 < found.value < 1.2


def test_a_chunk_decides_memory_alone(monkeypatch):
    draw = source()
    labels = torch.randint(0, 3, (200,), generator=draw)
    mean, std = torch.randn(200, 2, 2, generator=draw), torch.rand(200, 2, 2, generator=draw) + 0.1
    held, product = [], torch.addmm

    def spy(*matrices):
        held.append(product(*matrices))
        return held[-1]

    monkeypatch.setattr(torch, "addmm", spy)
    found = []
    for chunk in (1, 1000, 10**9):
        held.clear()
        found.append(mutual_information(mean, std, labels, generator=source(1), chunk=chunk))
        # One row at least.
        assert max(some.numel() for some in held) <= max(chunk, 200)
    assert found[0].value == pytest.approx(found[1].value, abs=1e-12)
    assert found[0].value == pytest.approx(found[2].value, abs=1e-12)


def test_codes_of_other_units_tell_the_same():
    draw = source()
    labels = torch.randint(0, 3, (200,), generator=draw)
    mean, std = torch.randn(200, 3, generator=draw), torch.rand(200, 3, generator=draw) + 0.1
    scale, shift = torch.tensor([1e-3, 1.0, 1e3]), torch.tensor([0.0, 1e5, -1e8])
    one = mutual_information(mean, std, labels, generator=source(1)).value
    other = mutual_information(scale * mean + shift, scale * std, labels, generator=source(1)).value
    # Moved by 1e5 deviations, means have five digits less of sixteen; their squares would have ten less.
    assert other == pytest.approx(one, abs=1e-9)


def test_the_same_posterior_for_all_tells_nothing():
    labels = torch.arange(50) % 5
    found = mutual_information(torch.zeros(50, 3), torch.ones(50, 3), labels, generator=source())
    assert found.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("std", "seeming"), [(2.0, 0.0467), (0.5, 1.492), (0.05, 2.2843)])
def test_random_labels_fool_the_estimate_and_not_the_bound(std, seeming):
    """Narrow posteriors tell which example a code is of, and a label that was drawn by lot with it."""
    # The draws of the reference: means, labels and noise, in single precision, one after the other.
    torch.manual_seed(0)
    mean, labels = torch.randn(500, 8, dtype=torch.float32), torch.randint(0, 10, (500,))
    found = mutual_information(mean, torch.full_like(mean, std), labels)
    assert found.value == pytest.approx(seeming, abs=6e-4)
    assert found.value <= entropy_of(torch.bincount(labels) / 500).item() + 1e-9
    codes = mean + std * torch.randn(mean.shape)
    held_out = mutual_information_lower_bound(codes[:250], labels[:250], codes[250:], labels[250:])
    assert held_out.value < 3 * held_out.error


@pytest.mark.parametrize("mu", [0.25, 1, 2])
def test_the_bound_is_one_and_nearly_reached(mu):
    draw = source()
    labels = torch.arange(20_000) % 2
    codes = mu * (2.0 * labels[:, None] - 1) + torch.randn(20_000, 1, generator=draw)
    half = slice(0, 10_000), slice(10_000, None)
    found = mutual_information_lower_bound(codes[half[0]], labels[half[0]], codes[half[1]], labels[half[1]])
    # Logistic regression has the right form here: what is missing is its own error, of order 1 / 10,000.
    assert abs(found.value - two_gaussians(mu)) < 4 * found.error + 2e-4


def test_another_classifier_may_see_more():
    """Exclusive or: no line tells the classes apart, their covariances do."""
    draw = source()
    codes = torch.randn(2000, 2, generator=draw)
    labels = ((codes[:, 0] > 0) ^ (codes[:, 1] > 0)).long()
    split = codes[:1000], labels[:1000], codes[1000:], labels[1000:]
    linear = mutual_information_lower_bound(*split)
    assert abs(linear.value) < 0.02
    curved = mutual_information_lower_bound(*split, classifier=QuadraticDiscriminantAnalysis())
    assert curved.value > 0.1


def test_classes_may_be_of_any_size():
    """Codes that know nothing get nothing, also where one class is nine times as common."""
    draw = source()
    labels = (torch.rand(4000, generator=draw) < 0.1).long()
    codes = torch.randn(4000, 2, generator=draw)
    found = mutual_information_lower_bound(codes[:2000], labels[:2000], codes[2000:], labels[2000:])
    assert abs(found.value) < 0.01
    assert abs(mutual_information(torch.zeros(4000, 2), torch.ones(4000, 2), labels, generator=draw).value) < 1e-12


def test_a_linear_code_is_told_whatever_its_units():
    """Scaled by the training codes: without, the solver would stop long before it has found the small one."""
    draw = source()
    labels = torch.arange(2000) % 2
    codes = torch.stack([1e-4 * (2.0 * labels - 1), torch.zeros(2000)], 1) + torch.tensor([5e-5, 1e4]) * torch.randn(
        2000, 2, generator=draw
    )
    found = mutual_information_lower_bound(codes[:1000], labels[:1000], codes[1000:], labels[1000:])
    assert abs(found.value - two_gaussians(2)) < 4 * found.error + 2e-3


def test_labels_may_be_any_integers_and_codes_any_shape():
    draw = source()
    labels = torch.tensor([3, 7]).repeat(500)
    codes = (labels == 7)[:, None, None] * 3.0 + torch.randn(1000, 2, 2, generator=draw)
    found = mutual_information_lower_bound(codes[:500], labels[:500], codes[500:], labels[500:])
    assert 0.6 < found.value <= math.log(2)
    assert mutual_information(codes, torch.ones_like(codes), labels, generator=draw).value > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"std": torch.ones(4, 3)}, r"`std` has shape \(4, 3\), but `mean` has \(4, 2\)"),
        ({"std": torch.tensor([[1.0, 0.0]] * 4)}, "`std` has a deviation"),
        ({"std": torch.tensor([[1.0, math.inf]] * 4)}, "`std` has a deviation"),
        ({"mean": torch.full((4, 2), math.nan)}, "`mean` has numbers that are not finite"),
        ({"labels": torch.tensor([0, 1, 0])}, "`mean` has shape"),
        ({"labels": torch.tensor([1, 1, 1, 1])}, "`labels` has one class only"),
        ({"chunk": 0}, "`chunk` is 0"),
    ],
)
def test_wrong_posteriors_are_named(change, message, unchecked):
    arguments = {"mean": torch.randn(4, 2), "std": torch.ones(4, 2), "labels": torch.tensor([0, 1, 0, 1])} | change
    with pytest.raises(ValueError, match=message):
        mutual_information(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_labels": torch.tensor([0, 0, 0, 0])}, "`train_labels` has one class only"),
        ({"test_labels": torch.tensor([0, 2, 0, 2])}, "`test_labels` has the class 2, which `train_labels` has not"),
        ({"test_labels": torch.tensor([0, 0, 0, 0])}, "`test_labels` has one class only"),
        ({"test_codes": torch.full((4, 2), math.inf)}, "`test_codes` has numbers that are not finite"),
        ({"train_codes": torch.randn(3, 2)}, "`train_codes` has shape"),
    ],
)
def test_wrong_codes_are_named(change, message, unchecked):
    l = torch.tensor([0, 1, 0, 1])  # noqa: E741  (as in the formula)
    arguments = {"train_codes": torch.randn(4, 2), "train_labels": l, "test_codes": torch.randn(4, 2), "test_labels": l}
    with pytest.raises(ValueError, match=message):
        mutual_information_lower_bound(**arguments | change)


def test_a_classifier_without_probabilities_is_refused():
    codes, labels = torch.randn(8, 2), torch.arange(8) % 2
    with pytest.raises(TypeError, match="`classifier` is a KNeighborsClassifier, which has no `predict_log_proba`"):
        mutual_information_lower_bound(codes, labels, codes, labels, classifier=KNeighborsClassifier(2))
