"""Execution of one chapter in a process of its own, which dies with the build that started it.

``python -m latentbook.press.execute`` reads one job as a line of JSON on its standard input and leaves two files: the
executed notebook and a report. It then holds on to its standard input: when that closes, the build is gone, by Ctrl-C
or by SIGKILL, and the worker ends its kernel and itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbclient.exceptions
import papermill
from nbformat import NotebookNode

from latentbook.press.notebooks import tags

__all__ = ["Job", "Report", "Workers", "run"]

ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"], "1")
# What is freed stays with the process: glibc gives large blocks back, and a batched training then pays page faults for
# them at every step.
KEPT_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TOP_PAD_": str(2**26),
}
# A kernel that hangs in the interpreter is ended by papermill at the cap; this is for a worker that hangs itself.
GRACE_SECONDS = 180


@dataclass(frozen=True)
class Job:
    """One execution.

    Attributes:
        source: The chapter's notebook.
        output: Where the executed notebook goes; the report goes beside it, with the ending ``.json``.
        parameters: What differs from the notebook's defaults.
        cap: Seconds that the whole chapter may take.
    """

    source: str
    output: str
    parameters: Mapping[str, object]
    cap: float


@dataclass
class Report:
    """How an execution went.

    Attributes:
        error: Why it failed, in one line; empty if it did not.
        trace: The last lines of the failing cell's traceback.
        cell: Index of the failing cell among the code cells, from 0; None if no cell is to blame.
        seconds: Wall-clock time.
        cpu_seconds: Processor time of the kernel.
        peak_bytes: Largest resident memory of the kernel.
    """

    error: str = ""
    trace: list[str] = field(default_factory=list)
    cell: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


class Workers:
    """The processes of one build. Once stopped, it starts no others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen] = set()
        self._stopped = False

    def start(self, job: Job) -> subprocess.Popen:
        """Start a worker and hand it its job."""
        environment = {
            **os.environ,
            **ONE_THREAD,
            **KEPT_MEMORY,
            "JUPYTER_PREFER_ENV_PATH": "1",
            "PYTHONUNBUFFERED": "1",
        }
        with self._lock:
            if self._stopped:
                raise InterruptedError("the build is stopping")
            with Path(job.output).with_suffix(".log").open("wb") as log:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "latentbook.press.execute"],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    text=True,
                    env=environment,
                    # Ctrl-C reaches the build alone; the worker is told by its standard input.
                    start_new_session=True,
                )
            self._running.add(worker)
        assert worker.stdin is not None  # it was asked for
        worker.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
        worker.stdin.flush()
        return worker

    @property
    def stopped(self) -> bool:
        """Whether the build is stopping."""
        return self._stopped

    def end(self, worker: subprocess.Popen) -> None:
        """End a worker and its kernel: by closing its standard input, and if that does not help by force."""
        with contextlib.suppress(OSError):
            worker.stdin.close()  # pyright: ignore[reportOptionalMemberAccess]
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        self._running.discard(worker)

    def stop(self) -> None:
        """End them all."""
        with self._lock:
            self._stopped = True
        for worker in list(self._running):
            self.end(worker)


def run(job: Job, workers: Workers) -> Report:
    """Execute one chapter in a worker, and return what it reports.

    Args:
        job: What to execute.
        workers: Where the process belongs, so that the build can end it.
    """
    worker = workers.start(job)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(job.cap + GRACE_SECONDS)
    finally:
        workers.end(worker)
    file = Path(job.output).with_suffix(".json")
    if not file.exists():
        problem = f"its process ended without a report, exit status {worker.returncode}"
        return Report(error=problem, trace=_last_words(job))
    return Report(**json.loads(file.read_text()))


def _last_words(job: Job) -> list[str]:
    """Return the last lines that a worker wrote to its standard error."""
    return Path(job.output).with_suffix(".log").read_text(errors="replace").splitlines()[-5:]


# ---- in the worker ----


def main() -> None:
    """Execute the job on standard input."""
    job = Job(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_die_with_the_build, daemon=True).start()
    report = execute(job)
    Path(job.output).with_suffix(".json").write_text(json.dumps(dataclasses.asdict(report)))
    # The kernel is gone; what papermill's event loop still holds must not keep the build waiting.
    os._exit(0)


def execute(job: Job) -> Report:
    """Run a notebook with papermill, at most for the cap, and measure it.

    This process stays small (no torch): a child's peak memory counts what it shares with its parent when it starts.
    """
    start = time.monotonic()
    report = _attempt(job, _Clock(job.cap))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    report.seconds = time.monotonic() - start
    report.cpu_seconds = usage.ru_utime + usage.ru_stime
    # Linux counts kilobytes, macOS bytes.
    report.peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return report


class _Clock:
    """Tells papermill how long a cell may take: until the cap, counted from the first cell. Remembers which it was."""

    def __init__(self, cap: float) -> None:
        self.cap = cap
        self.end: float | None = None
        self.last: object = None
        self.index: int | None = None

    def __call__(self, cell: NotebookNode) -> float:
        if cell is not self.last and "injected-parameters" not in tags(cell):
            self.last, self.index = cell, 0 if self.index is None else self.index + 1
        if self.end is None:
            self.end = time.monotonic() + self.cap
        # Zero would be read as "no limit".
        return max(0.1, self.end - time.monotonic())


def _attempt(job: Job, clock: _Clock, retry: bool = True) -> Report:
    try:
        papermill.execute_notebook(
            job.source,
            job.output,
            parameters=dict(job.parameters),
            kernel_name="python3",
            language="python",
            cwd=str(Path(job.source).parent),
            progress_bar=False,
            timeout_func=clock,
        )
    except papermill.PapermillExecutionError as error:
        return Report(f"{error.ename}: {error.evalue}", _tail(error.traceback), clock.index)
    except nbclient.exceptions.CellTimeoutError:
        return Report(f"passed its cap of {job.cap:,.0f} s: shorten it, or pass --cap", [], clock.index)
    except nbclient.exceptions.DeadKernelError:
        problem = "its kernel died, of too little memory or by somebody's hand: lower latent_dim or the scale"
        return Report(problem, [], clock.index)
    except (RuntimeError, TimeoutError) as error:
        if clock.index is not None:
            raise
        # So speaks a kernel that never started: a port taken by another, a machine too busy.
        if retry:
            return _attempt(job, clock, retry=False)
        return Report(f"its kernel did not start, twice ({error}): try `python -m ipykernel_launcher --help`")
    return Report()


def _tail(trace: list[str], most: int = 12) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(trace))
    return plain.splitlines()[-most:]


def _die_with_the_build() -> None:
    """Wait until standard input closes, then end the kernel, all that it started, and this process."""
    import psutil

    # The descriptor itself: the text layer's lock would hold up the interpreter's exit.
    while os.read(0, 4096):
        pass
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
