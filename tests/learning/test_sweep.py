"""Sweeps in one process: what is done is kept, what is asked wrongly is said, and a chapter finds its runs."""

import functools
import json
import os
import sys
import threading
import time

import pytest
import torch

from latentbook.__main__ import main
from latentbook.learning import forks, grid, runs, sweep
from latentbook.learning.engines import Engine
from latentbook.learning.ledger import Ledger
from latentbook.learning.recipes import information, isometry
from latentbook.learning.sweep import RECIPES, known, run_all

SHORT = {"scale": ["smoke"], "device": ["cpu"], "steps": [20]}
TEXT = "scale=smoke,device=cpu,steps=20"


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def states(results):
    return [row.state for row in results]


def test_every_recipe_of_the_book_is_there():
    assert {"least_volume", "isometry", "geodesics", "classifiers", "information"} <= {*RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_swept(recipe):
    found = run_all(recipe, {**SHORT, "seed": [0, 1]}, scores=True, label="mine")
    assert len(found.done()) == len(found) == 2
    for row in found.table():
        assert row["seconds"] > 0
        assert len(row) > len(SHORT) + 3
    assert found.load(next(iter(found))).id == found.table()[0]["run"]


def test_a_grid_is_a_dict_or_a_line_of_text(place):
    one = run_all(isometry, {"lam": [0.0, 10.0], **SHORT})
    two = run_all("isometry", f"lam=0.0|10.0,{TEXT}")
    assert one.order == two.order
    # The label follows from what is asked for.
    assert [path.name for path in place.iterdir()] == [one.order.label]
    assert one.order.label.startswith("isometry-")


def test_what_is_finished_is_not_trained_again(monkeypatch):
    first = states(run_all("isometry", {"lam": [0.0, 10.0], **SHORT}))
    monkeypatch.setattr(isometry, "together", None)
    assert states(run_all("isometry", {"lam": [0.0, 10.0], **SHORT})) == first


def test_repeats_have_seeds_of_their_own():
    found = run_all("isometry", {"lam": [1.0], **SHORT}, repeats=2)
    assert [row.cell["seed"] for row in found] == [0, 1]
    assert len({row.state.run for row in found}) == 2


def test_what_failed_is_left_and_tried_again_if_asked(monkeypatch):
    grid = {"lam": [-1.0, 1.0], **SHORT}
    found = run_all("isometry", grid)
    assert [row.cell["lam"] for row in found.failed()] == [-1.0]
    assert len(found.done()) == 1
    with pytest.raises(ValueError, match=r"has no run: (.|\n)*`lam` is -1"):
        found.load(found.failed()[0])
    calls = []
    settings = isometry.settings

    @functools.wraps(settings)
    def noted(**cell):
        calls.append(cell)
        return settings(**cell)

    monkeypatch.setattr(isometry, "settings", noted)
    run_all("isometry", grid)
    # What is common to all cells is checked each time.
    assert not [cell for cell in calls if "lam" in cell]
    monkeypatch.setattr(isometry, "together", None)
    run_all("isometry", grid, again=True)
    assert [cell.get("lam") for cell in calls].count(-1.0) == 3
    # Its neighbour is not trained again.
    assert not found.done()[0].state.errors


def test_two_drivers_do_no_work_twice(monkeypatch):
    """The second one waits for the cells of the first, and trains those that are free."""
    trained = []
    together = isometry.together

    def noted(chosen, **options):
        trained.append(chosen[0].seed)
        return together(chosen, **options)

    monkeypatch.setattr(isometry, "together", noted)
    # As two processes: one lock would keep two threads apart.
    monkeypatch.setattr("latentbook.learning.work.ALONE", threading.RLock())
    grid = {"seed": [*range(4)], **SHORT}
    first = run_all("isometry", {"seed": [0], **SHORT}, label="warm")
    book = Ledger("mine", isometry.__name__, grid)
    book.agree()
    held = next(iter(first.order.cells))
    ended = []

    def hold():
        with book.claimed([held]):
            time.sleep(3)
            ended.append(time.monotonic())

    other = threading.Thread(target=hold)
    other.start()
    time.sleep(0.5)
    found = run_all("isometry", grid, label="mine")
    other.join()
    assert len(found.done()) == 4
    # Once for the warm-up; then the held cell last, after its holder.
    assert trained == [0, 1, 2, 3, 0]
    assert time.monotonic() >= ended[0]


def test_a_chapter_finds_the_runs_of_a_sweep():
    run_all("information", {"beta_1": [0.1, 1.0, 10.0], "beta_2": [0.1, 1.0, 10.0], **SHORT}, label="paper")
    chosen = information.settings(scale="smoke", device="cpu", steps=20)
    found = information.family(chosen, trained="paper")
    assert [run.betas for run in found] == chosen.grid
    assert {run.id for run in found} == {row.state.run for row in known("paper")}


def test_memory_does_not_grow_with_the_grid():
    """Nothing of the sweep is a list of all cells."""
    order = sweep._ordered(isometry, {name: [*range(100)] for name in ("lam", "seed", "steps")}, 1, "big", False, 10**6)
    assert len(order.cells) == 10**6
    queue = sweep._Queue(order)
    assert queue.next() == [{"lam": lam, "seed": 0, "steps": 0} for lam in range(10)]


# ---- what is said of it ----


def test_a_sweep_is_known_by_its_label():
    found = run_all("isometry", {"lam": [0.0, 10.0], **SHORT}, label="mine")
    assert known("mine").order.grid == found.order.grid
    assert states(known("mine")) == states(found)
    assert known("mine").summary() == "mine: 2 of 2 cells done, 0 failed, 0 left"
    with pytest.raises(ValueError, match=r"`label` is 'yours', but .* has the sweeps \['mine'\]"):
        known("yours")


def test_the_tally_is_in_words(monkeypatch):
    order = sweep._ordered(isometry, {"seed": [0, 1, 2, 3], **SHORT}, 1, "mine", False, 100)
    now = [0.0]
    monkeypatch.setattr(sweep.time, "monotonic", lambda: now[0])
    tally, engine = sweep._Tally(order), sweep.Plain(order)
    parts = [*order.parts()]
    for part in parts:
        tally.hand_out(part)
    assert tally.text("") == "mine: 0 of 4 cells done, 4 handed out"
    order.ledger.fail(parts[0][0], "error")
    tally.count(parts[0], engine)
    assert tally.text("") == "mine: 0 of 4 cells done, 3 handed out"
    now[0] = 10.0
    for _ in range(2):
        order.ledger.fail(parts[1][0], "error")
    order.ledger.fail(parts[1][0], "error")
    tally.count(parts[1], engine)
    assert tally.text("http://there") == "mine: 0 of 4 cells done, 1 failed, 2 handed out, 30 s left, http://there"


def test_the_tally_counts_what_others_have_done(monkeypatch):
    order = sweep._ordered(isometry, {"seed": [0, 1, 2, 3], **SHORT}, 1, "mine", False, 100)
    now = [0.0]
    monkeypatch.setattr(sweep.time, "monotonic", lambda: now[0])
    tally = sweep._Tally(order)
    parts = [*order.parts()]
    for part in parts[:2]:
        tally.hand_out(part)
    for part in (parts[1], parts[3]):
        for _ in range(3):
            order.ledger.fail(part[0], "by somebody else")
    tally.look()
    assert tally.text("") == "mine: 0 of 4 cells done, 2 handed out"
    now[0] = 10.0
    tally.look()
    assert tally.text("no workers yet") == "mine: 0 of 4 cells done, 2 failed, 1 handed out, 10 s left, no workers yet"
    # What was counted is not counted again.
    tally.count(parts[1], sweep.Plain(order))
    assert tally.text("") == "mine: 0 of 4 cells done, 2 failed, 1 handed out, 10 s left"


class Slow(Engine):
    """Takes one part, on which nothing happens while somebody else does the others."""

    def __init__(self, meanwhile):
        self.meanwhile, self.out, self.looks = meanwhile, [], 0

    def slots(self):
        return 1

    def running(self):
        return len(self.out)

    def submit(self, part):
        self.out.append(part)

    def returned(self):
        self.looks += 1
        self.meanwhile(self.looks)
        back, self.out = (self.out, []) if self.looks > 1 else ([], self.out)
        return [(part, True) for part in back]


def test_the_line_counts_what_others_do_while_one_waits(monkeypatch):
    order = sweep._ordered(isometry, {"seed": [0, 1], **SHORT}, 1, "mine", False, 100)
    now, said = [0.0], []
    monkeypatch.setattr(sweep.time, "monotonic", lambda: now[0])
    mine, other = order.cells

    def meanwhile(look):
        now[0] += 10
        for _ in range(3):
            order.ledger.fail(mine if look > 1 else other, "error")

    monkeypatch.setattr(sweep.Line, "show", lambda _, text: said.append(text))
    sweep._drive(order, Slow(meanwhile), sweep._Tally(order), sweep.Line())
    assert said[:2] == [
        "mine: 0 of 2 cells done, 1 handed out",
        "mine: 0 of 2 cells done, 1 failed, 1 handed out, 10 s left",
    ]
    assert said[-1] == "mine: 0 of 2 cells done, 2 failed"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["isometry", "--grid", "lam"], "'lam' is no parameter of a grid"),
        (["isometry", "--grid", "lamda=1"], "`grid` has 'lamda', but the recipe's parameters are scale, dataset"),
        (["isometri", "--grid", "lam=1"], "`recipe` is 'isometri', which is unknown: pass one of"),
        (["isometry", "--grid", "lam=lin:0:1:1000,eta=lin:0:1:1000"], "has 1,000,000 cells, more than 100,000"),
        (["isometry", "--grid", "lam=1", "--repeats", "0"], "`repeats` is 0"),
        (["isometry", "--grid", "lam=1", "--label", "a/b"], "`label` is 'a/b'"),
        (["status", "yours"], "`label` is 'yours', but"),
        (["isometry", "mine", "--grid", "lam=1"], "'mine' is one word too many"),
        (["isometry", "--grid", "lam=1", "--engine", "local", "--workers", "0"], "`workers` is 0"),
        (["isometry", "--grid", "lam=-1,seed=0|1"], "`lam` is -1"),
        (["isometry", "--grid", "lam=0|1,dataset=cats"], "`dataset` is 'cats'"),
    ],
)
def test_what_is_asked_wrongly_is_said_before_anything_begins(words, message, capsys, place):
    assert main(["sweep", *words]) == 1
    assert message in capsys.readouterr().err
    assert not place.exists()


