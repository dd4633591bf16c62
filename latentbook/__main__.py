"""The command line: ``latentbook build | check | data | sweep | info``."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latentbook.learning.results import Results


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line; by default those of the process.

    Returns:
        The exit status.
    """
    chosen = _parser().parse_args(arguments)
    return chosen.command(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="latentbook", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    root = argparse.ArgumentParser(add_help=False)
    root.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout (default: this folder)")
    root.add_argument("--output", type=Path, help="where the pages are (default: _build/html)")

    build = commands.add_parser("build", parents=[root], help="execute the chapters that changed, render the pages")
    build.add_argument("--scale", help="smoke, book (default) or paper")
    build.add_argument("--dataset", help="data set of every chapter (default: each chapter's own)")
    build.add_argument("--device", help="auto (default), cpu, cuda or cuda:<index>")
    build.add_argument("--chapter", help="execute this chapter only, as in 1-least-volume")
    build.add_argument("--cap", type=float, help="seconds that one chapter may take (default: by scale)")
    build.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="another parameter")
    build.add_argument("-r", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"), help="one that stays text")
    build.set_defaults(command=_build)

    check = commands.add_parser("check", parents=[root], help="compare the claims of the last build with their bands")
    check.set_defaults(command=_check)

    data = commands.add_parser("data", help="list the data sets and where they are, fetch their files, verify them")
    data.set_defaults(command=_list_data)
    actions = data.add_subparsers(metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download the files of a data set into the cache")
    fetch.add_argument("name", metavar="NAME", help="a data set, as in mnist")
    fetch.set_defaults(command=_fetch_data)
    verify = actions.add_parser("verify", help="compare the checksums of the files that are here")
    verify.add_argument("name", nargs="?", metavar="NAME", help="one data set (default: all)")
    verify.set_defaults(command=_verify_data)

    _add_sweep(commands.add_parser("sweep", help="train a recipe over a grid, or say how far that is"))

    info = commands.add_parser("info", help="versions, devices and folders, and what is wrong with them")
    info.set_defaults(command=_info)
    return parser


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help="as in least-volume, isometry, information; or `status`")
    parser.add_argument("of", nargs="?", metavar="LABEL", help="of the sweep whose status is asked for")
    parser.add_argument("--grid", default="", help="as in lam=log:0.1:10:5,model=irvae|irae,steps=4000")
    parser.add_argument("--repeats", type=int, default=1, help="how often each cell is trained, with other seeds")
    parser.add_argument("--engine", help="local, or the address of a Dask scheduler (default: this process)")
    parser.add_argument("--workers", type=int, help="of the engine local (default: one a GPU, or one a core)")
    parser.add_argument("--label", help="of the sweep and its runs (default: one that follows from the grid)")
    parser.add_argument("--evaluate", action="store_true", help="measure the runs, too, and print their scores")
    parser.add_argument("--again", action="store_true", help="try cells again that failed")
    parser.add_argument("--yes", action="store_true", help="also more than 100,000 cells")
    parser.set_defaults(command=_sweep)


def _build(chosen: argparse.Namespace) -> int:
    import yaml

    from latentbook.core import is_disk_s_fault
    from latentbook.press.build import build
    from latentbook.press.plan import BuildError, Order
    from latentbook.press.publish import PublishError

    names = ("scale", "dataset", "device")
    parameters: dict[str, object] = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    parameters |= {name: yaml.safe_load(value) for name, value in chosen.p} | dict(chosen.r)
    order = Order(chosen.root.resolve(), _output(chosen), parameters, chosen.chapter, cap=chosen.cap)
    try:
        return 0 if build(order) else 1
    except (BuildError, PublishError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        repair = "; make room or allow writing, then build again" if is_disk_s_fault(error) else ""
        print(f"{error}: the last good pages stand{repair}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the last good pages stand", file=sys.stderr)
        return 130


def _check(chosen: argparse.Namespace) -> int:
    from latentbook.press.claims import row_text
    from latentbook.press.plan import BuildError
    from latentbook.press.render import last_findings

    try:
        found = last_findings(chosen.root.resolve(), _output(chosen))
    except (BuildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    findings = [finding for chapter in found.values() for finding in chapter]
    print("\n".join(row_text(finding) for finding in findings) or "no claims")
    broken = [finding for finding in findings if finding.verdict in ("outside", "missing", "unlisted")]
    print(f"{len(findings) - len(broken)} of {len(findings)} claims stand")
    return 1 if broken else 0


def _output(chosen: argparse.Namespace) -> Path:
    # Not resolved: the output is a link, and the link itself is what a build replaces.
    return (chosen.output or chosen.root / "_build" / "html").absolute()


def _list_data(chosen: argparse.Namespace) -> int:
    from latentbook.learning import shelf

    return _told((True, line) for line in shelf.listing())


def _fetch_data(chosen: argparse.Namespace) -> int:
    from latentbook.learning import shelf

    return _told((True, line) for line in shelf.fetch(chosen.name))


def _verify_data(chosen: argparse.Namespace) -> int:
    from latentbook.learning import shelf

    return _told(shelf.verify(chosen.name))


def _told(findings: Iterable[tuple[bool, str]]) -> int:
    """Print lines as they come, wrong ones to stderr, and return the exit status."""
    status = 0
    try:
        for right, line in findings:
            print(line, file=sys.stdout if right else sys.stderr, flush=True)
            status |= not right
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; no part of a file is kept", file=sys.stderr)
        return 130
    return int(status)


def _sweep(chosen: argparse.Namespace) -> int:
    try:
        return _swept(chosen)
    except KeyboardInterrupt:
        print("stopped; what is finished stays, and the same command goes on", file=sys.stderr)
        return 130


def _swept(chosen: argparse.Namespace) -> int:
    """Sweep, and return the exit status."""
    from latentbook.learning import forks

    if chosen.engine == "local" and forks.can_fork():
        # Before torch is imported here: there it takes as long, at the same time.
        forks.prepare()

    from latentbook.core import is_disk_s_fault
    from latentbook.learning import sweep
    from latentbook.learning.grid import MOST_CELLS

    try:
        if chosen.recipe == "status":
            found = sweep.known(chosen.of or "")
        elif chosen.of is not None:
            raise ValueError(f"{chosen.of!r} is one word too many: give a new sweep its label by --label")
        else:
            most = sys.maxsize if chosen.yes else MOST_CELLS
            names = ("engine", "repeats", "label", "again", "workers")
            options = {name: getattr(chosen, name) for name in names}
            found = sweep.run_all(chosen.recipe, chosen.grid, scores=chosen.evaluate, most=most, **options)
    except (ConnectionError, ImportError, RuntimeError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        repair = "; make room or allow writing" if is_disk_s_fault(error) else ""
        print(f"{error}{repair}: what is finished stays, and the same command goes on", file=sys.stderr)
        return 1
    return _told_of(found, chosen.evaluate)


def _told_of(found: Results, scores: bool) -> int:
    """Print what a sweep came to, and return the exit status."""
    if scores:
        _print_table(found.table())
    # What is redirected to a file shall be the table alone.
    print(found.summary(), file=sys.stderr if scores else sys.stdout)
    for row in (failed := found.failed()):
        print(f"failed: {dict(row.cell)}\n{row.state.why}", file=sys.stderr)
    return 1 if failed else 0


def _print_table(rows: list[dict[str, object]]) -> None:
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(sys.stdout, [*columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _info(chosen: argparse.Namespace) -> int:
    from latentbook.info import lines

    print("\n".join(lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
