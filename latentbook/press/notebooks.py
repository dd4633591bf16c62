"""Chapters as notebooks: their parameters, their outputs, and the form in which the page shows them."""

from __future__ import annotations

import ast
import copy
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

__all__ = [
    "Chapter",
    "chapters",
    "defaults",
    "left_out",
    "output_problems",
    "placeholder",
    "read",
    "source_problems",
    "tags",
    "with_outputs",
    "with_values",
    "without_injected",
]

WIDGET = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"
IMAGES = ("image/png", "image/svg+xml", "image/jpeg")
# Tags of cells that the page folds or leaves out, and JupyterLab's own words for it.
FOLDED = {
    "hide-input": {"source_hidden"},
    "remove-input": {"source_hidden"},
    "hide-cell": {"source_hidden", "outputs_hidden"},
}


@dataclass
class Chapter:
    """A notebook under ``book/``.

    Attributes:
        path: The source, without outputs.
        content: Its content, if it is not to be read from the file.
    """

    path: Path
    content: NotebookNode | None = None

    @property
    def notebook(self) -> NotebookNode:
        """The content, read when first asked for: a broken file is its chapter's failure."""
        if self.content is None:
            self.content = read(self.path)
        return self.content

    @property
    def name(self) -> str:
        """File name without its ending, as in ``1-least-volume``."""
        return self.path.stem

    @property
    def code(self) -> list[tuple[str, list[str]]]:
        """Source and tags of every code cell."""
        return [(cell.source, sorted(tags(cell))) for cell in code_cells(self.notebook)]


def chapters(book: Path) -> list[Chapter]:
    """Return the chapters of a book, in order: the notebooks that its table of contents names.

    Args:
        book: The folder that holds the notebooks, in the folder of ``_toc.yml``.
    """
    return [Chapter(path) for path in sorted(book.glob("*.ipynb")) if path.stem in _contents(book)]


def left_out(book: Path) -> list[str]:
    """Return the names of the other notebooks: JupyterLab puts a reader's new ones and copies beside the chapters.

    Args:
        book: The folder that holds the notebooks, in the folder of ``_toc.yml``.
    """
    return [path.stem for path in sorted(book.glob("*.ipynb")) if path.stem not in _contents(book)]


def _contents(book: Path) -> set[str]:
    lines = (book.parent / "_toc.yml").read_text().splitlines()
    return {line.rpartition("file: book/")[2].strip() for line in lines if "file: book/" in line}


def read(path: Path) -> NotebookNode:
    """Read a notebook, with a message that names it when it is none."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.validator.NotebookValidationError) as error:
        raise ValueError(f"{path.name} is not a notebook ({error}): save it again in JupyterLab") from error


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that a source has: not those that papermill adds."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and "injected-parameters" not in tags(cell)]


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


# ---- parameters ----


def defaults(notebook: NotebookNode) -> dict[str, object]:
    """Return the values in the cell tagged ``parameters``, by name.

    Raises:
        ValueError: If there is no such cell, or a line is not ``name = literal``.
    """
    return {name: ast.literal_eval(value) for name, value, _ in _assignments(_parameters_cell(notebook).source)}


def with_values(source: str, values: Mapping[str, object]) -> str:
    """Return the source of a parameters cell with other values and the same comments.

    Example:
        >>> with_values('scale = "book"  # smoke, book or paper', {"scale": "smoke"})
        "scale = 'smoke'  # smoke, book or paper"

    All chapters.
    """
    lines = source.splitlines()
    for name, value, row in _assignments(source):
        if name in values and values[name] != ast.literal_eval(value):
            _, hash_sign, comment = lines[row].partition("  #")
            lines[row] = f"{name} = {values[name]!r}{hash_sign}{comment}"
    return "\n".join(lines)


def _parameters_cell(notebook: NotebookNode) -> NotebookNode:
    found = [cell for cell in code_cells(notebook) if "parameters" in tags(cell)]
    if len(found) != 1:
        raise ValueError(f"a chapter has one cell tagged `parameters`, this one has {len(found)}: tag one")
    return found[0]


def _assignments(source: str) -> Iterator[tuple[str, ast.expr, int]]:
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if node.lineno == node.end_lineno:
                yield name, value, node.lineno - 1
            case _:
                raise ValueError(
                    f"line {node.lineno} of the parameters cell is not `name = literal  # help`: make it one"
                )


# ---- what a source and its outputs must be ----


def source_problems(notebook: NotebookNode) -> list[str]:
    """Say what is wrong with a chapter's source: committed outputs, parameters without help, long classes."""
    problems = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            problems.append(f"cell {index} carries outputs: run `nbstripout book/*.ipynb`")
        wanted = {word for tag in tags(cell) for word in FOLDED.get(tag, ())}
        if not all(cell.metadata.get("jupyter", {}).get(word) for word in wanted):
            repair = json.dumps({"jupyter": dict.fromkeys(sorted(wanted), True)})
            problems.append(f"cell {index} lies open in JupyterLab: give it {repair}")
    try:
        source = _parameters_cell(notebook).source
        rows = source.splitlines()
        problems += [
            f"parameter `{name}` has no comment: papermill shows it as help, so write one behind `  # `"
            for name, _, row in _assignments(source)
            if "  # " not in rows[row]
        ]
    except ValueError as error:
        problems.append(str(error))
    return problems


