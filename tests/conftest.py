"""What every test shares: checked shapes, float64, seeds, a device, and one book built at smoke scale."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jaxtyping import install_import_hook

import tests.laws  # noqa: F401  (the hook looks it up by name)

# Before the package is imported anywhere: every annotated function then checks the shapes that it is given.
install_import_hook("latentbook", "tests.laws.typecheck")

import jaxtyping  # noqa: E402
import torch  # noqa: E402


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
