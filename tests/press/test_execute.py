"""A chapter in its own process: what it reports, what ends it, and that nothing outlives its build."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from latentbook.press.execute import Job, Workers, run
from tests.press.conftest import code, parameters, text

pytestmark = pytest.mark.kernel


@pytest.fixture
def execute(tmp_path):
    """Run cells as a chapter; return the report and the executed notebook."""

    def execute(*cells, cap=120.0, **values):
        source, output = tmp_path / "1-small.ipynb", tmp_path / "out.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[text("# T"), parameters(), *cells]), source)
        report = run(Job(str(source), str(output), values, cap), Workers())
        return report, nbformat.read(output, 4) if output.exists() else None

    return execute


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return seen


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_run_is_measured_and_has_its_parameters(execute):
    fill, work = "import os, time\nx = bytearray(300 * 2**20)", "while time.process_time() < 3: pass"
    look = "(seed, os.getcwd(), os.environ['OMP_NUM_THREADS'])"
    report, notebook = execute(code(fill), code(work), code(look), seed=7)
    assert (report.error, report.cell) == ("", None)
    assert report.seconds > 2
    assert report.cpu_seconds > 3
    assert 300 * 2**20 < report.peak_bytes < 600 * 2**20
    seed, folder, threads = eval(notebook.cells[-1].outputs[0].data["text/plain"])
    assert (seed, threads) == (7, "1")
    assert nbformat.read(os.path.join(folder, "1-small.ipynb"), 4)


def test_a_cell_that_raises_is_named_with_the_end_of_its_traceback(execute):
    report, _ = execute(code("1"), code("def f():\n    raise ValueError('too\\nlong')\nf()"), code("2"), seed=7)
    assert report.error == "ValueError: too\nlong"
    assert report.cell == 2
    assert any("raise ValueError" in line for line in report.trace)
    assert "\x1b" not in "".join(report.trace)


def test_a_cell_that_hangs_is_stopped_at_the_cap(execute):
    report, _ = execute(code("1"), code("import time\ntime.sleep(600)"), cap=8.0)
    assert report.error == "passed its cap of 8 s: shorten it, or pass --cap"
    assert report.cell == 2
    assert report.seconds < 60


def test_the_cap_is_of_the_whole_chapter(execute):
    report, _ = execute(*[code("import time\ntime.sleep(5)") for _ in range(4)], cap=8.0)
    assert report.error == "passed its cap of 8 s: shorten it, or pass --cap"


def test_a_kernel_that_dies_is_said(execute):
    report, _ = execute(code("import os\nos._exit(1)"))
    assert report.error.startswith("its kernel died")
    assert report.cell == 1


FLAKY = """
import os, sys
count = os.path.join(os.path.dirname(__file__), "count")
with open(count, "a") as file: file.write("x")
if len(open(count).read()) <= {failures}: sys.exit(1)
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


@pytest.fixture
def flaky_kernel(monkeypatch, tmp_path):
    """A kernel that fails to start so many times."""

    def install(failures):
        spec = tmp_path / "jupyter" / "kernels" / "python3"
        spec.mkdir(parents=True)
        (spec / "start.py").write_text(FLAKY.format(failures=failures))
        argv = f'["{sys.executable}", "{spec / "start.py"}", "-f", "{{connection_file}}"]'
        (spec / "kernel.json").write_text(f'{{"argv": {argv}, "display_name": "flaky", "language": "python"}}')
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        return spec / "count"

    return install


@pytest.mark.parametrize(("failures", "error"), [(1, ""), (2, "its kernel did not start, twice")])
def test_a_kernel_start_is_tried_twice(execute, flaky_kernel, failures, error):
    count = flaky_kernel(failures)
    report, _ = execute(code("1"))
    assert report.error.startswith(error)
    assert bool(report.error) == bool(error)
    assert len(count.read_text()) == 2


def test_stopping_ends_worker_and_kernel(tmp_path):
    """As Ctrl-C does: the build stops its workers."""
    workers = Workers()
    job, pids = sleeping_job(tmp_path)
    worker = workers.start(job)
    wait_for(pids.exists)
    kernel = int(wait_for(pids.read_text))
    workers.stop()
    assert worker.poll() is not None
    wait_for(lambda: is_gone(kernel), 10)
    with pytest.raises(InterruptedError):
        workers.start(job)


BUILD = """
import sys, time
from latentbook.press.execute import Job, Workers
worker = Workers().start(Job(sys.argv[1], sys.argv[2], {}, 600.0))
print(worker.pid, flush=True)
time.sleep(600)
"""


def test_sigkill_of_the_build_ends_worker_and_kernel(tmp_path):
    job, pids = sleeping_job(tmp_path)
    build = subprocess.Popen([sys.executable, "-c", BUILD, job.source, job.output], stdout=subprocess.PIPE, text=True)
    with build:
        worker = int(build.stdout.readline())
        wait_for(pids.exists)
        kernel = int(wait_for(pids.read_text))
        build.send_signal(signal.SIGKILL)
    wait_for(lambda: is_gone(worker) and is_gone(kernel), 10)


def sleeping_job(tmp_path):
    pids = tmp_path / "pid"
    sleep = f"import os, time\nopen({str(pids)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    source = tmp_path / "1-small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[text("# T"), parameters(), code(sleep)]), source)
    return Job(str(source), str(tmp_path / "out.ipynb"), {}, 600.0), pids
