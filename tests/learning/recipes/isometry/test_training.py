"""Training alone and as a family, against steps that are made by hand, and finished runs in the place of training."""

import dataclasses

import pytest
import torch

from latentbook.core import seeded
from latentbook.learning import recipe, runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.progress import Progress
from latentbook.learning.recipes.isometry import (
    build,
    distortion,
    encode,
    examples,
    family,
    load_data,
    penalty_noise,
    scaled_isometry,
    settings,
    train,
    training,
)
from latentbook.learning.running import Callback

SMOKE = {"scale": "smoke", "device": "cpu"}
# Each differs from the usual in one thing that decides what is trained.
KINDS = [
    {},
    {"model": "fmvae"},
    {"model": "irae"},
    {"eta": None},
    {"eta": 0.5},
    {"latent_dim": 3, "probe": "sphere"},
    {"latent_dim": 4, "probe": "gaussian"},
    {"latent_dim": 5, "probe": "rademacher"},
]


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Settings of a few steps, and a place of their own for finished runs."""
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return settings(**SMOKE, steps=20, batch_size=32)


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)


@pytest.fixture(scope="module")
def data():
    """The digits, which are read once."""
    torch.set_default_dtype(torch.float32)
    return load_data(settings(**SMOKE))


@pytest.fixture
def points():
    """A reader's own: no labels, no images, few examples."""
    return Dataset(torch.randn(90, 5)), Dataset(torch.randn(40, 5))


def assert_same_model(one, two, **tolerances):
    states = one.state_dict(), two.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], **tolerances)


def assert_same_run(one, two, **tolerances):
    assert one.lam == two.lam
    assert_same_model(one.model, two.model, **tolerances)
    assert one.history.terms.keys() == two.history.terms.keys()
    for name, values in one.history.terms.items():
        torch.testing.assert_close(values, two.history.terms[name], **tolerances)
    for name in ("codes", "metric"):
        torch.testing.assert_close(getattr(one, name), getattr(two, name), **tolerances)
    numbers = [(run.error, run.rate, run.variance, run.distortion, run.sigma, run.condition.mean) for run in (one, two)]
    torch.testing.assert_close(*map(torch.tensor, numbers), equal_nan=True, **tolerances)


EXACT = {"rtol": 0, "atol": 0}


# ---- the steps -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("kind", [*KINDS, {"scale": "book"}, {"scale": "paper"}, {"seed": 3}])
def test_a_step_is_adam_s_on_the_weighted_sum_of_the_terms(short, data, kind):
    """Three steps by hand: the same batches and noise, and gradients of the same sum, which rounding alone tells apart.

    Adam divides by the size of a gradient, so that of a gradient near 0 the rounding may count: hence 1e-8, where
    a step has 1e-3.
    """
    chosen = dataclasses.replace(short, steps=3, lam=7.0, **kind)
    with seeded(chosen.seed):
        model = build(chosen, (1, 8, 8))
    rate = {"smoke": 3e-3, "book": 1e-3, "paper": 1e-4}[chosen.scale]
    optimizer, generator = torch.optim.Adam(model.parameters(), lr=rate), torch.Generator().manual_seed(chosen.seed)
    m, seen = chosen.latent_dim, []
    for _ in range(3):
        x = data[0].batch(32, generator)
        code = torch.randn(32, m, generator=generator)
        noise = penalty_noise((32, m), x, generator)
        z = model.encode(x) if chosen.model == "irae" else model.posterior(x).at(code)
        if chosen.model == "irae":
            own = {"reconstruction": (model.decode(z) - x).square().mean()}
        else:
            mean, log_std = model.encoder(x).chunk(2, -1)
            rates = 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(-1)
            own = {"distortion": -model.log_likelihood(x, z).mean(), "rate": rates.mean()}
        if chosen.model == "fmvae":
            penalty = scaled_isometry(model.decode, z, noise, eta=chosen.eta)
        else:
            penalty = distortion(model.decode, z, noise, eta=chosen.eta, probe=chosen.probe)
        optimizer.zero_grad()
        (sum(own.values()) + 7.0 * penalty).backward()
        optimizer.step()
        seen.append({**own, "isometry": penalty})
    run = train(chosen, data=data)
    assert_same_model(run.model, model, rtol=0, atol=1e-8)
    assert list(run.history.terms) == list(seen[0])
    for name, values in run.history.terms.items():
        torch.testing.assert_close(values, torch.stack([terms[name].detach() for terms in seen]), rtol=1e-7, atol=1e-7)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("kind", KINDS)
