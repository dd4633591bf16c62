"""A family is its members: the same numbers as K separate runs, taken apart into ordinary models."""

import copy
import functools

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from latentbook.learning.data import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.train import fit
from latentbook.lipschitz import spectral_norm
from latentbook.volume import volume_penalty

LAMBDAS = torch.tensor([0.003, 0.03, 0.3], dtype=torch.float64)


def lipschitz_autoencoder():
    encoder = mlp_encoder((12,), [16], 4, nn.LeakyReLU)
    return Autoencoder(encoder, mlp_decoder(4, [16], (12,), nn.LeakyReLU, spectral_norm), {"volume": volume_penalty})


def convolutional():
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 3, padding=1))


def normalised():
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 12))


def terms(model, x, step):
    return model.terms(x)


def error(model, x, step):
    return {"error": mse_loss(model(x), x)}


def make(build, device, count=3):
    models = []
    for seed in range(count):
        torch.manual_seed(seed)
        models.append(build().to(device))
    return models


def train(model, data, loss, weights, steps=100):
    optimizer = functools.partial(torch.optim.Adam, lr=3e-3)
    return fit(model, data, loss, weights=weights, steps=steps, batch_size=32, seed=4, optimizer=optimizer)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(
    ("build", "loss", "event", "grid"),
    [
        (lipschitz_autoencoder, terms, (12,), "volume"),
        (normalised, error, (12,), None),
        (convolutional, error, (1, 6, 6), None),
    ],
)
def test_a_family_equals_separate_runs(build, loss, event, grid, batched, device):
    """A hundred steps, the same start and the same batches: to 1e-5, weights, buffers and history."""
    data = Dataset(torch.rand(100, *event, generator=torch.Generator().manual_seed(0)).to(device))
    alone, lambdas = make(build, device), LAMBDAS.to(device)
    family = Family([copy.deepcopy(model) for model in alone], batched)
    shared = {"reconstruction": 1.0} if grid else {"error": 1.0}
    history = train(family, data, family_loss(loss), {**shared, **({grid: lambdas} if grid else {})})
    parted = member_histories(history)
    for k, model in enumerate(alone):
        own = train(model, data, loss, {**shared, **({grid: lambdas[k].item()} if grid else {})})
        for name, values in own.terms.items():
            torch.testing.assert_close(parted[k].terms[name], values, rtol=1e-5, atol=1e-5)
        for name, value in family.members()[k].state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batched", [True, False])
def test_what_a_loss_is_given_may_differ_between_members(batched, device):
    """A grid of lifts: it stands inside the penalty, where no weight can reach it."""

    def lifted(model, x, step, eta):
        z = model.encode(x)
        return {"reconstruction": mse_loss(model.decode(z), x), "volume": volume_penalty(z, eta)}

    etas = torch.tensor([0.1, 1.0, 10.0], device=device)
    data = Dataset(torch.rand(100, 12, generator=torch.Generator().manual_seed(0)).to(device))
    alone, weights = make(lipschitz_autoencoder, device), {"reconstruction": 1.0, "volume": 0.1}
    family = Family(alone, batched)
    train(family, data, family_loss(lifted, eta=etas), weights)
    for model, member, eta in zip(alone, family.members(), etas.tolist(), strict=True):
        train(model, data, functools.partial(lifted, eta=eta), weights)
        for name, value in member.state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-5, atol=1e-5)


def test_members_may_train_on_batches_of_their_own():
    """Two members with the same start, the second on data twice as large."""
    models = [*make(normalised, "cpu", 1) * 2]
    data = Dataset(torch.rand(100, 12))
    family, options = Family(models), {"weights": {"error": 1.0}, "steps": 50, "batch_size": 16, "seed": 0}

    def draw(data, size, generator):
        x = data.batch(size, generator)
        return torch.stack([x, 2 * x])

    fit(family, data, family_loss(error, own_batches=True), **options, draw=draw)
    for member, factor in zip(family.members(), (1, 2), strict=True):
        [alone] = make(normalised, "cpu", 1)
        fit(alone, Dataset(factor * data.x), error, **options)
        for name, value in member.state_dict().items():
            torch.testing.assert_close(value, alone.state_dict()[name], rtol=1e-5, atol=1e-5)


def test_members_are_ordinary_models_of_their_own(device):
    models = make(lipschitz_autoencoder, device)
    family = Family(models).eval()
    x = torch.rand(5, 12, device=device)
    together = family.call(lambda model, x: model.decode(model.encode(x)), x)
    for k, member in enumerate(family.members()):
        assert isinstance(member, Autoencoder)
        assert not member.training
        torch.testing.assert_close(member.decode(member.encode(x)), together[k])
        with torch.no_grad():
            next(member.parameters()).zero_()
    torch.testing.assert_close(family.call(lambda model, x: model.decode(model.encode(x)), x), together)


