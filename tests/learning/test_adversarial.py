"""Two players: each step moves one of them alone, by its own loss; what is learned, and what is kept when killed."""

import copy
import functools

import pytest
import torch

from latentbook.learning.adversarial import AdversarialUpdate
from latentbook.learning.callbacks import Validation
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.bigan import BiGAN, bigan_conv, bigan_mlp
from latentbook.learning.running import Callback
from latentbook.learning.train import fit

MODELS = {"conv": lambda: bigan_conv(3, (1, 8, 8)), "mlp": lambda: bigan_mlp(3, (1, 8, 8), (16,))}


def make(name):
    torch.manual_seed(0)
    return MODELS[name]()


def images(count=64, device="cpu"):
    return Dataset(torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(1)).to(device))


def run(model, data, steps=20, **options):
    update = functools.partial(AdversarialUpdate, steps_per_epoch=4)
    return fit(
        model,
        data,
        BiGAN.terms,
        **{"weights": {}, "batch_size": 16, "seed": 5, "update": update} | options,
        steps=steps,
    )


def groups(model):
    """Return copies of the parameters of both players."""
    players = ([*model.encoder.parameters(), *model.generator.parameters()], [*model.discriminator.parameters()])
    return [[parameter.detach().clone() for parameter in player] for player in players]


def same(one, two):
    return all(a.equal(b) for a, b in zip(one, two, strict=True))


# ---- one step --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_step_moves_one_player_and_leaves_the_other_without_a_gradient(name):
    model, x = make(name).train(), images(16)[:]
    update, seen = AdversarialUpdate(model, steps_per_epoch=4), [groups(model)]
    for optimizer in update.optimizers:
        optimizer.register_step_post_hook(lambda *_: seen.append(groups(model)))
    for optimizer, other in zip(update.optimizers, reversed(update.players), strict=True):
        optimizer.register_step_pre_hook(lambda *_, other=other: seen.append([p.grad for p in other]))
    update(model, x, 0)
    start, from_judge, judged, from_maker, made = seen
    # First the discriminator, then encoder and generator; every parameter moves, in its own turn alone.
    assert same(start[0], judged[0])
    assert not any(a.equal(b) for a, b in zip(start[1], judged[1], strict=True))
    assert same(judged[1], made[1])
    assert not any(a.equal(b) for a, b in zip(judged[0], made[0], strict=True))
    assert set(from_judge) == set(from_maker) == {None}
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_two_steps_by_hand(name):
    """With two models, of which one player each is trained, and torch's own plain Adam."""
    model, x, z = make(name).train(), images(16)[:], torch.randn(16, 3)
    hand = copy.deepcopy(model)
    terms = AdversarialUpdate(model, steps_per_epoch=4, rates=(2e-3, 7e-3), weight_decay=0.01)(model, (x, z), 0)

    codes, generated = hand.encode(x), hand.decode(z)
    judge = torch.optim.Adam(hand.discriminator.parameters(), lr=7e-3, weight_decay=0.01)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    right, wrong = torch.ones(16), torch.zeros(16)
    d = loss(hand.discriminate(x, codes.detach()), right) + loss(hand.discriminate(generated.detach(), z), wrong)
    d.backward()
    judge.step()
    makers = [*hand.encoder.parameters(), *hand.generator.parameters()]
    g = loss(hand.discriminate(generated, z), right) + loss(hand.discriminate(x, codes), wrong)
    g.backward()
    torch.optim.Adam(makers, lr=2e-3, weight_decay=0.01).step()

    torch.testing.assert_close(terms, {"discriminator": d.detach(), "generator": g.detach()})
    for name, value in hand.state_dict().items():
        # Biases in front of BatchNorm have gradients of rounding alone, to which Adam gives the size of a step.
        if not vanishing(model, name):
            torch.testing.assert_close(model.state_dict()[name], value, msg=name)


def vanishing(model, name):
    """Tell whether a bias stands in front of a BatchNorm, which takes it out again, or moves its mean."""
    path, _, leaf = name.rpartition(".")
    parent, _, index = path.rpartition(".")
    beside = [*dict(model.get_submodule(parent).named_children())] if index.isdigit() else []
    follower = model.get_submodule(parent)[int(index) + 1] if index.isdigit() and int(index) + 1 < len(beside) else None
    own = leaf == "bias" and isinstance(follower, torch.nn.modules.batchnorm._BatchNorm)
    return own or leaf == "running_mean"


def test_rates_fall_with_the_epochs():
    model, x = make("mlp").train(), images(16)[:]
    update = AdversarialUpdate(model, steps_per_epoch=3, rates=(4e-3, 2e-3), decay=0.5)
    seen = []
    for step in range(7):
        update(model, x, step)
        seen.append([optimizer.param_groups[0]["lr"] for optimizer in update.optimizers])
    assert seen == [[4e-3, 2e-3]] * 3 + [[2e-3, 1e-3]] * 3 + [[1e-3, 5e-4]]


