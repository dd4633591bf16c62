"""The work at a part: what is sound is trained as one, what fails is written down, what was begun is gone on with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from latentbook.learning import runs, work
from latentbook.learning.checkpoint import facts as facts_of
from latentbook.learning.ledger import ATTEMPTS
from latentbook.learning.recipes import isometry
from latentbook.learning.work import Order, WrongWorker, differences, facts, is_settled

RECIPE = "latentbook.learning.recipes.isometry"
SMOKE = {"scale": ["smoke"], "device": ["cpu"]}


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def ordered(place):
    """An order over a grid, its cells, and a call that works once at all of them as one part."""

    def make(steps=20, scores=False, **grid):
        whole = {**grid, **SMOKE, "steps": [steps]}
        order = Order("mine", RECIPE, json.dumps(whole), 1, scores, 1000, str(place))
        order.ledger.agree()
        [*cells] = order.cells
        return order, cells, lambda: work.work(order, cells, facts(RECIPE))

    return make


def states(order, cells):
    return [order.ledger.state(cell) for cell in cells]


def weights(order, cell):
    return runs.load(order.ledger.run_file(order.ledger.state(cell).run)).state


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_part_is_trained_as_a_family_and_published(ordered):
    order, cells, attempt = ordered(lam=[0.0, 10.0])
    assert attempt()
    family = isometry.family(isometry.settings(**cells[0]), [0.0, 10.0])
    for cell, alone in zip(cells, family, strict=True):
        assert same(weights(order, cell), alone.model.state_dict())
    assert not [*order.ledger.folder.glob("cells/*.checkpoint")]
    assert not [*order.ledger.folder.glob("cells/*.begun")]


def test_what_is_done_is_not_done_again(ordered, monkeypatch):
    order, cells, attempt = ordered(lam=[0.0, 10.0])
    attempt()
    monkeypatch.setattr(isometry, "together", None)
    assert attempt()
    assert all(state.is_done and not state.errors for state in states(order, cells))


def test_scores_are_kept_and_may_be_asked_for_later(ordered, monkeypatch):
    order, cells, attempt = ordered(lam=[0.0, 10.0])
    attempt()
    assert all(is_settled(state, order) and state.scores is None for state in states(order, cells))
    order, cells, attempt = ordered(lam=[0.0, 10.0], scores=True)
    assert not any(is_settled(state, order) for state in states(order, cells))
    attempt()
    run = isometry.train(isometry.settings(**cells[1]), trained=states(order, cells)[1].run)
    assert states(order, cells)[1].scores == isometry.scores(isometry.settings(**cells[1]), run)
    # And nothing is measured twice.
    monkeypatch.setattr(isometry, "scores", None)
    attempt()
    assert not any(state.errors for state in states(order, cells))


def test_what_is_refused_is_written_down_and_spoils_no_other(ordered):
    order, cells, attempt = ordered(lam=[0.0, -1.0, 10.0])
    attempt()
    good, bad, other = states(order, cells)
    assert good.is_done
    assert other.is_done
    assert "`lam` is -1" in bad.why
    for _ in range(ATTEMPTS - 1):
        assert not is_settled(states(order, cells)[1], order)
        attempt()
    assert states(order, cells)[1].is_given_up


def test_one_that_diverges_is_left_after_three_attempts_and_the_others_are_trained(ordered):
    """Two attempts are at all as one, which all fail; the last is at each alone."""
    order, cells, attempt = ordered(lam=[0.0, 1e38], steps=60)
    for count in (1, 2):
        attempt()
        assert [len(state.errors) for state in states(order, cells)] == [count, count]
    attempt()
    assert [state.is_done for state in states(order, cells)] == [True, False]
    assert [state.is_given_up for state in states(order, cells)] == [False, True]
    assert "is nan at step" in states(order, cells)[1].why
    attempt()
    assert len(states(order, cells)[1].errors) == ATTEMPTS


def test_scores_that_fail_are_given_up(ordered, monkeypatch):
    monkeypatch.setattr(isometry, "scores", lambda chosen, run: 1 / 0)
    order, cells, attempt = ordered(lam=[0.0], scores=True)
    for _ in range(ATTEMPTS):
        assert not is_settled(states(order, cells)[0], order)
        attempt()
    [state] = states(order, cells)
    assert state.is_done
    assert is_settled(state, order)
    assert "ZeroDivisionError" in state.why


def test_a_full_disk_is_no_failure_of_a_cell_and_leaves_its_checkpoint(ordered, monkeypatch):
    order, cells, attempt = ordered(lam=[0.0])

    def full(*_, checkpoint, **__):
        checkpoint.write_bytes(b"far along")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(isometry, "together", full)
    with pytest.raises(OSError, match="No space left"):
        attempt()
    assert states(order, cells)[0].errors == ()
    assert order.ledger.checkpoint(cells).read_bytes() == b"far along"


def test_after_an_error_the_next_attempt_begins_at_the_start(ordered, monkeypatch):
    order, cells, attempt = ordered(lam=[0.0])

    def broken(*_, checkpoint, **__):
        checkpoint.write_bytes(b"cut short")
        raise ValueError

    monkeypatch.setattr(isometry, "together", broken)
    attempt()
    assert not order.ledger.checkpoint(cells).exists()


def test_a_run_that_is_gone_is_trained_again_in_its_family(ordered):
    order, cells, attempt = ordered(lam=[0.0, 10.0])
    attempt()
    kept = weights(order, cells[0])
    order.ledger.run_file(states(order, cells)[0].run).unlink()
    attempt()
    assert same(weights(order, cells[0]), kept)


def test_a_refused_cell_hides_no_progress_of_the_others(ordered):
    """They have a checkpoint of their own, and its age is what counts."""
    order, cells, attempt = ordered(lam=[0.0, -1.0, 10.0], steps=400)
    for _ in range(ATTEMPTS):
        killed_while_working(order, die_at=100)
    attempt()
    good, _, other = states(order, cells)
    assert (good.is_done, other.is_done, good.kills, other.kills) == (True, True, 0, 0)


def test_a_part_of_which_somebody_has_a_cell_is_left_alone(ordered):
    order, cells, attempt = ordered(lam=[0.0, 10.0])
    with order.ledger.claimed(cells[1:]) as ours:
        assert ours
        assert not attempt()
    assert attempt()


def test_other_source_or_libraries_are_refused_and_named(ordered):
    order, cells, _ = ordered(lam=[0.0])
    with pytest.raises(WrongWorker, match=r"has torch .*, not 1\.0: install the same there"):
        work.work(order, cells, {**facts(RECIPE), "torch": "1.0"})
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3"}) == "b 3, not 2"
    assert not differences(facts(RECIPE), facts(RECIPE))


def test_a_folder_that_is_not_shared_is_said(ordered, tmp_path):
    _, cells, _ = ordered(lam=[0.0])
    elsewhere = Order("mine", RECIPE, "{}", 1, False, 1000, str(tmp_path / "elsewhere"))
    with pytest.raises(WrongWorker, match=r"the worker on .* does not see .*elsewhere.*share the folder"):
        work.work(elsewhere, cells, facts(RECIPE))


# ---- killed in the middle ----

WORK = """\
import json, os, signal
from latentbook.learning import running, work
from latentbook.learning.work import Order