def test_a_family_trains_what_each_would_alone(short, data, kind):
    """The same arithmetic in another order: in double precision it stays the same over twenty steps."""
    chosen = dataclasses.replace(short, **kind)
    for run in family(chosen, [0.1, 10], data=data):
        assert_same_run(run, train(chosen, run.lam, data=data), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", [{}, {"model": "fmvae"}, {"model": "irae", "latent_dim": 4, "probe": "sphere"}])
def test_a_family_shares_weights_batches_and_noise(short, data, kind):
    """With equal weights of the penalty the members are equal, so nothing but λ tells them apart."""
    first, second = family(dataclasses.replace(short, **kind), [1, 1], data=data)
    assert_same_run(first, second, **EXACT)


def test_a_family_has_the_weights_of_the_settings_by_default(short, points, monkeypatch):
    monkeypatch.setitem(training.SCALES, "smoke", dataclasses.replace(training.SCALES["smoke"], learning_rate=1e-5))
    chosen = dataclasses.replace(short, steps=2, lam=50.0)
    assert [run.lam for run in family(chosen, data=points)] == list(chosen.lambdas)
    assert [run.lam for run in family(chosen, iter([3, 0]), data=points)] == [3.0, 0.0]


def test_without_weight_both_penalties_leave_the_plain_autoencoder(short, data):
    """What is multiplied by 0 adds 0 to each gradient: bit for bit the same, while with a weight it is not."""
    other = dataclasses.replace(short, model="fmvae")
    one, two = (train(chosen, 0, data=data) for chosen in (short, other))
    assert_same_model(one.model, two.model, **EXACT)
    assert one.history.terms["distortion"].equal(two.history.terms["distortion"])
    assert not one.history.terms["isometry"].equal(two.history.terms["isometry"])
    assert not train(short, 1.0, data=data).codes.equal(one.codes)


def test_the_distortion_falls_with_its_weight(data):
    plain, kept = family(settings(**SMOKE, steps=150), [0, 1000], data=data)
    assert kept.distortion < plain.distortion
    assert 0.5 <= kept.distortion < 0.53
    assert kept.condition.mean < plain.condition.mean
    assert kept.variance < plain.variance


@pytest.mark.parametrize("count", [250, 300, 10_557])
def test_a_long_training_has_the_original_s_epochs(monkeypatch, count):
    """300 times as many batches of 100 as hold all examples, the last one perhaps in part."""
    asked = {}
    monkeypatch.setattr(training, "fit", lambda *_, **options: asked.update(options) or training.History({}, 0.0))
    own = Dataset(torch.zeros(count, 1, 2, 2)), Dataset(torch.rand(10, 1, 2, 2))
    train(settings(scale="paper", device="cpu"), data=own)
    assert asked["steps"] == 300 * {250: 3, 300: 3, 10_557: 106}[count]
    assert asked["batch_size"] == 100
    assert asked["progress"].total == asked["steps"]


def test_training_reads_no_validation_example(short, data):
    blank = Dataset(torch.zeros_like(data[1].x), full_scale=16)
    one, two = train(short, data=data), train(short, data=(data[0], blank))
    assert_same_model(one.model, two.model, **EXACT)
    assert one.error != two.error


def test_the_seed_decides_initial_weights_and_batches(short, data):
    one, same, other = (train(dataclasses.replace(short, seed=seed), data=data) for seed in (0, 0, 1))
    assert_same_run(one, same, **EXACT)
    assert not one.codes.equal(other.codes)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert_same_run(one, train(short, data=data), **EXACT)
    # The caller's own randomness goes on as if nothing had been.
    assert torch.get_rng_state().equal(before)


# ---- measuring -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("kind", [{}, {"model": "irae", "latent_dim": 3}])
def test_a_run_is_measured_by_the_formulas(monkeypatch, data, kind):
    """All in one piece, in reverse mode and by general eigenvalues; there in parts of 100, of which the last has 58."""
    monkeypatch.setattr(training, "CHUNK", 100)
    chosen, history = settings(**SMOKE, **kind), training.History({}, 0.0)
    with seeded(3):
        model = build(chosen, (1, 8, 8)).eval()
    run = training.measure(model, history, 12.5, data[1])
    assert (run.lam, run.model, run.history) == (12.5, model, history)
    x, m = data[1][:], chosen.latent_dim
    parameters = model.encoder(x).detach()
    mean, log_std = parameters[:, :m], parameters[:, m:]
    J = torch.func.vmap(torch.func.jacrev(lambda z: model.decoder(z[None])[0].flatten()))(mean).detach()
    G = J.mT @ J
    values = torch.linalg.eigvalsh(G)
    relative = torch.linalg.eigvals(torch.linalg.inv(G.mean(0)) @ G).real
    trace = values.sum(1).mean()
    expected = {
        "codes": mean,
        "metric": G,
        "error": (model.decoder(mean) - x).square().mean().item(),
        "variance": relative.log().square().sum(1).mean().item(),
        "distortion": (values.square().sum(1).mean() / trace.square()).item(),
        "condition": (values[:, -1] / values[:, 0]).mean(),
    }
    found = {name: getattr(run, name) for name in expected} | {"condition": run.condition.mean}
    # Two ways to the same numbers: what rounding leaves of condition numbers of about 10.
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(run.condition.each, values[:, -1] / values[:, 0], rtol=1e-9, atol=0)
    if chosen.model == "irae":
        assert torch.tensor([run.rate, run.sigma]).isnan().all()
    else:
        rates = 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
        assert run.rate == pytest.approx(rates.mean().item(), rel=1e-9)
        with torch.no_grad():
            model.log_sigma.fill_(-0.5)
        assert run.sigma == pytest.approx(0.6065306597, rel=1e-9)


def test_a_trained_run_is_measured_as_it_came_out(short, data):
    run = train(short, 5, data=data)
    again = training.measure(run.model, run.history, 5.0, data[1])
    assert_same_run(run, again, **EXACT)
    assert run.codes.equal(encode(run.model, data[1]))
    assert not run.codes.requires_grad
    assert not run.model.training
    assert len(run.history.terms["rate"]) == short.steps


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_measuring_differentiates_no_more_at_once_than_fits(monkeypatch, latent_dim):
    """An example has as many tangents as latents: what is held at once is bounded, whatever their number."""
    sizes, real = [], training.pullback_metric

    def watched(f, z, *, chunk):
        sizes.append(chunk * z.shape[1])
        return real(f, z, chunk=chunk)

    monkeypatch.setattr(training, "pullback_metric", watched)
    model = build(settings(**SMOKE, latent_dim=latent_dim), (5,)).eval()
    training.measure(model, training.History({}, 0.0), 1.0, Dataset(torch.randn(20, 5)))
    assert training.CHUNK // 2 < sizes[0] <= training.CHUNK


def test_no_more_is_encoded_or_decoded_at_once_than_fits(monkeypatch):
    monkeypatch.setattr(training, "CHUNK", 8)
    model, sizes = build(settings(**SMOKE), (5,)).eval(), []
    for part in (model.encoder, model.decoder):
        part.register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    run = training.measure(model, training.History({}, 0.0), 1.0, Dataset(torch.randn(17, 5)))
    assert max(sizes) == 8
    # The last one is alone, and not forgotten.
    assert len(run.codes) == len(run.metric) == 17


# ---- a reader's own data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent_dim", [2, 3, 10])
def test_a_reader_s_points_need_no_labels_and_no_shape(short, points, tmp_path, latent_dim):
    """Also with more latents than the data have values: a metric of rank 5 at most, degenerate at every point."""
    pytest.importorskip("tensorboard")
    chosen = settings(**SMOKE, steps=20, batch_size=32, latent_dim=latent_dim)
    run = train(chosen, data=points, log_dir=tmp_path / "log", label="mine")
    assert run.codes.shape == (40, latent_dim)
    assert run.metric.shape == (40, latent_dim, latent_dim)
    assert (run.condition.degenerate == 40) == (latent_dim > 5)
    assert run.distortion >= 1 / latent_dim
    [one, two] = family(chosen, [0, 1], data=points)
    assert one.codes.shape == two.codes.shape == run.codes.shape
    [entry] = runs.list("mine")
    assert entry.spec["dataset"] == "custom"


@pytest.mark.parametrize("together", [False, True])
def test_numbers_are_of_the_data_s_kind(short, together):
    """Double precision, as tables come, is trained in double precision."""
    own = Dataset(torch.randn(90, 5, dtype=torch.float64)), Dataset(torch.randn(40, 5, dtype=torch.float64))
    run = family(short, [0.1], data=own)[0] if together else train(short, 0.1, data=own)
    assert {value.dtype for value in (run.codes, run.metric, run.history.terms["isometry"])} == {torch.float64}
    assert {value.dtype for value in run.model.state_dict().values()} == {torch.float64}


@pytest.mark.parametrize("trained", [train, family])
def test_data_go_where_the_settings_say(short, points, monkeypatch, trained):
    asked, real = [], Dataset.to

    def watched(self, device):
        asked.append((self, device))
        return real(self, device)

    monkeypatch.setattr(Dataset, "to", watched)
    trained(dataclasses.replace(short, steps=1), data=points)
    assert asked == [(points[0], short.device), (points[1], short.device)]


def test_it_runs_where_it_is_told_to(device, points):
    """With data that are elsewhere; what is returned to look at is on the host."""
    chosen = dataclasses.replace(settings(**SMOKE, steps=5, batch_size=32), device=device)
    for run in [train(chosen, data=points), *family(chosen, [1, 2], data=points)]:
        assert {value.device.type for value in run.model.state_dict().values()} == {device.type}
        assert {value.device.type for value in (run.codes, run.metric, run.condition.each)} == {"cpu"}


def test_a_batch_larger_than_the_data_is_refused(points):
    with pytest.raises(ValueError, match="`batch_size` is 100, but the data have 90 examples: pass at most 90"):
        train(settings(**SMOKE, steps=5), data=points)


@pytest.mark.parametrize("lam", [-1.0, float("nan"), float("inf")])
def test_a_reward_for_distortion_is_refused(short, monkeypatch, lam):
    monkeypatch.setattr(examples, "load", lambda *_, **__: pytest.fail("loaded"))
    for trained in (lambda: train(short, lam), lambda: family(short, [0.1, lam])):
        with pytest.raises(ValueError, match=rf"is {lam}, but must be a finite number from 0"):
            trained()


def test_a_family_has_a_member(short, points):
    with pytest.raises(ValueError, match="at least one"):
        family(short, [], data=points)


# ---- finished runs ---------------------------------------------------------------------------------------------------


def test_finished_runs_are_measured_instead_of_training(short, data, monkeypatch):
    made = family(short, [0.1, 10], data=data, label="two")
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
    for one, two in zip(made, family(short, [0.1, 10], data=data, trained="two"), strict=True):
        assert_same_run(one, two, **EXACT)
        assert not two.model.training
    # One of them alone, and in another order.
    assert_same_run(train(short, 10, data=data, trained="two"), made[1], **EXACT)
    assert_same_run(family(short, [10], data=data, trained="two")[0], made[1], **EXACT)
    with pytest.raises(ValueError, match=r"`trained` is 'two', which has no run of .*'lam': 0\.3.*\n.*'lam': 0\.1"):
        family(short, [0.1, 0.3], data=data, trained="two")


QUESTIONS = [*KINDS, {"probe": "sphere"}, {"probe": "gaussian"}, {"lam": 1.0}, {"digits": "01"}, {"scale": "paper"}]


def test_a_finished_run_answers_its_own_question_alone(short, data, monkeypatch):
    """Of each kind one is made, and asked for by all the others."""
    chosen = [dataclasses.replace(short, steps=2, **question) for question in QUESTIONS]
    made = [train(one, data=data, label=f"number{k}") for k, one in enumerate(chosen)]
    for k, run in enumerate(made):
        [entry] = runs.list(f"number{k}")
        for name in (f"number{k}", entry.id, entry.file):
            assert_same_run(train(chosen[k], data=data, trained=name), run, **EXACT)
        for other in [*chosen[:k], *chosen[k + 1 :]]:
            with pytest.raises(ValueError, match=rf"(?s)no run of.*it has\n  {entry.id}"):
                train(other, data=data, trained=f"number{k}")


def test_where_a_run_is_measured_is_no_part_of_its_question(short):
    run = train(short, label="mine")
    other = dataclasses.replace(short, validation_digits="28")
    elsewhere = train(other, trained="mine")
    assert_same_model(run.model, elsewhere.model, **EXACT)
    assert len(elsewhere.codes) == len(load_data(other)[1]) != len(run.codes)


def test_a_published_run_says_what_it_was_asked(short, points):
    train(short, 2, data=points, label="mine")
    family(short, [2], data=points, label="ours")
    [entry], [same] = runs.list("mine"), runs.list("ours")
    assert same.id == entry.id
    assert entry.data == points[0].checksum()
    spec = dataclasses.asdict(short) | {"dataset": "custom", "lam": 2.0, "original": False, "steps": 20}
    assert entry.spec == {name: value for name, value in spec.items() if name not in ("device", "validation_digits")}
    assert entry.recipe == "latentbook.learning.recipes.isometry"
    long = settings(scale="paper", device="cpu", batch_size=45)
    assert training._spec(long, points[0]).items() >= {"steps": 600, "original": True}.items()


def test_nothing_is_kept_or_read_unless_asked_for(short, points):
    train(short, data=points)
    family(short, [1], data=points)
    assert runs.list() == []


# ---- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_gone_on_from(short, points, tmp_path, monkeypatch):
    whole, both = train(short, 2, data=points), family(short, [0, 2], data=points)
    train(short, 2, data=points, checkpoint=tmp_path / "one")
    family(short, [0, 2], data=points, checkpoint=tmp_path / "two")
    # The files hold finished trainings: nothing is trained a second time.
    monkeypatch.setattr(training.VAE, "terms", lambda *_: pytest.fail("trained"))
    assert_same_run(train(short, 2, data=points, checkpoint=tmp_path / "one"), whole, **EXACT)
    again = family(short, [0, 2], data=points, checkpoint=tmp_path / "two")
    for one, two in zip(again, both, strict=True):
        assert_same_run(one, two, **EXACT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lam": 3.0}, "its lam is 2.0, not 3.0"),
        ({"model": "fmvae"}, "its model is irvae, not fmvae"),
        ({"eta": None}, "its eta is 0.2, not None"),
        ({"probe": "sphere"}, "its probe is exact, not sphere"),
        ({"scale": "book"}, "its scale is smoke, not book"),
        ({"latent_dim": 3}, "its latent_dim is 2, not 3"),
    ],
)
def test_a_checkpoint_of_another_question_is_refused(short, points, tmp_path, change, message):
    """Its weights would fit, and would be taken for the answer."""
    chosen = dataclasses.replace(short, steps=2, lam=2.0)
    train(chosen, data=points, checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match=rf"of another run, {message}: delete it"):
        train(dataclasses.replace(chosen, **change), data=points, checkpoint=tmp_path / "run")


