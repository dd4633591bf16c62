"""Small books to build and break, and the real one at smoke scale."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PARAMETERS = 'scale = "book"  # how long\nseed = 0  # of everything'
FIGURE = """\
import plotly.graph_objects as go
from latentbook.press.figures import show
show(go.Figure(go.Scatter(x=[1, 2], y=[2, 1])), alt="A falling line.", caption="It falls.")"""
CLAIMS = """\
one:
  chapter: 1-small
  sentence: Two is two.
  unit: ""
  source: arithmetic
  bands: {book: {digits: [2, 2]}, smoke: {digits: [2, 2]}}
"""


def code(source, *tags, **metadata):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags), **metadata})


def text(source):
    return nbformat.v4.new_markdown_cell(source)


def parameters(source=PARAMETERS):
    return code(source, "parameters")


class SmallBook:
    """A checkout of its own, with chapters of a few cells."""

    def __init__(self, root):
        self.root = root
        (root / "book").mkdir(parents=True)
        shutil.copy(ROOT / "_config.yml", root)
        (root / "book" / "intro.md").write_text("# A small book\n\nWith two chapters at most.\n")
        (root / "book" / "references.bib").write_text("")
        self.claims("{}")
        self.contents(["1-small", "2-small"])

    def contents(self, names):
        chapters = "".join(f"      - file: book/{name}\n" for name in [*names, "status"])
        (self.root / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nparts:\n  - chapters:\n{chapters}")

    def claims(self, content):
        (self.root / "book" / "claims.yml").write_text(content)

    def chapter(self, name, *cells):
        notebook = nbformat.v4.new_notebook(cells=[text(f"# {name}\n\nA question?"), parameters(), *cells])
        nbformat.write(notebook, self.path(name))

    def path(self, name):
        return self.root / "book" / f"{name}.ipynb"

    @property
    def html(self):
        return self.root / "_build" / "html"

    def page(self, name):
        return (self.html / "book" / f"{name}.html").read_text()

    def manifest(self):
        return json.loads((self.html / "build.json").read_text())

    def command(self, *words):
        return [sys.executable, "-m", "latentbook", *words, "--root", str(self.root)]

    def start(self, *words, **options):
        return subprocess.Popen(
            self.command("build", *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )

    def run(self, *words, environment=None):
        """Run a command of the book; return its exit status and all that it printed."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            env={**os.environ, **(environment or {})},
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def left_over(self):
        """Names of what a build should not have left: files of builds that are not running."""
        works = self.root / "_build" / "work"
        return sorted(path.name for path in works.iterdir() if path.name != "entry.lock") if works.exists() else []


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path / "checkout")
