"""Classifiers: posteriors, and features through which gradients flow."""

import pytest
import torch
from torch import nn

from latentbook.core import at_rest
from latentbook.learning.models.classifier import (
    Classifier,
    convolutional_classifier,
    densenet121_classifier,
    logistic_regression,
    resnet18_classifier,
)
from latentbook.metric import pullback_metric

KINDS = {"logistic": logistic_regression, "convolutional": convolutional_classifier}
# Of torchvision, with BatchNorm: by the penultimate features that they have.
LARGE = {resnet18_classifier: 512, densenet121_classifier: 1024}
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


# ---- torchvision's networks ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LARGE, ids=lambda build: build.__name__)
def large(request):
    """A network for 28 x 28 grey pixels in eval mode, whose running means and variances have seen some images."""
    torch.manual_seed(0)
    model = request.param((1, 28, 28), 4).double()
    model(torch.rand(4, 1, 28, 28, dtype=torch.float64))
    return model.eval()


@pytest.mark.parametrize(("build", "count"), [(resnet18_classifier, 11_173_962), (densenet121_classifier, 6_956_298)])
def test_they_are_of_the_original_s_size(build, count):
    """torchvision's DenseNet with this stem has 128 parameters more: a normalisation of 64 channels behind it."""
    assert sum(parameter.numel() for parameter in build((3, 32, 32), 10).parameters()) == count


@pytest.mark.parametrize(("build", "sides"), [(resnet18_classifier, [4, 4]), (densenet121_classifier, [3, 3])])
def test_their_first_layers_leave_every_pixel(build, sides):
    """Three halvings remain, of 28 to 14, 7 and 4, or 3 where the rest is cut; the published stem makes two more."""
    model, seen = build((1, 28, 28), 4).eval(), []
    body = model.body.body
    last = body.layer4 if build is resnet18_classifier else body.features
    last.register_forward_hook(lambda _, given, result: seen.append([*result.shape[-2:]]))
    model(torch.rand(1, 28, 28))
    assert seen == [sides]


@pytest.mark.parametrize("batch", [(), (2,), (1, 2)])
def test_their_posteriors_and_features_of_any_batch(large, batch):
    x = torch.rand(*batch, 1, 28, 28)
    features, logs = large.penultimate(x), large.log_posteriors(x)
    assert features.shape == (*batch, large.head.in_features)
    logits = features @ large.head.weight.T + large.head.bias
    torch.testing.assert_close(logs, logits.log_softmax(-1))
    assert large.predict(x).equal(logs.argmax(-1))


@pytest.mark.parametrize(("build", "width"), LARGE.items())
def test_their_features_are_as_many_as_published(build, width):
    assert build((1, 28, 28), 4).head.in_features == width


def test_they_take_colours():
    assert resnet18_classifier((3, 28, 30), 4).eval()(torch.rand(2, 3, 28, 30)).shape == (2, 4)


def test_in_eval_mode_an_example_is_seen_alone(large):
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(large.penultimate(x)[0], large.penultimate(x[0]))


def test_at_rest_nothing_moves(large):
    """In train mode a look would take means of the batch, and keep them."""
    x, before = torch.rand(2, 1, 28, 28), {name: value.clone() for name, value in large.named_buffers()}
    expected = large(x)
    large.train()
    try:
        with at_rest(large):
            assert large(x).equal(expected)
        assert large.training
    finally:
        large.eval()
    assert all(value.equal(before[name]) for name, value in large.named_buffers())


@pytest.mark.parametrize("features", ["log_posteriors", "penultimate"])
def test_gradients_flow_through_their_maps(large, features):
    """Squared speed of the features along a line of images: forward derivatives against central differences."""
    h, start, direction = getattr(large, features), torch.rand(1, 28, 28), torch.randn(1, 28, 28)

    def along(z):
        return h(start + z[..., None, None] * direction)

    # At 1e-6 so many ReLUs have their kink on the way that differences are off by 1e-4; that falls with the step, and
    # rounding of 1e-16 over the step, times what a hundred layers make of it, rises.
    z, step = torch.zeros(1), 1e-8
    with torch.no_grad():
        speed = (along(z + step) - along(z - step)) / (2 * step)
    torch.testing.assert_close(pullback_metric(along, z), speed.square().sum()[None, None], rtol=1e-4, atol=0)


@pytest.mark.parametrize("build", LARGE)
@pytest.mark.parametrize("event", [(3, 8, 8), (1, 28, 27), (2, 32, 32)])
def test_images_that_they_cannot_take_are_refused(build, event):
    told = (
        rf"`event_shape` is \({', '.join(map(str, event))}\), but an image here has 1 or 3 colours and sides of .* 28"
    )
    with pytest.raises(ValueError, match=told):
        build(event, 10)
    with pytest.raises(ValueError, match=r"`event_shape` is \(784,\), but an image has \(C, H, W\)"):
        build((784,), 10)