def test_a_checkpoint_of_another_family_is_refused(short, points, tmp_path):
    chosen = dataclasses.replace(short, steps=2)
    family(chosen, [0, 0.1], data=points, checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match=r"its lam is \[0.0, 0.1\], not \[0.0, 5.0\]"):
        family(chosen, [0, 5], data=points, checkpoint=tmp_path / "run")


# ---- looking on ------------------------------------------------------------------------------------------------------


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0}).Reload()


SCORES = ["validation/MCN", "validation/distortion", "validation/error"]


def test_tensorboard_shows_terms_scores_widths_and_images(short, data, tmp_path):
    pytest.importorskip("tensorboard")
    run = train(short, 5, data=data, log_dir=tmp_path)
    events = read(tmp_path)
    assert sorted(events.Tags()["scalars"]) == ["distortion", "isometry", "rate", *SCORES]
    for name, values in run.history.terms.items():
        written = events.Scalars(name)
        assert [scalar.step for scalar in written] == list(range(short.steps))
        # TensorBoard stores single precision, of which `add_scalar` keeps all.
        torch.testing.assert_close(torch.tensor([scalar.value for scalar in written]), values, rtol=1e-6, atol=0)
    measured = {"validation/MCN": run.condition.mean.item(), "validation/distortion": run.distortion}
    measured["validation/error"] = run.error
    for name, value in measured.items():
        [score] = events.Scalars(name)
        # The model is looked at where it ends, in chunks of other sizes.
        assert (score.step, score.value) == (short.steps, pytest.approx(value, rel=1e-4))
    assert events.Tags()["histograms"] == ["latent std"]
    sizes = {name: events.Images(name)[-1] for name in events.Tags()["images"]}
    assert {name: (image.width, image.height) for name, image in sizes.items()} == {
        "latent plane": (384, 384),
        # Ten digits of 8 x 8.
        "input": (80, 8),
        "reconstruction": (80, 8),
    }


