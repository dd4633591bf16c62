"""A chapter's run: which parameters a band is set for, and which undo it."""

from nbformat.v4 import new_notebook

from latentbook.press.execute import Report
from latentbook.press.notebooks import Chapter
from latentbook.press.plan import Built, Order
from tests.press.conftest import parameters

SOURCE = 'scale = "book"  # s\ndataset = "clock"  # d\nlam = 1.0  # l'


def built(tmp_path, **values):
    chapter = Chapter(tmp_path / "1-small.ipynb", new_notebook(cells=[parameters(SOURCE)]))
    defaults = {"scale": "book", "dataset": "clock", "lam": 1.0}
    return Built(chapter, {**defaults, **values}, new_notebook(), None, Report())


def test_scale_and_data_choose_a_band(tmp_path):
    run = built(tmp_path, scale="smoke", dataset="mnist").run
    assert run == {"scale": "smoke", "dataset": "mnist", "changed": {}}


def test_other_parameters_undo_it(tmp_path):
    assert built(tmp_path, lam=2.0).run["changed"] == {"lam": 2.0}


def test_folders_lie_under_the_checkout(tmp_path):
    order = Order(tmp_path, tmp_path / "html")
    assert order.executed.is_relative_to(order.store)
    assert order.store == tmp_path / "_build"
