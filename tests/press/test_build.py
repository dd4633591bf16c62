"""Builds of small books: nothing twice, nothing stale, nothing half-written, whatever happens in between."""

import os
import signal
import subprocess
import sys

import pytest

from tests.press.conftest import CLAIMS, FIGURE, code, text
from tests.press.test_execute import is_gone, wait_for

pytestmark = pytest.mark.kernel

SAY_ONE = "from latentbook.press.claims import claim\nclaim('one', {value})"


@pytest.fixture
def counter(tmp_path):
    """A cell that leaves a mark each time it runs, and the marks."""
    marks = tmp_path / "marks"
    marks.touch()
    return code(f"open({str(marks)!r}, 'a').write('x')\nNone"), lambda: len(marks.read_text())


def test_a_book_is_built_once_and_again_only_where_it_changed(book, counter):
    cell, runs = counter
    book.claims(CLAIMS)
    book.chapter("1-small", cell, code(SAY_ONE.format(value=2.0)), code(FIGURE))
    book.chapter("2-small", code("print('two')"), text("Old words."))
    status, said = book.run("build")
    assert status == 0, said
    assert 'data-verdict="inside"' in book.page("1-small")
    assert "lb-plotly" in book.page("1-small")
    assert "It falls." in book.page("1-small")
    for name in ("host.js", "theme.css", "plotly.min.js", "tex-svg-full.js"):
        assert (book.html / "_static" / name).is_file()
    assert "1 inside" in book.page("status")
    assert book.run("check") == (0, "inside   one: 2 (2). Two is two.\n1 of 1 claims stand\n")

    # Nothing changed: no kernel starts.
    status, said = book.run("build", environment={"JUPYTER_PATH": "nowhere"})
    assert (status, runs()) == (0, 1)
    assert said.count("unchanged") == 2

    # Changed words and a changed band reach the page without a run; the check is of today's band.
    book.chapter("2-small", code("print('two')"), text("New words."))
    book.claims(CLAIMS.replace("[2, 2]", "[3, 4]"))
    assert book.run("build")[0] == 0
    assert runs() == 1
    assert "New words." in book.page("2-small")
    assert 'data-verdict="outside"' in book.page("1-small")
    assert book.run("check")[0] == 1

    # Changed code runs, and only that chapter's.
    book.chapter("2-small", code("print('three')"))
    status, said = book.run("build")
    assert status == 0
    assert "1-small: unchanged" in said
    assert "2-small: running" in said
    assert "three" in book.page("2-small")
    assert book.left_over() == []


def test_parameters_are_shown_once_with_their_values(book):
    book.chapter("1-small", code("print(scale + '!')"))
    status, said = book.run("build", "--scale", "smoke")
    assert status == 0, said
    page = book.page("1-small")
    assert "smoke!" in page
    assert page.count("how long") == 1
    assert "Parameters" not in page
    assert page.count("smoke&#39;") + page.count("'smoke'") == 1


def test_a_failed_chapter_leaves_the_others_and_says_where(book):
    book.chapter("1-small", code("1"), code("1 / 0"))
    book.chapter("2-small", code("print('two')"))
    status, said = book.run("build")
    assert status == 1
    assert "1-small, code cell 3 FAILED: ZeroDivisionError: division by zero" in said
    assert "1 / 0" in said
    assert "This chapter failed in code cell 3." in book.page("1-small")
    assert "two" in book.page("2-small")
    assert "<strong>1-small</strong>: ZeroDivisionError" in book.page("status")
    # A failure is not kept: the next build tries again.
    status, said = book.run("build")
    assert status == 1
    assert "1-small: running" in said
    assert "2-small: unchanged" in said


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (code("import sys\nprint('beware', file=sys.stderr)"), "code cell 2: wrote to stderr: 'beware'"),
        (code(FIGURE.replace("x=[1, 2], y=[2, 1]", "")), "code cell 2: an empty figure"),
        (
            code("import plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[1]))"),
            "code cell 2: a figure without alt text",
        ),
        (code(SAY_ONE.format(value=2.0).replace("one", "won")), "'won' is not in book/claims.yml, which lists ['one']"),
    ],
    ids=["stderr", "empty figure", "no alt text", "unknown claim"],
)
def test_what_a_chapter_must_not_leave(book, cell, message):
    book.claims(CLAIMS)
    book.chapter("1-small", cell)
    status, said = book.run("build")
    assert status == 1
    assert message in said


