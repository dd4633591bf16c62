import pytest
import torch


@pytest.fixture(autouse=True)
def _float32():
    """The chapter trains in float32, as its readers do."""
    torch.set_default_dtype(torch.float32)
