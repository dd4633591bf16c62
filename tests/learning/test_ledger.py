"""The ledger of a sweep: what is done stays done, what fails is counted, and nobody works on a cell twice."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from latentbook.learning import ledger, runs
from latentbook.learning.ledger import ATTEMPTS, Ledger

RECIPE = "latentbook.learning.recipes.isometry"
GRID = {"lam": [0.0, 1.0]}
CELL, OTHER = {"lam": 0.0}, {"lam": 1.0}

HOLD = """\
import sys, time
from latentbook.learning.ledger import Ledger
with Ledger("mine", {recipe!r}, {grid!r}).claimed([{cell!r}]) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def mine():
    ledger = Ledger("mine", RECIPE, GRID)
    ledger.agree()
    return ledger


def published(book, name="0123456789abcdef"):
    (book.folder / f"{name}{runs.SUFFIX}").write_bytes(b"a run")
    return name


def test_a_cell_is_done_when_its_run_is_there(mine):
    assert not mine.state(CELL).is_done
    mine.finish(CELL, published(mine), 0.0)
    assert mine.state(CELL).run == "0123456789abcdef"
    assert not mine.state(OTHER).is_done


def test_who_has_done_a_cell_and_when_is_kept_and_so_are_its_scores(mine):
    mine.finish(CELL, published(mine), began=100.0)
    state = mine.state(CELL)
    assert state.worker.endswith(f":{os.getpid()}")
    assert state.began == 100.0 < state.ended <= time.time()
    mine.score(CELL, {"error": 0.5})
    assert mine.state(CELL) == dataclasses.replace(state, scores={"error": 0.5})


def test_every_ledger_of_the_label_says_the_same(mine):
    mine.finish(CELL, published(mine), 0.0)
    assert Ledger("mine", RECIPE, GRID).state(CELL).is_done


def test_the_order_of_parameters_does_not_matter(mine):
    assert mine.key({"lam": 1.0, "seed": 0}) == mine.key({"seed": 0, "lam": 1.0})
    assert mine.key({"lam": 1.0, "seed": 0}) != mine.key({"lam": 1.0, "seed": 1})


def test_a_run_that_is_gone_does_not_count(mine):
    name = published(mine)
    mine.finish(CELL, name, 0.0)
    (mine.folder / f"{name}{runs.SUFFIX}").unlink()
    assert not mine.state(CELL).is_done


def test_a_run_of_other_source_does_not_count(mine, monkeypatch):
    mine.finish(CELL, published(mine), 0.0)
    monkeypatch.setattr(ledger, "source_hash", lambda code: "another")
    assert not Ledger("mine", RECIPE, GRID).state(CELL).is_done


def test_attempts_are_counted_and_their_errors_kept(mine):
    for attempt in range(1, ATTEMPTS + 1):
        mine.fail(CELL, f"error {attempt}")
        assert mine.state(CELL).is_given_up == (attempt == ATTEMPTS)
    assert mine.state(CELL).errors == ("error 1", "error 2", "error 3")
    mine.forgive(CELL)
    assert mine.state(CELL).errors == ()
    mine.forgive(OTHER)


def test_what_succeeds_at_last_is_not_failed(mine):
    for _ in range(ATTEMPTS):
        mine.fail(CELL, "error")
    mine.finish(CELL, published(mine), 0.0)
    assert mine.state(CELL).is_done


def test_a_claimed_cell_is_nobody_else_s(mine):
    other = Ledger("mine", RECIPE, GRID)
    with mine.claimed([CELL]) as ours:
        assert ours
        with other.claimed([CELL]) as theirs:
            assert not theirs
        with other.claimed([OTHER]) as theirs:
            assert theirs
    with other.claimed([CELL]) as theirs:
        assert theirs


def test_an_error_frees_the_cell(mine):
    with pytest.raises(RuntimeError), mine.claimed([CELL]):
        raise RuntimeError
    with mine.claimed([CELL]) as ours:
        assert ours


def test_an_attempt_that_ended_counts_for_nothing(mine):
    with mine.claimed([CELL]), mine.attempt([CELL]):
        pass
    with pytest.raises(RuntimeError), mine.claimed([CELL]), mine.attempt([CELL]):
        raise RuntimeError
    with mine.claimed([CELL]), mine.attempt([CELL]):
        assert mine.state(CELL).attempts == 0


def test_one_that_broke_off_counts_unless_it_left_a_newer_checkpoint(mine):
    (mine.folder / "cells").mkdir(parents=True, exist_ok=True)
    mark, checkpoint = mine._file(mine.key(CELL), "begun"), mine.checkpoint([CELL])
    for written, kills in ((False, 1), (True, 1), (False, 2)):
        mark.touch()
        os.utime(mark, (100, 100))
        checkpoint.touch()
        os.utime(checkpoint, (200, 200) if written else (50, 50))
        with mine.attempt([CELL], checkpoint):
            assert mine.state(CELL).kills == kills
    assert not mark.exists()


def test_one_that_was_ended_on_purpose_counts_for_nothing(mine):
    mark = mine._file(mine.key(CELL), "begun")
    with mine.claimed([CELL]):
        mark.touch()
        # Somebody works on it: the mark is his.
        mine.pardon([CELL])
        assert mark.exists()
    mine.pardon([CELL, OTHER])
    assert not mark.exists()
    with mine.claimed([CELL]), mine.attempt([CELL]):
        assert mine.state(CELL).attempts == 0


def test_what_killed_processes_have_left_is_removed_when_nobody_can_still_write_it(mine):
    (mine.folder / "cells").mkdir()
    old, young = (mine.folder / "cells" / name for name in (".old.done.json.x", ".young.done.json.y"))
    run, checkpoint = mine.folder / ".run.safetensors.z", mine.checkpoint([CELL])
    for file in (old, young, run, checkpoint):
        file.touch()
    for file in (old, run, checkpoint):
        os.utime(file, (100, 100))
    mine.finish(CELL, published(mine), 0.0)
    mine.tidy(all_done=False)
    assert [file.exists() for file in (old, young, run, checkpoint)] == [False, True, False, True]
    mine.tidy(all_done=True)
    assert not checkpoint.exists()
    assert mine.state(CELL).is_done


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_the_cell_of_a_killed_process_falls_free(mine):
    source = HOLD.format(recipe=RECIPE, grid=GRID, cell=CELL)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    holder = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, env=environment)
    assert holder.stdout.readline().strip() == "True"
    with mine.claimed([CELL]) as ours:
        assert not ours
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with mine.claimed([CELL]) as ours:
        assert ours


@pytest.mark.parametrize(
    ("recipe", "grid", "repeats", "message"),
    [
        (RECIPE, {"lam": [0.0, 2.0]}, 1, "is a sweep with grid"),
        (RECIPE, GRID, 2, "is a sweep with repeats 1, not 2"),
        ("latentbook.learning.recipes.least_volume", GRID, 1, "is a sweep with recipe"),
    ],
)
def test_one_label_is_one_sweep(mine, recipe, grid, repeats, message):
    with pytest.raises(ValueError, match=message):
        Ledger("mine", recipe, grid, repeats).agree()
    Ledger("another", recipe, grid, repeats).agree()


def test_a_folder_that_cannot_be_written_is_said(place):
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file, and no folder")
    with pytest.raises(OSError, match="runs"):
        Ledger("mine", RECIPE, GRID).agree()
