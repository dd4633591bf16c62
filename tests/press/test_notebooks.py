"""Chapters: parameters, faults in sources and outputs, and the form in which the page shows them."""

import json

import nbformat
import pytest
from nbformat.v4 import new_notebook, new_output

from latentbook.press import notebooks
from latentbook.press.notebooks import defaults, output_problems, source_problems, with_outputs, with_values
from tests.press.conftest import code, parameters, text

PLOTLY = notebooks.PLOTLY
LINE = {"data": [{"type": "scatter", "x": [1], "y": [2]}], "layout": {"meta": {"alt": "A dot."}}}


def displayed(data, **metadata):
    cell = code("show()", **metadata)
    cell.outputs = [new_output("display_data", data)]
    return new_notebook(cells=[cell])


# ---- parameters ----


def test_defaults_are_read_from_the_cell():
    notebook = new_notebook(cells=[parameters('a = "x"  # a\nb = [1, -2.5]  # b')])
    assert defaults(notebook) == {"a": "x", "b": [1, -2.5]}


def test_values_replace_defaults_and_comments_stay():
    source = 'scale = "book"  # smoke, "book"  # or paper\nlam = 0.03  # weight'
    assert with_values(source, {"scale": "smoke", "lam": 0.03}) == (
        "scale = 'smoke'  # smoke, \"book\"  # or paper\nlam = 0.03  # weight"
    )


@pytest.mark.parametrize("source", ["a = f()  # no", "a, b = 1, 2  # no", "a = [\n1]  # no", "print(1)  # no"])
def test_a_parameters_cell_has_one_literal_a_line(source):
    with pytest.raises(ValueError, match=r"parameters cell|malformed"):
        defaults(new_notebook(cells=[parameters(source)]))


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_one_parameters_cell(count):
    with pytest.raises(ValueError, match=rf"one cell tagged `parameters`, this one has {count}"):
        defaults(new_notebook(cells=[parameters() for _ in range(count)]))


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "1-torn.ipynb").write_text('{"cells": [')
    with pytest.raises(ValueError, match=r"1-torn.ipynb is not a notebook"):
        assert notebooks.Chapter(tmp_path / "1-torn.ipynb").notebook


def test_chapters_are_what_the_table_of_contents_names(tmp_path):
    """JupyterLab puts new notebooks and copies beside them."""
    (tmp_path / "_toc.yml").write_text("root: book/intro\nparts:\n  - chapters:\n      - file: book/1-small\n")
    book = tmp_path / "book"
    book.mkdir()
    for name in ("1-small", "1-small-Copy1", "Untitled"):
        (book / f"{name}.ipynb").write_text("{}")
    assert [chapter.name for chapter in notebooks.chapters(book)] == ["1-small"]
    assert notebooks.left_out(book) == ["1-small-Copy1", "Untitled"]


# ---- sources ----


def test_a_clean_source_has_no_problems():
    assert source_problems(new_notebook(cells=[text("# T"), parameters(), code("1")])) == []


def test_committed_outputs_are_named_with_their_cell_and_the_repair():
    cell = code("1")
    cell.outputs = [new_output("stream", text="hello")]
    [problem] = source_problems(new_notebook(cells=[parameters(), cell]))
    assert problem == "cell 1 carries outputs: run `nbstripout book/*.ipynb`"


def test_a_committed_execution_count_counts_as_output():
    cell = code("1")
    cell.execution_count = 3
    assert "cell 1 carries outputs" in source_problems(new_notebook(cells=[parameters(), cell]))[0]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("hide-input", ["source_hidden"]),
        ("remove-input", ["source_hidden"]),
        ("hide-cell", ["outputs_hidden", "source_hidden"]),
    ],
)
def test_what_the_page_folds_is_folded_in_jupyterlab_too(tag, words):
    jupyter = dict.fromkeys(words, True)
    half_open = code("1", tag, jupyter=jupyter | {words[0]: False})
    [problem] = source_problems(new_notebook(cells=[parameters(), code("1", tag, jupyter=jupyter), half_open]))
    assert problem == f"cell 2 lies open in JupyterLab: give it {json.dumps({'jupyter': jupyter})}"


def test_a_parameter_without_help_is_named():
    [problem] = source_problems(new_notebook(cells=[parameters("a = 1  # fine\nb = 2")]))
    assert "`b` has no comment" in problem


# ---- outputs ----


