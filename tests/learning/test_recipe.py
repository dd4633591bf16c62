"""What a sweep may rely on in every recipe, and the frame by itself, around a recipe of one line."""

import dataclasses
import functools

import pytest
import torch
from torch import nn

from latentbook.learning import recipe, runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family
from latentbook.learning.progress import Progress
from latentbook.learning.recipe import Recipe, Result, updates
from latentbook.learning.recipes import classifiers, geodesics, information, isometry, least_volume
from latentbook.learning.train import History, fit

RECIPES = [least_volume, isometry, geodesics, classifiers, information]
# Settings of a second member, where there are families.
OTHER = {least_volume: {"lam": 0.1}, isometry: {"lam": 10.0}, information: {"beta_1": 0.1, "beta_2": 10.0}}
each = pytest.mark.parametrize("module", RECIPES, ids=lambda module: module.__name__.rpartition(".")[2])
with_families = pytest.mark.parametrize("module", OTHER, ids=lambda module: module.__name__.rpartition(".")[2])


@pytest.fixture(autouse=True)
def _as_readers_do(monkeypatch, tmp_path):
    """Single precision, and a place of their own for finished runs."""
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))


def short(module, **parameters):
    return module.settings(scale="smoke", device="cpu", steps=5, batch_size=32, **parameters)


@functools.cache
def data_of(module):
    return module.load_data(short(module))


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


# ---- every recipe ----------------------------------------------------------------------------------------------------


@each
def test_a_recipe_has_what_a_sweep_calls(module):
    assert {"STACKED", "Run", "Settings", "load_data", "settings", "together", "train"} <= {*module.__all__}
    assert {*module.STACKED} == {*OTHER.get(module, {})}
    assert {*module.STACKED} <= {field.name for field in dataclasses.fields(module.Settings)}
    # A run belongs to the recipe, not to a file in it.
    assert module.training.RECIPE.name == module.__name__


@each
def test_settings_of_one_model_are_trained_as_they_are_alone(module):
    chosen = short(module, seed=3)
    [run] = module.together([chosen], data=data_of(module))
    alone = module.train(chosen, data=data_of(module))
    assert isinstance(run, module.Run)
    assert run.id == alone.id
    if module not in OTHER:
        assert same(run.model, alone.model)
        return
    [first] = module.family(chosen, [getattr(chosen, "lam", None) or chosen.betas], data=data_of(module))
    assert same(run.model, first.model)
    for name, value in run.model.state_dict().items():
        # A batched product sums in another order; five steps in single precision.
        torch.testing.assert_close(value, alone.model.state_dict()[name], rtol=1e-3, atol=1e-4)


@with_families
def test_settings_that_differ_in_what_is_stacked_are_a_family(module):
    data, chosen = data_of(module), [short(module), short(module, **OTHER[module])]
    found = module.together(chosen[::-1], data=data, label="both")
    weights = [getattr(one, "lam", None) or one.betas for one in chosen[::-1]]
    family = module.family(chosen[0], weights, data=data)
    assert [run.id for run in found] == [run.id for run in family]
    assert all(same(one.model, two.model) for one, two in zip(found, family, strict=True))
    assert not same(found[0].model, found[1].model)
    assert {entry.id: entry.file for entry in runs.list("both")} == {run.id: run.file for run in found}
    # Asked for by their settings, each is found.
    for one, run in zip(chosen[::-1], found, strict=True):
        assert same(module.train(one, data=data, trained="both").model, run.model)


@with_families
@pytest.mark.parametrize("change", [{"seed": 1}, {"steps": 6}, {"batch_size": 16}])
def test_what_differs_in_more_is_no_family(module, change, monkeypatch):
    monkeypatch.setattr(module.training, "fit", lambda *_, **__: pytest.fail("trained"))
    chosen = short(module)
    other = dataclasses.replace(short(module, **OTHER[module]), **change)
    [name] = change
    with pytest.raises(ValueError, match=rf"`chosen` has {name} = \d+ and {change[name]}, but a family differs in"):
        module.together([chosen, other])


