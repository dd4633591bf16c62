"""The build: execute what is not yet executed, put the pages together, render them, publish them whole.

Under ``_build`` there are ``executed/`` (one notebook for every key, see `sources.chapter_key`) and what
`latentbook.press.publish` keeps: the folders of running builds, and the finished pages.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import nbformat
from filelock import FileLock

from latentbook.core import write_atomically
from latentbook.press import notebooks, sources
from latentbook.press.execute import Job, Report, Workers, run
from latentbook.press.notebooks import Chapter
from latentbook.press.plan import BuildError, Built, Order
from latentbook.press.publish import publish, work_folder
from latentbook.press.render import render

__all__ = ["build"]


# Seconds that one chapter may take, by scale; `--cap` overrides.
CAPS = {"smoke": 900.0, "book": 3600.0, "paper": 7 * 86_400.0}
# Executions of one chapter that are kept: a few scales, data sets and seeds beside each other.
KEPT = 8


def build(order: Order) -> bool:
    """Build the book; say what happens on standard output.

    Args:
        order: What to build.

    Returns:
        Whether every chapter ran and the pages were rendered without a warning. Pages are published when they could be
        rendered, with a notice in the place of a failed chapter's end.

    Raises:
        BuildError: If there is nothing to build, or a name is unknown.
        PublishError: If something that no build made is in the pages' place.
    """
    chapters = notebooks.chapters(order.root / "book")
    _require_names(order, chapters)
    for name in notebooks.left_out(order.root / "book"):
        _say(f"{name}: not in _toc.yml, left out")
    with work_folder(order.store) as work:
        built = _execute_all(order, chapters, work)
        for item in built:
            _tell_failure(item)
        tree = render(order, built, work)
        if tree is None:
            return False
        publish(tree, order.output, order.store)
    _say(f"open {order.output / 'index.html'}")
    return not any(item.report.error for item in built)


# ---- execution ----


def _execute_all(order: Order, chapters: list[Chapter], work: Path) -> list[Built]:
    workers = Workers()
    with concurrent.futures.ThreadPoolExecutor(order.jobs) as pool:
        try:
            waiting = [pool.submit(_chapter, order, chapter, work, workers) for chapter in chapters]
            return [future.result() for future in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            raise


def _chapter(order: Order, chapter: Chapter, work: Path, workers: Workers) -> Built:
    """Return a chapter's execution. A source that cannot be read fails alone, not the build."""
    if order.only not in (None, chapter.name):
        return _as_last_executed(order, chapter)
    try:
        return _executed(order, chapter, work, workers)
    except (SyntaxError, ValueError) as error:
        return Built(chapter, {}, None, None, Report(error=f"{type(error).__name__}: {error}"))


def _executed(order: Order, chapter: Chapter, work: Path, workers: Workers) -> Built:
    """Return the execution that is kept under the chapter's key, or a new one."""
    default = notebooks.defaults(chapter.notebook)
    values = {**default, **{name: value for name, value in order.parameters.items() if name in default}}
    key = _key(chapter, values)
    file = order.executed / f"{chapter.name}-{key}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    # Another build that runs the same chapter is waited for: it does not run twice.
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    with lock.acquire(cancel_check=lambda: workers.stopped):
        if file.exists():
            _say(f"{chapter.name}: unchanged")
            return _kept(chapter, file)
        item = _new(order, chapter, values, work, workers)
        if not item.report.error and _key(Chapter(chapter.path), values) != key:
            item.report.error = "its sources changed while it ran, so its numbers belong to neither: build again"
        if item.notebook and not item.report.error:
            write_atomically(file, nbformat.writes(item.notebook).encode())
            item.file = file
            _forget_old(order, chapter)
    return item


