"""Classifiers: posteriors, and features through which gradients flow."""

import pytest
import torch
from torch import nn

from latentbook.learning.models.classifier import Classifier, convolutional_classifier, logistic_regression
from latentbook.metric import pullback_metric

KINDS = {"logistic": logistic_regression, "convolutional": convolutional_classifier}
EVENTS = [(1, 8, 8), (1, 28, 28), (3, 7, 10)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_posteriors_and_features_of_any_batch(kind, event, batch, device):
    model, x = KINDS[kind](event, 4).to(device), torch.rand(*batch, *event, device=device)
    logs = model.log_posteriors(x)
    assert logs.shape == (*batch, 4)
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(batch, device=device))
    assert model(x).equal(logs)
    assert model.predict(x).equal(logs.argmax(-1))
    width = {"logistic": torch.Size(event).numel(), "convolutional": 64}[kind]
    assert model.penultimate(x).shape == (*batch, width)


def test_the_penultimate_features_are_what_the_last_layer_is_given():
    model, x = convolutional_classifier((1, 8, 8), 3), torch.rand(5, 1, 8, 8)
    logits = model.penultimate(x) @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(x), logits - logits.logsumexp(-1, keepdim=True))


def test_the_cross_entropy_is_the_mean_surprise():
    model, x, y = logistic_regression((4,), 3), torch.randn(7, 4), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    terms = model.terms(x, y)
    assert list(terms) == ["cross_entropy"]
    torch.testing.assert_close(terms["cross_entropy"], -model(x)[torch.arange(7), y].mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("features", ["log_posteriors", "penultimate"])
def test_gradients_flow_through_the_map(kind, features):
    """The original detaches, and loses the derivative of the metric: here that of finite differences."""
    h = getattr(KINDS[kind]((1, 4, 4), 3), features)
    x = torch.rand(2, 1, 4, 4, requires_grad=True)
    assert torch.autograd.gradcheck(h, x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_is_measured_in_features_by_composition(kind):
    """The metric is J' M J with the metric M of the features alone."""
    decoder, model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Unflatten(-1, (1, 4, 4))), KINDS[kind]((1, 4, 4), 3)
    z = torch.randn(5, 2)
    found = pullback_metric(lambda z: model.log_posteriors(decoder(z)), z)
    J = torch.stack([torch.func.jacrev(lambda point: decoder(point).flatten())(point) for point in z])
    M = pullback_metric(lambda x: model.log_posteriors(x.unflatten(-1, (1, 4, 4))), decoder(z).flatten(1))
    torch.testing.assert_close(found, J.mT @ M @ J)


def test_the_metric_of_a_logistic_regression_has_a_closed_form():
    """d log p_k = (w_k - sum_j p_j w_j) dx, so M = W' A' A W with A = I - 1 p'."""
    model, x = logistic_regression((6,), 3), torch.randn(4, 6)
    W, p = model.head.weight, model(x).exp()
    A = torch.eye(3) - p[:, None].expand(4, 3, 3)
    torch.testing.assert_close(pullback_metric(model.log_posteriors, x), (A @ W).mT @ (A @ W))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_in_train_mode(kind):
    """Composed with a decoder it is looked at in whatever mode it is in."""
    model, x = KINDS[kind]((1, 8, 8), 3), torch.rand(5, 1, 8, 8)
    assert model.train()(x).equal(model.eval()(x))
    assert not [*model.buffers()]


def test_any_network_will_do():
    model = Classifier(nn.Linear(4, 2), nn.Linear(2, 3))
    assert model(torch.zeros(5, 4)).shape == (5, 3)


def test_convolutions_need_images():
    with pytest.raises(ValueError, match=r"`event_shape` is \(28, 28\), but an image has \(C, H, W\)"):
        convolutional_classifier((28, 28), 10)
