"""Dask's workers for a sweep: on this machine, or wherever a scheduler is. Needs the extra ``sweep``.

What Dask's port receives is unpickled: whoever reaches it can run code. Workers of our own listen on 127.0.0.1 alone.

All chapters.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import dask.config
import torch
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, Nanny, Scheduler, SpecCluster, wait
from distributed.utils import silence_logging_cmgr

from latentbook.learning import forks, runs
from latentbook.learning.engines import Engine, Part
from latentbook.learning.work import Order, WrongWorker, facts, misfit, work

__all__ = ["OnCluster", "OwnCluster", "connected", "own_cluster"]

HERE = "127.0.0.1"
# Seconds that a scheduler has to answer, and between two looks at who is there.
ANSWER, LOOK = 5.0, 0.5
# Parts that wait beside those which are worked on, so that no worker waits for us.
AHEAD = 2
# Parts that came back from wrong workers, before something else must be wrong.
COMPLAINTS = 100
# Bytes that torch does not count: what every process has on a GPU before it computes.
CONTEXT = 2**30
GONE = "the scheduler is gone: start it, and the sweep again; what is finished stays"


class OnCluster(Engine):
    """Workers of a Dask cluster.

    Args:
        order: Of the sweep.
        client: Of the cluster.
        own: The cluster, if it is one of ours, to which workers may be added.

    Raises:
        ValueError: If a worker would compute something else; names it.
    """

    def __init__(self, order: Order, client: Client, own: OwnCluster | None = None) -> None:
        self.order, self.own, self.facts = order, own, facts(order.recipe)
        # Its methods are typed as coroutines, too, which they are in other programs.
        self.client: Any = client
        self.futures: dict[Future, Part] = {}
        self.known: set[str] = set()
        self.dashboard = _dashboard(client)
        self.complaints = 0
        if wrong := self._look():
            raise ValueError("; ".join(f"the worker {address} {what}" for address, what in wrong.items()))

    def slots(self) -> int:
        """Return how many workers there are, and some more."""
        return len(self.known) + AHEAD

    def running(self) -> int:
        """Return how many parts are out."""
        return len(self.futures)

    def submit(self, part: Part) -> None:
        """Send a part to the cluster."""
        # Not pure: what is asked for again shall be done again.
        self.futures[self.client.submit(work, self.order, part, self.facts, pure=False)] = part

    def returned(self) -> list[tuple[Part, bool]]:
        """Wait for the first part that is back, and refuse workers that would compute something else."""
        self._refuse(self._look())
        # What was cancelled is told below, part by part.
        with contextlib.suppress(TimeoutError, CancelledError):
            wait([*self.futures], timeout=LOOK, return_when="FIRST_COMPLETED")
        back = [future for future in self.futures if future.done()]
        return [(self.futures.pop(future), self._was_free(future)) for future in back]

    def learn(self, run: Path) -> None:
        """Let as many processes share each GPU of ours as fit into it."""
        if self.own and not self.own.is_shared:
            self.own.share(runs.entry(run).peak_memory)

    def note(self) -> str:
        """Return the address of the dashboard, and whether there is nobody to work."""
        return ", ".join(filter(None, ["" if self.known else "no workers yet", self.dashboard]))

    def cancel(self) -> None:
        """Take back what nobody has begun."""
        with contextlib.suppress(OSError):
            self.client.cancel([*self.futures], force=True)

    def _look(self) -> Mapping[str, str]:
        """Return what is wrong with the workers that are new, by address."""
        there = self._workers()
        new, self.known = there - self.known, there
        if not new:
            return {}
        try:
            found = self.client.run(misfit, self.order, self.facts, workers=[*new], on_error="return")
        except (OSError, ValueError):
            # One of them has gone meanwhile: the next look will tell.
            self.known -= new
            return {}
        # Who has gone meanwhile says nothing.
        self.known -= {address for address, one in found.items() if isinstance(one, OSError)}
        return {address: what for address, one in found.items() if address in self.known and (what := _told(one))}

    def _workers(self) -> set[str]:
        """Return the addresses of all workers."""
        with _talking():
            return set(self.client.nthreads())

    def _was_free(self, future: Future) -> bool:
        """Return what the work on a part returned; raises what was nobody's failure but the sweep's."""
        if future.status == "cancelled":
            raise ConnectionError(GONE)
        with _talking():
            error: Any = future.exception()
            if error is None:
                return bool(future.result())
        if isinstance(error, WrongWorker | ImportError) and self.complaints < COMPLAINTS:
            # It came between two looks, or has changed: all are asked again.
            self.complaints += 1
            self.known.clear()
            return False
        # Of a part whose workers died the ledger says how often it may be tried.
        if isinstance(error, KilledWorker):
            return True
        raise error

    def _refuse(self, wrong: Mapping[str, str]) -> None:
        for address, what in wrong.items():
            print(f"refused: the worker {address} {what}", file=sys.stderr)
        if wrong:
            self.client.retire_workers([*wrong], close_workers=True)


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    """Say in a sentence where the scheduler has gone in the middle of a word."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ConnectionError(GONE) from error


