"""Laws of images' quality: closed forms, Jensen's inequality, the information behind a score, and who is refused."""

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchmetrics.image.inception import InceptionScore as Peer

from latentbook.information.quality import CHUNK, entropy_split, inception_score, predictions, psnr
from latentbook.learning.models.classifier import convolutional_classifier


def images_with_errors(*errors, event=(1, 4, 4), device="cpu"):
    """Return pairs of images with given mean squared errors."""
    x = torch.full((len(errors), *event), 0.5, device=device)
    step = torch.tensor(errors, device=device).sqrt().reshape(-1, *[1] * len(event))
    # Half of the levels go up and half down.
    sign = torch.ones(x[0].numel(), device=device)
    sign[::2] = -1
    return x, x + step * sign.reshape(event)


def rows(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def as_levels(x):
    """Take the first level of each image for the logit of class 1, class 0 having 0."""
    first = x.flatten(1)[:, 0]
    return torch.stack([0 * first, 10 * first - 5], -1)


# ---- signal to noise ----


def test_psnr_per_image_and_pooled(device):
    x, y = images_with_errors(0.01, 0.0001, device=device)
    each = psnr(x, y, pooled=False)
    # Rounding of levels about .5 leaves 1e-16 in steps of .01.
    assert each.tolist() == pytest.approx([20, 40], rel=1e-12)
    assert each.mean().item() == pytest.approx(30, rel=1e-12)
    pooled = psnr(x, y, pooled=True)
    assert pooled.shape == ()
    assert pooled.item() == pytest.approx(-10 * math.log10(0.00505), rel=1e-12)
    assert round(pooled.item(), 3) == 22.967
    assert each.device.type == device.type


def test_psnr_makes_the_caller_say_which():
    with pytest.raises(TypeError, match="pooled"):
        psnr(*images_with_errors(0.01))


def test_psnr_does_not_look_at_the_levels_that_are_there():
    """The peak is what is possible: images within [0, .5] or [0, .1] have the error of those within [0, 1]."""
    black = torch.zeros(3, 1, 4, 4)
    assert psnr(black, black + 0.1, pooled=True).item() == pytest.approx(20, rel=1e-12)
    assert psnr(black + 0.9, black + 1.0, pooled=True).item() == pytest.approx(20, rel=1e-12)


@given(peak=st.floats(1e-3, 1e6))
def test_psnr_does_not_depend_on_the_unit(peak):
    x, y = torch.rand(2, 3, 5)
    # The logarithm of the peak, up to 6 decades, is taken off again.
    torch.testing.assert_close(
        psnr(peak * x, peak * y, peak=peak, pooled=False), psnr(x, y, pooled=False), rtol=1e-12, atol=1e-10
    )


@given(n=st.integers(1, 6), event=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_psnr_shapes_and_jensen(n, event):
    x, y = torch.rand(2, n, *event)
    each = psnr(x, y, pooled=False)
    assert each.shape == (n,)
    # Of one image, or of equal errors, they are equal up to rounding.
    assert each.mean() >= psnr(x, y, pooled=True) - 1e-9
    torch.testing.assert_close(each[:1], psnr(x[:1], y[:1], pooled=True)[None])


def test_psnr_of_identical_images_is_infinite():
    x, y = images_with_errors(0.0, 0.01)
    assert psnr(x, x, pooled=True) == math.inf
    assert psnr(x, y, pooled=False).tolist() == pytest.approx([math.inf, 20], rel=1e-12)
    assert psnr(x, y, pooled=True).isfinite()


@pytest.mark.parametrize("level", [-0.1, 1.02, math.nan])
def test_psnr_refuses_levels_out_of_range(level):
    x, y = images_with_errors(0.01)
    for pair, name in (((x, torch.full_like(y, level)), "y"), ((torch.full_like(x, level), y), "x")):
        with pytest.raises(ValueError, match=rf"`{name}` has levels .* within \[0, 1\]: clamp them"):
            psnr(*pair, pooled=True)
    with pytest.raises(ValueError, match=r"within \[0, 0.25\]"):
        psnr(x, y, peak=0.25, pooled=True)


@pytest.mark.usefixtures("unchecked")
def test_psnr_refuses_what_does_not_fit():
    x = torch.rand(2, 3)
    with pytest.raises(ValueError, match=r"`y` has shape \(1, 3\) for images `x` of shape \(2, 3\)"):
        psnr(x, x[:1], pooled=True)
    with pytest.raises(ValueError, match="at least one image"):
        psnr(x[:0], x[:0], pooled=True)
    with pytest.raises(TypeError, match=r"`x` is torch.uint8: pass .* `x / 255`"):
        psnr(torch.zeros(2, 3, dtype=torch.uint8), x, pooled=True)
    for peak in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=f"`peak` is {peak}"):
            psnr(x, x, peak=peak, pooled=True)


# ---- diversity and sharpness ----

# Probabilities, diversity, sharpness.
SPLITS = {
    "ten sure rows": (torch.eye(10, dtype=torch.float64), 10, 1),
    "sure of one class": (torch.eye(10, dtype=torch.float64)[[3] * 7], 1, 1),
    "uniform": (torch.full((6, 10), 0.1, dtype=torch.float64), 10, 0.1),
    "two rows": (rows([0.9, 0.1], [0.1, 0.9]), 2, math.exp(0.368064 - math.log(2))),
    "unequal": (rows([1, 0], [1, 0], [1, 0], [0, 1]), 4 / 3**0.75, 1),
}


@pytest.mark.parametrize("name", SPLITS)
def test_entropy_split_closed_forms(device, name):
    probabilities, diversity, sharpness = SPLITS[name]
    split = entropy_split(probabilities.to(device))
    # Six decimals of .368064 are given.
    assert split.diversity.item() == pytest.approx(diversity, rel=1e-6)
    assert split.sharpness.item() == pytest.approx(sharpness, rel=1e-6)
    assert split.diversity.device.type == device.type


def test_inception_score_of_two_rows():
    score = inception_score(rows([0.9, 0.1], [0.1, 0.9]), torch.log).score
    assert score.item() == pytest.approx(math.exp(0.368064), rel=1e-6)
    assert score.item() == pytest.approx(1.444935, rel=1e-6)


@st.composite
def logits(draw):
    n, m, scale = draw(st.integers(1, 8)), draw(st.integers(2, 6)), draw(st.floats(0, 200))
    torch.manual_seed(draw(st.integers(0, 1000)))
    return scale * torch.randn(n, m)


@given(logits())
def test_the_score_is_the_information_of_image_and_class(logits):
    score = inception_score(logits, lambda x: x, limits=None)
    assert torch.equal(score.score, score.diversity * score.sharpness)
    p = logits.softmax(-1)
    # Mean divergence from the mean, with 0 ln 0 = 0: another road to the same number.
    information = (torch.special.xlogy(p, p) - torch.special.xlogy(p, p.mean(0))).sum(-1).mean()
    torch.testing.assert_close(score.score.log(), information[None], rtol=1e-9, atol=1e-12)
    # Between nothing and ln M, up to rounding.
    assert -1e-12 <= score.score.log().item() <= math.log(p.shape[1]) + 1e-12
    assert 1 - 1e-12 <= score.diversity.item() <= p.shape[1] + 1e-9
    assert 1 / p.shape[1] - 1e-12 <= score.sharpness.item() <= 1 + 1e-12


@pytest.mark.parametrize("splits", [1, 3])
def test_torchmetrics_agrees(splits):
    images = torch.rand(60, 3, 8, 8)
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 5)).requires_grad_(False)
    network[1].weight *= 10
    own = inception_score(images, network, splits=splits)
    with warnings.catch_warnings():
        # That it keeps what it has seen, and that one part has no deviation.
        warnings.simplefilter("ignore")
        peer = Peer(network, splits=splits)
        peer.update(images)
        torch.manual_seed(5)
        mean = peer.compute()[0]
    torch.manual_seed(5)
    shuffled = inception_score(images[torch.randperm(60)], network, splits=splits)
    torch.testing.assert_close(shuffled.score.mean(), mean)
    if splits == 1:
        torch.testing.assert_close(own.score, shuffled.score)


