"""The build: execute what is not yet executed, put the pages together, render them, publish them whole.

Under ``_build`` there are ``executed/`` (one notebook for every key, see `sources.chapter_key`) and what
`latentbook.press.publish` keeps: the folders of running builds, and the finished pages.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from filelock import FileLock
from nbformat import NotebookNode

from latentbook.core import write_atomically
from latentbook.press import claims, notebooks, sources, status
from latentbook.press.execute import Job, Report, Workers, run
from latentbook.press.notebooks import Chapter
from latentbook.press.publish import publish, work_folder

__all__ = ["BuildError", "Built", "Order", "build", "last_findings"]

MANIFEST = "build.json"


class BuildError(RuntimeError):
    """A build that cannot go on, with its repair in the message."""


@dataclass(frozen=True)
class Order:
    """What to build.

    Attributes:
        root: The checkout: holds ``book/``, ``_config.yml``, ``_toc.yml``.
        output: Where the pages appear.
        parameters: Given to every chapter that has them: scale, dataset, device.
        only: Name of the one chapter to execute; the others appear as last executed. None for all.
        jobs: Chapters executed at a time.
        cap: Seconds that one chapter may take.
    """

    root: Path
    output: Path
    parameters: Mapping[str, object] = dataclasses.field(default_factory=dict)
    only: str | None = None
    jobs: int = 2
    cap: float = 3600.0

    @property
    def store(self) -> Path:
        """Where everything lies that a build makes."""
        return self.root / "_build"


@dataclass
class Built:
    """One chapter after its execution.

    Attributes:
        chapter: The source.
        values: All parameters with their values.
        changed: Those that are not at their defaults, besides scale, data set and device.
        notebook: Its execution, in part if it failed; None if nothing ran.
        file: Where the execution is kept; None if it failed.
        report: How it went.
    """

    chapter: Chapter
    values: dict[str, object]
    changed: dict[str, object]
    notebook: NotebookNode | None
    file: Path | None
    report: Report

    @property
    def run(self) -> dict[str, object]:
        """Keywords of `claims.finding`."""
        scale, dataset = self.values.get("scale", "book"), self.values.get("dataset", "digits")
        return {"scale": scale, "dataset": dataset, "changed": self.changed}


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
    _require_chapter(order, chapters)
    with work_folder(order.store) as work:
        built = _execute_all(order, chapters, work)
        for item in built:
            _tell_failure(item)
        if not built:
            raise BuildError("no chapter has been executed yet: build without CHAPTER first")
        tree = _render(order, built, work)
        if tree is None:
            return False
        publish(tree, order.output, order.store)
    print(f"open {order.output / 'index.html'}", flush=True)
    return not any(item.report.error for item in built)


# ---- execution ----


def _execute_all(order: Order, chapters: list[Chapter], work: Path) -> list[Built]:
    workers = Workers()
    with concurrent.futures.ThreadPoolExecutor(order.jobs) as pool:
        try:
            waiting = [pool.submit(_chapter, order, chapter, work, workers) for chapter in chapters]
            return [item for future in waiting if (item := future.result()) is not None]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            raise


def _chapter(order: Order, chapter: Chapter, work: Path, workers: Workers) -> Built | None:
    """Return a chapter's execution: the one that is kept under its key, or a new one."""
    default = notebooks.defaults(chapter.notebook)
    values = {**default, **{name: value for name, value in order.parameters.items() if name in default}}
    given = {name: value for name, value in values.items() if value != default[name]}
    changed = {name: value for name, value in given.items() if name not in ("scale", "dataset", "device")}
    key = sources.chapter_key(chapter.code, values, device_class(values.get("device", "auto")))
    file = order.store / "executed" / f"{chapter.name}-{key}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    # Another build that runs the same chapter is waited for: it does not run twice.
    with FileLock(file.with_name(f".{file.name}.lock")):
        if file.exists():
            return _kept(chapter, values, changed, file)
        if order.only not in (None, chapter.name):
            return None
        print(f"{chapter.name}: running {_words(given)}", flush=True)
        job = Job(str(chapter.path), str(work / f"{chapter.name}.ipynb"), given, order.cap)
        item = _judged(chapter, values, changed, run(job, workers), Path(job.output))
        if not item.report.error:
            write_atomically(file, nbformat.writes(item.notebook).encode())
            item.file = file
    return item


def _judged(chapter: Chapter, values: dict, changed: dict, report: Report, output: Path) -> Built:
    """Look at what a chapter left: an execution without an error may still be wrong."""
    notebook = notebooks.read(output) if output.exists() else None
    if notebook and not report.error:
        report.error = "; ".join(notebooks.output_problems(notebook))
    if notebook:
        machine = {"device": device_class(values.get("device", "auto")), "package": sources.package_hash()}
        facts = {"report": dataclasses.asdict(report), "versions": sources.versions(), **machine}
        notebook.metadata["latentbook"] = {"parameters": values, **facts}
    if not report.error:
        print(f"{chapter.name}: {report.seconds:.0f} s, {report.cpu_seconds:.0f} CPU-seconds", flush=True)
    return Built(chapter, values, changed, notebook, None, report)


