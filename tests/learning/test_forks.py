"""What workers are forked from: started early, without torch in the caller, with one thread, gone with its caller."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from latentbook.learning import forks

CODE = """\
import multiprocessing, os, sys
from latentbook.learning import forks

def told(queue):
    queue.put([os.getppid(), "torch" in sys.modules, os.environ["OMP_NUM_THREADS"]])

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "7"
    os.environ.pop("MKL_NUM_THREADS", None)
    forks.prepare()
    print("torch" in sys.modules, os.environ["OMP_NUM_THREADS"], "MKL_NUM_THREADS" in os.environ)
    context = multiprocessing.get_context(forks.METHOD)
    queue = context.SimpleQueue()
    child = context.Process(target=told, args=(queue,))
    child.start()
    print(*queue.get(), flush=True)
    child.join()
"""


@pytest.mark.skipif(not forks.can_fork(), reason="needs a system that forks")
def test_workers_are_forked_with_all_that_they_need(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(CODE)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 0, done.stderr
    caller, worker = done.stdout.splitlines()
    assert caller == "False 7 False"
    server, has_torch, threads = worker.split()
    assert (has_torch, threads) == ("True", "1")
    # It ends with its caller.
    end = time.monotonic() + 10
    while psutil.pid_exists(int(server)):
        assert time.monotonic() < end
        time.sleep(0.05)
