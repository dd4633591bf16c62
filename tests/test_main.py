"""The command line: commands, their help, and what a wrong word is answered."""

import subprocess
import sys

import pytest

from latentbook.__main__ import main


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["check", "--help"], ["info", "--help"]])
def test_help(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert "usage: latentbook" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["bild"], ["build", "--scales", "book"]])
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