def test_a_device_that_only_workers_have_is_not_refused():
    order = sweep._ordered(isometry, {"lam": [1.0], "device": ["cuda:7"]}, 1, "mine", False, 100)
    assert len(order.cells) == 1


def test_the_command_takes_many_cells_where_they_are_meant(monkeypatch, capsys):
    words = ["sweep", "isometry", "--grid", "lam=lin:0:1:1000,seed=lin:0:100:101", "--label", "mine"]
    assert main(words) == 1
    assert "has 101,000 cells, more than 100,000" in capsys.readouterr().err
    driven = []
    monkeypatch.setattr(sweep, "_drive", lambda order, *_: driven.append(len(order.cells)))
    monkeypatch.setattr(sweep.Results, "__iter__", lambda _: iter([]))
    assert main([*words, "--yes"]) == 0
    assert driven == [101_000]


def test_the_command_tries_again_what_failed_if_asked(monkeypatch, capsys):
    words = ["sweep", "isometry", "--grid", f"lam=1,{TEXT}", "--label", "mine"]
    with monkeypatch.context() as broken:
        broken.setattr(isometry, "together", None)
        assert main(words) == 1
    assert main(words) == 1
    assert "mine: 0 of 1 cells done, 1 failed, 0 left" in capsys.readouterr().out
    assert main([*words, "--again"]) == 0
    assert "mine: 1 of 1 cells done, 0 failed, 0 left" in capsys.readouterr().out