def test_a_chapter_that_hangs_is_stopped_at_its_cap(book):
    book.chapter("1-small", code("import time\ntime.sleep(600)"))
    status, said = book.run("build", "--cap", "8")
    assert status == 1
    assert "1-small, code cell 2 FAILED: passed its cap of 8 s: shorten it, or pass --cap" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "1-small FAILED: SyntaxError: '(' was never closed"),
        ('{"cells": [', "1-small FAILED: ValueError: 1-small.ipynb is not a notebook"),
    ],
    ids=["syntax error", "torn file"],
)
def test_a_source_that_cannot_be_read_fails_alone(book, content, message):
    book.chapter("1-small", code("x = ("))
    if content:
        book.path("1-small").write_text(content)
    book.chapter("2-small", code("print('two')"))
    status, said = book.run("build")
    assert status == 1
    assert message in said
    assert "Traceback" not in said
    assert "This chapter failed" in book.page("1-small")
    assert "two" in book.page("2-small")


def test_a_parameter_from_the_command_line_is_judged_by_no_band(book):
    book.claims(CLAIMS)
    book.chapter("1-small", code(SAY_ONE.format(value=99.0)), code("print('seed', seed)"))
    status, said = book.run("build", "-p", "seed", "7")
    assert status == 0, said
    assert "seed 7" in book.page("1-small")
    assert "at seed = 7; bands hold at the default" in book.page("1-small")
    assert book.run("check")[0] == 0


def test_sources_that_change_while_they_run_give_no_result(book):
    rewrite = (
        "from pathlib import Path\nme = Path('1-small.ipynb')\nme.write_text(me.read_text().replace('before', 'after'))"
    )
    book.chapter("1-small", code(rewrite), code("print('before')"))
    status, said = book.run("build")
    assert status == 1
    assert "its sources changed while it ran" in said
    assert not list((book.root / "_build" / "executed").glob("*.ipynb"))


def test_a_missing_claim_fails_the_check(book):
    book.claims(CLAIMS)
    book.chapter("1-small", code("1"))
    assert book.run("build")[0] == 0
    status, said = book.run("check")
    assert status == 1
    assert 'missing  one: nothing (say `claim("one", ...)` in 1-small, or remove the entry). Two is two.' in said


def test_a_warning_of_sphinx_keeps_the_last_good_page(book):
    book.chapter("1-small", text("Good."))
    assert book.run("build")[0] == 0
    book.chapter("1-small", text("Bad: {doc}`nowhere`."))
    status, said = book.run("build")
    assert status == 1
    assert "the last good ones stand" in said
    assert "nowhere" in said
    assert "Good." in book.page("1-small")
    assert book.left_over() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("build", "--chapter", "9-none"), "`chapter` is '9-none', but the book has ['1-small']"),
        (("build", "-p", "sead", "1"), "no chapter has a parameter 'sead'; there are ['scale', 'seed']"),
        (("check",), "holds no finished book: run `make book` first"),
    ],
)
def test_wrong_words_are_answered(book, words, message):
    book.chapter("1-small")
    status, said = book.run(*words)
    assert status == 1
    assert message in said
    assert "Traceback" not in said


def test_no_chapter_at_all(book):
    status, said = book.run("build")
    assert status == 1
    assert "no chapter under" in said


