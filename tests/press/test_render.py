"""Rendering without a kernel: contents pruned, sphinx found, nothing half-finished returned."""

import shutil

import pytest

from latentbook.press import render
from latentbook.press.plan import BuildError, Order
from latentbook.press.render import last_findings


@pytest.fixture
def order(book):
    return Order(book.root, book.html)


@pytest.fixture
def rendered(order, book, tmp_path):
    """Render a book of no chapters; return the tree."""
    work = tmp_path / "work"
    work.mkdir()
    return lambda: render.render(order, [], work)


def test_missing_chapters_are_pruned_from_the_contents(rendered):
    tree = rendered()
    assert (tree / "book" / "status.html").is_file()
    assert not (tree / "book" / "1-small.html").exists()
    assert (tree / "build.json").read_text() == "{}"


def test_a_warning_returns_nothing(rendered, book, capsys):
    (book.root / "book" / "intro.md").write_text("# A book\n\n{doc}`nowhere`\n")
    assert rendered() is None
    said = capsys.readouterr().out
    assert "the last good ones stand" in said
    assert f"{book.root}/book/intro.md" in said


def test_a_missing_sphinx_names_the_extra(monkeypatch, rendered):
    monkeypatch.setattr(render.sys, "executable", "nowhere/python")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BuildError, match=r"pip install -e .\[book\]"):
        rendered()


def test_no_pages_no_findings(book):
    with pytest.raises(BuildError, match="run `make book` first"):
        last_findings(book.root, book.html)
