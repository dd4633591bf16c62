"""What every test shares: checked shapes, float64, seeds, a device, and one book built at smoke scale."""

import pytest
from jaxtyping import install_import_hook

# Before the package is imported anywhere: every annotated function then checks the shapes that it is given.
hook = install_import_hook("latentbook", "laws.typecheck")
hook.install() if hasattr(hook, "install") else None

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
