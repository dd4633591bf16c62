"""What every test shares: checked shapes, float64, seeds, a device, and one book built at smoke scale."""

import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from jaxtyping import install_import_hook

import tests.laws  # noqa: F401  (the hook looks it up by name)

# Before the package is imported anywhere: every annotated function then checks the shapes that it is given.
install_import_hook("latentbook", "tests.laws.typecheck")

import hypothesis  # noqa: E402
import jaxtyping  # noqa: E402
import torch  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from tests.pages import FLAGS, HINTS  # noqa: E402

# As in the chapters. With more threads, what else the machine does decides how a sum is split, and so its last bit.
torch.set_num_threads(1)

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

# A background job of a shell ignores Ctrl-C, and so would every build that is started here to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="device of the tests: cpu, cuda")


@pytest.fixture(scope="session")
def device(request):
    return torch.device(request.config.getoption("--device"))


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def unchecked():
    """Switch the run-time shape check off: what a user without it sees."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# ---- the book itself, once, at smoke scale ----

ROOT = Path(__file__).parents[1]
# Beside the pages of `make book`, which tests leave alone.
SMOKE = ROOT / "_build" / "smoke"


@pytest.fixture(scope="session")
def smoke_book(device):
    """The folder of the smoke book's pages, built by the press as a reader would."""
    before = _state_of_the_book()
    words = ["build", "--scale", "smoke", "--device", str(device), "--root", str(ROOT), "--output", str(SMOKE)]
    done = subprocess.run([sys.executable, "-m", "latentbook", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _state_of_the_book() == before, "the tests' build changed the pages of `make book`"
    return SMOKE


def _state_of_the_book():
    """Return what `make book` has published: where its link points to, and all files there with their times."""
    html = SMOKE.with_name("html")
    files = {str(file): file.stat().st_mtime_ns for file in html.rglob("*")} if html.exists() else {}
    return html.readlink() if html.is_symlink() else None, files


@pytest.fixture(scope="session")
def smoke_notebooks(smoke_book):
    """The executed chapters behind the smoke book, by name."""
    manifest = json.loads((smoke_book / "build.json").read_text())
    executed = ROOT / "_build" / "executed"
    return {name: nbformat.read(executed / entry["notebook"], 4) for name, entry in manifest.items()}


# ---- pages in Chromium ----


@pytest.fixture(scope="session")
def browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("LATENTBOOK_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium: apt-get install chromium, or set LATENTBOOK_CHROMIUM=/path/to/chrome"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watch(browser):
    """Open a page by its address; the test fails on any request off the machine and on any error in the console."""
    faults, contexts = [], []

    def watch(address, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        local = ("file:", "blob:", "data:", "http://127.0.0.1:")

        def route(route):
            if route.request.url.startswith(local):
                route.continue_()
            else:
                faults.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
        page.goto(address)
        return page

    watch.expected = [*HINTS]
    yield watch
    for context in contexts:
        context.close()
    assert not [fault for fault in faults if not any(words in fault for words in watch.expected)]


@pytest.fixture
def visit(watch, smoke_book):
    """Open a page of the smoke book by its name, watched."""

    def visit(name, *, base=None, **options):
        return watch(f"{base or smoke_book.absolute().as_uri()}/{name}.html", **options)

    return visit


@pytest.fixture(scope="session")
def server(smoke_book):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(smoke_book))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