class Tied(nn.Module):
    """One matrix in two places, and a buffer that no state dict holds."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.rand(4), persistent=False)

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def test_tied_parameters_stay_tied():
    models, x = make(Tied, "cpu"), torch.rand(7, 4)
    family = Family(models)
    together = family.call(lambda model, x: model(x), x)
    together.square().sum().backward()
    for k, (model, member) in enumerate(zip(models, family.members(), strict=True)):
        torch.testing.assert_close(together[k], model(x))
        torch.testing.assert_close(member(x), model(x))
        assert member.second.weight is member.first.weight
        model(x).square().sum().backward()
        torch.testing.assert_close(family.stacked["first/weight"].grad[k], model.first.weight.grad)


def test_a_family_can_be_copied_and_cast():
    family = Family(make(normalised, "cpu")).eval()
    other, x = copy.deepcopy(family).float(), torch.rand(7, 12)
    with torch.no_grad():
        family.stacked["0/weight"].zero_()
    assert other.call(lambda model, x: model(x), x.float()).dtype == torch.float32
    assert other.members()[0][0].weight.dtype == torch.float32
    assert other.members()[0][0].weight.abs().sum() > 0


def test_the_models_it_was_made_of_are_left_alone():
    models = make(normalised, "cpu")
    before = [copy.deepcopy(model.state_dict()) for model in models]
    family = Family(models)
    train(family, Dataset(torch.rand(50, 12)), family_loss(error), {"error": 1.0}, steps=5)
    for model, state in zip(models, before, strict=True):
        assert all(model.state_dict()[name].equal(value) for name, value in state.items())


def test_members_may_have_examples_and_noise_of_their_own():
    family = Family(make(normalised, "cpu")).eval()
    x = torch.rand(3, 7, 12)
    own = family.call(lambda model, x: model(x), x, each=[True])
    for k, member in enumerate(family.members()):
        torch.testing.assert_close(own[k], member(x[k]))
    both = family.call(lambda model, x, noise: model(x + noise), x, torch.ones(7, 12), each=[True, False])
    torch.testing.assert_close(both, family.call(lambda model, x: model(x), x + 1, each=[True]))


def test_a_family_resumes_like_any_model(tmp_path):
    data = Dataset(torch.rand(50, 12))
    first, second = (Family(make(lipschitz_autoencoder, "cpu")) for _ in range(2))
    options = {"weights": {"reconstruction": 1.0, "volume": LAMBDAS}, "steps": 60, "batch_size": 16, "seed": 0}
    history = fit(first, data, family_loss(terms), **options, checkpoint=tmp_path / "run")
    again = fit(second, data, family_loss(terms), **options, checkpoint=tmp_path / "run")
    assert again.terms["volume"].equal(history.terms["volume"])
    assert again.terms["volume"].shape == (60, 3)
    for one, two in zip(first.members(), second.members(), strict=True):
        assert all(two.state_dict()[name].equal(value) for name, value in one.state_dict().items())


def test_a_nan_names_the_member():
    def breaks(model, x, step):
        return {"error": mse_loss(model(x), x) * (model[0].bias.sum() * 0 + 1).sqrt()}

    models = make(normalised, "cpu")
    with torch.no_grad():
        models[1][3].bias[0] = float("nan")
    with pytest.raises(FloatingPointError, match="'error' is nan at step 0, member 1:"):
        train(Family(models), Dataset(torch.rand(50, 12)), family_loss(breaks), {"error": 1.0})


def test_random_numbers_inside_are_refused():
    family = Family(make(normalised, "cpu"))
    with pytest.raises(RuntimeError, match="random"):
        family.call(lambda model, x: model(x + torch.randn_like(x)), torch.rand(7, 12))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "`members` is empty"),
        ([nn.Linear(2, 3), nn.Linear(2, 4)], r"'weight' is \(4, 2\) in member 1 and \(3, 2\) in member 0"),
        ([nn.Linear(2, 3), nn.Linear(2, 3, bias=False)], r"'bias' is None in member 1 and \(3,\) in member 0"),
        ([nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.1))], "train models with dropout one by one"),
        ([nn.BatchNorm1d(3, momentum=None)], "give it a number"),
    ],
)
def test_what_is_no_family(models, message):
    with pytest.raises(ValueError, match=message):
        Family(models)
