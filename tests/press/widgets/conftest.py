"""Scripts of the widgets, run in Chromium on an empty page: no server, no node."""

import pytest

from latentbook.press.widgets import scripts

IMPORT = """([source, call, arguments_]) =>
    import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))
        .then((module) => eval(call)(module, ...arguments_))"""


@pytest.fixture
def run(browser):
    """Call a function of a module: ``run(["mlp.js"], "(m, x) => m.logistic(x)", 0.5)``; numbers come back as lists."""
    page = browser.new_page()

    def run(names, call, *arguments):
        return page.evaluate(IMPORT, [scripts.join(*names), call, list(arguments)])

    yield run
    page.close()