def _kept(chapter: Chapter, values: dict, changed: dict, file: Path) -> Built:
    notebook = notebooks.read(file)
    print(f"{chapter.name}: unchanged", flush=True)
    return Built(chapter, values, changed, notebook, file, Report(**notebook.metadata["latentbook"]["report"]))


def device_class(device: object) -> str:
    """Return what a device's numbers depend on: ``"cpu"``, or the GPU's name."""
    import torch

    if device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    return torch.cuda.get_device_name(None if device in ("auto", "cuda") else str(device))


def _tell_failure(item: Built) -> None:
    if item.report.error:
        where = f", code cell {item.report.cell + 1}" if item.report.cell is not None else ""
        print(f"{item.chapter.name}{where} FAILED: {item.report.error}", flush=True)
        print("\n".join(f"    {line}" for line in item.report.trace), flush=True)


def _require_chapter(order: Order, chapters: list[Chapter]) -> None:
    names = [chapter.name for chapter in chapters]
    if not names:
        raise BuildError(f"no chapter under {order.root / 'book'}: run this in the checkout, or pass --root")
    if order.only is not None and order.only not in names:
        raise BuildError(f"`chapter` is {order.only!r}, but the book has {names}: pass one of these")


def _words(given: Mapping[str, object]) -> str:
    return "with " + ", ".join(f"{name} = {value}" for name, value in given.items()) if given else "at its defaults"


# ---- pages ----


def _render(order: Order, built: list[Built], work: Path) -> Path | None:
    """Put the pages' sources together and run Sphinx over them; return the finished tree, None if it failed."""
    stage = work / "stage"
    _stage(order, built, stage)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", stage, "--path-output", work, "--all"]
    plain = {**os.environ, "NO_COLOR": "1"}
    words = [*command, "-W", "-n", "--keep-going"]
    done = subprocess.run(words, capture_output=True, text=True, env=plain, check=False)
    tree = work / "_build" / "html"
    if done.returncode:
        said = (done.stdout + done.stderr).replace(str(stage), str(order.root)).splitlines()
        complaints = [line for line in said if "WARNING" in line or "ERROR" in line]
        print("the pages were NOT rendered, the last good ones stand:", flush=True)
        print("\n".join(complaints or said[-20:]), flush=True)
        return None
    write_atomically(tree / MANIFEST, json.dumps(_manifest(built), indent=1).encode())
    return tree


def _stage(order: Order, built: list[Built], stage: Path) -> None:
    book = stage / "book"
    book.mkdir(parents=True)
    shutil.copy(order.root / "_config.yml", stage)
    for pattern in ("*.md", "*.bib", "*.svg", "*.png"):
        for file in (order.root / "book").glob(pattern):
            shutil.copy(file, book)
    known = claims.load(order.root / "book" / "claims.yml")
    findings = {item.chapter.name: _findings(item, known) for item in built}
    for item in built:
        page = _page(item, known)
        nbformat.write(page, book / item.chapter.path.name)
    (book / "status.md").write_text(status.page(built, findings))
    contents = yaml.safe_load((order.root / "_toc.yml").read_text())
    for part in contents["parts"]:
        part["chapters"] = [entry for entry in part["chapters"] if _exists(stage, entry["file"])]
    contents["parts"] = [part for part in contents["parts"] if part["chapters"]]
    (stage / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False))


def _exists(stage: Path, entry: str) -> bool:
    return any((stage / f"{entry}{ending}").exists() for ending in (".md", ".ipynb"))


def _findings(item: Built, known: Mapping[str, claims.Claim]) -> list[claims.Finding]:
    notebook = None if item.report.error else item.notebook
    return claims.rows(item.chapter.name, notebook, known, item.run)


def _page(item: Built, known: Mapping[str, claims.Claim]) -> NotebookNode:
    executed = item.notebook or nbformat.v4.new_notebook()
    if not item.report.error:
        claims.refresh(executed, known, item.run)
    page = notebooks.with_outputs(item.chapter.notebook, executed, item.values)
    if item.report.error:
        page.cells.insert(1, nbformat.v4.new_markdown_cell(status.failure_notice(item.report)))
    return page


def _manifest(built: list[Built]) -> dict:
    return {
        item.chapter.name: {
            "error": item.report.error,
            "run": item.run,
            "notebook": item.file.name if item.file else None,
        }
        for item in built
    }


def last_findings(root: Path, output: Path) -> dict[str, list[claims.Finding]]:
    """Return the findings of the pages that stand in a folder, from the executed notebooks behind them.

    Args:
        root: The checkout.
        output: Where the pages are.

    Raises:
        BuildError: If there are none.
    """
    file = output / MANIFEST
    if not file.is_file():
        raise BuildError(f"{output} holds no finished book: run `make book` first")
    known, found = claims.load(root / "book" / "claims.yml"), {}
    for name, entry in json.loads(file.read_text()).items():
        notebook = notebooks.read(root / "_build" / "executed" / entry["notebook"]) if entry["notebook"] else None
        found[name] = claims.rows(name, notebook, known, entry["run"])
    return found
