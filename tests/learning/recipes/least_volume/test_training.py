"""Training alone and as a family, measuring, and finished runs in the place of training."""

import dataclasses
import math
from typing import NamedTuple

import pytest
import torch

from latentbook.learning import runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.least_volume import (
    build,
    encode,
    family,
    load_data,
    measure,
    settings,
    train,
    training,
)
from latentbook.learning.running import Callback
from latentbook.learning.train import History
from latentbook.lipschitz import lipschitz_bound
from latentbook.volume import prune

SMOKE = {"scale": "smoke", "device": "cpu"}


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Settings of a few steps, and a place of their own for finished runs."""
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return settings(**SMOKE, steps=60, batch_size=64)


def test_a_family_starts_from_the_same_weights_and_batches():
    """With equal weights of the penalty the members are equal, so nothing but λ tells them apart."""
    first, second = family(settings(**SMOKE), [0.03, 0.03])
    assert first.history.terms["reconstruction"].equal(second.history.terms["reconstruction"])
    assert first.std.equal(second.std)


@pytest.mark.parametrize("options", [{}, {"norm": "power"}, {"budget": 1.5, "eta": 0.0}])
def test_a_family_trains_what_each_would_alone(short, options):
    """The same arithmetic in another order: in double precision it stays the same over sixty steps."""
    torch.set_default_dtype(torch.float64)
    chosen = dataclasses.replace(short, **options)
    together = family(chosen, [0.003, 0.1])
    for run in together:
        alone = train(chosen, run.lam)
        torch.testing.assert_close(run.std, alone.std, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(run.curve, alone.curve, rtol=1e-6, atol=0)


def test_finished_runs_are_measured_instead_of_training(short, monkeypatch):
    made = family(short, [0.003, 0.1], label="two")
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
    for one, two in zip(made, family(short, [0.003, 0.1], trained="two"), strict=True):
        assert (one.lam, one.dimensions) == (two.lam, two.dimensions)
        assert one.std.equal(two.std)
        assert one.curve.equal(two.curve)
        assert one.history.terms["penalty"].equal(two.history.terms["penalty"])
    with pytest.raises(ValueError, match=r"`trained` is 'two', which has no run of .*'lam': 0\.3"):
        family(short, [0.003, 0.3], trained="two")


QUESTIONS = [{}, {"lipschitz": False}, {"eta": 0.0}, {"penalty": "lasso"}, {"reconstruction": "bce"}, {"lam": 0.1}]


@pytest.mark.parametrize("options", QUESTIONS)
def test_a_finished_run_answers_its_own_question_alone(short, options):
    chosen = dataclasses.replace(short, **options)
    made = train(chosen, label="mine")
    [entry] = runs.list("mine")
    for name in ("mine", entry.id, entry.file):
        assert train(chosen, trained=name).curve.equal(made.curve)
    for other in QUESTIONS:
        if other != options:
            with pytest.raises(ValueError, match="no run of"):
                train(dataclasses.replace(short, **other), trained="mine")


def test_nothing_is_kept_or_read_unless_asked_for(short):
    train(short, 0.03)
    family(short, [0.03])
    assert runs.list() == []


def test_a_checkpoint_is_gone_on_from(short, tmp_path, monkeypatch):
    whole = train(short, 0.03)
    train(short, 0.03, checkpoint=tmp_path / "run")
    again = train(short, 0.03, checkpoint=tmp_path / "run")
    assert again.std.equal(whole.std)
    # The file holds a finished training: nothing is trained a second time.
    monkeypatch.setattr(training.Autoencoder, "terms", lambda *_: pytest.fail("trained"))
    assert train(short, 0.03, checkpoint=tmp_path / "run").std.equal(whole.std)


def test_a_checkpoint_of_another_weight_is_refused(short, tmp_path):
    """Its weights would fit, and would be taken for the answer."""
    chosen = dataclasses.replace(short, steps=2)
    train(chosen, 0.03, checkpoint=tmp_path / "one")
    with pytest.raises(ValueError, match=r"its lam is 0\.03, not 0\.1: delete it"):
        train(chosen, 0.1, checkpoint=tmp_path / "one")
    family(chosen, [0.25, 0.5], checkpoint=tmp_path / "two")
    with pytest.raises(ValueError, match=r"its lam is \[0.25, 0.5\], not \[0.25, 1.0\]"):
        family(chosen, [0.25, 1], checkpoint=tmp_path / "two")


def test_tensorboard_shows_terms_widths_and_reconstructions(short, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(short, 0.03, log_dir=tmp_path / "one")
    family(short, [0.003, 0.1], log_dir=tmp_path / "two")
    one, two = (EventAccumulator(str(tmp_path / name)).Reload() for name in ("one", "two"))
    assert one.Scalars("penalty")[-1].value == pytest.approx(run.history.terms["penalty"][-1].item())
    assert one.Tags()["histograms"] == ["latent std"]
    assert one.Tags()["images"] == ["reconstructions"]
    # Eight digits of 8 x 8, above their reconstructions.
    assert (one.Images("reconstructions")[-1].width, one.Images("reconstructions")[-1].height) == (64, 16)
    assert sorted(two.Tags()["scalars"]) == ["penalty/0", "penalty/1", "reconstruction/0", "reconstruction/1"]
    assert sorted(two.Tags()["histograms"]) == ["latent std/0", "latent std/1"]
    assert sorted(two.Tags()["images"]) == ["reconstructions/0", "reconstructions/1"]


class Watch(Callback):
    """Measure after every twenty steps, and stop after so many."""

    # Not every fiftieth: `fit` counts steps then, and has to count those that callbacks have read.
    every = 20

    def __init__(self, until, data):
        self.until, self.data, self.seen = until, data, []

    def __call__(self, moment):
        moment.model.eval()
        self.seen.append(measure(moment.model, History(dict(moment.terms), 0.0), 0.03, *self.data))
        moment.model.train()
        return moment.step >= self.until


def test_callbacks_see_the_training_and_may_stop_it(short, capsys):
    data = load_data(short)
    watch, line = Watch(40, data), Progress(short.steps, shown=False)
    run = train(short, 0.03, data=data, callbacks=[watch], progress=line)
    assert line.done == len(run.history.terms["penalty"]) == 40
    assert len(watch.seen) == 2
    # What was seen last is what came out, and half the steps are the first half of all.
    assert run.curve.equal(watch.seen[-1].curve)
    assert run.std.equal(watch.seen[-1].std)
    assert run.curve.equal(train(dataclasses.replace(short, steps=40), 0.03, data=data).curve)
    assert capsys.readouterr() == ("", "")


def test_looking_on_changes_nothing(short):
    data = load_data(short)
    watched = train(short, 0.03, data=data, callbacks=[Watch(short.steps, data)])
    assert watched.curve.equal(train(short, 0.03, data=data).curve)


def test_a_larger_weight_keeps_a_smaller_volume():
    small, large = family(settings(**SMOKE), [0.003, 0.3])
    assert large.history.terms["penalty"][-1] < small.history.terms["penalty"][-1]
    assert large.dimensions == 0
    assert large.error == float(large.curve[-1])
    assert small.error == float(small.curve[32 - small.dimensions])


def test_training_reads_no_test_image(monkeypatch):
    chosen = settings(**SMOKE)
    training, test = load_data(chosen)
    other = dataclasses.replace(chosen)
    blank = type(test)(torch.zeros_like(test.x), test.y, full_scale=16)
    one, two = train(chosen, 0.03), train(other, 0.03, data=(training, blank))
    assert one.std.equal(two.std)
    assert not one.curve.equal(two.curve)


def test_ranks_and_means_come_from_the_training_data():
    chosen = settings(**SMOKE)
    run = train(chosen, 0.01)
    training, test = load_data(chosen)
    with torch.no_grad():
        z, codes = run.model.encode(test[:]), run.model.encode(training[:])
        narrowest = int(codes.std(0).argmin())
        z[:, narrowest] = codes[:, narrowest].mean()
        expected = (run.model.decode(z) - test[:]).flatten(1).norm(dim=1).mean()
    torch.testing.assert_close(run.curve[1], expected)


def test_a_trained_model_can_be_cut_to_what_it_needs():
    """Reference case 6 on digits: the smaller network draws the same images, to single precision."""
    chosen = settings(**SMOKE)
    training, test = load_data(chosen)
    run = train(chosen, data=(training, test))
    codes, z = encode(run.model, training), encode(run.model, test)
    keep = run.std.argsort(descending=True)[: run.dimensions]
    dead = run.std.argsort(descending=True)[run.dimensions :]
    z[:, dead] = codes.mean(0)[dead]
    encoder, decoder = prune(run.model.encoder, run.model.decoder, keep, codes.mean(0))
    torch.testing.assert_close(decoder(encoder(test[:])), run.model.decode(z), atol=1e-5, rtol=0)


def test_a_reward_for_volume_is_refused(short):
    for trained in (lambda: train(short, -1.0), lambda: family(short, [0.1, -1.0])):
        with pytest.raises(ValueError, match=r"is -1\.0"):
            trained()


def test_a_cross_entropy_needs_grey_levels(short):
    bright = Dataset(torch.full((80, 1, 8, 8), 5.0))
    with pytest.raises(ValueError, match=r"`data` has values from 5 to 5.*\[0, 1\]"):
        train(dataclasses.replace(short, reconstruction="bce"), data=(bright, bright))


class Spread(NamedTuple):
    """A value of one training, and its standard deviation between trainings."""

    value: float
    deviation: float

    def allows(self, other, of_data=0.0):
        """Whether another training's value is within three standard deviations of the difference."""
        return abs(other - self.value) <= 3 * math.hypot(self.deviation, self.deviation, of_data)


