"""Bounds by rates: published figures, the channel that attains them, and channels drawn by lot."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentbook.information import accuracy_bound, distortion_bound, entropy_of, information_bound, score_bound

SVHN = [1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595]


def uniform(classes):
    return torch.full((classes,), 1 / classes)


def svhn():
    counts = torch.tensor(SVHN, dtype=torch.float64)
    return counts / counts.sum()


def information_of(joint):
    """Mutual information of labels (rows) and what is seen of them."""
    product = joint.sum(1, keepdim=True) * joint.sum(0)
    return torch.where(joint > 0, joint * (joint / product).log(), 0).sum()


@pytest.mark.parametrize(
    ("classes", "accuracy", "nats"),
    [(10, 0.5, 0.510826), (10, 0.9, 1.757780), (10, 0.99, 2.224611), (10, 1, math.log(10)), (2, 0.9, 0.368064)],
)
def test_what_an_accuracy_takes(classes, accuracy, nats):
    assert information_bound(accuracy, uniform(classes)).item() == pytest.approx(nats, abs=6e-7)


@pytest.mark.parametrize(
    ("probabilities", "nats", "accuracy"),
    [
        *[(uniform(10), nats, a) for nats, a in [(0, 0.1), (0.05, 0.206729), (0.1, 0.256866), (0.5, 0.495051)]],
        *[(uniform(10), nats, a) for nats, a in [(1, 0.689217), (1.5, 0.837045), (2, 0.951124), (2.2, 0.986285)]],
        *[(uniform(10), nats, 1) for nats in (math.log(10) + 1e-12, 2.4, 100.0)],
        *[(uniform(2), nats, a) for nats, a in [(0.1, 0.719795), (0.5, 0.951811)]],
        *[(svhn(), nats, a) for nats, a in [(0.1, 0.318892), (0.5, 0.530631), (1, 0.715399), (2, 0.966092)]],
        # By Fano's inequality alone this would be 0.238454: no information is no better than the commonest class.
        (svhn(), 0, max(SVHN) / sum(SVHN)),
    ],
)
def test_how_often_a_classifier_can_be_right(probabilities, nats, accuracy):
    assert accuracy_bound(nats, probabilities).item() == pytest.approx(accuracy, abs=6e-7)


@given(classes=st.integers(2, 12), share=st.floats(0, 1))
def test_one_undoes_the_other(classes, share):
    accuracy = 1 / classes + share * (1 - 1 / classes)
    nats = information_bound(accuracy, uniform(classes))
    # Where f is flat, at guessing, its inverse magnifies rounding to its square root.
    assert accuracy_bound(nats, uniform(classes)).item() == pytest.approx(accuracy, abs=1e-6)


def test_the_symmetric_channel_attains_it():
    for classes, right in [(2, 0.7), (5, 0.5), (10, 0.95)]:
        joint = torch.full((classes, classes), (1 - right) / (classes - 1)) / classes
        joint.fill_diagonal_(right / classes)
        assert accuracy_bound(information_of(joint), uniform(classes)).item() == pytest.approx(right, abs=1e-9)


def test_no_channel_is_above_it():
    draw = torch.Generator().manual_seed(0)
    for _ in range(500):
        classes = int(torch.randint(2, 8, (), generator=draw))
        sharpness = torch.rand((), generator=draw) * 6
        joint = (sharpness * torch.randn(classes, 6, generator=draw)).flatten().softmax(0).reshape(classes, 6)
        best = joint.amax(0).sum()
        assert best <= accuracy_bound(information_of(joint), joint.sum(1)) + 1e-9


def test_more_information_never_lowers_it():
    nats = torch.linspace(0, 2.5, 400)
    found = accuracy_bound(nats, svhn())
    assert (found.diff() >= 0).all()
    assert found.dtype == torch.float64


def test_sums_of_rates_bound_the_distortion():
    rates = torch.tensor([[0.3, 0.2], [1.0, 1.0]])
    torch.testing.assert_close(distortion_bound(2.0, rates), torch.tensor([1.5, 0.0]))


def test_entropies():
    assert entropy_of(svhn()).item() == pytest.approx(2.222579, abs=6e-7)
    assert entropy_of(torch.tensor([0.0, 1.0])).item() == 0
    assert score_bound(10) == 10


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (torch.tensor([1.0]), "two classes or more"),
        (torch.tensor([[0.5, 0.5]]), "two classes or more"),
        (torch.tensor([0.5, 0.4]), "with the sum 1"),
        (torch.tensor([1.0, 0.0]), "leave out classes that never occur"),
        (torch.tensor([1.5, -0.5]), "above 0"),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities, message, unchecked):
    with pytest.raises(ValueError, match=f"`class_probs` .*{message}"):
        accuracy_bound(0.5, probabilities)
    with pytest.raises(ValueError, match=f"`class_probs` .*{message}"):
        information_bound(0.9, probabilities)


@pytest.mark.parametrize("accuracy", [0.05, 1.01, math.nan])
def test_an_accuracy_out_of_range_is_refused(accuracy):
    with pytest.raises(ValueError, match=f"`accuracy` is {accuracy}, but must be from 1/10, guessing, to 1"):
        information_bound(accuracy, uniform(10))


@pytest.mark.parametrize("nats", [-0.1, math.nan])
def test_negative_information_is_refused(nats):
    with pytest.raises(ValueError, match=f"`mutual_information` is {nats}"):
        accuracy_bound(nats, uniform(10))


def test_one_class_has_no_score():
    with pytest.raises(ValueError, match="`classes` is 1"):
        score_bound(1)
