"""Code cells in the page: the output first, then its fold, with what it printed on the way in it."""

import html

import pytest
from docutils import nodes
from docutils.utils import new_document
from myst_nb.sphinx_ import HideCodeCellNode

from latentbook.learning.progress import Progress
from latentbook.press.cells import PROGRESS, CodeLast, close_fold, open_fold

LINES = ["curve: 500 steps in 1 s", "surface: 1,600 of 6,000 steps in 12 s"]


def cell(*outputs, hide=None):
    """A cell as myst-nb leaves it: its code, folded if hidden, and its outputs."""
    source = nodes.container("", nodes.literal_block(text="code"), nb_element="cell_code_source")
    output = nodes.container("", *(nodes.literal_block(text=text) for text in outputs), nb_element="cell_code_output")
    whole = nodes.container("", nb_element="cell_code", hide_mode=hide)
    fold = HideCodeCellNode("", source, *([output] if hide == "all" else []), prompt_show="Show the code")
    whole.extend([fold] if hide == "all" else [fold if hide else source, output])
    return whole


@pytest.fixture
def page():
    """What the page makes of one cell: the texts of its parts, in order."""

    def page(one):
        document = new_document("page")
        document.append(one)
        CodeLast(document).run()
        return [child.astext().split("\n") for child in one.children]

    return page


def test_folded_code_comes_behind_what_it_shows(page):
    assert page(cell("figure", hide="input")) == [["figure"], ["code"]]
    assert page(cell("figure")) == [["code"], ["figure"]]


def test_lines_of_progress_go_into_the_fold_and_stay_in_order(page):
    output, fold = page(cell(LINES[0], LINES[1], "figure", hide="input"))
    assert output == ["figure"]
    assert [line for line in fold if line] == ["code", *LINES]


def test_lines_of_progress_of_open_code_stay_under_it(page):
    one = cell(*LINES, "result")
    page(one)
    note, result = one.children[1].children
    assert note["classes"] == ["lb-progress"]
    assert [line.astext() for line in note] == LINES
    assert result.astext() == "result"


def test_a_hidden_cell_is_a_solution():
    document, one = new_document("page"), cell("42", hide="all")
    document.append(one)
    CodeLast(document).run()
    [fold] = one.children
    assert fold["prompt_show"] == "Show a solution"
    assert len(fold) == 2


def test_a_fold_is_named_by_its_words():
    writer, fold = (
        nodes.Element(),
        HideCodeCellNode(prompt_show="Show <it>", prompt_hide="Hide", classes=["above-input"]),
    )
    writer.body = []
    open_fold(writer, fold)
    close_fold(writer, fold)
    text = "".join(writer.body)
    assert "aria-label" not in text
    assert html.escape("Show <it>") in text
    assert text.count("<details") == text.count("</details>") == 1


@pytest.mark.parametrize("done", [3, 4000])
def test_what_progress_leaves_behind_is_known(done):
    with Progress(4000, "λ = 0.03", shown=False) as progress:
        progress.advance(done)
    assert PROGRESS.fullmatch(progress._text())
    assert not PROGRESS.fullmatch("It took 500 steps.")