# Values of an independent implementation, with another split of the digits and torch's own spectral norm, whose one
# power iteration a step lags behind: test error of the whole code, and dimensions by the 1 % rule; one training each.
# Deviations are ours, over seeds 0 to 7. Another machine's rounding acts as another seed: at λ = 0.1, where three, four
# or five dimensions stay, seed 0 had the error 1.46 on one, and less than 1.44 on another.
REFERENCE = [
    ({"lam": 0.01}, Spread(0.416, 0.018), Spread(32, 0.5)),
    ({"lam": 0.03}, Spread(0.875, 0.029), Spread(11, 1.0)),
    ({"lam": 0.05}, Spread(1.065, 0.016), Spread(7, 0.7)),
    ({"lam": 0.1}, Spread(1.375, 0.057), Spread(4, 0.8)),
    ({"lam": 0.03, "eta": 0.0}, Spread(0.596, 0.021), Spread(18, 1.1)),
    ({"lam": 0.03, "lipschitz": False}, Spread(0.415, 0.014), Spread(32, 0.0)),
    ({"lam": 0.3}, Spread(2.156, 0.001), Spread(0, 0.0)),
]
# Standard error of a mean over 397 images, which were others in each.
SPLIT = 0.015


@pytest.mark.parametrize(("options", "error", "dimensions"), REFERENCE)
def test_an_independent_implementation_found_the_same(options, error, dimensions):
    run = train(settings(scale="book", device="cpu", norm="power", **{"eta": 1.0, **options}))
    assert error.allows(float(run.curve[0]), of_data=SPLIT)
    assert dimensions.allows(run.dimensions)