def test_each_part_has_its_own_score():
    sure, unsure = torch.eye(2).repeat(2, 1), torch.full((3, 2), 0.5)
    images = torch.cat([sure, unsure])
    score = inception_score(images, torch.log, splits=2)
    # Seven images in two parts: four and three.
    assert score.score.tolist() == pytest.approx([2, 1], rel=1e-12)
    assert score.diversity.tolist() == pytest.approx([2, 2], rel=1e-12)
    assert score.sharpness.tolist() == pytest.approx([1, 0.5], rel=1e-12)
    with pytest.raises(ValueError, match="`splits` is 8, but must be from 1 to the number of images, 7"):
        inception_score(images, torch.log, splits=8)
    with pytest.raises(ValueError, match="`splits` is 0"):
        inception_score(images, torch.log, splits=0)


def test_entropy_split_refuses_what_is_not_probabilities():
    with pytest.raises(ValueError, match=r"`probabilities` sums to 1.5 in row 1, .* divide by the sum"):
        entropy_split(rows([0.5, 0.5], [0.5, 1.0]))
    with pytest.raises(ValueError, match=r"has an entry -0.1, negative or nan: pass `logits.softmax"):
        entropy_split(rows([1.1, -0.1]))
    with pytest.raises(ValueError, match="negative or nan"):
        entropy_split(rows([1.0, math.nan]))
    with pytest.raises(ValueError, match=r"`probabilities` has shape \(0, 3\)"):
        entropy_split(torch.zeros(0, 3))


@pytest.mark.usefixtures("unchecked")
def test_entropy_split_refuses_one_row():
    with pytest.raises(ValueError, match=r"`probabilities` has shape \(3,\), but must be \(N, M\)"):
        entropy_split(torch.ones(3) / 3)


# ---- what a classifier sees ----