def test_tensorboard_shows_every_member_of_a_family(short, data, tmp_path):
    pytest.importorskip("tensorboard")
    runs_of_two = family(dataclasses.replace(short, model="irae", steps=10), [0, 1], data=data, log_dir=tmp_path)
    events = read(tmp_path)
    names = ["isometry", "reconstruction", *SCORES]
    assert sorted(events.Tags()["scalars"]) == sorted(f"{name}/{k}" for name in names for k in range(2))
    assert sorted(events.Tags()["histograms"]) == ["latent std/0", "latent std/1"]
    images = ("input", "latent plane", "reconstruction")
    assert sorted(events.Tags()["images"]) == [f"{name}/{k}" for name in images for k in range(2)]
    for k, run in enumerate(runs_of_two):
        assert events.Scalars(f"validation/error/{k}")[-1].value == pytest.approx(run.error, rel=1e-5)


class Watch(Callback):
    """Measure after every five steps, and stop after so many."""

    every = 5

    def __init__(self, until, validation):
        self.until, self.validation, self.seen = until, validation, []

    def __call__(self, moment):
        moment.model.eval()
        self.seen.append(training.measure(moment.model, training.History({}, 0.0), 5.0, self.validation))
        moment.model.train()
        return moment.step >= self.until


def test_callbacks_see_the_training_and_may_stop_it(short, data, capsys):
    watch, line = Watch(10, data[1]), Progress(short.steps, shown=False)
    run = train(short, 5, data=data, callbacks=[watch], progress=line)
    assert line.done == len(run.history.terms["rate"]) == 10
    assert len(watch.seen) == 2
    assert run.codes.equal(watch.seen[-1].codes)
    # Looking on changes nothing.
    assert_same_run(run, train(dataclasses.replace(short, steps=10), 5, data=data), **EXACT)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("trained", "options", "label"),
    [
        (lambda chosen, data: train(chosen, data=data), {}, "λ = 100, batches of 32"),
        (lambda chosen, data: train(chosen, 0.5, data=data), {"batch_size": 64}, "λ = 0.5, batches of 64"),
        (lambda chosen, data: family(chosen, [0.5], data=data), {}, "λ = 0.5, batches of 32"),
        (lambda chosen, data: family(chosen, [1, 2, 3], data=data), {}, "3 models as one, batches of 32"),
        (lambda chosen, data: train(chosen, 1, data=data), {"model": "irae"}, "λ = 1, IRAE, batches of 32"),
        (
            lambda chosen, data: train(chosen, 1, data=data),
            {"latent_dim": 4, "probe": "sphere", "eta": None},
            "λ = 1, 4 latents, batches of 32, sphere probes, no mixing",
        ),
        # Which has no probes, whatever the settings say.
        (
            lambda chosen, data: train(chosen, 1, data=data),
            {"model": "fmvae", "probe": "sphere"},
            "λ = 1, FMVAE, batches of 32",
        ),
    ],
)
def test_the_line_of_progress_says_what_is_trained(short, points, monkeypatch, trained, options, label):
    lines = []

    class Watched(Progress):
        def __init__(self, total, label):
            lines.append((total, label))
            super().__init__(total, label, shown=False)

    monkeypatch.setattr(recipe, "Progress", Watched)
    trained(dataclasses.replace(short, steps=1, **options), points)
    assert lines == [(1, label)]