order = Order(**json.loads({order!r}))
save = running.Run.save

def save_and_die(run):
    save(run)
    if run.step >= {die_at}:
        os.kill(os.getpid(), signal.SIGKILL)

running.Run.save = save_and_die
running.Run.unsaved_seconds = lambda run: 100 if {saves} and run.step % 100 == 0 else 0
if not {saves}:
    running.Run.note = lambda run, terms: os.kill(os.getpid(), signal.SIGKILL)
work.work(order, [*order.cells], work.facts(order.recipe))
"""


def killed_while_working(order, die_at=200, saves=True):
    """Work in another process, which dies in the middle."""
    told = json.dumps({name: getattr(order, name) for name in Order.__dataclass_fields__})
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    code = WORK.format(order=told, die_at=die_at, saves=saves)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_what_was_begun_goes_on_from_its_checkpoint_and_ends_as_if_nothing_had_been(ordered, monkeypatch):
    order, cells, attempt = ordered(lam=[0.0, 10.0], steps=400)
    killed_while_working(order)
    [file] = order.ledger.folder.glob("cells/*.checkpoint")
    assert facts_of(file)["step"] == 200
    seen = []
    together = isometry.together
    monkeypatch.setattr(
        isometry, "together", lambda *a, **k: seen.append(k["checkpoint"].exists()) or together(*a, **k)
    )
    attempt()
    assert seen == [True]
    # It had got on, so that the kill is no failure.
    assert [state.kills for state in states(order, cells)] == [0, 0]
    whole = isometry.family(isometry.settings(**cells[0]), [0.0, 10.0])
    assert all(same(weights(order, cell), run.model.state_dict()) for cell, run in zip(cells, whole, strict=True))


def test_a_cell_that_kills_its_process_each_time_is_left(ordered):
    order, cells, attempt = ordered(lam=[0.0])
    for _ in range(ATTEMPTS):
        killed_while_working(order, saves=False)
    # Nobody has noticed the last one yet.
    assert states(order, cells)[0].kills == ATTEMPTS - 1
    attempt()
    [state] = states(order, cells)
    assert state.is_given_up
    assert not state.is_done
    assert state.why == "its process was killed 3 times"
