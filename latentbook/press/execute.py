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

from latentbook.core import write_atomically

__all__ = ["Job", "Report", "run"]

ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"], "1")
# A kernel that hangs in the interpreter is ended by papermill at the cap; this is for a worker that hangs itself.
GRACE_SECONDS = 60


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


def run(job: Job, workers: set[subprocess.Popen]) -> Report:
    """Execute one chapter in a worker, and return what it reports.

    Args:
        job: What to execute.
        workers: Where the process is entered while it runs, so that the build can end it.
    """
    environment = {**os.environ, **ONE_THREAD, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONUNBUFFERED": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "latentbook.press.execute"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # Ctrl-C reaches the build alone; the worker is told by its standard input.
        start_new_session=True,
    )
    workers.add(worker)
    try:
        assert worker.stdin is not None  # it was asked for
        worker.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
        worker.stdin.flush()
        words = _last_words(worker, job.cap + GRACE_SECONDS)
    finally:
        stop(worker)
        workers.discard(worker)
    file = Path(job.output).with_suffix(".json")
    if not file.exists():
        return Report(error=f"its process ended without a report, exit status {worker.returncode}", trace=words)
    return Report(**json.loads(file.read_text()))


def stop(worker: subprocess.Popen) -> None:
    """End a worker and its kernel: by closing its standard input, and if that does not help by force."""
    with contextlib.suppress(OSError):
        worker.stdin.close()  # pyright: ignore[reportOptionalMemberAccess]
    try:
        worker.wait(10)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _last_words(worker: subprocess.Popen, seconds: float) -> list[str]:
    """Read the worker's standard error to its end, at most for some seconds, and return the last lines."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(worker.stderr), daemon=True)  # pyright: ignore
    reader.start()
    reader.join(seconds)
    return [line.rstrip() for line in lines[-5:]]


# ---- in the worker ----


def main() -> None:
    """Execute the job on standard input."""
    job = Job(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_die_with_the_build, daemon=True).start()
    report = execute(job)
    write_atomically(Path(job.output).with_suffix(".json"), json.dumps(dataclasses.asdict(report)).encode())
    # The kernel is gone; what papermill's event loop still holds must not keep the build waiting.
    os._exit(0)


def execute(job: Job) -> Report:
    """Run a notebook with papermill, at most for the cap, and measure it."""
    start = time.monotonic()
    report = _attempt(job, start)
    if report.error and not Path(job.output).exists():
        return report
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    report.seconds = time.monotonic() - start
    report.cpu_seconds = usage.ru_utime + usage.ru_stime
    # Linux counts kilobytes, macOS bytes.
    report.peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return report


def _attempt(job: Job, start: float, retry: bool = True) -> Report:
    import nbclient.exceptions
    import papermill

    try:
        papermill.execute_notebook(
            job.source,
            job.output,
            parameters=dict(job.parameters),
            kernel_name="python3",
            cwd=str(Path(job.source).parent),
            progress_bar=False,
            # A float below one second would be read as "no limit".
            timeout_func=lambda cell: max(1.0, start + job.cap - time.monotonic()),
        )
    except papermill.PapermillExecutionError as error:
        return Report(f"{error.ename}: {error.evalue}", _tail(error.traceback), _cell_of(job, error.cell_index))
    except nbclient.exceptions.CellTimeoutError:
        return _unfinished(job, f"passed its cap of {job.cap:,.0f} s")
    except nbclient.exceptions.DeadKernelError:
        return _unfinished(job, "its kernel died: out of memory, or ended by somebody")
    except (RuntimeError, TimeoutError) as error:
        # So speaks a kernel that never started: a port taken by another, a machine too busy.
        if retry:
            return _attempt(job, start, retry=False)
        return Report(f"its kernel did not start, twice: {error}")
    return Report()


def _unfinished(job: Job, problem: str) -> Report:
    """Name the cell that was running."""
    from latentbook.press.notebooks import code_cells, read

    cells = code_cells(read(Path(job.output)))
    done = [cell.metadata.get("papermill", {}).get("status") == "completed" for cell in cells]
    running = done.index(False) if False in done else None
    return Report(problem, [], running)


def _cell_of(job: Job, index: int) -> int | None:
    """Turn papermill's index, which counts text and injected cells, into one among the source's code cells."""
    from latentbook.press.notebooks import read, tags

    cells = [cell for cell in read(Path(job.output)).cells if "papermill-error-cell-tag" not in tags(cell)]
    before = [cell for cell in cells[:index] if cell.cell_type == "code" and "injected-parameters" not in tags(cell)]
    return len(before)


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
