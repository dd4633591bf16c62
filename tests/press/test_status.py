"""The status page: one row a chapter, failures named, counts of verdicts."""

from types import SimpleNamespace

from nbformat.v4 import new_notebook

from latentbook.press import claims, status
from latentbook.press.execute import Report
from tests.press.conftest import CLAIMS


def built(error=""):
    notebook = new_notebook()
    notebook.metadata["latentbook"] = {"device": "cpu", "package": "abc", "versions": {"torch": "2.15"}}
    report = Report(error=error, seconds=12.3, cpu_seconds=11.0, peak_bytes=500 * 2**20)
    run = {"scale": "book", "dataset": "digits", "changed": {}}
    return SimpleNamespace(chapter=SimpleNamespace(name="1-small"), notebook=notebook, report=report, run=run)


def findings(tmp_path, value):
    (tmp_path / "claims.yml").write_text(CLAIMS)
    entry = claims.load(tmp_path / "claims.yml")["one"]
    return [claims.finding(entry, value, "book", "digits", {})]


def test_a_row_has_every_fact(tmp_path):
    page = status.page([built()], {"1-small": findings(tmp_path, 2.0)})
    assert "| {doc}`1-small` | 1 inside | book | digits | cpu | 12 s | 11 CPU-s | 500 MB | `abc` |" in page
    assert "torch 2.15" in page
    assert "Failed" not in page


def test_a_failure_is_named(tmp_path):
    page = status.page([built("ValueError: <no>\n- more")], {"1-small": findings(tmp_path, None)})
    assert "<li><strong>1-small</strong>: ValueError: &lt;no&gt;</li>" in page
    assert "| failed |" in page


def test_a_notice_shows_the_cell_and_the_traceback():
    notice = status.failure_notice(Report(error="ValueError: <no>", trace=["line <1>", "", "# line 2"], cell=3))
    assert "in code cell 4" in notice
    assert "&lt;no&gt;" in notice
    assert "line &lt;1&gt;&#10;&#10;# line 2" in notice
    assert "\n" not in notice


def test_verdicts_are_counted(tmp_path):
    both = findings(tmp_path, 2.0) + findings(tmp_path, 3.0)
    assert status.summary(both) == "1 inside, 1 outside"
    assert status.summary([]) == "none"
