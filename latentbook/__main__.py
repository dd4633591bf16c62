"""The command line: ``latentbook build | check | data | info``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path


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

    info = commands.add_parser("info", help="versions, devices and folders, and what is wrong with them")
    info.set_defaults(command=_info)
    return parser


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


def _info(chosen: argparse.Namespace) -> int:
    from latentbook.info import lines

    print("\n".join(lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
