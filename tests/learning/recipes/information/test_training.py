"""Training alone and as a family, against each other and against steps made by hand; finished runs instead."""

import dataclasses

import pytest
import torch

from latentbook.core import seeded
from latentbook.learning import recipe, runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.information import build, family, load_data, settings, train, training
from latentbook.learning.recipes.information.networks import loss

SMOKE = {"scale": "smoke", "device": "cpu"}
# Each differs from the usual in one thing that decides what is trained.
KINDS = [
    {},
    {"inference": "ladder"},
    {"inference": "bottom-up"},
    {"layers": 3},
    {"likelihood": "learned-gaussian"},
    {"likelihood": "bernoulli"},
    {"likelihood": "logistics"},
    {"posterior": "categorical"},
    {"conv_channels": 2},
]


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Settings of a few steps, and a place of their own for finished runs."""
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return settings(**SMOKE, steps=15, batch_size=32)


def flat(model):
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def by_hand(chosen, betas, data):
    """The same training in plain torch."""
    with seeded(chosen.seed):
        model = build(chosen, data.event_shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)
    generator = torch.Generator().manual_seed(chosen.seed)
    steps = chosen.steps
    with seeded(chosen.seed):
        for step in range(steps):
            x = data.batch(chosen.batch_size, generator)
            noise = model.draw_noise((len(x),), x, generator)
            terms = loss(model, (x, noise), step, epochs_a_step=chosen.batch_size / len(data))
            grown = min(1.0, (step + 1) / round(0.2 * steps))
            rates = [terms[f"rate_{layer}"] for layer in range(1, chosen.layers + 1)]
            whole = terms["distortion"] + grown * sum(b * r for b, r in zip(betas, rates, strict=True))
            optimizer.zero_grad()
            whole.backward()
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * min(1.0, (steps - step) / (0.4 * steps))
            optimizer.step()
    return model


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_training_is_that_of_plain_torch(short, kind):
    chosen = dataclasses.replace(settings(**SMOKE, **kind, seed=3), steps=15, batch_size=32)
    data = load_data(chosen)
    betas = [0.5, *[0.5 if chosen.inference == "bottom-up" else 2.0] * (chosen.layers - 1)]
    found = train(chosen, betas, data=data)
    # Another order of sums: single precision, over 15 steps.
    torch.testing.assert_close(flat(found.model), flat(by_hand(chosen, betas, data[0])), rtol=1e-3, atol=1e-4)
    assert found.betas == tuple(betas)
    assert not found.model.training


def test_members_are_what_they_would_be_alone(short):
    betas = [(0.1, 1.0), (1.0, 0.1), (10.0, 10.0)]
    together = family(short, betas)
    for own, run in zip(betas, together, strict=True):
        alone = train(short, own)
        assert run.betas == own
        assert run.id == alone.id
        torch.testing.assert_close(flat(run.model), flat(alone.model), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(flat(together[0].model), flat(together[1].model), atol=1e-3)


def test_a_large_grid_is_trained_part_by_part(short, monkeypatch, tmp_path):
    whole = family(short, [(1.0, 0.1), (1.0, 1.0), (1.0, 10.0)])
    monkeypatch.setattr(training, "TOGETHER", 2)
    parts = family(short, [(1.0, 0.1), (1.0, 1.0), (1.0, 10.0)], checkpoint=tmp_path / "run.safetensors")
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(flat(one.model), flat(other.model), rtol=1e-3, atol=1e-4)
    assert sorted(file.name for file in tmp_path.glob("*.safetensors")) == ["run-0.safetensors", "run-1.safetensors"]


def test_by_default_the_grid_is_trained(short):
    tiny = dataclasses.replace(short, steps=1)
    assert [run.betas for run in family(tiny)] == tiny.grid


def test_a_finished_run_is_taken_instead(short, monkeypatch):
    [kept, other] = family(short, [(1.0, 0.1), (1.0, 10.0)], label="mine")
    assert {entry.id for entry in runs.list("mine")} == {kept.id, other.id}
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
    again = family(short, [(1.0, 10.0), (1.0, 0.1)], trained="mine")
    assert [run.id for run in again] == [other.id, kept.id]
    torch.testing.assert_close(flat(again[1].model), flat(kept.model), rtol=0, atol=0)
    assert again[0].file == other.file


@pytest.mark.parametrize(
    "change", [{"inference": "ladder"}, {"sigma": 0.3}, {"layers": 3}, {"posterior": "categorical"}], ids=str
)
def test_a_finished_run_of_something_else_is_refused(short, change):
    train(short, label="mine")
    other = settings(**SMOKE, **change, steps=15, batch_size=32)
    with pytest.raises(ValueError, match="`trained` is 'mine', which has no run of"):
        train(other, trained="mine")


def test_sigma_is_saved_with_the_model(short):
    """The original forgets it: what it evaluates is another model's likelihood."""
    chosen = dataclasses.replace(short, sigma=0.35)
    train(chosen, label="mine")
    assert train(chosen, trained="mine").model.likelihood.sigma.item() == pytest.approx(0.35)


def test_bits_are_rounded_images():
    for part in load_data(settings(**SMOKE, likelihood="bernoulli")):
        assert set(part[:].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([1.0], r"`betas` is \(1.0,\), but there are 2 layers"),
        ([1.0, 1.0, 1.0], "but there are 2 layers"),
        ([1.0, -1.0], "`betas` is -1.0"),
        ([float("inf"), 1.0], "`betas` is inf"),
    ],
)
def test_weights_that_do_not_fit_are_refused(short, betas, message):
    with pytest.raises(ValueError, match=message):
        train(short, betas)
    with pytest.raises(ValueError, match=message):
        family(short, [betas])


def test_no_weights_are_refused(short):
    with pytest.raises(ValueError, match="`betas` is empty"):
        family(short, [])


def test_bottom_up_has_one_weight(short):
    with pytest.raises(ValueError, match="bottom-up only the sum is a rate"):
        train(dataclasses.replace(short, inference="bottom-up"), (1.0, 2.0))


def test_data_outside_of_what_the_likelihood_is_about_are_refused_before_the_first_step(short, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
    images = Dataset(torch.linspace(-1, 1, 40 * 64).reshape(40, 1, 8, 8))
    with pytest.raises(ValueError, match=r"but Bernoulli is about levels in \[0, 1\]"):
        train(settings(**SMOKE, likelihood="bernoulli"), data=(images, images))


def test_a_reader_s_own_data(short):
    points = Dataset(torch.randn(50, 3))
    assert train(short, data=(points, points)).model.reconstruct(points[:4]).shape == (4, 3)


def test_tensorboard_sees_the_test_data(short, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(recipe, "autoencoder_board", lambda *given: seen.append(given) or [])
    data = load_data(short)
    train(short, data=data, log_dir=tmp_path)
    family(short, [(1.0, 1.0)], data=data, log_dir=tmp_path)
    assert [[given[0], len(given[1]), len(given[2])] for given in seen] == [[tmp_path, 1400, 397]] * 2
