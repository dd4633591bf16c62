"""Two kinds of models, trained alone, found again, and measured."""

import dataclasses

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.geodesics import build, encode, load_data, settings, train, training
from latentbook.learning.running import Callback
from latentbook.metric import pullback_metric

SMOKE = {"scale": "smoke", "device": "cpu"}
KINDS = ("vae", "bigan")


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Settings of a few steps, and a place of their own for finished runs."""
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return settings(**SMOKE, steps=20, batch_size=32, latent_dim=3)


@pytest.fixture(scope="module")
def data():
    """The digits, which are read once."""
    torch.set_default_dtype(torch.float32)
    return load_data(settings(**SMOKE))


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


def test_the_data_are_the_published_parts_of_some_digits():
    training_part, test = load_data(settings(**SMOKE, digits="07"))
    assert set(training_part.y.tolist()) == set(test.y.tolist()) == {0, 7}
    everything = load_data(settings(**SMOKE))
    assert [len(part) for part in everything] == [1400, 397]
    kept = torch.isin(everything[1].y, torch.tensor([0, 7]))
    assert torch.equal(test.x, everything[1].x[kept])


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_depends_on_its_seed_alone(short, data, kind):
    chosen = dataclasses.replace(short, model=kind)
    torch.manual_seed(1)
    first = train(chosen, data=data)
    torch.manual_seed(2)
    assert same(first.model, train(chosen, data=data).model)
    assert not same(first.model, train(dataclasses.replace(chosen, seed=1), data=data).model)


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_run_stands_in_for_a_training(short, data, kind, monkeypatch):
    chosen = dataclasses.replace(short, model=kind)
    first = train(chosen, data=data, label="kept")
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
    again = train(chosen, data=data, trained="kept")
    assert same(first.model, again.model)
    assert again.error == first.error
    torch.testing.assert_close(again.codes, first.codes)


def test_a_finished_run_of_another_question_does_not_stand_in(short, data):
    train(short, data=data, label="kept")
    for other in ({"latent_dim": 4}, {"model": "bigan"}, {"digits": "01"}):
        with pytest.raises(ValueError, match="`trained` is 'kept', which has no run"):
            train(dataclasses.replace(short, **other), data=data, trained="kept")


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_goes_on_from_its_checkpoint(short, data, kind, tmp_path):
    chosen = dataclasses.replace(short, model=kind)
    whole, file = train(chosen, data=data), tmp_path / "half.safetensors"

    def die(steps):
        class Killed(Exception):
            pass

        class Kill(Callback):
            every = steps

            def __call__(self, moment):
                raise Killed

        return Killed, Kill()

    killed, callback = die(10)
    with pytest.raises(killed):
        train(chosen, data=data, checkpoint=file, callbacks=[callback])
    assert same(train(chosen, data=data, checkpoint=file).model, whole.model)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured_is_measured_on_the_test_data(short, data, kind):
    run = train(dataclasses.replace(short, model=kind), data=data)
    test = data[1]
    assert not run.model.training
    with torch.no_grad():
        codes = run.model.encode(test[:])
        error = (run.model.decode(codes) - test[:]).square().mean().item()
    torch.testing.assert_close(run.codes, codes)
    assert run.error == pytest.approx(error, rel=1e-5)


def test_codes_of_more_images_than_fit_at_once_are_in_order(monkeypatch):
    model = build(settings(**SMOKE), (1, 8, 8)).eval()
    images = Dataset(torch.rand(10, 1, 8, 8))
    whole = encode(model, images)
    monkeypatch.setattr(training, "CHUNK", 3)
    torch.testing.assert_close(encode(model, images), whole)


def test_a_vae_has_a_deviation_that_grows_away_from_the_data(short, data):
    run = train(dataclasses.replace(short, steps=300), data=data)
    with torch.no_grad():
        near, far = run.deviation(run.codes).mean(), run.deviation(run.codes + 50).mean()
    assert near < 1
    assert far > 5
    moments = run.moments(run.codes[:4])
    assert moments.shape == (4, 1, 8, 8, 2)
    torch.testing.assert_close(moments[..., 0], run.model.decode(run.codes[:4]))
    apart = sum(pullback_metric(f, run.codes[:4]) for f in (run.model.decode, run.deviation))
    # Two products in single precision.
    torch.testing.assert_close(pullback_metric(run.moments, run.codes[:4]), apart, rtol=1e-4, atol=1e-5)


def test_a_bigan_has_none(short, data):
    run = train(dataclasses.replace(short, model="bigan"), data=data)
    assert run.deviation is None
    with pytest.raises(ValueError, match="a BiGAN has no standard deviation"):
        run.moments(run.codes[:4])


def test_epochs_count_where_no_steps_are_given(data, monkeypatch):
    """At paper scale a VAE sees as many examples as there are 50 times, a BiGAN 100 times."""
    seen = {}

    def fit(model, dataset, loss, **given):
        seen.update(given)
        raise StopIteration

    monkeypatch.setattr(training, "fit", fit)
    for kind, epochs in (("vae", 50), ("bigan", 100)):
        with pytest.raises(StopIteration):
            train(settings(scale="paper", device="cpu", model=kind), data=data)
        assert seen["steps"] == epochs * 88
    assert seen["update"].keywords["steps_per_epoch"] == 88


def test_the_rate_of_a_vae_falls_by_a_factor_an_epoch(data, monkeypatch):
    seen = {}

    def fit(model, dataset, loss, **given):
        seen.update(given)
        raise StopIteration

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(StopIteration):
        train(settings(scale="paper", device="cpu"), data=data)
    assert [seen["schedule"](step) for step in (0, 87, 88, 176)] == pytest.approx([1, 1, 0.95, 0.95**2])