def test_one_chapter_is_built_and_the_others_stay_as_last_executed(book, counter):
    cell, runs = counter
    book.chapter("1-small", cell)
    book.chapter("2-small", code("print('two')"))
    status, said = book.run("build", "--chapter", "2-small")
    assert status == 0, said
    assert runs() == 0
    assert "Not executed yet" in book.page("1-small")
    assert book.run("check")[0] == 0
    assert book.run("build")[0] == 0
    # Changed, and not asked for: it stands as it ran.
    book.chapter("1-small", cell, text("Newer words."))
    book.chapter("2-small", code("print('three')"))
    assert book.run("build", "--chapter", "2-small")[0] == 0
    assert runs() == 1
    assert "marks" in book.page("1-small")
    assert "three" in book.page("2-small")


def test_ctrl_c_does_not_wait_for_another_build(book, tmp_path):
    marks = tmp_path / "marks"
    book.chapter("1-small", code(f"import time\nopen({str(marks)!r}, 'w').write('x')\ntime.sleep(600)"))
    first = book.start(start_new_session=True)
    wait_for(marks.exists)
    second = book.start(start_new_session=True)
    wait_for(lambda: len(list((book.root / "_build" / "work").glob("*.lock"))) == 3)
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=20)
    assert second.returncode == 130
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=30)


def test_two_builds_at_once_run_a_chapter_once(book, counter):
    cell, runs = counter
    book.chapter("1-small", cell, code("import time\ntime.sleep(3)"))
    builds = [book.start() for _ in range(2)]
    said = [build.communicate(timeout=120)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], said
    assert runs() == 1
    assert "small" in book.page("1-small")
    assert book.left_over() == []


@pytest.fixture
def sleeping(book, tmp_path):
    """A book with a good page, whose chapter now writes its process number and sleeps."""
    book.chapter("1-small", text("Good."))
    assert book.run("build")[0] == 0
    pid = tmp_path / "pid"
    book.chapter("1-small", code(f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"))
    return pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_build_leaves_the_last_good_page_and_no_kernel(book, sleeping, number):
    build = book.start(start_new_session=True)
    wait_for(sleeping.exists)
    kernel = int(wait_for(sleeping.read_text))
    build.send_signal(number)
    said, _ = build.communicate(timeout=60)
    assert build.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in said
    wait_for(lambda: is_gone(kernel), 10)
    assert "Good." in book.page("1-small")
    # The next build clears away what a killed one left.
    book.chapter("1-small", text("Better."))
    assert book.run("build")[0] == 0
    assert "Better." in book.page("1-small")
    assert book.left_over() == []


def test_sigkill_while_rendering_ends_sphinx_too(book, tmp_path):
    book.chapter("1-small")
    pid = tmp_path / "pid"
    # Sphinx reads this file first: it says who reads it, and waits.
    (book.root / "_config.yml").write_text((book.root / "_config.yml").read_text() + "      - stall\n")
    stall = f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    (tmp_path / "stall.py").write_text(stall)
    build = book.start(env={**os.environ, "PYTHONPATH": str(tmp_path)})
    wait_for(pid.exists)
    sphinx = int(wait_for(pid.read_text))
    build.kill()
    build.communicate(timeout=60)
    wait_for(lambda: is_gone(sphinx), 10)


FULL_DISK = """
import sys
from latentbook.__main__ import main
from latentbook.press import build

def full(*_):
    raise OSError(28, "No space left on device")

build.publish = full
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_is_said_and_the_last_good_page_stands(book):
    book.chapter("1-small", text("Good."))
    assert book.run("build")[0] == 0
    book.chapter("1-small", text("Better."))
    words = ["build", "--root", str(book.root)]
    done = subprocess.run([sys.executable, "-c", FULL_DISK, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device: the last good pages stand; make room" in done.stderr
    assert "Good." in book.page("1-small")
    assert book.left_over() == []


def test_a_folder_in_the_page_s_place_is_left_alone(book):
    book.chapter("1-small")
    (book.html / "mine").mkdir(parents=True)
    status, said = book.run("build")
    assert status == 1
    assert "is not a link that a build made: move it away" in said
    assert (book.html / "mine").is_dir()