def output_problems(notebook: NotebookNode) -> list[str]:
    """Say what is wrong with an executed chapter: words on stderr, empty figures, figures without alt text."""
    return [
        f"code cell {count}: {problem}"
        for count, cell in enumerate(code_cells(notebook), 1)
        for output in cell.get("outputs", [])
        if (problem := _output_problem(cell, output))
    ]


def _output_problem(cell: NotebookNode, output: NotebookNode) -> str | None:
    if output.output_type == "stream" and output.name == "stderr":
        return f"wrote to stderr: {output.text.strip()[-500:]!r}; repair its cause"
    data = output.get("data", {})
    if PLOTLY in data:
        return _figure_problem(data[PLOTLY], _cell_alt(cell))
    if any(mime in data for mime in IMAGES) and not _cell_alt(cell):
        return 'an image without alt text: give the cell the metadata {"mystnb": {"image": {"alt": "what it shows"}}}'
    return None


def _figure_problem(figure: Mapping, cell_alt: str) -> str | None:
    states = [figure.get("data", []), *(frame.get("data", []) for frame in figure.get("frames") or [])]
    if not all(any(_has_points(trace) for trace in state) for state in states):
        return "an empty figure, or an empty frame of one: no trace has data; draw something or remove it"
    if not (cell_alt or (figure.get("layout", {}).get("meta") or {}).get("alt")):
        return "a figure without alt text: show it with `figures.show(figure, alt=...)`"
    return None


def _has_points(trace: Mapping) -> bool:
    """Whether some array of a trace holds anything."""
    return any(_holds_something(trace.get(name)) for name in ("x", "y", "z", "values", "r", "source", "lat"))


def _holds_something(array: object) -> bool:
    """Whether an array, as plotly writes it, has a value: a list, maybe of lists, or base64."""
    if isinstance(array, Mapping):
        return bool(array.get("bdata"))
    if isinstance(array, list):
        return any(_holds_something(item) for item in array)
    return array is not None and not (isinstance(array, float) and math.isnan(array))


def _cell_alt(cell: NotebookNode) -> str:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


# ---- the page's form ----


def with_outputs(source: NotebookNode, executed: NotebookNode, values: Mapping[str, object]) -> NotebookNode:
    """Return a chapter as the page shows it: today's text, the outputs of its execution, its parameters once.

    The output of a cell tagged ``lead`` is the picture that answers the chapter's question, so the cell moves up, right
    behind the first text. In JupyterLab it stays where it can run.

    Args:
        source: The chapter.
        executed: Its execution; its code cells are those of the source, the last ones may be missing.
        values: Parameters that it ran with.
    """
    page = copy.deepcopy(source)
    for cell, ran in zip(code_cells(page), code_cells(executed), strict=False):
        cell.outputs, cell.execution_count = copy.deepcopy(ran.outputs), ran.execution_count
    parameters = _parameters_cell(page)
    parameters.source = with_values(parameters.source, values)
    # What colours the code; an editor that saves without it should not fail the build.
    page.metadata.setdefault("language_info", {"name": "python"})
    if "widgets" in executed.metadata and any(_shows_a_widget(cell) for cell in code_cells(page)):
        page.metadata["widgets"] = executed.metadata["widgets"]
    page.cells = _lead_first([_without_panel(cell) for cell in page.cells])
    return page


def _without_panel(cell: NotebookNode) -> NotebookNode:
    """Return a cell, or a line in the place of one whose panel needs a kernel: its code alone promises too much."""
    if cell.cell_type == "code" and "remove-output" in tags(cell) and _has_a_widget(cell):
        return nbformat.v4.new_markdown_cell('<p class="lb-panel">This cell shows a panel in JupyterLab.</p>')
    return cell


def _shows_a_widget(cell: NotebookNode) -> bool:
    # A panel that needs a kernel is taken off the page, and its state with it.
    return not {"remove-output", "remove-cell"} & set(tags(cell)) and _has_a_widget(cell)


def _has_a_widget(cell: NotebookNode) -> bool:
    return any(WIDGET in output.get("data", {}) for output in cell.outputs)


def without_injected(executed: NotebookNode) -> NotebookNode:
    """Return an executed notebook with the cells of its source only."""
    source = copy.deepcopy(executed)
    source.cells = [cell for cell in source.cells if "injected-parameters" not in tags(cell)]
    return source


def placeholder(name: str, notice: str) -> NotebookNode:
    """Return a page in a chapter's place: its name, and why there is nothing else."""
    cells = [nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_markdown_cell(notice)]
    page = nbformat.v4.new_notebook(cells=cells)
    page.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return page


def _lead_first(cells: list[NotebookNode]) -> list[NotebookNode]:
    lead = [cell for cell in cells if "lead" in tags(cell)]
    rest = [cell for cell in cells if "lead" not in tags(cell)]
    return [*rest[:1], *lead, *rest[1:]]