def _told(found: str | BaseException) -> str:
    """Return what is wrong with a worker, by what it says, or fails to say."""
    if isinstance(found, BaseException):
        return f"cannot load the recipe ({type(found).__name__}: {found}): install the same package there"
    return found


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to a running scheduler.

    Args:
        address: As in ``"tcp://10.0.0.1:8786"``; with ``tls://`` certificates come from Dask's own settings.

    Returns:
        A context that holds a client.

    Raises:
        ValueError: If nothing answers there within 5 seconds.

    All chapters.
    """
    # What it would print of a lost connection is said in a sentence.
    with silence_logging_cmgr(logging.CRITICAL, "distributed.client"):
        try:
            client = Client(address, timeout=ANSWER)
        except (OSError, RuntimeError, TimeoutError, TypeError, ValueError) as error:
            # Also a scheduler that wants certificates.
            told = f"`engine` is {address!r}, but no scheduler answers in {ANSWER:.0f} s ({error})"
            raise ValueError(f"{told}: start `dask scheduler` there, and open its port") from error
        with client:
            yield client


@contextlib.contextmanager
def own_cluster(workers: int | None = None) -> Iterator[tuple[Client, OwnCluster]]:
    """Start workers on this machine, and end them afterwards, in whatever they are.

    Args:
        workers: How many; None for one a GPU, or one a core where there is none.

    Returns:
        A context that holds a client, and the cluster.

    Raises:
        OSError: If no port can be opened on 127.0.0.1.

    All chapters.
    """
    with _quick_starts():
        own = OwnCluster(workers)
        try:
            with Client(own) as client:
                yield client, own
        finally:
            own.close()


class OwnCluster(SpecCluster):
    """Workers on this machine, in processes of their own, of one thread each; they end with this process.

    Args:
        workers: How many; None for one a GPU, or one a core where there is none.

    All chapters.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.gpus = _gpus()
        # Without a GPU there is nothing to share, and who says how many workers there are has the last word.
        self.is_shared = not self.gpus or workers is not None
        options: dict[str, Any] = {"host": HERE, "port": 0, "dashboard": _has_dashboard()}
        if _has_dashboard():
            options["dashboard_address"] = f"{HERE}:0"
        # A level, whatever its type says.
        quiet: Any = logging.ERROR
        super().__init__(workers={}, scheduler={"cls": Scheduler, "options": options}, silence_logs=quiet)
        self.scale(workers or len(self.gpus) or CPU_COUNT)

    def new_worker_spec(self) -> dict[int, dict[str, Any]]:
        """Return what the next worker is made from: on each GPU in turn, the only one that it sees."""
        index, self._i = self._i, self._i + 1
        env = {"CUDA_VISIBLE_DEVICES": self.gpus[index % len(self.gpus)]} if self.gpus else {}
        # Dask would pause or end a worker for its memory; ours holds none of Dask's data.
        options = {"nthreads": 1, "memory_limit": 0, "env": env, "host": HERE, "silence_logs": logging.ERROR}
        return {index: {"cls": Nanny, "options": options}}

    def share(self, peak: int) -> None:
        """Let as many processes share each GPU as fit into it, with a core for each; once.

        Args:
            peak: Memory that a part of the grid took, in bytes. Of a larger one that does not fit beside the others
                the ledger says so, and goes on.
        """
        if self.is_shared:
            return
        self.is_shared = True
        free = 0.9 * torch.cuda.get_device_properties(0).total_memory
        fitting = int(free / (peak + CONTEXT))
        self.scale(len(self.gpus) * max(1, min(fitting, CPU_COUNT // len(self.gpus))))


@contextlib.contextmanager
def _quick_starts() -> Iterator[None]:
    """Let workers be forked, where they share no GPU: one that has a GPU hides the others before it imports torch."""
    if _gpus() or not forks.can_fork():
        yield
        return
    forks.prepare()
    with dask.config.set({"distributed.worker.multiprocessing-method": forks.METHOD}):
        yield


def _gpus() -> Sequence[str]:
    """Return the names of the GPUs that this process may use."""
    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:count] if visible else [str(index) for index in range(count)]


def _dashboard(client: Any) -> str:
    """Return the address of the scheduler's dashboard; empty where it has none."""
    try:
        return client.dashboard_link if _has_dashboard() else ""
    except KeyError:
        return ""


def _has_dashboard() -> bool:
    return importlib.util.find_spec("bokeh") is not None
