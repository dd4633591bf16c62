"""Real workers in their own processes: killed, joined, refused, encrypted; cells done once, and as in a plain loop."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

import latentbook
from latentbook.learning import checkpoint, cluster, runs
from latentbook.learning.ledger import MANIFEST
from latentbook.learning.recipes import classifiers
from latentbook.learning.sweep import known, run_all

ROOT = Path(__file__).parents[2]
# Sixteen cells that are not stacked, of about half a second each.
CELL = "kind=logistic,scale=smoke,device=cpu"
SEEDS = "seed=" + "|".join(map(str, range(16)))
TEXT = f"{SEEDS},{CELL},steps=600"
PATIENCE = 240


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    torch.set_default_dtype(torch.float32)
    monkeypatch.setenv("LATENTBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path / "runs"


@pytest.fixture
def start(tmp_path):
    """Start a program; whatever of it is left when the test ends is killed."""
    begun = []

    def run(*words, **environment):
        log = (tmp_path / f"log-{len(begun)}").open("w+")
        place = {**os.environ, **environment}
        words = [sys.executable, "-m", *words]
        # Elsewhere than in the checkout, whose package would come before that of the path.
        options = {"env": place, "cwd": tmp_path, "start_new_session": True}
        process = subprocess.Popen(words, stdout=log, stderr=log, text=True, **options)
        process.said = lambda: Path(log.name).read_text()
        begun.append((process, log))
        return process

    yield run
    for process, log in begun:
        for one in [*children(process), process]:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                one.kill()
        process.wait()
        log.close()


def children(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def workers():
    """The processes that have finished a cell, and are still there."""
    if not (runs.folder() / "mine" / MANIFEST).is_file():
        return []
    done = [row.state for row in known("mine") if row.state.is_done]
    pids = {int(state.worker.split(":")[1]) for state in done}
    return [one for one in map(psutil.Process, filter(psutil.pid_exists, pids)) if is_alive(one)]


def is_alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def done_in(place, label="mine"):
    return len([*(place / label / "cells").glob("*.done.json")])


def sweep(start, engine="local", text=TEXT, **environment):
    words = ["--engine", engine, *(["--workers", "2"] if engine == "local" else [])]
    return start("latentbook", "sweep", "classifiers", "--grid", text, "--label", "mine", *words, **environment)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The weights of all cells, by seed, as the plain loop trains them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTBOOK_RUNS", str(tmp_path_factory.mktemp("plain")))
        torch.set_default_dtype(torch.float32)
        found = run_all(classifiers, TEXT, label="plain")
        return {row.cell["seed"]: tensors(found, row) for row in found}


def tensors(results, row):
    file = results.order.ledger.run_file(row.state.run)
    return checkpoint.load(file)[0]


def require_all_done_as_in_the_plain_loop(plain):
    found = known("mine")
    assert found.summary() == "mine: 16 of 16 cells done, 0 failed, 0 left"
    for row in found:
        own, other = tensors(found, row), plain[row.cell["seed"]]
        assert own.keys() == other.keys()
        assert all(torch.equal(own[name], other[name]) for name in own)
    # Nothing half-written, and nothing that was begun.
    assert {file.suffix for file in (found.order.ledger.folder / "cells").iterdir()} <= {".json", ".lock"}
    assert len([*found.order.ledger.folder.glob("*.safetensors")]) == 16


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_is_killed_and_then_the_driver_and_a_new_one_ends_the_work(start, place, plain):
    driver = sweep(start)
    until(lambda: done_in(place) >= 2)
    victim = workers()[0]
    victim.kill()
    # The other one goes on, and then the one in its place.
    until(lambda: len(workers()) == 2 and victim not in workers() and done_in(place) >= 5)
    left = workers()
    driver.kill()
    driver.wait()
    # Workers end with whoever started them.
    until(lambda: not any(map(is_alive, left)), 30)
    assert done_in(place) < 16
    kept = {file: file.stat().st_mtime_ns for file in (place / "mine").glob("*.safetensors")}
    again = sweep(start)
    assert again.wait(PATIENCE) == 0, again.said()
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    require_all_done_as_in_the_plain_loop(plain)


def test_ctrl_c_ends_the_workers_and_leaves_nothing_half_written(start, place, plain):
    driver = sweep(start)
    until(lambda: len(workers()) == 2)
    left = workers()
    driver.send_signal(signal.SIGINT)
    assert driver.wait(30) == 130
    assert "stopped; what is finished stays, and the same command goes on" in driver.said()
    assert not any(map(is_alive, left))
    # What is written begins with a dot until it is whole.
    assert not [*place.rglob(".*")]
    assert known("mine").summary().endswith("0 failed, " + f"{16 - len(known('mine').done())} left")
    assert sweep(start).wait(PATIENCE) == 0
    require_all_done_as_in_the_plain_loop(plain)


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_ctrl_c_counts_as_no_failure(start, place, kill):
    """Of the driver alone, or as a terminal does it: each process of the group hears of it."""
    # Cells that last much longer than a worker is waited for.
    driver = sweep(start, text=f"seed=0|1,{CELL},steps=1000000")
    until(lambda: len([*place.rglob("*.begun")]) == 2)
    kill(driver.pid, signal.SIGINT)
    assert driver.wait(30) == 130
    assert not [*place.rglob("*.begun")]
    assert {row.state.attempts for row in known("mine")} == {0}


def test_two_drivers_at_once_do_no_work_twice(start, place, plain):
    drivers = [start("latentbook", "sweep", "classifiers", "--grid", TEXT, "--label", "mine") for _ in range(2)]
    written = {}

    def ended():
        for file in (place / "mine").glob("*.safetensors"):
            written.setdefault(file, set()).add(file.stat().st_mtime_ns)
        return all(driver.poll() is not None for driver in drivers)

    until(ended)
    assert [driver.returncode for driver in drivers] == [0, 0]
    assert {len(times) for times in written.values()} == {1}
    trained = {int(row.state.worker.split(":")[1]) for row in known("mine")}
    assert trained == {driver.pid for driver in drivers}
    require_all_done_as_in_the_plain_loop(plain)


def test_a_cluster_of_one_s_own_listens_on_this_machine_alone():
    me = psutil.Process()

    def listening():
        ends = [end for one in (me, *me.children(recursive=True)) for end in one.net_connections("inet")]
        return {end.laddr for end in ends if end.status == psutil.CONN_LISTEN}

    before = listening()
    with cluster.own_cluster(2) as (client, _):
        client.wait_for_workers(2)
        opened = listening() - before
    # The scheduler, and of each worker itself and its nanny.
    assert len(opened) >= 5
    assert {end.ip for end in opened} == {"127.0.0.1"}


# ---- workers that somebody else started ----


@pytest.fixture
def scheduler(start, tmp_path):
    """A scheduler, and what starts a worker for it."""
    file = tmp_path / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    process = start("dask", "scheduler", *words)
    until(file.exists)
    time.sleep(0.5)

    def worker(**environment):
        words = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file)]
        return start("dask", "worker", *words, **environment)

    worker.address, worker.process = json.loads(file.read_text())["address"], process
    return worker


@pytest.fixture
def altered(tmp_path):
    """A folder with another version of the package."""
    folder = tmp_path / "altered"
    shutil.copytree(Path(latentbook.__file__).parent, folder / "latentbook")
    with (folder / "latentbook" / "learning" / "recipes" / "classifiers" / "kinds.py").open("a") as file:
        file.write("# Another version.\n")
    return str(folder)


def test_a_worker_joins_in_the_middle_and_one_with_another_package_is_refused(start, place, scheduler, plain, altered):
    first = scheduler()
    driver = sweep(start, engine=scheduler.address)
    until(lambda: done_in(place) >= 1)
    # Some cells wait until all have come.
    book = known("mine").order.ledger
    waiting = [row.cell for row in known("mine") if not row.state.is_done][-6:]
    with book.claimed(waiting) as ours:
        assert ours
        joined, wrong = scheduler(), scheduler(PYTHONPATH=altered)
        assert wrong.wait(PATIENCE) == 0
        until(lambda: "Registered to" in joined.said())
    assert driver.wait(PATIENCE) == 0, driver.said()
    require_all_done_as_in_the_plain_loop(plain)
    assert re.search(r"refused: the worker tcp://127\.0\.0\.1:\d+ has latentbook \w+, not \w+", driver.said())
    trained = {int(row.state.worker.split(":")[1]) for row in known("mine")}
    assert [bool(trained & {child.pid for child in children(one)}) for one in (first, joined)] == [True, True]


def test_a_sweep_does_not_begin_with_a_worker_of_another_package(start, place, scheduler, altered):
    wrong = scheduler(PYTHONPATH=altered)
    until(lambda: "Registered to" in wrong.said())
    time.sleep(1)
    driver = sweep(start, engine=scheduler.address)
    assert driver.wait(PATIENCE) == 1
    assert "the worker tcp://127.0.0.1" in driver.said()
    assert "install the same there" in driver.said()
    assert done_in(place) == 0


def test_a_sweep_waits_for_workers_and_says_so(start, place, scheduler):
    driver = sweep(start, engine=scheduler.address, text=f"seed=0|1,{CELL},steps=20")
    until(lambda: "mine: 0 of 2 cells done, 2 handed out, no workers yet" in driver.said())
    scheduler()
    assert driver.wait(PATIENCE) == 0, driver.said()
    assert driver.said().endswith("mine: 2 of 2 cells done, 0 failed, 0 left\n")


def test_a_scheduler_that_is_gone_is_said_and_what_is_finished_stays(start, place, scheduler, plain):
    scheduler()
    driver = sweep(start, engine=scheduler.address)
    until(lambda: done_in(place) >= 2)
    scheduler.process.kill()
    assert driver.wait(PATIENCE) == 1
    assert "the scheduler is gone: start it, and the sweep again; what is finished stays" in driver.said()
    assert "Traceback" not in driver.said()
    assert 2 <= done_in(place) < 16
    # Without any cluster, too.
    assert start("latentbook", "sweep", "classifiers", "--grid", TEXT, "--label", "mine").wait(PATIENCE) == 0
    require_all_done_as_in_the_plain_loop(plain)


def test_an_address_that_does_not_answer_is_said_within_five_seconds():
    begun = time.monotonic()
    with pytest.raises(ValueError, match="no scheduler answers in 5 s"), cluster.connected("tcp://127.0.0.1:9"):
        pass
    assert time.monotonic() - begun < 7


# ---- encrypted ----


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate that is its own authority, as Dask's settings in the environment."""
    key, file = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=latentbook"]
    subprocess.run([*words, "-keyout", key, "-out", file], check=True, capture_output=True)
    settings = {"CA_FILE": file}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{role}__CERT": file, f"{role}__KEY": key}
    names = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(value) for name, value in settings.items()}
    return names | {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True"}


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_with_certificates_a_sweep_runs_and_a_plain_client_is_refused(start, place, tmp_path, certificate):
    file = tmp_path / "scheduler.json"
    words = ["--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    start("dask", "scheduler", *words, **certificate)
    until(file.exists)
    time.sleep(0.5)
    address = json.loads(file.read_text())["address"]
    assert address.startswith("tls://")
    worker = [
        "--protocol",
        "tls",
        "--nthreads",
        "1",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--scheduler-file",
        str(file),
    ]
    start("dask", "worker", *worker, **certificate)
    few = f"seed=0|1,{CELL},steps=20"
    driver = sweep(start, engine=address, text=few, **certificate)
    assert driver.wait(PATIENCE) == 0, driver.said()
    assert known("mine").summary() == "mine: 2 of 2 cells done, 0 failed, 0 left"
    elsewhere = place.parent / "elsewhere"
    for stranger in (address, address.replace("tls", "tcp")):
        refused = sweep(start, engine=stranger, text=few, LATENTBOOK_RUNS=str(elsewhere))
        assert refused.wait(PATIENCE) == 1
        assert "no scheduler answers in 5 s" in refused.said()
        assert "Traceback" not in refused.said()
    assert done_in(elsewhere) == 0


# ---- GPUs, as far as they can be told apart without one ----


def test_each_worker_sees_one_gpu_and_as_many_share_it_as_fit(monkeypatch):
    total = type("Properties", (), {"total_memory": 10 * 2**30})()
    monkeypatch.setattr(cluster, "_gpus", lambda: ["3", "5"])
    monkeypatch.setattr(cluster, "CPU_COUNT", 8)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: total)
    with cluster.own_cluster() as (client, own):
        client.wait_for_workers(2)
        seen = client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert sorted(seen.values()) == ["3", "5"]
        # 9 GiB are left to be used; a process takes 2 and what it has before it computes.
        own.share(2 * 2**30)
        client.wait_for_workers(6)
        seen = client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert sorted(seen.values()) == ["3", "3", "3", "5", "5", "5"]
        # Once is enough, and another cell changes nothing.
        own.share(1)
        assert len(own.worker_spec) == 6


@pytest.mark.parametrize(
    ("visible", "count", "names"), [(None, 2, ["0", "1"]), ("2,7", 2, ["2", "7"]), (None, 0, []), ("", 0, [])]
)
def test_gpus_are_those_that_this_process_may_use(monkeypatch, visible, count, names):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert cluster._gpus() == names