def test_the_original_s_optimisers():
    """5e-3 for encoder and generator, 3e-3 for the discriminator, both with 0.95 an epoch and 1e-4 of weight decay."""
    update = AdversarialUpdate(make("mlp"), steps_per_epoch=1)
    facts = [(group["lr"], group["weight_decay"]) for o in update.optimizers for group in o.param_groups]
    assert facts == [(5e-3, 1e-4), (3e-3, 1e-4)]
    assert update.decay == 0.95
    betas = [
        o.param_groups[0]["betas"]
        for o in AdversarialUpdate(make("mlp"), steps_per_epoch=1, betas=(0.5, 0.9)).optimizers
    ]
    assert betas == [(0.5, 0.9)] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps_per_epoch": 0}, "`steps_per_epoch` is 0, but must be at least 1"),
        ({"rates": (1e-3, 0.0)}, r"`rates` is \(0.001, 0.0\), but must be two finite numbers above 0"),
        ({"rates": (float("inf"), 1e-3)}, "`rates` is .* finite"),
        ({"decay": 0.0}, "`decay` is 0.0, but must be above 0 and at most 1"),
        ({"decay": 1.1}, "`decay` is 1.1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AdversarialUpdate(make("mlp"), **{"steps_per_epoch": 1} | options)


# ---- a training ------------------------------------------------------------------------------------------------------


class Interrupt(Callback):
    def __init__(self, at=None):
        self.at, self.every = at, 1

    def __call__(self, moment):
        if moment.step == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", MODELS)
def test_a_killed_training_ends_like_one_that_was_not(name, device, tmp_path):
    """Bit for bit, with both optimisers, statistics, norms and noise; killed twice, in the middle of an epoch."""
    data, whole, parts = images(device=device), make(name).to(device), make(name).to(device)
    expected = run(whole, data, callbacks=[Interrupt()])
    for at in (3, 14):
        with pytest.raises(KeyboardInterrupt):
            run(make(name).to(device), data, checkpoint=tmp_path / "run", every=0.0, callbacks=[Interrupt(at)])
    history = run(parts, data, checkpoint=tmp_path / "run", callbacks=[Interrupt()])
    assert [*history.terms] == ["discriminator", "generator"]
    for term, values in expected.terms.items():
        assert history.terms[term].equal(values)
    for key, value in whole.state_dict().items():
        assert parts.state_dict()[key].equal(value), key


@pytest.mark.parametrize("name", MODELS)
def test_looking_on_changes_nothing(name):
    """Images that are drawn and encoded on the way leave the statistics of BatchNorm, and the noise, alone."""

    def look(model):
        z = torch.linspace(-9, 9, 12).reshape(4, 3)
        return (model.decode(z).mean() + model.encode(5 * torch.ones(2, 1, 8, 8)).mean()).item()

    alone, watched, data = make(name), make(name), images()
    run(alone, data)
    run(watched, data, callbacks=[Validation(look, every=1)])
    for key, value in alone.state_dict().items():
        assert watched.state_dict()[key].equal(value), key
    assert not watched.training


def test_it_runs_where_it_is_told_to(device):
    model = make("conv").to(device)
    run(model, images(device=device), steps=2)
    assert {value.device.type for value in model.state_dict().values()} == {device.type}


def frechet(a, b):
    """Return the squared Fréchet distance of the Gaussians of two samples."""
    covariances = [torch.cov(values.T) for values in (a, b)]
    root = torch.linalg.eigvals(covariances[0] @ covariances[1]).sqrt().real.sum()
    return (a.mean(0) - b.mean(0)).square().sum() + sum(torch.trace(c) for c in covariances) - 2 * root


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_learns_a_gaussian(seed):
    """A correlated one, 2.2 away from the origin; its samples, from noise that was not trained on, come near.

    Two samples of 5,000 of one law are about 0.001 apart; a game does not converge to that, so all that is asked for is
    that most of the distance goes.
    """
    torch.manual_seed(seed)
    x = torch.randn(2000, 2) @ torch.tensor([[1.0, 0.8], [0.0, 0.6]]) + torch.tensor([2.0, -1.0])
    model, z = bigan_mlp(2, (2,), (32, 32)), torch.randn(5000, 2)
    before = frechet(model.eval().decode(z).detach(), x)
    update = functools.partial(AdversarialUpdate, steps_per_epoch=30, betas=(0.5, 0.999))
    run(model, Dataset(x), steps=600, batch_size=64, seed=seed, update=update)
    assert frechet(model.decode(z).detach(), x) < before / 4