def test_predictions_closed_form(device):
    images = torch.tensor([0.9, 0.6, 0.2, 0.5], device=device).reshape(4, 1, 1, 1).expand(-1, 1, 2, 2)
    seen = predictions(as_levels, images, torch.tensor([1, 0, 0, 1], device=device))
    assert seen.classes.tolist()[:3] == [1, 1, 0]
    p = torch.tensor([4.0, 1.0, -3.0, 0.0]).sigmoid()
    entropies = -(p * p.log() + (1 - p) * (1 - p).log())
    torch.testing.assert_close(seen.entropies.cpu(), entropies)
    assert seen.entropies[3].item() == pytest.approx(math.log(2), rel=1e-12)
    assert seen.entropy == pytest.approx(entropies.mean().item(), rel=1e-12)
    # A tie goes to the first class, which is not the fourth's.
    assert seen.accuracy == 0.5
    assert seen.classes.device.type == device.type
    assert predictions(as_levels, images).accuracy is None


def test_sure_predictions_have_no_entropy():
    seen = predictions(torch.log, torch.eye(3), torch.arange(3))
    assert seen.entropies.tolist() == [0, 0, 0]
    assert (seen.accuracy, seen.entropy) == (1, 0)


def test_averages_are_over_images_and_not_over_chunks():
    """The last chunk is one image; as a mean of chunks' means it would count as much as all others."""
    images = torch.zeros(CHUNK + 1, 1)
    images[-1] = 0.75
    sizes = []

    def classifier(x):
        sizes.append(len(x))
        return as_levels(x)

    seen = predictions(classifier, images, torch.ones(CHUNK + 1, dtype=torch.int64))
    assert sizes == [CHUNK, 1]
    assert seen.accuracy == pytest.approx(1 / (CHUNK + 1), rel=1e-12)
    first, last = seen.entropies[[0, -1]].tolist()
    assert last > 2 * first
    assert seen.entropy == pytest.approx((CHUNK * first + last) / (CHUNK + 1), rel=1e-12)
    score = inception_score(images, lambda x: as_levels(x) * 100)
    p = 1 / (CHUNK + 1)
    diversity = math.exp(-p * math.log(p) - (1 - p) * math.log(1 - p))
    # The classifier is sure up to e^-250.
    assert score.score.item() == pytest.approx(diversity, rel=1e-12)


def test_a_module_counts_as_in_eval_mode_and_learns_nothing():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout()).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = torch.rand(20, 1, 2, 2)
    for classifier in (network, network.forward):
        seen, score = predictions(classifier, images), inception_score(images, classifier)
        torch.testing.assert_close(seen.entropies, predictions(classifier, images).entropies, rtol=0, atol=0)
        assert not score.score.requires_grad
        assert not seen.entropies.requires_grad
    assert network.training
    assert network[3].training
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


def test_classifiers_of_the_package_fit():
    model, images = convolutional_classifier((1, 8, 8), 10), torch.rand(6, 1, 8, 8)
    seen = predictions(model, images)
    assert seen.classes.equal(model.predict(images))
    # What is normalised already stays as it is.
    head = predictions(lambda x: model.head(model.body(x)), images)
    torch.testing.assert_close(seen.entropies, head.entropies)


def test_limits_are_the_callers():
    images = torch.full((3, 1), -0.5)
    for look in (
        lambda **options: predictions(as_levels, images, **options),
        lambda **options: inception_score(images, as_levels, **options),
    ):
        with pytest.raises(ValueError, match=r"`images` has levels from -0.5 to -0.5, .* within \[0, 1\]"):
            look()
        look(limits=(-1.0, 1.0))
        look(limits=None)


@pytest.mark.parametrize(
    ("classifier", "words"),
    [
        (lambda x: x[:, 0], r"returns shape \(4,\) for 4 images"),
        (lambda x: x[:2], r"returns shape \(2, 2\) for 4 images"),
        (lambda x: x[:, :1], r"returns shape \(4, 1\) for 4 images"),
        (lambda x: (x, x), "returns tuple"),
        (lambda x: x * math.nan, "not finite"),
        (lambda x: (x + 1) / 0, "not finite"),
        (lambda x: -(x + 1) / 0, "not finite"),
        (lambda x: x.softmax(-1), r"returns probabilities: pass `lambda x: classifier\(x\).log\(\)`"),
    ],
)
def test_classifiers_that_return_something_else(classifier, words):
    with pytest.raises(ValueError, match=words):
        predictions(classifier, torch.rand(4, 2))


@pytest.mark.usefixtures("unchecked")
def test_predictions_refuse_labels_that_do_not_fit():
    images = torch.rand(4, 2)
    with pytest.raises(ValueError, match=r"`labels` is torch.int64 of shape \(3,\) for 4 images"):
        predictions(lambda x: x, images, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"`labels` is torch.float64"):
        predictions(lambda x: x, images, torch.zeros(4))
    for wrong in (-1, 2):
        with pytest.raises(ValueError, match="the classifier tells 2 classes, 0 to 1"):
            predictions(lambda x: x, images, torch.tensor([0, 1, 0, wrong]))
    with pytest.raises(TypeError, match=r"`images` is torch.int64"):
        predictions(lambda x: x, torch.zeros(4, 2, dtype=torch.int64))
