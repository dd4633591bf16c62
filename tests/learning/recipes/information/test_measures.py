"""Measures of hierarchies against formulas and against the same made by hand."""

import math

import pytest
import torch

from latentbook.information import accuracy_bound, inception_score, linear_gaussian, psnr
from latentbook.learning.dataset import Dataset
from latentbook.learning.likelihoods import Gaussian
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.models.hierarchies import Joined, hierarchical_mlp
from latentbook.learning.recipes.information import METRICS, Examples, draw_codes, mean_codes, measures


class Judge(torch.nn.Module):
    """Two classes, told by whether the mean of an image is above a half; its features are four pixels."""

    def forward(self, x):
        level = 20 * (x.flatten(1).mean(1) - 0.5)
        return torch.stack([-level, level], -1).log_softmax(-1)

    def penultimate(self, x):
        return x.flatten(1)[:, :4]


def labelled(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    x = 0.25 + 0.5 * y[:, None, None, None] + 0.05 * torch.randn(count, 1, 4, 4, generator=generator)
    return Dataset(x.clamp(0, 1), y)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return hierarchical_mlp((1, 4, 4), (6, 3), (8,)).eval()


@pytest.fixture
def examples():
    return Examples(labelled(60), labelled(40, seed=1), Judge(), samples=50, seed=3)


def linear(means, std, floor=1e-4):
    network = torch.nn.Linear(len(means), 2)
    with torch.no_grad():
        network.weight[:] = torch.tensor([means, [0.0] * len(means)])
        network.bias[:] = torch.tensor([0.0, math.log(math.expm1(std - floor))])
    return network


def exact_hierarchy():
    """The linear-Gaussian hierarchy with its true posterior."""
    both = linear([0.5, 0.5], 0.5**0.5)
    below = Joined(torch.nn.Identity(), torch.nn.Identity(), both)
    above = linear([1 / 3], (2 / 3) ** 0.5)
    return HierarchicalVAE(
        [below, above], [linear([1.0], 1.0)], torch.nn.Identity(), Gaussian((1,), sigma=1.0), (1, 1)
    ).eval()


def test_rates_are_those_of_the_closed_form():
    x = 3**0.5 * torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    found = METRICS["rates"](exact_hierarchy(), Examples(Dataset(x), Dataset(x), None, 1, 0))
    for name, value in linear_gaussian(1.0, 1.0).items():
        assert abs(found[name] - value.item()) < 5 * found[f"{name}_error"]
    assert found["elbo"] == pytest.approx(-(found["D"] + found["R_1"] + found["R_2"]))


def test_rates_are_means_over_examples_and_not_over_batches(model, monkeypatch):
    """With chunks of 30 and 10 a mean of batch means would weigh the last ten three times as much."""
    test = labelled(40)
    monkeypatch.setattr(measures, "CHUNK", 30)
    found = METRICS["rates"](model, Examples(test, test, None, 1, 0))
    distortions = torch.stack([draw_codes(model, test, draw).distortion for draw in range(8)])
    assert found["D"] == pytest.approx(distortions.double().mean().item(), rel=1e-6)


def test_codes_are_drawn_from_what_is_returned_with_them(model):
    data = labelled(4000)
    found = draw_codes(model, data, seed=1)
    for code, (mean, std) in zip(found.drawn, found.posteriors, strict=True):
        standard = (code - mean) / std
        # 4000 draws or more: a standard error of 0.016 for the mean, 0.011 for the deviation.
        assert standard.mean().abs() < 0.08
        assert (standard.std() - 1).abs() < 0.06
    again = draw_codes(model, data, seed=1)
    torch.testing.assert_close(again.drawn, found.drawn, rtol=0, atol=0)


def test_most_probable_codes_are_the_model_s_own(model, monkeypatch):
    data = labelled(10)
    monkeypatch.setattr(measures, "CHUNK", 4)
    for layer in (1, 2):
        torch.testing.assert_close(mean_codes(model, data, layer), model.encode(data[:], layer))


def test_reconstructions(model, examples):
    x = examples.test[:]
    rebuilt = model.reconstruct(x).detach().clamp(0, 1)
    found = METRICS["reconstruction"](model, examples)
    assert found["psnr"] == pytest.approx(psnr(x, rebuilt, pooled=False).mean().item())
    assert found["psnr_pooled"] == pytest.approx(psnr(x, rebuilt, pooled=True).item())
    assert found["psnr"] > found["psnr_pooled"]


def test_recognition(model, examples):
    rebuilt = model.reconstruct(examples.test[:]).clamp(0, 1)
    guessed = Judge()(rebuilt).argmax(-1)
    found = METRICS["recognition"](model, examples)
    assert found["recognised"] == pytest.approx((guessed == examples.test.labels).double().mean().item())
    assert 0 <= found["recognition_entropy"] <= math.log(2)


def test_generation(model, examples):
    with torch.no_grad():
        generator = torch.Generator().manual_seed(3)
        images = model.sample(50, generator=generator).clamp(0, 1)
    score = inception_score(images, Judge(), splits=5)
    found = METRICS["generation"](model, examples)
    assert found["inception_score"] == pytest.approx(score.score.mean().item())
    assert found["diversity"] == pytest.approx(score.diversity.mean().item())
    assert found["frechet"] >= 0


def test_what_codes_tell_is_below_the_rate_and_above_the_bound():
    """Classes 0.5 apart in one pixel's noise: a known answer through the exact hierarchy's top."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(4000) % 2
    x = 6.0 * (y[:, None] - 0.5) + 0.1 * torch.randn(4000, 1, generator=generator)
    data = Dataset(x, y)
    found = METRICS["knowledge"](exact_hierarchy(), Examples(data, data, None, 1, 0))
    # z_2 given l: N(±1, 2/3 + 0.01/9), two classes at d = 2 / 0.8172 deviations; by quadrature 0.4298 nats.
    assert found["I_2"] == pytest.approx(0.4298, abs=4 * found["I_2_error"])
    # For two Gaussians of one variance, logistic regression is the best classifier there is.
    assert found["I_2_low"] == pytest.approx(0.4298, abs=4 * found["I_2_low_error"])
    assert found["I_1"] > found["I_2"]


def test_categories_tell_what_their_joint_distribution_says():
    labels = torch.tensor([0, 0, 1, 1])
    one_hot = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]]).double()
    assert measures._of_categories(one_hot, labels) == pytest.approx(math.log(2))
    assert measures._of_categories(torch.full((4, 2), 0.5).double(), labels) == pytest.approx(0)
    mixed = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]).double()
    expected = math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    assert measures._of_categories(mixed, labels) == pytest.approx(expected)


def test_a_categorical_top_is_measured_too(examples):
    torch.manual_seed(0)
    model = hierarchical_mlp((1, 4, 4), (6, 5), (8,), top="categorical").eval()
    for metric in ("rates", "knowledge", "logistic"):
        assert all(math.isfinite(value) for value in METRICS[metric](model, examples).values())


def test_probes_see_drawn_codes_and_most_probable_ones(examples):
    """A top whose means are the class and whose noise hides it: drawn codes stay below the bound, means do not."""
    torch.manual_seed(0)
    model = hierarchical_mlp((1, 4, 4), (6, 3), (), inference="bottom-up").eval()
    with torch.no_grad():
        # Means of some thousandths, deviations of about 0.7.
        for weight in model.posteriors[0].parameters():
            weight.mul_(1e-2)
    large = Examples(labelled(1000), labelled(1000, seed=1), Judge(), 1, 0)
    found = METRICS["logistic"](model, large)
    rate = METRICS["rates"](model, large)
    limit = accuracy_bound(rate["R_1"] + rate["R_2"], torch.full((2,), 0.5)).item()
    # One in a thousand has a standard error of 0.016.
    assert found["logistic_1"] < min(limit, 0.6) + 0.06
    assert found["logistic_1_means"] > 0.95


def test_large_data_are_compared_in_part(model, monkeypatch):
    monkeypatch.setattr(measures, "MOST_CODES", 20)
    some = measures._some(labelled(50))
    assert len(some) == 20
    # Of both classes, though they alternate; and another order than the data's.
    assert not torch.equal(some.labels, labelled(50).labels[:20])
    assert len(measures._some(labelled(10))) == 10


def test_test_codes_have_noise_of_their_own(model):
    """Of a collapsed layer they would else be copies of the training codes."""
    data = labelled(40)
    learned, own = measures._codes(model, data, data, seed=0)
    for one, other in zip(learned.drawn, own.drawn, strict=True):
        assert (one != other).all()


def test_categories_are_measured_one_hot():
    """A relaxed category tells more than its rate pays for."""
    torch.manual_seed(0)
    model = hierarchical_mlp((1, 4, 4), (6, 5), (8,), top="categorical").eval()
    top = draw_codes(model, labelled(50)).drawn[-1]
    assert set(top.unique().tolist()) == {0.0, 1.0}
    assert top.sum(1).tolist() == [1.0] * 50