def test_a_good_figure_passes():
    assert output_problems(displayed({PLOTLY: LINE})) == []


@pytest.mark.parametrize(
    "figure",
    [
        {"data": [], "layout": {}},
        {"data": [{"type": "scatter"}], "layout": {}},
        {"data": [{"type": "scatter", "x": [], "y": []}], "layout": {}},
        {"data": [{"type": "scatter", "y": {"dtype": "f8", "bdata": ""}}], "layout": {}},
        {"data": [{"type": "heatmap", "z": [[], [None, float("nan")]]}], "layout": {}},
        {**LINE, "frames": [{"data": LINE["data"]}, {"data": []}], "layout": {}},
    ],
)
def test_an_empty_figure_is_a_fault(figure):
    figure["layout"]["meta"] = {"alt": "Nothing."}
    assert output_problems(displayed({PLOTLY: figure})) == [
        "code cell 1: an empty figure, or an empty frame of one: no trace has data; draw something or remove it"
    ]


def test_arrays_in_base64_are_data():
    figure = {**LINE, "data": [{"type": "scatter", "y": {"dtype": "f8", "bdata": "AAAAAAAA8D8="}}]}
    assert output_problems(displayed({PLOTLY: figure})) == []


def test_a_figure_without_alt_text_is_a_fault():
    [problem] = output_problems(displayed({PLOTLY: {**LINE, "layout": {}}}))
    assert "without alt text" in problem
    assert "figures.show(figure, alt=...)" in problem


@pytest.mark.parametrize("mime", ["image/png", "image/svg+xml"])
def test_an_image_needs_alt_text_in_its_cell(mime):
    assert "an image without alt text" in output_problems(displayed({mime: "..."}))[0]
    assert output_problems(displayed({mime: "..."}, mystnb={"image": {"alt": "A cat."}})) == []


def test_words_on_stderr_are_a_fault():
    cell = code("1")
    cell.outputs = [new_output("stream", name="stderr", text="UserWarning: beware\n")]
    assert output_problems(new_notebook(cells=[cell])) == [
        "code cell 1: wrote to stderr: 'UserWarning: beware'; repair its cause"
    ]


# ---- the page's form ----


def executed(source):
    """Run a notebook as papermill would: an injected cell, outputs, counts."""
    ran = nbformat.from_dict(source)
    for count, cell in enumerate(notebooks.code_cells(ran), 1):
        cell.outputs, cell.execution_count = [new_output("stream", text=cell.source)], count
    ran.cells.insert(2, code("seed = 5", "injected-parameters"))
    return ran


def test_the_page_has_todays_text_and_the_outputs_of_the_run():
    source = new_notebook(
        cells=[text("# old"), parameters("seed = 0  # s"), code("first"), text("old"), code("second")]
    )
    ran = executed(source)
    source.cells[3].source = "new"
    page = with_outputs(source, ran, {"seed": 5})
    assert [cell.source for cell in page.cells] == ["# old", "seed = 5  # s", "first", "new", "second"]
    assert [cell.outputs[0].text for cell in page.cells if cell.cell_type == "code"][1:] == ["first", "second"]
    assert source.cells[1].source == "seed = 0  # s"


def test_the_lead_moves_behind_the_first_text():
    source = new_notebook(cells=[text("# T"), parameters(), code("train"), code("picture", "lead"), text("end")])
    page = with_outputs(source, source, {})
    assert [cell.source for cell in page.cells][:2] == ["# T", "picture"]
    assert len(page.cells) == len(source.cells)


@pytest.mark.parametrize(("tag", "travels"), [(None, True), ("remove-output", False)])
def test_widget_state_travels_with_what_shows_it(tag, travels):
    source = new_notebook(cells=[text("# T"), parameters(), code("widget", *([tag] if tag else []))])
    ran = executed(source)
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    ran.cells[-1].outputs = [new_output("display_data", view)]
    ran.metadata["widgets"] = {"state": 1}
    assert ("widgets" in with_outputs(source, ran, {}).metadata) == travels


def test_a_panel_that_needs_a_kernel_is_one_line():
    source = new_notebook(cells=[text("# T"), parameters(), code("panel", "remove-output"), code("x", "remove-output")])
    ran = executed(source)
    ran.cells[3].outputs = [new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})]
    *_, line, other = with_outputs(source, ran, {}).cells
    assert line.cell_type == "markdown"
    assert "shows a panel in JupyterLab" in line.source
    assert other.source == "x"