@pytest.mark.parametrize("seed", range(4))
def test_the_decoder_is_bounded_while_the_weights_move_fastest(seed):
    """Within 5 %, at each of Adam's first steps; with one iteration a step, seeds 0, 1 and 3 pass 1.05."""
    chosen = settings(device="cpu", seed=seed)
    data, _ = load_data(chosen)
    torch.manual_seed(seed)
    model = build(chosen, data.event_shape).train()
    optimizer, slopes = torch.optim.Adam(model.parameters(), lr=1e-3), []
    for _ in range(30):
        model.terms(data[torch.randperm(len(data))[:256]])["reconstruction"].backward()
        slopes.append(lipschitz_bound(model.decoder.eval(), (chosen.latent_dim,)))
        model.train()
        optimizer.step()
        optimizer.zero_grad()
    assert min(slopes) > 0.99
    assert max(slopes) < 1.05


@pytest.mark.parametrize(("norm", "low", "high"), [("exact", 0.99, 1.05), ("power", 1.1, 1.4)])
def test_a_norm_that_lags_lets_the_decoder_stretch(norm, low, high):
    """One power iteration a step is a bound in name: the layers' true norms multiply to about 1.2 in training."""
    run = train(settings(scale="smoke", device="cpu", norm=norm, steps=1500))
    assert low < lipschitz_bound(run.model.decoder, (32,)) < high
