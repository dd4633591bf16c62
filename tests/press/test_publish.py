"""Publishing: the link moves in one step, whatever happens in the middle of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from latentbook.press.publish import PublishError, publish, work_folder


def finished(store, words, output="html"):
    """Publish a page with some words, as a build does."""
    with work_folder(store) as work:
        tree = work / "_build" / "html"
        tree.mkdir(parents=True)
        (tree / "index.html").write_text(words)
        publish(tree, store / output, store)


def test_the_link_points_to_the_newest_tree_and_the_last_one_stays(tmp_path):
    for words in ("one", "two", "three", "four"):
        finished(tmp_path, words)
    assert (tmp_path / "html" / "index.html").read_text() == "four"
    assert sorted(page.read_text() for page in (tmp_path / "trees").glob("*/*/index.html")) == ["four", "three"]


@pytest.mark.parametrize("other", ["html-mnist", "else/where/html"])
def test_pages_of_another_output_are_left_alone(tmp_path, other):
    finished(tmp_path, "other", other)
    for words in ("one", "two", "three", "four"):
        finished(tmp_path, words)
    assert (tmp_path / other / "index.html").read_text() == "other"


def test_a_finished_build_leaves_no_work(tmp_path):
    finished(tmp_path, "one")
    assert os.listdir(tmp_path / "work") == ["entry.lock"]


def test_a_living_build_s_folder_is_not_cleared_and_a_dead_one_s_is(tmp_path):
    (tmp_path / "work" / "dead").mkdir(parents=True)
    with work_folder(tmp_path) as first, work_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
        assert not (tmp_path / "work" / "dead").exists()


def test_a_folder_in_the_link_s_place_is_refused(tmp_path):
    (tmp_path / "html" / "mine").mkdir(parents=True)
    with pytest.raises(PublishError, match="is not a link that a build made: move it away"):
        finished(tmp_path, "one")
    assert (tmp_path / "html" / "mine").is_dir()


SABOTAGED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.press.test_publish import finished

def sabotage(name, act):
    whole = getattr(os, name)
    def partly(source, target, *rest):
        # The tree on its way under trees/, or the link on its way to its place.
        if "trees" in str(target) or str(target).endswith("html"):
            act()
        return whole(source, target, *rest)
    setattr(os, name, partly)

def full():
    raise OSError(28, "No space left on device")

sabotage("{call}", {act})
finished(Path(sys.argv[1]), "two")
"""
KILL = "lambda: os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize("call", ["rename", "replace"])
@pytest.mark.parametrize("act", [KILL, "full"], ids=["killed", "disk full"])
def test_trouble_in_the_middle_leaves_the_last_good_page(tmp_path, call, act):
    finished(tmp_path, "one")
    code = SABOTAGED.format(call=call, act=act)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if act == KILL else 1)
    assert ("No space left on device" in done.stderr) == (act == "full")
    assert (tmp_path / "html" / "index.html").read_text() == "one"
    # Two more builds, and no trace of the failed one is left.
    finished(tmp_path, "three")
    finished(tmp_path, "four")
    assert (tmp_path / "html" / "index.html").read_text() == "four"
    assert sorted(os.listdir(tmp_path)) == ["html", "publish.lock", "trees", "work"]
    assert os.listdir(tmp_path / "work") == ["entry.lock"]
    assert len(list((tmp_path / "trees").glob("*/*"))) == 2
