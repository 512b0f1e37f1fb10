"""What all tests share."""

import guest
import pytest


@pytest.fixture(scope="session")
def tiny_guest():
    """The directory with the tiny guest's `vmlinuz` and `initrd`."""
    return guest.directory()