@each
def test_no_settings_are_no_family(module):
    with pytest.raises(ValueError, match="`chosen` has 0 settings: pass"):
        module.together([])


@pytest.mark.parametrize("module", [geodesics, classifiers])
def test_a_recipe_without_families_takes_one(module):
    with pytest.raises(ValueError, match="`chosen` has 2 settings: pass those of one model"):
        module.together([short(module), short(module)])


@each
def test_a_run_says_which_it_is_and_where_it_is_kept(module):
    chosen, data = short(module), data_of(module)
    bare, kept = module.train(chosen, data=data), module.train(chosen, data=data, label="mine")
    [entry] = runs.list("mine")
    assert (bare.id, bare.file) == (entry.id, None)
    assert (kept.id, kept.file) == (entry.id, entry.file)
    for name in ("mine", entry.id, entry.file):
        again = module.train(chosen, data=data, trained=name)
        assert (again.id, again.file) == (entry.id, entry.file)
    # It may have been made in another manner, and is then still the run that it is.
    longer = dataclasses.replace(chosen, steps=chosen.steps + 1)
    assert module.train(longer, data=data, trained="mine").id == entry.id
    assert module.train(longer, data=data).id != entry.id


@each
def test_a_checkpoint_may_be_a_name(module, tmp_path, monkeypatch):
    chosen, data, file = [short(module)], data_of(module), tmp_path / "of" / "one"
    [whole] = module.together(chosen, data=data, checkpoint=str(file))
    assert file.is_file()
    loaded = torch.nn.Module.load_state_dict
    seen = []
    monkeypatch.setattr(nn.Module, "load_state_dict", lambda self, state: seen.append(state) or loaded(self, state))
    [again] = module.together(chosen, data=data, checkpoint=str(file))
    assert same(again.model, whole.model)
    assert len(seen) == 1


@each
def test_progress_is_counted_on_the_line_that_is_given(module):
    line = Progress(5, shown=False)
    module.train(short(module), data=data_of(module), progress=line)
    assert line.done == 5


@each
def test_tensorboard_sees_the_terms(module, tmp_path):
    pytest.importorskip("tensorboard")
    run = module.train(short(module), data=data_of(module), log_dir=tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path)).Reload()
    for name, values in run.history.terms.items():
        assert len(events.Scalars(name)) == len(values) == 5


def test_members_whose_weights_weigh_nothing_are_refused():
    chosen = [short(information, inference="bottom-up"), short(information, inference="bottom-up", beta_2=2.0)]
    with pytest.raises(ValueError, match="bottom-up only the sum is a rate"):
        information.together(chosen, data=data_of(information))


def test_a_whole_number_is_the_same_weight():
    chosen = [dataclasses.replace(short(information), beta_1=1, beta_2=2)]
    [run] = information.together(chosen, data=data_of(information))
    assert run.id == information.train(short(information, beta_2=2.0), data=data_of(information)).id


# ---- the frame -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Chosen:
    power: float = 1.0
    seed: int = 0
    device: str = "cpu"
    batch_size: int = 4
    steps: int | None = 3


@dataclasses.dataclass(frozen=True)
class Found(Result):
    model: nn.Module
    sizes: tuple[int, int]


def descend(model, chosen, training, spec, **common):
    return fit(
        model, training, lambda model, x, step: {"error": model(x).square().mean()}, weights={"error": 1.0}, **common
    )


LINE = Recipe(
    "latentbook.learning.recipe",
    load_data=lambda chosen: (Dataset(torch.ones(8, 2)), Dataset(torch.ones(3, 2))),
    start=lambda chosen, training: nn.Linear(training.event_shape[0], 1),
    descend=descend,
    spec=lambda chosen, training: {"power": chosen.power, "steps": chosen.steps},
    title=lambda chosen, training: f"{len(chosen)} lines through {len(training)} points",
    measure=lambda model, history, chosen, training, test: Found(model, (len(training), len(test))),
    board=lambda *_: [],
)


