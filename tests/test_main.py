"""The command line: commands, their help, and what a wrong word is answered."""

import subprocess
import sys

import pytest

from latentbook.__main__ import main
from latentbook.learning.data import DATASETS


@pytest.mark.parametrize(
    "words", [["--help"], *([word, "--help"] for word in ("build", "check", "data", "sweep", "info"))]
)
def test_help(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert "usage: latentbook" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["bild"], ["build", "--scales", "book"], ["data", "fetsch"], ["data", "fetch"]])
def test_wrong_words_list_the_right_ones(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: latentbook" in capsys.readouterr().err


def test_info_prints(capsys):
    assert main(["info"]) == 0
    assert "torch 2" in capsys.readouterr().out


def test_check_without_a_build_says_what_to_do(tmp_path, capsys):
    assert main(["check", "--root", str(tmp_path)]) == 1
    assert "run `make book` first" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom latentbook.__main__ import main\n"
        "try: main(['build', '--help'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.fixture
def empty(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LATENTBOOK_DATA", raising=False)
    return tmp_path / "cache" / "latentbook" / "data"


@pytest.mark.usefixtures("empty")
def test_data_lists_every_set(capsys):
    assert main(["data"]) == 0
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(said) == list(DATASETS)
    assert said["sprites"].endswith("embedded")
    assert said["mnist"].endswith("not here")


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("action", ["fetch", "verify"])
def test_an_unknown_set_lists_the_known_ones(action, capsys):
    assert main(["data", action, "mnits"]) == 1
    assert "`name` is 'mnits', which is unknown: pass one of ['caltech101', 'celeba'," in capsys.readouterr().err


@pytest.mark.usefixtures("empty")
def test_fetching_what_is_embedded_or_cannot_be_fetched(capsys):
    assert main(["data", "fetch", "clock"]) == 0
    assert capsys.readouterr().out == "clock is embedded: nothing to fetch\n"
    assert main(["data", "fetch", "celeba"]) == 1
    assert "get it from https://mmlab.ie.cuhk.edu.hk" in capsys.readouterr().err


def test_verify_names_the_wrong_file_and_exits_with_1(empty, capsys):
    assert main(["data", "verify"]) == 0
    wrong = empty / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"altered")
    assert main(["data", "verify"]) == 1
    assert f"{wrong} is truncated or altered: expected md5" in capsys.readouterr().err
    assert main(["data", "verify", "fashion"]) == 1
    assert "run `latentbook data fetch fashion`" in capsys.readouterr().err


def test_a_stopped_fetch_is_said(monkeypatch, capsys):
    def stop(name):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("latentbook.learning.shelf.fetch", stop)
    assert main(["data", "fetch", "mnist"]) == 130
    assert "stopped" in capsys.readouterr().err
