"""Finished runs: one file each, found by id, label or file, and by nothing else."""

import dataclasses
import errno
import json
import os

import pytest
import torch
from torch import nn

from latentbook.core import ChecksumError
from latentbook.learning import runs
from latentbook.learning.dataset import Dataset
from latentbook.learning.train import History

RECIPE = "latentbook.learning.recipes.least_volume"
HISTORY = History({"error": torch.tensor([2.0, 1.0])}, seconds=1.5)


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def data():
    return Dataset(torch.rand(20, 3))


def publish(data, label="mine", recipe=RECIPE, model=None, **spec):
    model = model or nn.Linear(3, 2)
    return runs.publish(recipe, {"scale": "book", "seed": 0, "lam": 0.1, **spec}, data, model, HISTORY, label=label)


def test_what_was_published_is_loaded(data):
    model = nn.Linear(3, 2)
    entry = publish(data, model=model)
    for which in (entry.id, "mine", entry.file, str(entry.file)):
        found = runs.load(which)
        assert found.entry == entry
        assert found.state.keys() == model.state_dict().keys()
        assert all(found.state[name].equal(value) for name, value in model.state_dict().items())
        assert found.history.seconds == 1.5
        assert found.history.terms["error"].tolist() == [2.0, 1.0]


def test_a_run_says_what_it_is(data):
    entry = publish(data)
    assert (entry.label, entry.recipe, entry.spec["lam"]) == ("mine", RECIPE, 0.1)
    assert entry.id == runs.run_id(RECIPE, entry.spec, data)
    assert entry.data == data.checksum()
    assert entry.versions["torch"]
    assert entry.seconds == 1.5
    assert entry.peak_memory > 1_000_000
    assert entry.is_current


def test_the_list_is_by_label_and_spec(data):
    publish(data, "two", lam=0.3)
    publish(data, "one", lam=0.2)
    publish(data, "one", lam=0.1)
    assert [(entry.label, entry.spec["lam"]) for entry in runs.list()] == [("one", 0.1), ("one", 0.2), ("two", 0.3)]
    assert [entry.spec["lam"] for entry in runs.list("two")] == [0.3]
    assert runs.list("three") == []


def test_the_id_is_of_spec_data_and_source(data, monkeypatch):
    spec = {"lam": 0.1, "seed": 0}
    one = runs.run_id(RECIPE, spec, data)
    assert runs.run_id(RECIPE, {"seed": 0, "lam": 0.1}, data) == one
    assert runs.run_id(RECIPE, {**spec, "lam": 0.2}, data) != one
    assert runs.run_id(RECIPE, spec, data.subset([*range(19)])) != one
    assert runs.run_id("latentbook.learning.train", spec, data) != one
    entry = publish(data)
    monkeypatch.setattr(runs, "source_hash", lambda code: "another")
    assert runs.run_id(RECIPE, spec, data) != one
    assert not entry.is_current


def test_the_same_run_takes_its_own_place(data):
    assert publish(data).file == publish(data).file
    assert len(runs.list()) == 1


def test_a_label_of_several_runs_needs_an_id(data):
    one, two = publish(data, lam=0.1), publish(data, lam=0.2)
    with pytest.raises(ValueError, match=f"a label of 2 runs(.|\n)*{one.id}(.|\n)*{two.id}"):
        runs.load("mine")


def test_a_question_finds_its_run(data):
    one, two = publish(data, lam=0.1), publish(data, lam=0.2)
    asked = {"scale": "book", "seed": 0, "lam": 0.2}
    assert runs.find("mine", RECIPE, asked).entry == two
    assert runs.find(one.id, RECIPE, {**asked, "lam": 0.1}).entry == one
    with pytest.raises(ValueError, match=rf"no run of .*0\.3(.|\n)*{one.id}"):
        runs.find("mine", RECIPE, {**asked, "lam": 0.3})
    with pytest.raises(ValueError, match=rf"no run of .*0\.2(.|\n)*{one.id}"):
        runs.find(one.file, RECIPE, asked)
    with pytest.raises(ValueError, match="no run of"):
        runs.find("mine", "latentbook.learning.recipes.other", asked)


def test_scale_and_seed_may_differ_where_that_leaves_one(data):
    paper = publish(data, scale="paper")
    asked = {"scale": "book", "seed": 0, "lam": 0.1}
    assert runs.find("mine", RECIPE, asked).entry == paper
    other = publish(data, scale="paper", seed=1)
    with pytest.raises(ValueError, match="2 runs of"):
        runs.find("mine", RECIPE, asked)
    assert runs.find("mine", RECIPE, {**asked, "scale": "paper", "seed": 1}).entry == other


@pytest.mark.parametrize("which", ["nobody", "0123456789abcdef"])
def test_an_unknown_name_lists_the_labels(data, which):
    publish(data)
    with pytest.raises(ValueError, match=rf"'{which}'; .* has the labels \['mine'\]"):
        runs.load(which)


def test_a_number_is_no_label(unchecked):
    with pytest.raises(TypeError, match="`-r trained 7`"):
        runs.find(7, RECIPE, {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*gone\.safetensors"):
        runs.load(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("label", ["", "a b", "../up", ".hidden", 3])
def test_a_label_is_a_plain_word(data, label, unchecked):
    with pytest.raises(ValueError, match="`label` is"):
        publish(data, label)
    assert runs.list() == []


def altered(entry, what):
    content = bytearray(entry.file.read_bytes())
    if what == "a weight":
        content[-1] ^= 1
    elif what == "a fact":
        content = content.replace(b'lam\\": 0.1', b'lam\\": 0.2')
    elif what == "cut short":
        content = content[:-5]
    entry.file.write_bytes(content)


@pytest.mark.parametrize("what", ["a weight", "a fact", "cut short"])
def test_an_altered_file_is_refused(data, what):
    entry = publish(data)
    before = entry.file.read_bytes()
    altered(entry, what)
    assert entry.file.read_bytes() != before
    with pytest.raises(ChecksumError, match=str(entry.file)):
        runs.load(entry.file)


def test_the_list_names_a_file_that_is_none(data):
    entry = publish(data)
    entry.file.write_bytes(b"nothing")
    with pytest.raises(ChecksumError, match=str(entry.file)):
        runs.list()


def test_a_checkpoint_is_no_finished_run(tmp_path):
    from latentbook.learning import checkpoint

    checkpoint.save(tmp_path / "half.safetensors", {}, {"step": 3})
    with pytest.raises(ValueError, match="a checkpoint of an unfinished training"):
        runs.load(tmp_path / "half.safetensors")


def test_a_full_disk_leaves_nothing(data, monkeypatch, tmp_path):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish(data)
    assert [file for file in (tmp_path / "runs").rglob("*") if file.is_file()] == []


def test_ids_are_what_a_label_holds(data):
    one, two = publish(data, lam=0.1), publish(data, lam=0.2)
    assert runs.ids("mine") == sorted([one.id, two.id])
    assert runs.ids(None) == runs.ids("nobody") == []


def test_entries_are_what_json_holds(data):
    entry = publish(data, lam=0.1, widths=(1, 2))
    held = dataclasses.asdict(entry) | {"file": str(entry.file)}
    assert json.loads(json.dumps(held))["spec"]["widths"] == [1, 2]