def test_initial_weights_are_those_of_the_seed_and_the_caller_s_numbers_stay():
    for seed in (0, 1):
        chosen = Chosen(seed=seed)
        torch.manual_seed(7)
        model = dataclasses.replace(LINE, descend=lambda *_, **__: History({}, 0.0)).train(chosen).model
        drawn = torch.rand(3)
        torch.manual_seed(seed)
        assert same(model, nn.Linear(2, 1))
        torch.manual_seed(7)
        assert drawn.equal(torch.rand(3))


def test_a_model_is_of_the_data_s_kind_of_numbers():
    data = Dataset(torch.ones(8, 2).double()), Dataset(torch.ones(3, 2).double())
    assert LINE.train(Chosen(), data=data).model.weight.dtype == torch.float64


def test_only_a_reader_s_data_are_adapted():
    halved = dataclasses.replace(LINE, adapted=lambda training, test: (training.subset(slice(4)), test))
    own = Dataset(torch.rand(6, 2)), Dataset(torch.rand(5, 2))
    assert halved.train(Chosen()).sizes == (8, 3)
    assert halved.train(Chosen(), data=own).sizes == (4, 5)
    assert LINE.train(Chosen(), data=own).sizes == (6, 5)


def test_a_family_loads_its_data_once(monkeypatch):
    loaded = []
    several = dataclasses.replace(
        LINE,
        stacked=("power",),
        load_data=lambda chosen: loaded.append(chosen) or LINE.load_data(chosen),
        descend=lambda *_, **__: History({"error": torch.zeros(3, 2)}, 0.0),
    )
    chosen = [Chosen(1.0), Chosen(2.0)]
    assert len(several.together(chosen, label="both")) == 2
    assert loaded == chosen[:1]
    several.together(chosen, trained="both")
    assert loaded == chosen[:1] * 2


@pytest.mark.parametrize(("stacked", "kind"), [(("power",), Family), ((), nn.Linear)])
def test_one_of_a_recipe_with_families_is_a_family_of_one(stacked, kind):
    seen = []

    def watched(model, *_, **__):
        seen.append(type(model))
        return History({"error": torch.zeros(3, 1)}, 0.0)

    assert len(dataclasses.replace(LINE, stacked=stacked, descend=watched).together([Chosen()])) == 1
    assert seen == [kind]


def test_what_is_kept_is_kept_before_it_is_measured():
    """Measuring may fail, and training is what took its time."""
    broken = dataclasses.replace(LINE, measure=lambda *_: pytest.fail("measured"))
    with pytest.raises(pytest.fail.Exception):
        broken.train(Chosen(), label="mine")
    [entry] = runs.list("mine")
    assert LINE.train(Chosen(), trained="mine").id == entry.id


def test_a_finished_model_is_measured_as_it_was_and_not_trained():
    made = LINE.train(Chosen(), label="mine")
    taken = dataclasses.replace(LINE, descend=lambda *_, **__: pytest.fail("trained")).train(Chosen(), trained="mine")
    assert same(made.model, taken.model)
    assert not taken.model.training
    with pytest.raises(ValueError, match="no run of"):
        LINE.train(Chosen(power=2.0), trained="mine")


def test_the_line_of_progress_is_called_as_the_recipe_says(monkeypatch):
    lines = []
    silent = functools.partial(Progress, shown=False)
    monkeypatch.setattr(recipe, "Progress", lambda *given: lines.append(given) or silent(*given))
    LINE.train(Chosen())
    assert lines == [(3, "1 lines through 8 points")]


def test_steps_are_the_settings_or_what_epochs_come_to():
    data = Dataset(torch.ones(9, 2))
    assert updates(Chosen(steps=7), 5, data) == 7
    # Of nine examples in fours, an epoch has three batches.
    assert updates(Chosen(steps=None), 5, data) == 15