def test_ctrl_c_is_told_whenever_it_comes(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(forks, "can_fork", interrupted)
    assert main(["sweep", "isometry", "--grid", "lam=1", "--engine", "local"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_another_grid_under_a_label_is_refused(capsys):
    words = ["sweep", "isometry", "--label", "mine", "--grid"]
    assert main([*words, f"lam=1,{TEXT}"]) == 0
    # 1.0 is another cell: its run has another id.
    for other in ("2", "1.0"):
        assert main([*words, f"lam={other},{TEXT}"]) == 1
        assert "`label` 'mine' is a sweep with grid {'lam': [1]," in capsys.readouterr().err


def test_the_command_prints_scores_and_failures(capsys):
    words = ["sweep", "isometry", "--grid", f"lam=1|-1,{TEXT}", "--label", "mine"]
    assert main([*words, "--evaluate"]) == 1
    said = capsys.readouterr()
    head, row = said.out.splitlines()
    assert head == "lam,scale,device,steps,run,seconds,error,rate,condition,variance,distortion"
    assert row.startswith("1,smoke,cpu,20,")
    summary = "mine: 1 of 2 cells done, 1 failed, 0 left"
    assert summary in said.err
    assert "`lam` is -1" in said.err
    assert main(["sweep", "status", "mine"]) == 1
    assert capsys.readouterr().out.strip() == summary


def test_a_folder_that_cannot_be_written_is_said(place, capsys):
    place.write_text("a file, and no folder")
    assert main(["sweep", "isometry", "--grid", "lam=1"]) == 1
    assert "what is finished stays" in capsys.readouterr().err


def test_a_full_disk_ends_the_sweep_and_counts_for_no_cell(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(isometry, "together", full)
    assert main(["sweep", "isometry", "--grid", f"lam=1,{TEXT}", "--label", "mine"]) == 1
    assert "No space left on device; make room or allow writing: what is finished stays" in capsys.readouterr().err
    assert known("mine").summary() == "mine: 0 of 1 cells done, 0 failed, 1 left"


def test_dask_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "latentbook.learning.cluster", None)
    # Where another test has imported it, the package has it by name, too.
    monkeypatch.delattr("latentbook.learning.cluster", raising=False)
    with pytest.raises(ImportError, match=r"needs Dask: pip install 'latentbook\[sweep\]'"):
        run_all("isometry", {"lam": [1.0], **SHORT}, engine="local")


def test_a_sweep_of_another_day_has_a_manifest_that_people_can_read(place):
    run_all("isometry", {"lam": [1.0], **SHORT}, label="mine")
    told = json.loads((place / "mine" / "sweep.json").read_text())
    assert told == {"recipe": isometry.__name__, "grid": {"lam": [1.0], **SHORT}, "repeats": 1}
    assert grid.cells(told["grid"]).grid == told["grid"]
    assert [entry.spec["lam"] for entry in runs.list("mine")] == [1.0]


def test_the_environment_stays_as_it_is(monkeypatch, place):
    """Runs of a sweep belong where it began, whatever is set later, and nothing is set by it."""
    found = run_all("isometry", {"lam": [1.0], **SHORT}, label="mine")
    monkeypatch.setenv("LATENTBOOK_RUNS", str(place.parent / "others"))
    assert len(found.done()) == 1
    run_all("isometry", {"lam": [1.0], **SHORT}, label="mine")
    assert os.environ["LATENTBOOK_RUNS"] == str(place.parent / "others")
    assert len([*place.rglob("*.safetensors")]) == len([*(place.parent / "others").rglob("*.safetensors")]) == 1
