"""What every test of this room shares."""

import pytest
from torch.distributions import Distribution


@pytest.fixture(autouse=True)
def _validation():
    """Switch the validation of distributions on: torch.compile switches it off, for the whole process."""
    Distribution.set_default_validate_args(True)