def _new(order: Order, chapter: Chapter, values: dict[str, object], work: Path, workers: Workers) -> Built:
    default = notebooks.defaults(chapter.notebook)
    given = {name: value for name, value in values.items() if value != default[name]}
    _say(f"{chapter.name}: running {_words(given)}")
    cap = order.cap or CAPS.get(str(values.get("scale")), CAPS["book"])
    job = Job(str(chapter.path), str(work / f"{chapter.name}.ipynb"), given, cap)
    report, output = run(job, workers), Path(job.output)
    notebook = notebooks.read(output) if output.exists() else None
    if notebook and not report.error:
        report.error = "; ".join(notebooks.output_problems(notebook))
    if notebook:
        machine = {"device": device_class(values.get("device")), "package": sources.package_hash()}
        facts = {"report": dataclasses.asdict(report), "versions": sources.versions(), **machine}
        notebook.metadata["latentbook"] = {"parameters": values, **facts}
    if not report.error:
        _say(f"{chapter.name}: {report.seconds:.0f} s, {report.cpu_seconds:.0f} CPU-seconds")
    return Built(chapter, values, notebook, None, report)


def _kept(chapter: Chapter, file: Path) -> Built:
    notebook = notebooks.read(file)
    facts = notebook.metadata["latentbook"]
    return Built(chapter, facts["parameters"], notebook, file, Report(**facts["report"]))


def _as_last_executed(order: Order, chapter: Chapter) -> Built:
    """Return a chapter's newest execution, whatever has changed since, with the source that it had then."""
    files = _executions(order, chapter)
    if not files:
        return Built(chapter, {}, None, None, Report())
    item = _kept(chapter, files[-1])
    if item.notebook:
        item.chapter = Chapter(chapter.path, notebooks.without_injected(item.notebook))
    return item


def _executions(order: Order, chapter: Chapter) -> list[Path]:
    """Return a chapter's kept executions, the newest last."""
    return sorted(order.executed.glob(f"{chapter.name}-*.ipynb"), key=lambda file: file.stat().st_mtime)


def _forget_old(order: Order, chapter: Chapter) -> None:
    for file in _executions(order, chapter)[:-KEPT]:
        file.unlink(missing_ok=True)
        file.with_name(f".{file.name}.lock").unlink(missing_ok=True)


def _key(chapter: Chapter, values: Mapping[str, object]) -> str:
    return sources.chapter_key(chapter.code, values, device_class(values.get("device")))


def device_class(device: object) -> str:
    """Return what numbers depend on: ``"cpu"``, or the GPU's name. A wrong device is the chapter's to refuse."""
    import torch

    if device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    try:
        return torch.cuda.get_device_name(None if device in (None, "auto", "cuda") else str(device))
    except (AssertionError, RuntimeError, ValueError):
        return str(device)


def _tell_failure(item: Built) -> None:
    if item.report.error:
        where = f", code cell {item.report.cell + 1}" if item.report.cell is not None else ""
        _say(f"{item.chapter.name}{where} FAILED: {item.report.error}")
        _say("\n".join(f"    {line}" for line in item.report.trace))


def _require_names(order: Order, chapters: list[Chapter]) -> None:
    names = [chapter.name for chapter in chapters]
    if not names:
        raise BuildError(f"no chapter under {order.root / 'book'}: run this in the checkout, or pass --root")
    if order.only is not None and order.only not in names:
        raise BuildError(f"`chapter` is {order.only!r}, but the book has {names}: pass one of these")
    known = {name for chapter in chapters for name in _parameter_names(chapter)}
    for name in order.parameters:
        if name not in known:
            raise BuildError(f"no chapter has a parameter {name!r}; there are {sorted(known)}")


def _parameter_names(chapter: Chapter) -> list[str]:
    try:
        return list(notebooks.defaults(chapter.notebook))
    except (SyntaxError, ValueError):
        # Said when its turn comes.
        return []


def _words(given: Mapping[str, object]) -> str:
    return "with " + ", ".join(f"{name} = {value}" for name, value in given.items()) if given else "at its defaults"


def _say(words: str) -> None:
    # One write: chapters run in threads, and `print` writes the end of a line on its own.
    print(f"{words}\n", end="", flush=True)
